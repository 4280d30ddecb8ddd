package app

import (
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
)

// TestARefundWhoseAnswersAreLostReachesTheCustomer: the money goes back although nobody says so for a while, once,
// and no person needs to look after it.
func TestARefundWhoseAnswersAreLostReachesTheCustomer(t *testing.T) {
	for _, acts := range []bool{false, true} {
		play(t, "sticker", func(w *world) {
			w.rules(glasetest.Fault{Operation: "refundPayment", Fault: "reset", Acts: acts, Count: 7})
			w.fault("A1", "jam")
			ref := w.buy()
			time.Sleep(5 * time.Minute)
			sale := w.settled()
			w.money(ref, 0)
			if sale.State != fsm.Refunded || sale.Refunded != sale.Charged || sale.Charged.IsZero() {
				t.Errorf("ended %s with %v refunded of %v: %s", sale.State, sale.Refunded, sale.Charged, sale.Note)
			}
		})
	}
}
