package app

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/ups"
)

// frail is a display that works until its nth picture, and from then on fails, or hangs, until it is mended.
type frail struct {
	Driver
	mu     sync.Mutex
	left   int // pictures until it breaks
	broken func() error
	free   chan struct{} // closed: it hangs no more
}

func (f *frail) Show(s display.Screen) error {
	f.mu.Lock()
	f.left--
	broken := f.broken
	if f.left >= 0 {
		broken = nil
	}
	f.mu.Unlock()
	if broken != nil {
		if err := broken(); err != nil {
			return err
		}
	}
	return f.Driver.Show(s)
}

func (f *frail) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = nil
	close(f.free)
}

// refused is a customer who scans the code that is in his phone already.
func (w *world) refused() bool {
	_, err := w.glase.Scan(w.t.Context(),
		glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(5000)})
	var e *glasetest.PhoneError
	return errors.As(err, &e) && e.Code == "DEVICE_UNAVAILABLE"
}

// TestADisplayThatFailsAtAnyMomentStopsNoSaleAndOffersNoNewOne lets the display fail, or hang, at each picture of a
// sale in turn. The sale ends as if nothing were, the next one is not offered, and when the display works again it is.
func TestADisplayThatFailsAtAnyMomentStopsNoSaleAndOffersNoNewOne(t *testing.T) {
	for _, how := range []string{"fails", "hangs"} {
		for moment, last := 0, false; !last; moment++ {
			if moment > 100 {
				t.Fatal("a sale of more than 100 pictures")
			}
			t.Run(fmt.Sprintf("%s at picture %d", how, moment), func(t *testing.T) {
				play(t, "reservation", func(w *world) {
					f := &frail{Driver: w.app.screen.driver, left: moment, free: make(chan struct{})}
					f.broken = func() error { return errors.New("the cable is out") }
					if how == "hangs" {
						f.broken = func() error { <-f.free; return nil }
					}
					w.app.screen.driver = f
					ref := w.buy()
					w.press("cancel") // that is all
					sale := w.settled()
					w.money(ref, 1500)
					if sale.State != fsm.Charged || w.dropped()["A1"] != 1 {
						t.Errorf("the sale is %s (%s), %d came out", sale.State, sale.Why, w.dropped()["A1"])
					}
					time.Sleep(time.Minute) // the thanks are over, and a picture that hangs is late
					if f.mu.Lock(); f.left >= 0 {
						last = true // nothing broke: the sale has no more pictures than these
					}
					f.mu.Unlock()
					s := w.app.Kiosk.State()
					switch {
					case last && s.Stage != fsm.Ready:
						t.Errorf("%s (%s) with a display that works", s.Stage, s.Reason)
					case !last && (s.Stage != fsm.OutOfService || s.Reason != "display" || !w.refused()):
						t.Errorf("%s (%s): a sale is offered without a display", s.Stage, s.Reason)
					}
					f.mend()
					time.Sleep(30 * time.Second)
					ref = w.buy()
					w.settled()
					w.money(ref, 1500)
				})
			})
		}
	}
}

// TestASlowDisplayGetsItsLastPicture: electronic paper shows for ever what was on it last, so the end waits for it.
func TestASlowDisplayGetsItsLastPicture(t *testing.T) {
	play(t, "reservation", func(w *world) {
		f := &frail{Driver: w.app.screen.driver, free: make(chan struct{})}
		f.broken = func() error { time.Sleep(4 * time.Second); return nil }
		w.app.screen.driver = f
		w.scan() // the confirming begins to be drawn
		w.end()
		w.end = func() {}
		if w.app.screens == nil {
			t.Error("the daemon ended without a display that was slow")
		}
		if p := w.screen.now(); p.Kind == display.Confirm {
			t.Errorf("a machine that is off shows %s for ever", p.Kind)
		}
	})
}
