package main

import (
	"bytes"
	"unicode/utf8"
)

// lastMax bounds what is kept of a picture, in bytes: several times a coloured one on a large terminal.
const lastMax = 1 << 20

// pictureStart is what the kiosk's display begins each picture with: the first cell of the first row.
const pictureStart = "\x1b[1;1H"

// picture takes the kiosk's pictures as they come through the pipe, in pieces of any size.
type picture struct {
	rest []byte // the beginning of a character or of a control sequence
	last []byte // the picture so far, to draw it again
}

// add takes a piece and gives what can be written now: up to a place where other text may stand between.
func (p *picture) add(b []byte) []byte {
	b = append(p.rest, b...)
	n := whole(b)
	p.rest = bytes.Clone(b[n:])
	b = b[:n]
	if i := bytes.LastIndex(b, []byte(pictureStart)); i >= 0 {
		p.last = bytes.Clone(b[i:])
	} else if len(p.last)+len(b) <= lastMax {
		p.last = append(p.last, b...)
	}
	return b
}

// whole is how many bytes of b can be written without ending inside a character or a control sequence.
func whole(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax, len(b)); n++ {
		if at := len(b) - n; utf8.RuneStart(b[at]) {
			if !utf8.FullRune(b[at:]) {
				b = b[:at]
			}
			break
		}
	}
	if i := bytes.LastIndexByte(b, escape); i >= 0 && !finished(b[i:]) {
		return i
	}
	return len(b)
}

// sequenceMax is longer than every control sequence, in bytes: what is longer is none, and is not waited for.
const sequenceMax = 64

// finished reports whether a control sequence is there up to its last byte: ESC [ parameters, and a byte from @ to ~;
// or ESC and one byte.
func finished(seq []byte) bool {
	if len(seq) < 2 {
		return false
	}
	if seq[1] != '[' || len(seq) > sequenceMax {
		return true
	}
	return bytes.ContainsFunc(seq[2:], func(r rune) bool { return r >= '@' && r <= '~' })
}
