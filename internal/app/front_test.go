package app

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/config"
	"kioskd/ups"
)

// These are stories about connections to Glase that die after an answer which promised to keep them.

const (
	deathStep   = 20 * time.Millisecond // between the deaths that are tried
	deathMax    = time.Second           // the latest of them: from then on the next question comes before it
	chargedIn   = 10 * time.Second      // of virtual time, from the product's fall
	frontLittle = 3 * time.Millisecond  // what the network takes one way
)

// behind plays a story with Glase on connections of a network in memory, behind a front.
func behind(t *testing.T, flow string, front glasetest.Front, story func(w *world)) {
	t.Helper()
	network := func(w *world) { w.network = glasetest.NewNetwork(frontLittle) }
	playIn(t, flow, func(*config.Config) {}, network, func(w *world) {
		if err := w.glase.SetFaults(glasetest.Faults{Front: front}); err != nil {
			t.Fatal(err)
		}
		story(w)
	})
}

// served lets Glase listen at the world's network until what it returns is called.
func (w *world) served() (end func()) {
	server := &http.Server{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.glase.Serve(server, w.network); err != http.ErrServerClosed {
			w.t.Error(err)
		}
	}()
	return func() {
		if err := server.Close(); err != nil {
			w.t.Error(err)
		}
		<-ended
		synctest.Wait()
	}
}

// reserves is a customer whose money is enough for A1 and no more, so that nothing is chosen after it.
func (w *world) reserves() (reference string) {
	i, err := w.glase.Scan(w.t.Context(),
		glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(1500)})
	if err != nil {
		w.t.Fatalf("scan: %v", err)
	}
	w.confirm(i.Reference)
	return i.Reference
}

// fell presses A1's button, waits for its product, and for the end of its sale: how long that took from the product on.
func (w *world) fell() (sale fsm.Sale, took time.Duration) {
	front := w.front
	if err := front.Press("A1"); err != nil {
		w.t.Fatal(err)
	}
	for patience := time.Now(); ; time.Sleep(deathStep) {
		s, err := front.Snapshot()
		if err != nil {
			w.t.Fatal(err)
		}
		if s.Slots[0].Dropped > 0 {
			break
		}
		if time.Since(patience) > time.Minute {
			w.t.Errorf("nothing came out: %s", w.app.Kiosk.State().Stage)
			break
		}
	}
	began := time.Now()
	for w.app.Kiosk.State().Busy() && time.Since(began) < time.Hour {
		time.Sleep(deathStep)
	}
	return w.settled(), time.Since(began)
}

func TestAProductIsChargedWithinTenSecondsWheneverAConnectionDies(t *testing.T) {
	for _, kind := range []string{glasetest.FrontCloses, glasetest.FrontHalfCloses, glasetest.FrontResets,
		glasetest.FrontForgets} {
		t.Run(kind, func(t *testing.T) {
			step := deathStep
			if kind != glasetest.FrontCloses {
				step *= 5
			}
			for after := time.Duration(0); after <= deathMax; after += step {
				behind(t, "reservation", glasetest.Front{Kind: kind, After: glasetest.Duration(after)}, func(w *world) {
					ref := w.reserves()
					time.Sleep(3 * time.Second) // an attempt may take that long
					sale, took := w.fell()
					if sale.State != fsm.Charged || took > chargedIn {
						t.Errorf("%v after an answer: %s (%s) after %v", after, sale.State, sale.Note, took)
					}
					w.money(ref, 1500)
				})
			}
		})
	}
}

func TestWhatDidNotComeOutIsRefundedWheneverAConnectionDies(t *testing.T) {
	for _, kind := range []string{glasetest.FrontCloses, glasetest.FrontHalfCloses, glasetest.FrontResets,
		glasetest.FrontForgets} {
		t.Run(kind, func(t *testing.T) {
			for after := time.Duration(0); after <= deathMax; after += 5 * deathStep {
				behind(t, "sticker", glasetest.Front{Kind: kind, After: glasetest.Duration(after)}, func(w *world) {
					w.fault("A1", "jam")
					ref := w.buy()
					began := time.Now()
					sale := w.settled()
					if took := time.Since(began); sale.State != fsm.Refunded || took > 2*chargedIn {
						t.Errorf("%v after an answer: %s (%s) after %v", after, sale.State, sale.Note, took)
					}
					w.money(ref, 0)
				})
			}
		})
	}
}

func TestAForgetfulNATLosesNoSale(t *testing.T) {
	// of the customer, before choosing
	for _, patience := range []time.Duration{5 * time.Second, 19 * time.Second, 40 * time.Second} {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			front := glasetest.Front{Kind: glasetest.FrontForgets, After: glasetest.Duration(30 * time.Second)}
			network := func(w *world) { w.network = glasetest.NewNetwork(frontLittle) }
			playIn(t, "reservation", func(c *config.Config) { c.Payment.ChooseTimeout = time.Minute }, network,
				func(w *world) {
					if err := w.glase.SetFaults(glasetest.Faults{Front: front}); err != nil {
						t.Fatal(err)
					}
					ref := w.reserves()
					time.Sleep(patience)
					sale, took := w.fell()
					if sale.State != fsm.Charged || took > chargedIn/2 {
						t.Errorf("%s (%s) after %v", sale.State, sale.Note, took)
					}
					w.money(ref, 1500)
				})
		})
	}
}
