// Package simboard is the front of a vending machine that exists only in memory: spirals with motors, drop sensors,
// buttons, a service door.
//
// # Levels
//
// Relays are outputs: High energises the motor. Drop sensors and buttons are open-collector contacts to ground with a
// pull-up resistor on the board: the line is Low while a product passes or a finger presses, High otherwise, whatever
// internal pull the pin asks for. The door's switch is closed (Low) while the door is closed, so that a cut wire reads
// as an open door. A relay's pin that becomes an input falls Low: the relay's own pull-down resistor turns the motor
// off.
//
// # Motion
//
// A spiral turns while its relay is on and keeps its angle when the relay goes off. At the end of each whole turn one
// product falls and passes the drop sensor a fall time later. A relay that stays on pushes out one product per turn, as
// long as there are any: a maximum on-time is the only thing that stops it.
//
// # Time
//
// Everything runs on package time: inside a testing/synctest bubble the board is exact, and the same calls at the same
// moments give the same edges. The board has no goroutine of its own.
//
// A Board is used in the process that made it, or from another one through Serve and Dial. In its own process it
// outlives the kiosk that drives it, SIGKILL included, as the relays of a real machine do.
package simboard

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

const (
	slotsMax = 128 // more than the largest machine has spirals; a snapshot of all of them fits one line of the protocol
	nameMax  = 32  // bytes of a slot's or a pin's name; a slot's label has three characters, a pin's name six
)

// Errors of Press and Fault; a caller tells them apart to say whose mistake it was.
var (
	ErrNoSuchSlot  = errors.New("no such slot or button")
	ErrNoSuchFault = errors.New("no such fault")
	ErrTooMany     = errors.New("pressed faster than a finger can")
)

// Wiring says which pin is wired to what. A pin name is any text of 1 to 32 bytes that is used once ("GPIO17"); an
// empty one means that this part is missing.
type Wiring struct {
	Slots  []Slot
	Door   string // the service door's switch: Low is closed
	Cancel string // button: Low while pressed
	Retry  string // button: Low while pressed
	Tilt   string // shake contact: Low while shaken
	Keypad Keypad // none without rows
}

// Slot is one spiral of the machine, or one locker.
type Slot struct {
	ID     string // 1 to 32 bytes, unique, and none of "cancel", "retry", "tilt", "door"
	Relay  string // output: High turns the spiral, or draws the locker's bolt
	Drop   string // input: Low while a product passes
	Button string // input: Low while pressed
	Stock  int    // products in it; 0 is plenty, which never runs out; negative is none
	Home   string // input: Low while the spiral stands at its home
	Opened string // input: High while the locker's door stands open; a slot that has it is a locker
	// locker: a pulse frees the bolt until the door has been opened and closed; otherwise it holds without current
	Latch bool
}

// Physics is how fast the machine moves. A zero duration means the default.
type Physics struct {
	Turn time.Duration // a whole turn of a spiral, which pushes out one product; default 600 ms
	// from the end of the turn to the drop sensor; default 80 ms; below Turn, or a second one falls too
	Fall  time.Duration
	Pulse time.Duration // how long a product covers the drop sensor; default 15 ms
	Late  time.Duration // late_drop: from the motor's stop to the drop sensor; default 1.5 s
	Press time.Duration // how long a finger rests on a button; default 150 ms
	Home  time.Duration // how much of a turn the home switch is closed for; default 60 ms
	Open  time.Duration // from the bolt to the locker's door: a customer's hand; default 900 ms
	Taken time.Duration // how long the door then stands open; default 2.5 s

	// Release turns every output off when the process that drives the board (see Serve) is lost. The default is to keep
	// their levels, as the kernels of Raspberry Pi OS do.
	Release bool
}

func (p Physics) withDefaults() Physics {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&p.Turn, 600 * time.Millisecond}, {&p.Fall, 80 * time.Millisecond}, {&p.Pulse, 15 * time.Millisecond},
		{&p.Late, 1500 * time.Millisecond}, {&p.Press, 150 * time.Millisecond},
		{&p.Home, 60 * time.Millisecond}, {&p.Open, 900 * time.Millisecond}, {&p.Taken, 2500 * time.Millisecond},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return p
}

// Board is the machine. All methods may be called from any goroutine.
type Board struct {
	physics Physics
	names   []string // the pins in the order of the wiring
	pins    map[string]*pin
	order   []*slot
	slots   map[string]*slot
	buttons map[string]*button // by slot, and "cancel", "retry", "tilt"
	door    *pin               // nil when no switch is wired
	keypad  matrix

	mu   sync.Mutex // guards what follows, and every field of pin, slot and button that says so
	open bool       // the service door
	due  []event    // what will happen, in the order of its time
}

// New builds the machine with its door closed, its motors off and no fault. It refuses a wiring that uses a pin or a
// slot twice, or a name that is empty, too long or reserved.
func New(w Wiring, p Physics) (*Board, error) {
	if len(w.Slots) > slotsMax {
		return nil, fmt.Errorf("simboard: %d slots: at most %d are possible", len(w.Slots), slotsMax)
	}
	b := &Board{physics: p.withDefaults(), pins: map[string]*pin{}, slots: map[string]*slot{},
		buttons: map[string]*button{}}
	for _, s := range w.Slots {
		if err := b.addSlot(s); err != nil {
			return nil, err
		}
	}
	for _, front := range []struct{ name, pin string }{{"cancel", w.Cancel}, {"retry", w.Retry}, {"tilt", w.Tilt}} {
		if err := b.addButton(front.name, front.pin, front.name+" button"); err != nil {
			return nil, err
		}
	}
	if err := b.addKeypad(w.Keypad); err != nil {
		return nil, err
	}
	var err error
	if b.door, err = b.addPin(w.Door, "door switch"); err != nil {
		return nil, err
	}
	if b.door != nil {
		b.door.level = gpio.Low // closed
	}
	return b, nil
}

func (b *Board) addSlot(s Slot) error {
	switch _, used := b.slots[s.ID]; {
	case used:
		return fmt.Errorf("simboard: slot %s is wired twice", s.ID)
	case s.ID == "" || len(s.ID) > nameMax:
		return fmt.Errorf("simboard: slot id %.40q: write 1 to %d bytes", s.ID, nameMax)
	case strings.HasPrefix(s.ID, keyPrefix), s.ID == "cancel" || s.ID == "retry" || s.ID == "tilt" || s.ID == "door":
		return fmt.Errorf("simboard: slot id %s is the name of another part of the machine's front", s.ID)
	}
	relay, err := b.addPin(s.Relay, "relay of slot "+s.ID)
	if err != nil {
		return err
	}
	drop, err := b.addPin(s.Drop, "drop sensor of slot "+s.ID)
	if err != nil {
		return err
	}
	sl := &slot{board: b, id: s.ID, drop: drop, fault: FaultNone, endless: s.Stock == 0, stock: max(s.Stock, 0)}
	if sl.home, err = b.addPin(s.Home, "home switch of slot "+s.ID); err != nil {
		return err
	}
	if sl.home != nil {
		sl.home.level = gpio.Low
	}
	if err := b.addLocker(sl, s); err != nil {
		return err
	}
	if relay != nil {
		relay.motor, relay.level = sl, gpio.Low
	}
	b.slots[s.ID] = sl
	b.order = append(b.order, sl)
	return b.addButton(s.ID, s.Button, "button of slot "+s.ID)
}

func (b *Board) addButton(name, pinName, what string) error {
	p, err := b.addPin(pinName, what)
	if p != nil {
		b.buttons[name] = &button{set: p.contact}
	}
	return err
}

// addPin returns nil for an empty name, which is a part that is not there.
func (b *Board) addPin(name, what string) (*pin, error) {
	if name == "" {
		return nil, nil
	}
	if len(name) > nameMax {
		return nil, fmt.Errorf("simboard: the pin name of the %s has %d bytes: at most %d are possible", what,
			len(name), nameMax)
	}
	if other, used := b.pins[name]; used {
		return nil, fmt.Errorf("simboard: %s is wired to the %s and to the %s: give each a pin of its own", name,
			other.what, what)
	}
	p := &pin{board: b, name: name, what: what, level: gpio.High, armed: newArmed()}
	b.pins[name] = p
	b.names = append(b.names, name)
	return p, nil
}

// numberOf is 17 for "GPIO17", and -1 for a name without a number.
func numberOf(name string) int {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "GPIO")); err == nil && n >= 0 {
		return n
	}
	return -1
}

// Pin is the pin of that name. Asking twice gives the same pin; who may drive it is the caller's to decide.
func (b *Board) Pin(name string) (gpio.PinIO, error) {
	p, ok := b.pins[name]
	if !ok {
		return nil, noPin(name)
	}
	return p, nil
}

func noPin(name string) error {
	return fmt.Errorf("simboard: nothing is wired to a pin %.40q: check the name, and what is wired to it", name)
}

// Close implements gpio.Source of hw/gpio: the machine outlives whoever drives it.
func (b *Board) Close() error { return nil }
