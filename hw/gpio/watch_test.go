package gpio

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

const hold = 30 * time.Millisecond

// heard watches a machine's button while the test plays, and returns what was told.
func heard(t *testing.T, press time.Duration, play func(board *simboard.Board)) (told []Press) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Button: "GPIO5"}}},
			simboard.Physics{Press: press})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := board.Pin("GPIO5")
		if err != nil {
			t.Fatal(err)
		}
		play(board) // before the watch begins: a finger may be on the button already
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := Presses(ctx, pin, hold, func(p Press) { told = append(told, p) }); !errors.Is(err,
			context.DeadlineExceeded) {
			t.Errorf("the watch ended with %v, want its context's end", err)
		}
	})
	return told
}

func TestAPressIsToldOnceHoweverItBouncesAndHoweverLongItLasts(t *testing.T) {
	for _, press := range []time.Duration{40 * time.Millisecond, 150 * time.Millisecond, time.Minute, 24 * time.Hour} {
		got := heard(t, press, func(board *simboard.Board) {
			time.AfterFunc(time.Second, func() { _ = board.Press("A1") })
		})
		if !slices.Equal(got, []Press{Pressed}) {
			t.Errorf("a press of %s was told as %v, want one", press, got)
		}
	}
}

func TestEachPressIsTold(t *testing.T) {
	got := heard(t, 0, func(board *simboard.Board) {
		for n := range 5 {
			time.AfterFunc(time.Second+time.Duration(n)*time.Millisecond, func() { _ = board.Press("A1") })
		}
	})
	if len(got) != 5 {
		t.Errorf("5 presses were told as %v", got)
	}
}

func TestAButtonThatIsDownAtTheStartIsNoPress(t *testing.T) {
	got := heard(t, time.Minute, func(board *simboard.Board) {
		_ = board.Press("A1")
		time.Sleep(time.Second)
		time.AfterFunc(30*time.Minute, func() { _ = board.Press("A1") })
	})
	if !slices.Equal(got, []Press{Held, Pressed}) {
		t.Errorf("a button that was down at the start and was pressed later was told as %v", got)
	}
}

func TestTheDoorIsToldAtTheStartAndAtEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Door: "GPIO6"}, simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := board.Pin("GPIO6")
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			time.AfterFunc(time.Duration(n+1)*time.Second, func() { _ = board.Press("door") })
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var told []periph.Level
		_ = Watch(ctx, pin, hold, func(l periph.Level) { told = append(told, l) })
		if want := []periph.Level{periph.Low, periph.High, periph.Low}; !slices.Equal(told, want) {
			t.Errorf("closed, open, closed was told as %v, want %v", told, want)
		}
	})
}

// shared is a pin that somebody else sets up while it is watched, and that fails in the end.
type shared struct {
	periph.PinIn
	ins int
}

func (s *shared) In(pull periph.Pull, edge periph.Edge) error {
	if s.ins++; s.ins > 2 {
		return errors.New("unplugged")
	}
	return s.PinIn.In(pull, edge)
}

func TestAWatchSurvivesAnotherInAndEndsWithTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Button: "GPIO5"}}},
			simboard.Physics{})
		if err != nil {
			t.Fatal(err)
		}
		pin, err := board.Pin("GPIO5")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(1*time.Second, func() { _ = pin.In(periph.PullUp, periph.BothEdges) })
		time.AfterFunc(2*time.Second, func() { _ = board.Press("A1") })
		time.AfterFunc(3*time.Second, func() { _ = pin.Halt() })
		var told []Press
		err = Presses(t.Context(), &shared{PinIn: pin}, hold, func(p Press) { told = append(told, p) })
		if err == nil || !slices.Equal(told, []Press{Pressed}) {
			t.Errorf("the watch ended with %v after %v, want an error after one press", err, told)
		}
	})
}
