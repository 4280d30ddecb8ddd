package board

import (
	"bytes"
	"time"
)

const (
	head0, head1 = 0xFA, 0xFB

	poll     = 0x41
	ack      = 0x42
	check    = 0x01 // packet number, motor (2)
	checked  = 0x02 // packet number, condition, motor (2)
	dispense = 0x06 // packet number, drop sensor, elevator, motor (2)
	status   = 0x04 // packet number, status, motor (2), more that is not looked at

	frameMax = 2 + 2 + 255 + 1 // bytes of a frame: what its length byte allows
	// between two bytes of a frame: at 57600 baud a whole one takes 45 ms, and USB adapters wait 16
	gapMax = 100 * time.Millisecond
)

// frame is one message. Its data are the bytes between the length and the XOR.
type frame struct {
	cmd  byte
	data []byte
}

// bytes is the frame as it goes over the line.
func (f frame) bytes() []byte {
	b := append([]byte{head0, head1, f.cmd, byte(len(f.data))}, f.data...)
	return append(b, sum(b))
}

func sum(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// motor is the motor that a checked or a status is about; false when the data are too short to name one.
func (f frame) motor() (n int, ok bool) {
	if len(f.data) < 4 {
		return 0, false
	}
	return int(f.data[2])<<8 | int(f.data[3]), true
}

// decoder finds the frames in what arrives: among garbage, and behind a half frame whose rest never comes. The zero
// decoder is ready.
type decoder struct {
	buf  []byte // what may be the beginning of a frame, below frameMax bytes
	last time.Time
}

// feed answers the frames that are whole now. At is when the bytes arrived.
func (d *decoder) feed(b []byte, at time.Time) (frames []frame) {
	if len(d.buf) > 0 && at.Sub(d.last) > gapMax {
		frames = d.frames(true) // the frame that was begun does not go on, and may hide others
		d.buf = nil
	}
	d.last = at
	for len(b) > 0 {
		n := min(len(b), frameMax)
		d.buf = append(d.buf, b[:n]...)
		b = b[n:]
		frames = append(frames, d.frames(false)...)
	}
	return frames
}

// frames takes whole frames off the buffer. With over nothing more comes: a frame that is not whole is none.
func (d *decoder) frames(over bool) (frames []frame) {
	for {
		n := bytes.IndexByte(d.buf, head0)
		if n < 0 {
			d.buf = d.buf[:0]
			return frames
		}
		d.buf = d.buf[n:]
		whole, size := d.first()
		switch {
		case whole:
			frames = append(frames, frame{d.buf[2], bytes.Clone(d.buf[4 : size-1])})
			d.buf = d.buf[size:]
		case size == 0 || over:
			d.buf = d.buf[1:]
		default:
			d.buf = bytes.Clone(d.buf) // so that what was used does not stay
			return frames
		}
	}
}

// first looks at a buffer that begins with head0: whole, there is a frame of that size; size 0, none begins here; else
// more bytes are needed.
func (d *decoder) first() (whole bool, size int) {
	switch {
	case len(d.buf) < 2:
		return false, 1
	case d.buf[1] != head1:
		return false, 0
	case len(d.buf) < 4:
		return false, 1
	}
	size = 4 + int(d.buf[3]) + 1
	switch {
	case len(d.buf) < size:
		return false, size
	case sum(d.buf[:size-1]) != d.buf[size-1]:
		return false, 0
	}
	return true, size
}
