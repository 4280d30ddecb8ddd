package lockplate

import (
	"bytes"
	"fmt"
	"time"

	"kioskd/hw/vend/lockboard"
)

const (
	unlock, ask = 0x8A, 0x80 // heads
	free, state = 0x11, 0x33 // their words
	one, other  = 0x11, 0x00 // what a status says of a door

	frameBytes = 5

	// LocksMax is how many locks one board has room for.
	LocksMax = 32
	// AddressMax is the highest address of a board; the lowest is 1.
	AddressMax = 31
	// DeafMax bounds Silent: a door that is not seen for longer could have been opened, emptied and closed.
	DeafMax = 2 * time.Second
)

// Plate is how such a board is spoken to.
type Plate struct {
	Address int           // of the board, as its switches say: 1 to AddressMax
	Open    byte          // what its status says of a door that is open: 11 or 00, hexadecimal
	Silent  time.Duration // how long a board that was told to unlock may say nothing: 0 to DeafMax
}

var _ lockboard.Protocol = Plate{}

// Check implements lockboard.Protocol.
func (p Plate) Check() error {
	switch {
	case p.Address < 1 || p.Address > AddressMax:
		return fmt.Errorf("lockplate: address %d: write 1 to %d", p.Address, AddressMax)
	case p.Open != one && p.Open != other:
		return fmt.Errorf("lockplate: open word %02x: write 11 or 00", p.Open)
	case p.Silent < 0 || p.Silent > DeafMax:
		return fmt.Errorf("lockplate: deaf for %s: write at most %s", p.Silent, DeafMax)
	}
	return nil
}

// Locks implements lockboard.Protocol.
func (p Plate) Locks() int { return LocksMax }

// Ask implements lockboard.Protocol.
func (p Plate) Ask(lock int) []byte { return p.frame(ask, lock, state) }

// Unlock implements lockboard.Protocol.
func (p Plate) Unlock(lock int) []byte { return p.frame(unlock, lock, free) }

// Deaf implements lockboard.Protocol.
func (p Plate) Deaf() time.Duration { return p.Silent }

func (p Plate) frame(head byte, lock int, word byte) []byte {
	b := []byte{head, byte(p.Address), byte(lock), word}
	return append(b, xor(b))
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// Decoder implements lockboard.Protocol.
func (p Plate) Decoder() func(b []byte) []lockboard.Status { return (&decoder{plate: p}).feed }

// decoder finds the statuses of one board in what arrives, among noise and what others say on the line.
type decoder struct {
	plate Plate
	buf   []byte // what may be the beginning of one, below frameBytes bytes
}

// feed answers the statuses that are whole now.
func (d *decoder) feed(b []byte) (all []lockboard.Status) {
	for _, c := range b {
		if d.buf = append(d.buf, c); len(d.buf) < frameBytes {
			continue
		}
		if lock, word, ok := d.status(); ok {
			s := lockboard.Status{Lock: lock}
			if word == d.plate.Open {
				s.Open = 1
			}
			all = append(all, s)
			d.buf = d.buf[:0]
			continue
		}
		d.buf = bytes.Clone(d.buf[1:]) // so that what was used does not stay
	}
	return all
}

// status reads a buffer of frameBytes bytes.
func (d *decoder) status() (lock int, word byte, ok bool) {
	lock, word = int(d.buf[2]), d.buf[3]
	return lock, word, d.buf[0] == ask && d.buf[1] == byte(d.plate.Address) && lock >= 1 && lock <= LocksMax &&
		(word == one || word == other) && d.buf[4] == xor(d.buf[:4])
}
