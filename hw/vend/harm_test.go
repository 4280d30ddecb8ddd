package vend

import (
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

// These stories are what a customer or an operator would suffer from a small mistake in this package.

// tumbling is a sensor before which a product turns over: after its first edge come more, each tumble after the one
// before.
type tumbling struct {
	periph.PinIn
	tumble time.Duration
	more   int
	edges  []time.Time // still to come
	heard  time.Time   // edges until then were told, or thrown away
}

func (s *tumbling) In(pull periph.Pull, edge periph.Edge) error {
	s.heard = time.Now()
	return s.PinIn.In(pull, edge)
}

func (s *tumbling) WaitForEdge(d time.Duration) bool {
	if s.more > 0 {
		if !s.PinIn.WaitForEdge(d) {
			return false
		}
		for n := range s.more {
			s.edges = append(s.edges, time.Now().Add(time.Duration(n+1)*s.tumble))
		}
		s.more, s.heard = 0, time.Now()
		return true
	}
	for end := time.Now().Add(d); len(s.edges) > 0 && !s.edges[0].After(end); {
		next := s.edges[0]
		s.edges = s.edges[1:]
		if next.After(s.heard) {
			time.Sleep(time.Until(next))
			s.heard = next
			return true
		}
	}
	time.Sleep(d)
	return false
}

// TestTheRestOfATumblingProductIsNotTheNextCustomersProduct: who presses the button at once afterwards gets an empty
// spiral, and would be charged for what the customer before has in the hand.
func TestTheRestOfATumblingProductIsNotTheNextCustomersProduct(t *testing.T) {
	inMachine(t, simboard.Slot{Stock: 1}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Drop = &tumbling{PinIn: m.relay.Drop, tumble: 45 * time.Millisecond, more: 6}
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 2, 1)
	})
}

// TestASlowSpiralsSecondTurnFitsIntoItsTerms: a sale holds the money for Terms().Longest and then stops the vend. A
// retry turn that is not in them is cut off in the middle, and its slot closed as unknown.
func TestASlowSpiralsSecondTurnFitsIntoItsTerms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27", Home: "GPIO4"}}
		board, err := simboard.New(simboard.Wiring{Slots: slots}, simboard.Physics{Turn: maxOn - 100*time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		m := machine{t: t, front: board, relay: drive(t, board.Pin)}
		if m.relay.Home, err = board.Pin("GPIO4"); err != nil {
			t.Fatal(err)
		}
		m.relay.RetryTurn = true
		began := time.Now()
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 2, 0)
		if took, most := time.Since(began), m.relay.Terms().Longest; took > most {
			t.Errorf("two turns took %s, and the sale gives them %s", took, most)
		}
	})
}

// interrupted is a sensor whose line is lost in the very moment in which its product comes: the edge is told to
// nobody, and the next wait ends at once.
type interrupted struct {
	periph.PinIn
	lost, told bool
}

func (s *interrupted) WaitForEdge(d time.Duration) bool {
	switch {
	case s.told:
		return s.PinIn.WaitForEdge(d)
	case s.lost:
		s.told = true
	default:
		s.lost = s.PinIn.WaitForEdge(d)
	}
	return false
}

// TestAProductThatPassesWhileTheSensorIsSetUpAgainIsSeen: else the customer has it, nobody pays for it, and the slot
// is closed.
func TestAProductThatPassesWhileTheSensorIsSetUpAgainIsSeen(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Drop = &interrupted{PinIn: m.relay.Drop}
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
	})
}

// lastMoment is a sensor that sees its product just after it was asked, for the last time of the first turn, whether
// it works.
type lastMoment struct {
	periph.PinIn
	asked int
	edge  bool
}

func (s *lastMoment) In(pull periph.Pull, edge periph.Edge) error {
	s.asked++
	s.edge = s.asked == 2
	return s.PinIn.In(pull, edge)
}

func (s *lastMoment) WaitForEdge(d time.Duration) bool {
	if s.edge {
		s.edge = false
		return true
	}
	return s.PinIn.WaitForEdge(d)
}

// TestAProductThatFallsAtTheLastMomentIsNotFollowedByAnother: a second turn would give the customer two.
func TestAProductThatFallsAtTheLastMomentIsNotFollowedByAnother(t *testing.T) {
	spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true
		m.relay.Drop = &lastMoment{PinIn: m.relay.Drop}
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 0)
	})
}
