package hardware

import (
	"context"
	"errors"
	"time"

	"periph.io/x/conn/v3/gpio"

	pins "kioskd/hw/gpio"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

// contactHold is how long a button or a door must stand still to count; a finger stays longer, a bounce does not.
const contactHold = 20 * time.Millisecond

// tiltQuiet is how long a machine that was shaken must stand still to sell again.
const tiltQuiet = 5 * time.Second

// Contact is something of the machine that is watched while the kiosk runs, and what follows from it.
type Contact struct {
	Name   string
	Follow func(ctx context.Context) error // until ctx ends; an error before is that it cannot be watched
}

// Contacts connects buttons, switches and the keypad to the kiosk. Key is told each key that is pressed.
func Contacts(cfg config.Config, p *pins.Pins, k *kiosk.Kiosk, key func(rune)) ([]Contact, error) {
	var all []Contact
	button := func(name, pin string, press func() bool) error {
		if pin == "" {
			return nil
		}
		in, err := p.Input(pin)
		if err != nil {
			return err
		}
		all = append(all, Contact{name, func(ctx context.Context) error {
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
		all = append(all, Contact{string(fault.Name), func(ctx context.Context) error {
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
		all = append(all, Contact{"tilt", func(ctx context.Context) error {
			return pins.Shakes(ctx, in, tiltQuiet, func(shaken bool) {
				if shaken {
					k.Raise(fsm.Fault{Name: reason.Tilt})
				} else {
					k.Clear(reason.Tilt)
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
		guard(fsm.Fault{Name: reason.Door, Hard: true}, cfg.GPIO.Door, gpio.High), // a cut wire reads as an open door
		tilt(cfg.GPIO.Tilt))
	pad, err := keypad(cfg.Keypad, p, key)
	return append(all, pad...), errors.Join(append(errs, err)...)
}

// keypad is the machine's keypad, when there is one.
func keypad(c config.Keypad, p *pins.Pins, key func(rune)) ([]Contact, error) {
	if len(c.Rows) == 0 {
		return nil, nil
	}
	k := &pins.Keypad{Keys: c.Keys, Hold: contactHold}
	for _, name := range c.Rows {
		row, err := p.Output(name)
		if err != nil {
			return nil, err
		}
		k.Rows = append(k.Rows, row)
	}
	for _, name := range c.Columns {
		column, err := p.Input(name)
		if err != nil {
			return nil, err
		}
		k.Columns = append(k.Columns, column)
	}
	return []Contact{{"keypad", func(ctx context.Context) error { return k.Follow(ctx, key) }}}, k.Check()
}
