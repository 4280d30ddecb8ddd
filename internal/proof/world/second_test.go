package world

import (
	"testing"

	"kioskd/fsm"
)

// secondSales are played with the other payment service; -sales says otherwise.
const secondSales = 1000

// TestASecondPaymentServiceIsAnAdapterBesideGlase: the state machine sells through a service with other words and
// without an update, in worlds with all their troubles, and breaks no promise.
func TestASecondPaymentServiceIsAnAdapterBesideGlase(t *testing.T) {
	ground, sums := NewGround(t, t.TempDir()), map[string]int{}
	for seed, sales := *fromFlag, 0; sales < max(secondSales, *salesFlag); seed++ {
		r := Play(t, seed, Options{Ground: ground, Second: true})
		sales += r.Sales
		for state, n := range r.Outcomes {
			sums[state] += n
		}
		for _, v := range r.Violations {
			t.Errorf("seed=%d: %s", seed, v)
		}
		if t.Failed() {
			t.Fatalf("after %d sales: %s", sales, r.Diary)
		}
	}
	for _, state := range []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Lost,
		fsm.InDoubt} {
		if sums[string(state)] == 0 {
			t.Errorf("no sale ended %s: the worlds are too kind", state)
		}
	}
	t.Logf("%v", sums)
}
