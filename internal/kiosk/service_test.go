package kiosk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
)

// story runs a kiosk in virtual time.
func story(t *testing.T, w *world, s fsm.State, tell func(t *testing.T, k *Kiosk)) {
	synctest.Test(t, func(t *testing.T) {
		k, stop, ended := w.start(t, s)
		tell(t, k)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestATechniciansActIsOnTheDiskBeforeAnythingMoves(t *testing.T) {
	w := newWorld()
	w.slow = true
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		id, err := k.TestVend(t.Context(), "A1", "anna")
		if err != nil || k.State().Service.ID != id || !k.State().Serving() {
			t.Fatalf("%q %v: %+v", id, err, k.State().Service)
		}
		time.Sleep(2 * time.Second)
		if v := k.State().Service; !v.Ended || v.Outcome != fsm.Delivered || v.By != "anna" {
			t.Errorf("it ended %+v", v)
		}
		if _, err := k.PulseRelay(t.Context(), "A2", time.Second, "anna"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
	})
	for effect, event := range map[string]string{"motor A1 on": "record ServiceBegan",
		"relay A2 on for 1s": "record ServiceBegan"} {
		if a, b := w.said(effect), w.said(event); a < 0 || b < 0 || a < b {
			t.Errorf("%q stands at %d and %q at %d of %q", effect, a, event, b, w.diary)
		}
	}
	if w.said("sendInvoice") >= 0 || w.records[1].Event.(fsm.ServiceBegan).Service.By != "anna" {
		t.Errorf("%q", w.diary)
	}
}

func TestATechnicianNeverMovesAnythingWhileASaleIsOn(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		k.CreatePurchase(t.Context(), "payer", sek(5000))
		for range 12 { // from the invoice to the money's settlement
			synctest.Wait() // so that no answer of this moment ends the sale between two of the acts
			if k.State().Busy() {
				_, vend := k.TestVend(t.Context(), "A2", "anna")
				_, relay := k.PulseRelay(t.Context(), "A2", time.Second, "anna")
				_, _, count := k.CountStock(t.Context(), "A2", "anna", 9, false)
				if !errors.Is(vend, ErrBusy) || !errors.Is(relay, ErrBusy) || !errors.Is(count, ErrBusy) {
					t.Errorf("in %s: %v, %v, %v", k.State().Stage, vend, relay, count)
				}
			}
			w.confirm2(k)
			time.Sleep(500 * time.Millisecond)
		}
	})
	if w.said("motor A2") >= 0 || w.said("relay") >= 0 || w.said("motor A1") < 0 {
		t.Errorf("%q", w.diary)
	}
}

// confirm2 is the customer, who gives the PIN and then presses A1.
func (w *world) confirm2(k *Kiosk) {
	switch k.State().Stage {
	case fsm.Awaiting:
		w.confirm()
	case fsm.Choosing:
		k.Choose("A1")
	}
}

func TestNobodyBuysWhileATechnicianTests(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		if _, err := k.TestVend(t.Context(), "A1", "anna"); err != nil {
			t.Fatal(err)
		}
		if ref, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); code != fsm.DeviceUnavailable {
			t.Errorf("createPurchase: %q %q", ref, code)
		}
		if _, err := k.PulseRelay(t.Context(), "A2", time.Second, "bert"); !errors.Is(err, ErrServing) {
			t.Errorf("a second act: %v", err)
		}
		time.Sleep(2 * time.Second)
		if k.State().Offers()[0].Left != 1 {
			t.Errorf("%+v", k.State().Offers())
		}
		if _, code := k.CreatePurchase(t.Context(), "payer", sek(5000)); code != "" {
			t.Errorf("afterwards: %q", code)
		}
	})
}

func TestWhatATechnicianCountsIsRecordedAndSold(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		was, left, err := k.CountStock(t.Context(), "A1", "anna", -2, true)
		if err != nil || was != 2 || left != 0 || k.State().Offers()[0].State != "sold_out" {
			t.Fatalf("%d, %d, %v: %+v", was, left, err, k.State().Offers()[0])
		}
		e := w.records[len(w.records)-1]
		if left, known := e.After.Stock["A1"]; left != 0 || !known || e.Event.(fsm.StockCounted).By != "anna" {
			t.Errorf("recorded %+v", e)
		}
		for _, n := range []int{-1, fsm.StockMax + 1} {
			if _, _, err := k.CountStock(t.Context(), "A1", "anna", n, false); !errors.Is(err, ErrStock) {
				t.Errorf("%d products: %v", n, err)
			}
		}
		for _, err := range []error{second(k.TestVend(t.Context(), "Z9", "anna")),
			second(k.PulseRelay(t.Context(), "Z9", 1, "anna"))} {
			if !errors.Is(err, ErrNoSlot) {
				t.Errorf("a slot that is not there: %v", err)
			}
		}
	})
}

func second(_ string, err error) error { return err }

func TestWhatCannotBeRecordedDoesNotMoveForATechnician(t *testing.T) {
	w := newWorld()
	w.failAt = 1
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		if _, err := k.TestVend(t.Context(), "A1", "anna"); !errors.Is(err, ErrNoAct) {
			t.Errorf("%v", err)
		}
		if _, _, err := k.CountStock(t.Context(), "A1", "anna", 7, false); !errors.Is(err, ErrNoAct) || k.State().
			Offers()[0].Left != 2 {
			t.Errorf("%v: %+v", err, k.State().Offers()[0])
		}
	})
	if w.said("motor") >= 0 {
		t.Errorf("%q", w.diary)
	}
}

func TestAnEndOfTheDaemonWaitsForATechniciansOutcome(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		if _, err := k.PulseRelay(t.Context(), "A1", 5*time.Second, "anna"); err != nil {
			t.Fatal(err)
		}
	})
	last := w.records[len(w.records)-1]
	if v := last.After.Service; !v.Ended || v.Why != "stopped" || w.said("outputs off") < 0 {
		t.Errorf("the last record is %+v; %q", last.After.Service, w.diary)
	}
}

func TestATechniciansCallerWhoGoesAwayLosesOnlyTheAnswer(t *testing.T) {
	w := newWorld()
	story(t, w, fsm.State{}, func(t *testing.T, k *Kiosk) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := k.TestVend(gone, "A1", "anna")
		time.Sleep(10 * time.Second)
		v := k.State().Service
		if moved := w.said("motor A1") >= 0; moved != (v.ID != "") || moved != v.Ended {
			t.Errorf("%v, moved %v: %+v", err, moved, v)
		}
	})
}
