// Package simulated builds the simulated machine that a config with GPIO driver "sim" describes.
package simulated

import (
	"fmt"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/wire"
	"kioskd/internal/config"
)

// Machine is a simulated machine: pins to drive it by, and a front to press and look at.
type Machine interface {
	gpio.Source
	simboard.Front
}

// Config gives a simulated machine the parts of its front that the config names no pin for: they cost nothing there.
func Config(cfg config.Config) config.Config {
	if cfg.GPIO.Driver != "sim" {
		return cfg
	}
	for pin, name := range map[*string]string{&cfg.GPIO.Cancel: "SIM-CANCEL", &cfg.GPIO.Retry: "SIM-RETRY",
		&cfg.GPIO.Door: "SIM-DOOR"} {
		if *pin == "" {
			*pin = name
		}
	}
	return cfg
}

// Wiring is the config's machine as a simulated board is built from it.
func Wiring(cfg config.Config) simboard.Wiring {
	cfg = Config(cfg)
	front := func(role wire.Role) string { return wire.Find(cfg.Wires(), "", role).Pin }
	w := simboard.Wiring{Door: front(wire.Door), Cancel: front(wire.Cancel), Retry: front(wire.Retry),
		Tilt:   front(wire.Tilt),
		Keypad: simboard.Keypad{Rows: cfg.Keypad.Rows, Columns: cfg.Keypad.Columns, Keys: cfg.Keypad.Keys}}
	for _, s := range cfg.Slots {
		own := s.Wires()
		pin := func(roles ...wire.Role) string { return wire.Find(own, s.ID, roles...).Pin }
		w.Slots = append(w.Slots, simboard.Slot{ID: s.ID, Relay: pin(wire.Motor, wire.Bolt, wire.Latch),
			Drop:   pin(wire.Drop),
			Button: pin(wire.Button), Home: pin(wire.Home), Opened: pin(wire.DoorContact),
			Latch: pin(wire.Latch) != ""})
	}
	return w
}

// Open makes the config's machine in this process, or reaches the one of a process of its own that the config's [gpio]
// device names. It moves nothing.
func Open(cfg config.Config) (Machine, error) {
	if cfg.GPIO.Device == "" {
		board, err := simboard.New(Wiring(cfg), simboard.Physics{})
		if err != nil {
			return nil, fmt.Errorf("gpio: %w", err)
		}
		return board, nil
	}
	client, err := simboard.Dial(cfg.GPIO.Device)
	if err != nil {
		return nil, fmt.Errorf(
			"gpio: no simulated board answers at device %q: start it, or remove device for one in this process: %w",
			cfg.GPIO.Device, err)
	}
	return client, nil
}
