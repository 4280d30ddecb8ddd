package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/reason"
)

// hold asks at the socket that no sale begins for so long.
func (w *world) hold(seconds string) (still bool) {
	w.t.Helper()
	answer := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/api/hold", strings.NewReader(`{"seconds": `+seconds+`}`))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w.app.Local.ServeHTTP(answer, r)
	var held api.Held
	if err := json.Unmarshal(answer.Body.Bytes(), &held); err != nil || answer.Code != http.StatusOK {
		w.t.Fatalf("hold %s: %d %s", seconds, answer.Code, answer.Body)
	}
	time.Sleep(time.Millisecond) // in a world's time: the loop hears of it
	return held.Still
}

// TestAHeldMachineEndsItsSaleAndBeginsNone: whoever wants to stop the daemon waits for the customer, and not the other
// way round.
func TestAHeldMachineEndsItsSaleAndBeginsNone(t *testing.T) {
	play(t, "reservation", func(w *world) {
		if w.hold("60") || !w.hold("60") {
			t.Error("a machine that may just begin a sale stands still, or one that was held does not")
		}
		w.hold("0")
		reference := w.scan()
		w.confirm(reference)
		time.Sleep(4 * time.Second)
		for range 3 {
			if w.hold("60") {
				t.Fatal("a machine with a customer stands still")
			}
		}
		w.press("A1")
		time.Sleep(4 * time.Second)
		w.press("cancel")
		sale := w.settled()
		if sale.State != fsm.Charged {
			t.Errorf("the sale that was on is %s", sale.State)
		}
		w.money(reference, 1500)
		if !w.hold("60") {
			t.Error("a machine without a customer does not stand still")
		}
		if answer := w.forge(46800000000, "50.00"); strings.Contains(answer, "invoiceReferenceId") {
			t.Errorf("a held machine begins a sale: %s", answer)
		}
		time.Sleep(59 * time.Second)
		if s := w.app.Kiosk.State(); s.Reason != reason.Held {
			t.Errorf("it was let go too early: %s", s.Reason)
		}
		time.Sleep(2 * time.Second) // whoever held it has died
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("nobody holds it any more, and it stands: %s %s", s.Stage, s.Reason)
		}
		w.hold("300")
		time.Sleep(299 * time.Second)
		w.hold("60") // anew, from now on
		time.Sleep(59 * time.Second)
		if s := w.app.Kiosk.State(); s.Reason != reason.Held {
			t.Errorf("it was let go by the hold before: %s", s.Reason)
		}
		w.hold("0")
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
			t.Errorf("it was let go, and stands: %s %s", s.Stage, s.Reason)
		}
	})
}

// TestATechniciansActIsNoStandstill: a motor that is tested is on.
func TestATechniciansActIsNoStandstill(t *testing.T) {
	play(t, "reservation", func(w *world) {
		w.fault("A1", "no_drop")
		r := httptest.NewRequest("POST", "/api/vend", strings.NewReader(`{"slot": "A1", "by": "anna"}`))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		w.app.Local.ServeHTTP(httptest.NewRecorder(), r)
		w.hold("60")
		if !w.app.Kiosk.State().Serving() || w.hold("60") {
			t.Error("it stands still while a motor is on")
		}
		time.Sleep(59 * time.Second)
		if !w.hold("60") {
			t.Error("it does not stand still when that is over")
		}
	})
}
