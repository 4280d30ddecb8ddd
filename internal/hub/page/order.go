package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
	"kioskd/internal/money"
)

const (
	givenMax   = 1000             // of them that are looked through for those of one sale
	sendWithin = 25 * time.Second // a command, all its sendings and what is written down of it
)

// orderWord is one kind of command.
type orderWord struct {
	Word, Title, Means string
	OfSale             bool
}

// words are the commands that there are forms for.
func words() []orderWord {
	return []orderWord{
		{protocol.OutOfService, "Take out of service", "It sells nothing until somebody takes it back into service. A " +
			"customer who is there is still served.", false},
		{protocol.Back, "Take back into service", "It sells again, unless something else stands against it.", false},
		{protocol.Restart, "Restart the program", "kioskd begins anew between two sales. No sale is lost.", false},
		{protocol.Resolve, "Settle the sale", "It says what becomes of a sale that stands in doubt. This is final.", true},
		{protocol.Refund, "Give money back", "The customer gets back what you say, and never more than was charged.", true},
	}
}

// orderPage is the form of a command.
type orderPage struct {
	frame
	M        *watch.Machine
	Sale     *store.SaleRow // nil: it is not about one
	Is       orderWord
	Action   string
	Command  protocol.Command
	Reason   input
	Amount   input
	Name     input // of who signs; without an id it is who has signed in
	Password input
	Decision string // what is wrong with it
	Problem  string
	Earlier  string // where the command is that this form gave
	Seen     string // what was given back of the sale when the form was shown; see given
	Cannot   string // why no command can be given
}

// cannot is why no command can be given to a machine now.
func (p *Page) cannot(ctx context.Context, kiosk string) (why string, err error) {
	switch {
	case p.Office == nil:
		return "This hub cannot sign commands: its config names no [desk] authority. The command kioskhub do can.", nil
	case !p.Door.Passwords():
		return "Nobody has a password here to sign with: the config names no [desk] users.", nil
	}
	is, err := p.Store.Standing(ctx, kiosk)
	if is.Revoked {
		why = "This machine is shut out of the fleet: nothing reaches it until it is enrolled again."
	}
	return why, err
}

// about begins the page of a command from its path. It has answered when ok is false.
func (p *Page) about(w http.ResponseWriter, r *http.Request) (f orderPage, ok bool) {
	m, found := p.within(w, r)
	if !found {
		return f, false
	}
	sale := r.PathValue("sale")
	can := wordsOf(sale != "")
	i := slices.IndexFunc(can, func(o orderWord) bool { return o.Word == r.PathValue("word") })
	if i < 0 {
		http.NotFound(w, r)
		return f, false
	}
	f = orderPage{M: m, Is: can[i], Action: r.URL.Path}
	f.frame = p.frame(r, f.Is.Title)
	f.Still = true
	if sale != "" {
		row, err := p.Store.Sale(r.Context(), m.ID, sale)
		if err != nil {
			p.fail(w, r, err)
			return f, false
		}
		f.Sale = &row
	}
	var err error
	if f.Cannot, err = p.cannot(r.Context(), m.Kiosk); err != nil {
		p.fail(w, r, err)
		return f, false
	}
	f.Command = protocol.Command{Kiosk: m.Kiosk, Word: f.Is.Word, Sale: sale}
	if f.Is.Word == protocol.Refund {
		if f.Seen, err = p.given(r.Context(), *f.Sale); err != nil {
			p.fail(w, r, err)
			return f, false
		}
	}
	return f, true
}

// given names what has been given back of a sale, and what may be on its way: a form that was shown before knows
// another one.
func (p *Page) given(ctx context.Context, sale store.SaleRow) (string, error) {
	all, err := p.Store.Orders(ctx, sale.Kiosk, givenMax)
	newest := slices.IndexFunc(all, func(o store.Order) bool {
		return o.Word == protocol.Refund && o.Sale == sale.Sale
	})
	if newest < 0 {
		return fmt.Sprint(sale.Refunded), err
	}
	return fmt.Sprintf("%d, and %s", sale.Refunded, all[newest].ID), err
}

// fields fills in the fields with what was typed.
func (p *Page) fields(f *orderPage, r *http.Request) {
	f.Reason = input{ID: "reason", Name: "reason", Label: "Why", Value: typed(r, "reason"), Must: true,
		Hint: "One line. It stands in the machine's record."}
	if f.Is.Word == protocol.Refund {
		f.Amount = input{ID: "amount", Name: "amount", Label: "How much, in " + f.Sale.Currency, Mode: "decimal",
			Value: typed(r, "amount"), Hint: "Left empty: all that is left of it, " +
				p.money(f.Sale.Charged-f.Sale.Refunded, f.Sale.Currency) + "."}
	}
	f.Name, f.Password = p.signing(r)
}

// orderForm shows a command's form. Its id is made now: however often the form is sent, it is one command.
func (p *Page) orderForm(w http.ResponseWriter, r *http.Request) {
	f, ok := p.about(w, r)
	if !ok {
		return
	}
	f.Command.ID = office.NewID()
	p.fields(&f, r)
	p.show(w, "order.html", f)
}

// giveOrder takes the form and sends the command.
func (p *Page) giveOrder(w http.ResponseWriter, r *http.Request) {
	if !p.read(w, r) {
		return
	}
	f, ok := p.about(w, r)
	if !ok {
		return
	}
	p.fields(&f, r)
	again := func(code int, problem string) {
		f.Problem = problem
		focus(&f.Reason, &f.Amount, &f.Name, &f.Password)
		p.showAs(w, code, "order.html", f)
	}
	c := &f.Command
	c.ID, c.Reason, c.Amount = r.PostForm.Get("id"), f.Reason.Value, f.Amount.Value
	if f.Is.Word == protocol.Resolve {
		c.Decision, c.ByHand = r.PostForm.Get("decision"), r.PostForm.Get("by_hand") == "yes"
	}
	if len(c.ID) != len(office.NewID()) || protocol.CheckID(c.ID) != nil {
		http.Error(w, "The form is not whole. Nothing was sent: open it again.", http.StatusBadRequest)
		return
	}
	was, err := p.Store.Order(r.Context(), c.Kiosk, c.ID)
	if err == nil { // a double click, a reload or the way back
		p.twice(w, r, f, was)
		return
	}
	switch {
	case !errors.Is(err, store.ErrNoOrder):
		p.fail(w, r, err)
	case f.Cannot != "":
		again(http.StatusConflict, "Nothing was sent.")
	case !p.right(&f):
		again(http.StatusUnprocessableEntity, "Something is not right yet: see the fields. Nothing was sent.")
	case c.ByHand && f.Person.Role < people.Admin:
		again(http.StatusForbidden, "Only an admin settles a sale by hand. Nothing was sent.")
	case f.Seen != r.PostForm.Get("seen"):
		again(http.StatusConflict, "Money of this sale was given back, or was to be, since you opened this form. Nothing "+
			"was sent: look at the sale and its machine's commands, and send this only if it is still right.")
	default:
		p.send(w, r, *c, f.M.ID, f.Name.Value, func(code int, problem string, wrong bool) {
			if wrong {
				f.Password.Wrong = problem
			}
			again(code, problem)
		})
	}
}

// twice answers a form that has given its command already.
func (p *Page) twice(w http.ResponseWriter, r *http.Request, f orderPage, was store.Order) {
	f.Earlier = fmt.Sprintf("/m/%d/commands/%s", f.M.ID, was.ID)
	c := f.Command
	if was.Word == c.Word && was.Sale == c.Sale && was.Decision == c.Decision && was.ByHand == c.ByHand &&
		was.Amount == c.Amount {
		http.Redirect(w, r, f.Earlier, http.StatusSeeOther)
		return
	}
	f.Problem = "This form has given another command already. Nothing was sent now: to give one more, open the form anew."
	p.showAs(w, http.StatusConflict, "order.html", f)
}

// right finds whether a command can be sent, and marks the fields that are wrong.
func (p *Page) right(f *orderPage) bool {
	c := f.Command
	bare := c
	bare.Amount, bare.Decision = "", "charge"
	if c.Word != protocol.Resolve {
		bare.Decision = ""
	}
	if bare.Check() != nil { // what is left is typed in one field alone
		f.Reason.Wrong = "say why, in one line of at most 400 bytes"
	}
	if c.Word == protocol.Resolve && !slices.Contains([]string{"charge", "release", "refund"}, c.Decision) {
		f.Decision = "choose one"
	}
	if c.Amount != "" {
		left := money.Amount{Minor: f.Sale.Charged - f.Sale.Refunded, Currency: f.Sale.Currency}
		switch a, err := money.Parse(c.Amount, left.Currency); {
		case err != nil:
			f.Amount.Wrong = "write digits and a point, as " + left.Decimal()
		case a.Minor == 0:
			f.Amount.Wrong = "that is nothing"
		case a.Minor > left.Minor:
			f.Amount.Wrong = "that is more than is left of it: " + left.Decimal()
		}
	}
	if f.Name.ID != "" && f.Name.Value == "" {
		f.Name.Wrong = "say by which name you sign"
	}
	return f.Reason.Wrong+f.Decision+f.Amount.Wrong+f.Name.Wrong == ""
}

// refused shows a form again: with a status, what is wrong, and whether it is the password.
type refused func(code int, problem string, password bool)

// send has the person sign a command, and sends it.
func (p *Page) send(w http.ResponseWriter, r *http.Request, c protocol.Command, machine int64, name string,
	no refused) {
	of := p.Office()
	if of == nil || !of.NATS.IsConnected() {
		no(http.StatusServiceUnavailable, "This hub has no connection to the fleet's servers now. Nothing was sent: try "+
			"again in a minute.", false)
		return
	}
	password := r.PostForm.Get("password")
	if password == "" { // as of a form that came back without it
		no(http.StatusUnprocessableEntity, "Write your password. Nothing was sent.", true)
		return
	}
	who, err := p.Door.Confirm(r, name, password)
	switch {
	case errors.Is(err, people.ErrTooMany):
		no(http.StatusTooManyRequests, "Too many attempts: wait a minute, then try again. Nothing was sent.", true)
		return
	case errors.Is(err, people.ErrWrong):
		no(http.StatusUnauthorized, "The password, or the name, is wrong. Nothing was sent.", true)
		return
	case err != nil:
		p.Log.Error().Err(err).Msg("nobody can sign a command")
		no(http.StatusServiceUnavailable, "The file of users cannot be read: the hub's log says why. Nothing was sent.",
			false)
		return
	}
	// who closes the window has given the command all the same
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), sendWithin)
	defer cancel()
	out, err := of.Give(ctx, who, []byte(password), c)
	said := out.Done || out.Refusal != ""
	log := p.Log.Info().Str("name", who.Name).Str("session", people.From(r.Context()).Name).Str("kiosk", c.Kiosk).
		Str("word", c.Word).Str("command", c.ID).Bool("done", out.Done).Str("refusal", out.Refusal)
	switch {
	case err == nil, errors.Is(err, office.ErrSilent):
		log.AnErr("why", err).Msg("a command was given at the desk")
		http.Redirect(w, r, fmt.Sprintf("/m/%d/commands/%s", machine, c.ID), http.StatusSeeOther)
	case said:
		log.Err(err).Msg("a command was given at the desk, and its outcome could not be written down")
		no(http.StatusServiceUnavailable, "The machine has answered: "+outcome(out)+". That could not be "+
			"written down here: the database does not answer.", false)
	case errors.Is(err, protocol.ErrRole):
		no(http.StatusForbidden, fmt.Sprintf("%s has the role %v, which may not give this command. Nothing was sent.",
			who.Name, who.Role), true)
	case errors.Is(err, office.ErrNoRepeat):
		no(http.StatusConflict, "Nothing was sent: "+err.Error()+".", false)
	case errors.Is(err, people.ErrTaken):
		no(http.StatusConflict, "Nothing was sent: "+people.ErrTaken.Error()+".", true)
	default:
		p.fail(w, r, err)
	}
}

// wordsOf are the commands that are about a sale, or those that are about the machine.
func wordsOf(sale bool) []orderWord {
	return slices.DeleteFunc(words(), func(w orderWord) bool { return w.OfSale != sale })
}
