package gpio

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// pulsed runs with an output that may be on for two seconds, and a way to ask whether it is.
func pulsed(t *testing.T, tell func(t *testing.T, p *Pins, on func() bool)) {
	synctest.Test(t, func(t *testing.T) {
		front := machine(t)
		p, err := Open(front, []Output{{"GPIO17", 2 * time.Second}}, "GPIO27")
		if err != nil {
			t.Fatal(err)
		}
		tell(t, p, func() bool {
			s, err := front.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			return s.Slots[0].Relay
		})
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // what the board still lets fall
	})
}

func TestAPulseIsOnForItsTimeAndThenOff(t *testing.T) {
	pulsed(t, func(t *testing.T, p *Pins, on func() bool) {
		ended := make(chan error, 1)
		go func() { ended <- p.Pulse(t.Context(), "GPIO17", time.Second) }()
		time.Sleep(990 * time.Millisecond)
		if !on() {
			t.Error("off before its time")
		}
		time.Sleep(20 * time.Millisecond)
		if err := <-ended; err != nil || on() {
			t.Errorf("on %v after its time: %v", on(), err)
		}
	})
}

func TestAPulseIsNeverLongerThanTheOutputMayBeOn(t *testing.T) {
	pulsed(t, func(t *testing.T, p *Pins, on func() bool) {
		ended := make(chan error, 1)
		go func() { ended <- p.Pulse(t.Context(), "GPIO17", time.Minute) }()
		time.Sleep(2*time.Second + 10*time.Millisecond)
		if on() {
			t.Error("on beyond the output's limit")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := p.Pulse(t.Context(), "GPIO17", time.Second); err != nil || on() {
			t.Errorf("the next pulse: %v, on %v", err, on())
		}
	})
}

func TestAPulseEndsAtOnceWithItsContext(t *testing.T) {
	pulsed(t, func(t *testing.T, p *Pins, on func() bool) {
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer stop()
		if err := p.Pulse(ctx, "GPIO17", time.Second); !errors.Is(err, context.DeadlineExceeded) || on() {
			t.Errorf("%v, on %v", err, on())
		}
		if err := p.Pulse(ctx, "GPIO17", time.Second); err == nil {
			t.Error("a pulse began after its end")
		}
		for name, d := range map[string]time.Duration{"GPIO27": time.Second, "GPIO5": time.Second, "GPIO17": 0} {
			if err := p.Pulse(t.Context(), name, d); err == nil || on() {
				t.Errorf("%s for %v: %v", name, d, err)
			}
		}
	})
}
