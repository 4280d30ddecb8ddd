package app

import (
	"context"
	"slices"

	pins "kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/gpio/pinname"
)

// keypad connects the keypad to the kiosk, when there is one.
func (a *App) keypad() ([]contact, error) {
	c := a.cfg.Keypad
	if len(c.Rows) == 0 {
		return nil, nil
	}
	k := &pins.Keypad{Keys: c.Keys, Hold: contactHold}
	for _, name := range c.Rows {
		row, err := a.pins.Output(name)
		if err != nil {
			return nil, err
		}
		k.Rows = append(k.Rows, row)
	}
	for _, name := range c.Columns {
		column, err := a.pins.Input(name)
		if err != nil {
			return nil, err
		}
		k.Columns = append(k.Columns, column)
	}
	pad := a.front.Pad(a.Kiosk.Choose)
	return []contact{{"keypad", func(ctx context.Context) error { return k.Follow(ctx, pad.Key) }}}, k.Check()
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
