package gpio

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/wire"
)

func wiring() simboard.Wiring {
	return simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27", Button: "GPIO5"}},
		Cancel: "GPIO6"}
}

func machine(t *testing.T) *simboard.Board {
	t.Helper()
	board, err := simboard.New(wiring(), simboard.Physics{})
	if err != nil {
		t.Fatal(err)
	}
	return board
}

func TestAMistakeInTheConfigurationNamesThePinAndTheRemedy(t *testing.T) {
	out := func(names ...string) (outs []Output) {
		for _, n := range names {
			outs = append(outs, Output{n, time.Second})
		}
		return outs
	}
	for name, c := range map[string]struct {
		outputs []Output
		inputs  []string
		want    []string
	}{
		"unknown output":   {out("GPIO99"), nil, []string{"GPIO99", "check the name"}},
		"unknown input":    {nil, []string{"GPIO99"}, []string{"GPIO99", "check the name"}},
		"twice an output":  {out("GPIO17", "GPIO17"), nil, []string{"GPIO17", "twice", "pin of its own"}},
		"output and input": {out("GPIO17"), []string{"GPIO17"}, []string{"GPIO17", "twice"}},
		"a sensor driven":  {out("GPIO27"), nil, []string{"GPIO27", "drop sensor of slot A1"}},
		"no limit":         {[]Output{{Pin: "GPIO17"}}, nil, []string{"GPIO17", "maximum on-time"}},
	} {
		_, err := Open(machine(t), c.outputs, c.inputs...)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not say %q: %v", name, want, err)
			}
		}
	}
}

func TestAPinIsHandedOutOnceAndOnlyAsWhatItIs(t *testing.T) {
	pins, err := Open(machine(t), []Output{{"GPIO17", time.Second}}, "GPIO27")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pins.Close() }()
	if p, err := pins.Output("GPIO17"); err != nil || p.Name() != "GPIO17" || p.Number() != 17 {
		t.Errorf("the output is %v, %v", p, err)
	}
	if p, err := pins.Input("GPIO27"); err != nil || p.Name() != "GPIO27" || p.Read() != periph.High {
		t.Errorf("the input is %v, %v", p, err)
	}
	for name, ask := range map[string]func() error{
		"GPIO17 is already in use":                 func() error { _, err := pins.Output("GPIO17"); return err },
		"GPIO27 is already in use":                 func() error { _, err := pins.Input("GPIO27"); return err },
		`"GPIO27" is not configured as an output`:  func() error { _, err := pins.Output("GPIO27"); return err },
		`"GPIO17" is not configured as an input`:   func() error { _, err := pins.Input("GPIO17"); return err },
		`"GPIO5" is not configured as an input`:    func() error { _, err := pins.Input("GPIO5"); return err },
		`"GPIO4242" is not configured as an input`: func() error { _, err := pins.Input("GPIO4242"); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error is %v, want %q", err, name)
		}
	}
}

func TestABoardThatIsThereAlreadyOutlivesItsPins(t *testing.T) {
	board := machine(t)
	for run := 1; run <= 2; run++ {
		pins, err := Open(board, []Output{{"GPIO17", time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		motor, err := pins.Output("GPIO17")
		if err != nil {
			t.Fatal(err)
		}
		if err := motor.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		if s, _ := board.Snapshot(); s.Slots[0].Pulses != run || !s.Slots[0].Relay {
			t.Errorf("run %d: the board is %+v", run, s.Slots[0])
		}
		if err := pins.Close(); err != nil {
			t.Fatal(err)
		}
		if s, _ := board.Snapshot(); s.Slots[0].Relay {
			t.Errorf("run %d: the relay is on after the pins were let go", run)
		}
	}
}

// TestOneBadOutputHidesNoOther: what is there goes off, whatever else is wrong with the configuration.
func TestOneBadOutputHidesNoOther(t *testing.T) {
	board := machine(t)
	motor, err := board.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]Output{"no such pin": {"GPIO99", time.Second}, "no limit": {"GPIO27", 0},
		"an input": {"GPIO5", time.Second}} {
		if err := motor.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		_, err := Open(board, []Output{wrong, {"GPIO17", time.Second}})
		if err == nil || motor.Read() != periph.Low {
			t.Errorf("%s: Open answered %v and left the motor's relay %s", name, err, motor.Read())
		}
	}
}

func TestOpenSwitchesOffWhatAKilledProcessLeftOn(t *testing.T) {
	board := machine(t)
	path := filepath.Join(t.TempDir(), "board")
	l, err := simboard.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- simboard.Serve(ctx, l, board) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	relay := func() bool { s, _ := board.Snapshot(); return s.Slots[0].Relay }

	first, err := simboard.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	motor, err := first.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	if err := motor.Out(periph.High); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil || !relay() {
		t.Fatalf("the relay is not on after its process is gone: %v", err)
	}
	second, err := simboard.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	pins, err := Open(second, []Output{{"GPIO17", wire.OnMax}}, "GPIO27")
	if err != nil || relay() {
		t.Fatalf("after Open (%v) the relay is on: %v", err, relay())
	}
	if s, err := second.Snapshot(); err != nil || len(s.Slots) != 1 || s.Slots[0].Pulses != 1 {
		t.Errorf("the front through Open is %+v, %v", s, err)
	}
	if err := pins.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := pins.AllOff(); err == nil || !strings.Contains(err.Error(), "GPIO17") {
		t.Errorf("AllOff without a board answers %v, want an error that names the pin", err)
	}
}
