package config

import (
	"slices"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// Place is the slot as its kind sees it.
func (s Slot) Place() vend.Place { return vend.Place{Slot: s.ID, MaxOn: s.MaxOn} }

// Wires are the slot's own: those that its kind needs, and its button.
func (s Slot) Wires() (all []wire.Wire) {
	if s.Vend != nil {
		all = s.Vend.Wires(s.Place())
	}
	for _, stray := range s.strays {
		all = append(all, stray.Wires(s.Place())...)
	}
	all = append(all, wire.Wire{Pin: s.Button, Slot: s.ID, Role: wire.Button})
	return slices.DeleteFunc(all, func(w wire.Wire) bool { return w.Pin == "" })
}

// Wires are those of the whole machine but its display's: of its slots, in their order, and then of its front.
func (c Config) Wires() (all []wire.Wire) {
	for _, s := range c.Slots {
		all = append(all, s.Wires()...)
	}
	all = append(all, wire.Wire{Pin: c.GPIO.Door, Role: wire.Door}, wire.Wire{Pin: c.GPIO.Tilt, Role: wire.Tilt},
		wire.Wire{Pin: c.GPIO.Cancel, Role: wire.Cancel}, wire.Wire{Pin: c.GPIO.Retry, Role: wire.Retry},
		wire.Wire{Pin: c.GPIO.Service, Role: wire.Service})
	for n, pin := range c.Keypad.Rows {
		w := wire.Wire{Pin: pin, Role: wire.KeypadRow, Row: n + 1, MaxOn: wire.RowMax}
		if n < len(c.Keypad.Keys) {
			w.Keys = c.Keypad.Keys[n]
		}
		all = append(all, w)
	}
	for n, pin := range c.Keypad.Columns {
		all = append(all, wire.Wire{Pin: pin, Role: wire.KeypadColumn, Row: n + 1})
	}
	return slices.DeleteFunc(all, func(w wire.Wire) bool { return w.Pin == "" })
}
