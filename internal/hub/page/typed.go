package page

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/store"
)

const (
	rowsMax = 1100 // slots and products of a plan, and blanks
	local   = "2006-01-02T15:04"
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
