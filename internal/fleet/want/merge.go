package want

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/fleet/protocol"
)

// wishes are what stands under the three keys that a machine looks at.
type wishes struct {
	machine, group, all protocol.Want
	has                 [3]bool // whether there is such a key: of the machine, its group, all
}

// scopes name the keys in a version, in the order of their precedence.
var scopes = [3]string{"machine", "group", "all"}

// timeless reports whether the same is wanted at any moment.
func (w wishes) timeless() bool {
	return w.machine.Timeless() && w.group.Timeless() && w.all.Timeless()
}

// holding is what is wanted at a moment, and when that will change; the zero time: not by itself.
func (w wishes) holding(at time.Time) (h held, next time.Time) {
	for n, key := range []protocol.Want{w.machine, w.group, w.all} {
		var change time.Time
		h.plans[n], change = key.Now(at)
		if !change.IsZero() && (next.IsZero() || change.Before(next)) {
			next = change
		}
	}
	h.group = w.machine.Group
	return h, next
}

// held are the plans that hold, by precedence; a zero Plan is none.
type held struct {
	plans [3]protocol.Plan
	group string
}

// version names what holds: "machine 7, group nord 3, all 2"; "": nothing was ever wanted.
func (h held) version() string {
	var parts []string
	for n, p := range h.plans {
		switch {
		case p.Version == 0:
		case n == 1:
			parts = append(parts, fmt.Sprintf("%s %s %d", scopes[n], h.group, p.Version))
		default:
			parts = append(parts, fmt.Sprintf("%s %d", scopes[n], p.Version))
		}
	}
	return strings.Join(parts, ", ")
}

// mentions reports whether a version says something of a scope.
func mentions(version, scope string) bool {
	return slices.ContainsFunc(strings.Split(version, ", "), func(part string) bool {
		return strings.HasPrefix(part, scope+" ")
	})
}

// same reports whether two versions have the same plan of the machine's own key.
func same(a, b string) bool {
	of := func(version string) string {
		first, _, _ := strings.Cut(version, ", ")
		if !mentions(first, scopes[0]) {
			return ""
		}
		return first
	}
	return of(a) == of(b)
}

// by is who wants it.
func (h held) by() string {
	var names []string
	for _, p := range h.plans {
		if p.By != "" && !slices.Contains(names, p.By) {
			names = append(names, p.By)
		}
	}
	return strings.Join(names, ", ")
}

// products are what each slot of the config is to sell instead. Field by field the machine's own key goes before its
// group's, and that before everybody's; within one, the slot before its EAN. A group's machines, and all, need not have
// the same slots; what a machine's own key names, it must have.
func (h held) products(cfg config.Config) map[string]config.Product {
	wanted := map[string]config.Product{}
	for id, p := range h.plans[0].Slots {
		wanted[id] = config.Product{Stock: p.Stock, EAN: p.EAN} // also of a slot that is not there: it is told
	}
	for _, s := range cfg.Slots {
		if _, own := h.plans[0].Slots[s.ID]; s.AtMachine && !own {
			continue // its prices are its own
		}
		product, ean := wanted[s.ID], s.EAN
		for _, p := range h.plans {
			if e := p.Slots[s.ID].EAN; e != nil {
				product.EAN, ean = e, *e
				break
			}
		}
		for _, p := range h.plans {
			take(&product, p.Slots[s.ID])
			if ean != "" {
				take(&product, p.Products[ean])
			}
		}
		if product != (config.Product{}) {
			wanted[s.ID] = product
		}
	}
	return wanted
}

// take fills in what is not said yet.
func take(to *config.Product, from protocol.Product) {
	if to.Name == nil {
		to.Name = from.Name
	}
	if to.Price == nil {
		to.Price = from.Price
	}
	if to.VAT == nil {
		to.VAT = from.VAT
	}
}

// labels are the slots of a changed config that somebody wanted changed.
func labels(cfg config.Config, wanted map[string]config.Product) (all []fsm.Label) {
	for _, s := range cfg.Slots {
		p, is := wanted[s.ID]
		if p.Stock = nil; !is || p == (config.Product{}) {
			continue
		}
		l := fsm.Label{Slot: s.ID, Name: s.Name, Price: s.Price, EAN: s.EAN}
		if s.VAT != nil {
			l.VAT = *s.VAT
		}
		all = append(all, l)
	}
	return all
}

// counts are the stocks that somebody said.
func counts(wanted map[string]config.Product) map[string]int {
	var stock map[string]int
	for id, p := range wanted {
		if p.Stock != nil {
			if stock == nil {
				stock = map[string]int{}
			}
			stock[id] = *p.Stock
		}
	}
	return stock
}
