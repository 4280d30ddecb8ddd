// Package slottest holds every kind of slot to what hw/vend.Slot promises. Each kind's own test calls Conform with the
// slot on a simulated machine; that none is forgotten is held by internal/drivers.
package slottest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/gpio"
	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// longestMax is more than any sale waits for one product: a locker's door may stand open for five minutes.
const longestMax = 10 * time.Minute

// Stand is one slot with all that is behind it, in a testing/synctest bubble.
type Stand struct {
	Slot vend.Slot // as its kind's Config opens it
	Fail func()    // from now on nothing comes out: a jam, or nobody opens the door
	// from now on all takes as long as it may: a door that is opened at the last moment, and left open
	Slow  func()
	Moves func() int  // how often a motor has started, or a lock was freed
	Out   func() int  // how many products came out, or doors were opened
	On    func() bool // whether an output of ours is on; nil: the slot has none
	Ask   func()      // makes the machine ask for the product, where it chooses itself; nil: nobody need ask
	End   func()      // ends what runs behind it; nil: nothing does
}

// Open opens a slot as the kiosk does: the pins are those that its config names as its wires.
func Open(t *testing.T, c vend.Config, p vend.Place, from gpio.Source, board vend.Runner) vend.Slot {
	t.Helper()
	var outputs []gpio.Output
	var inputs []string
	for _, w := range c.Wires(p) {
		switch {
		case w.Pin == "":
		case w.Role.Facts().Output:
			outputs = append(outputs, gpio.Output{Pin: w.Pin, MaxOn: w.MaxOn})
		default:
			inputs = append(inputs, w.Pin)
		}
	}
	m := vend.Machine{Board: board}
	if from != nil {
		pins, err := gpio.Open(from, outputs, inputs...)
		if err != nil {
			t.Fatal(err)
		}
		m.Pins = pins
	} else if len(outputs)+len(inputs) > 0 {
		t.Fatal("it has wires, and no machine to wire them to")
	}
	slot, err := c.Open(p, m)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// Place is where a slot stands, with a max_on that every kind can have.
func Place() vend.Place { return vend.Place{Slot: "A1", MaxOn: 10 * time.Second} }

// Output is whether a wire of the slot that moves something is on.
func Output(t *testing.T, c vend.Config, from gpio.Source) func() bool {
	w := wire.Find(c.Wires(Place()), Place().Slot, wire.Motor, wire.Bolt, wire.Latch)
	pin, err := from.Pin(w.Pin)
	if err != nil {
		t.Fatal(err)
	}
	return func() bool { return bool(pin.Read()) }
}

// Conform holds a kind of slot to its promises. Each of them gets a stand of its own.
func Conform(t *testing.T, stand func(t *testing.T) *Stand) {
	for name, promise := range map[string]func(t *testing.T, s *Stand){
		"a product that comes out is delivered":         delivers,
		"what does not come out is not delivered":       failsHonestly,
		"two vends at once move once":                   movesOnce,
		"a vend that was stopped before moves nothing":  stoppedBefore,
		"a halt leaves it inert":                        haltsInert,
		"a stop ends it within its longest time":        stops,
		"the slowest end comes within its longest time": slowest,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stand(t)
				if err := s.Slot.Check(); err != nil {
					t.Fatal(err)
				}
				if longest := s.Slot.Terms().Longest; longest <= 0 || longest > longestMax {
					t.Fatalf("a vend takes at most %v", longest)
				}
				promise(t, s)
				if s.End != nil {
					s.End()
				}
			})
		})
	}
}

// vend vends once, and holds it to its longest time.
func (s *Stand) vend(ctx context.Context, t *testing.T) vend.Result {
	t.Helper()
	if s.Ask != nil {
		s.Ask()
	}
	began := time.Now()
	r := s.Slot.Vend(ctx)
	if took, longest := time.Since(began), s.Slot.Terms().Longest; took > longest {
		t.Errorf("it took %v, and said at most %v", took, longest)
	}
	if s.On != nil && s.On() {
		t.Error("an output is on after the vend")
	}
	return r
}

// said holds a result to what the machine knows.
func (s *Stand) said(t *testing.T, r vend.Result, outcome vend.Outcome, moves, out int) {
	t.Helper()
	if r.Outcome != outcome || (r.Why == "") != (outcome == vend.Delivered) {
		t.Errorf("it says %q, %q (%v), want %q", r.Outcome, r.Why, r.Err, outcome)
	}
	if m, o := s.Moves(), s.Out(); m != moves || o != out {
		t.Errorf("%d moves and %d products, want %d and %d", m, o, moves, out)
	}
}

func delivers(t *testing.T, s *Stand) {
	s.said(t, s.vend(t.Context(), t), vend.Delivered, 1, 1)
}

func failsHonestly(t *testing.T, s *Stand) {
	s.Fail()
	s.said(t, s.vend(t.Context(), t), vend.NotDelivered, 1, 0)
}

func slowest(t *testing.T, s *Stand) {
	s.Slow()
	r := s.vend(t.Context(), t)
	if moves, out := s.Moves(), s.Out(); moves != 1 || r.Outcome == vend.NotDelivered && out != 0 {
		t.Errorf("at its slowest it says %q, with %d moves and %d products", r.Outcome, moves, out)
	}
}

func movesOnce(t *testing.T, s *Stand) {
	if s.Ask != nil {
		s.Ask()
	}
	results := make([]vend.Result, 2)
	var both sync.WaitGroup
	for n := range results {
		both.Go(func() { results[n] = s.Slot.Vend(t.Context()) })
	}
	both.Wait()
	delivered, not := results[0], results[1]
	if delivered.Outcome != vend.Delivered {
		delivered, not = not, delivered
	}
	if not.Outcome != vend.NotDelivered || not.Why != vend.WhyBusy {
		t.Errorf("the other one says %q, %q", not.Outcome, not.Why)
	}
	s.said(t, delivered, vend.Delivered, 1, 1)
}

func stoppedBefore(t *testing.T, s *Stand) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.said(t, s.vend(ctx, t), vend.NotDelivered, 0, 0)
}

func haltsInert(t *testing.T, s *Stand) {
	halted := time.AfterFunc(300*time.Millisecond, func() {
		if err := s.Slot.Halt(); err != nil {
			t.Errorf("halt: %v", err)
		}
		if s.On != nil && s.On() {
			t.Error("an output is on after a halt")
		}
	})
	defer halted.Stop()
	r := s.vend(t.Context(), t)
	if moves, out := s.Moves(), s.Out(); moves > 1 || r.Outcome == vend.Delivered && out != 1 ||
		r.Outcome == vend.NotDelivered && out != 0 {
		t.Errorf("after a halt it says %q, with %d moves and %d products", r.Outcome, moves, out)
	}
}

func stops(t *testing.T, s *Stand) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := s.vend(ctx, t)
	time.Sleep(longestMax) // what is on its way comes out
	if moves, out := s.Moves(), s.Out(); moves > 1 || r.Outcome == vend.Delivered && out != 1 ||
		r.Outcome == vend.NotDelivered && out != 0 {
		t.Errorf("after a stop it says %q, with %d moves and %d products", r.Outcome, moves, out)
	}
}
