package app

import (
	"errors"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/ups"
)

// late is a sendInvoice that is carried out long after its caller gave it up.
func late(after time.Duration) []glasetest.Fault {
	return []glasetest.Fault{{Operation: "sendInvoice", Fault: "latency", Delay: glasetest.Duration(after), Count: 1}}
}

// TestNoCustomersReservationIsEndedByAnInvoiceThatComesLate: at a Glase that makes a new invoice of each sendInvoice,
// one that was given up for lost ends whichever invoice the cash register has by then.
func TestNoCustomersReservationIsEndedByAnInvoiceThatComesLate(t *testing.T) {
	for _, after := range []time.Duration{4 * time.Second, 8 * time.Second, 12 * time.Second, 30 * time.Second} {
		play(t, "reservation", func(w *world) {
			if err := w.glase.SetFaults(glasetest.Faults{Rules: late(after),
				Choices: glasetest.Choices{ClientInvoiceID: "new_invoice"}}); err != nil {
				t.Fatal(err)
			}
			for range 40 { // customers come until one is served
				i, err := w.glase.Scan(w.t.Context(),
					glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(5000)})
				if err != nil {
					time.Sleep(3 * time.Second)
					continue
				}
				w.confirm(i.Reference)
				w.press("A1")
				sale := w.settled()
				if sale.State != fsm.Charged || sale.Charged != sek(1500) {
					t.Errorf("one came late, after %v: %s, charged %v, %s", after, sale.State, sale.Charged, sale.Note)
				}
				w.money(i.Reference, 1500)
				return
			}
			t.Errorf("nobody is served: %+v", w.app.Kiosk.State())
		})
	}
}

// stick puts a sticker on the machine.
func (w *world) stick(seqrID string) {
	c, err := glase.New(glase.Config{
		Endpoint: w.cfg.Glase.Endpoint, TerminalID: glasetest.TestTerminal, Password: glasetest.TestTerminalPassword,
		ClientID:     "Test AB",
		NewReference: func() string { return "sticker" }, Timeout: w.cfg.Glase.Timeout,
		Transport: glasetest.InProcess(w.glase),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	if err := c.AssignSeqrID(w.t.Context(), seqrID); err != nil {
		w.t.Fatal(err)
	}
}

// TestTheStickerLeadsToNoForgottenInvoice: once nobody is being served, whoever scans the sticker finds nothing to pay,
// whatever Glase made of the sendInvoice that had no answer.
func TestTheStickerLeadsToNoForgottenInvoice(t *testing.T) {
	for _, terminal := range []string{"cash_register", "webshop"} {
		for _, repeat := range []string{"same_invoice", "new_invoice"} {
			play(t, "sticker", func(w *world) {
				w.stick("ABC123")
				choices := glasetest.Choices{ClientInvoiceID: repeat, TestTerminal: terminal}
				if err := w.glase.SetFaults(glasetest.Faults{Rules: late(12 * time.Second),
					Choices: choices}); err != nil {
					t.Fatal(err)
				}
				w.press("A1")
				time.Sleep(4 * time.Second)
				w.press("cancel")
				sale := w.settled()
				time.Sleep(15 * time.Second)
				i, err := w.glase.Scan(w.t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/QABC123"})
				var none *glasetest.PhoneError
				if !errors.As(err, &none) || none.Code != glasetest.NoInvoice {
					t.Errorf("%s, %s: after a sale that ended %s the sticker leads to %+v, %v", terminal, repeat,
						sale.State, i, err)
				}
			})
		}
	}
}

// TestALostAnswerCostsNoSaleWhereGlaseKnowsTheInvoiceAgain: the customer hardly notices.
func TestALostAnswerCostsNoSaleWhereGlaseKnowsTheInvoiceAgain(t *testing.T) {
	for _, fault := range []string{"lost_answer", "lost_request"} {
		play(t, "reservation", func(w *world) {
			if err := w.glase.SetFaults(glasetest.Faults{
				Rules: []glasetest.Fault{{Operation: "sendInvoice", Fault: fault, Count: 2}}}); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ref := w.scan()
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: the customer waits %v", fault, took)
			}
			w.confirm(ref)
			w.press("A1")
			if sale := w.settled(); sale.State != fsm.Charged || sale.Unheard || len(sale.Invoices) != 0 {
				t.Errorf("%s: %+v", fault, sale)
			}
			w.money(ref, 1500)
		})
	}
}
