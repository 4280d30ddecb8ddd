package gpio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

func TestAShakeIsToldAtOnceAndIsOverWhenItIsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Tilt: "GPIO21"}, simboard.Physics{Press: 2 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := board.Pin("GPIO21")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var told []bool
		expect := func(want ...bool) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) {
				t.Errorf("it told %v, want %v", told, want)
			}
		}
		ended := make(chan error, 1)
		go func() {
			ended <- Shakes(ctx, pin, 5*time.Second, func(shaken bool) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, shaken)
			})
		}()
		expect(false)
		shake := func() {
			t.Helper()
			if err := board.Press("tilt"); err != nil {
				t.Fatal(err)
			}
		}
		shake()
		time.Sleep(time.Microsecond)
		expect(false, true)
		for range 10 { // it goes on
			time.Sleep(4 * time.Second)
			shake()
		}
		expect(false, true)
		time.Sleep(5*time.Second + 20*time.Millisecond)
		expect(false, true, false)
		time.Sleep(time.Hour)
		shake()
		time.Sleep(time.Microsecond)
		expect(false, true, false, true)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestAContactThatStaysClosedIsAShakeWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Tilt: "GPIO21"}, simboard.Physics{Press: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := board.Pin("GPIO21")
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Press("tilt"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		told := make(chan bool, 4)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Shakes(ctx, pin, 5*time.Second, func(shaken bool) { told <- shaken }) }()
		time.Sleep(time.Minute)
		if got := <-told; !got || len(told) > 0 {
			t.Errorf("it told %v, and %d more", got, len(told))
		}
		time.Sleep(2 * time.Hour)
		if got := <-told; got {
			t.Error("it is open and still, and shaken all the same")
		}
		cancel()
		<-ended
	})
}

// slipping is a line that is lost after it was set up once.
type slipping struct {
	periph.PinIn
	set int
}

func (s *slipping) In(periph.Pull, periph.Edge) error {
	if s.set++; s.set > 1 {
		return errors.New("lost")
	}
	return nil
}
func (*slipping) Read() periph.Level             { return periph.Low }
func (*slipping) WaitForEdge(time.Duration) bool { return false }
func (*slipping) Name() string                   { return "GPIO21" }
func (*slipping) Halt() error                    { return nil }

func TestAShakeContactThatIsLostIsSaid(t *testing.T) {
	for set := range 2 {
		if err := Shakes(t.Context(), &slipping{set: set}, time.Second, func(bool) {}); err == nil ||
			errors.Is(err, context.Canceled) {
			t.Errorf("set up %d times before: %v", set, err)
		}
	}
}
