package pinname

import (
	"strings"
	"testing"
)

func TestAPinHasOneNameHoweverItIsWritten(t *testing.T) {
	for s, want := range map[string]string{
		"GPIO17": "GPIO17", "P1_11": "GPIO17", "GPIO0": "GPIO0", "P1_27": "GPIO0", "P1_3": "GPIO2", "P1_40": "GPIO21",
		"GPIO53": "GPIO53", "MOTOR": "MOTOR", "SPI_CE0_N": "SPI_CE0_N", "GPIO_GCLK": "GPIO_GCLK", "PIN11": "PIN11",
		"x:2/3.a+b-c": "x:2/3.a+b-c",
	} {
		if got, err := Canonical(s); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %s", s, got, err, want)
		}
	}
}

func TestWhatIsNoPinSaysWhatToWrite(t *testing.T) {
	for s, want := range map[string]string{
		"": "GPIO0", "17": "GPIO0", "GPIO": "GPIO0", "GPIO54": "GPIO53", "GPIO017": "GPIO0", "gpio17": "GPIO0",
		"GPIO-17": "GPIO0", "GPIO 17": "GPIO0", "Gpio_17": "GPIO0",
		"P1_1": "power or ground", "P1_39": "power or ground", "P1_0": "P1_3", "P1_41": "P1_40", "P1_011": "P1_3",
		"P1_": "P1_3", "p1_11": "P1_3",
		"two words": "gpioinfo", "_x": "gpioinfo", "å": "gpioinfo", strings.Repeat("x", 32): "gpioinfo",
	} {
		if got, err := Canonical(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %q, %v, want an error with %q", s, got, err, want)
		}
	}
}

// TestTheHeaderHasEachOfItsPinsOnce: 28 GPIOs, 0 to 27, and 12 positions of power and ground.
func TestTheHeaderHasEachOfItsPinsOnce(t *testing.T) {
	seen := map[int]bool{}
	for p := 1; p <= positions; p++ {
		if n := header[p]; n >= 0 {
			if n > 27 || seen[n] {
				t.Errorf("position %d is GPIO%d, which is none or another's", p, n)
			}
			seen[n] = true
		}
	}
	if len(seen) != 28 {
		t.Errorf("the header has %d GPIOs, want 28", len(seen))
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"GPIO17", "P1_11", "P1_1", "MOTOR", "gpio17", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := Canonical(s)
		if err != nil {
			return
		}
		if again, err := Canonical(name); err != nil || again != name {
			t.Errorf("%q is %q, and that is %q, %v", s, name, again, err)
		}
		if n, ok := Number(name); ok && n > Last {
			t.Errorf("%q is number %d", s, n)
		}
	})
}
