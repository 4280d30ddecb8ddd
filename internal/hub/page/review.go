package page

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/store"
)

const namesMax = 20 // machines that a review names

// review says what will change where.
type review struct {
	From    string
	Number  int
	Names   []string
	More    int
	Own     int // machines with a wish of their own, which goes first
	Changes []change
	Ends    []planLine // what is wanted now or later, and will not be
}

type change struct{ What, Sells, Before, After string }

// review says what a plan changes.
func (p *Page) review(ctx context.Context, f wishPage, held held, plan protocol.Plan, reach office.Reach) (
	*review, error) {
	v := &review{From: "now", Number: len(reach.Machines)}
	if f.From.Value != "" {
		v.From = p.moment(plan.From)
	}
	for _, m := range reach.Machines[:min(len(reach.Machines), namesMax)] {
		v.Names = append(v.Names, cmp.Or(m.Name, m.Kiosk))
	}
	v.More = len(reach.Machines) - len(v.Names)
	if f.Of.Kind != store.OfKiosk {
		all, err := p.Store.Wanted(ctx, p.Now())
		if err != nil {
			return nil, err
		}
		for _, m := range reach.Machines {
			holds, _ := all[store.Scope{Kind: store.OfKiosk, Key: m.Kiosk}].Now(plan.From)
			if len(holds.Slots)+len(holds.Products) > 0 {
				v.Own++
			}
		}
	}
	before, _ := held.want.Now(plan.From)
	v.Changes = append(changes("slot ", before.Slots, plan.Slots, p.sells(held.stock)),
		changes("EAN ", before.Products, plan.Products, nil)...)
	for _, old := range held.want.Plans {
		if !old.From.Before(plan.From) && len(old.Slots)+len(old.Products) > 0 {
			v.Ends = append(v.Ends, planLine{Version: old.Version, From: p.moment(old.From), By: old.By,
				Lines: describePlan(old)})
		}
	}
	return v, nil
}

// changes are what is wanted of each slot, or each EAN, before and after.
func changes(what string, before, after map[string]protocol.Product, sells map[string]string) (all []change) {
	names := map[string]bool{}
	for key := range before {
		names[key] = true
	}
	for key := range after {
		names[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		c := change{What: what + key, Sells: sells[key], Before: "–", After: "–"}
		if is, there := before[key]; there {
			c.Before = describe(is)
		}
		if is, there := after[key]; there {
			c.After = describe(is)
		}
		all = append(all, c)
	}
	return all
}
