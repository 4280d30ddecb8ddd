package glasepay

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kioskd/fsm"
	"kioskd/glase"
)

// TestWhatAnAnswerNamesIsOurs walks what may stand in an answer.
func TestWhatAnAnswerNamesIsOurs(t *testing.T) {
	c := fsm.Call{Operation: fsm.AskStatus, Sale: "S", Reference: "17", ClientInvoiceID: "c-17", ErsReference: "E1"}
	receipt := func(change func(*glase.Receipt)) glase.PaymentStatus {
		r := glase.Receipt{TerminalID: "87e791f9e24148a6892c52aa85bb0331", ClientInvoiceID: "c-17",
			InvoiceReference: "17", Invoice: glase.Invoice{ClientInvoiceID: "c-17"}}
		change(&r)
		return glase.PaymentStatus{Status: glase.Paid, ErsReference: "E1", Receipt: &r}
	}
	p := Service{Terminal: "87e791f9e24148a6892c52aa85bb0331", Books: shelf{"E9": "OLD"}}
	for what, a := range map[string]struct {
		status glase.PaymentStatus
		names  []string // in the misfit's text; none: it is ours
	}{
		"all of ours":             {receipt(func(*glase.Receipt) {}), nil},
		"a receipt without names": {receipt(func(r *glase.Receipt) { *r = glase.Receipt{} }), nil},
		"no receipt":              {glase.PaymentStatus{Status: glase.Reserved}, nil},
		"the terminal shortened":  {receipt(func(r *glase.Receipt) { r.TerminalID = "87e791f9" }), nil},
		"the terminal in capitals": {receipt(
			func(r *glase.Receipt) { r.TerminalID = "87E791F9-E24148A6892C52AA85BB0331" }), nil},
		"another invoice": {receipt(func(r *glase.Receipt) { r.InvoiceReference = "18" }),
			[]string{"invoiceReference", "18", "17"}},
		"another sale": {receipt(func(r *glase.Receipt) { r.ClientInvoiceID = "c-18" }),
			[]string{"clientInvoiceId", "c-18", "c-17"}},
		"another sale's invoice": {receipt(func(r *glase.Receipt) { r.Invoice.ClientInvoiceID = "c-18" }),
			[]string{"clientInvoiceId", "c-18", "c-17"}},
		"another terminal": {receipt(
			func(r *glase.Receipt) { r.TerminalID = "11112222333344445555666677778888" }),
			[]string{"terminalId", "1111", "87e7"}},
		"a terminal's first digit": {receipt(func(r *glase.Receipt) { r.TerminalID = "8" }),
			[]string{"terminalId", "8"}},
		"another payment": {glase.PaymentStatus{Status: glase.Paid, ErsReference: "E2"},
			[]string{"ersReference", "E2", "E1"}},
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
	if r := p.statusOurs(t.Context(), c,
		glase.PaymentStatus{Status: glase.Paid, ErsReference: "E9"}); r.Kind != fsm.Misfit ||
		!strings.Contains(r.Text, "OLD") {
		t.Errorf("the payment of an old sale: %+v", r)
	}
	if r := p.refundOurs(t.Context(), "S", "E9"); r.Kind != fsm.Misfit {
		t.Errorf("a refund that is an old sale's payment: %+v", r)
	}
	for qr, kind := range map[string]fsm.ResultKind{"": fsm.Done, "HTTP://SEQR.SE/R17": fsm.Done,
		"http://seqr.se/r17": fsm.Done, "seqr": fsm.Done, "HTTP://SEQR.SE/R18": fsm.Misfit} {
		if r := p.sentOurs(t.Context(), "S", glase.SentInvoice{Reference: "17", QRCode: qr}); r.Kind != kind {
			t.Errorf("QR %q of invoice 17: %+v", qr, r)
		}
	}
	p.Books = torn{}
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
