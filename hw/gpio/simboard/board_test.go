package simboard

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func wiring() Wiring {
	return Wiring{
		Slots: []Slot{
			{ID: "A1", Relay: "GPIO17", Drop: "GPIO27", Button: "GPIO5"},
			{ID: "A2", Relay: "GPIO22", Drop: "GPIO23", Button: "GPIO6", Stock: 2},
			{ID: "A3", Relay: "GPIO24", Drop: "GPIO25", Stock: -1},
		},
		Door: "GPIO7", Cancel: "GPIO8",
	}
}

// bench is a board and what the tests look at.
type bench struct {
	*Board
	t *testing.T
}

func newBench(t *testing.T) bench {
	t.Helper()
	b, err := New(wiring(), Physics{})
	if err != nil {
		t.Fatal(err)
	}
	return bench{b, t}
}

func (b bench) pin(name string) gpio.PinIO {
	b.t.Helper()
	p, err := b.Pin(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b bench) slot(n int) SlotState {
	synctest.Wait()
	s, _ := b.Snapshot()
	return s.Slots[n]
}

// turn has a relay on for a while.
func (b bench) turn(relay gpio.PinOut, d time.Duration) {
	if err := relay.Out(gpio.High); err != nil {
		b.t.Error(err)
	}
	time.Sleep(d)
	if err := relay.Out(gpio.Low); err != nil {
		b.t.Error(err)
	}
}

const ms = time.Millisecond

func TestEachWholeTurnPushesOneProductOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.turn(b.pin("GPIO17"), 599*ms)
		time.Sleep(time.Hour)
		if s := b.slot(0); s != (SlotState{"A1", false, 1, 0}) {
			t.Errorf("a little less than a turn: %+v", s)
		}
		b.turn(b.pin("GPIO17"), 2*ms) // the spiral kept its angle
		time.Sleep(time.Hour)
		if s := b.slot(0); s != (SlotState{"A1", false, 2, 1}) {
			t.Errorf("the rest of the turn: %+v", s)
		}
		b.turn(b.pin("GPIO17"), 1800*ms)
		time.Sleep(time.Hour)
		if s := b.slot(0); s != (SlotState{"A1", false, 3, 4}) {
			t.Errorf("three turns too long: %+v, want three products more", s)
		}
	})
}

func TestASpiralGivesNoMoreThanItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.turn(b.pin("GPIO22"), 10*time.Second)
		b.turn(b.pin("GPIO24"), 10*time.Second)
		if two, none := b.slot(1), b.slot(2); two.Dropped != 2 || none.Dropped != 0 {
			t.Errorf("spirals of two and none gave %d and %d", two.Dropped, none.Dropped)
		}
	})
}

// falls counts the sensor's falling edges, and the products, of a relay that is on for d and then off for a minute.
func falls(t *testing.T, fault string, d time.Duration) (edges, dropped int, last time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if err := b.Fault("A1", fault); err != nil {
			t.Fatal(err)
		}
		drop := b.pin("GPIO27")
		if err := drop.In(gpio.PullUp, gpio.FallingEdge); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		go b.turn(b.pin("GPIO17"), d)
		for drop.WaitForEdge(time.Minute) {
			edges++
			last = time.Since(began)
		}
		dropped = b.slot(0).Dropped
	})
	return edges, dropped, last
}

func TestWhatEachFaultShows(t *testing.T) {
	for _, c := range []struct {
		fault          string
		on             time.Duration
		edges, dropped int
		last           time.Duration
	}{
		{FaultNone, 680 * ms, 1, 1, 680 * ms},
		{FaultNone, 1300 * ms, 2, 2, 1280 * ms},
		{FaultJam, 3000 * ms, 0, 0, 0},
		{FaultNoDrop, 3000 * ms, 0, 1, 0},
		{FaultLateDrop, 3000 * ms, 1, 1, 4500 * ms},
		{FaultLateDrop, 599 * ms, 0, 0, 0},
		{FaultBounce, 680 * ms, bounces, 1, 680*ms + 2*(bounces-1)*bounceStep},
		{FaultStuckSensor, 680 * ms, 0, 1, 0}, // it is Low already: no edge
	} {
		edges, dropped, last := falls(t, c.fault, c.on)
		if edges != c.edges || dropped != c.dropped || last != c.last {
			t.Errorf("%s, on for %s: %d edges, the last at %s, and %d products; want %d at %s and %d",
				c.fault, c.on, edges, last, dropped, c.edges, c.last, c.dropped)
		}
	}
}

func TestAStuckSensorIsLowUntilItIsRepaired(t *testing.T) {
	b := newBench(t)
	drop := b.pin("GPIO27")
	for _, c := range []struct {
		fault string
		level gpio.Level
	}{{FaultStuckSensor, gpio.Low}, {FaultNone, gpio.High}, {FaultStuckSensor, gpio.Low}, {FaultJam, gpio.High}} {
		if err := b.Fault("A1", c.fault); err != nil || drop.Read() != c.level {
			t.Errorf("with %s (%v) the sensor reads %s, want %s", c.fault, err, drop.Read(), c.level)
		}
	}
}

func TestAPulseIsAsLongAsThePhysicsSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		drop := b.pin("GPIO27")
		if err := drop.In(gpio.PullUp, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		go b.turn(b.pin("GPIO17"), 680*ms)
		drop.WaitForEdge(-1)
		began := time.Now()
		if drop.Read() != gpio.Low || !drop.WaitForEdge(-1) || time.Since(began) != 15*ms || drop.Read() != gpio.High {
			t.Errorf("the pulse took %s and left the line %s", time.Since(began), drop.Read())
		}
		time.Sleep(time.Second)
	})
}

func TestTheDoorsSwitchIsClosedWithTheDoor(t *testing.T) {
	b := newBench(t)
	for _, want := range []struct {
		door  string
		level gpio.Level
	}{{"closed", gpio.Low}, {"open", gpio.High}, {"closed", gpio.Low}} {
		if s, _ := b.Snapshot(); s.Door != want.door || b.pin("GPIO7").Read() != want.level {
			t.Errorf("the door is %s and its switch %s, want %s and %s", s.Door, b.pin("GPIO7").Read(), want.door,
				want.level)
		}
		if err := b.Press("door"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPressAndFaultRefuseWhatIsNotThere(t *testing.T) {
	b := newBench(t)
	// no such slot, or no button wired
	for _, name := range []string{"A9", "", "retry", "A3", strings.Repeat("x", 1000)} {
		if err := b.Press(name); !errors.Is(err, ErrNoSuchSlot) || len(err.Error()) > 200 {
			t.Errorf("pressing %.10q answered %v", name, err)
		}
	}
	if err := b.Fault("A9", FaultJam); !errors.Is(err, ErrNoSuchSlot) {
		t.Errorf("a fault of a slot that is not there answered %v", err)
	}
	if err := b.Fault("A1", "fire"); !errors.Is(err, ErrNoSuchFault) {
		t.Errorf("a fault that does not exist answered %v", err)
	}
	var err error
	for range 1000 {
		if err = b.Press("A1"); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("a thousand presses at once answered %v", err)
	}
}

func TestAWiringThatCannotBeIsRefused(t *testing.T) {
	for name, w := range map[string]Wiring{
		"slot twice":    {Slots: []Slot{{ID: "A1"}, {ID: "A1"}}},
		"pin twice":     {Slots: []Slot{{ID: "A1", Relay: "GPIO1", Drop: "GPIO1"}}},
		"button twice":  {Slots: []Slot{{ID: "A1", Button: "GPIO1"}}, Cancel: "GPIO1"},
		"no id":         {Slots: []Slot{{}}},
		"reserved id":   {Slots: []Slot{{ID: "cancel"}}},
		"long id":       {Slots: []Slot{{ID: strings.Repeat("A", nameMax+1)}}},
		"long pin":      {Door: strings.Repeat("A", nameMax+1)},
		"too many":      {Slots: make([]Slot, slotsMax+1)},
		"door and tilt": {Door: "GPIO1", Tilt: "GPIO1"},
	} {
		if _, err := New(w, Physics{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
