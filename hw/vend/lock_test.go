package vend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
)

const unlocked = 10 * time.Second

// locker is a simulated locker with its customer, and the vend that drives it.
type locker struct {
	machine
	lock *Lock
}

// before runs a test with a locker.
func before(t *testing.T, latch bool, fault string, test func(t *testing.T, l locker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{
			Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Opened: "GPIO27", Latch: latch}}}, simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Fault("A1", fault); err != nil {
			t.Fatal(err)
		}
		coil, err := board.Pin("GPIO17")
		if err != nil {
			t.Fatal(err)
		}
		opened, err := board.Pin("GPIO27")
		if err != nil {
			t.Fatal(err)
		}
		limited, err := gpio.Limit(coil, unlocked)
		if err != nil {
			t.Fatal(err)
		}
		l := locker{machine{t: t, front: board}, &Lock{Coil: limited, Opened: opened, MaxOn: unlocked}}
		if latch {
			l.lock.Pulse = 300 * time.Millisecond
		}
		test(t, l)
	})
}

func TestWhoeverOpensTheDoorHasTheProduct(t *testing.T) {
	for _, latch := range []bool{false, true} {
		for _, fault := range []string{simboard.FaultNone, simboard.FaultBounce, simboard.FaultLateDrop} {
			before(t, latch, fault, func(t *testing.T, l locker) {
				for n := 1; n <= 5; n++ {
					l.expect(l.lock.Vend(t.Context()), Delivered, "", n, n)
					if l.lock.Opened.Read() != periph.Low {
						t.Fatalf("%s: the vend ended with the door open", fault)
					}
				}
			})
		}
	}
}

func TestTheCoilGoesOffOnceTheDoorIsOpenOrItsPulseIsOver(t *testing.T) {
	for latch, off := range map[bool]time.Duration{false: 900*time.Millisecond + doorHold,
		true: 300 * time.Millisecond} {
		before(t, latch, simboard.FaultNone, func(t *testing.T, l locker) {
			result := make(chan Result, 1)
			go func() { result <- l.lock.Vend(t.Context()) }()
			time.Sleep(off - doorLook)
			synctest.Wait()
			if !l.slot().Relay {
				t.Errorf("latch %v: the coil is off too early", latch)
			}
			time.Sleep(2 * doorLook)
			synctest.Wait()
			if l.slot().Relay {
				t.Errorf("latch %v: the coil is still on", latch)
			}
			l.expect(<-result, Delivered, "", 1, 1)
		})
	}
}

func TestADoorThatNobodyOpensIsLockedAgainAndNothingIsDelivered(t *testing.T) {
	for _, fault := range []string{simboard.FaultNeverOpens, simboard.FaultJam} {
		for _, latch := range []bool{false, true} {
			before(t, latch, fault, func(t *testing.T, l locker) {
				began := time.Now()
				l.expect(l.lock.Vend(t.Context()), NotDelivered, WhyNotOpened, 1, 0)
				if took := time.Since(began); took > unlocked+lastGrasp {
					t.Errorf("the vend took %s", took)
				}
			})
		}
	}
}

func TestADoorThatStandsOpenAlreadyStartsNothing(t *testing.T) {
	before(t, false, simboard.FaultStuckSensor, func(t *testing.T, l locker) {
		l.expect(l.lock.Vend(t.Context()), NotDelivered, WhyStandsOpen, 0, 0)
	})
}

func TestADoorThatIsLeftOpenIsDeliveredAndSaid(t *testing.T) {
	before(t, true, simboard.FaultLeftOpen, func(t *testing.T, l locker) {
		l.lock.Close = 20 * time.Second
		began := time.Now()
		l.expect(l.lock.Vend(t.Context()), Delivered, WhyLeftOpen, 1, 1)
		if took := time.Since(began); took < l.lock.Close || took > l.lock.Terms().Longest {
			t.Errorf("the vend took %s", took)
		}
		l.expect(l.lock.Vend(t.Context()), NotDelivered, WhyStandsOpen, 1, 1)
		if err := l.front.Fault("A1", simboard.FaultNone); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		l.expect(l.lock.Vend(t.Context()), Delivered, "", 2, 2)
	})
}

func TestAnOpeningThatTheContactMissedIsNotDelivered(t *testing.T) {
	before(t, true, simboard.FaultNoDrop, func(t *testing.T, l locker) {
		l.expect(l.lock.Vend(t.Context()), NotDelivered, WhyNotOpened, 1, 1)
	})
}

func TestAHandOnTheDoorAtTheLastMomentIsADelivery(t *testing.T) {
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		l.lock.MaxOn = 910 * time.Millisecond // opened at 900 ms, and not yet for long enough to count
		l.expect(l.lock.Vend(t.Context()), Delivered, "", 1, 1)
	})
	before(t, true, simboard.FaultNone, func(t *testing.T, l locker) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the latch is free by then
		defer cancel()
		l.expect(l.lock.Vend(ctx), Delivered, "", 1, 1)
	})
}

func TestAStopLocksTheDoorAtOnce(t *testing.T) {
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		result := make(chan Result, 1)
		go func() { result <- l.lock.Vend(ctx) }()
		time.Sleep(401 * time.Millisecond)
		synctest.Wait()
		if l.slot().Relay {
			t.Error("the coil is still on after the stop")
		}
		l.expect(<-result, NotDelivered, WhyStopped, 1, 0)
		cancel()
		l.expect(l.lock.Vend(ctx), NotDelivered, WhyStopped, 1, 0)
	})
	// it was opened, and nobody waits for its end
	before(t, false, simboard.FaultLeftOpen, func(t *testing.T, l locker) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		l.expect(l.lock.Vend(ctx), Delivered, "", 1, 1)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the vend took %s", took)
		}
	})
}

func TestALockThatFailsIsJudgedByItsContact(t *testing.T) {
	broken := errors.New("broken")
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		l.lock.Coil = &faulty{PinOut: l.lock.Coil, high: broken}
		l.expect(l.lock.Vend(t.Context()), Unknown, WhyRelayFault, 1, 0)
	})
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		l.lock.Coil = &faulty{PinOut: l.lock.Coil, low: broken}
		l.expect(l.lock.Vend(t.Context()), Delivered, WhyRelayFault, 1, 1)
	})
	before(t, true, simboard.FaultNeverOpens, func(t *testing.T, l locker) {
		l.lock.Coil = &faulty{PinOut: l.lock.Coil, low: broken}
		l.expect(l.lock.Vend(t.Context()), Unknown, WhyRelayFault, 1, 0)
	})
	before(t, false, simboard.FaultNeverOpens, func(t *testing.T, l locker) {
		l.lock.Opened = &failing{PinIn: l.lock.Opened, after: 1}
		l.expect(l.lock.Vend(t.Context()), Unknown, WhySensorFault, 1, 0)
	})
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		l.lock.Opened = &failing{PinIn: l.lock.Opened}
		l.expect(l.lock.Vend(t.Context()), NotDelivered, WhySensorFault, 0, 0)
	})
}

func TestASecondVendOfTheSameLockerIsRefused(t *testing.T) {
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		first := make(chan Result, 1)
		go func() { first <- l.lock.Vend(t.Context()) }()
		time.Sleep(100 * time.Millisecond)
		if r := l.lock.Vend(t.Context()); r.Outcome != NotDelivered || r.Why != WhyBusy {
			t.Errorf("a second vend ended %+v, want %q", r, WhyBusy)
		}
		if err := l.lock.Halt(); err != nil || l.slot().Relay {
			t.Errorf("after Halt (%v) the coil is on: %v", err, l.slot().Relay)
		}
		l.expect(<-first, NotDelivered, WhyNotOpened, 1, 0)
	})
}

func TestALockerThatCannotBeTrustedIsRefused(t *testing.T) {
	before(t, false, simboard.FaultNone, func(t *testing.T, l locker) {
		c, o := l.lock.Coil, l.lock.Opened
		for name, bad := range map[string]*Lock{
			"nothing":            {},
			"no contact":         {Coil: c, MaxOn: unlocked},
			"no coil":            {Opened: o, MaxOn: unlocked},
			"no maximum":         {Coil: c, Opened: o},
			"too long a maximum": {Coil: c, Opened: o, MaxOn: OnMax + 1},
			"too long a pulse":   {Coil: c, Opened: o, MaxOn: unlocked, Pulse: unlocked},
			"a negative pulse":   {Coil: c, Opened: o, MaxOn: unlocked, Pulse: -1},
			"too long a closing": {Coil: c, Opened: o, MaxOn: unlocked, Close: CloseMax + 1},
		} {
			if got := bad.Vend(t.Context()); got.Outcome != NotDelivered || got.Why != WhySetup || got.Err == nil {
				t.Errorf("%s: the vend ended %+v, want %q and a reason", name, got, WhySetup)
			}
		}
		if err := (&Lock{}).Halt(); err != nil {
			t.Error(err)
		}
		if s := l.slot(); s.Pulses != 0 {
			t.Errorf("the coil was switched on %d times", s.Pulses)
		}
	})
}
