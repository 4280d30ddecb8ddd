package app

import (
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/ups"
)

// sell is one whole sale of A1, and its invoice.
func (w *world) sell() string {
	ref := w.buy()
	if s := w.settled(); s.State != fsm.Charged {
		w.t.Fatalf("%s: %s\n%s", s.State, s.Note, w.log.String())
	}
	w.money(ref, 1500)
	return ref
}

func TestAReceiptOfAnotherInvoiceGivesNoProduct(t *testing.T) {
	for _, flow := range []string{"sticker", "invoice"} {
		t.Run(flow, func(t *testing.T) {
			play(t, flow, func(w *world) {
				old := w.sell()
				w.press("A1")
				ours := w.app.Kiosk.State().Sale.Reference
				w.rules(glasetest.Fault{Operation: "getPaymentStatus", Fault: "other_answer"})
				time.Sleep(40 * time.Second)
				if n := w.dropped()["A1"]; n != 1 {
					t.Errorf("%d products came out for one payment", n)
				}
				if note := w.app.Kiosk.State().Sale.Note; !strings.Contains(note, old) ||
					!strings.Contains(note, ours) {
					t.Errorf("the note does not name both invoices: %q", note)
				}
				w.rules()
				w.confirm(ours)
				if s := w.settled(); s.State != fsm.Charged || w.dropped()["A1"] != 2 {
					t.Errorf("%s with %v: %s", s.State, w.dropped(), s.Note)
				}
				w.money(ours, 1500)
				w.money(old, 1500)
			})
		})
	}
}

func TestAReceiptOfAnotherInvoiceRefundsNothing(t *testing.T) {
	play(t, "reservation", func(w *world) {
		old := w.sell()
		ours := w.scan()
		w.confirm(ours)
		w.rules(glasetest.Fault{Operation: "getPaymentStatus", Fault: "other_answer", Count: 60})
		w.app.Kiosk.Cancel()
		s := w.settled()
		time.Sleep(15 * time.Minute)
		w.money(old, 1500)
		w.money(ours, 0)
		if n := w.glase.Calls("refundPayment"); n != 0 || s.State == fsm.Refunded {
			t.Errorf("%d refunds; the sale is %s: %s", n, s.State, s.Note)
		}
	})
}

func TestAReferenceThatAnotherSaleHasIsNotTouched(t *testing.T) {
	for _, flow := range []string{"reservation", "sticker", "invoice"} {
		for what, count := range map[string]int{"once": 1, "for ever": 0} {
			t.Run(flow+"/"+what, func(t *testing.T) {
				play(t, flow, func(w *world) {
					old := w.sell()
					w.rules(glasetest.Fault{Operation: "sendInvoice", Fault: "other_answer", Count: count})
					calls := func() (n int) {
						for _, op := range []string{"updateInvoice", "commitReservation", "refundPayment"} {
							n += w.glase.Calls(op)
						}
						return n
					}
					before := calls()
					if flow == "reservation" {
						if i, err := w.glase.Scan(w.t.Context(),
							glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"),
								Amount: sek(5000)}); err == nil {
							t.Errorf("the customer is asked to confirm %s", i.Reference)
						}
					} else {
						w.press("A1")
					}
					s := w.settled()
					if s.Reference == old || calls() != before || w.dropped()["A1"] != 1 {
						t.Errorf("%s with %q, %d calls, %v", s.State, s.Reference, calls()-before, w.dropped())
					}
					if !strings.Contains(s.Note, old) || count == 0 && !s.Doubtful() || count == 1 && s.Doubtful() {
						t.Errorf("%s: %q", s.State, s.Note)
					}
					w.money(old, 1500)
					w.rules()
					w.sell()
				})
			})
		}
	}
}
