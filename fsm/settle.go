package fsm

import (
	"cmp"
	"fmt"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// settle ends a reservation's visit: what came out is charged; when nothing did, the reservation is let go.
func (t *step) settle(why reason.Why) {
	if t.s.Sale.Basket().IsZero() {
		t.release(why)
		return
	}
	t.update()
}

// update makes the invoice the basket's, as often as that takes within the reservation's time.
func (t *step) update() {
	t.enter(Updating)
	t.s.Deadline = t.s.Sale.ReservedUntil
	t.s.Sale.Updates++
	t.call()
}

// release lets the customer's money go, or sees to it that none is taken. Committing zero is never the way.
func (t *step) release(why reason.Why) {
	t.refuseWaiting()
	t.s.Sale.Why = cmp.Or(t.s.Sale.Why, why)
	unseen := t.s.Live.Unseen
	t.enter(Releasing)
	t.s.Live.Checking = unseen // it may be another machine's, which is not ours to cancel
	t.call()
}

// refuseWaiting answers the createPurchase calls that wait for a reference that none will get.
func (t *step) refuseWaiting() {
	for _, r := range t.s.Live.Requests {
		t.do(Answer{Request: r, Refusal: InvoicingError})
	}
	t.s.Live.Requests = nil
}

func (t *step) stepUpdating(e Event) {
	u, ok := e.(Answered)
	if !ok {
		return
	}
	switch r := u.Result; {
	case r.Kind == Done:
		t.s.Sale.Updated = true
		t.commit()
	case r.Kind != Refused, r.refused(InProgress, Busy):
		t.retry() // it sets, so repeating it is safe; the deadline ends this
	case r.refused(AlreadyOver, AlreadyPaid, NotReserved, UnknownInvoice):
		t.confirm()
	default: // never commit the unchanged reservation
		t.chargeRefused(u.note())
	}
}

// commit asks for the basket's amount, always by naming it.
func (t *step) commit() {
	t.enter(Committing)
	t.s.Sale.Commits++
	t.call()
}

func (t *step) stepCommitting(e Event) {
	c, ok := e.(Answered)
	if !ok {
		return
	}
	r := c.Result
	switch {
	case r.Kind == NotSent && t.now < t.s.Sale.ReservedUntil:
		t.retry()
		return
	case r.Kind == Refused && r.Word != "" && !r.refused(Busy, NotReserved, InProgress):
		t.s.Sale.Refusal = c.note()
	}
	// also when the answer was "done", or "not now": only PAID proves it, and Glase takes back what nobody asks for
	t.confirm()
}

// confirm asks what became of the reservation, until the answer is final.
func (t *step) confirm() {
	t.enter(Confirming)
	t.call()
}

func (t *step) stepConfirming(e Event) {
	switch e := e.(type) {
	case Notified:
		t.notified(e)
	case Answered:
		if t.undecided(e) {
			return
		}
		switch e.Status {
		case StatusPaid:
			t.paid(e)
		case StatusCanceled, StatusFailed:
			t.gone(e.Status)
		case StatusReserved:
			t.stillReserved()
		default:
			t.retryOrDoubt(fmt.Sprintf("the invoice is %s after commitReservation", e.Status))
		}
	}
}

// undecided takes an answer that says nothing about the invoice, and asks again.
func (t *step) undecided(e Answered) bool {
	r := e.Result
	if r.Kind != Done {
		t.s.Live.Overdue = 0
	}
	switch {
	case r.Kind == Done:
		t.s.Live.Version, t.s.Live.Lost = e.Version, 0
		if e.Status != StatusPaid { // which may prove nothing
			t.s.Live.NoProofAt = 0
		}
		return false
	case r.refused(UnknownInvoice):
		t.doubt(e.note())
	case r.Kind == Misfit:
		t.unprovable(e.note(), t.poll)
	case r.Kind == Refused:
		t.retryOrDoubt(e.note())
	default:
		t.askAgain() // until Glase can be reached
	}
	return true
}

// stillReserved: still RESERVED after a commit. It may need a moment; then the commit is made again.
func (t *step) stillReserved() {
	sale := &t.s.Sale
	switch {
	case sale.Refusal != "":
		t.chargeRefused(sale.Refusal)
	case t.now > sale.ReservedUntil.add(expiryGrace) && !t.saidThrice():
		t.poll()
	case t.now > sale.ReservedUntil.add(expiryGrace):
		t.chargeRefused(fmt.Sprintf("still RESERVED after its time and %d commits", sale.Commits))
	case t.now >= sale.ReservedUntil || sale.Commits >= commitsMax || sale.Updates >= commitsMax:
		t.retry() // only Glase's last word is missing
	case !sale.Updated && t.s.Live.Tries < pollsBefore(sale.Updates):
		t.s.Live.Tries++
		t.callIn(pollEvery)
	case !sale.Updated: // whatever updateInvoice was refused for, the invoice is there: it sets, so it may be repeated
		t.update()
	case t.s.Live.Tries < pollsBefore(sale.Commits):
		t.s.Live.Tries++
		t.callIn(pollEvery)
	default:
		t.commit()
	}
}

// saidThrice counts a RESERVED that comes after the reservation's time: one of them may be late itself, or another's.
func (t *step) saidThrice() bool {
	t.s.Live.Overdue++
	return t.s.Live.Overdue > 2
}

// pollsBefore is how often the status is asked before a commit or an update is made again: a little longer each time,
// and never so long that the rest of a reservation is not used.
func pollsBefore(made int) int {
	return int(min(time.Duration(made)*recommitWait, retryMax) / pollEvery)
}

// paid is Glase's PAID on a reservation: what was charged is compared with what came out.
func (t *step) paid(e Answered) {
	sale := &t.s.Sale
	if t.unproven(e) {
		return
	}
	sale.Charged, sale.ErsReference = e.Amount, e.ErsReference
	basket := sale.Basket()
	switch {
	case e.Amount == basket:
		t.end(Charged, "")
	case e.Amount.Less(basket):
		t.doubt(fmt.Sprintf("Glase charged %v for %v", e.Amount, basket))
	default:
		sale.Note = fmt.Sprintf("Glase charged %v for %v", e.Amount, basket)
		sale.Why = cmp.Or(sale.Why, reason.Overcharged)
		sale.RefundDue = e.Amount.Sub(basket)
		t.refund()
	}
}

// refund gives Due back. A part of a payment is only refunded when that is on record, since the next start could not
// know of it and would do it again.
func (t *step) refund() {
	t.s.Sale.Parted = t.s.Sale.Parted || t.s.Sale.RefundDue.Less(t.s.Sale.Charged)
	if !t.s.Sale.fullRefund() && t.s.fault(reason.Journal) {
		t.doubt(fmt.Sprintf("%v is owed to the customer, and the journal cannot be written", t.s.Sale.RefundDue))
		return
	}
	t.enter(Refunding)
	t.call()
}

// gone: the reservation is CANCELED or FAILED, and not by us.
func (t *step) gone(status PayStatus) {
	sale := &t.s.Sale
	sale.Note = cmp.Or(sale.Note, "Glase says "+string(status))
	if sale.SeenReserved && sale.Commits == 0 && t.now < sale.ReservedUntil {
		t.canceledElsewhere()
	}
	t.unpaid()
}

// canceledElsewhere: an issuer may take one reservation back, for which no machine need stop. Two within a day look
// like a second machine with this terminal.
func (t *step) canceledElsewhere() {
	if last := t.s.CanceledAt; last != 0 && t.now.Since(last) < cancelsApart {
		t.addFault(Fault{Name: reason.ForeignCancel})
	}
	t.s.CanceledAt = t.now
}

// unpaid ends a sale whose invoice is over without a payment.
func (t *step) unpaid() {
	if paid := t.s.Sale.Charged; !paid.IsZero() {
		t.s.Sale.Note = fmt.Sprintf("Glase took back the payment of %v", paid)
		t.s.Sale.Charged = money.Amount{}
	}
	switch sale := t.s.Sale; {
	case sale.Verdict.Decision == Release || sale.Verdict.Decision == Refund:
		t.end(Released, "")
	case !sale.Basket().IsZero():
		t.end(Lost, reason.PaymentFailed)
	case sale.SeenReserved:
		t.end(Released, reason.PaymentFailed)
	default:
		t.end(Cancelled, reason.PaymentFailed)
	}
}

// chargeRefused: the customer has the product, and Glase will not take the money. The machine stops, since it would go
// on so.
func (t *step) chargeRefused(note string) {
	if t.s.Sale.Verdict == (Verdict{}) { // whoever decided on an old sale knows already
		t.addFault(Fault{Name: reason.ChargeRefused})
	}
	t.doubt(note)
}

func (t *step) stepReleasing(e Event) {
	switch a, ok := e.(Answered); {
	case !ok:
	case a.Operation == CancelInvoice:
		t.canceled(a)
	default:
		t.releasingStatus(a)
	}
}

func (t *step) canceled(e Answered) {
	r, l := e.Result, &t.s.Live
	switch {
	case r.Kind == Done, r.refused(AlreadyOver):
		// The answer names no invoice, and what cancelInvoice does to a reservation is not documented: look, and
		// believe of a reservation only what is said twice. It may be held although no record says so yet.
		l.Checking = true
		if t.s.Sale.Flow != Reservation {
			l.Heard = string(StatusCanceled)
		}
		t.call()
	case r.Kind == NotSent:
		t.retry()
	case r.refused(Busy):
		t.retryOrDoubt(e.note())
	case r.Kind != Refused: // the status says whether it was carried out, or needs to be any more
		l.Checking = true
		t.retry()
	case r.refused(AlreadyPaid) && t.s.Sale.Flow != Reservation:
		l.Checking = true
		t.callIn(reversalWait) // to ask now would acknowledge a payment that Glase reverses when nobody asks
	default: // in progress, or refused: the status decides
		l.Checking = true
		t.callIn(busyWait)
	}
}

// releasingStatus: what became of an invoice that cancelInvoice did not plainly end.
func (t *step) releasingStatus(e Answered) {
	if t.undecided(e) {
		return
	}
	sale, l := &t.s.Sale, &t.s.Live
	switch e.Status {
	case StatusPaid:
		t.paidUnwanted(e)
	case StatusCanceled, StatusFailed:
		t.unpaid()
	case StatusReserved:
		sale.SeenReserved = true
		switch {
		case t.now > sale.ReservedUntil.add(expiryGrace) && !t.saidThrice():
			t.poll()
		case t.now > sale.ReservedUntil.add(expiryGrace):
			t.doubt("the reservation is still RESERVED after its time")
		case l.Tries < 3:
			l.Checking = false
			t.retry()
		default: // it ends by itself
			l.CallAt = max(sale.ReservedUntil.add(pollEvery), t.now.add(retryMax))
		}
	default:
		l.Checking = false
		t.retryOrDoubt(fmt.Sprintf("cancelInvoice leaves the invoice %s", e.Status))
	}
}

// paidUnwanted: paid although nothing will come out any more.
func (t *step) paidUnwanted(e Answered) {
	if t.slotOfUnknownFate() != "" && t.s.Sale.Verdict == (Verdict{}) {
		t.unseenPaid(e)
		return
	}
	if t.s.Sale.Flow == Reservation {
		t.paid(e)
		return
	}
	if t.unproven(e) {
		return
	}
	t.s.Sale.Charged, t.s.Sale.ErsReference = e.Amount, e.ErsReference
	t.payBack("")
}

func (t *step) stepRefunding(e Event) {
	p, ok := e.(Answered)
	if !ok {
		return
	}
	sale, l := &t.s.Sale, &t.s.Live
	full := sale.fullRefund()
	switch r := p.Result; {
	case r.Kind == Done, r.refused(OverRefunded) && full && l.MayHaveHappened:
		sale.Refunded = sale.refunded().Add(sale.RefundDue)
		sale.RefundDue = money.Amount{}
		t.refunded()
	case r.Kind == NotSent:
		t.retry()
	case r.refused(InProgress, Busy):
		l.MayHaveHappened = l.MayHaveHappened || r.refused(InProgress) && full // what is in progress may be this
		t.retryOrDoubt(p.note())
	case r.Kind == ResultUnknown && full:
		l.MayHaveHappened = true // 98 proves an earlier one
		t.retry()
	case r.Kind == Misfit && full:
		l.MayHaveHappened = true
		t.unprovable(p.note(), t.retry)
	case r.Kind == Refused && r.Word != "" && !r.refused(OverRefunded) && sale.Verdict.Amount.Minor > 0 &&
		!l.MayHaveHappened && !l.Doubted: // nothing went back by this one, and the sale is what it was
		sale.Note, sale.RefundDue = p.note()+": nothing went back; "+sale.Note, money.Amount{}
		t.end(Charged, "")
	case r.refused(OverRefunded):
		note := p.note() + ": " + sale.RefundDue.String() + " may have been refunded already"
		if sale.Verdict.Amount.Minor > 0 && !l.MayHaveHappened && !l.Doubted {
			sale.RefundDue = money.Amount{} // not by this one: another 98 would prove nothing either
		}
		t.doubt(note)
	default:
		t.doubt(p.note() + ": " + sale.RefundDue.String() + " owed to the customer")
	}
}

func (t *step) refunded() {
	switch sale := t.s.Sale; {
	case sale.Refunded == sale.Charged:
		t.end(Refunded, reason.NotDelivered)
	case sale.Flow != Reservation && !sale.Basket().IsZero() && sale.Verdict.Amount.IsZero():
		t.receipt()
	default:
		t.end(Charged, "")
	}
}

func (t *step) receipt() {
	t.enter(Receipting)
	t.call()
}

// stepReceipting: the receipt moves no money, so no answer to it changes the sale.
func (t *step) stepReceipting(e Event) {
	if r, ok := e.(Answered); ok {
		if r.Result.Kind != Done {
			t.s.Sale.Note = cmp.Or(t.s.Sale.Note, r.note())
		}
		t.end(Charged, "")
	}
}
