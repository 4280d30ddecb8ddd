package world

import (
	"context"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
)

var (
	seedsFlag = flag.Uint64("seeds", worldsUsual, "play this many worlds")
	twiceFlag = flag.Uint64("twice", 10, "play this many worlds twice and compare")
)

const (
	worldsUsual = 400
	salesUsual  = 1350 // at least so many sales are in the usual worlds
)

// TestNoSeedLosesMoney plays many worlds; make soak plays many more.
func TestNoSeedLosesMoney(t *testing.T) {
	began, sums := time.Now(), newTally()
	crew{*fromFlag, *seedsFlag, func(w tale) {
		if sums.add(w); w.Report != "" {
			t.Error(w.Report)
		}
	}}.play(context.Background(), t)
	t.Logf("in %v %s", time.Since(began).Round(time.Millisecond), sums.text())
	if *seedsFlag != worldsUsual {
		return
	}
	if total := sums.total; total.Sales < salesUsual || total.Kills < worldsUsual/10 || len(total.Faults) < 30 {
		t.Errorf("%d sales, %d kills and %d kinds of trouble: the worlds are too kind", total.Sales, total.Kills,
			len(total.Faults))
	}
	for _, what := range []string{"of all", "of a part", "refused", "declined", "in doubt"} {
		if sums.total.Refunds[what] == 0 {
			t.Errorf("no refund was %s: the worlds are too kind", what)
		}
	}
	for _, state := range []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Failed, fsm.Lost,
		fsm.InDoubt} {
		if sums.total.Outcomes[string(state)] == 0 {
			t.Errorf("no sale ended %s: the worlds are too kind", state)
		}
	}
}

// TestASeedIsAWorld: whoever is given a seed sees what its finder saw.
func TestASeedIsAWorld(t *testing.T) {
	for seed := *fromFlag; seed < *fromFlag+*twiceFlag; seed++ {
		first, second := moments(Play(t, seed, Options{})), moments(Play(t, seed, Options{}))
		for n := range max(len(first), len(second)) {
			if n >= len(first) || n >= len(second) || first[n] != second[n] {
				t.Errorf("seed=%d differs:\n%s\n%s", seed, strings.Join(first[max(0, n-5):min(n+5, len(first))], "\n"),
					strings.Join(second[max(0, n-5):min(n+5, len(second))], "\n"))
				break
			}
		}
	}
}

// moments are a diary's lines, those of one moment in the order of the alphabet.
func moments(r Result) []string {
	lines := strings.Split(r.Diary, "\n")
	slices.Sort(lines)
	return lines
}
