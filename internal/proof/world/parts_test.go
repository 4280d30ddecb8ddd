package world

import (
	"flag"
	"testing"

	"kioskd/fsm"
)

var otherFlag = flag.Uint64("other", 150, "play this many worlds with a machine of other parts")

// TestSpiralsWithAHomeAndLockersLoseNoMoney plays worlds whose machine has a spiral with a home switch and a retry
// turn, and a locker. The usual worlds have some of them, too.
func TestSpiralsWithAHomeAndLockersLoseNoMoney(t *testing.T) {
	ground := NewGround(t, t.TempDir())
	outcomes, faults := map[string]int{}, map[string]int{}
	for seed := *fromFlag; seed < *fromFlag+*otherFlag; seed++ {
		o := Options{Parts: "other", Ground: ground}
		r := Play(t, seed, o)
		for state, n := range r.Outcomes {
			outcomes[state] += n
		}
		for kind, n := range r.Faults {
			faults[kind] += n
		}
		if len(r.Violations) > 0 {
			t.Fatal(Report(t, seed, o, r))
		}
	}
	t.Logf("sales %v\ntroubles %v", outcomes, faults)
	for _, kind := range []string{"stall", "wedge", "two_drop", "home_stuck", "home_lost", "never_opens", "left_open"} {
		if faults["machine "+kind] == 0 {
			t.Errorf("no machine had %s: the worlds are too kind", kind)
		}
	}
	if outcomes[string(fsm.Charged)] == 0 || outcomes[string(fsm.Released)] == 0 {
		t.Errorf("the sales ended %v: the worlds are too kind", outcomes)
	}
}
