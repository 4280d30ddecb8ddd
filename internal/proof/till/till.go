// Package till is a kiosk whose Glase and dispensers always do well: it steps the real state machine and records what
// is durable in a real journal. What a fleet's record is made of is tested with it.
package till

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Machine is such a kiosk.
type Machine struct {
	Journal *journal.Journal
	State   fsm.State
	Outcome fsm.ItemOutcome // of the next products; at first Delivered

	t     testing.TB
	now   fsm.Instant
	wall  time.Time
	sales int
}

// New boots a machine with the journal at a path, which is made if there is none, and has it closed with the test.
func New(t testing.TB, path string) *Machine {
	t.Helper()
	j, err := journal.Open(t.Context(), path, journal.Options{Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	m := &Machine{Journal: j, Outcome: fsm.Delivered, t: t, now: 1e9, wall: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}
	if m.State, err = j.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	boot := fsm.Booted{At: m.now, Boot: fmt.Sprintf("b%d", time.Now().UnixNano()), First: map[string]int{},
		Rules: fsm.Rules{Flow: fsm.Reservation, ReserveMax: sek(10000), PinTimeout: 3 * time.Minute,
			ChooseTimeout: time.Minute, ReservationTimeout: 10 * time.Minute}}
	for n := range 8 {
		id := fmt.Sprintf("%c%d", 'A'+n, n+1)
		boot.First[id] = fsm.StockMax
		boot.Shelf = append(boot.Shelf, fsm.Slot{ID: id, Name: "Mineral water 50 cl", Price: sek(1500), VAT: 12,
			MaxVend: 10 * time.Second})
	}
	m.Happen(boot)
	return m
}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// Happen takes one event, records it, and answers what it asks for, until nothing more is asked.
func (m *Machine) Happen(e fsm.Event) {
	m.t.Helper()
	for queue := []fsm.Event{e}; len(queue) > 0; queue = queue[1:] {
		m.now += 1e8
		m.wall = m.wall.Add(100 * time.Millisecond)
		before := m.State.Live
		next, effects, durable := fsm.Step(m.State, queue[0])
		if durable {
			rec := journal.Record{Wall: m.wall, Before: before, Event: queue[0], After: next, Effects: effects}
			if err := m.Journal.Append(context.Background(), rec); err != nil {
				m.t.Fatal(err)
			}
		}
		m.State = next
		for _, effect := range effects {
			if answer := m.answer(effect); answer != nil {
				queue = append(queue, answer)
			}
		}
	}
}

func (m *Machine) answer(effect fsm.Effect) fsm.Event {
	switch e := effect.(type) {
	case fsm.Call:
		a := e.To(fsm.Result{Kind: fsm.Done})
		a.At = m.now
		switch {
		case e.Operation == fsm.SendInvoice:
			a.Reference, a.QR = fmt.Sprintf("9%08d", m.sales), "HTTP://SEQR.SE/R"+fmt.Sprint(m.sales)
		case e.Operation != fsm.AskStatus:
		case m.State.Live.Unseen: // nobody can have paid it
			a.Status, a.Version = fsm.StatusIssued, 1
		case m.State.Stage == fsm.Confirming:
			a.Status, a.Version, a.Amount, a.ErsReference = fsm.StatusPaid, 1, m.State.Sale.Basket(),
				fmt.Sprintf("20260501%017d", m.sales)
		case m.State.Stage == fsm.Releasing:
			a.Status, a.Version = fsm.StatusCanceled, 1
		default:
			a.Status, a.Version = fsm.StatusReserved, 1
		}
		return a
	case fsm.Vend:
		return fsm.VendEnded{At: m.now, Sale: e.Sale, Item: e.Item.ID, Outcome: m.Outcome}
	}
	return nil
}

// Reserve begins a sale up to the customer's choice, and gives its id.
func (m *Machine) Reserve() string {
	m.t.Helper()
	m.sales++
	id := fmt.Sprintf("%d.%d", m.now, m.sales)
	m.Happen(fsm.PurchaseRequested{At: m.now, Request: "r1", Payer: "0123456789abcdef", Amount: sek(6000),
		New: fsm.NewSale{ID: id, ClientInvoiceID: fmt.Sprintf("%032x", m.sales),
			Secret: fmt.Sprintf("%032x", m.sales)}})
	m.Happen(fsm.Ticked{At: m.now + 1e9})
	if m.State.Stage != fsm.Choosing {
		m.t.Fatalf("the sale is %s, not choosing", m.State.Stage)
	}
	return id
}

// Choose takes a product of 15 kronor from a slot, A1 to H8.
func (m *Machine) Choose(slot string) {
	m.t.Helper()
	m.Happen(fsm.ProductChosen{At: m.now, Item: fmt.Sprintf("i%d", len(m.State.Sale.Items)+1), Slot: slot})
}

// Sell makes one whole sale of two products, which is ten entries, and gives its id.
func (m *Machine) Sell() string {
	m.t.Helper()
	id := m.Reserve()
	m.Choose("A1")
	m.Choose("B2")
	m.Happen(fsm.CancelPressed{At: m.now})
	if m.State.Busy() {
		m.t.Fatalf("the sale hangs in %s", m.State.Stage)
	}
	return id
}

// Fault has something stand against selling, and Mend takes it away.
func (m *Machine) Fault(name reason.Why) {
	m.Happen(fsm.FaultRaised{At: m.now, Fault: fsm.Fault{Name: name, Note: "a test"}})
}

// Mend takes a fault away.
func (m *Machine) Mend(name reason.Why) { m.Happen(fsm.FaultCleared{At: m.now, Name: name}) }

// Wall is what its clock says.
func (m *Machine) Wall() time.Time { return m.wall }
