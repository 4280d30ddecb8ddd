package vend

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/reason"
)

const maxOn = 3 * time.Second

// machine is a simulated machine with one slot, and the vend that drives it.
type machine struct {
	t     *testing.T
	front simboard.Front
	relay *Relay
}

// inMachine runs a test on virtual time.
func inMachine(t *testing.T, slot simboard.Slot, fault string, test func(t *testing.T, m machine)) {
	synctest.Test(t, func(t *testing.T) {
		slot.ID, slot.Relay, slot.Drop = "A1", "GPIO17", "GPIO27"
		front, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{slot}}, simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		pins, err := gpio.Open(front, []gpio.Output{{Pin: "GPIO17", MaxOn: maxOn}}, "GPIO27")
		if err != nil {
			t.Fatal(err)
		}
		if err := front.Fault("A1", fault); err != nil {
			t.Fatal(err)
		}
		motor, err := pins.Output("GPIO17")
		if err != nil {
			t.Fatal(err)
		}
		drop, err := pins.Input("GPIO27")
		if err != nil {
			t.Fatal(err)
		}
		test(t, machine{t: t, front: front, relay: &Relay{Motor: motor, Drop: drop, MaxOn: maxOn}})
	})
}

func (m machine) slot() simboard.SlotState {
	m.t.Helper()
	s, err := m.front.Snapshot()
	if err != nil {
		m.t.Fatal(err)
	}
	return s.Slots[0]
}

// expect checks a result and what the machine did for it, with the motor off in the end.
func (m machine) expect(r Result, outcome Outcome, why reason.Why, pulses, dropped int) {
	m.t.Helper()
	if r.Outcome != outcome || r.Why != why {
		m.t.Errorf("the vend ended %q %q (%v), want %q %q", r.Outcome, r.Why, r.Err, outcome, why)
	}
	if got, want := m.slot(), (simboard.SlotState{Slot: "A1", Pulses: pulses, Dropped: dropped}); got != want {
		m.t.Errorf("the machine did %+v, want %+v", got, want)
	}
}

func TestAProductThatFallsIsDelivered(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		for n := 1; n <= 20; n++ {
			m.expect(m.relay.Vend(t.Context()), Delivered, "", n, n)
		}
	})
}

func TestTheMotorStopsAtTheFirstEdge(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		go m.relay.Vend(t.Context())
		time.Sleep(679 * time.Millisecond) // a turn of 600 ms and a fall of 80 ms, less one
		synctest.Wait()
		if !m.slot().Relay {
			t.Error("the motor is off before the product fell")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if s := m.slot(); s.Relay || s.Dropped != 1 {
			t.Errorf("at the sensor's first edge the machine is %+v, want its motor off", s)
		}
		time.Sleep(maxOn)
	})
}

func TestAJamIsNotDeliveredAndTheMotorStopsAtItsTime(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		began := time.Now()
		r := m.relay.Vend(t.Context())
		m.expect(r, NotDelivered, WhyJam, 1, 0)
		if took := time.Since(began); took != maxOn+SettleDefault {
			t.Errorf("the vend took %s, want %s", took, maxOn+SettleDefault)
		}
	})
}

func TestAnEmptySpiralLooksLikeAJam(t *testing.T) {
	inMachine(t, simboard.Slot{Stock: 1}, simboard.FaultNone, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 2, 1)
	})
}

func TestAProductThatTheSensorMissedIsNotDelivered(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNoDrop, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 1)
	})
}

func TestALateProductIsDelivered(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultLateDrop, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
	})
}

func TestAProductThatIsTooLateDoesNotCountForTheNextCustomer(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultLateDrop, func(t *testing.T, m machine) {
		m.relay.Settle = time.Second
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 1, 0)
		if err := m.front.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // it falls now, for nobody
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 2, 1)
	})
}

func TestABouncingSensorCountsOneProduct(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultBounce, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
		// What is left of the burst must not be taken for the next product.
		if err := m.front.Fault("A1", simboard.FaultJam); err != nil {
			t.Fatal(err)
		}
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyJam, 2, 1)
	})
}

func TestAStuckSensorStartsNoMotor(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultStuckSensor, func(t *testing.T, m machine) {
		m.expect(m.relay.Vend(t.Context()), NotDelivered, WhyStuckSensor, 0, 0)
	})
}

func TestASensorThatSticksDuringTheTurnProvesNothing(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultJam, func(t *testing.T, m machine) {
		time.AfterFunc(300*time.Millisecond, func() { _ = m.front.Fault("A1", simboard.FaultStuckSensor) })
		m.expect(m.relay.Vend(t.Context()), Unknown, WhyStuckSensor, 1, 0)
	})
}

func TestAStopInMidTurnStopsTheMotorAtOnce(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
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

func TestAProductThatFallsAfterTheStopIsDelivered(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		ctx, cancel := context.WithTimeout(t.Context(), 620*time.Millisecond) // it is in the air
		defer cancel()
		m.expect(m.relay.Vend(ctx), Delivered, "", 1, 1)
	})
}

func TestAStopBeforeTheStartMovesNothing(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m.expect(m.relay.Vend(ctx), NotDelivered, WhyStopped, 0, 0)
	})
}

func TestASecondVendOfTheSameSlotIsRefused(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		first := make(chan Result, 1)
		go func() { first <- m.relay.Vend(t.Context()) }()
		time.Sleep(100 * time.Millisecond)
		if r := m.relay.Vend(t.Context()); r.Outcome != NotDelivered || r.Why != WhyBusy {
			t.Errorf("a second vend ended %+v, want %q", r, WhyBusy)
		}
		m.expect(<-first, Delivered, "", 1, 1)
	})
}

func TestHaltStopsTheMotor(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		result := make(chan Result, 1)
		go func() { result <- m.relay.Vend(t.Context()) }()
		time.Sleep(300 * time.Millisecond)
		if !m.slot().Relay {
			t.Fatal("the motor is not on in mid-turn")
		}
		if err := m.relay.Halt(); err != nil || m.slot().Relay {
			t.Errorf("after Halt (%v) the motor is on: %v", err, m.slot().Relay)
		}
		m.expect(<-result, NotDelivered, WhyJam, 1, 0)
	})
}

func TestASlotThatCannotBeTrustedIsRefused(t *testing.T) {
	inMachine(t, simboard.Slot{}, simboard.FaultNone, func(t *testing.T, m machine) {
		for name, r := range map[string]*Relay{
			"no sensor":           {Motor: m.relay.Motor, MaxOn: maxOn},
			"no relay":            {Drop: m.relay.Drop, MaxOn: maxOn},
			"no maximum":          {Motor: m.relay.Motor, Drop: m.relay.Drop},
			"too long a maximum":  {Motor: m.relay.Motor, Drop: m.relay.Drop, MaxOn: OnMax + 1},
			"negative settle":     {Motor: m.relay.Motor, Drop: m.relay.Drop, MaxOn: maxOn, Settle: -1},
			"too long to settle":  {Motor: m.relay.Motor, Drop: m.relay.Drop, MaxOn: maxOn, Settle: SettleMax + 1},
			"less than no time":   {Motor: m.relay.Motor, Drop: m.relay.Drop, MaxOn: -1},
			"nothing whatsoever":  {},
			"no sensor, no limit": {Motor: m.relay.Motor},
		} {
			if got := r.Vend(t.Context()); got.Outcome != NotDelivered || got.Why != WhySetup || got.Err == nil {
				t.Errorf("%s: the vend ended %+v, want %q and a reason", name, got, WhySetup)
			}
		}
		if s := m.slot(); s.Pulses != 0 {
			t.Errorf("the motor started %d times", s.Pulses)
		}
	})
}

func TestAPulseCountsHoweverShortOrLongItIs(t *testing.T) {
	for _, pulse := range []time.Duration{time.Millisecond, 5 * time.Millisecond, SettleDefault / 2} {
		synctest.Test(t, func(t *testing.T) {
			board, err := simboard.New(simboard.Wiring{
				Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27"}}},
				simboard.Physics{Pulse: pulse, Fall: 81 * time.Millisecond}) // begins between two glances
			if err != nil {
				t.Fatal(err)
			}
			m := machine{t: t, front: board, relay: drive(t, board.Pin)}
			m.expect(m.relay.Vend(t.Context()), Delivered, "", 1, 1)
		})
	}
}

// drive is a vend over the pins of a board.
func drive(t *testing.T, pin func(string) (periph.PinIO, error)) *Relay {
	t.Helper()
	motor, err := pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	drop, err := pin("GPIO27")
	if err != nil {
		t.Fatal(err)
	}
	limited, err := gpio.Limit(motor, maxOn)
	if err != nil {
		t.Fatal(err)
	}
	return &Relay{Motor: limited, Drop: drop, MaxOn: maxOn}
}
