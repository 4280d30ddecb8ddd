package fsm

import (
	"slices"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Instant is a moment in nanoseconds of the kernel's monotonic clock since the boot named in State.Boot; 0 is "never".
// It says nothing about the time of day.
type Instant int64

func (i Instant) add(d time.Duration) Instant { return i + Instant(d) }

// Since is the time from an earlier instant to this one.
func (i Instant) Since(earlier Instant) time.Duration { return time.Duration(i - earlier) }

// Phase is what stands on the machine's front: one of four.
type Phase string

// The four phases of a sale.
const (
	Idle       Phase = "idle"
	Reserved   Phase = "reserved"
	Dispensing Phase = "dispensing"
	Commit     Phase = "commit"
)

// Stage is a step of a sale: what the machine waits for now.
type Stage string

// The stages, in the order in which a sale meets them.
const (
	Ready        Stage = "ready"          // a customer
	OutOfService Stage = "out_of_service" // the fault in State.Reason to go away
	Maintenance  Stage = "maintenance"    // the technician to finish
	Resolving    Stage = "resolving"      // after a boot: Glase's word on a sale that the boot found open
	Invoicing    Stage = "invoicing"      // sendInvoice's answer
	Awaiting     Stage = "awaiting"       // the customer's PIN
	Choosing     Stage = "choosing"       // a product within the credit (reservation only)
	Asking       Stage = "asking"         // "try again" or "cancel" (direct debit only)
	Vending      Stage = "vending"        // the dispenser
	Updating     Stage = "updating"       // updateInvoice done
	Committing   Stage = "committing"     // commitReservation's answer
	Confirming   Stage = "confirming"     // PAID with the right amount
	Releasing    Stage = "releasing"      // the money let go: nothing came out
	Refunding    Stage = "refunding"      // refundPayment's answer
	Receipting   Stage = "receipting"     // submitPaymentReceipt's answer (direct debit only)
)

// Phase is the phase that a stage belongs to.
func (s Stage) Phase() Phase {
	switch s {
	case Invoicing, Awaiting, Choosing, Asking:
		return Reserved
	case Vending:
		return Dispensing
	case Updating, Committing, Confirming, Releasing, Refunding, Receipting:
		return Commit
	}
	return Idle
}

// Flow is the way of paying that a machine is configured for.
type Flow string

// The flows. A reservation reserves, lets choose, vends and then charges what came out; the other three are direct
// debit: choose, pay, vend, and refund what did not come out. They differ only in the QR that the customer scans.
const (
	Reservation Flow = "reservation" // the machine's static QR, through Glase's service for unattended machines
	Sticker     Flow = "sticker"     // a static QR that always leads to the terminal's current invoice
	InvoiceQR   Flow = "invoice"     // the invoice's own QR, shown on the display
	Web         Flow = "web"         // chosen on a page in the customer's browser, and paid by its QR or link
)

// Rules are the settings that decide; they enter with Booted and are recorded, so that a journal replays without its
// config.
type Rules struct {
	Flow Flow `json:"flow"`
	Page bool `json:"page,omitzero"` // the page sells too, beside Flow
	// at most this is reserved; none: as much as is offered
	ReserveMax money.Amount `json:"reserve_max,omitzero"`
	// from the invoice to the customer's PIN (reservation, web)
	PinTimeout time.Duration `json:"pin_timeout"`
	// from the reservation, or the last product, to the next choice
	ChooseTimeout      time.Duration `json:"choose_timeout"`
	ReservationTimeout time.Duration `json:"reservation_timeout"` // what Glase is told; counted from sendInvoice
	// what PinTimeout is shortened to by unpaid sales in a row; 0: nothing
	PinHurry time.Duration `json:"pin_hurry,omitzero"`
}

// Pages reports whether products are sold on the page.
func (r Rules) Pages() bool { return r.Flow == Web || r.Page }

// State is everything that the machine remembers, as plain values. All of it but Live is durable: a step that changes a
// durable field is recorded before its effects are carried out, and a restart begins with the last recorded state.
type State struct {
	Stage    Stage      `json:"stage"`
	Reason   reason.Why `json:"reason,omitzero"` // the fault that Stage is out_of_service or maintenance for
	Boot     string     `json:"boot,omitzero"`   // the boot whose clock the instants are of
	Deadline Instant    `json:"deadline,omitzero"`
	Rules    Rules      `json:"rules,omitzero"`
	Faults   []Fault    `json:"faults,omitzero"` // what stands against selling, oldest first
	// the machine's slots, as the config of the last boot has them, with the labels of Planogram
	Shelf     []Slot    `json:"shelf,omitzero"`
	Planogram Planogram `json:"planogram,omitzero"` // what the desk wants sold
	Closed    []Closure `json:"closed,omitzero"`    // slots that wait for a technician
	// the current sale, or the last one once Sale.Ended; the zero Sale before the first
	Sale Sale `json:"sale,omitzero"`
	// a technician's act that is on, or the last one; the zero Service before the first
	Service Service `json:"service,omitzero"`
	// sales in a row that nobody paid for, at most hurryAfter (reservation)
	Unpaid int `json:"unpaid,omitzero"`

	// Stock is how many products are left in each slot that was ever seen, also those that are no longer on the shelf.
	Stock map[string]int `json:"stock,omitzero"`

	// CanceledAt is when somebody else last cancelled a reservation of ours before its time; 0: nobody since a
	// technician was there.
	CanceledAt Instant `json:"canceled_at,omitzero"`

	// Commands are the last ones from the desk that are on record, oldest first, at most commandsMax.
	Commands []Obeyed `json:"commands,omitzero"`

	Live Live `json:"-"` // volatile: lost at a restart, never recorded by itself
}

// Fault is one reason not to sell.
type Fault struct {
	Name reason.Why `json:"name"`          // shown as the reason
	Hard bool       `json:"hard,omitzero"` // also ends a sale that has begun, as soon as its money can be settled
	// it stands against these slots alone, and is not hard; none: against the machine
	Slots []string `json:"slots,omitzero"`
	Note  string   `json:"note,omitzero"` // for a technician: the facts
}

// Closure is a slot that sells nothing until a technician has looked at it.
type Closure struct {
	Slot string     `json:"slot"`
	Why  reason.Why `json:"why"` // the dispenser's word
}

// SaleState is how a sale stands, in the words of the outside.
type SaleState string

// A sale is open until it is one of the others.
const (
	Open      SaleState = "open"
	Charged   SaleState = "charged"   // charged for what came out, and Glase has confirmed it
	Released  SaleState = "released"  // the reservation was let go: nothing came out
	Refunded  SaleState = "refunded"  // all that was paid went back
	Cancelled SaleState = "cancelled" // ended before any money was reserved or paid
	Failed    SaleState = "failed"    // no invoice was made
	Lost      SaleState = "lost"      // products came out, and the reservation was gone: the operator's loss
	InDoubt   SaleState = "in_doubt"  // cannot be decided here; Why says what is known
)

// Sale is one customer's visit, from the request to its end.
type Sale struct {
	ID        string     `json:"id,omitzero"`
	Flow      Flow       `json:"flow,omitzero"`
	State     SaleState  `json:"state,omitzero"`
	Ended     bool       `json:"ended,omitzero"`
	Why       reason.Why `json:"why,omitzero"`    // how it went
	Note      string     `json:"note,omitzero"`   // for a technician: the service's word or the facts of a doubt
	EndReason reason.Why `json:"stop,omitzero"`   // set: end as soon as the running step allows, for this reason
	Rounds    int        `json:"rounds,omitzero"` // times that the customer chose "try again"
	// a hash of what the browser holds that may see the sale and cancel it (web); it opens nothing
	Claim string `json:"claim,omitzero"`
	Items []Item `json:"items,omitzero"`
	// a boot found it open, or a person opened it again: it is only settled
	Recovered bool    `json:"recovered,omitzero"`
	Verdict   Verdict `json:"verdict,omitzero"` // a person's, on a sale that stood in doubt

	Payment `json:"payment,omitzero"`
}

// Payment is what is known of a sale's money.
type Payment struct {
	ClientInvoiceID string       `json:"client_invoice_id,omitzero"`
	Secret          string       `json:"secret,omitzero"`    // random end of the notification's path
	Requested       money.Amount `json:"requested,omitzero"` // what the customer's phone offered
	Reserved        money.Amount `json:"reserved,omitzero"`  // the invoice's total before anything came out
	Reference       string       `json:"reference,omitzero"` // the service's, of the invoice
	QR              string       `json:"qr,omitzero"`        // what the customer may scan to pay it
	// a SendInvoice had no answer: there may be an invoice that nobody can name
	Unheard bool `json:"unheard,omitzero"`
	// the others that were made for this sale, by their first answers
	Invoices []Invoice `json:"invoices,omitzero"`
	// references that SendInvoice answered and that were not ours
	Misled        int          `json:"misled,omitzero"`
	SeenReserved  bool         `json:"held,omitzero"`        // it was RESERVED once
	InvoicedAt    Instant      `json:"invoiced_at,omitzero"` // when SendInvoice was first asked for
	ReservedUntil Instant      `json:"reserved_until,omitzero"`
	ErsReference  string       `json:"ers_reference,omitzero"` // the service's, of the payment
	Charged       money.Amount `json:"charged,omitzero"`       // it was PAID with this amount
	RefundDue     money.Amount `json:"due,omitzero"`           // the refund that is being made
	Refunded      money.Amount `json:"refunded,omitzero"`      // refunds that are confirmed
	// a refund of a part was asked for, whatever became of it: what is left at the service is not known by the record
	Parted bool `json:"parted,omitzero"`

	Charging `json:"charging,omitzero"`
}

// Charging is how far a reservation's charge has come. A person who opens a sale again has it begin anew.
type Charging struct {
	Updated bool   `json:"updated,omitzero"` // UpdateInvoice is known done for the basket
	Updates int    `json:"updates,omitzero"` // UpdateInvoice was begun this many times
	Commits int    `json:"commits,omitzero"` // CommitReservation was asked this many times
	Refusal string `json:"refusal,omitzero"` // CommitReservation's final refusal, in a note's words
}

// Decision is what a person wants to become of the money of a sale in doubt.
type Decision string

// The decisions.
const (
	Charge  Decision = "charge"  // the customer pays for what came out, and for what is unknown
	Release Decision = "release" // the reservation is let go: the customer pays nothing
	// what was paid for nothing goes back; all of it when nothing says that it was for nothing
	Refund Decision = "refund"
)

// Verdict is a person's word on a sale in doubt, or on one that was charged and of which something is to go back, for
// the record.
type Verdict struct {
	Decision Decision `json:"decision"`
	By       string   `json:"by"`
	Reason   string   `json:"reason"`
	ByHand   bool     `json:"by_hand,omitzero"` // it was settled with Glase in another way: nothing more is asked of it
	// Refund of a sale that was charged: so much of it. A sale in doubt about that keeps it, whatever is decided
	Amount money.Amount `json:"amount,omitzero"`
}

// ItemOutcome is what is known of one product.
type ItemOutcome string

// The outcomes. A pending item is being vended, or waits for its payment when it has not Started.
const (
	Pending      ItemOutcome = "pending"
	Delivered    ItemOutcome = "delivered"
	NotDelivered ItemOutcome = "not_delivered"
	Unknown      ItemOutcome = "unknown"
)

// Item is one product of a sale. Its price is frozen when it is chosen.
type Item struct {
	ID      string        `json:"id"`
	Slot    string        `json:"slot"`
	Name    string        `json:"name"`
	Price   money.Amount  `json:"price"`
	VAT     int           `json:"vat,omitzero"` // whole percent
	EAN     string        `json:"ean,omitzero"`
	MaxVend time.Duration `json:"max_vend"` // the longest that its dispenser takes to answer
	// its dispenser's rule: an unknown outcome is charged
	UnknownCharged bool        `json:"unknown_charged,omitzero"`
	Started        bool        `json:"started,omitzero"` // its one motor start was approved
	Outcome        ItemOutcome `json:"outcome"`
	Why            reason.Why  `json:"why,omitzero"`
}

// Charge reports whether the item is to be paid for.
func (i Item) Charge() bool {
	return i.Outcome == Delivered || i.Outcome == Unknown && i.UnknownCharged
}

// Basket is the sum of what is to be paid for: the delivered items, and the unknown ones whose dispenser's rule is
// "charged".
func (s Sale) Basket() money.Amount {
	sum := money.Amount{Currency: s.Reserved.Currency}
	for _, i := range s.Items {
		if i.Charge() {
			sum = sum.Add(i.Price)
		}
	}
	return sum
}

// Credit is what of the reservation is left to choose for.
func (s Sale) Credit() money.Amount {
	left := s.Reserved.Sub(s.Basket())
	for _, i := range s.Items {
		if i.Outcome == Pending {
			left = left.Sub(i.Price)
		}
	}
	return left
}

// Doubtful reports whether the sale ended in doubt.
func (s Sale) Doubtful() bool { return s.State == InDoubt }

// Live is the volatile part: calls on their way, polls, and what the customer is told meanwhile. Losing it costs a
// repeated question, never money.
type Live struct {
	Calls  int     `json:"calls,omitzero"`  // calls made so far in this boot; the number of the last one
	Called Instant `json:"called,omitzero"` // when it was made
	Asked  Instant `json:"asked,omitzero"`  // when the last question about this sale was, if there was one
	// the last answer's word, when it is one that is believed only when it is said twice
	Heard    string     `json:"heard,omitzero"`
	Version  int        `json:"version,omitzero"`  // the latest invoice version that we were told
	KnownAt  Instant    `json:"known_at,omitzero"` // when we asked the question that was answered RESERVED
	Wanted   Item       `json:"wanted,omitzero"`   // chosen, and waiting for a fresh RESERVED
	Chooser  string     `json:"chooser,omitzero"`  // whom Answer answers about what is wanted; none for a button
	Notice   reason.Why `json:"notice,omitzero"`   // why the last choice was not taken
	Requests []string   `json:"requests,omitzero"` // createPurchase calls that wait for the invoice's reference
	// OverUnseen is why the sale ends when its invoice, which was over before anybody was given it, is brought again.
	OverUnseen reason.Why `json:"over_unseen,omitzero"`
	UnheardAt  Instant    `json:"unheard_at,omitzero"` // when the last SendInvoice without an answer ended
	ShowTill   Instant    `json:"show_till,omitzero"`  // the last sale's result stays on the screen until then
	// since when the answers prove nothing: a PAID without an amount, what was meant for another; 0: they do
	NoProofAt Instant `json:"no_proof_at,omitzero"`

	// Payer is a hash of the phone number of who pays, to know a repeated request by; none when no number was given. It
	// is never written to the card, which holds whatever it could be found out with.
	Payer string `json:"-"`

	Calling `json:"calling,omitzero"`
}

// Calling is how the present stage's call stands. Each stage begins with a new one.
type Calling struct {
	Waiting int     `json:"waiting,omitzero"` // the call whose outcome is waited for; any other outcome is stale
	CallAt  Instant `json:"call_at,omitzero"` // the next call, when none is on its way
	// a notification came while a question was on its way: ask at once after it
	Again           bool `json:"again,omitzero"`
	Tries           int  `json:"tries,omitzero"`   // outcomes in a row that decided nothing
	Lost            int  `json:"lost,omitzero"`    // questions in a row that had no answer
	Answers         int  `json:"answers,omitzero"` // those of the tries that were answered
	Overdue         int  `json:"overdue,omitzero"` // those in a row that said RESERVED after the reservation's time
	Acks            int  `json:"acks,omitzero"`    // questions in a row that only acknowledged a version
	MayHaveHappened bool `json:"unsure,omitzero"`  // an earlier attempt of this call may have been carried out
	Doubted         bool `json:"doubted,omitzero"` // refunding: an earlier one of as much stood in doubt
	// awaiting: it is not yet said that the invoice is known as ours, so nobody is given it
	Unseen   bool `json:"unseen,omitzero"`
	Checking bool `json:"checking,omitzero"` // releasing: the next call is a question, not a CancelInvoice
}

// Wake is the next moment that the state cares about, to be told by Ticked; false: none.
func (s State) Wake() (Instant, bool) {
	next := s.Deadline
	sooner := func(i Instant) {
		if i != 0 && (next == 0 || i < next) {
			next = i
		}
	}
	if s.Live.Waiting == 0 {
		sooner(s.Live.CallAt)
	}
	sooner(s.Live.ShowTill)
	return next, next != 0
}

// Busy reports whether a sale is open.
func (s State) Busy() bool { return s.Sale.ID != "" && !s.Sale.Ended }

// ClosedSlots gives each closed slot's reason: its own, or that of a fault that stands against it.
func (s State) ClosedSlots() map[string]reason.Why {
	m := make(map[string]reason.Why, len(s.Closed))
	for _, f := range s.Faults {
		for _, slot := range f.Slots {
			m[slot] = f.Name
		}
	}
	for _, c := range s.Closed {
		m[c.Slot] = c.Why
	}
	return m
}

func (s State) fault(name reason.Why) bool {
	for _, f := range s.Faults {
		if f.Name == name {
			return true
		}
	}
	return false
}

// machineFaults gives the faults that stand against the machineFaults machine.
func (s State) machineFaults() []Fault {
	return slices.DeleteFunc(slices.Clone(s.Faults), func(f Fault) bool { return len(f.Slots) > 0 })
}

func (s State) hardFault() reason.Why {
	for _, f := range s.machineFaults() {
		if f.Hard {
			return f.Name
		}
	}
	return ""
}
