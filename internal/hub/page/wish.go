package page

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/store"
)

const (
	blankRows = 4 // for what is not there yet
	moreRows  = 8
	rowsMax   = 1100 // slots and products of a plan, and blanks
	namesMax  = 20   // machines that a review names
	local     = "2006-01-02T15:04"
)

// wish is what is wanted of a slot or a product, as it is typed.
type wish struct {
	N         int
	Product   bool   // Key is an EAN, and not a slot's id
	Sells     string // what the machine sells there now
	Key       input
	Price     input
	Name      input
	VAT       input
	EAN       input // of a slot; "none" takes it away
	Stock     input
	Stockable bool
}

func (w *wish) inputs() []*input {
	return []*input{&w.Key, &w.Price, &w.Name, &w.VAT, &w.EAN, &w.Stock}
}

// empty reports whether nothing is wanted in a row.
func (w *wish) empty() bool {
	return w.Price.Value+w.Name.Value+w.VAT.Value+w.EAN.Value+w.Stock.Value == ""
}

// wishPage is the form of what is wanted of a scope.
type wishPage struct {
	frame
	Of       store.Scope
	Label    string
	Action   string
	Known    int64 // the newest version that this person has seen; 0: none
	From     input // "": now
	Rows     []wish
	Problem  string
	Changed  []planLine // what somebody else wants by now
	Holds    bool       // something is wanted that can be withdrawn
	Withdraw bool
	Review   *review
}

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

func newWish(n int, product bool, key string, of store.Scope) wish {
	w := wish{N: n, Product: product, Stockable: of.Kind == store.OfKiosk}
	field := func(name, label, mode string) input {
		return input{ID: fmt.Sprintf("%s-%d", name, n), Name: name, Label: label, Mode: mode}
	}
	w.Key = field("key", "Slot or EAN", "")
	w.Price, w.Name = field("price", "Price", "decimal"), field("product", "Name", "")
	w.VAT, w.EAN = field("vat", "VAT %", "numeric"), field("ean", "EAN", "")
	w.Stock = field("stock", "In it now", "numeric")
	w.Key.Value = key
	return w
}

// row writes a product of a plan into a row.
func row(n int, product bool, key string, of store.Scope, is protocol.Product) wish {
	w := newWish(n, product, key, of)
	for to, text := range map[*input]*string{&w.Price: is.Price, &w.Name: is.Name, &w.EAN: is.EAN} {
		if text != nil {
			to.Value = *text
		}
	}
	if is.EAN != nil && *is.EAN == "" {
		w.EAN.Value = "none"
	}
	if is.VAT != nil {
		w.VAT.Value = strconv.Itoa(*is.VAT)
	}
	return w // a stock is counted once: who wants it again says it again
}

// scope gives whom a route is about, and the id of a machine; it has answered when ok is false.
func (p *Page) scope(w http.ResponseWriter, r *http.Request) (f wishPage, stock []store.StockRow, ok bool) {
	f.frame = p.frame(r, "Prices and products")
	f.Still = true
	var id int64
	switch {
	case r.PathValue("machine") != "":
		m, found := p.within(w, r)
		if !found {
			return f, nil, false
		}
		var err error
		if stock, err = p.Store.Stock(r.Context(), m.ID, p.Now().Add(-28*24*time.Hour)); err != nil {
			p.fail(w, r, err)
			return f, nil, false
		}
		f.Of, f.Label, id = store.Scope{Kind: store.OfKiosk, Key: m.Kiosk}, m.Label(), m.ID
	case r.PathValue("group") != "":
		f.Of, f.Label = store.Scope{Kind: store.OfGroup, Key: r.PathValue("group")}, "group "+r.PathValue("group")
		if protocol.CheckID(f.Of.Key) != nil {
			http.Error(w, "A group's name has letters and digits.", http.StatusNotFound)
			return f, nil, false
		}
	default:
		f.Of, f.Label = store.Scope{Kind: store.OfAll}, "all machines"
	}
	f.Action = formOf(f.Of, id)
	f.From = input{ID: "from", Name: "from", Label: "From", Type: "datetime-local",
		Hint: "In " + p.Zone.String() + ". Left empty: now."}
	return f, stock, true
}

// wishForm shows what is wanted, to be changed.
func (p *Page) wishForm(w http.ResponseWriter, r *http.Request) {
	f, stock, ok := p.scope(w, r)
	if !ok {
		return
	}
	is, newest, err := p.Store.WantedOf(r.Context(), f.Of, p.Now())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f.Known = newest.Version
	from, _ := is.Now(p.Now())
	for _, plan := range is.Plans {
		if strconv.FormatInt(plan.Version, 10) == r.URL.Query().Get("version") {
			from = plan
			if plan.From.After(p.Now()) {
				f.From.Value = plan.From.In(p.Zone).Format(local)
			}
		}
	}
	for _, key := range keys(from.Slots, stock) {
		f.Rows = append(f.Rows, row(len(f.Rows), false, key, f.Of, from.Slots[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(from.Products)) {
		f.Rows = append(f.Rows, row(len(f.Rows), true, key, f.Of, from.Products[key]))
	}
	f.blank(blankRows)
	p.showWish(w, http.StatusOK, f, stock, is)
}

// keys are the slots that are wanted or known.
func keys(slots map[string]protocol.Product, stock []store.StockRow) []string {
	all := map[string]bool{}
	for key := range slots {
		all[key] = true
	}
	for _, s := range stock {
		all[s.Slot] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (f *wishPage) blank(n int) {
	for range n {
		f.Rows = append(f.Rows, newWish(len(f.Rows), f.Of.Kind != store.OfKiosk, "", f.Of))
	}
}

// showWish shows the form, or its review.
func (p *Page) showWish(w http.ResponseWriter, code int, f wishPage, stock []store.StockRow, is protocol.Want) {
	sells := p.sells(stock)
	all := []*input{&f.From}
	for n := range f.Rows {
		if !f.Rows[n].Product {
			f.Rows[n].Sells = sells[f.Rows[n].Key.Value]
		}
		all = append(all, f.Rows[n].inputs()...)
	}
	focus(all...)
	f.Holds = slices.ContainsFunc(is.Plans, func(plan protocol.Plan) bool {
		return len(plan.Slots)+len(plan.Products) > 0
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	p.showAs(w, code, "wish.html", f)
}

// sells is what is in each slot of a machine.
func (p *Page) sells(stock []store.StockRow) map[string]string {
	sells := map[string]string{}
	for _, s := range stock {
		sells[s.Slot] = fmt.Sprintf("%s, %s, %d in it", s.Name, p.money(s.Price, s.Currency), s.Left)
	}
	return sells
}

// saveWish takes the form: it shows what would change, and when that is confirmed it saves it.
func (p *Page) saveWish(w http.ResponseWriter, r *http.Request) {
	if !p.read(w, r) {
		return
	}
	f, stock, ok := p.scope(w, r)
	if !ok {
		return
	}
	is, newest, err := p.Store.WantedOf(r.Context(), f.Of, p.Now())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	reach, err := office.ReachOf(r.Context(), p.Store, f.Of)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !f.rows(r) {
		http.Error(w, "The form is not whole. Nothing was done: open it again.", http.StatusBadRequest)
		return
	}
	do := r.PostForm.Get("do")
	f.Withdraw = do == "withdraw" || r.PostForm.Get("withdrawn") == "yes" && (do == "save" || do == "review")
	if do == "more" || do == "edit" {
		if do == "more" {
			f.blank(moreRows)
		}
		p.showWish(w, http.StatusOK, f, stock, is)
		return
	}
	plan, right := p.plan(&f, reach)
	plan.By = f.Person.Name
	switch {
	case !right:
		f.Problem = cmp.Or(f.Problem, "Something is not right yet: see the fields. Nothing was saved.")
		p.showWish(w, http.StatusUnprocessableEntity, f, stock, is)
	case newest.Version != f.Known && same(newest, plan):
		http.Redirect(w, r, "/wanted", http.StatusSeeOther) // it was sent twice
	case newest.Version != f.Known:
		p.overtaken(w, f, stock, is, newest)
	case do != "save":
		if f.Review, err = p.review(r.Context(), f, is, plan, reach, stock); err != nil {
			p.fail(w, r, err)
			return
		}
		p.showWish(w, http.StatusOK, f, stock, is)
	default:
		p.save(w, r, f, plan, reach, stock)
	}
}

// overtaken shows the form again to who has not seen what somebody else wants by now.
func (p *Page) overtaken(w http.ResponseWriter, f wishPage, stock []store.StockRow, is protocol.Want,
	newest protocol.Plan) {
	f.Problem = fmt.Sprintf("%s has changed what is wanted here since you looked: nothing of yours was saved. Below is "+
		"what holds now, and then what you typed.", newest.By)
	f.Changed = p.wishes(f.Person, f.Of, is, "", 0).Plans
	f.Known = newest.Version
	p.showWish(w, http.StatusConflict, f, stock, is)
}

func (p *Page) save(w http.ResponseWriter, r *http.Request, f wishPage, plan protocol.Plan, reach office.Reach,
	stock []store.StockRow) {
	version, err := reach.Want(r.Context(), p.Store, plan, &f.Known, p.Now())
	if errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrTooMuch) {
		is, newest, readErr := p.Store.WantedOf(r.Context(), f.Of, p.Now())
		switch {
		case readErr != nil:
			p.fail(w, r, readErr)
		case errors.Is(err, store.ErrTooMuch):
			f.Problem = "Nothing was saved: " + err.Error() + ". Withdraw what is to come, or want less."
			p.showWish(w, http.StatusUnprocessableEntity, f, stock, is)
		case same(newest, plan):
			http.Redirect(w, r, "/wanted", http.StatusSeeOther)
		default:
			p.overtaken(w, f, stock, is, newest)
		}
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.Log.Info().Str("name", plan.By).Str("of", office.Name(f.Of)).Int64("version", version).
		Msg("what is wanted was changed at the desk")
	http.Redirect(w, r, "/wanted", http.StatusSeeOther)
}

// same reports whether the newest plan is what the same person wants once more, as after a double click.
func same(newest, plan protocol.Plan) bool {
	text := func(p protocol.Plan) string {
		// as a Plan, since an empty map comes back from the database as none
		b, err := json.Marshal(protocol.Plan{By: p.By, Slots: p.Slots, Products: p.Products})
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	const clicks = 10 * time.Minute // of "now"
	return text(newest) == text(plan) && newest.From.Sub(plan.From).Abs() < clicks
}

// rows reads what was typed; false: the form is not as it was shown.
func (f *wishPage) rows(r *http.Request) bool {
	known, err := strconv.ParseInt(r.PostForm.Get("known"), 10, 64)
	f.Known, f.From.Value = known, typed(r, "from")
	all := r.PostForm["key"]
	if err != nil || len(all) > rowsMax {
		return false
	}
	for n := range all {
		row := newWish(n, false, "", f.Of)
		kind := r.PostForm["kind"]
		if len(kind) != len(all) {
			return false
		}
		row.Product = kind[n] == "product"
		for _, in := range row.inputs() {
			if in.Name == "stock" && !row.Stockable {
				continue
			}
			if len(r.PostForm[in.Name]) != len(all) {
				return false
			}
			in.Value = strings.TrimSpace(r.PostForm[in.Name][n])
		}
		f.Rows = append(f.Rows, row)
	}
	return true
}

// plan makes of the rows what is wanted, and marks the fields that are wrong.
func (p *Page) plan(f *wishPage, reach office.Reach) (plan protocol.Plan, right bool) {
	right = true
	if plan.From, right = p.from(&f.From); f.Withdraw {
		return plan, right
	}
	plan.Slots, plan.Products = map[string]protocol.Product{}, map[string]protocol.Product{}
	at := map[[2]string]*wish{}
	for n := range f.Rows {
		w := &f.Rows[n]
		if w.empty() {
			continue // a slot of which nothing is wanted
		}
		if w.Key.Value == "" {
			w.Key.Wrong, right = "say which slot, or which product", false
			continue
		}
		product, good := w.product()
		to, kind := plan.Slots, "slot"
		if w.Product {
			to, kind = plan.Products, "product"
		}
		if _, twice := to[w.Key.Value]; twice {
			w.Key.Wrong, good = "it stands here twice", false
		}
		right = right && good
		to[w.Key.Value], at[[2]string{kind, w.Key.Value}] = product, w
	}
	if len(plan.Slots)+len(plan.Products) == 0 {
		f.Problem, right = "Nothing is wanted: write a price or a name, or withdraw what is wanted.", false
	}
	var wrong office.Mistakes
	if errors.As(reach.Check(plan, p.Now()), &wrong) {
		right = false
		for _, m := range wrong {
			kind := "product"
			if m.Slot {
				kind = "slot"
			}
			at[[2]string{kind, m.Key}].mark(m.Field, m.Why)
		}
	}
	return plan, right
}

func (w *wish) mark(field, why string) {
	to := map[string]*input{"": &w.Key, "price": &w.Price, "name": &w.Name, "vat": &w.VAT, "ean": &w.EAN,
		"stock": &w.Stock}[field]
	to.Wrong = cmp.Or(to.Wrong, why)
}

// product is what a row wants.
func (w *wish) product() (is protocol.Product, right bool) {
	text := func(in input) *string {
		if in.Value == "" {
			return nil
		}
		return &in.Value
	}
	right = true
	whole := func(in *input) *int {
		if in.Value == "" {
			return nil
		}
		n, err := strconv.Atoi(in.Value)
		if err != nil {
			in.Wrong, right = "write a whole number", false
		}
		return &n
	}
	is = protocol.Product{Name: text(w.Name), Price: text(w.Price), VAT: whole(&w.VAT), Stock: whole(&w.Stock)}
	if is.EAN = text(w.EAN); is.EAN != nil && *is.EAN == "none" {
		*is.EAN = ""
	}
	if w.Product && is.EAN != nil {
		w.EAN.Wrong, right = "a product is this EAN already: leave it out", false
	}
	if w.Product && is.Stock != nil {
		w.Stock.Wrong, right = "say it of the slot", false
	}
	return is, right
}

// from reads a moment in the operator's zone.
func (p *Page) from(in *input) (time.Time, bool) {
	if in.Value == "" {
		return office.Now(p.Now()), true
	}
	at, err := time.ParseInLocation(local, in.Value, p.Zone)
	switch {
	case err != nil:
		in.Wrong = "write it like " + p.Now().In(p.Zone).Format(local)
	case at.Format(local) != in.Value:
		in.Wrong = "the clock skips this hour: write an earlier or a later one"
	case at.Before(p.Now()):
		in.Wrong = "that has passed: leave it empty for now"
	}
	return at.UTC(), in.Wrong == ""
}

// review says what a plan changes.
func (p *Page) review(ctx context.Context, f wishPage, is protocol.Want, plan protocol.Plan, reach office.Reach,
	stock []store.StockRow) (*review, error) {
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
	before, _ := is.Now(plan.From)
	v.Changes = append(changes("slot ", before.Slots, plan.Slots, p.sells(stock)),
		changes("EAN ", before.Products, plan.Products, nil)...)
	for _, old := range is.Plans {
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
