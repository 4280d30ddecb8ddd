package vend

import (
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/reason"
)

// TestASaleHoldsTheMoneyForAsLongAsAVendMayTakeAndNoLonger: with less the vend is cut off, with more a reservation
// that is about to end buys nothing. The times are the ones that the wiring guide promises.
func TestASaleHoldsTheMoneyForAsLongAsAVendMayTakeAndNoLonger(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		const s = time.Second
		motor, drop := m.relay.Motor, m.relay.Drop
		for name, c := range map[string]struct {
			slot Slot
			want time.Duration
		}{
			"a spiral":                   {&Relay{Motor: motor, Drop: drop, MaxOn: 3 * s}, 9 * s},
			"a spiral that settles soon": {&Relay{Motor: motor, Drop: drop, MaxOn: 3 * s, Settle: time.Second}, 5 * s},
			"one with a home": {&Relay{Motor: motor, Drop: drop, Home: drop, MaxOn: 3 * s},
				9500 * time.Millisecond},
			"one that turns again": {&Relay{Motor: motor, Drop: drop, Home: drop, RetryTurn: true, MaxOn: 3 * s},
				15500 * time.Millisecond},
			"a locker": {&Lock{Coil: motor, Opened: drop, MaxOn: 10 * s}, 41050 * time.Millisecond},
			"a locker that closes soon": {&Lock{Coil: motor, Opened: drop, MaxOn: 10 * s, Close: 5 * s},
				16050 * time.Millisecond},
		} {
			if got := c.slot.Terms(); got != (Terms{Longest: c.want}) {
				t.Errorf("%s: %+v, want %s, and an unknown outcome not charged", name, got, c.want)
			}
		}
	})
}

// TestAConfigAtItsBoundsSells: what the error message allows is allowed, and one more is not.
func TestAConfigAtItsBoundsSells(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		const s = time.Second
		motor, drop := m.relay.Motor, m.relay.Drop
		for name, c := range map[string]struct {
			slot Slot
			good bool
		}{
			"the longest on-time":    {&Relay{Motor: motor, Drop: drop, MaxOn: 30 * s}, true},
			"longer":                 {&Relay{Motor: motor, Drop: drop, MaxOn: 30*s + 1}, false},
			"the longest settling":   {&Relay{Motor: motor, Drop: drop, MaxOn: s, Settle: 30 * s}, true},
			"longer settling":        {&Relay{Motor: motor, Drop: drop, MaxOn: s, Settle: 30*s + 1}, false},
			"a retry without a home": {&Relay{Motor: motor, Drop: drop, MaxOn: s, RetryTurn: true}, false},
			"a retry with a home": {&Relay{Motor: motor, Drop: drop, Home: drop, MaxOn: s, RetryTurn: true},
				true},
			"a locker's longest on-time":   {&Lock{Coil: motor, Opened: drop, MaxOn: 30 * s}, true},
			"a locker's longer":            {&Lock{Coil: motor, Opened: drop, MaxOn: 30*s + 1}, false},
			"a locker's longest closing":   {&Lock{Coil: motor, Opened: drop, MaxOn: s, Close: 300 * s}, true},
			"a locker's longer closing":    {&Lock{Coil: motor, Opened: drop, MaxOn: s, Close: 300*s + 1}, false},
			"a closing of less than none":  {&Lock{Coil: motor, Opened: drop, MaxOn: s, Close: -1}, false},
			"a latch's longest pulse":      {&Lock{Coil: motor, Opened: drop, MaxOn: s, Pulse: s - 1}, true},
			"a pulse as long as its time":  {&Lock{Coil: motor, Opened: drop, MaxOn: s, Pulse: s}, false},
			"a pulse of less than none":    {&Lock{Coil: motor, Opened: drop, MaxOn: s, Pulse: -1}, false},
			"a locker without a door":      {&Lock{Coil: motor, MaxOn: s}, false},
			"a locker without a coil":      {&Lock{Opened: drop, MaxOn: s}, false},
			"a locker that is never freed": {&Lock{Coil: motor, Opened: drop}, false},
		} {
			if err := c.slot.Check(); (err == nil) != c.good {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, never := range []Slot{&Relay{}, &Lock{}} { // wired: there is nothing to switch off
			if err := never.Halt(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestACustomerHasHalfAMinuteToCloseTheDoor, with both hands full, before the locker is said to stand open.
func TestACustomerHasHalfAMinuteToCloseTheDoor(t *testing.T) {
	for taken, why := range map[time.Duration]reason.Why{28 * time.Second: "", 32 * time.Second: WhyLeftOpen} {
		synctest.Test(t, func(t *testing.T) {
			slots := []simboard.Slot{{ID: "A1", Relay: "GPIO17", Opened: "GPIO27"}}
			board, err := simboard.New(simboard.Wiring{Slots: slots}, simboard.Physics{Taken: taken})
			if err != nil {
				t.Fatal(err)
			}
			m := machine{t: t, front: board}
			spiral := drive(t, board.Pin)
			lock := &Lock{Coil: spiral.Motor, Opened: spiral.Drop, MaxOn: maxOn}
			m.expect(lock.Vend(t.Context()), Delivered, why, 1, 1)
		})
	}
}

// mute is a sensor whose edges reach nobody.
type mute struct{ periph.PinIn }

func (mute) WaitForEdge(d time.Duration) bool { time.Sleep(d); return false }

// TestASensorThatStaysActiveUnseenProvesNothing: a product may lie on it, which nobody was told of. To call that "not
// delivered" would be a guess.
func TestASensorThatStaysActiveUnseenProvesNothing(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.Drop = mute{m.relay.Drop}
		time.AfterFunc(300*time.Millisecond, func() { _ = m.front.Fault("A1", simboard.FaultStuckSensor) })
		r := m.relay.Vend(t.Context())
		if r.Outcome != Unknown || r.Why != WhyStuckSensor || r.Err == nil || m.slot().Relay {
			t.Errorf("the vend ended %+v, and the motor is on: %v", r, m.slot().Relay)
		}
	})
	// idle, it proves that nothing fell
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		m.relay.Drop = mute{m.relay.Drop}
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 0)
	})
}
