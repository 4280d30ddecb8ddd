package sim

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this world only, and tell its diary")
	seedsFlag = flag.Uint64("seeds", 600, "play this many worlds")
	fromFlag  = flag.Uint64("from", 1, "the first of them")
	twiceFlag = flag.Uint64("twice", 10, "play this many worlds twice and compare")
)

const (
	shards     = 4
	seedsUsual = 400 // so many worlds have met everything
)

func report(t *testing.T, seed uint64, r Result) {
	t.Helper()
	if len(r.Violations) > 0 {
		t.Errorf("seed=%d:\n  %s\n%s", seed, strings.Join(r.Violations, "\n  "), r.Diary)
	}
}

// TestNoSeedLosesMoney plays many worlds, or with -seed one. A soak plays more: -seeds 100000 -from 1000000 -timeout 0.
func TestNoSeedLosesMoney(t *testing.T) {
	if *seedFlag != 0 {
		r := Play(t, *seedFlag, Options{})
		t.Log(r.Diary)
		report(t, *seedFlag, r)
		return
	}
	results := make(chan Result, *seedsFlag)
	began := time.Now()
	t.Run("worlds", func(t *testing.T) {
		for shard := range uint64(shards) {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for seed := *fromFlag + shard; seed < *fromFlag+*seedsFlag; seed += shards {
					r := Play(t, seed, Options{})
					report(t, seed, r)
					results <- r
				}
			})
		}
	})
	close(results)
	total := Result{Outcomes: map[string]int{}, Doubts: map[string]int{}, Faults: map[string]int{}}
	for r := range results {
		total.Sales += r.Sales
		total.Kills += r.Kills
		for k, n := range r.Outcomes {
			total.Outcomes[k] += n
		}
		for k, n := range r.Doubts {
			total.Doubts[k] += n
		}
		for k, n := range r.Faults {
			total.Faults[k] += n
		}
	}
	t.Logf("%d worlds in %v: %d sales, %d kills", *seedsFlag, time.Since(began).Round(time.Millisecond), total.Sales, total.Kills)
	for _, m := range []map[string]int{total.Outcomes, total.Doubts, total.Faults} {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			t.Logf("%6d %s", m[k], k)
		}
	}
	if *seedsFlag < seedsUsual {
		return
	}
	for _, state := range []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Failed, fsm.Lost, fsm.InDoubt} {
		if total.Outcomes[string(state)] == 0 {
			t.Errorf("no sale ended %s: the worlds are too kind", state)
		}
	}
	if total.Kills < int(*seedsFlag/10) || len(total.Faults) < 20 {
		t.Errorf("%d kills and %d kinds of trouble: the worlds are too kind", total.Kills, len(total.Faults))
	}
}

// TestASeedIsAWorld: whoever is given a seed sees what its finder saw.
func TestASeedIsAWorld(t *testing.T) {
	for seed := *fromFlag; seed < *fromFlag+*twiceFlag; seed++ {
		first, second := moments(Play(t, seed, Options{})), moments(Play(t, seed, Options{}))
		for n := range max(len(first), len(second)) {
			if n >= len(first) || n >= len(second) || first[n] != second[n] {
				t.Errorf("seed=%d differs:\n%s\n%s", seed, strings.Join(first[max(0, n-5):min(n+5, len(first))], "\n"), strings.Join(second[max(0, n-5):min(n+5, len(second))], "\n"))
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
