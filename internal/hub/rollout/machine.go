package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fate is how a machine fares with the version.
type Fate string

// The fates.
const (
	None      Fate = ""          // it was not asked
	Asked     Fate = "asked"     // nothing has come of it yet
	Absent    Fate = "absent"    // it was not heard since it was asked
	Unfetched Fate = "unfetched" // it cannot get the package
	Waiting   Fate = "waiting"   // it has got the package, and waits for the end of a sale
	Trying    Fate = "trying"    // it runs it, and is watched
	Good      Fate = "good"      // it runs it, and that has proven itself
	Returned  Fate = "returned"  // it runs its earlier version again, as a person wanted
	WentBack  Fate = "went_back" // it was no good there
	Refused   Fate = "refused"   // it was not even tried there: the config, or the journal
	Silent    Fate = "silent"    // it was heard after it was asked, and not for long now
)

// Fates are all that a machine that was asked may have, in the order in which they are told.
func Fates() []Fate {
	return []Fate{Asked, Absent, Unfetched, Waiting, Trying, Good, Returned, WentBack, Refused, Silent}
}

// tried reports whether the version had its effect on the machine, or may have had.
func (f Fate) tried() bool { return f.begun() || f.bad() }

// begun: the package is there.
func (f Fate) begun() bool { return f == Waiting || f == Trying || f == Good }

func (f Fate) bad() bool { return f == WentBack || f == Refused || f == Silent }

// Try is what is on record of one machine in one rollout.
type Try struct {
	Asked time.Time // zero: it was not
	Ring  int       // the one that was asked then
	Fate  Fate
	Why   string // as the machine says
	Had   string // the version that it had before; "": not known
	// Passed: a person has seen that it is not good there, and lets the others go on.
	Passed bool
}

// Told is what a machine says of a change of its version. The zero Told says nothing.
type Told struct {
	State, From, To, Why string // of the last change, as package upgrade has it
	// Fetch is how far it is with getting the package of version FetchTo.
	Fetch, FetchTo, FetchWhy string
}

// Words of Told, as the machine's own units write them.
const (
	toldWaiting string = "waiting"
	toldTrial   string = "trial"
	toldDone    string = "done"
	toldBack    string = "back"
	toldRefused string = "refused"

	fetchInstalled string = "installed" // apt has laid it beside the one that runs
	fetchCurrent   string = "current"   // it runs
	fetchFailed    string = "failed"
)

// Machine is one that the version may be wanted of.
type Machine struct {
	Kiosk string
	Seen  time.Time // when it was last heard, by the hub's clock; zero: never
	Told  Told
	Try   Try
}

func (m Machine) there(now time.Time) bool { return now.Sub(m.Seen) <= HeardLately }

// judge finds how a machine that was asked fares. deaf: so few are heard that silence says nothing of the version.
func (r Rollout) judge(m Machine, now time.Time, deaf bool) Try {
	t := m.Try
	if t.Asked.IsZero() {
		return t
	}
	if r.State == Back {
		if fate, _ := told(m.Told, t.Had); fate == Good && t.Had != "" {
			t.Fate, t.Why = Returned, ""
		}
		return t // else as it was when a person turned it back
	}
	fate, why := told(m.Told, r.Version)
	if m.Told.To == r.Version && m.Told.From != "" && m.Told.From != r.Version {
		t.Had = m.Told.From
	}
	silent := now.Sub(m.Seen) > SilentAfter
	switch {
	case fate.bad(), fate == Unfetched, !silent:
	case fate == Asked && !m.Seen.After(t.Asked):
		fate = Absent
	case !deaf || t.Fate == Silent:
		fate, why = Silent, "not heard since "+m.Seen.UTC().Format("2006-01-02 15:04 UTC")
	}
	t.Fate, t.Why = fate, why
	return t
}

// told reads what a machine says of a version.
func told(m Told, version string) (Fate, string) {
	if m.To == version {
		switch m.State {
		case toldWaiting:
			return Waiting, ""
		case toldTrial:
			return Trying, ""
		case toldDone:
			return Good, ""
		case toldBack:
			return WentBack, m.Why
		case toldRefused:
			return Refused, m.Why
		}
	}
	if m.FetchTo == version {
		switch m.Fetch {
		case fetchInstalled:
			return Waiting, ""
		case fetchCurrent:
			return Good, ""
		case fetchFailed:
			return Unfetched, m.FetchWhy
		}
	}
	return Asked, ""
}

// Wish is the version that is wanted of a machine now; "": none, and it stays with what it has. Once a rollout has
// stopped, that is so of who has not got the package yet.
func (r Rollout) Wish(t Try) string {
	switch {
	case t.Asked.IsZero():
		return ""
	case r.State == Back && (t.Fate.begun() || t.Fate == Silent || t.Fate == Returned):
		return t.Had
	case r.State == Running, r.State == Done, r.State != Back && t.Fate.begun():
		return r.Version
	}
	return ""
}

// Pass marks what stands against a rollout as seen, for a person who lets it go on: those that are no good with it, and
// those that do not get it.
func Pass(machines []Machine) []Machine {
	all := slices.Clone(machines)
	for n, m := range all {
		if m.Try.Fate.bad() || m.Try.Fate == Unfetched {
			all[n].Try.Passed = true
		}
	}
	return all
}

// Counts are how many machines have each fate.
type Counts map[Fate]int

// Of counts the machines that were asked.
func Of(machines []Machine) Counts {
	c := Counts{}
	for _, m := range machines {
		if m.Try.Fate != None {
			c[m.Try.Fate]++
		}
	}
	return c
}

// Sum is all of them.
func (c Counts) Sum() (n int) {
	for _, number := range c {
		n += number
	}
	return n
}

// String says it in the order of Fates: "3 good, 1 went back".
func (c Counts) String() string {
	var parts []string
	for _, f := range Fates() {
		if c[f] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c[f], strings.ReplaceAll(string(f), "_", " ")))
		}
	}
	if parts == nil {
		return "nobody was asked"
	}
	return strings.Join(parts, ", ")
}
