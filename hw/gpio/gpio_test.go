package gpio

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

func wiring() simboard.Wiring {
	return simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Relay: "GPIO17", Drop: "GPIO27", Button: "GPIO5"}}, Cancel: "GPIO6"}
}

func TestAMistakeInTheConfigurationNamesThePinAndTheRemedy(t *testing.T) {
	out := func(names ...string) (outs []Output) {
		for _, n := range names {
			outs = append(outs, Output{n, time.Second})
		}
		return outs
	}
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"no such chip":     {Config{Driver: "host", Chip: "nowhere"}, []string{"chip"}},
		"no driver":        {Config{}, []string{"unknown driver", `"host" or "sim"`}},
		"other driver":     {Config{Driver: "spi"}, []string{"spi", "unknown driver", `"sim"`}},
		"unknown output":   {Config{Driver: "sim", Outputs: out("GPIO99")}, []string{"GPIO99", "check the name"}},
		"unknown input":    {Config{Driver: "sim", Inputs: []string{"GPIO99"}}, []string{"GPIO99", "check the name"}},
		"twice an output":  {Config{Driver: "sim", Outputs: out("GPIO17", "GPIO17")}, []string{"GPIO17", "twice", "pin of its own"}},
		"output and input": {Config{Driver: "sim", Outputs: out("GPIO17"), Inputs: []string{"GPIO17"}}, []string{"GPIO17", "twice"}},
		"a sensor driven":  {Config{Driver: "sim", Outputs: out("GPIO27")}, []string{"GPIO27", "drop sensor of slot A1"}},
		"no limit":         {Config{Driver: "sim", Outputs: []Output{{Pin: "GPIO17"}}}, []string{"GPIO17", "maximum on-time"}},
		"no board there":   {Config{Driver: "sim", Device: "nowhere"}, []string{"nowhere", "start it"}},
	} {
		if c.config.Device == "" {
			c.config.Board = wiring()
		}
		_, err := Open(c.config)
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
	pins, err := Open(Config{Driver: "sim", Board: wiring(), Outputs: []Output{{"GPIO17", time.Second}}, Inputs: []string{"GPIO27"}})
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
	board, err := simboard.New(wiring(), simboard.Physics{})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Driver: "sim", Made: board, Outputs: []Output{{"GPIO17", time.Second}}}
	for run := 1; run <= 2; run++ {
		pins, err := Open(config)
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
		front, _ := pins.Simulated()
		if s, _ := front.Snapshot(); s.Slots[0].Pulses != run || !s.Slots[0].Relay {
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
	board, err := simboard.New(wiring(), simboard.Physics{})
	if err != nil {
		t.Fatal(err)
	}
	motor, err := board.Pin("GPIO17")
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]Output{"no such pin": {"GPIO99", time.Second}, "no limit": {"GPIO27", 0}, "an input": {"GPIO5", time.Second}} {
		if err := motor.Out(periph.High); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{Driver: "sim", Made: board, Outputs: []Output{wrong, {"GPIO17", time.Second}}})
		if err == nil || motor.Read() != periph.Low {
			t.Errorf("%s: Open answered %v and left the motor's relay %s", name, err, motor.Read())
		}
	}
}

func TestOpenSwitchesOffWhatAKilledProcessLeftOn(t *testing.T) {
	board, err := simboard.New(wiring(), simboard.Physics{})
	if err != nil {
		t.Fatal(err)
	}
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
	config := Config{Driver: "sim", Device: path, Outputs: []Output{{"GPIO17", OnMax}}, Inputs: []string{"GPIO27"}}
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
	pins, err := Open(config)
	if err != nil || relay() {
		t.Fatalf("after Open (%v) the relay is on: %v", err, relay())
	}
	front, ok := pins.Simulated()
	if s, err := front.Snapshot(); !ok || err != nil || len(s.Slots) != 1 || s.Slots[0].Pulses != 1 {
		t.Errorf("the front through Open is %+v, %v", s, err)
	}
	if err := pins.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := pins.AllOff(); err == nil || !strings.Contains(err.Error(), "GPIO17") {
		t.Errorf("AllOff without a board answers %v, want an error that names the pin", err)
	}
}
