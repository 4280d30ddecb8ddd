package world

import (
	"flag"
	"testing"

	"kioskd/fsm"
)

var lockSeeds = flag.Uint64("locks", 60, "play this many worlds whose lockers are behind a lock board")

// TestALockBoardLosesNoMoney plays worlds whose lockers are behind a serial lock board.
func TestALockBoardLosesNoMoney(t *testing.T) {
	ground := NewGround(t, t.TempDir())
	outcomes, faults := map[string]int{}, map[string]int{}
	for seed := *fromFlag; seed < *fromFlag+*lockSeeds; seed++ {
		o := Options{Ground: ground, Locks: true}
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
	t.Logf("sales by state %v, troubles %v", outcomes, faults)
	for _, kind := range []string{"locks unplugged", "locks silent", "locks lost", "machine never_opens",
		"machine left_open"} {
		if faults[kind] == 0 {
			t.Errorf("nothing had %s: the worlds are too kind", kind)
		}
	}
	if outcomes[string(fsm.Charged)] < 40 || outcomes[string(fsm.Released)] == 0 {
		t.Errorf("the sales ended %v: the worlds are too kind", outcomes)
	}
}

var boardSeeds = flag.Uint64("boards", 60, "play this many worlds whose spirals are behind a motor board")

// TestAMotorBoardLosesNoMoney plays worlds whose spirals are behind a serial motor board.
func TestAMotorBoardLosesNoMoney(t *testing.T) {
	ground := NewGround(t, t.TempDir())
	outcomes, faults := map[string]int{}, map[string]int{}
	for seed := *fromFlag; seed < *fromFlag+*boardSeeds; seed++ {
		r := Play(t, seed, Options{Ground: ground, Board: true})
		for _, v := range r.Violations {
			t.Errorf("seed=%d: %s", seed, v)
		}
		if len(r.Violations) > 0 && testing.Verbose() {
			t.Log(r.Diary)
		}
		for state, n := range r.Outcomes {
			outcomes[state] += n
		}
		for kind, n := range r.Faults {
			faults[kind] += n
		}
	}
	t.Logf("sales by state %v, troubles %v", outcomes, faults)
	if *boardSeeds >= 60 && (outcomes[string(fsm.Charged)] < 60 || faults["board reset"] == 0 ||
		faults["board odd word"] == 0) {
		t.Errorf("sales by state %v, troubles %v: the worlds are too kind", outcomes, faults)
	}
}
