// Package hardware is a kiosk's hardware as its config describes it: pins, serial lines, boards, slots, buttons and
// switches, opened and watched. It decides nothing about a sale.
package hardware

import (
	"fmt"
	"slices"

	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/gpio/pinname"
	"kioskd/hw/wire"
	"kioskd/internal/config"
)

// outputs are the wires that move something, inputs the pins of those that are read.
func outputs(all []wire.Wire) (out []pins.Output) {
	for _, w := range all {
		if w.Role.Facts().Output {
			out = append(out, pins.Output{Pin: w.Pin, MaxOn: w.MaxOn})
		}
	}
	return out
}

func inputs(all []wire.Wire) (in []string) {
	for _, w := range all {
		if !w.Role.Facts().Output {
			in = append(in, w.Pin)
		}
	}
	return in
}

// OpenPins takes all pins of the config from where they are handed in, or with nil from the kernel, and makes the
// outputs inactive.
func OpenPins(cfg config.Config, from pins.Source) (*pins.Pins, error) {
	all := cfg.Wires()
	return openPins(cfg, from, outputs(all), inputs(all)...)
}

func openPins(cfg config.Config, from pins.Source, outputs []pins.Output, inputs ...string) (*pins.Pins, error) {
	if from == nil {
		if cfg.GPIO.Driver != "host" {
			return nil, fmt.Errorf(
				`gpio: nobody handed in the pins of driver %.40q: set driver = "host" for this computer's own`,
				cfg.GPIO.Driver)
		}
		var err error
		if from, err = hostpin.Open(cfg.GPIO.Chip, unusual(cfg)); err != nil {
			return nil, err
		}
	}
	return pins.Open(from, outputs, inputs...)
}

// unusual says which pins are not wired the usual way.
func unusual(cfg config.Config) (all []hostpin.Wire) {
	for _, p := range cfg.Pins {
		all = append(all, hostpin.Wire{Pin: p.Name, ActiveLow: p.ActiveLow, Pull: p.Pull, Debounce: p.Debounce})
	}
	return openDrain(all, cfg.Keypad.Rows)
}

// Relays are the outputs that a config names, which may have mistakes: each counts, once.
func Relays(cfg config.Config) (all []pins.Output) {
	for _, w := range cfg.Wires() {
		o := pins.Output{Pin: w.Pin, MaxOn: wire.OnMax}
		if w.Slot != "" && w.Role.Facts().Output && !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}

// OutputsOff makes a config's Relays inactive, and says how many they are. From is where their pins are, which it
// closes; nil: with the kernel.
func OutputsOff(cfg config.Config, from pins.Source) (int, error) {
	all := Relays(cfg)
	p, err := openPins(cfg, from, all)
	if err != nil {
		return 0, err
	}
	return len(all), p.Close()
}

// openDrain makes open drains of the keypad's rows, which meet when two keys are down.
func openDrain(all []hostpin.Wire, rows []string) []hostpin.Wire {
	for _, row := range rows {
		name, _ := pinname.Canonical(row)
		i := slices.IndexFunc(all, func(w hostpin.Wire) bool {
			other, _ := pinname.Canonical(w.Pin)
			return other == name
		})
		if i < 0 {
			i, all = len(all), append(all, hostpin.Wire{Pin: row})
		}
		all[i].OpenDrain = true
	}
	return all
}

// PinNames are the pins that the config's kiosk uses, as the config writes them.
func PinNames(cfg config.Config) (names []string) {
	all := cfg.Wires()
	for _, o := range outputs(all) {
		names = append(names, o.Pin)
	}
	return append(names, inputs(all)...)
}

// LookAtPins asks the kernel where the config's pins are and who holds them. It requests none.
func LookAtPins(cfg config.Config) ([]hostpin.Use, error) {
	return hostpin.Look(cfg.GPIO.Chip, PinNames(cfg))
}

// Lines is LookAtPins of a machine whose pins are the kernel's; nil: they are simulated.
func Lines(cfg config.Config) func() ([]hostpin.Use, error) {
	if cfg.GPIO.Driver != "host" {
		return nil
	}
	return func() ([]hostpin.Use, error) { return LookAtPins(cfg) }
}
