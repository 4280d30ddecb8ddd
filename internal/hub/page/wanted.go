package page

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

const wantedMax = 200 // machines, or machines with a wish of their own, on one page

// planLine is something that is wanted from a moment on.
type planLine struct {
	Version int64
	From    string
	By      string
	Now     bool // it holds; else it is to come
	Lines   []string
	Again   string // where its form is; "": not for this person
}

// wishLine is all that is wanted of a scope.
type wishLine struct {
	Label, Link string // of the scope's form; "": not for this person
	Plans       []planLine
}

type wantedPage struct {
	frame
	Wishes     []wishLine
	MoreWishes int
	Behind     []*watch.Machine // those that do not sell what is wanted of them
	MoreBehind int
	WithIt     int // machines that do
	Dumb       int // machines that have not said
}

// may finds whether somebody may change what is wanted of a scope.
func may(who people.Person, of store.Scope) bool {
	if of.Kind == store.OfKiosk {
		return who.Role >= people.Operate
	}
	return who.Role >= people.Admin
}

// formOf is where the form of a scope is; id is its machine's.
func formOf(of store.Scope, id int64) string {
	switch of.Kind {
	case store.OfKiosk:
		return fmt.Sprintf("/m/%d/want", id)
	case store.OfGroup:
		return "/groups/" + url.PathEscape(of.Key) + "/want"
	}
	return "/all/want"
}

// wishes writes what is wanted of scopes.
func (p *Page) wishes(who people.Person, of store.Scope, w protocol.Want, label string, id int64) wishLine {
	line := wishLine{Label: label}
	if may(who, of) && (of.Kind != store.OfKiosk || id != 0) {
		line.Link = formOf(of, id)
	}
	holds, _ := w.Now(p.Now())
	for _, plan := range w.Plans {
		one := planLine{Version: plan.Version, From: p.moment(plan.From), By: plan.By,
			Now: plan.Version == holds.Version, Lines: describePlan(plan)}
		if line.Link != "" {
			one.Again = fmt.Sprintf("%s?version=%d", line.Link, plan.Version)
		}
		line.Plans = append(line.Plans, one)
	}
	return line
}

// moment is a time as it is promised: with its zone, since one day a year has an hour twice.
func (p *Page) moment(t time.Time) string {
	if t.Before(clockless) {
		return "at once"
	}
	return t.In(p.Zone).Format("Mon 2 Jan 2006 15:04 (UTC-07:00)")
}

// describePlan says what a plan wants, a line for each slot and product.
func describePlan(plan protocol.Plan) (lines []string) {
	for _, all := range []map[string]protocol.Product{plan.Slots, plan.Products} {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			lines = append(lines, key+": "+describe(all[key]))
		}
	}
	return lines
}

// describe says what is wanted of one slot.
func describe(w protocol.Product) string {
	var parts []string
	if w.Name != nil {
		parts = append(parts, "“"+*w.Name+"”")
	}
	if w.Price != nil {
		parts = append(parts, *w.Price)
	}
	if w.VAT != nil {
		parts = append(parts, fmt.Sprintf("VAT %d %%", *w.VAT))
	}
	switch {
	case w.EAN == nil:
	case *w.EAN == "":
		parts = append(parts, "no EAN")
	default:
		parts = append(parts, "EAN "+*w.EAN)
	}
	if w.Stock != nil {
		parts = append(parts, fmt.Sprintf("%d in it", *w.Stock))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing else than otherwise")
}

func (p *Page) wanted(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	f := wantedPage{frame: p.frame(r, "Prices and products")}
	all, err := p.Store.Wanted(ctx, p.Now())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	machines := map[string]*watch.Machine{}
	groups := map[string]bool{}
	if s := p.Watch.Look(); s != nil {
		for _, m := range s.Machines {
			machines[m.Kiosk] = m
			groups[m.Group] = true
			f.stand(m)
		}
	}
	for of := range all {
		if of.Kind == store.OfGroup {
			groups[of.Key] = true
		}
	}
	delete(groups, "")
	everybody := store.Scope{Kind: store.OfAll}
	f.Wishes = append(f.Wishes, p.wishes(f.Person, everybody, all[everybody], "All machines", 0))
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		of := store.Scope{Kind: store.OfGroup, Key: group}
		f.Wishes = append(f.Wishes, p.wishes(f.Person, of, all[of], "Group "+group, 0))
	}
	scopes := slices.SortedFunc(maps.Keys(all), func(a, b store.Scope) int { return cmp.Compare(a.Key, b.Key) })
	n := 0
	for _, of := range scopes {
		if of.Kind != store.OfKiosk || len(all[of].Plans) == 0 {
			continue
		}
		if n++; n > wantedMax {
			f.MoreWishes++
			continue
		}
		label, id := of.Key, int64(0)
		if m := machines[of.Key]; m != nil {
			label, id = m.Label(), m.ID
		}
		f.Wishes = append(f.Wishes, p.wishes(f.Person, of, all[of], label, id))
	}
	p.show(w, "wanted.html", f)
}

// stand counts how far a machine is with what is wanted of it.
func (f *wantedPage) stand(m *watch.Machine) {
	switch {
	case m.Want == nil:
		f.Dumb++
	case m.Want.Why == "" && m.Want.Holds == m.Want.Wanted:
		f.WithIt++
	case len(f.Behind) < wantedMax:
		f.Behind = append(f.Behind, m)
	default:
		f.MoreBehind++
	}
}
