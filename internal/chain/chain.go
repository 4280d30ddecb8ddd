// Package chain is how a journal's entries are chained by their hashes: what the machine writes, and what whoever
// receives a copy checks it by.
//
// An entry's text is what its hash is made of, so that a copy is sent as exactly the bytes that prove it.
package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Entry is one recorded step. Its texts are JSON, and never changed by a byte.
type Entry struct {
	Seq, Wall           int64 // its number, from 1; milliseconds since 1970 by the machine's clock
	Whole               int64 // 1: After is the whole state; 0: a merge patch to the one before
	Event               string
	Body, Before, After []byte
	Prev, Hash          []byte // SHA-256 of the entry before, and of this one
}

// hashFormat begins what is hashed, so that another encoding can never give the same hash.
const hashFormat = "kioskd journal entry 1\n"

// Text is what is hashed, without the format's name: Seq, Wall and Whole; and Prev and the texts with their lengths
// before them; all integers big-endian in 8 bytes.
func (e *Entry) Text() []byte { return e.append(nil) }

func (e *Entry) append(b []byte) []byte {
	for _, n := range []int64{e.Seq, e.Wall, e.Whole} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, part := range [][]byte{e.Prev, []byte(e.Event), e.Body, e.Before, e.After} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Sum is the hash that an entry with these texts has: SHA-256 over the format's name and Text.
func (e *Entry) Sum() []byte {
	h := sha256.Sum256(e.append([]byte(hashFormat)))
	return h[:]
}

// errCut is of a text that is no entry's.
var errCut = errors.New("chain: it is cut short, or no entry")

// Read is the entry whose Text it is; its Hash is computed. The parts are the text's own bytes, not copies.
func Read(text []byte) (e Entry, err error) {
	rest := text
	number := func() (n uint64) {
		if len(rest) < 8 {
			err, rest = errCut, nil
			return 0
		}
		n = binary.BigEndian.Uint64(rest)
		rest = rest[8:]
		return n
	}
	part := func() (p []byte) {
		n := number()
		if n > uint64(len(rest)) {
			err, rest = errCut, nil
			return nil
		}
		p, rest = rest[:n:n], rest[n:]
		return p
	}
	seq, wall, whole := number(), number(), number()
	e = Entry{Seq: int64(seq), Wall: int64(wall), Whole: int64(whole), Prev: part(), Event: string(part()),
		Body: part(), Before: part(), After: part()}
	if err == nil && (len(rest) > 0 || seq == 0 || seq > math.MaxInt64 || whole > 1 || len(e.Prev) != sha256.Size) {
		err = errCut
	}
	if err != nil {
		return Entry{}, err
	}
	e.Hash = e.Sum()
	return e, nil
}

// Link is where the chain stands: the number of the next entry, and the hash that it must continue. No hash: the next
// entry is the anchor, whose own word for what came before is taken, except that entry 1 has nothing before it.
type Link struct {
	Next int64
	Prev []byte
}

// Check finds whether e is the entry that the chain goes on with.
func (l Link) Check(e Entry) error {
	prev := l.Prev
	if l.Next == 1 {
		prev = make([]byte, sha256.Size)
	}
	switch {
	case e.Seq != l.Next:
		return fmt.Errorf("entry %d is missing: %d comes next", l.Next, e.Seq)
	case prev != nil && !bytes.Equal(e.Prev, prev):
		return fmt.Errorf("entry %d does not continue the one before it", e.Seq)
	case !bytes.Equal(e.Hash, e.Sum()):
		return fmt.Errorf("entry %d is not as it was written", e.Seq)
	}
	return nil
}

// Take adds the entry to the state that is recorded before it, as JSON.
func (e Entry) Take(doc json.RawMessage) (json.RawMessage, error) {
	if e.Whole == 1 {
		return e.After, nil
	}
	doc, err := Merge(doc, e.After)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	return doc, nil
}
