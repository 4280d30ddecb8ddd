package vend

import (
	"errors"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

// faulty is an output whose writes fail, or whose driver panics.
type faulty struct {
	periph.PinOut
	high, low error // answered after the write, if the write is let through
	lost      bool  // nothing is let through
	writes    int
}

func (f *faulty) Out(l periph.Level) error {
	f.writes++
	if !f.lost {
		if err := f.PinOut.Out(l); err != nil {
			return err
		}
	}
	if l == periph.High {
		return f.high
	}
	return f.low
}

func (f *faulty) Halt() error { return f.Out(periph.Low) }

func TestARelayThatFailsIsJudgedByTheSensor(t *testing.T) {
	broken := errors.New("broken")
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Motor = &faulty{PinOut: m.relay.Motor, high: broken} // it does start, and is stopped at once
		m.expect(m.relay.Vend(t.Context()), Unknown, WhyRelayFault, 1, 0)
	})
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Motor = &faulty{PinOut: m.relay.Motor, low: broken}
		m.expect(m.relay.Vend(t.Context()), Delivered, WhyRelayFault, 1, 1)
	})
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		f := &faulty{PinOut: m.relay.Motor, low: broken}
		m.relay.Motor = f
		m.expect(m.relay.Vend(t.Context()), Unknown, WhyRelayFault, 1, 0)
		if f.writes != 1+offTries+1 {
			t.Errorf("the relay was written %d times, want one High, %d Low and a Halt", f.writes, offTries)
		}
	})
}

// panicking is a sensor whose driver panics in mid-turn.
type panicking struct {
	periph.PinIn
	waits int
}

func (p *panicking) WaitForEdge(d time.Duration) bool {
	if p.waits++; p.waits > 10 {
		panic("driver")
	}
	return p.PinIn.WaitForEdge(d)
}

func TestAPanicLeavesTheMotorOff(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.relay.Drop = &panicking{PinIn: m.relay.Drop}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			m.relay.Vend(t.Context())
		}()
		if s := m.slot(); s.Relay || s.Pulses != 1 {
			t.Errorf("after the panic the machine is %+v, want its motor off after one start", s)
		}
	})
}

// restless is a sensor whose driver never waits.
type restless struct {
	periph.PinIn
	waits int
}

func (r *restless) WaitForEdge(time.Duration) bool {
	r.waits++
	return r.PinIn.WaitForEdge(0)
}

func TestADriverThatNeverWaitsDoesNotSpin(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		r := &restless{PinIn: m.relay.Drop}
		m.relay.Drop = r
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 0)
		if most := int((maxOn+SettleDefault)/glance) + 1; r.waits > most {
			t.Errorf("the sensor was waited for %d times, want at most %d", r.waits, most)
		}
	})
}
