package wiring

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

func example(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Parse("example.toml", []byte(config.Example), t.TempDir(), drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestTheHeaderIsTheRaspberryPis: by the pins of its documentation that are easiest to get wrong.
func TestTheHeaderIsTheRaspberryPis(t *testing.T) {
	for position, want := range map[int]string{1: "3.3 V", 2: "5 V", 3: "GPIO2", 4: "5 V", 6: "GND", 8: "GPIO14",
		17: "3.3 V", 20: "GND", 27: "GPIO0", 36: "GPIO16", 39: "GND", 40: "GPIO21"} {
		if got := label(position); got != want {
			t.Errorf("at pin %d stands %s, want %s", position, got, want)
		}
	}
	ground := 0
	for n := range headerPins {
		if label(n+1) == "GND" {
			ground++
		}
	}
	if ground != 8 || place("GPIO21") != 40 || place("GPIO28") != 0 || place("GND") != 0 || place("") != 0 {
		t.Errorf("%d pins are ground, GPIO21 is at %d, GPIO28 at %d", ground, place("GPIO21"), place("GPIO28"))
	}
}

func TestEveryWireOfTheConfigIsNamed(t *testing.T) {
	cfg := example(t)
	cfg.GPIO.Tilt, cfg.GPIO.Retry = "GPIO21", "GPIO20"
	spiral := cfg.Slots[0].Vend.(relay.Config)
	spiral.Home = "GPIO4"
	cfg.Slots[0].Vend = spiral
	cfg.Display = config.Display{Driver: "epd", DC: "GPIO28", Reset: "GPIO29", Busy: "GPIO30"}
	cfg.Keypad = config.Keypad{Rows: []string{"GPIO31"}, Columns: []string{"GPIO32"}, Keys: []string{"A"}}
	var pins []string
	for _, p := range Parts(cfg) {
		pins = append(pins, p.Pin)
		if p.Does == "" || p.Kind == Motor && p.Add == "" {
			t.Errorf("%+v", p)
		}
	}
	want := []string{cfg.GPIO.Cancel, cfg.GPIO.Retry, cfg.GPIO.Door, cfg.GPIO.Tilt, "GPIO28", "GPIO29", "GPIO30",
		"GPIO31", "GPIO32", spiData, spiClock, spiSelect}
	for _, s := range cfg.Slots {
		want = append(want, s.Button)
		switch v := s.Vend.(type) {
		case relay.Config:
			want = append(want, v.Relay, v.Drop, v.Home)
		case lock.Config:
			want = append(want, v.Relay, v.Opened)
		}
	}
	want = slices.DeleteFunc(want, func(pin string) bool { return pin == "" })
	slices.Sort(pins)
	slices.Sort(want)
	if !slices.Equal(pins, want) {
		t.Errorf("the wires are %v, want %v", pins, want)
	}
}

// TestARelayThatThePowerOnWouldMoveIsWarnedOf: the chip pulls GPIO0 to GPIO8 up until somebody says otherwise, and the
// others down.
func TestARelayThatThePowerOnWouldMoveIsWarnedOf(t *testing.T) {
	cfg := example(t)
	for _, low := range []bool{false, true} {
		for pin, up := range map[string]bool{"GPIO8": true, "P1_29": true, "GPIO9": false, "GPIO17": false} {
			cfg.Slots[0].Vend = relay.Config{Relay: pin}
			cfg.Pins = []config.Pin{{Name: pin, ActiveLow: &low}}
			p, add := Parts(cfg)[0], "GND"
			if low {
				add = "3.3 V"
			}
			if (p.Warning != "") != (up != low) || !strings.HasSuffix(p.Add, add) {
				t.Errorf("a relay on %s, active low %v: add %q, the warning is %q", pin, low, p.Add, p.Warning)
			}
		}
	}
	cfg.Slots[0].Vend = relay.Config{Relay: "RELAY1"}
	if p := Parts(cfg)[0]; p.Warning != "" || p.Position != 0 || p.Line != "RELAY1" {
		t.Errorf("a line of another chip: %+v", p)
	}
}

func TestAContactThatIsWiredTheOtherWayIsToldSo(t *testing.T) {
	cfg := example(t)
	high := false
	cfg.Pins = []config.Pin{{Name: cfg.GPIO.Door, ActiveLow: &high}}
	for _, p := range Parts(cfg) {
		if want := "Low"; p.Kind != Motor && (p.Name == "door switch") == strings.HasPrefix(p.Does, want) {
			t.Errorf("%s: %s", p.Title(), p.Does)
		}
	}
}

// TestTheDrawingIsWellFormedAndNamesEveryWire, with names that would break it.
func TestTheDrawingIsWellFormedAndNamesEveryWire(t *testing.T) {
	cfg := example(t)
	cfg.GPIO.Tilt = "GPIO40" // of no header
	var b strings.Builder
	parts := Parts(cfg)
	if err := Draw(&b, `Bar <&> "Åre"`, parts); err != nil {
		t.Fatal(err)
	}
	text := ""
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text += string(c) + "\n"
		}
	}
	for _, p := range parts {
		if !strings.Contains(text, p.Title()) || !strings.Contains(text, p.Line+",") {
			t.Errorf("%s at %s is not in the drawing", p.Title(), p.Pin)
		}
	}
	if !strings.Contains(text, `Bar <&> "Åre"`) || !strings.Contains(text, "Not on the header: GPIO40") {
		t.Errorf("the title or the pin without a place is missing in %s", text)
	}
}

// TestTheDocumentsDrawingIsTheExamples: "go generate" draws docs/wiring.svg from docs/wiring.toml.
func TestTheDocumentsDrawingIsTheExamples(t *testing.T) {
	cfg, err := config.Load("../../docs/wiring.toml", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Draw(&b, cfg.Machine.Name, Parts(cfg)); err != nil {
		t.Fatal(err)
	}
	drawn, err := os.ReadFile("../../docs/wiring.svg")
	if err != nil || string(drawn) != b.String() {
		t.Errorf("docs/wiring.svg is not what the code draws (%v): run go generate ./internal/wiring", err)
	}
}
