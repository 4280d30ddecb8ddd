package glasetest

import (
	"encoding/json"
	"slices"
	"time"

	"kioskd/internal/money"
)

// Kind is what a movement does with the customer's money.
type Kind string

// What can happen to a customer's money. Held money is what was reserved and neither charged from there nor released;
// paid money is what was charged and neither refunded nor reversed.
const (
	Reserve  Kind = "reserve"  // held, not yet paid
	Release  Kind = "release"  // held no longer, and not paid
	Charge   Kind = "charge"   // paid; from a reservation, the held money becomes paid money
	Refund   Kind = "refund"   // paid back because the merchant asked for it
	Reversal Kind = "reversal" // paid back because nobody asked for the payment in time
)

// Movement is one movement of money. Amounts are never negative; the kind says the direction.
type Movement struct {
	Seq          int          // 1, 2, 3, …
	At           time.Time    // when it became true, which for an expiry is its deadline
	Terminal     string       // terminalId of the invoice's terminal
	Cashier      string       // the invoice's cashierId at that time
	Invoice      string       // invoiceReference
	ErsReference string       // of the payment, or of the refund; empty while nothing is paid
	Kind         Kind         //
	Amount       money.Amount //
	Why          string       // for a person
}

// MarshalJSON writes a movement as GET /ledger shows it.
func (m Movement) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Seq      int       `json:"seq"`
		At       time.Time `json:"at"`
		Terminal string    `json:"terminalId"`
		Invoice  string    `json:"invoiceReference"`
		Ers      string    `json:"ersReference,omitempty"`
		Kind     Kind      `json:"kind"`
		Amount   string    `json:"amount"`
		Currency string    `json:"currency"`
		Why      string    `json:"why"`
	}{m.Seq, m.At, m.Terminal, m.Invoice, m.ErsReference, m.Kind, m.Amount.Decimal(), m.Amount.Currency, m.Why})
}

// Ledger is every movement of money so far, oldest first. Anybody may call it at any time.
func (g *Glase) Ledger() []Movement {
	defer g.enter()()
	return slices.Clone(g.ledger)
}

// Balance is what the ledger says about one invoice: the customer's money that is held, and what the customer has paid
// in the end. Both are the zero Amount for an invoice that moved no money.
func (g *Glase) Balance(ref string) (held, paid money.Amount) {
	defer g.enter()()
	return balance(g.ledger, ref)
}

func balance(ledger []Movement, ref string) (held, paid money.Amount) {
	reserved := false
	for _, m := range ledger {
		if m.Invoice != ref {
			continue
		}
		if held.Currency == "" {
			held.Currency, paid.Currency = m.Amount.Currency, m.Amount.Currency
		}
		switch m.Kind {
		case Reserve:
			held, reserved = held.Add(m.Amount), true
		case Release:
			held = held.Sub(m.Amount)
		case Charge:
			if reserved {
				held = held.Sub(m.Amount)
			}
			paid = paid.Add(m.Amount)
		case Refund, Reversal:
			paid = paid.Sub(m.Amount)
		}
	}
	return held, paid
}

// move writes a movement down; movements of nothing are none. The caller holds the lock.
func (g *Glase) move(at time.Time, i *invoice, kind Kind, ers string, a money.Amount, why string) {
	if a.IsZero() {
		return
	}
	g.ledger = append(g.ledger, Movement{len(g.ledger) + 1, at, i.term.id, i.cashier, i.ref, ers, kind, a, why})
	g.logf("%s %s %v: %s", i.ref, kind, a, why)
}

// settle lets everything happen that time alone makes happen, in the order of its deadlines. Every way into Glase
// begins with it, so that an expiry is a fact from its deadline on, whether or not anybody looked. The caller holds the
// lock.
func (g *Glase) settle(now time.Time) {
	for {
		var next *invoice
		var when time.Time
		for _, i := range g.live {
			at, ok := i.due()
			if ok && !at.After(now) && (next == nil || at.Before(when) || at.Equal(when) && i.ref < next.ref) {
				next, when = i, at
			}
		}
		if next == nil {
			return
		}
		g.lapse(next, when)
	}
}

// lapse ends an invoice whose deadline has come.
func (g *Glase) lapse(i *invoice, at time.Time) {
	unasked := !i.asked.IsZero() && !i.asked.After(at)
	switch {
	case i.status == Paid:
		g.move(at, i, Reversal, i.ers, i.charged.Sub(i.refunded), "not asked for within 20 s of being made")
		i.reversed = true
	case i.status == Reserved && unasked:
		g.move(at, i, Release, "", i.reserved, "the reservation was not asked for within 20 s of being made")
	case i.status == Reserved:
		g.move(at, i, Release, "", i.reserved, "commitReservationTimeout has passed")
	}
	g.become(i, Canceled)
}

// become changes an invoice's state, which grows its version. The caller holds the lock.
func (g *Glase) become(i *invoice, s Status) {
	i.status, i.version = s, i.version+1
	if s != Paid && s != Reserved {
		i.asked = time.Time{}
	}
	g.track(i)
}

// track keeps the set of invoices that time can change.
func (g *Glase) track(i *invoice) {
	if _, ok := i.due(); ok {
		g.live[i.ref] = i
	} else {
		delete(g.live, i.ref)
	}
}
