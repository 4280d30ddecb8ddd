package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/store"
)

const (
	blankRows = 4 // for what is not there yet
	moreRows  = 8
)

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

// held is what the database holds of a scope when its form is asked for.
type held struct {
	stock  []store.StockRow // of a machine alone
	want   protocol.Want
	newest protocol.Plan // need not be among what is wanted; zero: there is none
}

// scope gives whom a route is about, and the id of a machine; it has answered when ok is false.
func (p *Page) scope(w http.ResponseWriter, r *http.Request) (f wishPage, held held, ok bool) {
	f.frame = p.frame(r, "Prices and products")
	f.Still = true
	var id int64
	switch {
	case r.PathValue("machine") != "":
		m, found := p.within(w, r)
		if !found {
			return f, held, false
		}
		var err error
		if held.stock, err = p.Store.Stock(r.Context(), m.ID, p.Now().Add(-28*24*time.Hour)); err != nil {
			p.fail(w, r, err)
			return f, held, false
		}
		f.Of, f.Label, id = store.Scope{Kind: store.OfKiosk, Key: m.Kiosk}, m.Label(), m.ID
	case r.PathValue("group") != "":
		f.Of, f.Label = store.Scope{Kind: store.OfGroup, Key: r.PathValue("group")}, "group "+r.PathValue("group")
		if protocol.CheckID(f.Of.Key) != nil {
			http.Error(w, "A group's name has letters and digits.", http.StatusNotFound)
			return f, held, false
		}
	default:
		f.Of, f.Label = store.Scope{Kind: store.OfAll}, "all machines"
	}
	f.Action = formOf(f.Of, id)
	f.From = input{ID: "from", Name: "from", Label: "From", Type: "datetime-local",
		Hint: "In " + p.Zone.String() + ". Left empty: now."}
	var err error
	if held.want, held.newest, err = p.Store.WantedOf(r.Context(), f.Of, p.Now()); err != nil {
		p.fail(w, r, err)
		return f, held, false
	}
	return f, held, true
}

// wishForm shows what is wanted, to be changed.
func (p *Page) wishForm(w http.ResponseWriter, r *http.Request) {
	f, held, ok := p.scope(w, r)
	if !ok {
		return
	}
	f.Known = held.newest.Version
	from, _ := held.want.Now(p.Now())
	for _, plan := range held.want.Plans {
		if strconv.FormatInt(plan.Version, 10) == r.URL.Query().Get("version") {
			from = plan
			if plan.From.After(p.Now()) {
				f.From.Value = plan.From.In(p.Zone).Format(local)
			}
		}
	}
	for _, key := range keys(from.Slots, held.stock) {
		f.Rows = append(f.Rows, row(len(f.Rows), false, key, f.Of, from.Slots[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(from.Products)) {
		f.Rows = append(f.Rows, row(len(f.Rows), true, key, f.Of, from.Products[key]))
	}
	f.blank(blankRows)
	p.showWish(w, http.StatusOK, f, held)
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
func (p *Page) showWish(w http.ResponseWriter, code int, f wishPage, held held) {
	sells := p.sells(held.stock)
	all := []*input{&f.From}
	for n := range f.Rows {
		if !f.Rows[n].Product {
			f.Rows[n].Sells = sells[f.Rows[n].Key.Value]
		}
		all = append(all, f.Rows[n].inputs()...)
	}
	focus(all...)
	f.Holds = slices.ContainsFunc(held.want.Plans, func(plan protocol.Plan) bool {
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
	f, held, ok := p.scope(w, r)
	if !ok {
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
		p.showWish(w, http.StatusOK, f, held)
		return
	}
	plan, right := p.plan(&f, reach)
	plan.By = f.Person.Name
	switch {
	case !right:
		f.Problem = cmp.Or(f.Problem, "Something is not right yet: see the fields. Nothing was saved.")
		p.showWish(w, http.StatusUnprocessableEntity, f, held)
	case held.newest.Version != f.Known && same(held.newest, plan):
		http.Redirect(w, r, "/wanted", http.StatusSeeOther) // it was sent twice
	case held.newest.Version != f.Known:
		p.overtaken(w, f, held)
	case do != "save":
		if f.Review, err = p.review(r.Context(), f, held, plan, reach); err != nil {
			p.fail(w, r, err)
			return
		}
		p.showWish(w, http.StatusOK, f, held)
	default:
		p.save(w, r, f, held, plan, reach)
	}
}

// overtaken shows the form again to who has not seen what somebody else wants by now.
func (p *Page) overtaken(w http.ResponseWriter, f wishPage, held held) {
	f.Problem = fmt.Sprintf("%s has changed what is wanted here since you looked: nothing of yours was saved. Below is "+
		"what holds now, and then what you typed.", held.newest.By)
	f.Changed = p.wishes(f.Person, f.Of, held.want, "", 0).Plans
	f.Known = held.newest.Version
	p.showWish(w, http.StatusConflict, f, held)
}

func (p *Page) save(w http.ResponseWriter, r *http.Request, f wishPage, held held, plan protocol.Plan,
	reach office.Reach) {
	version, err := reach.Want(r.Context(), p.Store, plan, &f.Known, p.Now())
	if errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrTooMuch) {
		var readErr error
		held.want, held.newest, readErr = p.Store.WantedOf(r.Context(), f.Of, p.Now())
		switch {
		case readErr != nil:
			p.fail(w, r, readErr)
		case errors.Is(err, store.ErrTooMuch):
			f.Problem = "Nothing was saved: " + err.Error() + ". Withdraw what is to come, or want less."
			p.showWish(w, http.StatusUnprocessableEntity, f, held)
		case same(held.newest, plan):
			http.Redirect(w, r, "/wanted", http.StatusSeeOther)
		default:
			p.overtaken(w, f, held)
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
