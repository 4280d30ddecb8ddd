package kiosk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// These stories are what a customer or an operator would suffer from a small mistake in this package.

// TestAHandInTheMachineStopsTheMotor: whoever opens the door while a spiral turns reaches into it.
func TestAHandInTheMachineStopsTheMotor(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, w *world, k *Kiosk){
		"a customer's vend": func(t *testing.T, w *world, k *Kiosk) {
			k.CreatePurchase(t.Context(), "payer", sek(5000))
			w.confirm()
			rest(2 * time.Second)
			k.Choose("A1")
		},
		"a technician's test": func(t *testing.T, _ *world, k *Kiosk) {
			if _, err := k.TestVend(t.Context(), "A1", "anna"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			var on, stopped bool
			w.vend = func(ctx context.Context) (fsm.ItemOutcome, reason.Why) {
				on = true
				select {
				case <-ctx.Done():
					stopped = true
					return fsm.NotDelivered, "stopped"
				case <-time.After(4 * time.Second):
					return fsm.Delivered, ""
				}
			}
			story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
				begin(t, w, k)
				synctest.Wait()
				if !on || stopped {
					t.Fatalf("the motor is on: %v, was stopped: %v", on, stopped)
				}
				k.Raise(fsm.Fault{Name: reason.Door, Hard: true})
				synctest.Wait()
				if !stopped {
					t.Error("the door is open, and the motor turns")
				}
				k.Clear(reason.Door)
				rest(time.Minute)
				if s := k.State(); s.Busy() || s.Serving() || !w.paid.IsZero() {
					t.Errorf("%s, Glase took %v", s.Stage, w.paid)
				}
			})
		})
	}
}

// rest lets time pass, and whatever comes of it end.
func rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// taken counts the products that the journal knows to have left a slot.
func (w *world) taken(slot string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.records); n > 0 {
		return w.records[0].After.Stock[slot] - w.records[n-1].After.Stock[slot]
	}
	return 0
}

// TestAProductThatLeftWhileTheJournalWasAwayIsCountedOnce: else the next start offers what is not there, and a
// customer pays for an empty spiral; or counts it twice, and the operator's last product is never sold.
func TestAProductThatLeftWhileTheJournalWasAwayIsCountedOnce(t *testing.T) {
	for tries := range 3 {
		w := newWorld()
		story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
			k.CreatePurchase(t.Context(), "payer", sek(5000))
			w.confirm()
			rest(2 * time.Second)
			k.Choose("A1")
			synctest.Wait()
			w.mu.Lock()
			w.failAt = len(w.records) // the motor turns, and the disk is full
			w.mu.Unlock()
			rest(30*time.Second + time.Duration(tries)*journalEvery)
			if n := w.taken("A1"); n != 0 {
				t.Fatalf("%d products are recorded by a journal that takes no record", n)
			}
			w.mu.Lock()
			w.healed = true
			w.mu.Unlock()
			rest(2 * journalEvery)
			if n := w.taken("A1"); n != 1 {
				t.Errorf("after %d tries that failed the journal knows of %d products that left, want 1", tries, n)
			}
			w.mu.Lock()
			w.healed, w.failAt = false, len(w.records) // and the disk is full once more
			w.mu.Unlock()
			k.Raise(fsm.Fault{Name: "tilt"})
			rest(time.Second)
			w.mu.Lock()
			w.healed = true
			w.mu.Unlock()
			k.Clear("tilt")
			rest(2 * journalEvery)
			if n := w.taken("A1"); n != 1 {
				t.Errorf("after an outage in which nothing left it knows of %d products, want 1", n)
			}
			sell(t, w, k)
			synctest.Wait()
			if n := w.taken("A1"); n != 2 || w.paid != sek(1500) {
				t.Errorf("after one sale more it knows of %d, want 2; Glase took %v", n, w.paid)
			}
		})
	}
}
