package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tally adds worlds up.
type tally struct {
	mu     sync.Mutex
	worlds int
	bad    int    // of them, with a broken promise
	last   uint64 // the highest seed
	total  Result
}

func newTally() *tally {
	return &tally{total: Result{Outcomes: map[string]int{}, Doubts: map[string]int{}, Faults: map[string]int{},
		Refunds: map[string]int{}}}
}

func (a *tally) add(w tale) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.worlds, a.last = a.worlds+1, max(a.last, w.Seed)
	if w.Report != "" {
		a.bad++
	}
	if w.Result == nil {
		return
	}
	r := w.Result
	a.total.Sales += r.Sales
	a.total.Kills += r.Kills
	a.total.Verdicts += r.Verdicts
	for _, m := range []struct{ to, from map[string]int }{{a.total.Outcomes, r.Outcomes}, {a.total.Doubts, r.Doubts},
		{a.total.Faults, r.Faults}, {a.total.Refunds, r.Refunds}} {
		for k, n := range m.from {
			m.to[k] += n
		}
	}
}

func (a *tally) broken() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bad
}

func (a *tally) sales() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.total.Sales
}

// faults is how many troubles there were, kills included.
func (a *tally) faults() int {
	n := a.total.Kills
	for _, k := range a.total.Faults {
		n += k
	}
	return n
}

// text is the sums, a line each.
func (a *tally) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds, seeds %d to %d: %d sales, %d verdicts of a person, %d kills, %d faults, %.2f of them "+
		"for each sale, %d worlds broke a promise\n", a.worlds, *fromFlag,
		a.last, a.total.Sales, a.total.Verdicts, a.total.Kills, a.faults(),
		float64(a.faults())/float64(max(1, a.total.Sales)), a.bad)
	for _, m := range []struct {
		what string
		of   map[string]int
	}{{"sales that ended", a.total.Outcomes}, {"doubts", a.total.Doubts}, {"faults", a.total.Faults},
		{"refunds that were asked for", a.total.Refunds}} {
		fmt.Fprintf(&b, "%s:\n", m.what)
		for _, k := range slices.Sorted(maps.Keys(m.of)) {
			fmt.Fprintf(&b, "%9d %s\n", m.of[k], k)
		}
	}
	return b.String()
}
