package fsm

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/reason"
)

// purchaseRequested is createPurchase, in whichever stage it comes.
func (t *step) purchaseRequested(e PurchaseRequested) {
	refuse := func(why Refusal) { t.do(Answer{Request: e.Request, Refusal: why}) }
	sale, cheapest := t.s.Sale, t.s.cheapest()
	again := t.s.Busy() && e.Payer != "" && e.Payer == t.s.Live.Payer && e.Amount == sale.Requested &&
		sale.EndReason == ""
	switch {
	case again && t.s.Stage == Awaiting && !t.s.Live.Unseen:
		t.do(Answer{Request: e.Request, Reference: sale.Reference})
	case again && (t.s.Stage == Invoicing || t.s.Live.Unseen) && len(t.s.Live.Requests) < requestsMax:
		t.s.Live.Requests = append(slices.Clip(t.s.Live.Requests), e.Request)
	case t.s.Busy() && !sale.Recovered && len(t.s.machineFaults()) == 0:
		refuse(DeviceInUse)
	case t.s.Stage != Ready || t.s.Rules.Flow != Reservation || cheapest.IsZero():
		refuse(DeviceUnavailable)
	case e.Amount.Currency != cheapest.Currency || e.Amount.Minor <= 0:
		refuse(SystemError)
	case e.Amount.Less(cheapest):
		refuse(InsufficientFunds)
	default:
		total := e.Amount
		if m := t.s.Rules.ReserveMax; !m.IsZero() && m.Less(total) {
			total = m
		}
		t.begin(Sale{Flow: Reservation, Payment: Payment{Requested: e.Amount, Reserved: total}}, e.New)
		t.s.Live.Requests, t.s.Live.Payer = []string{e.Request}, e.Payer
	}
}

// begin starts a sale with its invoice.
func (t *step) begin(sale Sale, ids NewSale) {
	sale.ID, sale.ClientInvoiceID, sale.Secret = ids.ID, ids.ClientInvoiceID, ids.Secret
	sale.State, sale.InvoicedAt = Open, t.now
	t.s.Sale = sale
	t.s.Live = Live{Calls: t.s.Live.Calls}
	t.enter(Invoicing)
	t.call()
}

// refused says on the screen why a slot sells nothing now.
func (t *step) refused(slot string) bool {
	t.s.Live.Notice = ""
	if t.s.Stock[slot] <= 0 {
		t.s.Live.Notice = reason.SoldOut
	}
	if why, closed := t.s.ClosedSlots()[slot]; closed {
		t.s.Live.Notice = reason.Closed
		if t.s.fault(why) {
			t.s.Live.Notice = why // which the customer may know
		}
	}
	return t.s.Live.Notice != ""
}

func (t *step) stepInvoicing(e Event) {
	switch e := e.(type) {
	case CancelPressed:
		t.s.Sale.EndReason = reason.CancelledByCustomer
	case PageLeft:
		if t.leftBy(e) {
			t.s.Sale.EndReason = cmp.Or(t.s.Sale.EndReason, reason.WalkedAway)
		}
	case Answered:
		t.invoiceSent(e)
	}
}

func (t *step) invoiceSent(e Answered) {
	sale, r := &t.s.Sale, e.Result
	lost := r.Kind == ResultUnknown || r.Kind == Done && e.Reference == ""
	switch {
	case r.Kind == Done && !lost:
		t.invoiceKnown(e)
	case r.Kind == Misfit: // the invoice may have been made all the same
		t.unheard()
		t.unanswered()
		t.unprovable(e.note(), t.retry)
	case lost, sale.Unheard && (r.Kind == NotSent || r.refused(Busy)):
		// Glase may still carry it out, and would then end whichever invoice the terminal has by that time. Until the
		// same one is known, which it is by its clientInvoiceId, there is no other.
		if lost {
			t.unheard()
		}
		t.unanswered()
		t.retry()
	case sale.Reference != "": // refused when it was asked for once more
		t.release(cmp.Or(sale.EndReason, reason.InvoicingFailed))
	case sale.Flow == Sticker && sale.Unheard:
		// The sticker leads to the terminal's current invoice, so the customer could pay one whose reference was lost.
		t.retryOrDoubt(e.note() + " after an attempt without an answer")
	default:
		t.fail(e)
	}
}

// invoiced goes on with the invoice, which the customer can have once Glase has said that it is ours.
func (t *step) invoiced() {
	t.enter(Awaiting)
	t.s.Deadline = t.now.add(unpaidAfter)
	switch t.s.Sale.Flow {
	case Reservation:
		t.s.Deadline = t.now.add(t.s.PinTime())
	case Web:
		t.s.Deadline = t.now.add(t.s.Rules.PinTimeout)
	}
	t.s.Live.Unseen = true
	t.call()
}

// unanswered gives up a sale whose invoice has no known outcome, but not the invoice: it is found and cancelled before
// the next. The customer in front of a sticker may go on, since the sticker leads to the invoice whatever its
// reference.
func (t *step) unanswered() {
	if t.s.Sale.Flow == Sticker {
		return
	}
	t.s.Sale.EndReason = cmp.Or(t.s.Sale.EndReason, reason.InvoicingFailed)
	t.refuseWaiting()
}

// fail ends a sale whose invoice nobody can pay: it was refused, or its reference reached nobody.
func (t *step) fail(e Answered) {
	state := Failed
	if len(t.s.Sale.Invoices) > 0 { // the last one of several, to end what has no name: nobody is led to that
		state = Cancelled
	}
	t.s.Sale.Note, t.s.Sale.Unheard = e.note(), false
	t.end(state, reason.InvoicingFailed)
}

// stepAwaiting serves awaiting and asking: in both the customer may pay, so in both the polls go on.
func (t *step) stepAwaiting(e Event) {
	switch e := e.(type) {
	case Answered:
		t.awaited(e)
	case Notified:
		t.notified(e)
	case CancelPressed:
		t.release(reason.CancelledByCustomer)
	case RetryPressed:
		if t.s.Stage != Asking {
			return
		}
		if t.s.Sale.Rounds >= roundsMax {
			t.release(reason.WalkedAway)
			return
		}
		t.s.Sale.Rounds++
		t.s.Stage, t.s.Deadline = Awaiting, t.now.add(unpaidAfter)
		if t.s.Live.Waiting == 0 {
			t.call()
		}
	case PageLeft:
		if t.leftBy(e) {
			t.release(reason.WalkedAway)
		}
	}
}

// leftBy reports whether the page was the present sale's.
func (t *step) leftBy(e PageLeft) bool { return t.s.Sale.Flow == Web && e.Sale == t.s.Sale.ID }

// notified makes the next question come at once: a notification is a hint, never a proof.
func (t *step) notified(e Notified) {
	if e.Secret != t.s.Sale.Secret {
		return
	}
	if t.s.Live.Waiting != 0 {
		t.s.Live.Again = true
		return
	}
	t.hinted()
}

// hintGap passes between two questions, however often a notification comes.
const hintGap = 200 * time.Millisecond

// hinted asks for a hint's sake: now, or hintGap after the last question. Whoever has the right notification may repeat
// it at any rate.
func (t *step) hinted() {
	l := &t.s.Live
	l.Again = false
	at := l.Asked.add(hintGap)
	if l.Asked == 0 || t.now >= at {
		t.call()
		return
	}
	if l.CallAt == 0 || at < l.CallAt {
		l.CallAt = at
	}
}

func (t *step) awaited(e Answered) {
	sale := &t.s.Sale
	if t.unseenInvoice(e) {
		return
	}
	if e.Result.Kind != Done {
		if e.Result.refused(UnknownInvoice) {
			t.doubt(e.note())
			return
		}
		t.poll()
		return
	}
	t.s.Live.Version = e.Version
	switch {
	case e.Status == StatusReserved && sale.Flow == Reservation:
		sale.SeenReserved = true
		t.s.Live.KnownAt = t.s.Live.Called
		t.choose()
	case e.Status == StatusPaid && sale.Flow == Reservation:
		t.paid(e) // charged before anything came out: all of it goes back
	case e.Status == StatusPaid:
		t.paidFirst(e)
	case e.Status == StatusCanceled:
		t.end(Cancelled, reason.CancelledOnPhone)
	case e.Status == StatusFailed:
		t.end(Cancelled, reason.PaymentFailed)
	default:
		t.poll()
	}
}

// paidFirst is direct debit's PAID: the product may come out, if all of its price was paid and nothing stands against
// it.
func (t *step) paidFirst(e Answered) {
	sale := &t.s.Sale
	if t.unproven(e) {
		return // nothing could be refunded
	}
	sale.Charged, sale.ErsReference = e.Amount, e.ErsReference
	item := sale.Items[0]
	_, closed := t.s.ClosedSlots()[item.Slot]
	short := e.Amount.Less(item.Price)
	if short {
		sale.Note = fmt.Sprintf("Glase charged %v for %v", e.Amount, item.Price)
	}
	if short || closed || t.s.hardFault() != "" {
		t.payBack(cmp.Or(t.s.hardFault(), reason.PaymentFailed))
		return
	}
	t.start(item)
}

// proves reports whether a PAID says how much, in the sale's currency, and under which reference.
func (e Answered) proves(currency string) bool {
	return e.ErsReference != "" && e.Amount.Currency == currency && e.Amount.Minor > 0
}

// choose lets the customer choose, within what is left of the credit and of the reservation's time.
func (t *step) choose() {
	if why := cmp.Or(t.s.Sale.EndReason, t.s.hardFault()); why != "" {
		t.settle(why)
		return
	}
	t.enter(Choosing)
	t.s.Deadline = min(t.now.add(t.s.Rules.ChooseTimeout), t.s.Sale.ReservedUntil.add(-settleMargin))
	if t.s.Deadline <= t.now {
		t.settle(reason.ReservationExpired)
	}
}

func (t *step) stepChoosing(e Event) {
	switch e := e.(type) {
	case CancelPressed:
		t.settle(reason.CancelledByCustomer)
	case Notified:
		t.notified(e)
	case Answered:
		t.chosenStatus(e)
	}
}

// productChosen is a product's button, a page's, or a machine's own request, in whichever stage it comes.
func (t *step) productChosen(e ProductChosen) {
	slot, known := t.s.slot(e.Slot)
	price := slot.Price
	if slot.AtMachine {
		price = e.Price
	}
	item := slot.item(e.Item, price)
	why := NotChoosing
	switch {
	case !known || slot.AtMachine == e.Price.IsZero() || price.Currency != slot.Price.Currency || price.Minor <= 0:
		why = NoSuchSlot
	case t.s.Stage == Ready && e.Claim != "" && t.s.Rules.Pages():
		why = t.chosenFirst(item, e, Web)
	case t.s.Stage == Ready && e.Claim == "" && (t.s.Rules.Flow == Sticker || t.s.Rules.Flow == InvoiceQR):
		why = t.chosenFirst(item, e, t.s.Rules.Flow)
	case t.s.Stage == Choosing && e.Claim == "" && t.s.Live.Wanted.ID == "":
		why = t.chosen(item)
	}
	switch {
	case e.Request == "":
	case why != "":
		t.do(Answer{Request: e.Request, Refusal: why})
	case t.s.Live.Wanted.ID == item.ID:
		t.s.Live.Chooser = e.Request
	default:
		t.do(Answer{Request: e.Request, Reference: item.ID})
	}
}

// chosenFirst begins a direct-debit sale.
func (t *step) chosenFirst(item Item, e ProductChosen, flow Flow) Refusal {
	had := t.s.Live.Notice
	if t.refused(item.Slot) {
		why := Refusal(t.s.Live.Notice)
		if flow == Web { // the page says it, and not the machine's screen
			t.s.Live.Notice = had
		}
		return why
	}
	t.begin(Sale{Flow: flow, Claim: e.Claim, Items: []Item{item},
		Payment: Payment{Requested: item.Price, Reserved: item.Price}}, e.New)
	return ""
}

// chosen is a product within a reservation: approved at once, or wanted until a fresh look at the reservation.
func (t *step) chosen(item Item) Refusal {
	switch {
	case t.refused(item.Slot):
	case t.s.Sale.Credit().Less(item.Price):
		t.s.Live.Notice = reason.TooExpensive
	case t.tooLate(item):
		t.s.Live.Notice = reason.TooLate
	case t.now.Since(t.s.Live.KnownAt) > freshFor:
		t.s.Live.Wanted = item
		if t.s.Live.Waiting == 0 {
			t.call()
		}
		return ""
	default:
		t.approve(item)
		return ""
	}
	return Refusal(t.s.Live.Notice)
}

// answerChoice tells whoever chose what is wanted what became of it: the item when it is taken, or why it is not.
func (t *step) answerChoice(item string, why Refusal) {
	if request := t.s.Live.Chooser; request != "" {
		t.s.Live.Chooser = ""
		t.do(Answer{Request: request, Reference: item, Refusal: why})
	}
}

// tooLate: no vend starts that could outlast the reservation.
func (t *step) tooLate(i Item) bool {
	return t.now.add(i.MaxVend+settleMargin) > t.s.Sale.ReservedUntil
}

// approve makes the item the sale's, and its one motor start with it.
func (t *step) approve(item Item) {
	t.s.Sale.Items = append(slices.Clip(t.s.Sale.Items), item)
	t.start(item)
}

// chosenStatus: the reservation was asked for again, before a motor start or after a notification.
func (t *step) chosenStatus(e Answered) {
	if e.Result.Kind != Done {
		if e.Result.refused(UnknownInvoice) {
			t.doubt(e.note())
			return
		}
		if t.s.Live.Wanted.ID != "" {
			t.poll() // until the customer's time is over
		}
		return
	}
	t.s.Live.Version = e.Version
	switch e.Status {
	case StatusReserved:
		t.s.Live.KnownAt = t.s.Live.Called
		wanted := t.s.Live.Wanted
		t.s.Live.Wanted = Item{}
		if wanted.ID == "" {
			return
		}
		closed := t.refused(wanted.Slot) // since it was chosen
		if !closed && t.tooLate(wanted) {
			t.s.Live.Notice = reason.TooLate
		}
		if why := t.s.Live.Notice; why != "" {
			t.answerChoice("", Refusal(why))
			return
		}
		t.answerChoice(wanted.ID, "")
		t.approve(wanted)
	case StatusCanceled, StatusFailed:
		t.gone(e.Status)
	case StatusPaid:
		t.paid(e)
	default:
		if t.s.Live.Wanted.ID != "" {
			t.poll()
		}
	}
}

// note is the answer for a technician.
func (e Answered) note() string {
	op, r := string(e.Operation), e.Result
	switch r.Kind {
	case Refused:
		if r.Word == "" {
			return op + " was not sent: " + r.Text
		}
		return op + " refused with " + r.Word
	case NotSent:
		return op + " could not be sent"
	case Misfit:
		return op + " was not answered as asked: " + r.Text
	}
	return op + " had no known outcome"
}
