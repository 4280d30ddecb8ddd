package gpio

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/wire"
)

const limit = 2 * time.Second

// opened is a machine with one slot on virtual time, and its limited motor.
func opened(t *testing.T) (*Pins, periph.PinOut, func() simboard.SlotState) {
	t.Helper()
	front := machine(t)
	pins, err := Open(front, []Output{{"GPIO17", limit}}, "GPIO27", "GPIO5")
	if err != nil {
		t.Fatal(err)
	}
	motor, err := pins.Output("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	return pins, motor, func() simboard.SlotState {
		s, _ := front.Snapshot()
		return s.Slots[0]
	}
}

func TestAnOutputGoesOffByItselfWhenItsCallerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, motor, slot := opened(t)
		if err := motor.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		time.Sleep(limit - time.Millisecond)
		if !slot().Relay {
			t.Error("the relay is off before its limit")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if slot().Relay {
			t.Error("the relay is on at its limit")
		}
	})
}

func TestRepeatingHighExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, motor, slot := opened(t)
		for range 19 {
			if err := motor.Out(periph.High); err != nil {
				t.Fatal(err)
			}
			time.Sleep(limit / 20)
		}
		time.Sleep(limit / 20)
		synctest.Wait()
		if slot().Relay {
			t.Error("the relay is on at its limit")
		}
		if err := motor.Out(periph.High); err == nil || slot().Relay {
			t.Errorf("after the limit struck, High answered %v and the relay is on: %v", err, slot().Relay)
		}
		if err := errors.Join(motor.Out(periph.Low), motor.Out(periph.High)); err != nil || !slot().Relay {
			t.Errorf("after a Low, High answered %v and the relay is on: %v", err, slot().Relay)
		}
		_ = motor.Halt()
	})
}

func TestANewTurnHasAWholeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, motor, slot := opened(t)
		for range 3 {
			if err := motor.Out(periph.High); err != nil {
				t.Fatal(err)
			}
			time.Sleep(limit - time.Millisecond)
			synctest.Wait()
			if !slot().Relay {
				t.Fatal("an earlier turn's limit struck in this one")
			}
			if err := motor.Out(periph.Low); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestHaltAndCloseLeaveTheOutputOff(t *testing.T) {
	for name, end := range map[string]func(*Pins, periph.PinOut) error{
		"Halt":   func(_ *Pins, motor periph.PinOut) error { return motor.Halt() },
		"AllOff": func(p *Pins, _ periph.PinOut) error { return p.AllOff() },
		"Close":  func(p *Pins, _ periph.PinOut) error { return p.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			pins, motor, slot := opened(t)
			if err := motor.Out(periph.High); err != nil || !slot().Relay {
				t.Fatalf("the relay is not on: %v", err)
			}
			if err := end(pins, motor); err != nil || slot().Relay {
				t.Errorf("after %s (%v) the relay is on: %v", name, err, slot().Relay)
			}
		})
	}
}

// odd is an output that takes its time to go High, or fails to go Low.
type odd struct {
	gpiotest.Pin
	slow   time.Duration
	broken int // writes of Low that fail
}

func (o *odd) Out(l periph.Level) error {
	if l == periph.High {
		time.Sleep(o.slow)
	} else if o.broken > 0 {
		o.broken--
		return errors.New("broken")
	}
	return o.Pin.Out(l)
}

func limited(t *testing.T, pin periph.PinOut) *Limited {
	t.Helper()
	l, err := Limit(pin, limit)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAHighThatHangsPastItsLimitIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := &odd{slow: 10 * limit}
		if err := limited(t, pin).Out(periph.High); err == nil || pin.Read() {
			t.Errorf("High answered %v after its limit and left the line %s", err, pin.Read())
		}
	})
}

func TestAnOutputThatCannotBeSwitchedOffIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := &odd{broken: 5}
		if err := limited(t, pin).Out(periph.High); err != nil {
			t.Fatal(err)
		}
		time.Sleep(limit + 4*offEvery)
		synctest.Wait()
		if !pin.Read() {
			t.Fatal("the line went Low although writing it fails")
		}
		time.Sleep(offEvery)
		synctest.Wait()
		if pin.Read() {
			t.Error("the line is still High when it can be written again")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		pin := &odd{broken: 1}
		l := limited(t, pin)
		if err := l.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		if err := l.Out(periph.Low); err == nil {
			t.Error("a Low that failed was not told")
		}
		time.Sleep(offEvery)
		synctest.Wait()
		if pin.Read() {
			t.Error("a Low that failed was not tried again")
		}
	})
}

func TestALimitOutOfRangeIsRefused(t *testing.T) {
	for _, d := range []time.Duration{0, -1, wire.OnMax + 1} {
		if _, err := Limit(&gpiotest.Pin{N: "GPIO17"}, d); err == nil {
			t.Errorf("a limit of %s was taken", d)
		}
	}
	if _, err := Limit(&gpiotest.Pin{N: "GPIO17"}, wire.OnMax); err != nil {
		t.Errorf("the longest limit was refused: %v", err)
	}
}
