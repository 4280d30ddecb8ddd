// Package hostpin drives the lines of the Linux kernel's GPIO chips as periph's pins.
//
// # Levels
//
// An output is High while what it drives is on. An input is Low while its contact is made. How that looks on the wire
// is the wire's matter (see Wire): the kernel translates, edges included.
//
// # Lines
//
// A line is requested from the kernel by the first Out or In and then kept until Close: nobody else on this computer
// can have it. The first Out gives the kernel the level together with the request, so the line goes from its state at
// boot to that level and to nothing between. A line is an output or an input for good: what is wired to one is never
// driven by mistake.
//
// When the program ends, however it ends, the kernel takes the lines back, and what is on a wire then is up to the chip
// and the resistors: wire a relay so that it is off when its line floats.
//
// # Edges
//
// The kernel queues edges from In on, up to queueMax of them, whether or not somebody waits; when there are more it
// forgets the oldest. Nothing here polls a level, so a pulse that is shorter than the scheduler's whims is still an
// edge.
//
// # Loss
//
// A chip can go away (an expander on USB). From then on Out and In fail, a wait ends within probeEvery, and Read
// answers what it answered last. A lost line stays lost until the program starts again.
//
// It speaks to the kernel with go-gpiocdev's uapi package, not with its Line: the goroutine that reads a Line's events
// spins at full speed when the chip goes away, and tells nobody.
package hostpin

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Wire is how a pin is wired where that is not the usual.
type Wire struct {
	Pin string // any of its names

	// ActiveLow says that the wire is at 0 V while what it drives is on, or while its contact is made. Nil is the
	// usual: false for an output, true for an input (a contact to ground).
	ActiveLow *bool
	// Pull is the chip's own resistor: "up", "down", "none", or "" for what the input's user asks for, which is up. A
	// chip without such resistors ignores it.
	Pull string
	// Debounce, for an input alone, is how long a level must stand for its edge to count: 0 to DebounceMax, and shorter
	// than the shortest pulse that matters. It is measured by the kernel's times of the edges, so it is exact however
	// busy the computer is.
	Debounce time.Duration
	// OpenDrain, for an output alone, lets the wire go instead of driving it to the supply: outputs that meet through a
	// keypad's keys must not fight.
	OpenDrain bool
}

// DebounceMax is longer than any contact bounces.
const DebounceMax = 100 * time.Millisecond

// Board is this computer's lines. Its methods may be called from any goroutine.
type Board struct {
	kernel kernel
	chips  []chip // those to look on
	chosen bool   // somebody named the chip

	byNumber bool   // by its device, and not by its label
	header   string // the label of the chip that has a Raspberry Pi's header, chosen or not; "": none can be seen
	hidden   error  // why others could not be looked at
	wires    map[spot]Wire

	mu    sync.Mutex
	names map[spot]string // of the lines that were handed out
	pins  []*pin
}

// Open looks at the chips, and requests no line. Chip is "" for all of them, or the one to look on: its device
// ("gpiochip0", "/dev/gpiochip0", or a link to it) or its label ("pinctrl-rp1"), which stays the same when a kernel
// numbers the chips anew. The error names what is missing or may not be opened, and the remedy.
func Open(chip string, wires []Wire) (*Board, error) { return open(devices{"/dev"}, chip, wires) }

func open(k kernel, on string, wires []Wire) (*Board, error) {
	b := &Board{kernel: k, chosen: on != "", wires: map[spot]Wire{}, names: map[spot]string{}}
	if b.chips, b.hidden = k.chips(); len(b.chips) == 0 {
		if b.hidden == nil {
			b.hidden = errNoChip
		}
		return nil, fmt.Errorf("gpio: %w", b.hidden)
	}
	if one := slices.IndexFunc(b.chips, chip.isHeader); one >= 0 {
		b.header = b.chips[one].label
	}
	if b.chosen {
		one := slices.IndexFunc(b.chips, func(c chip) bool { return c.numberedAs(on) || on == c.label })
		if one < 0 {
			return nil, fmt.Errorf("gpio: no chip is called %.60q: write one of these as chip, or leave it out: %s%s",
				on, describe(b.chips), also(b.hidden))
		}
		b.chips, b.byNumber = b.chips[one:one+1], b.chips[one].numberedAs(on)
	}
	for _, w := range wires {
		if err := b.describe(w); err != nil {
			return nil, err
		}
	}
	return b, nil
}

var errNoChip = errors.New(
	`this computer has no GPIO chip (/dev/gpiochip0): run kioskd on a Raspberry Pi or the like, or set driver = "sim"`)

// describe notes how a pin is wired.
func (b *Board) describe(w Wire) error {
	at, err := b.find(w.Pin)
	if err != nil {
		return err
	}
	other, twice := b.wires[at]
	switch {
	case twice:
		return fmt.Errorf("gpio: %s and %s are the same line, %s: describe it once", other.Pin, w.Pin, at)
	case w.Debounce < 0 || w.Debounce > DebounceMax:
		return fmt.Errorf("gpio: %s: debounce %s: write at most %s", w.Pin, w.Debounce, DebounceMax)
	case w.Pull != "" && !slices.Contains([]string{"up", "down", "none"}, w.Pull):
		return fmt.Errorf("gpio: %s: pull %.20q: write up, down or none", w.Pin, w.Pull)
	}
	b.wires[at] = w
	return nil
}

// Pin answers the pin of a name, which is any that package pinname knows. A line is handed out once, whatever it is
// called.
func (b *Board) Pin(name string) (gpio.PinIO, error) {
	at, err := b.find(name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, twice := b.names[at]; twice {
		return nil, fmt.Errorf("gpio: %s and %s are the same line, %s: give each part a pin of its own", other, name,
			at)
	}
	b.names[at] = name
	p := &pin{kernel: b.kernel, name: name, at: at, wire: b.wires[at], last: gpio.High}
	b.pins = append(b.pins, p)
	return p, nil
}

// Close lets all lines go. Whoever waits for an edge is released.
func (b *Board) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, p := range b.pins {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}
