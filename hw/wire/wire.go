// Package wire is the table of a machine's wires: which pin goes to what, which way, and what the levels on it mean.
//
// Whoever asks what is wired where reads it here: the pins that are opened, the technicians' pages, the drawing, the
// simulated machine. A dispenser names its wires in this table (see hw/vend.Config), the config those of the machine's
// front.
package wire

import "time"

// OnMax is the longest that an output is on in one go: no motor and no lock of a vending machine needs longer for one
// product.
const OnMax = 30 * time.Second

// RowMax is the maximum on-time of a keypad's row: a scan lets each row go for some milliseconds, and rests with all
// Low.
const RowMax = time.Second

// Wire is one wire of a machine.
type Wire struct {
	Pin   string        // as the config writes it
	Slot  string        // the slot that it belongs to; "": the machine's front
	Role  Role          // what is at its other end
	Row   int           // of a keypad's row or column: which one, from 1
	Keys  string        // of a keypad's row: what is printed on it
	MaxOn time.Duration // of an output: the longest that it is on in one go
}

// Role is what is at the end of a wire.
type Role int

// The roles.
const (
	Motor        Role = iota + 1 // the relay of a motor
	Bolt                         // the relay of a lock, on for as long as the customer has
	Latch                        // the relay of a lock that a pulse frees
	Drop                         // a sensor that sees the product fall
	Home                         // a switch that a spiral closes once a turn
	DoorContact                  // of a locker's door
	Button                       // of a slot
	Door                         // the service door's switch
	Tilt                         // a contact that a shaken machine makes
	Cancel                       // a button
	Retry                        // a button
	Service                      // a button within the door, for a technician
	KeypadRow                    // driven Low to ask its keys
	KeypadColumn                 // Low while a key of the asked row is down
)

// Facts are what is true of every wire of a role.
type Facts struct {
	Name   string // "drop sensor"; on the drawing
	Short  string // the same in a list of pins
	Output bool   // driven by us; else read
	High   bool   // in a list of pins it is told as On while it is High; else while it is Low
	On     string // "covered"
	Off    string // "free"
	Does   string // what it does while it is on, or when a contact is made: "while a product passes"
}

// Facts are those of its role.
func (r Role) Facts() Facts {
	switch r {
	case Motor:
		return Facts{Name: "motor relay", Short: "relay", Output: true, High: true, On: "on", Off: "off",
			Does: "turns the motor"}
	case Bolt, Latch:
		return Facts{Name: "lock relay", Short: "relay", Output: true, High: true, On: "on", Off: "off",
			Does: "frees the door"}
	case Drop:
		return Facts{Name: "drop sensor", Short: "drop sensor", On: "covered", Off: "free",
			Does: "while a product passes"}
	case Home:
		return Facts{Name: "home switch", Short: "home switch", On: "at home", Off: "in a turn",
			Does: "while the spiral is at home"}
	case DoorContact: // a cut wire reads as an open door
		return Facts{Name: "door contact", Short: "door contact", High: true, On: "open", Off: "closed",
			Does: "while the door is closed"}
	case Button:
		return Facts{Name: "button", Short: "button", On: "pressed", Off: "free", Does: "while it is pressed"}
	case Door:
		return Facts{Name: "door switch", Short: "door", High: true, On: "open", Off: "closed",
			Does: "while it is shut"}
	case Tilt:
		return Facts{Name: "tilt switch", Short: "tilt", On: "shaken", Off: "still",
			Does: "while the machine is shaken"}
	case Cancel:
		return Facts{Name: "cancel button", Short: "cancel button", On: "pressed", Off: "free",
			Does: "while it is pressed"}
	case Retry:
		return Facts{Name: "retry button", Short: "retry button", On: "pressed", Off: "free",
			Does: "while it is pressed"}
	case Service:
		return Facts{Name: "service button", Short: "service button", On: "pressed", Off: "free",
			Does: "while it is pressed"}
	case KeypadRow:
		return Facts{Name: "keypad row", Short: "keypad row", Output: true, On: "rests", Off: "scans",
			Does: "asks the keys"}
	case KeypadColumn:
		return Facts{Name: "keypad column", Short: "keypad column", On: "a key is down", Off: "free",
			Does: "while a key is down"}
	}
	return Facts{}
}

// Find is the first wire of a slot with one of the roles, or none: a Wire without a pin.
func Find(all []Wire, slot string, roles ...Role) Wire {
	for _, w := range all {
		for _, r := range roles {
			if w.Slot == slot && w.Role == r {
				return w
			}
		}
	}
	return Wire{}
}
