package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

var errFull = errors.New("sim: the disk is full")

// entry is what one record leaves behind: the state as text, so that only what is written out survives, and the sale's
// row.
type entry struct {
	state []byte
	sale  journal.Sale

	stock    map[string]int // as the text has it
	refilled map[string]int // products that were put in since the first boot

	others []string // the sale's further invoices
}

// store is the journal's disk: records are only ever added, and what was acknowledged is there after a kill.
type store struct {
	noted func(fsm.Event, fsm.State) // called after each record

	mu         sync.Mutex
	entries    []entry
	full       bool       // refuses records
	gone       bool       // cannot even be opened, as on a card that was remounted read-only
	turns      []turn     // how it answers the next records, before full
	lost       string     // what the witness says is lost, until the next record
	unaccepted bool       // and nobody has accepted it
	refill     fsm.Booted // a boot that says who has refilled the machine, whose record was refused
	// adds the record that was written and said not to be: the next start finds it unless another came since
	limbo   func()
	refuse  func(journal.Record) bool // refuses the first record of which it says so; nil: none
	refused func(event string)        // called after each refusal
}

// answer is what a disk does with a record.
type answer int

const (
	takes   answer = iota
	refuses        // nothing is written
	unsaid         // it is written, and the sync fails
)

// turn is how a disk answers some records in a row.
type turn struct {
	records int
	how     answer
}

// takeTurns makes the disk answer the next records so, one turn after the other.
func (s *store) takeTurns(turns []turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns = slices.Clone(turns)
}

// answers is what the disk does with this record. Called with the store locked.
func (s *store) answers(r journal.Record) answer {
	if s.refuse != nil && s.refuse(r) {
		s.refuse = nil
		return refuses
	}
	if s.full {
		return refuses
	}
	if len(s.turns) == 0 {
		return takes
	}
	how := s.turns[0].how
	if s.turns[0].records--; s.turns[0].records <= 0 {
		s.turns = s.turns[1:]
	}
	return how
}

// refuseNext makes the disk refuse one record.
func (s *store) refuseNext(which func(journal.Record) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = which
}

func (s *store) trouble(full, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full, s.gone = full, gone
}

// forget loses the last n records, which no journal may.
func (s *store) forget(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = s.entries[:max(0, len(s.entries)-n)]
}

func (s *store) add(r journal.Record) error {
	if _, err := json.Marshal(r.Event); err != nil {
		return err
	}
	state, err := json.Marshal(r.After)
	if err != nil {
		return err
	}
	s.mu.Lock()
	how := s.answers(r)
	if boot, ok := r.Event.(fsm.Booted); ok && how != takes && boot.RefilledBy != "" {
		s.refill = boot
	}
	if how == refuses {
		s.mu.Unlock()
		s.refused(fsm.Name(r.Event))
		return errFull
	}
	e := entry{state: state, sale: row(r.After.Sale), others: otherInvoices(r.After.Sale)}
	e.stock = e.left()
	e.sale.Started = r.Wall.UTC()
	if n := len(s.entries); n > 0 && s.entries[n-1].sale.ID == e.sale.ID {
		e.sale.Started, e.sale.Ended = s.entries[n-1].sale.Started, s.entries[n-1].sale.Ended
	}
	if r.After.Sale.Ended && e.sale.Ended.IsZero() {
		e.sale.Ended = r.Wall.UTC()
	}
	if how == unsaid {
		s.limbo = func() {
			s.join(e, r)
			s.mu.Unlock()
			s.noted(r.Event, r.After)
			s.mu.Lock()
		}
		s.mu.Unlock()
		s.refused(fsm.Name(r.Event) + ", which it has written")
		return errFull
	}
	s.limbo, s.lost = nil, ""
	s.join(e, r)
	s.mu.Unlock()
	s.noted(r.Event, r.After)
	return nil
}

// join makes a record the last one. Called with the store locked.
func (s *store) join(e entry, r journal.Record) {
	before, refilled := s.stock(), map[string]int{}
	if n := len(s.entries); n > 0 {
		refilled = maps.Clone(s.entries[n-1].refilled)
	}
	filled := fsm.Booted{}
	switch event := r.Event.(type) {
	case fsm.StockCounted:
		if r.After.Service.ID == event.ID {
			refilled[event.Slot] += e.stock[event.Slot] - before[event.Slot]
		}
	case fsm.Booted:
		filled = event
	case fsm.Remembered: // what the disk did not take may have been a refill
		filled, s.refill = s.refill, fsm.Booted{}
	}
	if filled.RefilledBy != "" && len(s.entries) > 0 {
		for slot, n := range filled.First {
			refilled[slot] += n - before[slot]
		}
	}
	e.refilled = refilled
	s.entries = append(s.entries, e)
}

// left is the stock that the entry's text has.
func (e entry) left() map[string]int {
	var state struct {
		Stock map[string]int `json:"stock"`
	}
	if err := json.Unmarshal(e.state, &state); err != nil {
		panic(err) // it was written by json.Marshal
	}
	return state.Stock
}

// stock is what is left by the last record. Called with the store locked.
func (s *store) stock() map[string]int {
	if n := len(s.entries); n > 0 {
		return s.entries[n-1].stock
	}
	return nil
}

// counted is what is left by the last record, and what was put in since the first boot.
func (s *store) counted() (left, refilled map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.entries); n > 0 {
		refilled = s.entries[n-1].refilled
	}
	return s.stock(), refilled
}

// last is the row of the last sale; false: there is none yet.
func (s *store) last() (journal.Sale, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.entries) - 1; n >= 0; n-- {
		if sale := s.entries[n].sale; sale.ID != "" {
			return sale, true
		}
	}
	return journal.Sale{}, false
}

// sales are the rows, oldest first.
func (s *store) sales() []journal.Sale {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []journal.Sale
	for _, e := range s.entries {
		if e.sale.ID == "" {
			continue
		}
		if n := slices.IndexFunc(all, func(s journal.Sale) bool { return s.ID == e.sale.ID }); n >= 0 {
			all[n] = e.sale
		} else {
			all = append(all, e.sale)
		}
	}
	return all
}

// row is a sale's public facts, as package journal words them.
func row(s fsm.Sale) journal.Sale {
	currency := s.Reserved.Currency
	if currency == "" {
		currency = s.Requested.Currency
	}
	decimal := func(a money.Amount) string { return money.Amount{Minor: a.Minor, Currency: currency}.Decimal() }
	sum := journal.Sale{
		ID: s.ID, Flow: string(s.Flow), State: string(s.State), Currency: currency,
		Reserved: decimal(s.Reserved), Charged: decimal(s.Charged), Refunded: decimal(s.Refunded),
		InvoiceReference: s.Reference, ErsReference: s.ErsReference, Items: []journal.Item{}, Why: s.Why, Note: s.Note,
	}
	for _, i := range s.Items {
		sum.Items = append(sum.Items, journal.Item{Slot: i.Slot, Price: i.Price.Decimal(), Outcome: string(i.Outcome)})
	}
	return sum
}

// handle is the store as one run of the kiosk has it open. It implements app.Store.
type handle struct {
	*store
	gate *gate
}

func (h handle) Load(context.Context) (s fsm.State, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.entries); n > 0 {
		err = json.Unmarshal(h.entries[n-1].state, &s)
	}
	return s, err
}

func (h handle) Append(_ context.Context, r journal.Record) error {
	var err error
	if !h.gate.act("record "+fsm.Name(r.Event), func() { err = h.add(r) }) {
		return errDead
	}
	return err
}

func (h handle) SalesBefore(_ context.Context, entry int64, limit int) (newest []journal.Numbered, _ error) {
	for i, s := range slices.Backward(h.sales()) {
		if first := int64(i + 1); first < entry && len(newest) < limit {
			newest = append(newest, journal.Numbered{First: first, Last: first, Sale: s})
		}
	}
	return newest, nil
}

func (h handle) InDoubt(context.Context) (doubts []journal.Sale, err error) {
	for _, s := range h.sales() {
		if s.State == string(fsm.InDoubt) {
			doubts = append(doubts, s)
		}
	}
	return doubts, nil
}

// Doubt is the sale as its last record left it.
func (h handle) Doubt(_ context.Context, id string) (fsm.Sale, error) {
	return h.lastOf(id, fsm.InDoubt, journal.ErrNoDoubt)
}

// Charged is the same of a sale that was charged.
func (h handle) Charged(_ context.Context, id string) (fsm.Sale, error) {
	return h.lastOf(id, fsm.Charged, journal.ErrNoCharge)
}

// Find is nobody's question in these worlds.
func (h handle) Find(context.Context, string) (fsm.Sale, journal.Sale, error) {
	return fsm.Sale{}, journal.Sale{}, journal.ErrNoSale
}

func (h handle) lastOf(id string, state fsm.SaleState, none error) (fsm.Sale, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := len(h.entries) - 1; n >= 0; n-- {
		var s fsm.State
		if err := json.Unmarshal(h.entries[n].state, &s); err != nil {
			return fsm.Sale{}, err
		}
		if s.Sale.ID == id && s.Sale.State == state {
			return s.Sale, nil
		}
		if s.Sale.ID == id {
			break
		}
	}
	return fsm.Sale{}, none
}

// Known is the sale that has one of Glase's references already.
func (h handle) Known(_ context.Context, sale, invoice, ers string) (string, error) {
	for _, s := range h.sales() {
		if s.ID != sale && s.State != string(fsm.Open) &&
			(invoice != "" && s.InvoiceReference == invoice || ers != "" && s.ErsReference == ers) {
			return s.ID, nil
		}
	}
	return "", nil
}

func (h handle) Entries(context.Context, string) ([]journal.Entry, error) { return nil, nil }

// Copies and Span are for a fleet, which these worlds have not.
func (h handle) Copies(context.Context, int64, int) ([]chain.Entry, error) { return nil, nil }

func (h handle) Span(context.Context) (first, last int64, err error) { return 0, 0, nil }

func (h handle) Prune(context.Context, time.Time, int64) (int, error) { return 0, nil }

func (h handle) Close() error { return nil }

// open is what a start does first.
func (s *store) open(g *gate) (handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return handle{}, fmt.Errorf("sim: the card is not there")
	}
	if found := s.limbo; found != nil {
		s.limbo = nil
		found()
	}
	s.refill = fsm.Booted{} // whoever starts it says so again, or has not refilled it
	return handle{s, g}, nil
}
