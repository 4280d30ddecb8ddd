package fsm

import "time"

// operation is what the stage's call asks for.
func (t *step) operation() Operation {
	switch t.s.Stage {
	case Invoicing:
		return SendInvoice
	case Updating:
		return UpdateInvoice
	case Committing:
		return CommitReservation
	case Releasing:
		if !t.s.Live.Checking {
			return CancelInvoice
		}
	case Refunding:
		return RefundPayment
	case Receipting:
		return SubmitReceipt
	}
	return AskStatus
}

// call makes the stage's call now.
func (t *step) call() {
	sale, l := &t.s.Sale, &t.s.Live
	l.Calls++
	l.Waiting, l.Called, l.CallAt, l.Again = l.Calls, t.now, 0, false
	c := Call{Operation: t.operation(), Number: l.Calls, Sale: sale.ID, Reference: sale.Reference}
	switch c.Operation {
	case SendInvoice:
		c.ClientInvoiceID, c.Reference, c.Secret, c.Flow = sale.ClientInvoiceID, "", sale.Secret, sale.Flow
		c.Total, c.Items, c.ReservationTimeout = sale.Reserved, sale.Items, t.s.Rules.ReservationTimeout
	case UpdateInvoice, CommitReservation:
		c.Total, c.Items = sale.Basket(), sale.charged()
	case RefundPayment:
		c.ClientInvoiceID, c.Reference, c.ErsReference = sale.refundID(), "", sale.ErsReference
		c.Total, c.Full = sale.RefundDue, sale.fullRefund()
	case SubmitReceipt:
		c.Reference, c.ErsReference, c.Total, c.Items = "", sale.ErsReference, sale.Charged.Sub(sale.refunded()),
			sale.charged()
	case AskStatus:
		l.Asked = t.now
		c.ClientInvoiceID, c.ErsReference, c.Version = sale.ClientInvoiceID, sale.ErsReference, l.Version
	}
	t.do(c)
}

// callIn makes the stage's next call after a pause.
func (t *step) callIn(d time.Duration) { t.s.Live.CallAt = t.now.add(d) }

// poll makes the next question come a second after the last one was asked, or soon after a notification.
func (t *step) poll() {
	if t.s.Live.Again {
		t.hinted()
		return
	}
	t.s.Live.CallAt = max(t.now, t.s.Live.Called.add(pollEvery))
}

// retry makes the call again after a pause that doubles from one second.
func (t *step) retry() {
	t.s.Live.Tries++
	d := retryMax
	if n := t.s.Live.Tries; n <= 5 {
		d = min(retryMax, time.Second<<(n-1))
	}
	t.callIn(d)
}

// retryOrDoubt is retry for an answer that decided nothing although Glase can be reached: at asksMax the sale stands in
// doubt.
func (t *step) retryOrDoubt(note string) {
	t.s.Live.Answers++
	if t.s.Live.Answers > asksMax {
		t.doubt(note)
		return
	}
	t.retry()
}

// askAgain repeats a question that had no answer: soon at first, since not being asked makes Glase take payments back.
func (t *step) askAgain() {
	t.s.Live.Lost++
	if n := t.s.Live.Lost; n <= lostSoon {
		t.callIn(min(lostMax, time.Duration(n)*time.Second))
		return
	}
	t.callIn(retryMax)
}

// unacknowledged asks once more with the version that came with a RESERVED or PAID: the version is an acknowledgement,
// and Glase may reverse what nobody acknowledged. Nothing is made of the answer before. A version that grows with each
// question is let be.
func (t *step) unacknowledged(e Event) bool {
	a, ok := status(e)
	if !ok {
		return false
	}
	if a.Result.Kind != Done || a.Status != StatusReserved && a.Status != StatusPaid || a.Version == t.s.Live.Version ||
		t.s.Live.Acks >= acksMax {
		t.s.Live.Acks = 0
		return false
	}
	t.s.Live.Acks++
	t.s.Live.Version = a.Version
	t.call()
	return true
}

// stale reports an outcome that nobody waits for any more: of another sale, of another call, or overtaken by a later
// one.
func (t *step) stale(e Event) bool {
	a, ok := e.(Answered)
	if !ok {
		return false
	}
	if a.Operation != t.operation() || a.Sale != t.s.Sale.ID || t.s.Sale.Ended || a.Call == 0 ||
		a.Call != t.s.Live.Waiting {
		return true
	}
	t.s.Live.Waiting = 0
	return false
}

// status is an answer to a question about the invoice; false: it is something else.
func status(e Event) (Answered, bool) {
	a, ok := e.(Answered)
	return a, ok && a.Operation == AskStatus
}
