// Package api is the JSON of the technicians' port, as internal/debug answers it and internal/debug/client reads it.
// It knows neither of them, nor the machine: the words in it are the outside's. Amounts are decimal strings, and times
// are UTC, by the machine's clock of that moment.
package api

import "time"

// Status is how the machine stands: GET /api/status, and the first event of GET /api/events.
type Status struct {
	Phase  string `json:"phase"` // "idle", "reserved", "dispensing" or "commit"
	Step   string `json:"step"`
	Reason string `json:"reason,omitempty"` // why it does not sell
	Sale   string `json:"sale,omitempty"`   // the open one's id
	Fleet  *Fleet `json:"fleet,omitempty"`  // of GET /api/status; left out of a machine that is in none
}

// HoldMax is the most seconds that one Hold may ask for.
const HoldMax = 300

// Hold is the body of POST /api/hold: for how long no new sale begins. 0 lets the machine sell at once.
type Hold struct {
	Seconds int `json:"seconds"` // at most HoldMax
}

// Held answers a Hold.
type Held struct {
	Still bool `json:"still"` // no sale is on, and no technician's act: nothing begins until the time is over
}

// Fleet is how a machine is in its fleet.
type Fleet struct {
	Connected bool   `json:"connected"`
	Server    string `json:"server,omitempty"` // where to
	Why       string `json:"why,omitempty"`    // it is not
	// entries of the journal that the operator's database has not got yet; left out: that is not known yet
	Waiting *int64 `json:"waiting,omitempty"`
}

// Event is one step of the machine, as a follower of GET /api/events is told of it.
type Event struct {
	Seq     uint64    `json:"seq"` // counts the steps since the start; a gap is what a slow follower has lost
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`   // what happened, in the journal's words
	Durable bool      `json:"durable"` // whether it was recorded
	Status            // how the machine stands after it
}

// Sale is one of GET /api/sales.
type Sale struct {
	Seq  int64  `json:"seq,omitempty"` // of the journal's entry that it began with; a newer sale's is greater
	ID   string `json:"id"`
	Flow string `json:"flow"`
	// "open", "charged", "released", "refunded", "cancelled", "failed", "lost" or "in_doubt"
	State            string    `json:"state"`
	Currency         string    `json:"currency"`
	Reserved         string    `json:"reserved"`
	Charged          string    `json:"charged"`
	Refunded         string    `json:"refunded"`
	InvoiceReference string    `json:"invoice_reference"`
	ErsReference     string    `json:"ers_reference"`
	Items            []Item    `json:"items"`
	Started          time.Time `json:"started"`
	Ended            time.Time `json:"ended,omitzero"` // absent while it is open
	Why              string    `json:"why,omitempty"`
	Note             string    `json:"note,omitempty"` // for a technician
}

// Item is one product of a sale.
type Item struct {
	Slot    string `json:"slot"`
	Price   string `json:"price"`
	Outcome string `json:"outcome"` // "pending", "delivered", "not_delivered" or "unknown"
	Name    string `json:"name,omitempty"`
	VAT     int    `json:"vat,omitempty"`     // whole percent of the price that is tax; none: not declared
	Charged bool   `json:"charged,omitempty"` // it is to be paid for
}

// Line is one thing that happened in a sale, of GET /api/sales/ID/story.
type Line struct {
	Seq   int64     `json:"seq"` // the journal's entry
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
	Text  string    `json:"text"` // the same in words
}

// Verdict is the body of POST /api/sales/ID/resolve. All fields but by_hand are required.
type Verdict struct {
	Decision string `json:"decision"` // "charge", "release" or "refund"
	By       string `json:"by"`       // at most 64 bytes on one line
	Reason   string `json:"reason"`   // at most 500 bytes on one line
	ByHand   bool   `json:"by_hand"`  // it was settled with Glase in another way: only the record is made
}

// Refund is the body of POST /api/sales/ID/refund. By and Reason are required.
type Refund struct {
	Amount string `json:"amount,omitempty"` // decimal, in the sale's currency; none: all that is left
	By     string `json:"by"`               // at most 64 bytes on one line
	Reason string `json:"reason"`           // at most 500 bytes on one line
}

// Acceptance is the body of POST /api/journal/accept, that a journal which lost entries may go on, and of POST
// /api/back, that a machine which the desk took out of service may sell again. Both fields are required.
type Acceptance struct {
	By     string `json:"by"`     // at most 64 bytes on one line
	Reason string `json:"reason"` // what was compared, or why; in at most 500 bytes on one line
}

// Act is the body of POST /api/vend, /api/relay and /api/stock: Slot and By are required, and the others are the act's
// own.
type Act struct {
	Slot string `json:"slot"`
	By   string `json:"by"`              // at most 64 bytes on one line
	OnMS int64  `json:"on_ms,omitempty"` // of a relay
	Left *int   `json:"left,omitempty"`  // of a count: how many there are
	Add  *int   `json:"add,omitempty"`   // or how many more; fewer with a minus
}

// Begun answers a vend or a relay: GET /api/service tells how it goes on.
type Begun struct {
	Act  string `json:"act"`             // its id
	OnMS int64  `json:"on_ms,omitempty"` // of a relay: for how long it really is on
}

// Counted answers a count.
type Counted struct {
	Slot string `json:"slot"`
	Was  int    `json:"was"`
	Left int    `json:"left"`
}

// Service is how a technician's act stands, the one that is on or the last one.
type Service struct {
	Act     string `json:"act"`  // its id
	Kind    string `json:"kind"` // "vend", "relay" or "stock"
	Slot    string `json:"slot"`
	By      string `json:"by"`
	Ended   bool   `json:"ended"`
	Outcome string `json:"outcome,omitempty"` // of a vend, in a sale's words
	Why     string `json:"why,omitempty"`     // what was wrong, in one word
}

// Stock is what is left in a slot.
type Stock struct {
	Slot  string `json:"slot"`
	Name  string `json:"name"`
	Price string `json:"price"`
	Left  int    `json:"left"`
	State string `json:"state,omitempty"` // "sold_out" or "closed"; "": it can be sold
	Why   string `json:"why,omitempty"`   // why it is closed
}

// Part is something that the machine depends on.
type Part struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	What  string    `json:"what"` // how it is, in words
	Since time.Time `json:"since,omitzero"`
	Do    string    `json:"do,omitempty"` // what helps, when it is not well
}

// Pin is a pin of the machine.
type Pin struct {
	Name   string `json:"pin"`
	Role   string `json:"role"`
	Level  string `json:"level"` // "low" or "high", on the wire
	Active bool   `json:"active"`
	Means  string `json:"means"` // "pressed", "open", "on" …

	// Changed is when it was last seen to move; left out: not since the start. An output, a button and a door are seen
	// each time; a drop sensor while its motor is on, and otherwise when somebody looks.
	Changed time.Time `json:"changed,omitzero"`
}

// Screen is what the customer reads now, in the customer's language.
type Screen struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
	List  []Entry  `json:"list"`           // the price list, or what came out
	QR    string   `json:"qr,omitempty"`   // what the code on it says
	Page  string   `json:"page,omitempty"` // and a second one, which leads to the machine's page
}

// Entry is a line of Screen's list.
type Entry struct {
	Slot  string `json:"slot,omitempty"`
	Name  string `json:"name"`
	Price string `json:"price"` // or why the product cannot be had
}

// Refusal is the body of every failure.
type Refusal struct {
	Error string `json:"error"` // a sentence
}

// How far a report is.
const (
	ReportWaits  = "waiting" // for the sale that is on
	ReportMarks  = "marking" // Glase is asked to close the period
	ReportReads  = "reading" // Glase is asked for its reports of it
	ReportDone   = "done"
	ReportFailed = "failed"
)

// Report is the books of a period: GET /api/report.
type Report struct {
	Number     int       `json:"number"`
	Step       string    `json:"step"`              // see ReportWaits and the others
	Problem    string    `json:"problem,omitempty"` // why it failed, and what to do
	By         string    `json:"by"`                // who asked for it
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended,omitzero"`
	Before     time.Time `json:"before,omitzero"` // when the one before ended
	Terminal   string    `json:"terminal"`
	Period     string    `json:"period,omitempty"`      // Glase's transactionPeriodId
	Shop       bool      `json:"shop,omitempty"`        // the shop's period was closed too
	ShopPeriod string    `json:"shop_period,omitempty"` // its transactionPeriodId
	Currency   string    `json:"currency"`

	Verdicts map[string]int `json:"verdicts,omitempty"` // how many sales have each
	Sales    []Balance      `json:"sales"`              // oldest first, then what no sale knows
	Reversed int            `json:"reversed,omitempty"` // payments that Glase took and gave back by itself
	Notes    []string       `json:"notes,omitempty"`
	Sold     []Sold         `json:"sold"` // by slot
}

// Settled reports whether nothing is left to look into.
func (r Report) Settled() bool {
	for verdict, n := range r.Verdicts {
		if verdict != "settled" && n > 0 {
			return false
		}
	}
	return r.Step == ReportDone
}

// Open are the verdicts that somebody must look into.
func (r Report) Open() []Balance {
	open := []Balance{} // [] in JSON, not null
	for _, v := range r.Sales {
		if v.Verdict != "settled" {
			open = append(open, v)
		}
	}
	return open
}

// Balance is the verdict on a sale: "settled", "missing_at_glase", "missing_here", "amount_differs", "doubled",
// "in_doubt" or "unknown".
type Balance struct {
	Sale         string `json:"sale,omitempty"` // none: no sale of this machine
	ErsReference string `json:"ers_reference,omitempty"`
	State        string `json:"state,omitempty"` // the sale's
	Verdict      string `json:"verdict"`
	Currency     string `json:"currency"`
	Here         string `json:"here"`  // what the customer has paid in the end by this machine's record
	Glase        string `json:"glase"` // and by Glase's reports so far
	Note         string `json:"note,omitempty"`
}

// Sold is what a slot has sold in the period, and since the first report.
type Sold struct {
	Slot        string `json:"slot"`
	Name        string `json:"name"`
	Price       string `json:"price"` // the last one
	Currency    string `json:"currency"`
	Number      int    `json:"number"`
	Value       string `json:"value"`
	Failed      int    `json:"failed"` // vends that brought nothing, or nobody knows what
	TotalNumber int    `json:"total_number"`
	TotalValue  string `json:"total_value"`
	TotalFailed int    `json:"total_failed"`
}

// Closing is the body of POST /api/report. By is required.
type Closing struct {
	By   string `json:"by"`             // at most 64 bytes on one line
	Shop bool   `json:"shop,omitempty"` // close the shop's period too, for all its machines
	Anew bool   `json:"anew,omitempty"` // leave a period whose report never came
}
