package world

import (
	"flag"
	"testing"
	"time"

	"kioskd/fsm"
)

var pagesFlag = flag.Uint64("pages", 60, "play this many worlds in which the machine sells on its page")

// TestNoPageLosesMoney: phones vanish, go out of sight, reload and come back, and pages are cancelled, while everything
// else goes wrong that can.
func TestNoPageLosesMoney(t *testing.T) {
	ground, ends, began := NewGround(t, t.TempDir()), map[string]int{}, time.Now()
	for seed := *fromFlag; seed < *fromFlag+*pagesFlag; seed++ {
		res := Play(t, seed, Options{Ground: ground, Flow: string(fsm.Web)})
		for _, v := range res.Violations {
			t.Errorf("seed=%d: %s", seed, v)
		}
		for end, n := range res.Outcomes {
			ends[end] += n
		}
	}
	t.Logf("in %v the sales ended %v", time.Since(began).Round(time.Millisecond), ends)
	if *pagesFlag < 60 {
		return
	}
	for _, state := range []fsm.SaleState{fsm.Charged, fsm.Refunded, fsm.Cancelled} {
		if ends[string(state)] == 0 {
			t.Errorf("no sale ended %s: the worlds are too kind", state)
		}
	}
}
