package glasepay

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"kioskd/fsm"
	"kioskd/glase"
)

// Books tell whose a reference of Glase's is. What its method promises stands at journal.Journal.
type Books interface {
	Known(ctx context.Context, sale, invoice, ers string) (string, error)
}

// misfit is the outcome of a call whose answer speaks of something else than was asked.
func misfit(format string, args ...any) fsm.Result {
	return fsm.Result{Kind: fsm.Misfit, Text: fmt.Sprintf(format, args...)}
}

// sentOurs holds sendInvoice's answer against itself and the books: a reference that another sale has is not this
// one's. Books that cannot be read leave it unknown, as a lost answer does.
func (p Service) sentOurs(ctx context.Context, sale string, sent glase.SentInvoice) fsm.Result {
	if of, ok := referenceOf(sent.QRCode); ok && !strings.EqualFold(of, sent.Reference) {
		return misfit("invoiceReference %s, and invoiceQRCode of %s", sent.Reference, of)
	}
	other, err := p.known(ctx, sale, sent.Reference, "")
	switch {
	case err != nil:
		return fsm.Result{Kind: fsm.ResultUnknown, Text: "whether the invoice is another sale's: " + err.Error()}
	case other != "":
		return misfit("invoiceReference %s, which is sale %s's", sent.Reference, other)
	}
	return fsm.Result{Kind: fsm.Done}
}

// referenceOf is what an invoice's QR says after "/R"; false for a QR of another form.
func referenceOf(qr string) (string, bool) {
	i := strings.LastIndexByte(qr, '/')
	if i < 0 || !strings.HasPrefix(strings.ToUpper(qr[i+1:]), "R") {
		return "", false
	}
	return qr[i+2:], true
}

// statusOurs holds whatever a getPaymentStatus names against what was asked. What Glase leaves out says nothing. Books
// that cannot be read do not keep a sale from being settled: the receipt's own names were ours.
func (p Service) statusOurs(ctx context.Context, c fsm.Call, s glase.PaymentStatus) fsm.Result {
	if r := s.Receipt; r != nil {
		for _, n := range []struct{ field, got, want string }{
			{"invoiceReference", r.InvoiceReference, c.Reference},
			{"clientInvoiceId", r.ClientInvoiceID, c.ClientInvoiceID},
			{"clientInvoiceId", r.Invoice.ClientInvoiceID, c.ClientInvoiceID},
		} {
			if n.got != "" && n.got != n.want {
				return misfit("%s %s, and not %s", n.field, n.got, n.want)
			}
		}
		if !sameTerminal(r.TerminalID, p.Terminal) {
			return misfit("terminalId %s, and not %s", r.TerminalID, p.Terminal)
		}
	}
	if s.ErsReference != "" && c.ErsReference != "" && s.ErsReference != c.ErsReference {
		return misfit("ersReference %s, and not %s", s.ErsReference, c.ErsReference)
	}
	if other, err := p.known(ctx, c.Sale, "", s.ErsReference); err == nil && other != "" {
		return misfit("ersReference %s, which is sale %s's", s.ErsReference, other)
	}
	return fsm.Result{Kind: fsm.Done}
}

// refundOurs holds the reference of a refund against the books: the one of another sale's payment is not a refund of
// this one.
func (p Service) refundOurs(ctx context.Context, sale, reference string) fsm.Result {
	if other, err := p.known(ctx, sale, "", reference); err == nil && other != "" {
		return misfit("ersReference %s, which is sale %s's", reference, other)
	}
	return fsm.Result{Kind: fsm.Done}
}

func (p Service) known(ctx context.Context, sale, invoice, ers string) (string, error) {
	if p.Books == nil || invoice == "" && ers == "" {
		return "", nil
	}
	return p.Books.Known(ctx, sale, invoice, ers)
}

// terminalMin is the least length, in letters and digits, of a terminal's id that may stand for a longer one.
const terminalMin = 8

// sameTerminal reports whether an answer's terminal may be ours: it is not said, is spelled otherwise, or is shortened,
// as in the documentation's own samples.
func sameTerminal(got, ours string) bool {
	a, b := letters(got), letters(ours)
	return a == "" || a == b || len(a) >= terminalMin && strings.HasPrefix(b, a)
}

// letters are a name's letters and digits, small.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
