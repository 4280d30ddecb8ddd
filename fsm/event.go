package fsm

import (
	"encoding/json"
	"fmt"

	"kioskd/internal/money"
)

// Event is something that happened. Each carries the instant at which it did, so that a step needs no clock.
type Event interface{ at() Instant }

// ResultKind says what is known about a call to Glase.
type ResultKind string

// The kinds. Unknown is an answer: the call may or may not have been carried out.
const (
	Done          ResultKind = "done"
	Refused       ResultKind = "refused"  // Glase answered with a result code
	ResultUnknown ResultKind = "unknown"  // timeout, lost connection, Fault, 5xx, codes 90 and 94
	NotSent       ResultKind = "not_sent" // certainly never reached Glase
	// Misfit is an answer to something else than was asked, or one that cannot be meant. It proves nothing, like Unknown; but Glase
	// can be reached, so it is not asked for ever.
	Misfit ResultKind = "misfit"
)

// Result is the outcome of a call to Glase.
type Result struct {
	Kind ResultKind `json:"kind"`
	Code int        `json:"code,omitzero"` // Glase's result code, when refused; 0: refused on our side, and so would each repeat be
	Text string     `json:"text,omitzero"` // for a technician; no secret, no phone number
}

// PayStatus is an invoice's status in Glase's words; CANCELED with one L.
type PayStatus string

// The statuses that decide something here; any other is "not yet".
const (
	StatusIssued   PayStatus = "ISSUED"
	StatusReserved PayStatus = "RESERVED"
	StatusPaid     PayStatus = "PAID"
	StatusCanceled PayStatus = "CANCELED"
	StatusFailed   PayStatus = "FAILED"
)

// NewSale holds the identifiers of a sale that the event may begin. They are minted by the runtime, once, and reused on every retry.
type NewSale struct {
	ID              string `json:"id"`
	ClientInvoiceID string `json:"client_invoice_id"`
	Secret          string `json:"secret"` // at least 128 random bits for the notification's path
}

// The events. A Call field names the call that an outcome belongs to, as its effect did.
type (
	// Booted is the first event of every start, also after a crash.
	Booted struct {
		At       Instant    `json:"at"`
		Boot     string     `json:"boot"` // the kernel's boot id: another one means another clock
		Rules    Rules      `json:"rules"`
		Evidence []Evidence `json:"evidence,omitzero"` // what dispensers still know of items that were being vended
		Lost     string     `json:"lost,omitzero"`     // what is known to be gone from the end of the record, for a technician; "": nothing

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
		At      Instant      `json:"at"`
		Request string       `json:"request,omitzero"` // whom Answer answers, with the item's id when it is taken; none for a button
		New     NewSale      `json:"new"`
		Item    string       `json:"item"` // the id that the product has in the sale from now on
		Slot    string       `json:"slot"`
		Price   money.Amount `json:"price,omitzero"` // the machine's own (Slot.AtMachine), and only there
	}
	// CancelPressed is the customer's "that is all".
	CancelPressed struct {
		At Instant `json:"at"`
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
	// InvoiceSent is sendInvoice's outcome.
	InvoiceSent struct {
		At        Instant `json:"at"`
		Call      int     `json:"call"`
		Sale      string  `json:"sale"`
		Result    Result  `json:"result"`
		Reference string  `json:"reference,omitzero"`
		QR        string  `json:"qr,omitzero"`
		Repeated  bool    `json:"repeated,omitzero"` // it is the answer to a repetition: an earlier attempt of this call had none
	}
	// StatusAnswered is getPaymentStatus's outcome.
	StatusAnswered struct {
		At           Instant      `json:"at"`
		Call         int          `json:"call"`
		Sale         string       `json:"sale"`
		Result       Result       `json:"result"`
		Status       PayStatus    `json:"status,omitzero"`
		Version      int          `json:"version,omitzero"`
		Amount       money.Amount `json:"amount,omitzero"` // the receipt's total, when there is a receipt
		ErsReference string       `json:"ers_reference,omitzero"`
	}
	// InvoiceUpdated is updateInvoice's outcome.
	InvoiceUpdated struct {
		At     Instant `json:"at"`
		Call   int     `json:"call"`
		Sale   string  `json:"sale"`
		Result Result  `json:"result"`
	}
	// ReservationCommitted is commitReservation's outcome.
	ReservationCommitted struct {
		At     Instant `json:"at"`
		Call   int     `json:"call"`
		Sale   string  `json:"sale"`
		Result Result  `json:"result"`
	}
	// InvoiceCanceled is cancelInvoice's outcome.
	InvoiceCanceled struct {
		At     Instant `json:"at"`
		Call   int     `json:"call"`
		Sale   string  `json:"sale"`
		Result Result  `json:"result"`
	}
	// PaymentRefunded is refundPayment's outcome.
	PaymentRefunded struct {
		At     Instant `json:"at"`
		Call   int     `json:"call"`
		Sale   string  `json:"sale"`
		Result Result  `json:"result"`
	}
	// ReceiptSubmitted is submitPaymentReceipt's outcome.
	ReceiptSubmitted struct {
		At     Instant `json:"at"`
		Call   int     `json:"call"`
		Sale   string  `json:"sale"`
		Result Result  `json:"result"`
	}
	// VendEnded is the dispenser's word on one item.
	VendEnded struct {
		At      Instant     `json:"at"`
		Sale    string      `json:"sale"`
		Item    string      `json:"item"`
		Outcome ItemOutcome `json:"outcome"`
		Why     string      `json:"why,omitzero"`
	}
	// FaultRaised and FaultCleared are the runtime's word on what stands against selling.
	FaultRaised struct {
		At    Instant `json:"at"`
		Fault Fault   `json:"fault"`
	}
	// FaultCleared takes a fault away.
	FaultCleared struct {
		At   Instant `json:"at"`
		Name string  `json:"name"`
	}
	// SlotsOpened is a technician's word that closed slots may sell again; without slots, that the whole machine has been looked at.
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
	// SaleResolved is a person's decision on a sale that stands in doubt. It is refused while another sale is open (DeviceInUse), and
	// when it says too little or cannot be recorded (SystemError).
	SaleResolved struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the sale's id as reference when it is taken
		Sale    Sale    `json:"sale"`    // as its last record has it
		Verdict Verdict `json:"verdict"`
	}
	// LossAccepted is a person who has looked at what a record that lost its newest part may have forgotten. It is refused when
	// nothing is lost or it says too little (SystemError), and when it cannot be recorded (DeviceUnavailable).
	LossAccepted struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the fault's name as reference when it is taken
		By      string  `json:"by"`
		Reason  string  `json:"reason"`
	}
	// ServiceBegan is a technician who wants to move something. It is refused while a sale is open (SaleIsOn) or another act
	// is on (ActIsOn), when it could not be recorded (NoRecord), for a slot that is not there (NoSuchSlot), and when it says
	// too little (SaysTooLittle). Service says who, what, where, and for a relay how long; the rest is the state machine's.
	ServiceBegan struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the act's id as reference when it is taken
		Service Service `json:"service"`
	}
	// StockCounted is a technician who has counted, or refilled, a slot. It is refused as ServiceBegan is, and when there
	// would be fewer than none or more than StockMax (BadCount). State.Service tells how many there were, and are.
	StockCounted struct {
		At      Instant `json:"at"`
		Request string  `json:"request"` // whom Answer answers: with the act's id as reference when it is taken
		ID      string  `json:"id"`      // of the act
		Slot    string  `json:"slot"`
		By      string  `json:"by"`
		Count   int     `json:"count"`
		More    bool    `json:"more,omitzero"` // Count is how many more there are than were thought; false: how many there are
	}
	// ServiceEnded is the dispenser's word on a technician's act.
	ServiceEnded struct {
		At      Instant     `json:"at"`
		Service string      `json:"service"`
		Outcome ItemOutcome `json:"outcome,omitzero"` // of a vend
		Why     string      `json:"why,omitzero"`
	}
	// Remembered is a state that was reached while the journal could not be written, recorded once it could again. It changes
	// nothing but the record: the loop itself makes it of its present state.
	Remembered struct {
		At    Instant `json:"at"`
		State State   `json:"state"`
	}
	// Ticked is the moment that State.Wake named.
	Ticked struct {
		At Instant `json:"at"`
	}
)

// Evidence is what a dispenser still knows after a crash about an item that was being vended: a latched sensor, its own memory.
type Evidence struct {
	Item    string      `json:"item"`
	Outcome ItemOutcome `json:"outcome"`
	Why     string      `json:"why,omitzero"`
}

func (e Booted) at() Instant               { return e.At }
func (e PurchaseRequested) at() Instant    { return e.At }
func (e ProductChosen) at() Instant        { return e.At }
func (e CancelPressed) at() Instant        { return e.At }
func (e RetryPressed) at() Instant         { return e.At }
func (e Notified) at() Instant             { return e.At }
func (e InvoiceSent) at() Instant          { return e.At }
func (e StatusAnswered) at() Instant       { return e.At }
func (e InvoiceUpdated) at() Instant       { return e.At }
func (e ReservationCommitted) at() Instant { return e.At }
func (e InvoiceCanceled) at() Instant      { return e.At }
func (e PaymentRefunded) at() Instant      { return e.At }
func (e ReceiptSubmitted) at() Instant     { return e.At }
func (e VendEnded) at() Instant            { return e.At }
func (e FaultRaised) at() Instant          { return e.At }
func (e FaultCleared) at() Instant         { return e.At }
func (e SlotsOpened) at() Instant          { return e.At }
func (e SaleStopped) at() Instant          { return e.At }
func (e SaleResolved) at() Instant         { return e.At }
func (e LossAccepted) at() Instant         { return e.At }
func (e ServiceBegan) at() Instant         { return e.At }
func (e StockCounted) at() Instant         { return e.At }
func (e ServiceEnded) at() Instant         { return e.At }
func (e Remembered) at() Instant           { return e.At }
func (e Ticked) at() Instant               { return e.At }

// ResultOf is what the event says of a call to Glase; false: it is no call's outcome.
func ResultOf(e Event) (Result, bool) {
	switch e := e.(type) {
	case InvoiceSent:
		return e.Result, true
	case StatusAnswered:
		return e.Result, true
	case InvoiceUpdated:
		return e.Result, true
	case ReservationCommitted:
		return e.Result, true
	case InvoiceCanceled:
		return e.Result, true
	case PaymentRefunded:
		return e.Result, true
	case ReceiptSubmitted:
		return e.Result, true
	}
	return Result{}, false
}

// Name is the event's name in a journal: "Booted".
func Name(e Event) string { return fmt.Sprintf("%T", e)[len("fsm."):] }

// DecodeEvent reads an event that json.Marshal wrote, given its Name.
func DecodeEvent(name string, b []byte) (Event, error) {
	switch name {
	case "Booted":
		return decode[Booted](b)
	case "PurchaseRequested":
		return decode[PurchaseRequested](b)
	case "ProductChosen":
		return decode[ProductChosen](b)
	case "CancelPressed":
		return decode[CancelPressed](b)
	case "RetryPressed":
		return decode[RetryPressed](b)
	case "Notified":
		return decode[Notified](b)
	case "InvoiceSent":
		return decode[InvoiceSent](b)
	case "StatusAnswered":
		return decode[StatusAnswered](b)
	case "InvoiceUpdated":
		return decode[InvoiceUpdated](b)
	case "ReservationCommitted":
		return decode[ReservationCommitted](b)
	case "InvoiceCanceled":
		return decode[InvoiceCanceled](b)
	case "PaymentRefunded":
		return decode[PaymentRefunded](b)
	case "ReceiptSubmitted":
		return decode[ReceiptSubmitted](b)
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
