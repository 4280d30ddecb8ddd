package lockboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kioskd/hw/vend/serialport"
)

const (
	answerMax = 150 * time.Millisecond // for a status: the board takes some milliseconds, a USB adapter 16, the bytes 5
	askEvery  = 200 * time.Millisecond // while a door is watched
	restEvery = 5 * time.Second        // while nothing is sold, so that a board that is gone is known before somebody pays
	deafAfter = 3                      // questions without an answer, one after the other, until the board counts as gone
)

var (
	errNoLine   = errors.New("lockboard: there is no line to the board")
	errNoAnswer = errors.New("lockboard: the board does not answer: is it powered, and are its address and the baud rate right?")
)

// Bus is a lock board and the cable to it. Fill the fields, let Run run, and give its locks to Locks. Its methods may be called
// from any goroutine.
type Bus struct {
	Open        func() (io.ReadWriteCloser, error)
	Address     int             // of the board, as its switches say: 0 to AddressMax
	OpenBit     int             // of a lock whose door is open: 0 or 1
	StatusBytes int             // of its status: 2 or 4
	State       func(err error) // is told, from Run's goroutines and without waiting: nil, the board is there; else why not. May be nil

	vending sync.Mutex // held by the one vend that is on

	mu     sync.Mutex
	asking chan struct{} // holds a token while a question is on; made by the first
	line   io.Writer     // nil: there is none
	answer chan uint16
	deaf   int  // questions without an answer since the last that had one
	told   bool // State was told something
	there  bool // and what
}

// Check says what is wrong with the fields, with the remedy.
func (b *Bus) Check() error {
	switch {
	case b.Open == nil:
		return errors.New("lockboard: no line: name its device")
	case b.Address < 0 || b.Address > AddressMax:
		return fmt.Errorf("lockboard: address %d: write 0 to %d", b.Address, AddressMax)
	case b.OpenBit != 0 && b.OpenBit != 1:
		return fmt.Errorf("lockboard: open bit %d: write 0 or 1", b.OpenBit)
	case b.StatusBytes != 2 && b.StatusBytes != 4:
		return fmt.Errorf("lockboard: a status of %d bytes: write 2 or 4", b.StatusBytes)
	}
	return nil
}

// Run keeps the line open, and asks now and then whether the board is there, until ctx ends.
func (b *Bus) Run(ctx context.Context) {
	serialport.Keep(ctx, b.Open, b.session, func(err error) {
		if err != nil {
			b.tell(err)
		}
	})
}

// tell tells State what is new.
func (b *Bus) tell(err error) {
	b.mu.Lock()
	news := !b.told || b.there != (err == nil)
	b.told, b.there = true, err == nil
	b.mu.Unlock()
	if news && b.State != nil {
		b.State(err)
	}
}

// session is one open line.
func (b *Bus) session(ctx context.Context, line io.ReadWriteCloser) error {
	b.mu.Lock()
	b.line, b.deaf = line, 0
	b.mu.Unlock()
	var resting sync.WaitGroup
	defer resting.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer func() {
		b.mu.Lock()
		b.line = nil
		b.mu.Unlock()
	}()
	resting.Go(func() { b.rest(ctx) })
	d := decoder{address: b.Address, size: b.StatusBytes}
	buf := make([]byte, 64)
	for {
		n, err := line.Read(buf)
		for _, s := range d.feed(buf[:n]) {
			b.heard(s)
		}
		if err != nil {
			return fmt.Errorf("lockboard: %w", err)
		}
	}
}

// rest asks the board while nobody else does.
func (b *Bus) rest(ctx context.Context) {
	for {
		_, err := b.doors()
		d := restEvery
		b.mu.Lock()
		if err != nil && b.deaf < deafAfter {
			d = askEvery
		}
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(d):
		}
	}
}

func (b *Bus) heard(status uint16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.answer <- status: // nil when nobody has asked: never
	default:
	}
}

// turn waits until nobody else asks, and answers how to end one's own turn.
func (b *Bus) turn() (end func()) {
	b.mu.Lock()
	if b.asking == nil {
		b.asking = make(chan struct{}, 1)
	}
	asking := b.asking
	b.mu.Unlock()
	asking <- struct{}{}
	return func() { <-asking }
}

// doors asks which doors are open: a bit for each lock, the first lowest.
func (b *Bus) doors() (open uint16, err error) {
	defer b.turn()()
	answer := make(chan uint16, 1)
	b.mu.Lock()
	line := b.line
	b.answer = answer
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.answer = nil
		b.mu.Unlock()
	}()
	if line == nil {
		return 0, errNoLine
	}
	if _, err := line.Write(command(b.Address, 0, askStatus)); err != nil {
		return 0, fmt.Errorf("lockboard: %w", err)
	}
	t := time.NewTimer(answerMax)
	defer t.Stop()
	select {
	case status := <-answer:
		b.mu.Lock()
		b.deaf = 0
		b.mu.Unlock()
		b.tell(nil)
		if b.OpenBit == 0 {
			status = ^status
		}
		return status, nil
	case <-t.C:
	}
	b.mu.Lock()
	b.deaf++
	gone := b.deaf >= deafAfter
	b.mu.Unlock()
	if gone {
		b.tell(errNoAnswer)
	}
	return 0, errNoAnswer
}

// free unlocks a lock, counted from 0. Sent: the board may have got the command, also with an error.
func (b *Bus) free(lock int) (sent bool, err error) {
	defer b.turn()()
	b.mu.Lock()
	line := b.line
	b.mu.Unlock()
	if line == nil {
		return false, errNoLine
	}
	cmd := command(b.Address, lock, unlock)
	n, err := line.Write(cmd)
	if err != nil {
		err = fmt.Errorf("lockboard: %w", err)
	}
	return n == len(cmd), err
}
