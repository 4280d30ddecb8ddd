package fsm

import (
	"encoding/json"
	"fmt"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Event is something that happened. Each carries the instant at which it did, so that a step needs no clock.
type Event interface{ at() Instant }

// NewSale holds the identifiers of a sale that the event may begin. They are minted by the runtime, once, and reused on
// every retry.
type NewSale struct {
	ID              string `json:"id"`
	ClientInvoiceID string `json:"client_invoice_id"`
	Secret          string `json:"secret"` // at least 128 random bits for the notification's path
}

// The events, beside Answered, which is a call's outcome.
type (
	// Booted is the first event of every start, also after a crash.
	Booted struct {
		At       Instant    `json:"at"`
		Boot     string     `json:"boot"` // the kernel's boot id: another one means another clock
		Rules    Rules      `json:"rules"`
		Evidence []Evidence `json:"evidence,omitzero"` // what dispensers still know of items that were being vended
		// what is known to be gone from the end of the record, for a technician; "": nothing
		Lost string `json:"lost,omitzero"`

		Shelf []Slot         `json:"shelf,omitzero"` // what the machine sells, in the order that a customer sees
		First map[string]int `json:"first,omitzero"` // products in each slot, as the config has it

		RefilledBy string `json:"refilled_by,omitzero"` // who says that First is what is in the machine now; "": nobody
	}
	// PurchaseRequested is createPurchase (reservation flow).
	PurchaseRequested struct {
		At      Instant      `json:"at"`
		Request string       `json:"request"` // whom Answer answers
		New     NewSale      `json:"new"`
		Payer   string       `json:"-"`      // see Live.Payer
		Amount  money.Amount `json:"amount"` // the most that may be reserved
	}
	// ProductChosen is a button, a key, a page, or a machine of its own. In a direct-debit flow it begins a sale.
	ProductChosen struct {
		At Instant `json:"at"`
		// whom Answer answers, with the item's id when it is taken; none for a button
		Request string       `json:"request,omitzero"`
		New     NewSale      `json:"new"`
		Item    string       `json:"item"` // the id that the product has in the sale from now on
		Slot    string       `json:"slot"`
		Price   money.Amount `json:"price,omitzero"` // the machine's own (Slot.AtMachine), and only there
		// whose page the choice was made on, see Sale.Claim; none: at the machine
		Claim string `json:"claim,omitzero"`
	}
	// CancelPressed is the customer's "that is all".
	CancelPressed struct {
		At Instant `json:"at"`
		// the one sale that it is meant for: a page's; none: whichever is on, by the machine's own button
		Sale string `json:"sale,omitzero"`
	}
	// PageLeft is the word of a page that nobody is there any more to pay for the sale that was chosen on it. What was
	// paid all the same is found out before the money is let go.
	PageLeft struct {
		At   Instant `json:"at"`
		Sale string  `json:"sale"`
	}
	// RetryPressed is the customer's "try again".
	RetryPressed struct {
		At Instant `json:"at"`
	}
	// Notified is Glase's notification: a hint that asking is worth it now.
	Notified struct {
		At     Instant `json:"at"`
		Secret string  `json:"secret"`
	}
	// VendEnded is the dispenser's word on one item.
	VendEnded struct {
		At      Instant     `json:"at"`
		Sale    string      `json:"sale"`
		Item    string      `json:"item"`
		Outcome ItemOutcome `json:"outcome"`
		Why     reason.Why  `json:"why,omitzero"`
	}
	// FaultRaised and FaultCleared are the runtime's word on what stands against selling.
	FaultRaised struct {
		At    Instant `json:"at"`
		Fault Fault   `json:"fault"`
	}
	// FaultCleared takes a fault away.
	FaultCleared struct {
		At   Instant    `json:"at"`
		Name reason.Why `json:"name"`
	}
	// SlotsOpened is a technician's word that closed slots may sell again; without slots, that the whole machine has
	// been looked at.
	SlotsOpened struct {
		At    Instant  `json:"at"`
		Slots []string `json:"slots,omitzero"` // none: all, and what else waits for a person
		By    string   `json:"by"`
	}
	// SaleStopped is a technician who ends the sale that is on.
	SaleStopped struct {
		At Instant `json:"at"`
		By string  `json:"by"`
	}
	// SaleResolved is a person's decision on a sale that stands in doubt, or a refund of one that was charged. It is
	// refused while another sale is open
	// (SaleIsOn) or a technician's act is on (ActIsOn), when it cannot be recorded (NoRecord), when it says too little
	// (SaysTooLittle), and when there is nothing to settle so (NothingToDo).
	SaleResolved struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the sale's id as reference when it is taken
		Sale    Sale    `json:"sale"`    // as its last record has it
		Verdict Verdict `json:"verdict"`
	}
	// LossAccepted is a person who has looked at what a record that lost its newest part may have forgotten. It is
	// refused when nothing is lost (NothingToDo), when it says too little (SaysTooLittle), and when it cannot be
	// recorded (NoRecord).
	LossAccepted struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the fault's name as reference when it is taken
		By      string  `json:"by"`
		Reason  string  `json:"reason"`
	}
	// ServiceBegan is a technician who wants to move something. It is refused while a sale is open (SaleIsOn) or
	// another act is on (ActIsOn), when it could not be recorded (NoRecord), for a slot that is not there (NoSuchSlot),
	// and when it says too little (SaysTooLittle). Service says who, what, where, and for a relay how long; the rest is
	// the state machine's.
	ServiceBegan struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the act's id as reference when it is taken
		Service Service `json:"service"`
	}
	// StockCounted is a technician who has counted, or refilled, a slot. It is refused as ServiceBegan is, and when
	// there would be fewer than none or more than StockMax (BadCount). State.Service tells how many there were, and
	// are.
	StockCounted struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the act's id as reference when it is taken
		ID      string  `json:"id"`      // of the act
		Slot    string  `json:"slot"`
		By      string  `json:"by"`
		Count   int     `json:"count"`
		// Count is how many more there are than were thought; false: how many there are
		More bool `json:"more,omitzero"`
	}
	// PlanogramSet is what the desk wants sold from now on. It is refused while a sale is open (SaleIsOn) or a
	// technician's act is on (ActIsOn), when it could not be recorded (NoRecord), without a version or who wanted it
	// (SaysTooLittle), when that version is the one that holds (NothingToDo), and when a slot cannot be sold so
	// (BadShelf, BadCount).
	PlanogramSet struct {
		At        Instant   `json:"at"`
		Request   string    `json:"request"` // whom Answer answers: with the version as reference when it is taken
		Planogram Planogram `json:"planogram"`
		Shelf     []Slot    `json:"shelf"` // the machine's slots as its config has them
		// products that are in a slot from now on, as who filled it has told the desk
		Stock map[string]int `json:"stock,omitzero"`
	}
	// Commanded is a person's command. What became of it is recorded with it, also a refusal, so that a
	// repeat is answered in the same way; only what could not be recorded (NoRecord) and what says too little
	// (SaysTooLittle) leave no record.
	Commanded struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the command's id as reference when it is done
		Command Command `json:"command"`
		Sale    Sale    `json:"sale,omitzero"`    // ResolveSale, RefundSale: as its last record has it
		Verdict Verdict `json:"verdict,omitzero"` // the same; by whom and why is the command's
	}
	// ServiceEnded is the dispenser's word on a technician's act.
	ServiceEnded struct {
		At      Instant     `json:"at"`
		Service string      `json:"service"`
		Outcome ItemOutcome `json:"outcome,omitzero"` // of a vend
		Why     reason.Why  `json:"why,omitzero"`
	}
	// Remembered is a state that was reached while the journal could not be written, recorded once it could again. It
	// changes nothing but the record: the loop itself makes it of its present state.
	Remembered struct {
		At    Instant `json:"at"`
		State State   `json:"state"`
	}
	// Ticked is the moment that State.Wake named.
	Ticked struct {
		At Instant `json:"at"`
	}
)

// Evidence is what a dispenser still knows after a crash about an item that was being vended: a latched sensor, its own
// memory.
type Evidence struct {
	Item    string      `json:"item"`
	Outcome ItemOutcome `json:"outcome"`
	Why     reason.Why  `json:"why,omitzero"`
}

func (e Booted) at() Instant            { return e.At }
func (e PurchaseRequested) at() Instant { return e.At }
func (e ProductChosen) at() Instant     { return e.At }
func (e CancelPressed) at() Instant     { return e.At }
func (e PageLeft) at() Instant          { return e.At }
func (e RetryPressed) at() Instant      { return e.At }
func (e Notified) at() Instant          { return e.At }
func (e VendEnded) at() Instant         { return e.At }
func (e FaultRaised) at() Instant       { return e.At }
func (e FaultCleared) at() Instant      { return e.At }
func (e SlotsOpened) at() Instant       { return e.At }
func (e SaleStopped) at() Instant       { return e.At }
func (e SaleResolved) at() Instant      { return e.At }
func (e LossAccepted) at() Instant      { return e.At }
func (e ServiceBegan) at() Instant      { return e.At }
func (e StockCounted) at() Instant      { return e.At }
func (e PlanogramSet) at() Instant      { return e.At }
func (e Commanded) at() Instant         { return e.At }
func (e ServiceEnded) at() Instant      { return e.At }
func (e Remembered) at() Instant        { return e.At }
func (e Ticked) at() Instant            { return e.At }

// Name is the event's name in a journal: "Booted". An Answered has a name for each operation: "InvoiceSent".
func Name(e Event) string {
	if a, ok := e.(Answered); ok {
		return a.Operation.outcome()
	}
	return fmt.Sprintf("%T", e)[len("fsm."):]
}

// DecodeEvent reads an event that json.Marshal wrote, given its Name.
func DecodeEvent(name string, b []byte) (Event, error) {
	for _, o := range Operations() {
		if o.outcome() == name {
			e, err := decode[Answered](b)
			if a, ok := e.(Answered); ok {
				a.Operation = o
				return a, err
			}
			return e, err
		}
	}
	switch name {
	case "Booted":
		return decode[Booted](b)
	case "PurchaseRequested":
		return decode[PurchaseRequested](b)
	case "ProductChosen":
		return decode[ProductChosen](b)
	case "CancelPressed":
		return decode[CancelPressed](b)
	case "PageLeft":
		return decode[PageLeft](b)
	case "RetryPressed":
		return decode[RetryPressed](b)
	case "Notified":
		return decode[Notified](b)
	case "VendEnded":
		return decode[VendEnded](b)
	case "FaultRaised":
		return decode[FaultRaised](b)
	case "FaultCleared":
		return decode[FaultCleared](b)
	case "SlotsOpened":
		return decode[SlotsOpened](b)
	case "SaleStopped":
		return decode[SaleStopped](b)
	case "SaleResolved":
		return decode[SaleResolved](b)
	case "LossAccepted":
		return decode[LossAccepted](b)
	case "ServiceBegan":
		return decode[ServiceBegan](b)
	case "StockCounted":
		return decode[StockCounted](b)
	case "PlanogramSet":
		return decode[PlanogramSet](b)
	case "Commanded":
		return decode[Commanded](b)
	case "ServiceEnded":
		return decode[ServiceEnded](b)
	case "Remembered":
		return decode[Remembered](b)
	case "Ticked":
		return decode[Ticked](b)
	}
	return nil, fmt.Errorf("fsm: no event is named %q", name)
}

func decode[E Event](b []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("fsm: %s: %w", Name(e), err)
	}
	return e, nil
}
