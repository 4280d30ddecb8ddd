package fsm

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// A Glase need not know a ClientInvoiceID again. Then each repetition of a sendInvoice whose answer was lost makes
// another invoice, a lost one has no name that anybody could ask for, and on a cash register one that comes late ends
// the newer one. So after a lost answer the kiosk asks once more: the same reference proves that there is one invoice,
// and the sale goes on. Another one proves that there are several: the sale is given up, each that has a name is
// settled, and once none can come late any more a last one ends the nameless, or at least takes the sticker away from
// it.

const (
	lateFor     = time.Minute // a sendInvoice without an answer is carried out within this time, or not at all
	invoicesMax = 16          // invoices of one sale beside the present one; then a person must look
)

// Invoice is one more invoice that Glase made for a sale.
type Invoice struct {
	Reference string `json:"reference"`
	// nobody can pay it any more, and Charged less Refunded is what it came to
	Settled      bool         `json:"settled,omitzero"`
	Doubt        string       `json:"doubt,omitzero"` // why a person must look at it, once the others are settled
	ErsReference string       `json:"ers_reference,omitzero"`
	Charged      money.Amount `json:"charged,omitzero"`
	Refunded     money.Amount `json:"refunded,omitzero"`
}

// unheard notes that a sendInvoice had no answer.
func (t *step) unheard() { t.s.Sale.Unheard, t.s.Live.UnheardAt = true, t.now }

// has reports whether an invoice of that reference is known to be the sale's.
func (s Sale) has(reference string) bool {
	return reference == s.Reference || slices.ContainsFunc(s.Invoices,
		func(i Invoice) bool { return i.Reference == reference })
}

// invoiceKnown takes the reference that sendInvoice brought, and forgets none that it brought before.
func (t *step) invoiceKnown(e Answered) {
	sale, l := &t.s.Sale, &t.s.Live
	if e.Repeated {
		t.unheard()
	} else if l.Called >= l.UnheardAt.add(lateFor) { // whatever was lost came before this one
		sale.Unheard = false
	}
	first := sale.Reference == "" && len(sale.Invoices) == 0
	switch {
	case sale.has(e.Reference): // Glase knows the ClientInvoiceID again, so what was lost is this one
		sale.Unheard = false
	case sale.Reference != "":
		sale.Invoices = append(slices.Clip(sale.Invoices), Invoice{Reference: sale.Reference})
		fallthrough
	default:
		// what was said of another counts no more
		sale.Reference, sale.QR, l.Version, l.Heard = e.Reference, e.QR, 0, ""
		sale.ReservedUntil = sale.InvoicedAt.add(t.s.Rules.ReservationTimeout)
	}
	switch {
	case len(sale.Invoices) > 0:
		t.severalInvoices()
	case first && sale.Unheard:
		t.call()
	default:
		t.invoiced()
	}
}

// severalInvoices gives up a sale of which nobody can say which invoice its customer has.
func (t *step) severalInvoices() {
	sale := &t.s.Sale
	if sale.Reference == "" { // a settled one was brought again
		t.end(Cancelled, cmp.Or(sale.EndReason, t.s.Live.OverUnseen, reason.InvoicingFailed))
		return
	}
	sale.ReservedUntil = t.now.add(t.s.Rules.ReservationTimeout) // the newest may have been made just now
	t.release(cmp.Or(sale.EndReason, reason.InvoicingFailed))
}

// unsettled goes on with what else there is of a sale whose present invoice is settled, or in doubt; false: nothing is.
func (t *step) unsettled(doubt string) bool {
	sale := &t.s.Sale
	if len(sale.Invoices) == 0 && !sale.Unheard || sale.Reference == "" && doubt != "" {
		return false
	}
	if sale.Reference != "" {
		sale.Invoices = append(slices.Clip(sale.Invoices),
			Invoice{sale.Reference, true, doubt, sale.ErsReference, sale.Charged, sale.Refunded})
	}
	none := money.Amount{}
	sale.Reference, sale.QR, sale.ErsReference, sale.Charged, sale.Refunded, sale.RefundDue = "", "", "", none, none,
		none
	t.s.Live.Version, t.s.Live.Heard = 0, ""
	n := slices.IndexFunc(sale.Invoices, func(i Invoice) bool { return !i.Settled })
	switch {
	case n >= 0:
		sale.Reference = sale.Invoices[n].Reference
		sale.Invoices = slices.Delete(slices.Clone(sale.Invoices), n, n+1)
		t.release("")
	case !sale.Unheard:
		return false
	case len(sale.Invoices) >= invoicesMax && sale.Flow != Sticker: // nobody is led to one without a name
		sale.Unheard = false
		return false
	case len(sale.Invoices) >= invoicesMax:
		t.doubt(fmt.Sprintf(
			"Glase made %d invoices for this sale, and an answer was lost again: somebody may have paid one without "+
				"a name",
			len(sale.Invoices)))
	default:
		sale.EndReason = cmp.Or(sale.EndReason, reason.InvoicingFailed)
		t.enter(Invoicing)
		t.s.Live.CallAt = max(t.now, t.s.Live.UnheardAt.add(lateFor))
	}
	return true
}

// account makes one sale of all its invoices: what stands in doubt when one does, or else the sum of what they came to,
// under the reference of the one that was paid, or of the newest.
func (t *step) account(state SaleState) SaleState {
	sale := &t.s.Sale
	if n := slices.IndexFunc(sale.Invoices, func(i Invoice) bool { return i.Doubt != "" }); n >= 0 {
		t.inDoubt(n)
		return InDoubt
	}
	if len(sale.Invoices) == 0 || state == InDoubt {
		return state
	}
	var charged, refunded int64
	shown := len(sale.Invoices) - 1
	for n, i := range sale.Invoices {
		if charged, refunded = charged+i.Charged.Minor, refunded+i.Refunded.Minor; i.Charged.Minor > 0 {
			shown = n
		}
	}
	if len(sale.Invoices) > 1 {
		sale.Note = cmp.Or(sale.Note, "Glase made several invoices for this sale: "+names(sale.Invoices))
	}
	sale.Reference, sale.ErsReference = sale.Invoices[shown].Reference, sale.Invoices[shown].ErsReference
	sale.Invoices = slices.Delete(slices.Clone(sale.Invoices), shown, shown+1)
	if charged == 0 {
		return state
	}
	sale.Charged = money.Amount{Minor: charged, Currency: sale.Reserved.Currency}
	sale.Refunded = money.Amount{Minor: refunded, Currency: sale.Reserved.Currency}
	if charged > refunded {
		return Charged
	}
	return Refunded
}

// inDoubt makes the n-th invoice the one that a person decides on. Any other that is in doubt is taken up after it.
func (t *step) inDoubt(n int) {
	sale := &t.s.Sale
	i := sale.Invoices[n]
	sale.Invoices = slices.Delete(slices.Clone(sale.Invoices), n, n+1)
	sale.Reference, sale.ErsReference, sale.Charged, sale.Refunded = i.Reference, i.ErsReference, i.Charged, i.Refunded
	sale.Note, sale.Why = i.Doubt, reason.InDoubt
	for n := range sale.Invoices {
		if other := &sale.Invoices[n]; other.Doubt != "" {
			sale.Note += "; invoice " + other.Reference + ": " + other.Doubt
			other.Settled, other.Doubt = false, ""
		}
	}
}

// names tells of invoices in a note.
func names(invoices []Invoice) (all string) {
	for n, i := range invoices {
		if n > 0 {
			all += ", "
		}
		all += i.Reference
		if i.Charged.Minor > 0 {
			all += fmt.Sprintf(" (%v paid, %v refunded, ersReference %s)", i.Charged, i.Refunded, i.ErsReference)
		}
	}
	return all
}

// refundID is the clientInvoiceId of the refund that is being made: its own for each payment of the sale.
func (s Sale) refundID() string {
	id := s.ClientInvoiceID + "R"
	if s.Refunded.Minor > 0 { // a part went back by another one
		id += fmt.Sprintf("%d", s.Refunded.Minor)
	}
	for _, i := range s.Invoices {
		if i.Charged.Minor > 0 {
			id += "R"
		}
	}
	return id
}
