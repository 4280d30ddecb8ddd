// Package gpio turns configured names ("GPIO17") into periph's pins, and makes sure that no output stays on.
//
// Open is the first act of a start: before it returns, every configured output is inactive. An output is handed out
// with its limit around it, so that it goes Low by itself after its maximum on-time whatever the program above does.
// What is handed out are the interfaces of periph.io/x/conn/v3/gpio, which are this program's only hardware interfaces.
//
// Outputs are active High (High energises a relay). Inputs are contacts to ground with a pull-up: active Low.
//
// Where pins come from is a Source: the kernel's lines (package hostpin), or a simulated machine (package simboard),
// which its user opens and hands in.
package gpio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Source is where pins come from.
type Source interface {
	// Pin is the pin of that name, undriven. The error says what to do about a name that it does not have.
	Pin(name string) (periph.PinIO, error)
	// Close lets its pins go.
	Close() error
}

// Output is a pin that moves something.
type Output struct {
	Pin   string        // a pin name, used once
	MaxOn time.Duration // the longest that it is ever on in one go; above 0, at most wire.OnMax
}

// Pins are the configured pins. All methods may be called from any goroutine.
type Pins struct {
	outputs map[string]*Limited
	order   []*Limited
	inputs  map[string]periph.PinIn
	all     map[string]*remembering
	from    Source
	named   map[string]bool // by Open

	mu      sync.Mutex
	claimed map[string]bool
}

// Open takes pins from a source and drives every output Low; each input gets its pull-up. The source is its own from
// then on: Close closes it, and so does Open when it fails. It fails, naming the pin and what to do about it, for a pin
// that the source does not have, a pin that is named twice, a maximum on-time out of range, and when an output cannot
// be driven Low or an input cannot be set up.
func Open(from Source, outputs []Output, inputs ...string) (*Pins, error) {
	p := &Pins{outputs: map[string]*Limited{}, inputs: map[string]periph.PinIn{}, all: map[string]*remembering{},
		from:  from,
		named: map[string]bool{}, claimed: map[string]bool{}}
	err := p.takeOutputs(outputs)
	if err = errors.Join(err, p.AllOff()); err == nil { // off as far as they are there, whatever else is wrong
		err = p.takeInputs(inputs)
	}
	if err != nil {
		return nil, errors.Join(err, from.Close())
	}
	return p, nil
}

// find finds a pin by its name, once.
func (p *Pins) find(name string) (periph.PinIO, error) {
	if p.named[name] {
		return nil, fmt.Errorf("gpio: %s is named twice: give each part a pin of its own", name)
	}
	p.named[name] = true
	pin, err := p.from.Pin(name)
	if err != nil {
		return nil, err
	}
	p.all[name] = &remembering{PinIO: pin}
	return p.all[name], nil
}

// takeOutputs tries each of them, whatever is wrong with the others.
func (p *Pins) takeOutputs(outputs []Output) error {
	var failed []error
	for _, o := range outputs {
		pin, err := p.find(o.Pin)
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

func (p *Pins) takeInputs(inputs []string) error {
	for _, name := range inputs {
		pin, err := p.find(name)
		if err != nil {
			return err
		}
		// a line that cannot be had is told now, not to a customer
		if err := pin.In(periph.PullUp, periph.NoEdge); err != nil {
			return fmt.Errorf("gpio: input %s: %w", name, err)
		}
		p.inputs[name] = pin
	}
	return nil
}

// Output hands out the output of that name with its limit around it, once: two parts that drive one wire would undo
// each other.
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
			failed = append(failed, fmt.Errorf("gpio: %s cannot be switched off: cut the power of what it drives: %w",
				l.Name(), err))
		}
	}
	return errors.Join(failed...)
}

// Close drives every output Low, releases whoever waits on an input, and lets the pins go.
func (p *Pins) Close() error {
	errs := []error{p.AllOff()}
	for _, in := range p.inputs {
		errs = append(errs, in.Halt())
	}
	return errors.Join(append(errs, p.from.Close())...)
}
