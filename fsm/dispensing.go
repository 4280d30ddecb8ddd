package fsm

import (
	"cmp"
	"fmt"
	"slices"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// start begins the item's one vend. Only an approved item of this sale comes here, and each only once.
func (t *step) start(item Item) {
	t.enter(Vending)
	items := slices.Clone(t.s.Sale.Items)
	for n := range items {
		if items[n].ID == item.ID {
			items[n].Started = true
			item = items[n]
		}
	}
	t.s.Sale.Items = items
	t.s.Deadline = t.now.add(item.MaxVend + vendGrace)
	t.do(Vend{t.s.Sale.ID, item})
}

// pending is the item that is being vended; the zero Item when none is.
func (t *step) pending() Item {
	for _, i := range t.s.Sale.Items {
		if i.Outcome == Pending {
			return i
		}
	}
	return Item{}
}

func (t *step) setItem(id string, o ItemOutcome, why reason.Why) {
	t.s.Sale.Items = slices.Clone(t.s.Sale.Items)
	for n := range t.s.Sale.Items {
		if i := &t.s.Sale.Items[n]; i.ID == id {
			i.Outcome, i.Why = o, why
		}
	}
}

func (t *step) stepVending(e Event) {
	switch e := e.(type) {
	case VendEnded:
		t.vendEnded(e)
	case CancelPressed:
		if t.s.Sale.Flow == Reservation && t.s.Sale.EndReason == "" {
			t.s.Sale.EndReason = reason.CancelledByCustomer // after this product
		}
	}
}

func (t *step) vendEnded(e VendEnded) {
	item := t.pending()
	if e.Sale != t.s.Sale.ID || e.Item != item.ID || item.ID == "" {
		return
	}
	t.outcome(item, e.Outcome, e.Why)
	if t.s.Sale.Flow != Reservation {
		t.payBack(e.Why)
		return
	}
	why := cmp.Or(t.s.Sale.EndReason, t.s.hardFault())
	if why != "" || !t.s.affords(t.s.Sale.Credit()) || len(t.s.Sale.Items) >= itemsMax {
		t.settle(why)
		return
	}
	t.choose()
	if t.s.Stage == Choosing && e.Outcome != Delivered {
		t.s.Live.Notice = cmp.Or(e.Why, e.Outcome.why())
	}
}

// outcome records what became of an item, of its slot and of its stock.
func (t *step) outcome(item Item, o ItemOutcome, why reason.Why) {
	if o != Delivered && o != NotDelivered {
		o = Unknown // also a word that no dispenser should say: it claims nothing
	}
	t.setItem(item.ID, o, why)
	if o != Delivered {
		t.s.Sale.Why = cmp.Or(why, o.why())
	}
	t.afterVend(item.Slot, o, why)
}

// why is what an outcome that is no delivery says where the dispenser gives no better word.
func (o ItemOutcome) why() reason.Why {
	if o == NotDelivered {
		return reason.NotDelivered
	}
	return reason.Unknown
}

// afterVend is what a vend leaves of a slot and of its stock.
func (t *step) afterVend(slot string, o ItemOutcome, why reason.Why) {
	taken, closed := leaves(o, why)
	if taken {
		t.takeStock(slot)
	}
	if closed {
		t.closeSlot(slot, cmp.Or(why, o.why()))
	}
}

// leaves is what a vend leaves of its slot: whether a product is gone from it, and whether it is closed until a
// technician has looked. A delivery by a part that failed closes it too; a vend that was stopped, or a choice taken
// back, does not.
func leaves(o ItemOutcome, why reason.Why) (taken, closed bool) {
	if o != Delivered && o != NotDelivered {
		o = Unknown
	}
	return o != NotDelivered, (o != Delivered || why != "") && (o == Unknown || why != reason.Stopped)
}

// closeSlot: a slot that jammed or ended unknown sells nothing until a technician has looked at it, so that one fault
// costs at most one product.
func (t *step) closeSlot(slot string, why reason.Why) {
	if !slices.ContainsFunc(t.s.Closed, func(c Closure) bool { return c.Slot == slot }) {
		t.s.Closed = append(slices.Clip(t.s.Closed), Closure{slot, why})
	}
}

// payBack is direct debit's end: what did not come out is refunded, what did is receipted.
func (t *step) payBack(why reason.Why) {
	sale := &t.s.Sale
	sale.RefundDue = sale.Charged.Sub(sale.Basket())
	if sale.RefundDue.Minor <= 0 {
		sale.RefundDue = money.Amount{}
		t.receipt()
		return
	}
	if !sale.Basket().IsZero() {
		sale.Note = fmt.Sprintf("Glase charged %v for %v", sale.Charged, sale.Basket())
		why = cmp.Or(why, reason.Overcharged)
	}
	sale.Why = cmp.Or(sale.Why, why, reason.NotDelivered)
	t.refund()
}
