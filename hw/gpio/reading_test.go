package gpio

import (
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// TestAPinRemembersWhenItMovedLast: an output that was driven, a button that is watched, a sensor that is only looked
// at.
func TestAPinRemembersWhenItMovedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := machine(t)
		pins, err := Open(front, []Output{{"GPIO17", time.Second}}, "GPIO27", "GPIO5", "GPIO6")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for name, r := range pins.Readings() {
			if r.Moved || r.Level != (name != "GPIO17") {
				t.Errorf("at the start %s stands at %+v", name, r)
			}
		}
		button, err := pins.Input("GPIO5")
		if err != nil {
			t.Fatal(err)
		}
		go Presses(t.Context(), button, hold, func(Press) {}) // ends with the test
		synctest.Wait()
		if err := front.Press("A1"); err != nil { // 150 ms, and 10 ms of bouncing at each end
			t.Fatal(err)
		}
		relay, err := pins.Output("GPIO17")
		if err != nil {
			t.Fatal(err)
		}
		if err := relay.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		for name, want := range map[string]Reading{
			"GPIO17": {periph.High, true, 100 * time.Millisecond}, "GPIO5": {periph.Low, true, 90 * time.Millisecond},
			"GPIO27": {Level: periph.High}, "GPIO6": {Level: periph.High},
		} {
			if got := pins.Readings()[name]; got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		time.Sleep(10 * time.Second) // the relay's limit has struck, and the finger is off
		now := pins.Readings()
		if r := now["GPIO17"]; r.Level || r.Still != 9*time.Second+100*time.Millisecond {
			t.Errorf("the limit struck, and the relay's pin tells %+v", r)
		}
		if r := now["GPIO5"]; !r.Level || r.Still != 9*time.Second+940*time.Millisecond {
			t.Errorf("the finger is off, and the button tells %+v", r)
		}
		if err := pins.Close(); err != nil {
			t.Error(err)
		}
	})
}

// quick is a sensor whose pulses are over before anybody can read them.
type quick struct{ periph.PinIO }

func (quick) Read() periph.Level               { return periph.High }
func (quick) WaitForEdge(d time.Duration) bool { time.Sleep(d); return true }

func TestAPulseTooShortToReadHasMovedThePin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &remembering{PinIO: quick{}}
		if r := p.reading(); r.Moved {
			t.Errorf("before any edge: %+v", r)
		}
		p.WaitForEdge(time.Second)
		time.Sleep(time.Minute)
		if r := p.reading(); r.Level != periph.High || !r.Moved || r.Still != time.Minute {
			t.Errorf("a minute after an edge: %+v", r)
		}
	})
}
