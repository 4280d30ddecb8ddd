package fsm

import (
	"cmp"
	"fmt"
	"slices"

	"kioskd/internal/reason"
)

// Glase's answers may go astray: the front answers with somebody else's, or with the one before. What names its invoice
// is held against ours where it arrives, and comes here as a Misfit. What names none is held here against what else is
// known.

const (
	noteMax     = 600 // bytes of a sale's note that remarks may fill
	misledMax   = 2   // references in one sale that were not ours; then the sale is in doubt
	looksUnseen = 2   // lost looks at an invoice that nobody was given yet; then it is cancelled
)

// misfit puts on record what Glase answered instead. What follows from it is the stage's to say.
func (t *step) misfit(e Event) {
	if a, ok := e.(Answered); ok && a.Result.Kind == Misfit {
		t.remark(a.note())
	}
}

// remark adds to the sale's note what a technician should know however the sale ends.
func (t *step) remark(s string) {
	switch had := t.s.Sale.Note; {
	case had == "":
		t.s.Sale.Note = s
	case len(had) >= len(s) && had[len(had)-len(s):] == s: // said again
	case len(had)+len(s) < noteMax:
		t.s.Sale.Note = had + "; " + s
	}
}

// saidOnce asks once more when an answer that names no invoice would end the sale: that it is cancelled, that it
// failed, that Glase knows no such invoice, that it is not paid although it was. One that was meant for somebody else
// is not repeated.
func (t *step) saidOnce(e Event) bool {
	a, ok := status(e)
	if !ok {
		return false
	}
	word := ""
	switch r := a.Result; {
	case r.refused(UnknownInvoice):
		word = "unknown"
	case r.Kind != Done: // says nothing
		return false
	case a.Status == StatusCanceled || a.Status == StatusFailed, a.Status != StatusPaid && !t.s.Sale.Charged.IsZero():
		word = string(a.Status)
	}
	if word == t.s.Live.Heard {
		return false
	}
	t.s.Live.Heard = word
	if word == "" {
		return false
	}
	t.call()
	return true
}

// unseenInvoice takes the first answer about a new invoice: only one that Glase knows as ours is given to a customer,
// since the answer with its reference may have been meant for another machine, whose sale would be paid then. It
// reports that there is nothing else in the answer.
func (t *step) unseenInvoice(e Answered) bool {
	sale, l := &t.s.Sale, &t.s.Live
	switch r := e.Result; {
	case !l.Unseen:
		return false
	case r.Kind == Done && sale.Flow != Sticker && (e.Status == StatusReserved || e.Status == StatusPaid):
		t.misled(fmt.Sprintf("which is %s although nobody was given it", e.Status))
	case r.Kind == Done && (e.Status == StatusCanceled || e.Status == StatusFailed):
		why := reason.CancelledOnPhone
		if e.Status == StatusFailed {
			why = reason.PaymentFailed
		}
		t.overUnseen(why)
	case r.Kind == Done:
		l.Unseen, l.Lost = false, 0
		if why := cmp.Or(sale.EndReason, t.s.hardFault()); why != "" {
			t.release(why)
			return true
		}
		for _, r := range l.Requests {
			t.do(Answer{Request: r, Reference: sale.Reference})
		}
		l.Requests = nil
		return false
	case r.refused(UnknownInvoice):
		t.misled("which Glase does not know as this terminal's")
	case sale.Flow != Sticker && l.Lost+1 >= looksUnseen:
		t.release(reason.InvoicingFailed)
	default:
		l.Lost++
		t.poll()
	}
	return true
}

// overUnseen: a new invoice is over before the kiosk has given it to anybody. A phone may have been led to it by the
// sticker and said no at once, or the answer was meant for another machine. So sendInvoice is asked again: when it
// brings the same reference the invoice was ours, and any other is one more invoice of this sale.
func (t *step) overUnseen(why reason.Why) {
	sale := &t.s.Sale
	sale.Invoices = append(slices.Clip(sale.Invoices), Invoice{Reference: sale.Reference, Settled: true})
	sale.Reference, sale.QR, sale.ReservedUntil = "", "", 0
	waiting := t.s.Live.Requests
	t.enter(Invoicing)
	t.s.Live.Heard, t.s.Live.Requests, t.s.Live.OverUnseen = "", waiting, why
	t.unheard()
	t.unanswered()
	t.retry()
}

// misled: sendInvoice was answered with a reference that is not ours. It is asked for no more. Our own invoice may be
// there all the same, and is asked for again.
func (t *step) misled(why string) {
	sale := &t.s.Sale
	sale.Misled++
	what := fmt.Sprintf("sendInvoice answered %s, %s", sale.Reference, why)
	if sale.Misled > misledMax {
		t.doubt(what)
		return
	}
	t.remark(what)
	sale.Reference, sale.QR, sale.ReservedUntil = "", "", 0
	waiting := t.s.Live.Requests
	t.enter(Invoicing)
	t.s.Live.Heard, t.s.Live.Requests = "", waiting
	t.unheard()
	t.unanswered()
	t.retry()
}

// unproven takes a PAID that proves nothing, and asks again: a payment's receipt may be late. One that still proves
// nothing after proofWait is a person's to look at.
func (t *step) unproven(e Answered) bool {
	if e.proves(t.s.Sale.Reserved.Currency) {
		t.s.Live.NoProofAt = 0
		return false
	}
	t.unprovable("PAID "+e.lacks(t.s.Sale.Reserved.Currency), t.poll)
	return true
}

// unprovable asks again after an answer that proves nothing, until that has lasted for proofWait; then the sale is in
// doubt.
func (t *step) unprovable(note string, again func()) {
	if t.s.Live.NoProofAt == 0 {
		t.s.Live.NoProofAt = t.now
	}
	if t.now.Since(t.s.Live.NoProofAt) >= proofWait {
		t.doubt(note)
		return
	}
	again()
}

// lacks says why a PAID proves nothing.
func (e Answered) lacks(currency string) string {
	switch {
	case e.Amount.Minor <= 0:
		return "without an amount"
	case e.Amount.Currency != currency:
		return fmt.Sprintf("with %v, and the sale is in %s", e.Amount, currency)
	}
	return "without an ersReference"
}
