package fsm

import (
	"cmp"
	"reflect"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

const (
	pollEvery = time.Second // Glase's documentation: the status is asked each second while waiting
	// a reservation that was seen this long ago is asked for again before a motor starts
	freshFor = 10 * time.Second
	// what updating and committing may take: no vend ends later than this before the expiry
	settleMargin = 30 * time.Second
	expiryGrace  = time.Minute      // after a reservation's expiry Glase is given this long to say so
	unpaidAfter  = 30 * time.Second // Glase's documentation: direct debit polls this long, then asks the customer
	reversalWait = 25 * time.Second // an unasked payment is reversed after 20 s; stay silent a little longer
	vendGrace    = 5 * time.Second  // a dispenser that is silent this long after its longest vend will not answer
	showFor      = 8 * time.Second  // a sale's result stays on the screen
	retryMax     = 30 * time.Second // the longest pause between two tries of a call
	// the pause after a question without an answer, at first: Glase reverses after 20 s what nobody asks for
	lostMax      = 3 * time.Second
	busyWait     = 2 * time.Second // Glase says a payment is in progress: wait this long and ask
	recommitWait = 3 * time.Second // a commit may need this long before its status shows; then it is made again
	// a PAID that says neither how much nor under which reference is asked for again for so long
	proofWait = 90 * time.Second
	// an issuer may cancel one reservation; a second one within this time is somebody with our terminal
	cancelsApart = 24 * time.Hour

	itemsMax    = 32  // products in one sale: a basket that no customer fills, and an invoice that Glase takes
	requestsMax = 64  // createPurchase calls that may wait for one invoice: as many as the customer's side lets in
	roundsMax   = 10  // "try again" in a row
	commitsMax  = 150 // commitReservation calls for one sale: more than an hour's reservation has room for
	lostSoon    = 15  // questions without an answer that lostMax is for; after them there is nobody to wait for
	acksMax     = 3   // questions in a row that only acknowledge a version
	helpAfter   = 5   // outcomes in a row that decided nothing, after which a person may settle the sale by hand
	asksMax     = 100 // answers in a row that decide nothing although Glase can be reached; then the sale is in doubt
)

// Step decides what follows from an event. It is deterministic, and total: an event that means nothing in this stage
// changes nothing. durable says that a durable field changed, so that next must be recorded before the effects are
// carried out.
//
// It panics only on a broken invariant of the state itself, such as two currencies in one sale.
func Step(s State, e Event) (next State, effects []Effect, durable bool) {
	t := &step{s: s, now: e.at()}
	switch e := e.(type) {
	case Booted:
		t.booted(e)
	case PurchaseRequested:
		t.purchaseRequested(e)
	case ProductChosen:
		t.productChosen(e)
	case StockCounted:
		t.stockCounted(e)
	case FaultRaised:
		t.faultRaised(e.Fault)
	case FaultCleared:
		t.faultCleared(e.Name)
	case SlotsOpened:
		t.openSlots(e.Slots)
		if len(e.Slots) == 0 {
			t.serviced()
		}
	case SaleResolved:
		t.saleResolved(e)
	case LossAccepted:
		t.lossAccepted(e)
	case ServiceBegan:
		t.serviceBegan(e)
	case PlanogramSet:
		t.planogramSet(e)
	case Commanded:
		t.commanded(e)
	case ServiceEnded:
		t.serviceEnded(e.Service, e.Outcome, e.Why)
	case Remembered:
		live := t.s.Live
		t.s = e.State
		t.s.Live = live
	case SaleStopped:
		t.endSoon(reason.Stopped, true)
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
	if c, ok := e.(CancelPressed); t.stale(e) || ok && c.Sale != "" && c.Sale != t.s.Sale.ID {
		return
	}
	t.misfit(e)
	if t.unacknowledged(e) || t.saidOnce(e) {
		return
	}
	if _, ok := e.(Ticked); ok {
		t.ticked()
		return
	}
	switch t.s.Stage {
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
	case Maintenance:
		t.stopService()
		t.serviceEnded(t.s.Service.ID, Unknown, reason.Timeout)
	case Awaiting:
		if t.s.Sale.Flow == Reservation || t.s.Sale.Flow == Web { // a page cannot ask again: it may be out of sight
			t.release(reason.PinTimeout)
			return
		}
		t.s.Stage = Asking // the polls go on: the customer may still pay
		t.s.Deadline = t.now.add(unpaidAfter)
	case Asking:
		t.release(reason.WalkedAway)
	case Choosing:
		t.settle(reason.NothingChosen)
	case Vending:
		item := t.pending()
		// what nobody hears of may still move: it was this customer's last
		t.s.Sale.EndReason = cmp.Or(t.s.Sale.EndReason, reason.Timeout)
		t.do(StopVend{t.s.Sale.ID, item.ID})
		t.vendEnded(VendEnded{At: t.now, Sale: t.s.Sale.ID, Item: item.ID, Outcome: Unknown, Why: reason.Timeout})
	case Updating: // the reservation is over: whatever Glase made of it is the truth now
		t.enter(Confirming)
		t.call()
	}
}

// enter begins a stage: nothing of the last one's calls is waited for any more.
func (t *step) enter(stage Stage) {
	t.answerChoice("", NotChoosing)
	t.s.Stage, t.s.Deadline, t.s.Reason = stage, 0, ""
	t.s.Live.Calling, t.s.Live.Wanted, t.s.Live.Notice = Calling{}, Item{}, ""
}

// end closes the sale: nothing more is done for it. When Glase made several invoices for it, it goes on until all are
// settled.
func (t *step) end(state SaleState, why reason.Why) {
	t.refuseWaiting()
	t.s.Sale.Why = cmp.Or(t.s.Sale.Why, why)
	if !t.s.Sale.Verdict.ByHand { // who settles by hand has settled all
		doubt := ""
		if state == InDoubt {
			doubt = t.s.Sale.Note
		}
		if t.unsettled(doubt) {
			return
		}
		state = t.account(state)
	}
	t.over(state)
}

// over is the sale's last moment.
func (t *step) over(state SaleState) {
	for _, i := range t.s.Sale.Items {
		if i.Outcome == Pending && !i.Started {
			t.setItem(i.ID, NotDelivered, reason.NotStarted)
		}
	}
	t.s.Sale.State, t.s.Sale.Ended, t.s.Sale.EndReason = state, true, ""
	t.countUnpaid()
	t.enter(Ready)
	t.s.Live = Live{Calls: t.s.Live.Calls}
	if t.s.Sale.Verdict == (Verdict{}) { // whoever stands there now is not that customer
		t.s.Live.ShowTill = t.now.add(showFor)
	}
	t.settleIdle()
}

// doubt ends the sale as one that a person must decide.
func (t *step) doubt(note string) {
	t.s.Sale.Note = note
	t.s.Sale.Why = reason.InDoubt
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

// fullRefund: the whole payment goes back, and no part of it was ever asked for. Only then does a sum that is too much
// (98) prove that this one was made.
func (s Sale) fullRefund() bool { return s.RefundDue == s.Charged && s.Refunded.IsZero() && !s.Parted }
