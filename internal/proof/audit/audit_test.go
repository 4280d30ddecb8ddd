package audit

import (
	"testing"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
	"kioskd/internal/proof/phone"
)

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
		return Books([]api.Sale{f.sale}, f.ledger, simboard.Snapshot{Slots: []simboard.SlotState{f.slot}})
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
