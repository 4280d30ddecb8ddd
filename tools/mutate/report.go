package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// report is what came of a call.
type report struct {
	Seed     uint64  `json:"seed"`
	Count    int     `json:"count"`
	Quick    bool    `json:"quick"` // slow tests were not run
	Packages []tried `json:"packages"`
}

// tried is what came of one package's sample.
type tried struct {
	Package     string   `json:"package"`
	Possible    int      `json:"possible"` // mutants that there are, those that do not compile among them
	Tried       int      `json:"tried"`    // that compiled
	Killed      int      `json:"killed"`   // by time, too
	NotCompiled int      `json:"not_compiled"`
	Survived    []mutant `json:"survived"`
	TimedOut    []mutant `json:"timed_out"`
}

func (r *tried) count(m mutant, end outcome) {
	if end == notCompiled {
		r.NotCompiled++
		return
	}
	r.Tried++
	switch end {
	case survived:
		r.Survived = append(r.Survived, m)
	case timedOut:
		r.TimedOut = append(r.TimedOut, m)
		r.Killed++
	default:
		r.Killed++
	}
}

func (r report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	how := ""
	if r.Quick {
		how = "; by quick tests only"
	}
	for _, p := range r.Packages {
		share := 100.0
		if p.Tried > 0 {
			share = 100 * float64(p.Killed) / float64(p.Tried)
		}
		fmt.Fprintf(w, "%s: %d of %d killed (%.0f %%), %d of these by time; %d do not compile; seed %d, of %d "+
			"possible%s\n",
			p.Package, p.Killed, p.Tried, share, len(p.TimedOut), p.NotCompiled, r.Seed, p.Possible, how)
		list(w, "by time ", p.TimedOut)
		list(w, "survived", p.Survived)
	}
	return nil
}

func list(w io.Writer, what string, ms []mutant) {
	for _, m := range ms {
		where := ""
		if m.Func != "" {
			where = m.Func + ": "
		}
		fmt.Fprintf(w, "  %s %s:%d: %s%s\n", what, m.File, m.Line, where, m.Change)
	}
}
