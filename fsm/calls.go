package fsm

import "time"

// call makes the stage's call to Glase now.
func (t *step) call() {
	sale, l := &t.s.Sale, &t.s.Live
	l.Calls++
	l.Waiting, l.Called, l.CallAt, l.Again = l.Calls, t.now, 0, false
	n := l.Calls
	switch {
	case t.s.Stage == Invoicing:
		t.do(SendInvoice{n, sale.ID, sale.ClientInvoiceID, sale.Secret, sale.Flow, sale.Reserved, sale.Items, t.s.Rules.ReservationTimeout})
	case t.s.Stage == Updating:
		t.do(UpdateInvoice{n, sale.ID, sale.Reference, sale.Basket(), sale.charged()})
	case t.s.Stage == Committing:
		t.do(CommitReservation{n, sale.ID, sale.Reference, sale.Basket()})
	case t.s.Stage == Releasing && !l.Checking:
		t.do(CancelInvoice{n, sale.ID, sale.Reference})
	case t.s.Stage == Refunding:
		t.do(RefundPayment{n, sale.ID, sale.refundID(), sale.ErsReference, sale.Due, sale.fullRefund()})
	case t.s.Stage == Receipting:
		t.do(SubmitReceipt{n, sale.ID, sale.ErsReference, sale.Charged.Sub(sale.refunded()), sale.charged()})
	default:
		l.Asked = t.now
		t.do(AskStatus{n, sale.ID, sale.Reference, l.Version, sale.ClientInvoiceID, sale.ErsReference})
	}
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

// bounded is retry for an answer that decided nothing although Glase can be reached: at asksMax the sale stands in doubt.
func (t *step) bounded(note string) {
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

// unacknowledged asks once more with the version that came with a RESERVED or PAID: the version is an acknowledgement, and Glase
// may reverse what nobody acknowledged. Nothing is made of the answer before. A version that grows with each question is let be.
func (t *step) unacknowledged(e Event) bool {
	a, ok := e.(StatusAnswered)
	if !ok {
		return false
	}
	if a.Result.Kind != Done || a.Status != StatusReserved && a.Status != StatusPaid || a.Version == t.s.Live.Version || t.s.Live.Acks >= acksMax {
		t.s.Live.Acks = 0
		return false
	}
	t.s.Live.Acks++
	t.s.Live.Version = a.Version
	t.call()
	return true
}

// stale reports an outcome that nobody waits for any more: of another sale, of another call, or overtaken by a later one.
func (t *step) stale(e Event) bool {
	var call int
	var sale string
	var stage bool // whether the stage's last call was of the event's kind
	asking := true
	switch t.s.Stage {
	case Invoicing, Updating, Committing, Refunding, Receipting:
		asking = false
	case Releasing:
		asking = t.s.Live.Checking
	}
	switch e := e.(type) {
	case InvoiceSent:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Invoicing
	case StatusAnswered:
		call, sale, stage = e.Call, e.Sale, asking
	case InvoiceUpdated:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Updating
	case ReservationCommitted:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Committing
	case InvoiceCanceled:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Releasing && !asking
	case PaymentRefunded:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Refunding
	case ReceiptSubmitted:
		call, sale, stage = e.Call, e.Sale, t.s.Stage == Receipting
	default:
		return false
	}
	if !stage || sale != t.s.Sale.ID || t.s.Sale.Ended || call == 0 || call != t.s.Live.Waiting {
		return true
	}
	t.s.Live.Waiting = 0
	return false
}
