package fsm

import (
	"time"

	"kioskd/internal/money"
)

// Operation is what a payment service is asked to do. The words are those of Glase's protocol; another service's
// adapter says how it does each of them, and answers Done where it has nothing to do.
type Operation string

// The operations.
const (
	// ask the customer to pay, always with one ClientInvoiceID for one sale
	SendInvoice       Operation = "sendInvoice"
	AskStatus         Operation = "getPaymentStatus"  // what became of the invoice
	UpdateInvoice     Operation = "updateInvoice"     // make a reservation's invoice the basket
	CommitReservation Operation = "commitReservation" // take the basket's amount of the reservation
	CancelInvoice     Operation = "cancelInvoice"     // let the customer's money go
	RefundPayment     Operation = "refundPayment"     // give a payment back, or a part of it
	SubmitReceipt     Operation = "submitPaymentReceipt"
)

// Operations are all of them, in the order in which a sale meets them.
func Operations() []Operation {
	return []Operation{SendInvoice, AskStatus, UpdateInvoice, CommitReservation, CancelInvoice, RefundPayment,
		SubmitReceipt}
}

// outcome is the name of the operation's Answered in a journal.
func (o Operation) outcome() string {
	switch o {
	case SendInvoice:
		return "InvoiceSent"
	case AskStatus:
		return "StatusAnswered"
	case UpdateInvoice:
		return "InvoiceUpdated"
	case CommitReservation:
		return "ReservationCommitted"
	case CancelInvoice:
		return "InvoiceCanceled"
	case RefundPayment:
		return "PaymentRefunded"
	case SubmitReceipt:
		return "ReceiptSubmitted"
	}
	return "Answered"
}

// Call asks the payment service for something → Answered, with the same Operation, Number and Sale. The fields below
// Sale are set where the operation needs them.
type Call struct {
	Operation Operation
	Number    int // counts the calls of this boot
	Sale      string

	ClientInvoiceID string // of the sale, or of its refund
	Reference       string // the service's, of the invoice; not for SendInvoice and RefundPayment
	// the service's, of the payment: RefundPayment, SubmitReceipt; AskStatus once the sale has one
	ErsReference       string
	Secret             string        // SendInvoice: the end of the notification's path
	Flow               Flow          // SendInvoice
	Version            int           // AskStatus: the newest that we know
	Total              money.Amount  // what is to be paid, charged or given back; the receipt's total
	Items              []Item        // of Total; SendInvoice of a reservation has none yet
	ReservationTimeout time.Duration // SendInvoice of a reservation
	// RefundPayment: all of the payment, and no other refund is known, so that it may be repeated
	Full bool
}

func (Call) effect() {}

// Answered is a call's outcome. The fields below Result are set where the operation brings them, and only when it is
// Done. Whatever an AskStatus names is held against ClientInvoiceID, Reference and ErsReference by the adapter:
// another's is a Misfit.
type Answered struct {
	At        Instant   `json:"at"`
	Operation Operation `json:"-"`    // in a journal it is the event's Name
	Call      int       `json:"call"` // its number
	Sale      string    `json:"sale"`
	Result    Result    `json:"result"`

	Reference string `json:"reference,omitzero"` // SendInvoice
	QR        string `json:"qr,omitzero"`        // SendInvoice
	// SendInvoice: it is the answer to a repetition: an earlier attempt of this call had none
	Repeated bool `json:"repeated,omitzero"`

	Status       PayStatus    `json:"status,omitzero"`        // AskStatus
	Version      int          `json:"version,omitzero"`       // AskStatus
	Amount       money.Amount `json:"amount,omitzero"`        // AskStatus: what was paid, when the service says so
	ErsReference string       `json:"ers_reference,omitzero"` // AskStatus
}

func (e Answered) at() Instant { return e.At }

// To is the answer to a call, but for its moment and what it brings.
func (c Call) To(r Result) Answered {
	return Answered{Operation: c.Operation, Call: c.Number, Sale: c.Sale, Result: r}
}

// ResultKind says what is known about a call.
type ResultKind string

// The kinds. Unknown is an answer: the call may or may not have been carried out.
const (
	Done          ResultKind = "done"
	Refused       ResultKind = "refused"  // the service answered that it does not do it
	ResultUnknown ResultKind = "unknown"  // timeout, lost connection, an answer of no meaning
	NotSent       ResultKind = "not_sent" // certainly never reached the service
	// Misfit is an answer to something else than was asked, or one that cannot be meant. It proves nothing, like
	// Unknown; but the service can be reached, so it is not asked for ever.
	Misfit ResultKind = "misfit"
)

// Meaning is what a refusal means for the sale, whatever the service calls it.
type Meaning string

// The meanings. No meaning is a refusal for good: each repeat would be refused as well.
const (
	Busy           Meaning = "busy"            // the service cannot now: the same may be asked again
	InProgress     Meaning = "in_progress"     // a payment or refund of this invoice is being made: its status will say
	AlreadyPaid    Meaning = "already_paid"    // the invoice is paid
	AlreadyOver    Meaning = "already_over"    // the invoice is cancelled
	NotReserved    Meaning = "not_reserved"    // nothing is reserved by it
	UnknownInvoice Meaning = "unknown_invoice" // the service has no such invoice of this terminal
	OverRefunded   Meaning = "over_refunded"   // more would go back than was paid
)

// Result is the outcome of a call.
type Result struct {
	Kind  ResultKind `json:"kind"`
	Means Meaning    `json:"means,omitzero"` // of a refusal
	// the service's own word for its refusal, as "code 48"; none: it was refused on our side
	Word string `json:"word,omitzero"`
	Text string `json:"text,omitzero"` // for a technician; no secret, no phone number
}

// refused reports whether the service refused, and that means one of these.
func (r Result) refused(means ...Meaning) bool {
	if r.Kind != Refused {
		return false
	}
	for _, m := range means {
		if r.Means == m {
			return true
		}
	}
	return false
}

// PayStatus is an invoice's status in Glase's words; CANCELED with one L. Another service's adapter translates its own.
type PayStatus string

// The statuses that decide something here; any other is "not yet".
const (
	StatusIssued   PayStatus = "ISSUED"
	StatusReserved PayStatus = "RESERVED"
	StatusPaid     PayStatus = "PAID"
	StatusCanceled PayStatus = "CANCELED"
	StatusFailed   PayStatus = "FAILED"
)
