package kiosk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// TestAChoiceThatIsTakenBackCostsNobodyTheCredit is a customer who takes the choice back at the machine, or whose vend
// is stopped, and whose credit pays for that product alone: it is there still, so the customer may choose it again.
func TestAChoiceThatIsTakenBackCostsNobodyTheCredit(t *testing.T) {
	for _, c := range []struct {
		outcome  fsm.ItemOutcome
		why      reason.Why
		choosing bool
	}{
		{fsm.NotDelivered, "stopped", true},
		{fsm.NotDelivered, "jam", false},
		{fsm.NotDelivered, "", false},
		{fsm.Unknown, "stopped", false},
		{"a word of no dispenser's", "stopped", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.vend = func(context.Context) (fsm.ItemOutcome, reason.Why) { return c.outcome, c.why }
			k, stop, ended := w.start(t, fsm.State{})
			k.CreatePurchase(t.Context(), "payer", sek(2000)) // enough for A1, and not for A2
			w.confirm()
			time.Sleep(2 * time.Second)
			k.Choose("A1")
			time.Sleep(time.Second)
			s := k.State()
			if _, closed := s.ClosedSlots()["A1"]; (s.Stage == fsm.Choosing) != c.choosing || closed == c.choosing {
				t.Errorf("%s %q: %s, closed %v, and choosing should be %v", c.outcome, c.why, s.Stage, s.Closed,
					c.choosing)
			}
			stop()
			<-ended
		})
	}
}
