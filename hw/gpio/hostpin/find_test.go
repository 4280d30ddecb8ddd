package hostpin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	pi3 := named("gpiochip0", "pinctrl-bcm2835",
		append([]string{"ID_SDA", "ID_SCL", "SDA1", "SCL1"}, numbered(28)[4:]...)...)
	pi5 := named("gpiochip0", "pinctrl-rp1", make([]string, 54)...)
	other := named("gpiochip1", "raspberrypi-exp-gpio", "BT_ON", "WL_ON", "GPIO17")
	expander := named("gpiochip2", "mcp23017", "MOTOR", "DROP")
	unnamed := named("gpiochip2", "mcp23017", make([]string, 16)...)
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
		{[]chip{pi3, expander}, "mcp23017", "GPIO1",
			`gpio: GPIO1 is not on the chip gpiochip2 ("mcp23017"), whose line 1 is called DROP: write that name`},
		{[]chip{pi3, unnamed}, "mcp23017", "GPIO1", "line 1 of gpiochip2"}, // by its label, which no update changes
		{[]chip{pi3, unnamed}, "gpiochip2", "GPIO1",
			`gpio: GPIO1 is a pin of the header, and gpiochip2 ("mcp23017") is another chip: write chip = "pinctrl-bcm2835"`},
		{[]chip{pi3, unnamed}, "mcp23017", "P1_3",
			`gpio: P1_3 is a pin of the header, and gpiochip2 ("mcp23017") is another chip`},
		{[]chip{sim}, "/dev/gpiochip0", "GPIO3", "line 3 of gpiochip0"},
		{[]chip{sim}, "", "GPIO3",
			`gpio: no line is called GPIO3: write a name that gpioinfo shows, or set chip: this computer has gpiochip0 ("gpio-sim", 4 lines)`},
		{[]chip{sim}, "gpio-sim", "GPIO4", "gpio: no line is called GPIO4"},
		{[]chip{pi3}, "", "GPIO40", "gpio: no line is called GPIO40"},
		{[]chip{pi3}, "", "17", `gpio: "17" is no pin: write`},
		{[]chip{expander, named("gpiochip3", "mcp23017", "", "MOTOR")}, "", "MOTOR",
			"gpio: several lines are called MOTOR (line 0 of gpiochip2, line 1 of gpiochip3): set chip to the right one"},
		{[]chip{pi3, expander}, "gpiochip9", "MOTOR",
			`gpio: no chip is called "gpiochip9": write one of these as chip, or leave it out: gpiochip0 ("pinctrl-bcm2835", 28 lines), gpiochip2 (`},
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

// soc is the chip of a Raspberry Pi 5's processor, which drives its power supply and its radio: gpiochip0 on kernels
// that call the header's gpiochip4.
func soc(name string) chip {
	return named(name, "gpio-brcmstb@107d508500", "-", "2712_BOOT_CS_N", "2712_BOOT_MISO", "2712_BOOT_MOSI",
		"2712_BOOT_SCLK", "-", "-",
		"-", "-", "-", "-", "-", "-", "-", "PCIE_SDA", "PCIE_SCL", "-", "-", "-", "-", "PWR_GPIO", "2712_G21_FS", "-",
		"-", "BT_RTS",
		"BT_CTS", "BT_TXD", "BT_RXD", "WL_ON", "BT_ON", "WIFI_SDIO_CLK", "WIFI_SDIO_CMD")
}

// TestNoPinOfTheHeaderIsEverSoughtOnAnotherChip, whatever number the kernel gave the chips this time.
func TestNoPinOfTheHeaderIsEverSoughtOnAnotherChip(t *testing.T) {
	for _, rp1 := range []chip{named("gpiochip4", "pinctrl-rp1", make([]string, 54)...),
		named("gpiochip4", "pinctrl-rp1", append(
			[]string{"ID_SD", "ID_SC", "PIN3", "PIN5", "PIN7", "PIN29", "PIN31", "PIN26", "PIN24", "PIN21",
				"PIN19", "PIN23", "PIN32", "PIN33", "PIN8", "PIN10", "PIN36", "PIN11"}, make([]string, 36)...)...)} {
		for _, on := range []string{"gpiochip0", "/dev/gpiochip0", "gpio-brcmstb@107d508500"} {
			// the header's may be hidden
			for _, machine := range [][]chip{{soc("gpiochip0"), rp1}, {soc("gpiochip0")}} {
				b, err := open(newBench(t, machine...), on, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, pin := range []string{"GPIO17", "GPIO20", "P1_11", "P1_38", "GPIO0"} {
					at, err := b.find(pin)
					if err == nil || !strings.Contains(err.Error(), pin) ||
						!strings.Contains(err.Error(), "leave chip out") {
						t.Errorf("%s on %s of %s: %v, %v", pin, on, describe(machine), at, err)
					}
					if _, err := b.Pin(pin); err == nil {
						t.Errorf("%s on %s is handed out", pin, on)
					}
				}
				if at, err := b.find("WL_ON"); err != nil || at.line != 28 {
					t.Errorf("the chip's own line by its name: %v, %v", at, err)
				}
			}
		}
		for _, on := range []string{"", "gpiochip4", "/dev/gpiochip4", "pinctrl-rp1"} {
			b, err := open(newBench(t, soc("gpiochip0"), rp1), on, nil)
			if err != nil {
				t.Fatal(err)
			}
			for pin, line := range map[string]int{"GPIO17": 17, "GPIO20": 20, "P1_11": 17} {
				if at, err := b.find(pin); err != nil || at.chip != "gpiochip4" || at.line != line {
					t.Errorf("%s on %q: %v, %v", pin, on, at, err)
				}
			}
		}
	}
}

// TestAChipIsKnownByTheLinksThatLeadToIt: an update made gpiochip4 a link to gpiochip0.
func TestAChipIsKnownByTheLinksThatLeadToIt(t *testing.T) {
	rp1 := named("gpiochip0", "pinctrl-rp1", make([]string, 54)...)
	rp1.links = []string{"gpiochip4"}
	for _, on := range []string{"gpiochip4", "/dev/gpiochip4", "gpiochip0"} {
		b, err := open(newBench(t, soc("gpiochip10"), rp1), on, nil)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := b.find("P1_11"); err != nil || at.String() != "line 17 of gpiochip0" {
			t.Errorf("P1_11 on %s: %v, %v", on, at, err)
		}
	}
	if _, err := open(newBench(t, rp1), "gpiochip5", nil); err == nil ||
		!strings.Contains(err.Error(), "no chip is called") {
		t.Errorf("a chip that is not there: %v", err)
	}
	dir := t.TempDir()
	for name, to := range map[string]string{"gpiochip4": "gpiochip0", "gpiochip5": "/dev/null",
		"gpiochip6": "gpiochip4", "gpiochip7": "nothing"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "gpiochip0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paths, links := devices{dir}.names()
	if want := []string{filepath.Join(dir, "gpiochip0")}; !slices.Equal(paths, want) {
		t.Errorf("the chips are %q, want %q", paths, want)
	}
	if got, want := links[filepath.Join(dir, "gpiochip0")],
		[]string{"gpiochip4", "gpiochip6"}; !slices.Equal(got, want) {
		t.Errorf("the links to it are %q, want %q", got, want)
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
		"gpio: SDA1 and GPIO2 are the same line, line 2 of gpiochip0: describe it once": {{Pin: "SDA1"},
			{Pin: "GPIO2"}},
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
	if _, err := open(k, "", nil); err == nil ||
		!strings.HasSuffix(err.Error(), "add kioskd's user to the group gpio") {
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
	if want := []string{"line 17 of gpiochip0 is in use by somebody",
		"line 27 of gpiochip0 is in use by somebody"}; !slices.Equal(said, want) {
		t.Errorf("it says %q", said)
	}
}
