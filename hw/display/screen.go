// Package display draws a screen value: pictures first, then drivers.
//
// A Screen says what the customer should know, as plain values: which kind of moment it is, the amounts, the prices,
// the QR code, and the machine words of a reason. Text turns it into words of the customer's language, the same for
// every driver, free of control characters and bounded in length, so that neither a config nor an answer from outside
// can steer a terminal. A driver only places those words and the QR code: Terminal on a text terminal, None nowhere.
// Drivers draw what they are given; none of them has a clock, so a countdown moves only when a new Screen is shown.
package display

import (
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Kind is the moment of a sale that a screen shows.
type Kind string

// The kinds, with the fields of Screen that each of them reads besides Language, Machine, Notice and Test, which every
// kind reads. Those in which the customer is to do something, Idle to Asking, read Remaining as well.
const (
	Idle    Kind = "idle"    // waits for a customer: QR (without: a product is chosen first), Prices
	Confirm Kind = "confirm" // confirm on the phone: Amount (the most that will be reserved)
	// pay the chosen product: QR (without: the sticker on the machine), Product, Amount
	Scan Kind = "scan"
	// choose a product: Credit (what is left), Amount (what came out so far), Prices
	Choose     Kind = "choose"
	Asking     Kind = "asking"     // unpaid: try again or cancel? Product, Amount
	Dispensing Kind = "dispensing" // the motor runs: Product
	Settling   Kind = "settling"   // charging or releasing: Amount
	// charged: Amount, Reference, Items; Why, Support, Code when something else failed
	Done           Kind = "done"
	NothingCharged Kind = "nothing_charged" // the end without a payment: Why, Support, Code
	Refunded       Kind = "refunded"        // money goes back: Amount, Items (what did come out), Why, Support, Code
	OutOfService   Kind = "out_of_service"  // no sale is possible: Why, Support, Code
)

// The states of a Price in which its product cannot be had. Any other text that is not empty counts as unavailable too.
const (
	SoldOut = string(reason.SoldOut)
	Closed  = string(reason.Closed)
)

// Screen is everything that a driver needs, as plain values. The machine words in Why, Notice and Price.State are
// package reason's; a word that is not listed there is shown as a general sentence.
type Screen struct {
	Kind     Kind
	Language string // an IETF tag: "sv" or "sv-SE"; a language that package words does not have is shown in English
	Machine  string // the machine's name, for the header

	QR     string  // what the QR code says; "" for none
	OnPage bool    // Idle: the code leads to the page on which products are chosen and paid
	Page   string  // Idle: a second code beside QR, which leads there; shown where there is room
	Prices []Price // the price list
	Turn   int     // which page of the list is shown, counted on and on from 0: after the last the first
	// by slot, the file of its product's picture; drivers show those that they were made with
	Pictures map[string]string
	Items    []Price // what came out in this sale; State is not read

	Credit, Amount money.Amount // see the kinds; the zero Amount is not shown
	Product        string       // the product's name
	Reference      string       // the payment's reference, for the receipt

	Why     reason.Why // why nothing was charged, money went back, or the machine is out of service
	Support string     // whom to call; shown only when something failed, see Text
	Code    string     // the sale's short code, to say to the support; shown with Support

	// for the customer to act; shown in whole seconds, rounded up, and not at all when zero or less
	Remaining time.Duration
	// a short hint besides the screen's own words: "too_expensive", "sold_out", "closed", "jam" …
	Notice reason.Why
	// the beginning of a slot that is being typed on a keypad; shown in place of an empty Notice
	Typed string
	Test  bool // marks the screen as one where no real money moves
}

// Price is one slot of the price list, or one item that came out.
type Price struct {
	Slot, Name string
	Amount     money.Amount
	State      string // "", SoldOut or Closed
}

// None is the driver of a machine without a display: it takes every screen and draws nothing.
type None struct{}

// Show does nothing and never fails.
func (None) Show(Screen) error { return nil }

// Close does nothing and never fails.
func (None) Close() error { return nil }
