package config

import (
	"fmt"

	"kioskd/fsm"
	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// slotsMax bounds the slots: more than any machine's front has, and a board of buttons still fits on a display.
const slotsMax = 64

// slots reads every [[slot]] and compares each with those before it.
func (t *table) slots(p *Payment, currency string, kinds []vend.Kind) []Slot {
	tables := t.each("slot")
	if list, ok := t.values["slot"].([]any); !t.has("slot") || ok && len(list) == 0 {
		t.doc.note(0, "slot", "there is none: write a [[slot]] for each place that holds products")
	}
	if len(tables) > slotsMax {
		t.doc.note(tables[slotsMax].line, "slot",
			fmt.Sprintf("there are %d slots, and at most %d fit: leave out those from here on", len(tables), slotsMax))
		return nil
	}
	slots := make([]Slot, len(tables))
	lines := map[string]int{}
	for i, t := range tables {
		s := &slots[i]
		priced := t.slot(s, currency, kinds)
		if line, taken := lines[s.ID]; taken && s.ID != "" {
			t.fail("id", "%s is the id of the slot in line %d already: every slot needs an id of its own", quote(s.ID),
				line)
		}
		lines[s.ID] = t.lineOf("id")
		if priced {
			t.affordable(s, p)
		}
	}
	return slots
}

// affordable refuses a price that no reservation reaches.
func (t *table) affordable(s *Slot, p *Payment) {
	if p.Flow == Reservation && !p.ReserveMax.IsZero() && p.ReserveMax.Less(s.Price) {
		t.fail("price", "%q is more than payment.reserve_max, %q, so nobody could ever buy it: lower the one or "+
			"raise the other",
			s.Price.Decimal(), p.ReserveMax.Decimal())
	}
}

// slot reads one slot and answers whether its price can be compared.
func (t *table) slot(s *Slot, currency string, kinds []vend.Kind) (priced bool) {
	t.need("id", `"A1"`, "")
	t.text("id", &s.ID, code(8, upper+digits,
		"capital letters and digits: write it as on the machine's front, like \"A1\""))
	t.need("name", `"Still water"`, "")
	t.need("price", `"15.00"`, "")
	t.need("stock", "10", "how many are in it at the first start")
	priced = t.product(s, currency)
	t.pin("button", &s.Button)
	t.duration("max_on", &s.MaxOn, vend.OnMin, wire.OnMax)

	t.flag("perishable", &s.Perishable)

	t.dispenser(s, kinds)
	return priced
}

// product reads what is in a slot and answers whether its price can be compared.
func (t *table) product(s *Slot, currency string) (priced bool) {
	t.shown("name", &s.Name, nameMax)
	priced = t.amount("price", &s.Price, currency)
	t.whole("stock", &s.Stock, 0, fsm.StockMax)
	if vat := 0; t.whole("vat", &vat, 0, 100) {
		s.VAT = &vat
	}
	t.text("ean", &s.EAN, isEAN)
	return priced
}
