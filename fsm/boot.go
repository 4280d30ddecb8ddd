package fsm

import (
	"fmt"
	"slices"

	"kioskd/internal/reason"
)

// booted begins a start. It never moves a motor and never lets anybody choose: what the last run left open is only
// settled.
func (t *step) booted(e Booted) {
	s := &t.s
	s.Live = Live{UnheardAt: t.now}
	s.Rules, s.Deadline = e.Rules, 0
	t.stocked(e)
	s.Faults = slices.DeleteFunc(slices.Clone(s.Faults), func(f Fault) bool { // the others are found anew, or are over
		return !slices.Contains([]reason.Why{reason.ChargeRefused, reason.ForeignCancel, reason.JournalLost,
			reason.Operator}, f.Name)
	})
	if len(s.Faults) == 0 {
		s.Faults = nil
	}
	// another clock: how long the power was away is not known, so the longest rest of the time is taken
	if e.Boot != s.Boot {
		s.Boot = e.Boot
		if s.Sale.ReservedUntil != 0 {
			s.Sale.ReservedUntil = t.now.add(e.Rules.ReservationTimeout)
		}
		if s.CanceledAt != 0 {
			s.CanceledAt = t.now
		}
		s.Sale.InvoicedAt = t.now
	}
	if e.Lost != "" {
		t.addFault(Fault{Name: reason.JournalLost, Hard: true, Note: e.Lost})
	}
	if t.s.Serving() {
		t.lostService(e.Evidence)
	}
	if !t.s.Busy() {
		t.settleIdle()
		return
	}
	s.Sale.Recovered = true
	t.lostVends(e.Evidence)
	if e.Lost != "" { // it may have ended since: Glase's PAID would look like a payment for nothing, and be given back
		what := "the record of its end is lost: look at Glase's books and into the machine, then resolve it"
		if len(s.Sale.Invoices) > 0 {
			what += "; its other invoices are " + names(s.Sale.Invoices)
		}
		s.Sale.Note, s.Sale.Why = what, reason.InDoubt
		t.over(InDoubt) // nothing is asked of Glase, nor of any other invoice
		return
	}
	switch stage := s.Stage; stage {
	case Invoicing:
		t.enter(Invoicing) // found by its clientInvoiceId, and cancelled, before there is another
		s.Sale.EndReason = reason.Restarted
		t.unheard()
		t.call()
	case Refunding:
		t.enter(Refunding)
		if !s.Sale.fullRefund() { // the request may have been sent, and repeating it could pay twice
			t.doubt(fmt.Sprintf("restarted during a refund of %v", s.Sale.RefundDue))
			return
		}
		s.Live.MayHaveHappened = true
		t.call()
	case Receipting:
		t.receipt()
	default:
		t.enter(Resolving)
		t.call()
	}
}

// lostVends gives every pending item its outcome: a dispenser's evidence, or unknown. One that was never started did
// not come out. An unknown item whose dispenser's rule is "charged" is a person's to decide: the rule is for a machine
// that failed, not for us.
func (t *step) lostVends(evidence []Evidence) {
	for item := t.pending(); item.ID != ""; item = t.pending() {
		if !item.Started {
			t.setItem(item.ID, NotDelivered, reason.NotStarted)
			continue
		}
		found := Evidence{item.ID, Unknown, reason.Restarted}
		for _, e := range evidence {
			if e.Item == item.ID && e.Outcome != Pending {
				found = e
			}
		}
		t.outcome(item, found.Outcome, found.Why)
	}
}

// stepResolving: Glase's word on a sale that the boot found open.
func (t *step) stepResolving(e Event) {
	a, ok := status(e)
	if !ok || t.undecided(a) {
		return
	}
	sale := &t.s.Sale
	nothing := sale.Basket().IsZero()
	switch {
	case sale.Verdict != Verdict{}:
		t.decided(a)
	case a.Status == StatusPaid:
		t.knownByCharge(a)
		t.paidUnwanted(a)
	case a.Status == StatusCanceled || a.Status == StatusFailed:
		t.unpaid()
	case !sale.Charged.IsZero(): // it was PAID once
		t.retryOrDoubt(fmt.Sprintf("the invoice is %s after it was PAID", a.Status))
	case t.slotOfUnknownFate() != "":
		sale.SeenReserved = sale.SeenReserved || a.Status == StatusReserved
		t.doubt(fmt.Sprintf(
			"restarted while %s delivered, and the invoice is %s: look whether the product came out, then resolve it "+
				"with charge or release", t.slotOfUnknownFate(), a.Status))
	case nothing:
		sale.SeenReserved = sale.SeenReserved || a.Status == StatusReserved
		t.release(reason.Restarted)
	case a.Status == StatusReserved && sale.Commits > 0:
		t.enter(Confirming) // the commit may still be on its way
		t.stillReserved()
	case a.Status == StatusReserved:
		sale.SeenReserved = true
		t.settle("")
	default:
		t.retryOrDoubt(fmt.Sprintf("the invoice is %s although products came out", a.Status))
	}
}

// lostAtBoot: nothing is known of the item but that its motor was started before the boot.
func (i Item) lostAtBoot() bool { return i.Outcome == Unknown && i.Why == reason.Restarted }

// slotOfUnknownFate is the slot of an item that is lost and would be charged by its dispenser's rule; "": there is
// none.
func (t *step) slotOfUnknownFate() string {
	for _, i := range t.s.Sale.Items {
		if i.lostAtBoot() && i.Charge() {
			return i.Slot
		}
	}
	return ""
}

// unseenPaid: Glase has charged, and not just what the record would explain.
func (t *step) unseenPaid(a Answered) {
	sale := &t.s.Sale
	if t.unproven(a) {
		return
	}
	sale.Charged, sale.ErsReference = a.Amount, a.ErsReference
	t.doubt(fmt.Sprintf(
		"restarted while %s delivered, and Glase has charged %v: look whether the product came out, then resolve it "+
			"with charge or refund", t.slotOfUnknownFate(), a.Amount))
}

// knownByCharge takes Glase's own record for evidence: a reservation is only ever committed here with the sum of what
// came out, so one that is PAID with just the items that this boot knows nothing of says that they did. It is what is
// left of a sale that was settled while the journal could not be written. Of an item that is charged also when its
// dispenser falls silent it says that the charge was right, and not that the product came out.
func (t *step) knownByCharge(a Answered) {
	if t.s.Sale.Flow != Reservation || !a.proves(t.s.Sale.Reserved.Currency) {
		return
	}
	sum := t.s.Sale.Basket()
	for _, i := range t.s.Sale.Items {
		if i.lostAtBoot() && !i.Charge() { // the others are in the basket
			sum = sum.Add(i.Price)
		}
	}
	if sum != a.Amount {
		return
	}
	for _, i := range t.s.Sale.Items {
		switch {
		case !i.lostAtBoot():
		case i.UnknownCharged: // the charge proves no more than that nothing was said against it
			t.setItem(i.ID, Unknown, reason.Charged)
		default:
			t.setItem(i.ID, Delivered, reason.Charged)
		}
	}
}
