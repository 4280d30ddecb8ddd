package vend

import (
	"testing"
	"time"
)

func TestTheFirstEdgeLatchesAndTheDeadTimeRunsFromTheLast(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for name, edges := range map[string][]int{
		"one pulse of 5 ms":         {0},
		"the same edge twice":       {0, 0},
		"a burst of 1 ms bounces":   {0, 2, 4, 6, 8, 10},
		"a product that tumbles by": {0, 40, 80, 120},
	} {
		l := latch{dead: 50 * time.Millisecond}
		if l.quiet(at(1000)) {
			t.Errorf("%s: quiet before any product", name)
		}
		for _, e := range edges {
			l.edge(at(e))
			if !l.seen || l.quiet(at(e+49)) {
				t.Errorf("%s: at %d ms seen is %v and quiet 49 ms later is %v, want true and false", name, e, l.seen,
					l.quiet(at(e+49)))
			}
		}
		if !l.quiet(at(edges[len(edges)-1] + 50)) {
			t.Errorf("%s: not quiet after the dead time", name)
		}
	}
}
