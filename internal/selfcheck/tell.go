package selfcheck

import (
	"fmt"
	"io"
	"strings"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/fleet/protocol"
)

// Name is the part's that tells of the last test.
const Name = "Self-test"

// The words of its troubles, beside those of package host.
const (
	Failed = "selftest_failed"
	Late   = "selftest_late" // the machine is never idle, or never on, when it is time
)

// judge is how the tests stand, and the trouble's word.
func (t *Tester) judge() (p api.Part, word string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p = api.Part{Name: Name, OK: true, What: "none yet", Since: t.last.At}
	switch age := t.age(); {
	case !t.last.At.IsZero() && !t.last.OK:
		var bad []string
		for _, c := range t.last.Checks {
			if !c.OK {
				bad = append(bad, c.Name+": "+c.Says)
				if p.Do == "" {
					p.Do = c.Do
				}
			}
		}
		p.OK, p.What, word = false, strings.Join(bad, "; "), Failed
		p.Do = strings.TrimPrefix(p.Do+"; when it is mended, test again: kioskd selftest", "; ")
	case age >= late:
		p.OK, word = false, Late
		p.What = fmt.Sprintf("none for %d days: the machine was never idle", int(age/(24*time.Hour)))
		p.Do = "make one now, while nobody is served: kioskd selftest"
	case t.oddFile != "":
		p.What = "none that is known: " + t.oddFile
	case !t.last.At.IsZero():
		p.What = fmt.Sprintf("all %d checks are good", len(t.last.Checks))
	}
	return p, word
}

// Parts are the computer's, and how the last test went.
func (t *Tester) Parts() []api.Part {
	if t == nil {
		return nil
	}
	p, _ := t.judge()
	return append(t.c.Host.Parts(), p)
}

// Metrics writes the same in Prometheus's text format.
func (t *Tester) Metrics(out io.Writer) {
	if t == nil {
		return
	}
	t.c.Host.Metrics(out)
	last := t.Last()
	if last.At.IsZero() {
		return
	}
	failed := 0
	for _, c := range last.Checks {
		if !c.OK {
			failed++
		}
	}
	for _, m := range []struct {
		name, help string
		value      int64
	}{
		{"selftest_failed_checks", "Checks of the last self-test that were not good; left out before the first.", int64(failed)},
		{"selftest_timestamp_seconds", "When it was.", last.At.Unix()},
	} {
		fmt.Fprintf(out, "# HELP kioskd_%[1]s %[2]s\n# TYPE kioskd_%[1]s gauge\nkioskd_%[1]s %[3]d\n", m.name, m.help, m.value)
	}
}

// Troubles are what the fleet is told of the machine that does not stop it yet, at most protocol.TroublesMax.
func (t *Tester) Troubles() (all []protocol.ConditionTrouble) {
	if t == nil {
		return nil
	}
	add := func(name, note string) {
		if len(all) < protocol.TroublesMax {
			all = append(all, protocol.ConditionTrouble{Name: name, Note: protocol.Short(note)})
		}
	}
	for _, f := range t.c.Host.Facts() {
		if f.Word != "" {
			add(f.Word, f.Says)
		}
	}
	if p, word := t.judge(); word != "" {
		add(word, p.What)
	}
	return all
}
