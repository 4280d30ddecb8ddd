package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
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
				if note := w.app.Kiosk.State().Sale.Note; !strings.Contains(note, old) || !strings.Contains(note, ours) {
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
						if i, err := w.glase.Scan(w.t.Context(), glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(5000)}); err == nil {
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

// TestWhatAnAnswerNamesIsOurs walks what may stand in an answer.
func TestWhatAnAnswerNamesIsOurs(t *testing.T) {
	c := fsm.Call{Operation: fsm.AskStatus, Sale: "S", Reference: "17", ClientInvoiceID: "c-17", ErsReference: "E1"}
	receipt := func(change func(*glase.Receipt)) glase.PaymentStatus {
		r := glase.Receipt{TerminalID: "87e791f9e24148a6892c52aa85bb0331", ClientInvoiceID: "c-17", InvoiceReference: "17", Invoice: glase.Invoice{ClientInvoiceID: "c-17"}}
		change(&r)
		return glase.PaymentStatus{Status: glase.Paid, ErsReference: "E1", Receipt: &r}
	}
	p := payments{terminal: "87e791f9e24148a6892c52aa85bb0331", books: shelf{"E9": "OLD"}}
	for what, a := range map[string]struct {
		status glase.PaymentStatus
		names  []string // in the misfit's text; none: it is ours
	}{
		"all of ours":              {receipt(func(*glase.Receipt) {}), nil},
		"a receipt without names":  {receipt(func(r *glase.Receipt) { *r = glase.Receipt{} }), nil},
		"no receipt":               {glase.PaymentStatus{Status: glase.Reserved}, nil},
		"the terminal shortened":   {receipt(func(r *glase.Receipt) { r.TerminalID = "87e791f9" }), nil},
		"the terminal in capitals": {receipt(func(r *glase.Receipt) { r.TerminalID = "87E791F9-E24148A6892C52AA85BB0331" }), nil},
		"another invoice":          {receipt(func(r *glase.Receipt) { r.InvoiceReference = "18" }), []string{"invoiceReference", "18", "17"}},
		"another sale":             {receipt(func(r *glase.Receipt) { r.ClientInvoiceID = "c-18" }), []string{"clientInvoiceId", "c-18", "c-17"}},
		"another sale's invoice":   {receipt(func(r *glase.Receipt) { r.Invoice.ClientInvoiceID = "c-18" }), []string{"clientInvoiceId", "c-18", "c-17"}},
		"another terminal":         {receipt(func(r *glase.Receipt) { r.TerminalID = "11112222333344445555666677778888" }), []string{"terminalId", "1111", "87e7"}},
		"a terminal's first digit": {receipt(func(r *glase.Receipt) { r.TerminalID = "8" }), []string{"terminalId", "8"}},
		"another payment":          {glase.PaymentStatus{Status: glase.Paid, ErsReference: "E2"}, []string{"ersReference", "E2", "E1"}},
	} {
		r := p.statusOurs(t.Context(), c, a.status)
		if (r.Kind == fsm.Misfit) != (a.names != nil) {
			t.Errorf("%s: %+v", what, r)
		}
		for _, n := range a.names {
			if !strings.Contains(r.Text, n) {
				t.Errorf("%s: %q does not say %s", what, r.Text, n)
			}
		}
	}
	c.ErsReference = ""
	if r := p.statusOurs(t.Context(), c, glase.PaymentStatus{Status: glase.Paid, ErsReference: "E9"}); r.Kind != fsm.Misfit || !strings.Contains(r.Text, "OLD") {
		t.Errorf("the payment of an old sale: %+v", r)
	}
	if r := p.refundOurs(t.Context(), "S", "E9"); r.Kind != fsm.Misfit {
		t.Errorf("a refund that is an old sale's payment: %+v", r)
	}
	for qr, kind := range map[string]fsm.ResultKind{"": fsm.Done, "HTTP://SEQR.SE/R17": fsm.Done, "http://seqr.se/r17": fsm.Done, "seqr": fsm.Done, "HTTP://SEQR.SE/R18": fsm.Misfit} {
		if r := p.sentOurs(t.Context(), "S", glase.SentInvoice{Reference: "17", QRCode: qr}); r.Kind != kind {
			t.Errorf("QR %q of invoice 17: %+v", qr, r)
		}
	}
	p.books = torn{}
	if r := p.sentOurs(t.Context(), "S", glase.SentInvoice{Reference: "17"}); r.Kind != fsm.ResultUnknown {
		t.Errorf("books that cannot be read: %+v", r)
	}
}

// shelf is books in memory.
type shelf map[string]string

func (s shelf) Known(_ context.Context, _, invoice, ers string) (string, error) {
	return s[invoice+ers], nil
}

type torn struct{}

func (torn) Known(context.Context, string, string, string) (string, error) {
	return "", errors.New("torn")
}
