package lockboard

import (
	"bytes"
	"fmt"
	"time"
)

const (
	stx, etx = 0x02, 0x03

	askStatus = 0x30
	unlock    = 0x31
	isStatus  = 0x35

	// LocksMax is how many locks one board has.
	LocksMax = 16
	// AddressMax is the highest address of a board.
	AddressMax = 15

	bytesMax = 4                    // of a status
	frameMax = 3 + bytesMax + 1 + 1 // bytes of one answer
)

// CU16 is the protocol of the boards sold as Kerong CU16, and of their copies.
type CU16 struct {
	Address     int // of the board, as its switches say: 0 to AddressMax
	OpenBit     int // of a lock whose door is open: 0 or 1
	StatusBytes int // of its status: 2 or 4
}

var _ Protocol = CU16{}

// Check implements Protocol.
func (p CU16) Check() error {
	switch {
	case p.Address < 0 || p.Address > AddressMax:
		return fmt.Errorf("lockboard: address %d: write 0 to %d", p.Address, AddressMax)
	case p.OpenBit != 0 && p.OpenBit != 1:
		return fmt.Errorf("lockboard: open bit %d: write 0 or 1", p.OpenBit)
	case p.StatusBytes != 2 && p.StatusBytes != 4:
		return fmt.Errorf("lockboard: a status of %d bytes: write 2 or 4", p.StatusBytes)
	}
	return nil
}

// Locks implements Protocol.
func (p CU16) Locks() int { return LocksMax }

// Ask implements Protocol: the board tells of all its locks at once.
func (p CU16) Ask(int) []byte { return command(p.Address, 0, askStatus) }

// Unlock implements Protocol.
func (p CU16) Unlock(lock int) []byte { return command(p.Address, lock-1, unlock) }

// Deaf implements Protocol.
func (p CU16) Deaf() time.Duration { return 0 }

// Decoder implements Protocol.
func (p CU16) Decoder() func(b []byte) []Status {
	d := decoder{address: p.Address, size: p.StatusBytes}
	return func(b []byte) (all []Status) {
		for _, open := range d.feed(b) {
			if p.OpenBit == 0 {
				open = ^open
			}
			all = append(all, Status{Open: uint32(open)})
		}
		return all
	}
}

// command is a command as it goes over the line. Lock counts from 0; a status has lock 0.
func command(address, lock int, cmd byte) []byte {
	b := []byte{stx, byte(address<<4 | lock), cmd, etx}
	return append(b, sum(b))
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// decoder finds the statuses of one board in what arrives, among noise and what others say on the line.
type decoder struct {
	address, size int // of the board; of its status, in bytes
	buf           []byte
}

// feed answers the locks' bits of the statuses that are whole now, lock 0 lowest.
func (d *decoder) feed(b []byte) (statuses []uint16) {
	for len(b) > 0 {
		n := min(len(b), frameMax)
		d.buf, b = append(d.buf, b[:n]...), b[n:]
		for {
			at := bytes.Index(d.buf, []byte{stx, byte(d.address << 4), isStatus})
			if at < 0 {
				d.buf = d.buf[max(0, len(d.buf)-2):] // an answer may begin with these
				break
			}
			d.buf = d.buf[at:]
			if len(d.buf) < 3+d.size+2 {
				break
			}
			f := d.buf[:3+d.size+2]
			if f[3+d.size] != etx || f[len(f)-1] != sum(f[:len(f)-1]) {
				d.buf = d.buf[1:]
				continue
			}
			statuses = append(statuses, uint16(f[3])|uint16(f[4])<<8)
			d.buf = d.buf[len(f):]
		}
	}
	d.buf = bytes.Clone(d.buf) // so that what was used does not stay
	return statuses
}
