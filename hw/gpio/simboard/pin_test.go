package simboard

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func TestAPinHonoursPeriphsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		door := b.pin("GPIO7")
		if door.WaitForEdge(time.Hour) {
			t.Error("an edge without edge detection")
		}
		for _, c := range []struct {
			edge        gpio.Edge
			open, close bool
		}{{gpio.RisingEdge, true, false}, {gpio.FallingEdge, false, true}, {gpio.BothEdges, true, true},
			{gpio.NoEdge, false, false}} {
			if err := door.In(gpio.PullUp, c.edge); err != nil {
				t.Fatal(err)
			}
			_ = b.Press("door")
			if got := door.WaitForEdge(0); got != c.open {
				t.Errorf("%s: an edge at the door's opening: %v", c.edge, got)
			}
			_ = b.Press("door")
			if got := door.WaitForEdge(time.Second); got != c.close {
				t.Errorf("%s: an edge at the door's closing: %v", c.edge, got)
			}
		}
		if err := door.In(gpio.PullUp, 7); err == nil {
			t.Error("an edge that does not exist was taken")
		}
	})
}

func TestQueuedEdgesAreBoundedAndInForgetsThem(t *testing.T) {
	b := newBench(t)
	door := b.pin("GPIO7")
	queue := func() (n int) {
		for range 10 * edgesMax {
			_ = b.Press("door")
		}
		for door.WaitForEdge(0) {
			n++
		}
		return n
	}
	_ = door.In(gpio.PullUp, gpio.BothEdges)
	if n := queue(); n != edgesMax {
		t.Errorf("%d edges were queued, want %d", n, edgesMax)
	}
	_ = b.Press("door")
	_ = door.In(gpio.PullUp, gpio.BothEdges)
	if door.WaitForEdge(0) {
		t.Error("an edge from before In")
	}
}

func TestInAndHaltReleaseWhoeverWaits(t *testing.T) {
	for name, release := range map[string]func(gpio.PinIO) error{
		"In":   func(p gpio.PinIO) error { return p.In(gpio.PullUp, gpio.BothEdges) },
		"Halt": func(p gpio.PinIO) error { return p.Halt() },
	} {
		synctest.Test(t, func(t *testing.T) {
			door := newBench(t).pin("GPIO7")
			_ = door.In(gpio.PullUp, gpio.BothEdges)
			released := make(chan bool, 1)
			go func() { released <- door.WaitForEdge(-1) }()
			synctest.Wait()
			if err := release(door); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			select {
			case edge := <-released:
				if edge {
					t.Errorf("%s made an edge", name)
				}
			default:
				t.Errorf("%s released nobody", name)
			}
		})
	}
}

func TestARelaysPinTurnsTheMotorOffWhenItIsNoOutputAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		motor := b.pin("GPIO17")
		for name, off := range map[string]func() error{
			"Halt": motor.Halt,
			"In":   func() error { return motor.In(gpio.PullDown, gpio.NoEdge) },
			"Low":  func() error { return motor.Out(gpio.Low) },
		} {
			if err := motor.Out(gpio.High); err != nil || !b.slot(0).Relay || motor.Read() != gpio.High {
				t.Fatalf("the relay is not on: %v", err)
			}
			if err := off(); err != nil || b.slot(0).Relay || motor.Read() != gpio.Low {
				t.Errorf("after %s (%v) the relay is on", name, err)
			}
		}
	})
}

func TestAContactIsNoOutput(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"GPIO27", "GPIO5", "GPIO7", "GPIO8"} {
		if err := b.pin(name).Out(gpio.High); err == nil {
			t.Errorf("%s was driven", name)
		}
	}
	if err := b.pin("GPIO17").PWM(gpio.DutyHalf, 0); err == nil {
		t.Error("a relay was dimmed")
	}
}
