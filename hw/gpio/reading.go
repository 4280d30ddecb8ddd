package gpio

import (
	"sync"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Reading is how a pin stands.
type Reading struct {
	Level periph.Level
	Moved bool          // it was seen to change since Open
	Still time.Duration // Moved: since it was last seen to; never below 0
}

// remembering is a pin that remembers when it moved last, by what its user does with it: it takes no edge from anybody.
// An input that nobody waits on is seen to move when it is read.
type remembering struct {
	periph.PinIO

	mu    sync.Mutex // never held while the pin is used, which may hang
	known bool
	level periph.Level
	moved time.Time // zero: not since it is known
}

func (n *remembering) Read() periph.Level {
	l := n.PinIO.Read()
	n.note(l)
	return l
}

func (n *remembering) WaitForEdge(timeout time.Duration) bool {
	edge := n.PinIO.WaitForEdge(timeout)
	if edge { // a short pulse is over by now, and has moved it all the same
		n.mu.Lock()
		n.moved = time.Now()
		n.mu.Unlock()
	}
	return edge
}

func (n *remembering) Out(l periph.Level) error {
	err := n.PinIO.Out(l)
	if err == nil {
		n.note(l)
	}
	return err
}

func (n *remembering) note(l periph.Level) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known && l != n.level {
		n.moved = time.Now()
	}
	n.known, n.level = true, l
}

func (n *remembering) reading() Reading {
	r := Reading{Level: n.Read()}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.moved.IsZero() {
		r.Moved, r.Still = true, max(0, time.Since(n.moved))
	}
	return r
}

// Readings reads every pin, outputs too, which moves nothing and takes no edge from anybody.
func (p *Pins) Readings() map[string]Reading {
	all := make(map[string]Reading, len(p.all))
	for name, pin := range p.all {
		all[name] = pin.reading()
	}
	return all
}
