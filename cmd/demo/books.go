package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"kioskd/internal/money"
)

// books is what everybody says happened: the kiosk, Glase, the customer's phone and the machine itself.
type books struct {
	sales   []sale            // the kiosk's record, oldest first
	ledger  []movement        // Glase's
	phone   map[string]string // Glase's status of each sale's invoice, by reference
	board   board             // what fell out
	charged money.Amount      // what the customers should have paid in all
}

// sums are the same money, added up in four ways, and what is still held.
type sums struct {
	dropped money.Amount // products that fell, at their prices
	charged money.Amount // by the kiosk's record, less refunds
	paid    money.Amount // by Glase's ledger, less refunds and reversals
	held    money.Amount // reserved, and neither charged nor released
}

// audit adds the books up, and gives a sentence for every difference: none means that every öre is accounted for.
func (b books) audit() (sums, []string) {
	a := newAudit(b)
	a.readLedger()
	a.readSales()
	a.readBoard()
	for _, ref := range slices.Sorted(maps.Keys(a.paid)) {
		if !a.held[ref].IsZero() {
			a.differ("%v of invoice %s is still reserved", a.held[ref], ref)
		}
		if !slices.ContainsFunc(b.sales, func(s sale) bool { return s.Invoice == ref }) {
			a.differ("Glase moved money for invoice %s, of which the kiosk knows nothing", ref)
		}
	}
	for _, s := range []struct {
		what string
		sum  money.Amount
	}{{"what came out is worth", a.sums.dropped}, {"the kiosk charged", a.sums.charged},
		{"the customer paid", a.sums.paid}} {
		if s.sum != b.charged {
			a.differ("%s %v in all, and should be %v", s.what, s.sum, b.charged)
		}
	}
	return a.sums, a.problems
}

// audit is an audit under way.
type audit struct {
	books
	sums       sums
	held, paid map[string]money.Amount // by invoice, from the ledger
	reserved   map[string]bool         // invoices whose charge comes out of a reservation
	fell       map[string]int          // products that the sales say came out, by slot
	problems   []string
}

func newAudit(b books) *audit {
	zero := money.Amount{Currency: currency}
	return &audit{books: b, sums: sums{zero, zero, zero, zero},
		held: map[string]money.Amount{}, paid: map[string]money.Amount{}, reserved: map[string]bool{},
		fell: map[string]int{}}
}

func (a *audit) differ(format string, args ...any) {
	a.problems = append(a.problems, fmt.Sprintf(format, args...))
}

// amount reads an amount; one that is none, or in a currency that nobody here uses, is a difference and counts as
// nothing.
func (a *audit) amount(where, text, code string) money.Amount {
	m, err := money.Parse(text, code)
	if err != nil || code != currency {
		a.differ("%s: %q %q is no amount in %s", where, text, code, currency)
		return money.Amount{Currency: currency}
	}
	return m
}

func (a *audit) readLedger() {
	for _, m := range a.ledger {
		sum := a.amount(fmt.Sprintf("movement %d of the ledger", m.Seq), m.Amount, m.Currency)
		for _, of := range []map[string]money.Amount{a.held, a.paid} {
			if _, ok := of[m.Invoice]; !ok {
				of[m.Invoice] = money.Amount{Currency: currency}
			}
		}
		switch m.Kind {
		case "reserve":
			a.held[m.Invoice], a.reserved[m.Invoice] = a.held[m.Invoice].Add(sum), true
		case "release":
			a.held[m.Invoice] = a.held[m.Invoice].Sub(sum)
		case "charge":
			a.paid[m.Invoice] = a.paid[m.Invoice].Add(sum)
			if a.reserved[m.Invoice] {
				a.held[m.Invoice] = a.held[m.Invoice].Sub(sum)
			}
		case "refund", "reversal":
			a.paid[m.Invoice] = a.paid[m.Invoice].Sub(sum)
		default:
			a.differ("movement %d of the ledger is of an unknown kind: %q", m.Seq, m.Kind)
		}
	}
	for ref := range a.paid {
		a.sums.paid, a.sums.held = a.sums.paid.Add(a.paid[ref]), a.sums.held.Add(a.held[ref])
	}
}

// readSales compares each sale with its items and with what Glase has for it.
func (a *audit) readSales() {
	for _, s := range a.sales {
		charged := a.amount("sale "+s.ID, s.Charged, s.Currency)
		net := charged.Sub(a.amount("sale "+s.ID, s.Refunded, s.Currency))
		a.sums.charged = a.sums.charged.Add(net)
		out := money.Amount{Currency: currency}
		for _, i := range s.Items {
			if i.Outcome == "delivered" {
				a.fell[i.Slot]++
				out = out.Add(a.amount("sale "+s.ID, i.Price, s.Currency))
			}
		}
		paid := a.paid[s.Invoice]
		paid.Currency = currency // also when the ledger has nothing for it
		status := "CANCELED"
		if !charged.IsZero() {
			status = "PAID"
		}
		if s.Ended.IsZero() {
			a.differ("sale %s has not ended", s.ID)
		}
		if out != net {
			a.differ("sale %s: %v came out and %v was charged", s.ID, out, net)
		}
		if paid != net {
			a.differ("sale %s: the kiosk charged %v, Glase's ledger says %v", s.ID, net, paid)
		}
		if got := a.phone[s.Invoice]; got != status {
			a.differ("sale %s: Glase says that its invoice is %s, not %s", s.ID, got, status)
		}
	}
}

// readBoard compares what fell with what the sales say, and looks whether everything stands still.
func (a *audit) readBoard() {
	prices := map[string]string{}
	for _, s := range slots() {
		prices[s.ID] = s.Price
	}
	for _, s := range a.board.Slots {
		price := a.amount("slot "+s.Slot, prices[s.Slot], currency)
		for range s.Dropped {
			a.sums.dropped = a.sums.dropped.Add(price)
		}
		if s.Dropped != a.fell[s.Slot] {
			a.differ("slot %s: %d products fell, the sales have %d", s.Slot, s.Dropped, a.fell[s.Slot])
		}
		delete(a.fell, s.Slot)
		if s.Relay {
			a.differ("slot %s: the relay is on", s.Slot)
		}
	}
	for slot, n := range a.fell {
		a.differ("slot %s: the sales have %d products of a slot that the machine has not", slot, n)
	}
}

// ledgerSays is what Glase's ledger alone says of all customers' money, in a sentence.
func ledgerSays(ledger []movement) string {
	a := newAudit(books{ledger: ledger})
	a.readLedger()
	if !a.sums.held.IsZero() {
		return fmt.Sprintf("Glase has %v paid, and %v is still reserved: the kiosk's next start would settle that.",
			a.sums.paid, a.sums.held)
	}
	return fmt.Sprintf("Glase has %v paid, and nothing is left reserved.", a.sums.paid)
}

// print tells each sale's story, Glase's ledger, and the sums.
func (b books) print(out io.Writer, s sums) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nThe kiosk's sales\n  sale\tinvoice\tended\treserved\tcharged\trefunded\twhat came out")
	for i, s := range b.sales {
		items := ""
		for _, i := range s.Items {
			items += fmt.Sprintf("%s %s %s  ", i.Slot, i.Price, i.Outcome)
		}
		if items == "" {
			items = "nothing was chosen"
		}
		fmt.Fprintf(t, "  %d\t%s\t%s\t%8s\t%7s\t%8s\t%s\n", i+1, s.Invoice, s.State, s.Reserved, s.Charged, s.Refunded,
			items)
	}
	fmt.Fprintln(t, "\nGlase's ledger\n  \tinvoice\tmovement\tamount\twhy")
	for _, m := range b.ledger {
		fmt.Fprintf(t, "  %d\t%s\t%s\t%6s %s\t%s\n", m.Seq, m.Invoice, m.Kind, m.Amount, m.Currency, m.Why)
	}
	fmt.Fprintln(t, "\nAdded up")
	for _, line := range []struct {
		what string
		sum  money.Amount
	}{
		{"products that fell out of the machine, at their prices", s.dropped},
		{"charged less refunded, as the kiosk recorded it", s.charged},
		{"paid by the customer, as Glase's ledger has it", s.paid}, {"still reserved", s.held},
	} {
		fmt.Fprintf(t, "  %s\t%10v\n", line.what, line.sum)
	}
	t.Flush()
}
