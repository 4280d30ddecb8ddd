// Package wiring says which wire goes where on a machine, from its config: as a table and as a drawing.
//
// It knows the Raspberry Pi's 40-pin header, which every model since the Model B+ (2014) has, and what the chip does with each line
// between power-on and the daemon's first act: BCM2835 ARM Peripherals, table 6-31, and the same on RP1.
//
//go:generate sh -c "go run kioskd/cmd/kioskd wiring --svg --config ../../docs/wiring.toml > ../../docs/wiring.svg"
package wiring

import (
	"fmt"

	"kioskd/hw/gpio/pinname"
	"kioskd/internal/config"
)

// Kind is what a wire is for.
type Kind string

// The kinds.
const (
	Motor  Kind = "motor"  // an output that moves something, behind a relay or a driver
	Sensor Kind = "sensor" // an input that sees products
	Switch Kind = "switch" // an input that a person or a door moves
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
	for _, s := range cfg.Slots {
		l.output(s.Vend.Relay, s.ID, "motor relay", "turns the motor")
		l.contact(s.Vend.Drop, s.ID, "drop sensor", "while a product passes", Sensor)
		l.contact(s.Button, s.ID, "button", "while it is pressed", Switch)
	}
	l.contact(cfg.GPIO.Cancel, "", "cancel button", "while it is pressed", Switch)
	l.contact(cfg.GPIO.Retry, "", "retry button", "while it is pressed", Switch)
	l.contact(cfg.GPIO.Door, "", "door switch", "while it is shut", Switch)
	l.contact(cfg.GPIO.Tilt, "", "tilt switch", "while the machine is shaken", Switch)
	return l.parts
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

// output is a wire that moves something: it needs a resistor while nobody drives it, from power-on to the daemon's first act and when
// the kernel hangs.
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
			p.Warning = fmt.Sprintf("%s is pulled down while the Pi starts: use GPIO2 to GPIO8 for what Low moves, or the resistor is all that holds it off", p.Line)
		}
	} else {
		p.Does, p.Add = "High "+does, "10 kΩ from the relay's input to GND"
		if up {
			p.Warning = fmt.Sprintf("%s is pulled up while the Pi starts: use GPIO9 to GPIO27 for what High moves, or the resistor is all that holds it off", p.Line)
		}
	}
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
