package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

const (
	ordersMax = 10               // of a machine's last commands that are shown
	freshFor  = 20 * time.Second // an answer may still come by itself
	repeatFor = 24 * time.Hour   // as package office takes a repeat
)

// outcome says what a machine has answered.
func outcome(o protocol.Outcome) string {
	if o.Done {
		return "done, or begun"
	}
	text := word(o.Refusal)
	if o.Text != "" {
		text += " (" + strings.TrimPrefix(o.Text, "fleet: ") + ")"
	}
	return "refused: " + text
}

// orderLine is a command that was given.
type orderLine struct {
	store.Order
	Link, What, Said string
}

func ordered(machine int64, o store.Order) orderLine {
	l := orderLine{Order: o, Link: fmt.Sprintf("/m/%d/commands/%s", machine, o.ID), What: word(o.Word)}
	if i := slices.IndexFunc(words(), func(w orderWord) bool { return w.Word == o.Word }); i >= 0 {
		l.What = words()[i].Title
	}
	for _, more := range []string{o.Decision, o.Amount} {
		if more != "" {
			l.What += ": " + more
		}
	}
	if o.ByHand {
		l.What += ", settled by hand"
	}
	if l.Said = "no answer: it may have been done"; o.Ended {
		l.Said = outcome(o.Outcome)
	}
	return l
}

// desk writes what the machine's page has of prices and commands.
func (p *Page) desk(ctx context.Context, f *machinePage) error {
	for _, of := range scopesOf(f.M.MachineRow) {
		w, _, err := p.Store.WantedOf(ctx, of, p.Now())
		if err != nil {
			return err
		}
		label := map[string]string{store.OfKiosk: "This machine", store.OfGroup: "Group " + of.Key,
			store.OfAll: "All machines"}[of.Kind]
		f.Wishes = append(f.Wishes, p.wishes(f.Person, of, w, label, f.M.ID))
	}
	all, err := p.Store.Orders(ctx, f.M.Kiosk, ordersMax)
	if err != nil {
		return err
	}
	for _, o := range all {
		f.Orders = append(f.Orders, ordered(f.M.ID, o))
	}
	if f.Person.Role < people.Operate {
		return nil
	}
	f.Cannot, err = p.cannot(ctx, f.M.Kiosk)
	f.Words = wordsOf(false)
	return err
}

// commandPage is what became of a command.
type commandPage struct {
	frame
	M              *watch.Machine
	Is             orderLine
	Repeat         bool // it can be sent again
	Name, Password input
	Problem        string
	Cannot         string
}

// command reads a command of a path. It has answered when ok is false.
func (p *Page) command(w http.ResponseWriter, r *http.Request) (f commandPage, ok bool) {
	m, found := p.within(w, r)
	if !found {
		return f, false
	}
	o, err := p.Store.Order(r.Context(), m.Kiosk, r.PathValue("id"))
	if errors.Is(err, store.ErrNoOrder) {
		http.Error(w, "There is no such command.", http.StatusNotFound)
		return f, false
	}
	if err == nil {
		f.Cannot, err = p.cannot(r.Context(), m.Kiosk)
	}
	if err != nil {
		p.fail(w, r, err)
		return f, false
	}
	f.frame, f.M, f.Is = p.frame(r, "Command"), m, ordered(m.ID, o)
	age := p.Now().Sub(o.Made)
	f.Soon = !o.Ended && age < freshFor
	f.Still = !f.Soon
	f.Repeat = !o.Ended && !f.Soon && age < repeatFor && f.Person.Role >= people.Operate
	f.Name, f.Password = p.signing(r)
	return f, true
}

func (p *Page) order(w http.ResponseWriter, r *http.Request) {
	if f, ok := p.command(w, r); ok {
		p.show(w, "command.html", f)
	}
}

// repeatOrder sends a command again that was not answered. It has the same id, and acts once.
func (p *Page) repeatOrder(w http.ResponseWriter, r *http.Request) {
	if !p.read(w, r) {
		return
	}
	f, ok := p.command(w, r)
	if !ok {
		return
	}
	no := func(code int, problem string, password bool) {
		f.Problem = problem
		if password {
			f.Password.Wrong = problem
		}
		focus(&f.Name, &f.Password)
		p.showAs(w, code, "command.html", f)
	}
	switch {
	case f.Is.Ended:
		http.Redirect(w, r, f.Is.Link, http.StatusSeeOther)
	case f.Cannot != "":
		no(http.StatusConflict, "Nothing was sent.", false)
	case f.Is.ByHand && f.Person.Role < people.Admin:
		no(http.StatusForbidden, "Only an admin settles a sale by hand. Nothing was sent.", false)
	default:
		p.send(w, r, f.Is.Command, f.M.ID, f.Name.Value, no)
	}
}
