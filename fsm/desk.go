package fsm

import (
	"fmt"
	"slices"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// commandsMax is how many commands are remembered: a repeat that comes after so many others is none that its asker
// still waits for.
const commandsMax = 64

// Label is what a slot sells by the desk's wish instead of the config's.
type Label struct {
	Slot  string       `json:"slot"`
	Name  string       `json:"name"`
	Price money.Amount `json:"price"`
	VAT   int          `json:"vat,omitzero"` // whole percent; 0: not declared
	EAN   string       `json:"ean,omitzero"`
}

// Planogram is what the desk wants the machine to sell. It stands over the config, also after a restart, until another
// takes its place: one without labels withdraws it.
type Planogram struct {
	Version string  `json:"version,omitzero"` // as the desk counts; "": nothing was ever wanted
	By      string  `json:"by,omitzero"`      // who wanted it
	Labels  []Label `json:"labels,omitzero"`
}

// Order is what a person at the desk, or beside the machine, wants of it. None of them can move anything.
type Order string

// The orders.
const (
	OutByOrder    Order = "out_of_service" // sell nothing until Back; the sale that is on ends as it would
	Back          Order = "back"           // the end of OutByOrder
	ResolveSale   Order = "resolve"        // see SaleResolved
	RefundSale    Order = "refund"         // the same, of a sale that was charged
	RestartDaemon Order = "restart"        // the daemon ends, and whoever watches over it starts it again
	CloseSlot     Order = "close_slot"     // sell nothing out of Command.Slot until OpenSlot, whatever the door does
	OpenSlot      Order = "open_slot"      // it has been looked at, and may sell again
)

// Orders are all of them.
func Orders() []Order {
	return []Order{OutByOrder, Back, ResolveSale, RefundSale, RestartDaemon, CloseSlot, OpenSlot}
}

// Command is a person's order. Whether that person may give it is the runtime's to know.
type Command struct {
	ID        string `json:"id"` // minted by the asker, once; it is good for one act
	Order     Order  `json:"order"`
	By        string `json:"by"`
	Reason    string `json:"reason"`
	AtMachine bool   `json:"at_machine,omitzero"` // by a technician beside it; false: from the desk
	Slot      string `json:"slot,omitzero"`       // of CloseSlot and OpenSlot
	// What names the act in full, the sale and the amount among it: a repeat wants the same
	What string `json:"what,omitzero"`
}

// Obeyed is what became of a command. A repeat is answered with it.
type Obeyed struct {
	ID        string  `json:"id"`
	Order     Order   `json:"order"`
	Refusal   Refusal `json:"refusal,omitzero"` // "": it was done
	Reference string  `json:"reference,omitzero"`
	What      string  `json:"what,omitzero"` // of the command
}

// planogramSet labels the shelf anew, between two customers: whoever has begun pays what was shown.
func (t *step) planogramSet(e PlanogramSet) {
	p := e.Planogram
	shelf, err := relabel(e.Shelf, p.Labels)
	why := Refusal("")
	switch {
	case t.s.Busy():
		why = SaleIsOn
	case t.s.Serving():
		why = ActIsOn
	case t.s.fault(reason.Journal) || t.s.fault(reason.Stopping):
		why = NoRecord
	case p.Version == "" || p.By == "":
		why = SaysTooLittle
	case p.Version == t.s.Planogram.Version:
		why = NothingToDo
	case err != nil || !sameMachine(t.s.Shelf, shelf):
		why = BadShelf
	}
	for slot, n := range e.Stock {
		if _, known := t.s.slot(slot); why == "" && (!known || n < 0 || n > StockMax) {
			why = BadCount
		}
	}
	if why != "" {
		t.do(Answer{Request: e.Request, Refusal: why})
		return
	}
	t.s.Planogram, t.s.Shelf = p, shelf
	for slot, n := range e.Stock {
		t.setStock(slot, n)
	}
	t.do(Answer{Request: e.Request, Reference: p.Version})
}

// relabel is a config's shelf with what the desk wants instead. A machine of its own says its prices itself.
func relabel(shelf []Slot, labels []Label) ([]Slot, error) {
	shelf = slices.Clone(shelf)
	seen := map[string]bool{}
	for _, l := range labels {
		n := slices.IndexFunc(shelf, func(s Slot) bool { return s.ID == l.Slot })
		switch {
		case n < 0 || seen[l.Slot]:
			return nil, fmt.Errorf("there is no slot %s, or it has two labels", l.Slot)
		case !l.fits(shelf[n]):
			return nil, fmt.Errorf("slot %s cannot be sold so", l.Slot)
		}
		seen[l.Slot] = true
		shelf[n] = l.on(shelf[n])
	}
	return shelf, nil
}

func (l Label) fits(s Slot) bool {
	return s.ID == l.Slot && !s.AtMachine && l.Name != "" && l.Price.Minor > 0 && l.Price.Currency == s.Price.Currency
}

func (l Label) on(s Slot) Slot {
	s.Name, s.Price, s.VAT, s.EAN = l.Name, l.Price, l.VAT, l.EAN
	return s
}

// labelled is the shelf that a boot brings with what the desk wanted before. A label that does not fit any more, since
// the config has another slot or currency now, is left out.
func labelled(shelf []Slot, labels []Label) []Slot {
	if len(labels) == 0 {
		return shelf
	}
	shelf = slices.Clone(shelf)
	for _, l := range labels {
		for n, s := range shelf {
			if l.fits(s) {
				shelf[n] = l.on(s)
			}
		}
	}
	return shelf
}

// sameMachine reports whether two shelves differ in nothing but their labels.
func sameMachine(a, b []Slot) bool {
	return slices.EqualFunc(a, b, func(x, y Slot) bool {
		l := Label{Name: y.Name, Price: y.Price, VAT: y.VAT, EAN: y.EAN}
		return l.on(x) == y && x.Price.Currency == y.Price.Currency
	})
}

// commanded carries out a person's command, once: what became of it is on record with it, and a repeat is answered so.
func (t *step) commanded(e Commanded) {
	c := e.Command
	n := slices.IndexFunc(t.s.Commands, func(o Obeyed) bool { return o.ID == c.ID })
	switch {
	case n >= 0:
		o := t.s.Commands[n]
		if o.Order != c.Order || o.What != c.What { // another command has its id
			o.Reference, o.Refusal = "", SaysTooLittle
		}
		t.do(Answer{Request: e.Request, Reference: o.Reference, Refusal: o.Refusal})
		return
	case t.s.fault(reason.Journal) || t.s.fault(reason.Stopping):
		t.do(Answer{Request: e.Request, Refusal: NoRecord})
		return
	case c.ID == "" || c.By == "" || c.Reason == "":
		t.do(Answer{Request: e.Request, Refusal: SaysTooLittle})
		return
	}
	o := Obeyed{ID: c.ID, Order: c.Order, Reference: c.ID, What: c.What}
	switch c.Order {
	case CloseSlot, OpenSlot:
		o.Refusal = t.slotOrdered(c)
	case OutByOrder:
		if o.Refusal = t.serves(); o.Refusal != "" && c.AtMachine {
			break // who is beside the machine waits for the customer there
		}
		o.Refusal = ""
		t.faultRaised(Fault{Name: reason.Operator, Note: c.By + ": " + c.Reason})
	case Back:
		if !t.s.fault(reason.Operator) {
			o.Refusal = NothingToDo
		}
		t.faultCleared(reason.Operator)
	case RestartDaemon:
		o.Refusal = t.unrestartable()
	case ResolveSale, RefundSale:
		o.Refusal = t.verdictCommanded(e)
	default:
		o.Refusal = NothingToDo
	}
	if o.Refusal != "" {
		o.Reference = ""
	}
	t.s.Commands = append(slices.Clone(t.s.Commands), o)
	if more := len(t.s.Commands) - commandsMax; more > 0 {
		t.s.Commands = slices.Clone(t.s.Commands[more:])
	}
	t.do(Answer{Request: e.Request, Reference: o.Reference, Refusal: o.Refusal})
	if c.Order == RestartDaemon && o.Refusal == "" {
		t.do(Restart{})
	}
}

// slotOrdered closes a slot, or opens it, between two customers.
func (t *step) slotOrdered(c Command) Refusal {
	if _, known := t.s.slot(c.Slot); !known {
		return NoSuchSlot
	}
	if why := t.serves(); why != "" {
		return why
	}
	n := slices.IndexFunc(t.s.Closed, func(x Closure) bool { return x.Slot == c.Slot })
	byHand := n >= 0 && t.s.Closed[n].Why == reason.Operator
	if c.Order == OpenSlot && n < 0 || c.Order == CloseSlot && byHand {
		return NothingToDo
	}
	t.openSlots([]string{c.Slot})
	if c.Order == CloseSlot {
		t.s.Closed = append(slices.Clone(t.s.Closed), Closure{c.Slot, reason.Operator})
	}
	t.settleIdle()
	return ""
}

// serves is whom the machine serves, a customer or a technician; "": nobody.
func (t *step) serves() Refusal {
	switch {
	case t.s.Busy():
		return SaleIsOn
	case t.s.Serving():
		return ActIsOn
	}
	return ""
}

// unrestartable is why the daemon may not be restarted now; "": it may. A sale that gets nowhere does not prevent it:
// the next start goes on with it.
func (t *step) unrestartable() Refusal {
	switch {
	case t.s.Busy() && !t.s.Helpless():
		return SaleIsOn
	case t.s.Serving():
		return ActIsOn
	}
	return ""
}

// verdictCommanded settles a sale as a person at the desk decided.
func (t *step) verdictCommanded(e Commanded) (why Refusal) {
	v := e.Verdict
	v.By, v.Reason = e.Command.By, e.Command.Reason
	if e.Sale.ID == "" {
		return NothingToDo
	}
	if back := v.Amount.Minor > 0; back != (e.Command.Order == RefundSale) {
		return SaysTooLittle
	}
	before := len(t.effects)
	t.saleResolved(SaleResolved{At: e.At, Request: e.Request, Sale: e.Sale, Verdict: v})
	answered := t.effects[before].(Answer) // it is the first that it does
	t.effects = slices.Delete(t.effects, before, before+1)
	return answered.Refusal
}
