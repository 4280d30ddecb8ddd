package fsm

import (
	"reflect"
	"slices"
	"time"

	"kioskd/internal/money"
)

const (
	pollEvery    = time.Second      // Glase's documentation: the status is asked each second while waiting
	freshFor     = 10 * time.Second // a reservation that was seen this long ago is asked for again before a motor starts
	settleMargin = 30 * time.Second // what updating and committing may take: no vend ends later than this before the expiry
	expiryGrace  = time.Minute      // after a reservation's expiry Glase is given this long to say so
	unpaidAfter  = 30 * time.Second // Glase's documentation: direct debit polls this long, then asks the customer
	reversalWait = 25 * time.Second // an unasked payment is reversed after 20 s; stay silent a little longer
	vendGrace    = 5 * time.Second  // a dispenser that is silent this long after its longest vend will not answer
	showFor      = 8 * time.Second  // a sale's result stays on the screen
	retryMax     = 30 * time.Second // the longest pause between two tries of a call
	busyWait     = 2 * time.Second  // Glase says a payment is in progress: wait this long and ask
	recommitWait = 3 * time.Second  // a commit may need this long before its status shows; then it is made again

	itemsMax    = 32  // products in one sale: a basket that no customer fills, and an invoice that Glase takes
	requestsMax = 4   // createPurchase calls that may wait for one invoice
	roundsMax   = 10  // "try again" in a row
	commitsMax  = 10  // commitReservation calls for one sale
	asksMax     = 100 // answers in a row that decide nothing although Glase can be reached; then the sale is in doubt
)

// Result codes of Glase that decide something here.
const (
	codePaymentInProgress = 48
	codeCannotCancelPaid  = 50
	codeCancelInProgress  = 51
	codeUnknownReference  = 54
	codePaymentCancelled  = 55
	codeSystemBusy        = 93
	codeAlreadyCancelled  = 95
	codeNotReserved       = 96
	codeRefundSumExceeded = 98
)

// Step decides what follows from an event. It is deterministic, and total: an event that means nothing in this stage changes
// nothing. durable says that a durable field changed, so that next must be recorded before the effects are carried out.
//
// It panics only on a broken invariant of the state itself, such as two currencies in one sale.
func Step(s State, e Event) (next State, effects []Effect, durable bool) {
	t := &step{s: s, now: e.at()}
	switch e := e.(type) {
	case Booted:
		t.booted(e)
	case PurchaseRequested:
		t.purchaseRequested(e)
	case FaultRaised:
		t.faultRaised(e.Fault)
	case FaultCleared:
		t.faultCleared(e.Name)
	case SlotsOpened:
		t.openSlots(e.Slots)
	case SaleStopped:
		t.hurry("stopped", true)
	default:
		t.inStage(e)
	}
	before, after := s, t.s
	before.Live, after.Live = Live{}, Live{}
	return t.s, t.effects, !reflect.DeepEqual(before, after)
}

// step is one step under construction: the state is a copy, and slices are replaced, never written into.
type step struct {
	s       State
	now     Instant
	effects []Effect
}

func (t *step) do(e Effect) { t.effects = append(t.effects, e) }

// inStage gives the event to the stage that waits for it.
func (t *step) inStage(e Event) {
	if t.stale(e) {
		return
	}
	if _, ok := e.(Ticked); ok {
		t.ticked()
		return
	}
	switch t.s.Stage {
	case Ready:
		t.stepReady(e)
	case Invoicing:
		t.stepInvoicing(e)
	case Awaiting, Asking:
		t.stepAwaiting(e)
	case Choosing:
		t.stepChoosing(e)
	case Vending:
		t.stepVending(e)
	case Updating:
		t.stepUpdating(e)
	case Committing:
		t.stepCommitting(e)
	case Confirming:
		t.stepConfirming(e)
	case Releasing:
		t.stepReleasing(e)
	case Refunding:
		t.stepRefunding(e)
	case Receipting:
		t.stepReceipting(e)
	case Resolving:
		t.stepResolving(e)
	}
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

// ticked serves whatever has come due.
func (t *step) ticked() {
	if till := t.s.Live.ShowTill; till != 0 && t.now >= till {
		t.s.Live.ShowTill = 0
	}
	if d := t.s.Deadline; d != 0 && t.now >= d {
		t.s.Deadline = 0
		t.deadline()
		return
	}
	if c := t.s.Live.CallAt; c != 0 && t.now >= c && t.s.Live.Waiting == 0 {
		t.call()
	}
}

// deadline is the end of a stage's patience.
func (t *step) deadline() {
	switch t.s.Stage {
	case Awaiting:
		if t.s.Sale.Flow == Reservation {
			t.release("pin_timeout")
			return
		}
		t.s.Stage = Asking // the polls go on: the customer may still pay
		t.s.Deadline = t.now.add(unpaidAfter)
	case Asking:
		t.release("walked_away")
	case Choosing:
		t.settle("nothing_chosen")
	case Vending:
		item := t.pending()
		t.do(StopVend{t.s.Sale.ID, item.ID})
		t.vendEnded(VendEnded{At: t.now, Sale: t.s.Sale.ID, Item: item.ID, Outcome: Unknown, Why: "timeout", Cheapest: money.Amount{}})
	case Updating: // the reservation is over: whatever Glase made of it is the truth now
		t.enter(Confirming)
		t.call()
	}
}

// enter begins a stage: nothing of the last one's calls is waited for any more.
func (t *step) enter(stage Stage) {
	t.s.Stage, t.s.Deadline, t.s.Reason = stage, 0, ""
	l := &t.s.Live
	l.Waiting, l.CallAt, l.Again, l.Tries, l.Unsure, l.Checking, l.Wanted, l.Notice = 0, 0, false, 0, false, false, Item{}, ""
}

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
		t.do(RefundPayment{n, sale.ID, sale.ClientInvoiceID + "R", sale.ErsReference, sale.Due, sale.fullRefund()})
	case t.s.Stage == Receipting:
		t.do(SubmitReceipt{n, sale.ID, sale.ErsReference, sale.Charged.Sub(sale.refunded()), sale.charged()})
	default:
		t.do(AskStatus{n, sale.ID, sale.Reference, l.Version})
	}
}

// callIn makes the stage's next call after a pause.
func (t *step) callIn(d time.Duration) { t.s.Live.CallAt = t.now.add(d) }

// poll makes the next question come a second after the last one was asked, or now after a notification.
func (t *step) poll() {
	if t.s.Live.Again {
		t.call()
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
	if t.s.Live.Tries >= asksMax {
		t.doubt(note)
		return
	}
	t.retry()
}

// purchaseRequested is createPurchase, in whichever stage it comes.
func (t *step) purchaseRequested(e PurchaseRequested) {
	refuse := func(c ErrorCode) { t.do(Answer{Request: e.Request, Code: c}) }
	sale := t.s.Sale
	again := t.s.Busy() && e.Payer != "" && e.Payer == sale.Payer && e.Amount == sale.Requested && sale.Stop == ""
	switch {
	case again && t.s.Stage == Awaiting:
		t.do(Answer{Request: e.Request, Reference: sale.Reference})
	case again && t.s.Stage == Invoicing && len(t.s.Live.Requests) < requestsMax:
		t.s.Live.Requests = append(slices.Clip(t.s.Live.Requests), e.Request)
	case t.s.Busy() && !sale.Recovered && len(t.s.Faults) == 0:
		refuse(DeviceInUse)
	case t.s.Stage != Ready || t.s.Rules.Flow != Reservation || e.Cheapest.IsZero():
		refuse(DeviceUnavailable)
	case e.Amount.Currency != e.Cheapest.Currency || e.Amount.Minor <= 0:
		refuse(SystemError)
	case e.Amount.Less(e.Cheapest):
		refuse(InsufficientFunds)
	default:
		total := e.Amount
		if m := t.s.Rules.ReserveMax; !m.IsZero() && m.Less(total) {
			total = m
		}
		t.begin(Sale{Payer: e.Payer, Requested: e.Amount, Reserved: total}, e.New)
		t.s.Live.Requests = []string{e.Request}
	}
}

// begin starts a sale with its invoice.
func (t *step) begin(sale Sale, ids NewSale) {
	sale.ID, sale.ClientInvoiceID, sale.Secret = ids.ID, ids.ClientInvoiceID, ids.Secret
	sale.Flow, sale.State, sale.InvoicedAt = t.s.Rules.Flow, Open, t.now
	t.s.Sale = sale
	t.s.Live = Live{Calls: t.s.Live.Calls}
	t.enter(Invoicing)
	t.call()
}

// faultRaised takes the machine out of service, and ends a sale that has begun when the fault is a hard one.
func (t *step) faultRaised(f Fault) {
	if !t.s.fault(f.Name) {
		t.s.Faults = append(slices.Clip(t.s.Faults), f)
	}
	if f.Hard {
		t.hurry(f.Name, f.Name != FaultJournal) // what moves already may end by itself when it cannot be recorded
	}
	t.rest()
}

func (t *step) faultCleared(name string) {
	if !t.s.fault(name) {
		return
	}
	t.s.Faults = slices.DeleteFunc(slices.Clone(t.s.Faults), func(f Fault) bool { return f.Name == name })
	if len(t.s.Faults) == 0 {
		t.s.Faults = nil
	}
	if name == FaultDoor { // a technician has been there: slots, and what needed a person, get a new chance
		t.openSlots(nil)
		t.faultCleared(FaultChargeRefused)
		t.faultCleared(FaultForeignCancel)
	}
	t.rest()
}

func (t *step) openSlots(slots []string) {
	t.s.Closed = slices.DeleteFunc(slices.Clone(t.s.Closed), func(c Closure) bool {
		return len(slots) == 0 || slices.Contains(slots, c.Slot)
	})
	if len(t.s.Closed) == 0 {
		t.s.Closed = nil
	}
}

// hurry ends the sale that is on as soon as its money can be settled. motors: also what moves now.
func (t *step) hurry(why string, motors bool) {
	switch t.s.Stage {
	case Invoicing:
		t.s.Sale.Stop = why
	case Awaiting, Asking:
		t.release(why)
	case Choosing:
		t.settle(why)
	case Vending:
		t.s.Sale.Stop = why
		if motors {
			t.do(StopVend{t.s.Sale.ID, t.pending().ID})
		}
	}
}

// rest puts a machine without a sale where its faults say.
func (t *step) rest() {
	if t.s.Busy() {
		return
	}
	t.s.Stage, t.s.Reason = Ready, ""
	if len(t.s.Faults) == 0 {
		return
	}
	t.s.Stage, t.s.Reason = OutOfService, t.s.Faults[0].Name
	if t.s.Reason == FaultDoor || t.s.Reason == FaultTechnician {
		t.s.Stage = Maintenance
	}
}

// end closes the sale: nothing more is done for it.
func (t *step) end(state SaleState, why string) {
	for _, r := range t.s.Live.Requests {
		t.do(Answer{Request: r, Code: InvoicingError})
	}
	for _, i := range t.s.Sale.Items {
		if i.Outcome == Pending && !i.Started {
			t.setItem(i.ID, NotDelivered, "not_started")
		}
	}
	t.s.Sale.Why = firstOf(t.s.Sale.Why, why)
	t.s.Sale.State, t.s.Sale.Ended, t.s.Sale.Stop = state, true, ""
	t.enter(Ready)
	t.s.Live = Live{Calls: t.s.Live.Calls, ShowTill: t.now.add(showFor)}
	t.rest()
}

// doubt ends the sale as one that a person must decide.
func (t *step) doubt(note string) {
	t.s.Sale.Note = note
	t.s.Sale.Why = "in_doubt"
	t.end(InDoubt, "")
}

// charged are the items to be paid for.
func (s Sale) charged() []Item {
	var items []Item
	for _, i := range s.Items {
		if i.Charge() {
			items = append(items, i)
		}
	}
	return items
}

func (s Sale) refunded() money.Amount {
	if s.Refunded == (money.Amount{}) {
		return money.Amount{Currency: s.Reserved.Currency}
	}
	return s.Refunded
}

// fullRefund: the whole payment goes back and nothing went back before.
func (s Sale) fullRefund() bool { return s.Due == s.Charged && s.Refunded.IsZero() }
