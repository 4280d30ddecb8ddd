package gpio

import (
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Debounce finds the changes of a mechanical contact that a person moves: a button, a door. A new level counts once it
// has stood for the hold time without another edge; a bounce that ends before is no change at all.
//
// It is the wrong rule for a drop sensor, whose pulse may be shorter than any useful hold time: there the first edge
// counts at once and the edges after it are the same product (see package vend).
//
// Debounce is a plain value: it knows no clock and no pin. Its moments never go back.
type Debounce struct {
	hold    time.Duration
	level   periph.Level // the level that counts
	pending bool         // the line reads otherwise
	since   time.Time    // pending: the last edge
}

// NewDebounce begins with a level that counts already. Hold is 20 to 50 ms for a button.
func NewDebounce(level periph.Level, hold time.Duration) Debounce {
	return Debounce{level: level, hold: hold}
}

// Edge says that the line moved, and what it reads now.
func (d *Debounce) Edge(reads periph.Level, at time.Time) {
	d.pending = reads != d.level
	d.since = at
}

// Settle says what the time is. It answers whether the level that counts has changed by then, and what it is.
func (d *Debounce) Settle(at time.Time) (level periph.Level, changed bool) {
	if d.pending && at.Sub(d.since) >= d.hold {
		d.pending, d.level = false, !d.level
		return d.level, true
	}
	return d.level, false
}

// Wait is how long after at Settle may have news if no edge comes; -1 when it will have none.
func (d *Debounce) Wait(at time.Time) time.Duration {
	if !d.pending {
		return -1
	}
	return max(d.hold-at.Sub(d.since), 0)
}
