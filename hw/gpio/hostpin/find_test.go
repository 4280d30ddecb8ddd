package hostpin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
)

func named(name, label string, lines ...string) chip {
	return chip{path: "/dev/" + name, name: name, label: label, lines: lines}
}

func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("GPIO%d", i))
	}
	return all
}

func TestAPinIsFoundWhereATechnicianMeansIt(t *testing.T) {
	pi3 := named("gpiochip0", "pinctrl-bcm2835", append([]string{"ID_SDA", "ID_SCL", "SDA1", "SCL1"}, numbered(28)[4:]...)...)
	pi5 := named("gpiochip0", "pinctrl-rp1", make([]string, 54)...)
	other := named("gpiochip1", "raspberrypi-exp-gpio", "BT_ON", "WL_ON", "GPIO17")
	expander := named("gpiochip2", "mcp23017", "MOTOR", "DROP")
	sim := named("gpiochip0", "gpio-sim", "RELAY", "", "", "")
	for _, c := range []struct {
		chips    []chip
		on, name string
		want     string
	}{
		{[]chip{pi3}, "", "GPIO17", "line 17 of gpiochip0"},
		{[]chip{pi3}, "", "P1_11", "line 17 of gpiochip0"},
		{[]chip{pi3}, "", "P1_3", "line 2 of gpiochip0"}, // whose line has another name
		{[]chip{pi3}, "", "SDA1", "line 2 of gpiochip0"},
		{[]chip{other, pi3}, "", "GPIO17", "line 17 of gpiochip0"}, // the header's before any other's
		{[]chip{other, pi5}, "", "GPIO17", "line 17 of gpiochip0"}, // whose lines have no names
		{[]chip{pi5}, "", "GPIO53", "line 53 of gpiochip0"},
		{[]chip{pi3, expander}, "", "MOTOR", "line 0 of gpiochip2"},
		{[]chip{pi3, other}, "gpiochip1", "GPIO17", "line 2 of gpiochip1"},
		{[]chip{pi3, expander}, "mcp23017", "GPIO1", "line 1 of gpiochip2"},
		{[]chip{sim}, "/dev/gpiochip0", "GPIO3", "line 3 of gpiochip0"},
		{[]chip{sim}, "", "GPIO3", `gpio: no line is called GPIO3: write a name that gpioinfo shows, or set chip: this computer has gpiochip0 ("gpio-sim", 4 lines)`},
		{[]chip{sim}, "gpio-sim", "GPIO4", "gpio: no line is called GPIO4"},
		{[]chip{pi3}, "", "GPIO40", "gpio: no line is called GPIO40"},
		{[]chip{pi3}, "", "17", `gpio: "17" is no pin: write`},
		{[]chip{expander, named("gpiochip3", "mcp23017", "", "MOTOR")}, "", "MOTOR", "gpio: several lines are called MOTOR (line 0 of gpiochip2, line 1 of gpiochip3): set chip to the right one"},
		{[]chip{pi3, expander}, "gpiochip9", "MOTOR", `gpio: no chip is called "gpiochip9": write one of these as chip, or leave it out: gpiochip0 ("pinctrl-bcm2835", 28 lines), gpiochip2 (`},
		{nil, "", "GPIO17", "gpio: this computer has no GPIO chip (/dev/gpiochip0): run kioskd on a Raspberry Pi"},
	} {
		got := ""
		if b, err := open(newBench(t, c.chips...), c.on, nil); err != nil {
			got = err.Error()
		} else if at, err := b.find(c.name); err != nil {
			got = err.Error()
		} else {
			got = at.String()
		}
		if !strings.HasPrefix(got, c.want) || strings.HasPrefix(c.want, "line") && got != c.want {
			t.Errorf("%s on %q: %s, want %s", c.name, c.on, got, c.want)
		}
	}
}

func TestOneLineUnderTwoNamesIsFound(t *testing.T) {
	k := newBench(t, named("gpiochip0", "pinctrl-bcm2835", "", "", "SDA1"))
	b, err := open(k, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := b.Pin("SDA1"); err != nil || p.Name() != "SDA1" || p.Number() != 2 {
		t.Errorf("the pin is %v, %v", p, err)
	}
	const want = "gpio: SDA1 and P1_3 are the same line, line 2 of gpiochip0: give each part a pin of its own"
	if _, err := b.Pin("P1_3"); err == nil || err.Error() != want {
		t.Errorf("its other name answers %v, want %s", err, want)
	}
	for want, wires := range map[string][]Wire{
		"gpio: SDA1 and GPIO2 are the same line, line 2 of gpiochip0: describe it once": {{Pin: "SDA1"}, {Pin: "GPIO2"}},
		"gpio: no line is called NONE": {{Pin: "NONE"}},
		"gpio: SDA1: debounce 1s":      {{Pin: "SDA1", Debounce: time.Second}},
		"gpio: SDA1: debounce -1ns":    {{Pin: "SDA1", Debounce: -1}},
		"gpio: SDA1: pull \"odd\"":     {{Pin: "SDA1", Pull: "odd"}},
	} {
		if _, err := open(k, "", wires); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v answers %v, want %s", wires, err, want)
		}
	}
}

func TestAChipThatMayNotBeOpenedIsSaid(t *testing.T) {
	k := newBench(t)
	k.hidden = errors.New("/dev/gpiochip0 may not be opened: add kioskd's user to the group gpio")
	if _, err := open(k, "", nil); err == nil || !strings.HasSuffix(err.Error(), "add kioskd's user to the group gpio") {
		t.Errorf("with no other chip: %v", err)
	}
	k.all = []chip{named("gpiochip1", "raspberrypi-exp-gpio", "BT_ON")}
	b, err := open(k, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pin("GPIO17"); err == nil || !strings.HasSuffix(err.Error(), "add kioskd's user to the group gpio") {
		t.Errorf("a pin that may be on it: %v", err)
	}
	if _, err := open(devices{t.TempDir()}, "", nil); !errors.Is(err, errNoChip) {
		t.Errorf("without any chip: %v", err)
	}
}

func TestALineThatIsRefusedIsAnError(t *testing.T) {
	k := newBench(t, pi())
	refused := errors.New("is in use by somebody")
	k.taken[k.all[0].spot(17)], k.taken[k.all[0].spot(27)] = refused, refused
	b, err := open(k, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for name, use := range map[string]func(gpio.PinIO) error{
		"GPIO17": func(p gpio.PinIO) error { return p.Out(gpio.Low) },
		"GPIO27": func(p gpio.PinIO) error { return p.In(gpio.PullUp, gpio.NoEdge) },
	} {
		p, err := b.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := use(p); err == nil {
			t.Errorf("%s: a line that is refused is no error", name)
		} else {
			said = append(said, err.Error())
		}
	}
	slices.Sort(said)
	if want := []string{"line 17 of gpiochip0 is in use by somebody", "line 27 of gpiochip0 is in use by somebody"}; !slices.Equal(said, want) {
		t.Errorf("it says %q", said)
	}
}
