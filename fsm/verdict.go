package fsm

import (
	"cmp"
	"fmt"
	"slices"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// saleResolved opens a sale that stands in doubt again, and settles it as a person decided. It begins with Glase's word
// on it, since much may have happened. A sale that is still open, because Glase says nothing that decides it, can only
// be settled by hand.
func (t *step) saleResolved(e SaleResolved) {
	sale, v := e.Sale, e.Verdict
	known := slices.Contains([]Decision{Charge, Release, Refund}, v.Decision) && v.By != "" && v.Reason != ""
	helpless := v.ByHand && sale.ID == t.s.Sale.ID && t.s.Helpless()
	if sale.ID == t.s.Sale.ID {
		sale = t.s.Sale // what the person saw of it may be older
	}
	nothing := v.ByHand && v.Decision == Charge && sale.Charged.IsZero() && !sale.possible()
	why := Refusal("")
	switch {
	case t.s.Busy() && !helpless:
		why = SaleIsOn
	case t.s.Serving():
		why = ActIsOn
	case t.s.fault(reason.Journal):
		why = NoRecord
	case !known:
		why = SaysTooLittle
	case v.Amount != (money.Amount{}) && !v.givesBack(sale),
		v.Amount == (money.Amount{}) && (sale.State != InDoubt && !helpless || nothing):
		why = NothingToDo
	}
	if why != "" {
		t.do(Answer{Request: e.Request, Refusal: why})
		return
	}
	t.do(Answer{Request: e.Request, Reference: sale.ID})
	note := v.String()
	if sale.Verdict == (Verdict{}) || v.Amount.IsZero() { // any number of refunds may follow each other
		note += "; before: " + cmp.Or(sale.Note, string(t.s.Stage))
	}
	about := sale.Verdict.Amount // of the doubt: so much was to go back, and no more
	sale.Verdict, sale.Why, sale.Note = v, reason.Resolved, note
	t.s.Sale = sale
	if v.ByHand {
		t.settledByHand(about)
		return
	}
	s := &t.s.Sale
	s.State, s.Ended, s.Recovered = Open, false, true
	s.Charging = Charging{}
	if v.Amount.Minor > 0 || about.IsZero() {
		s.RefundDue = money.Amount{} // nothing of it was asked for yet
	} else {
		s.Verdict.Amount = about
	}
	// its own may be of another clock: the longest rest
	s.InvoicedAt, s.ReservedUntil = t.now, t.now.add(t.s.Rules.ReservationTimeout)
	t.s.Live = Live{Calls: t.s.Live.Calls, UnheardAt: t.now}
	if s.Reference == "" { // found by its clientInvoiceId, and cancelled
		t.enter(Invoicing)
		s.EndReason = reason.Resolved
		t.unheard()
		t.call()
		return
	}
	t.enter(Resolving)
	t.call()
}

// givesBack reports whether the verdict gives back a part of what the sale was charged, or all that is left of it. A
// sale that has several payments is not given back so: which of them would be a guess.
func (v Verdict) givesBack(s Sale) bool {
	if v.Decision != Refund || v.ByHand || !s.Ended || s.State != Charged || len(s.Invoices) > 0 ||
		s.ErsReference == "" || v.Amount.Currency != s.Charged.Currency {
		return false
	}
	return v.Amount.Minor > 0 && !s.Charged.Sub(s.refunded()).Less(v.Amount)
}

// Helpless reports whether an open sale is only being settled, and the last answers of Glase, or its silence, decided
// nothing. A person may then settle it by hand.
func (s State) Helpless() bool {
	settling := s.Stage.Phase() == Commit || s.Stage == Resolving || s.Stage == Invoicing
	return s.Busy() && settling && max(s.Live.Tries, s.Live.Lost) >= helpAfter
}

// String is the verdict in a note.
func (v Verdict) String() string {
	how := "decided"
	if v.ByHand {
		how = "settled by hand"
	}
	what := string(v.Decision)
	if v.Decision == Refund && v.Amount.Minor > 0 {
		what += " of " + v.Amount.String()
	}
	return fmt.Sprintf("%s, %s by %s: %s", what, how, v.By, v.Reason)
}

// possible reports whether an item came out, or may have.
func (s Sale) possible() bool {
	return slices.ContainsFunc(s.Items, func(i Item) bool { return i.Charge() || i.Outcome == Unknown })
}

// settledByHand takes a person's word for what Glase's books say; about is what a doubtful refund was of.
func (t *step) settledByHand(about money.Amount) {
	sale := &t.s.Sale
	switch sale.Verdict.Decision {
	case Charge:
		if sale.Charged.IsZero() {
			t.chargeUnknown()
			sale.Charged = sale.Basket()
		}
		t.end(Charged, "")
	case Refund:
		if about.Minor > 0 {
			state := Charged
			if sale.Refunded = sale.refunded().Add(about); sale.Refunded == sale.Charged {
				state = Refunded
			}
			t.end(state, "")
			return
		}
		paid, owed := sale.Charged, sale.Basket()
		if !paid.IsZero() && !owed.IsZero() && owed.Less(paid) { // a part was to go back
			sale.Refunded = paid.Sub(owed)
			t.end(Charged, "")
			return
		}
		sale.Refunded = paid
		t.end(Refunded, "")
	default:
		t.end(Released, "")
	}
}

// chargeUnknown: the person knows that what is unknown came out, or wants it paid for.
func (t *step) chargeUnknown() {
	items := slices.Clone(t.s.Sale.Items)
	for n := range items {
		items[n].UnknownCharged = items[n].UnknownCharged || items[n].Outcome == Unknown
	}
	t.s.Sale.Items = items
}

// decided is Glase's word on a sale that a person has decided on, and what follows for the money.
func (t *step) decided(a Answered) {
	sale := &t.s.Sale
	if sale.Verdict.Decision == Charge && sale.Verdict.Amount.IsZero() {
		t.chargeUnknown()
	}
	switch {
	case a.Status == StatusPaid && sale.Verdict.Amount.Minor > 0:
		t.decidedBack(a)
	case a.Status == StatusPaid:
		t.decidedPaid(a)
	case sale.Verdict.Amount.Minor > 0: // it was settled long ago: what Glase says now is for a person
		t.doubt(fmt.Sprintf("the invoice is %s after it was PAID, and nothing more was given back", a.Status))
	case a.Status == StatusCanceled || a.Status == StatusFailed:
		t.unpaid()
	case !sale.Charged.IsZero():
		t.doubt(fmt.Sprintf("the invoice is %s after it was PAID", a.Status))
	case a.Status == StatusReserved:
		sale.SeenReserved = true
		switch {
		case sale.Verdict.Decision != Charge:
			t.release(reason.Resolved)
		case sale.Basket().IsZero():
			t.doubt("nothing came out that could be charged, and the reservation is held: resolve it with release")
		case sale.Commits > 0: // restarted meanwhile, and the commit may still be on its way
			t.enter(Confirming)
			t.stillReserved()
		default:
			t.update()
		}
	default:
		if sale.Verdict.Decision == Charge {
			t.doubt(fmt.Sprintf("the invoice is %s: there is nothing to charge; resolve it with release", a.Status))
			return
		}
		t.release(reason.Resolved)
	}
}

// decidedPaid: Glase has taken money.
func (t *step) decidedPaid(a Answered) {
	sale := &t.s.Sale
	if t.unproven(a) {
		return
	}
	sale.Charged, sale.ErsReference = a.Amount, a.ErsReference
	left := sale.Charged.Sub(sale.refunded())
	switch {
	case sale.Verdict.Decision == Charge:
		t.end(Charged, "")
	case left.IsZero():
		t.end(Refunded, "")
	case sale.Verdict.Decision == Release:
		t.doubt(fmt.Sprintf("Glase has charged %v: resolve it with charge or refund", sale.Charged))
	default:
		sale.RefundDue = left
		if due := left.Sub(sale.Basket()); due.Minor > 0 {
			sale.RefundDue = due
		}
		t.refund()
		// the doubt may be whether it was made already: 98 proves it
		t.s.Live.MayHaveHappened = t.s.Stage == Refunding && sale.fullRefund()
	}
}

// decidedBack: Glase has the payment of which a person wants something to go back, or has decided whether it does. What
// was charged is on record, whatever a receipt makes of an earlier refund.
func (t *step) decidedBack(a Answered) {
	if t.unproven(a) {
		return
	}
	switch sale := &t.s.Sale; sale.Verdict.Decision {
	case Charge:
		sale.RefundDue = money.Amount{}
		t.end(Charged, "")
	case Refund:
		again := !sale.RefundDue.IsZero()
		sale.RefundDue = sale.Verdict.Amount
		t.refund()
		if l := &t.s.Live; again && t.s.Stage == Refunding { // the one in doubt may have been made: 98 proves it of all
			l.Doubted, l.MayHaveHappened = true, sale.fullRefund()
		}
	default:
		t.doubt(fmt.Sprintf("Glase has charged %v: resolve it with charge or refund", sale.Charged))
	}
}
