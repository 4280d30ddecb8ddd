package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
)

// contactHold is how long a button or a door must stand still to count; a finger stays longer, a bounce does not.
const contactHold = 20 * time.Millisecond

// tiltQuiet is how long a machine that was shaken must stand still to sell again.
const tiltQuiet = 5 * time.Second

// pinConfig says which pins the config uses, and for a simulated machine what is wired to them.
func pinConfig(cfg config.Config, p Parts) pins.Config {
	g := cfg.GPIO
	pc := pins.Config{Driver: g.Driver, Device: g.Device, Chip: g.Chip, Wires: wires(cfg), Board: Wiring(cfg), Physics: p.Physics, Made: p.Board}
	input := func(name string) {
		if name != "" {
			pc.Inputs = append(pc.Inputs, name)
		}
	}
	for _, s := range cfg.Slots {
		if s.Vend.Relay != "" {
			pc.Outputs = append(pc.Outputs, pins.Output{Pin: s.Vend.Relay, MaxOn: onMax(s)})
		}
		input(s.Vend.Drop)
		input(s.Vend.Home)
		input(s.Vend.Opened)
		input(s.Button)
	}
	for _, name := range slices.Concat([]string{g.Door, g.Tilt, g.Cancel, g.Retry}, cfg.Keypad.Columns) {
		input(name)
	}
	for _, row := range cfg.Keypad.Rows {
		pc.Outputs = append(pc.Outputs, pins.Output{Pin: row, MaxOn: pins.RowMax})
	}
	return pc
}

// wires says which pins are not wired the usual way.
func wires(cfg config.Config) (all []hostpin.Wire) {
	for _, p := range cfg.Pins {
		all = append(all, hostpin.Wire{Pin: p.Name, ActiveLow: p.ActiveLow, Pull: p.Pull, Debounce: p.Debounce})
	}
	return openDrain(all, cfg.Keypad.Rows)
}

// simulated gives a simulated machine the parts of its front that the config names no pin for: they cost nothing there.
func simulated(cfg config.Config) config.Config {
	if cfg.GPIO.Driver != "sim" {
		return cfg
	}
	for pin, name := range map[*string]string{&cfg.GPIO.Cancel: "SIM-CANCEL", &cfg.GPIO.Retry: "SIM-RETRY", &cfg.GPIO.Door: "SIM-DOOR"} {
		if *pin == "" {
			*pin = name
		}
	}
	return cfg
}

// Wiring is the config's machine as a simulated board is built from it.
func Wiring(cfg config.Config) simboard.Wiring {
	cfg = simulated(cfg)
	w := simboard.Wiring{Door: cfg.GPIO.Door, Cancel: cfg.GPIO.Cancel, Retry: cfg.GPIO.Retry, Tilt: cfg.GPIO.Tilt,
		Keypad: simboard.Keypad{Rows: cfg.Keypad.Rows, Columns: cfg.Keypad.Columns, Keys: cfg.Keypad.Keys}}
	for _, s := range cfg.Slots {
		w.Slots = append(w.Slots, simboard.Slot{ID: s.ID, Relay: s.Vend.Relay, Drop: s.Vend.Drop, Button: s.Button,
			Home: s.Vend.Home, Opened: s.Vend.Opened, Latch: s.Vend.Pulse > 0})
	}
	return w
}

// OutputsOff makes the config's outputs inactive, and says how many they are. The config may have mistakes: each output that it
// names counts, once.
func OutputsOff(cfg config.Config) (int, error) {
	pc := pins.Config{Driver: cfg.GPIO.Driver, Device: cfg.GPIO.Device, Chip: cfg.GPIO.Chip, Wires: wires(cfg)}
	if pc.Driver == "sim" && pc.Device == "" {
		return len(slices.DeleteFunc(slices.Clone(cfg.Slots), func(s config.Slot) bool { return s.Vend.Relay == "" })), nil // a board in the daemon's own process ends with it
	}
	for _, s := range cfg.Slots {
		o := pins.Output{Pin: s.Vend.Relay, MaxOn: pins.OnMax}
		if o.Pin != "" && !slices.Contains(pc.Outputs, o) {
			pc.Outputs = append(pc.Outputs, o)
		}
	}
	p, err := pins.Open(pc)
	if err != nil {
		return 0, err
	}
	return len(pc.Outputs), p.Close()
}

// contact is a button or a switch, and what follows from it.
type contact struct {
	name   string
	follow func(ctx context.Context) error
}

// wire connects buttons and switches to the kiosk.
func wire(cfg config.Config, p *pins.Pins, k *kiosk.Kiosk) ([]contact, error) {
	var all []contact
	button := func(name, pin string, press func() bool) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, contact{name, func(ctx context.Context) error {
			return pins.Presses(ctx, in, contactHold, func(e pins.Press) {
				if e == pins.Pressed {
					press()
				}
			})
		}})
		return nil
	}
	// A switch whose line is at its bad level stands against selling.
	guard := func(fault fsm.Fault, pin string, bad gpio.Level) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, contact{fault.Name, func(ctx context.Context) error {
			return pins.Watch(ctx, in, contactHold, func(l gpio.Level) {
				if l == bad {
					k.Raise(fault)
				} else {
					k.Clear(fault.Name)
				}
			})
		}})
		return nil
	}
	tilt := func(pin string) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, contact{"tilt", func(ctx context.Context) error {
			return pins.Shakes(ctx, in, tiltQuiet, func(shaken bool) {
				if shaken {
					k.Raise(fsm.Fault{Name: "tilt"})
				} else {
					k.Clear("tilt")
				}
			})
		}})
		return nil
	}
	var errs []error
	for _, s := range cfg.Slots {
		errs = append(errs, button(s.ID, s.Button, func() bool { return k.Choose(s.ID) }))
	}
	errs = append(errs, button("cancel", cfg.GPIO.Cancel, k.Cancel), button("retry", cfg.GPIO.Retry, k.Retry),
		guard(fsm.Fault{Name: fsm.FaultDoor, Hard: true}, cfg.GPIO.Door, gpio.High), // a cut wire reads as an open door
		tilt(cfg.GPIO.Tilt))
	return all, errors.Join(errs...)
}

// follow watches all contacts, and the machine on the bus, until ctx ends. One that cannot be watched any more takes the machine out of service.
func (a *App) follow(ctx context.Context) {
	var wg sync.WaitGroup
	if a.bus != nil {
		wg.Go(func() { a.bus.run(ctx) })
	}
	for _, c := range a.contacts {
		wg.Go(func() {
			if err := c.follow(ctx); err != nil && ctx.Err() == nil {
				a.log.Error().Err(err).Str("contact", c.name).Msg("cannot be watched")
				a.Kiosk.Raise(fsm.Fault{Name: "hardware", Hard: true})
			}
		})
	}
	wg.Wait()
}
