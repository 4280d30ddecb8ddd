// Package gpio turns configured names ("GPIO17") into periph's pins, and makes sure that no output stays on.
//
// Open is the first act of a start: before it returns, every configured output is inactive. An output is handed out with
// its limit around it, so that it goes Low by itself after its maximum on-time whatever the program above does. What is
// handed out are the interfaces of periph.io/x/conn/v3/gpio, which are this program's only hardware interfaces.
//
// Outputs are active High (High energises a relay). Inputs are contacts to ground with a pull-up: active Low.
//
// The driver "host" is the kernel's lines (package hostpin). The driver "sim" is a simulated machine, in this process, or in a
// process of its own that is reached through a unix socket.
package gpio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/hostpin"
	"kioskd/hw/gpio/simboard"
)

// Config says which pins there are.
type Config struct {
	Driver  string   // "host" or "sim"
	Device  string   // "sim": "" for a board in this process, or the unix socket of a board's own process
	Outputs []Output // each is driven Low by Open
	Inputs  []string // pin names; Open makes each an input, with its pull-up

	Chip  string         // "host": the chip to look on, "" for all
	Wires []hostpin.Wire // "host": pins that are not wired the usual way

	Board   simboard.Wiring  // "sim" in this process: what the pins are wired to
	Physics simboard.Physics // "sim" in this process: how fast the machine moves
	Made    Board            // "sim": a machine that is there already, and stays when the pins are let go; nil makes one
}

// Board is a simulated machine with its pins, as *simboard.Board is.
type Board interface {
	simboard.Front
	Pin(name string) (periph.PinIO, error)
}

// Output is a pin that moves something.
type Output struct {
	Pin   string        // a pin name, used once
	MaxOn time.Duration // the longest that it is ever on in one go; above 0, at most OnMax
}

// Pins are the configured pins. All methods may be called from any goroutine.
type Pins struct {
	outputs map[string]*Limited
	order   []*Limited
	inputs  map[string]periph.PinIn
	all     map[string]*noting
	front   simboard.Front
	closing func() error

	mu      sync.Mutex
	claimed map[string]bool
}

// source is where a driver's pins come from.
type source interface {
	Pin(name string) (periph.PinIO, error)
}

// Open opens the driver's pins and drives every output Low. It fails, naming the pin and what to do about it, for an
// unknown driver, a pin that the driver does not have, a pin that is named twice, a maximum on-time out of range, and
// when an output cannot be driven Low or an input cannot be set up.
func Open(c Config) (*Pins, error) {
	p := &Pins{outputs: map[string]*Limited{}, inputs: map[string]periph.PinIn{}, all: map[string]*noting{}, claimed: map[string]bool{}}
	from, err := p.driver(c)
	if err != nil {
		return nil, err
	}
	find := p.finder(from, c.Driver == "sim")
	err = p.takeOutputs(find, c.Outputs)
	if err = errors.Join(err, p.AllOff()); err == nil { // off as far as they are there, whatever else is wrong
		err = p.takeInputs(find, c.Inputs)
	}
	if err != nil {
		return nil, errors.Join(err, p.closing())
	}
	return p, nil
}

func (p *Pins) driver(c Config) (source, error) {
	switch c.Driver {
	case "sim":
	case "host":
		board, err := hostpin.Open(c.Chip, c.Wires)
		if err != nil {
			return nil, err
		}
		p.closing = board.Close
		return board, nil
	default:
		return nil, fmt.Errorf(`gpio: unknown driver %.40q: set driver = "host" or "sim"`, c.Driver)
	}
	if c.Device != "" {
		client, err := simboard.Dial(c.Device)
		if err != nil {
			return nil, fmt.Errorf("gpio: no simulated board answers at device %q: start it, or remove device for one in this process: %w", c.Device, err)
		}
		p.front, p.closing = client, client.Close
		return client, nil
	}
	board := c.Made
	if board == nil {
		made, err := simboard.New(c.Board, c.Physics)
		if err != nil {
			return nil, fmt.Errorf("gpio: %w", err)
		}
		board = made
	}
	p.front, p.closing = board, func() error { return nil }
	return board, nil
}

// finder answers what finds a pin by its name, once.
func (p *Pins) finder(from source, sim bool) func(name string) (periph.PinIO, error) {
	named := map[string]bool{}
	return func(name string) (periph.PinIO, error) {
		if named[name] {
			return nil, fmt.Errorf("gpio: %s is named twice: give each part a pin of its own", name)
		}
		named[name] = true
		pin, err := from.Pin(name)
		if err != nil && sim {
			err = fmt.Errorf("gpio: no pin %.40q on this board: check the name and what is wired to it: %w", name, err)
		}
		if err != nil {
			return nil, err
		}
		p.all[name] = &noting{PinIO: pin}
		return p.all[name], nil
	}
}

// takeOutputs tries each of them, whatever is wrong with the others.
func (p *Pins) takeOutputs(find func(string) (periph.PinIO, error), outputs []Output) error {
	var failed []error
	for _, o := range outputs {
		pin, err := find(o.Pin)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		limited, err := Limit(pin, o.MaxOn)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		p.outputs[o.Pin] = limited
		p.order = append(p.order, limited)
	}
	return errors.Join(failed...)
}

func (p *Pins) takeInputs(find func(string) (periph.PinIO, error), inputs []string) error {
	for _, name := range inputs {
		pin, err := find(name)
		if err != nil {
			return err
		}
		if err := pin.In(periph.PullUp, periph.NoEdge); err != nil { // a line that cannot be had is told now, not to a customer
			return fmt.Errorf("gpio: input %s: %w", name, err)
		}
		p.inputs[name] = pin
	}
	return nil
}

// Output hands out the output of that name with its limit around it, once: two parts that drive one wire would undo each
// other.
func (p *Pins) Output(name string) (periph.PinOut, error) {
	if err := p.claim(name, p.outputs[name] != nil, "output"); err != nil {
		return nil, err
	}
	return p.outputs[name], nil
}

// Input hands out the input of that name, once: two parts that wait on one wire would take each other's edges.
func (p *Pins) Input(name string) (periph.PinIn, error) {
	if err := p.claim(name, p.inputs[name] != nil, "input"); err != nil {
		return nil, err
	}
	return p.inputs[name], nil
}

func (p *Pins) claim(name string, known bool, as string) error {
	if !known {
		return fmt.Errorf("gpio: %.40q is not configured as an %s: add it to the configuration", name, as)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claimed[name] {
		return fmt.Errorf("gpio: %s is already in use: give each part a pin of its own", name)
	}
	p.claimed[name] = true
	return nil
}

// AllOff drives every output Low, handed out or not. It tries each of them, whatever happens to the others, and answers
// with all that failed.
func (p *Pins) AllOff() error {
	var failed []error
	for _, l := range p.order {
		if err := l.Out(periph.Low); err != nil {
			failed = append(failed, fmt.Errorf("gpio: %s cannot be switched off: cut the power of what it drives: %w", l.Name(), err))
		}
	}
	return errors.Join(failed...)
}

// Simulated is the simulated machine's front, for driver "sim".
func (p *Pins) Simulated() (simboard.Front, bool) { return p.front, p.front != nil }

// Close drives every output Low, releases whoever waits on an input, and lets the pins go.
func (p *Pins) Close() error {
	errs := []error{p.AllOff()}
	for _, in := range p.inputs {
		errs = append(errs, in.Halt())
	}
	return errors.Join(append(errs, p.closing())...)
}
