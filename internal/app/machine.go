package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/wire"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
)

// contactHold is how long a button or a door must stand still to count; a finger stays longer, a bounce does not.
const contactHold = 20 * time.Millisecond

// tiltQuiet is how long a machine that was shaken must stand still to sell again.
const tiltQuiet = 5 * time.Second

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

// openPins takes the config's pins from where they are handed in, or from the kernel.
func openPins(cfg config.Config, from pins.Source, outputs []pins.Output, inputs ...string) (*pins.Pins, error) {
	if from == nil {
		if cfg.GPIO.Driver != "host" {
			return nil, fmt.Errorf(`gpio: nobody handed in the pins of driver %.40q: set driver = "host" for this computer's own`,
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

// contact is a button or a switch, and what follows from it.
type contact struct {
	name   string
	follow func(ctx context.Context) error
}

// contacts connects buttons and switches to the kiosk.
func contacts(cfg config.Config, p *pins.Pins, k *kiosk.Kiosk) ([]contact, error) {
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

// follow watches all contacts, and the machine on the bus, until ctx ends. One that cannot be watched any more takes
// the machine out of service.
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
