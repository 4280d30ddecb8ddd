package kiosk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
)

// TestAPurchaseThatWaitedPastItsEndReservesNothing: the journal hangs, or the process is frozen, while it waits for the
// loop; nobody would be told the invoice.
func TestAPurchaseThatWaitedPastItsEndReservesNothing(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		free := make(chan struct{})
		w.mu.Lock()
		w.flood = func() { <-free }
		w.mu.Unlock()
		k.Raise(fsm.Fault{Name: "tilt"})
		k.Clear("tilt")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, code := k.CreatePurchase(ctx, "payer", sek(5000)); code != fsm.SystemError {
			t.Errorf("answered %s", code)
		}
		w.flood = nil
		close(free)
		rest(10 * time.Second)
		if s := k.State(); s.Sale.ID != "" {
			t.Errorf("a sale has begun: %+v", s.Sale)
		}
		if _, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); code != "" {
			t.Errorf("the next customer is answered %s", code)
		}
	})
}
