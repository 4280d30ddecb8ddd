package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
)

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// machine is a kiosk whose Glase and dispensers always do well: it steps the real state machine and records what is
// durable.
type machine struct {
	t     testing.TB
	j     *Journal
	state fsm.State
	now   fsm.Instant
	wall  time.Time
	sales int
	steps int // appended

	outcome fsm.ItemOutcome // of the next products
	states  []fsm.State     // after each append
}

func newMachine(t testing.TB, j *Journal) *machine {
	t.Helper()
	s, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, j: j, state: s, now: 1e9, wall: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC),
		outcome: fsm.Delivered}
	m.boot("b1")
	return m
}

// slots are how many the machine has: as many as a small one, but where a test says otherwise.
const slots = 8

// boot starts the machine with the shelf that it had, or with one of slots.
func (m *machine) boot(id string) {
	m.t.Helper()
	shelf := m.state.Shelf
	if shelf == nil {
		shelf = shelfOf(slots)
	}
	m.happen(booted(m.now, id, shelf))
}

func booted(at fsm.Instant, id string, shelf []fsm.Slot) fsm.Booted {
	e := fsm.Booted{At: at, Boot: id, Shelf: shelf, First: map[string]int{},
		Rules: fsm.Rules{Flow: fsm.Reservation, ReserveMax: sek(10000),
			PinTimeout: 3 * time.Minute, ChooseTimeout: time.Minute, ReservationTimeout: 10 * time.Minute}}
	for _, s := range shelf {
		e.First[s.ID] = fsm.StockMax
	}
	return e
}

// shelfOf is a machine of so many slots, A1, B2, C3 and so on, each with a product of 15 kronor.
func shelfOf(slots int) (shelf []fsm.Slot) {
	for n := range slots {
		id := fmt.Sprintf("%c%d", 'A'+n%26, n+1)
		shelf = append(shelf, fsm.Slot{ID: id, Name: "Mineral water 50 cl", Price: sek(1500), VAT: 12,
			EAN: "7310070765840", MaxVend: 10 * time.Second})
	}
	return shelf
}

// happen takes one event, records it, and answers what it asks for, until nothing more is asked.
func (m *machine) happen(e fsm.Event) {
	m.t.Helper()
	for queue := []fsm.Event{e}; len(queue) > 0; queue = queue[1:] {
		m.now += 1e8
		m.wall = m.wall.Add(100 * time.Millisecond)
		before := m.state.Live
		next, effects, durable := fsm.Step(m.state, queue[0])
		if durable {
			rec := Record{Wall: m.wall, Before: before, Event: queue[0], After: next, Effects: effects}
			if err := m.j.Append(context.Background(), rec); err != nil {
				m.t.Fatal(err)
			}
			m.steps++
			m.states = append(m.states, next)
		}
		m.state = next
		for _, effect := range effects {
			if answer := m.answer(effect); answer != nil {
				queue = append(queue, answer)
			}
		}
	}
}

func (m *machine) answer(effect fsm.Effect) fsm.Event {
	switch e := effect.(type) {
	case fsm.Call:
		a := e.To(fsm.Result{Kind: fsm.Done})
		a.At = m.now
		switch {
		case e.Operation == fsm.SendInvoice:
			a.Reference, a.QR = fmt.Sprintf("9%08d", m.sales), "HTTP://SEQR.SE/R"+fmt.Sprint(m.sales)
		case e.Operation != fsm.AskStatus:
		case m.state.Live.Unseen: // nobody can have paid it
			a.Status, a.Version = fsm.StatusIssued, 1
		case m.state.Stage == fsm.Confirming:
			a.Status, a.Version, a.Amount, a.ErsReference = fsm.StatusPaid, 1, m.state.Sale.Basket(),
				fmt.Sprintf("20260501%017d", m.sales)
		case m.state.Stage == fsm.Releasing:
			a.Status, a.Version = fsm.StatusCanceled, 1
		default:
			a.Status, a.Version = fsm.StatusReserved, 1
		}
		return a
	case fsm.Vend:
		return fsm.VendEnded{At: m.now, Sale: e.Sale, Item: e.Item.ID, Outcome: m.outcome}
	}
	return nil
}

// reserve begins a sale up to the customer's choice.
func (m *machine) reserve() string {
	m.t.Helper()
	m.sales++
	id := fmt.Sprintf("s%d", m.sales)
	m.happen(fsm.PurchaseRequested{At: m.now, Request: "r1", Payer: "0123456789abcdef", Amount: sek(6000),
		New: fsm.NewSale{ID: id, ClientInvoiceID: fmt.Sprintf("%032x", m.sales),
			Secret: fmt.Sprintf("%032x", m.sales)}})
	m.happen(fsm.Ticked{At: m.now + 1e9})
	if m.state.Stage != fsm.Choosing {
		m.t.Fatalf("the sale is %s, not choosing", m.state.Stage)
	}
	return id
}

// choose takes a product of 15 kronor from a slot.
func (m *machine) choose(slot string) {
	m.t.Helper()
	m.happen(fsm.ProductChosen{At: m.now, Item: fmt.Sprintf("i%d", len(m.state.Sale.Items)+1), Slot: slot})
}

// sell makes one whole sale of two products, which is ten appends.
func (m *machine) sell() string {
	m.t.Helper()
	id := m.reserve()
	m.choose("A1")
	m.choose("B2")
	m.happen(fsm.CancelPressed{At: m.now})
	if m.state.Busy() {
		m.t.Fatalf("the sale hangs in %s", m.state.Stage)
	}
	return id
}

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path, Options{Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func fresh(t testing.TB) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	return open(t, path), path
}
