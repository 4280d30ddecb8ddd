// Package wiring says which wire goes where on a machine, from its config: as a table and as a drawing.
//
// It knows the Raspberry Pi's 40-pin header, which every model since the Model B+ (2014) has, and what the chip does
// with each line between power-on and the daemon's first act: BCM2835 ARM Peripherals, table 6-31, and the same on RP1.
//
//go:generate sh -c "go run kioskd/cmd/kioskd wiring --svg --config ../../docs/wiring.toml > ../../docs/wiring.svg"
package wiring

import (
	"fmt"
	"slices"

	"kioskd/hw/gpio/pinname"
	"kioskd/hw/wire"
	"kioskd/internal/config"
)

// Kind is what a wire is for.
type Kind string

// The kinds.
const (
	Motor   Kind = "motor"   // an output that moves something, behind a relay or a driver
	Sensor  Kind = "sensor"  // an input that sees products
	Switch  Kind = "switch"  // an input that a person or a door moves
	Keypad  Kind = "keypad"  // a row or column of a keypad
	Display Kind = "display" // a wire of a display, its bus included
	Bus     Kind = "bus"     // a wire that several sensors share
)

// The lines of the buses as Raspberry Pi OS has them, unless its config.txt moves them.
const (
	i2cData, i2cClock            = "GPIO2", "GPIO3"
	spiData, spiClock, spiSelect = "GPIO10", "GPIO11", "GPIO8"
	oneWire                      = "GPIO4"
)

// Part is one end of a wire: something on the machine, and the line of the header that it is connected to.
type Part struct {
	Pin  string `json:"pin"`            // as the config names it: "GPIO17", "P1_11"
	Slot string `json:"slot,omitempty"` // the slot that it belongs to
	Name string `json:"name"`           // "motor relay", "drop sensor"
	Does string `json:"does"`           // what the levels on the wire mean
	Kind Kind   `json:"kind"`

	Line     string `json:"line"`              // the pin's one name: "GPIO17"
	Position int    `json:"position,omitzero"` // on the header, 1 to 40; 0: not on it
	Add      string `json:"add,omitempty"`     // what is to be soldered in, to be safe while no program drives the line
	Warning  string `json:"warning,omitempty"` // what is wrong with this choice of line
}

// Parts are the wires of a machine, in the order of its config.
func Parts(cfg config.Config) []Part {
	l := list{odd: map[string]config.Pin{}}
	for _, p := range cfg.Pins {
		name, _ := pinname.Canonical(p.Name)
		l.odd[name] = p
	}
	wires := cfg.Wires()
	// after the slots
	front := []wire.Role{wire.Cancel, wire.Retry, wire.Door, wire.Tilt, wire.Service,
		wire.KeypadRow, wire.KeypadColumn}
	slices.SortStableFunc(wires, func(a,
		b wire.Wire) int {
		return slices.Index(front, a.Role) - slices.Index(front, b.Role)
	})
	for _, w := range wires {
		l.wired(w)
	}
	l.display(cfg.Display)
	if cfg.Temperature.Sensor != "" {
		l.wire(oneWire, "temperature sensor", "1-Wire", Bus, "4.7 kΩ to 3.3 V")
	}
	return l.parts
}

// wired is a wire of the config's table.
func (l *list) wired(w wire.Wire) {
	f := w.Role.Facts()
	name := f.Name
	if w.Row > 0 {
		name += fmt.Sprint(" ", w.Row)
	}
	switch {
	case w.Role == wire.KeypadRow:
		l.wire(w.Pin, name, "Low asks the keys "+w.Keys+", High lets go", Keypad, "")
	case w.Role == wire.KeypadColumn:
		l.contact(w.Pin, w.Slot, name, f.Does, Keypad)
	case f.Output:
		l.output(w.Pin, w.Slot, name, f.Does)
	case w.Role == wire.Drop || w.Role == wire.Home:
		l.contact(w.Pin, w.Slot, name, f.Does, Sensor)
	default:
		l.contact(w.Pin, w.Slot, name, f.Does, Switch)
	}
}

// display is what a display needs besides its supply.
func (l *list) display(d config.Display) {
	switch d.Driver {
	case "ssd1306":
		l.wire(i2cData, "display SDA", "I²C data", Display, "")
		l.wire(i2cClock, "display SCL", "I²C clock", Display, "")
	case "epd":
		l.wire(spiData, "display DIN", "SPI data", Display, "")
		l.wire(spiClock, "display CLK", "SPI clock", Display, "")
		l.wire(spiSelect, "display CS", "Low while it is spoken to", Display, "")
		l.wire(d.DC, "display DC", "Low for a command, High for data", Display, "")
		l.wire(d.Reset, "display RST", "Low resets it", Display, "")
		l.wire(d.Busy, "display BUSY", "High while it draws", Display, "")
	}
}

// list collects parts.
type list struct {
	odd   map[string]config.Pin // the pins that are not wired the usual way, by their one name
	parts []Part
}

// part makes a part of a pin, and says whether Low on its wire is what it waits for or switches on.
func (l *list) part(pin, slot, name string, kind Kind, usually bool) (p Part, low bool) {
	line, _ := pinname.Canonical(pin)
	p = Part{Pin: pin, Slot: slot, Name: name, Kind: kind, Line: line, Position: place(line)}
	if odd := l.odd[line]; odd.ActiveLow != nil {
		return p, *odd.ActiveLow
	}
	return p, usually
}

// output is a wire that moves something: it needs a resistor while nobody drives it, from power-on to the daemon's
// first act and when the kernel hangs.
func (l *list) output(pin, slot, name, does string) {
	if pin == "" {
		return
	}
	p, low := l.part(pin, slot, name, Motor, false)
	number, numbered := pinname.Number(p.Line)
	up := numbered && p.Position > 0 && pulledUpAtReset(number)
	down := numbered && p.Position > 0 && !up
	if low {
		p.Does, p.Add = "Low "+does, "10 kΩ from the relay's input to 3.3 V"
		if down {
			p.Warning = fmt.Sprintf(
				"%s is pulled down while the Pi starts: use GPIO2 to GPIO8 for what Low moves, or the resistor is "+
					"all that holds it off", p.Line)
		}
	} else {
		p.Does, p.Add = "High "+does, "10 kΩ from the relay's input to GND"
		if up {
			p.Warning = fmt.Sprintf(
				"%s is pulled up while the Pi starts: use GPIO9 to GPIO27 for what High moves, or the resistor is "+
					"all that holds it off", p.Line)
		}
	}
	l.parts = append(l.parts, p)
}

// wire is one whose levels are not for the config to say.
func (l *list) wire(pin, name, does string, kind Kind, add string) {
	if pin == "" {
		return
	}
	p, _ := l.part(pin, "", name, kind, false)
	p.Does, p.Add = does, add
	l.parts = append(l.parts, p)
}

// contact is a wire that is read.
func (l *list) contact(pin, slot, name, when string, kind Kind) {
	if pin == "" {
		return
	}
	p, low := l.part(pin, slot, name, kind, true)
	p.Does = "Low " + when
	if !low {
		p.Does = "High " + when
	}
	l.parts = append(l.parts, p)
}
