package vend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

// spiral runs a test with a spiral that has a home switch.
func spiral(t *testing.T, fault string, test func(t *testing.T, m machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{
			Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27", Home: "GPIO4"}}},
			simboard.Physics{Turn: 613 * time.Millisecond, Fall: 83 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Fault("A1", fault); err != nil {
			t.Fatal(err)
		}
		m := machine{t: t, front: board, relay: drive(t, board.Pin)}
		if m.relay.Home, err = board.Pin("GPIO4"); err != nil {
			t.Fatal(err)
		}
		test(t, m)
	})
}

func (m machine) atHome() bool {
	m.t.Helper()
	synctest.Wait()
	return m.relay.Home.Read() == periph.Low
}

func TestASpiralTurnsUntilItIsHomeAgain(t *testing.T) {
	for _, fault := range []string{simboard.FaultNone, simboard.FaultBounce} {
		spiral(t, fault, func(t *testing.T, m machine) {
			for n := 1; n <= 20; n++ {
				m.expect(m.relay.Vend(t.Context()), Delivered, "", n, n)
				if !m.atHome() {
					t.Fatalf("%s: after vend %d the spiral is not at its home", fault, n)
				}
			}
		})
	}
}

func TestTheMotorRunsOnToItsHomeWhenAProductFallsEarly(t *testing.T) {
	spiral(t, simboard.FaultLateDrop, func(t *testing.T, m machine) {
		// A product that hangs falls 1.5 s after the motor's stop: in the middle of the next vend's turn.
		m.relay.Settle = 1200 * time.Millisecond
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 1, 0)
		if err := m.front.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 2, 1)
		if !m.atHome() {
			t.Error("the spiral stands between two turns")
		}
	})
}

func TestASpiralThatNeverLeavesItsHomeHasNoMotor(t *testing.T) {
	spiral(t, simboard.FaultStall, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyNoMotor, 1, 0)
	})
}

func TestASpiralThatComesHalfWayIsAJam(t *testing.T) {
	spiral(t, simboard.FaultWedge, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true // not for this
		began := time.Now()
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 0)
		if took := time.Since(began); took != maxOn+SettleDefault {
			t.Errorf("the vend took %s, want %s", took, maxOn+SettleDefault)
		}
		// Once it is loose it finishes that turn, and no more.
		if err := m.front.Fault("A1", simboard.FaultNone); err != nil {
			t.Fatal(err)
		}
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 2, 1)
		if !m.atHome() {
			t.Error("the spiral is not at its home")
		}
	})
}

func TestAWholeTurnThatPushesNothingOutIsEmpty(t *testing.T) {
	spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
		began := time.Now()
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 1, 0)
		if took := time.Since(began); took > time.Second+SettleDefault {
			t.Errorf("the vend took %s: the motor did not stop at its home", took)
		}
	})
}

func TestARetryTurnIsMadeOnceAndOnlyWhenNothingFell(t *testing.T) {
	spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 2, 0)
	})
	spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true
		time.AfterFunc(2*time.Second, func() { _ = m.front.Fault("A1", simboard.FaultNone) })
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 2, 1)
	})
	spiral(t, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
	})
	for name, then := range map[string]func(m machine, cancel func()){
		"a sensor that sticks": func(m machine, _ func()) { _ = m.front.Fault("A1", simboard.FaultStuckSensor) },
		"a stop":               func(_ machine, cancel func()) { cancel() },
	} {
		spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
			m.relay.RetryTurn = true
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(2*time.Second, func() { then(m, cancel) }) // after the first turn, before the second
			m.relay.Vend(ctx)
			if s := m.slot(); s.Pulses != 1 {
				t.Errorf("%s: the motor started %d times, want once", name, s.Pulses)
			}
		})
	}
}

func TestTwoProductsOfOneTurnAreSaidAndAreOneDelivery(t *testing.T) {
	spiral(t, simboard.FaultTwoDrop, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), Delivered, WhyTwoDropped, 1, 2)
		if err := m.front.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 2, 2) // the second one is nobody else's
	})
}

func TestAHomeSwitchThatFailsLosesNoProduct(t *testing.T) {
	spiral(t, simboard.FaultHomeStuck, func(t *testing.T, m machine) { // the motor stops at the first product
		m.expect(m.relay.Vend(t.Context()), Delivered, WhyHomeFault, 1, 1)
	})
	spiral(t, simboard.FaultHomeLost, func(t *testing.T, m machine) { // and at the second at the latest
		r := m.relay.Vend(t.Context())
		if s := m.slot(); r.Outcome != Delivered || r.Why != WhyTwoDropped || s.Dropped > 3 || s.Relay {
			t.Errorf("the vend ended %+v, and the machine is %+v", r, s)
		}
	})
	spiral(t, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Home = &failing{PinIn: m.relay.Home}
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyHomeFault, 0, 0)
	})
	spiral(t, simboard.FaultWedge, func(t *testing.T, m machine) {
		m.relay.Home = &failing{PinIn: m.relay.Home, after: 1}
		if r := m.relay.Vend(t.Context()); r.Outcome != NotDelivered || r.Why != WhyHomeFault || r.Err == nil {
			t.Errorf("a switch that was lost in mid-turn: %+v", r)
		}
	})
}

func TestASpiralThatSticksAfterItsProductIsDeliveredAndSaid(t *testing.T) {
	spiral(t, simboard.FaultLateDrop, func(t *testing.T, m machine) {
		m.relay.Settle = 1200 * time.Millisecond
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyEmpty, 1, 0)
		if err := m.front.Fault("A1", simboard.FaultWedge); err != nil {
			t.Fatal(err)
		}
		m.expect(m.relay.Vend(t.Context()), Delivered, WhyNoHome, 2, 1)
	})
}

func TestAStopInMidTurnStopsASpiralWithAHomeAtOnce(t *testing.T) {
	spiral(t, simboard.FaultNone, func(t *testing.T, m machine) {
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan Result, 1)
		go func() { results <- m.relay.Vend(ctx) }()
		time.Sleep(300 * time.Millisecond)
		cancel()
		time.Sleep(glance)
		synctest.Wait()
		if m.slot().Relay {
			t.Error("the motor is still on after the stop")
		}
		m.expect(<-results, NotDelivered, WhyStopped, 1, 0)
	})
}

func TestAMotorThatCannotBeSwitchedOffIsNotTurnedAgain(t *testing.T) {
	spiral(t, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.RetryTurn = true
		m.relay.Motor = &faulty{PinOut: m.relay.Motor, low: errors.New("broken")}
		m.expect(m.relay.Vend(t.Context()), Unknown, WhyRelayFault, 1, 0)
	})
}

func TestAVendTakesNoLongerThanItsTerms(t *testing.T) {
	for _, fault := range []string{
		simboard.FaultNone, simboard.FaultJam, simboard.FaultNoDrop, simboard.FaultLateDrop, simboard.FaultBounce,
		simboard.FaultStuckSensor,
		simboard.FaultStall, simboard.FaultWedge, simboard.FaultTwoDrop, simboard.FaultHomeStuck,
		simboard.FaultHomeLost,
	} {
		for _, again := range []bool{false, true} {
			spiral(t, fault, func(t *testing.T, m machine) {
				m.relay.RetryTurn = again
				began := time.Now()
				r := m.relay.Vend(t.Context())
				if took, most := time.Since(began), m.relay.Terms().Longest; took > most {
					t.Errorf("%s, %+v: the vend took %s, and its terms say %s", fault, r, took, most)
				}
				if r.Outcome == Delivered && m.slot().Dropped == 0 {
					t.Errorf("%s: nothing fell, and the vend ended %+v", fault, r)
				}
			})
		}
	}
}

func TestABounceIsNoTurn(t *testing.T) {
	var h home
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	h.begins(periph.Low, at(0))
	for ms, l := range []periph.Level{periph.High, periph.Low, periph.High, periph.Low} {
		h.look(l, at(100+2*ms))
	}
	if h.look(periph.High, at(120)); h.left || h.reached {
		t.Errorf("a bouncing switch says %+v", h)
	}
	if h.look(periph.High, at(140)); !h.left || h.reached {
		t.Errorf("a switch that stands open says %+v", h)
	}
	h.look(periph.Low, at(600))
	h.look(periph.High, at(603))
	if h.look(periph.Low, at(606)); h.reached {
		t.Error("a short closing is taken for the home")
	}
	if h.look(periph.Low, at(625)); !h.reached {
		t.Errorf("a switch that stands closed again says %+v", h)
	}
}
