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
	// while nothing is sold, so that a board that is gone is known before somebody pays
	restEvery = 5 * time.Second
	// questions without an answer, one after the other, until the board counts as gone
	deafAfter = 3
)

var (
	errNoLine   = errors.New("lockboard: there is no line to the board")
	errNoAnswer = errors.New(
		"lockboard: the board does not answer: is it powered, and are its address and the baud rate right?")
)

// Protocol is how a kind of board is spoken to. It asks for nothing by itself.
type Protocol interface {
	// Check says what is wrong with its fields, with the remedy.
	Check() error
	// Locks is how many locks a board has, numbered from 1.
	Locks() int
	// Ask is the question whether a lock's door is open.
	Ask(lock int) []byte
	// Unlock is the command that frees a lock's door, once.
	Unlock(lock int) []byte
	// Deaf is how long a board that was told to unlock may say nothing.
	Deaf() time.Duration
	// Decoder answers what finds the statuses of our board in what a line brings that was opened just now.
	Decoder() func(b []byte) []Status
}

// Status is what a board says of its doors.
type Status struct {
	Lock int    // of this lock; 0: of all
	Open uint32 // a bit for each of them whose door is open, the first lowest
}

// of is what a status says of a lock, if it does.
func (s Status) of(lock int) (open, said bool) {
	switch s.Lock {
	case 0:
		return s.Open>>(lock-1)&1 == 1, true
	case lock:
		return s.Open&1 == 1, true
	}
	return false, false
}

// Bus is a lock board and the cable to it. Fill the fields, let Run run, and give its locks to Locks. Its methods may
// be called from any goroutine.
type Bus struct {
	Open   func() (io.ReadWriteCloser, error)
	Speaks Protocol // how the board is spoken to
	// is told, from Run's goroutines and without waiting: nil, the board is there; else why not. May be nil
	State func(err error)

	vending sync.Mutex // held by the one vend that is on

	mu     sync.Mutex
	asking chan struct{} // holds a token while a question is on; made by the first
	line   io.Writer     // nil: there is none
	answer chan Status
	deaf   int  // questions without an answer since the last that had one
	told   bool // State was told something
	there  bool // and what
}

// Check says what is wrong with the fields, with the remedy.
func (b *Bus) Check() error {
	switch {
	case b.Open == nil:
		return errors.New("lockboard: no line: name its device")
	case b.Speaks == nil:
		return errors.New("lockboard: a board of no kind")
	}
	return b.Speaks.Check()
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
	decode := b.Speaks.Decoder()
	buf := make([]byte, 64)
	for {
		n, err := line.Read(buf)
		for _, s := range decode(buf[:n]) {
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
		_, err := b.door(1)
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

func (b *Bus) heard(status Status) {
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

// door asks whether a lock's door is open.
func (b *Bus) door(lock int) (open bool, err error) {
	defer b.turn()()
	answer := make(chan Status, 1)
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
		return false, errNoLine
	}
	if _, err := line.Write(b.Speaks.Ask(lock)); err != nil {
		return false, fmt.Errorf("lockboard: %w", err)
	}
	t := time.NewTimer(answerMax)
	defer t.Stop()
	for waits := true; waits; {
		select {
		case status := <-answer:
			open, said := status.of(lock)
			if !said { // an answer to an earlier question, about another door
				continue
			}
			b.mu.Lock()
			b.deaf = 0
			b.mu.Unlock()
			b.tell(nil)
			return open, nil
		case <-t.C:
			waits = false
		}
	}
	b.mu.Lock()
	b.deaf++
	gone := b.deaf >= deafAfter
	b.mu.Unlock()
	if gone {
		b.tell(errNoAnswer)
	}
	return false, errNoAnswer
}

// free unlocks a lock. Sent: the board may have got the command, also with an error.
func (b *Bus) free(lock int) (sent bool, err error) {
	defer b.turn()()
	b.mu.Lock()
	line := b.line
	b.mu.Unlock()
	if line == nil {
		return false, errNoLine
	}
	cmd := b.Speaks.Unlock(lock)
	n, err := line.Write(cmd)
	if err != nil {
		err = fmt.Errorf("lockboard: %w", err)
	}
	return n == len(cmd), err
}
