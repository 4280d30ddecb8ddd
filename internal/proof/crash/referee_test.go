package crash

import (
	"fmt"
	"testing"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
	"kioskd/internal/money"
	"kioskd/internal/proof/phone"
)

func minor(amount string) int64 {
	a, err := money.Parse(amount, "SEK")
	if err != nil {
		panic(fmt.Sprintf("%q is no amount", amount))
	}
	return a.Minor
}

// audit holds the promises against what the outside sees, and gives a sentence for each that is broken. Nothing was
// wrong in these worlds but kills, so nothing may be lost or stand in doubt.
func audit(sales []api.Sale, ledger []phone.Movement, board simboard.Snapshot) (broken []string) {
	violated := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	held, paid := map[string]int64{}, map[string]int64{}
	for _, m := range ledger {
		switch a := minor(m.Amount); m.Kind {
		case "reserve":
			held[m.Invoice] += a
		case "release":
			held[m.Invoice] -= a
		case "charge":
			paid[m.Invoice] += a
			held[m.Invoice] = max(0, held[m.Invoice]-a) // out of the reservation, if there was one
		case "refund", "reversal":
			paid[m.Invoice] -= a
		default:
			violated("the ledger has a movement %q", m.Kind)
		}
	}
	items, delivered, unknown := map[string]int{}, map[string]int{}, map[string]int{}
	known := map[string]bool{}
	for _, s := range sales {
		known[s.InvoiceReference] = true
		var owed int64
		for _, i := range s.Items {
			items[i.Slot]++
			switch i.Outcome {
			case "delivered":
				delivered[i.Slot]++
				owed += minor(i.Price)
			case "unknown":
				unknown[i.Slot]++
			case "not_delivered":
			default:
				violated("sale %s has an item that is %s", s.ID, i.Outcome)
			}
		}
		switch s.State {
		case "charged", "released", "refunded", "cancelled", "failed":
		default:
			violated("sale %s is %s: %s %s", s.ID, s.State, s.Why, s.Note)
		}
		if net := minor(s.Charged) - minor(s.Refunded); net != owed || paid[s.InvoiceReference] != owed {
			violated("sale %s: what came out is worth %d, the kiosk says %d, and Glase %d", s.ID, owed, net,
				paid[s.InvoiceReference])
		}
	}
	for invoice, a := range held {
		if a != 0 {
			violated("%d of invoice %s is still held", a, invoice)
		}
	}
	for invoice, a := range paid {
		if a != 0 && !known[invoice] {
			violated("%d was paid for invoice %s, which no sale knows", a, invoice)
		}
	}
	for _, s := range board.Slots {
		if s.Relay {
			violated("the relay of %s is on", s.Slot)
		}
		if s.Pulses > items[s.Slot] {
			violated("motor %s started %d times for %d items", s.Slot, s.Pulses, items[s.Slot])
		}
		if s.Dropped < delivered[s.Slot] || s.Dropped > delivered[s.Slot]+unknown[s.Slot] {
			violated("%d products came out of %s, and %d are delivered and %d unknown", s.Dropped, s.Slot,
				delivered[s.Slot], unknown[s.Slot])
		}
	}
	return broken
}

// TestTheRefereeSeesWhatIsWrong changes one fact at a time of books that are right.
func TestTheRefereeSeesWhatIsWrong(t *testing.T) {
	type facts struct {
		sale   api.Sale
		ledger []phone.Movement
		slot   simboard.SlotState
	}
	right := func() facts {
		f := facts{sale: api.Sale{ID: "S1", State: "charged", Charged: "15.00", Refunded: "0.00",
			InvoiceReference: "9"}, slot: simboard.SlotState{Slot: "A1", Pulses: 1, Dropped: 1}}
		f.sale.Items = append(f.sale.Items, api.Item{Slot: "A1", Price: "15.00", Outcome: "delivered"})
		f.ledger = []phone.Movement{
			{Invoice: "9", Kind: "reserve", Amount: "50.00"},
			{Invoice: "9", Kind: "charge", Amount: "15.00"},
			{Invoice: "9", Kind: "release", Amount: "35.00"},
		}
		return f
	}
	look := func(f facts) []string {
		return audit([]api.Sale{f.sale}, f.ledger, simboard.Snapshot{Slots: []simboard.SlotState{f.slot}})
	}
	if got := look(right()); got != nil {
		t.Fatalf("right books are found wrong: %q", got)
	}
	for what, change := range map[string]func(*facts){
		"charged twice": func(f *facts) {
			f.ledger = append(f.ledger, phone.Movement{Invoice: "9", Kind: "charge", Amount: "15.00"})
		},
		"never charged": func(f *facts) { f.ledger = f.ledger[:1] },
		"still held":    func(f *facts) { f.ledger = f.ledger[:2] },
		"another invoice": func(f *facts) {
			f.ledger = append(f.ledger, phone.Movement{Invoice: "8", Kind: "charge", Amount: "15.00"})
		},
		"the kiosk says more":     func(f *facts) { f.sale.Charged = "50.00" },
		"open":                    func(f *facts) { f.sale.State = "open" },
		"in doubt":                func(f *facts) { f.sale.State = "in_doubt" },
		"lost":                    func(f *facts) { f.sale.State = "lost" },
		"not delivered, and paid": func(f *facts) { f.sale.Items[0].Outcome = "not_delivered" },
		"pending":                 func(f *facts) { f.sale.Items[0].Outcome = "pending" },
		"nothing came out":        func(f *facts) { f.slot.Dropped = 0 },
		"two came out":            func(f *facts) { f.slot.Dropped = 2 },
		"two starts":              func(f *facts) { f.slot.Pulses = 2 },
		"relay on":                func(f *facts) { f.slot.Relay = true },
	} {
		f := right()
		change(&f)
		if look(f) == nil {
			t.Errorf("%s: the referee sees nothing", what)
		}
	}
}
