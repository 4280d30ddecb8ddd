package config

import (
	"maps"
	"slices"
)

// Product is what a slot is to sell instead of what the file says. What is nil stays as the file has it.
type Product struct {
	Name  *string
	Price *string // decimal, in the config's currency
	VAT   *int
	EAN   *string // "": the product has none
	Stock *int    // how many are in the slot
}

// Relabelled is the name that the problems of Relabel give to what they are in.
const Relabelled = "wanted"

// Relabel is the config with other products in its slots, which are held against the same rules as those of a file. Its
// error is of type Errors, and names the slots; nothing is changed then.
func (c Config) Relabel(products map[string]Product, judge Judge) (Config, error) {
	d := &document{file: Relabelled, known: map[string][]string{}, wires: map[string]place{}}
	changed := c
	changed.Slots = slices.Clone(c.Slots)
	for _, id := range slices.Sorted(maps.Keys(products)) {
		t := d.table(nil, id, products[id].values(), nil)
		n := slices.IndexFunc(c.Slots, func(s Slot) bool { return s.ID == id })
		switch {
		case n < 0:
			d.note(0, id, "there is no such slot in this machine")
			continue
		case c.Slots[n].AtMachine:
			d.note(0, id, "its product is chosen at a machine of its own, which says what it costs: leave it out")
			continue
		}
		s := &changed.Slots[n]
		if none := products[id].EAN; none != nil && *none == "" {
			s.EAN = ""
		}
		if t.product(s, c.Machine.Currency) {
			t.affordable(s, &c.Payment)
		}
	}
	d.judge(changed, judge)
	if len(d.problems) > 0 {
		return c, d.problems.sorted()
	}
	return changed, nil
}

// values are the product as a file's table has it.
func (p Product) values() map[string]any {
	values := map[string]any{}
	for key, text := range map[string]*string{"name": p.Name, "price": p.Price, "ean": p.EAN} {
		if text != nil && (key != "ean" || *text != "") {
			values[key] = *text
		}
	}
	for key, n := range map[string]*int{"vat": p.VAT, "stock": p.Stock} {
		if n != nil {
			values[key] = int64(*n)
		}
	}
	return values
}
