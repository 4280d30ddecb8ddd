package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"kioskd/hw/vend/serialport"
)

const (
	// ResendsDefault is the protocol's.
	ResendsDefault = 5
	// ResendsMax bounds Resends: a customer waits for each.
	ResendsMax = 20

	// No limit is a multiple of the 200 ms between two polls: nothing is decided at the very moment of one.
	silenceMax = 2017 * time.Millisecond // ten polls: a board that says nothing for so long is not there
	// from a line's first poll to its first vend: longer than a board repeats an old status
	quiet = 2011 * time.Millisecond
	// polls further apart than this do not follow one another: the board may have begun anew
	pollsApart = 500 * time.Millisecond
)

var errSilent = errors.New(
	"board: the line is open, and no board polls on it: is it powered, and is the baud rate right?")

// Line is a board and the cable to it. Fill the fields, let Run run, and give its motors to Slots. Its methods may be
// called from any goroutine.
type Line struct {
	Open     func() (io.ReadWriteCloser, error)
	Resends  int  // of a command without an acknowledgement: 0 to ResendsMax
	Elevator bool // products ride down in an elevator
	// is told, from Run's goroutines and without waiting: nil, the board is there; else why not. May be nil
	State func(err error)

	vending sync.Mutex // held by the one vend that is on

	mu     sync.Mutex
	number byte      // of the last packet that we numbered
	since  time.Time // when this line's first poll came; zero: none has
	polled time.Time // when the last did
	last   frame     // the last that the board told of a motor
	job    *job      // what the board is to do; nil: nothing
	told   bool      // State was told something
	there  bool      // and what
}

// job is a command, and what came of it.
type job struct {
	frame   frame
	answer  byte // the command that answers it
	motor   int
	resends int
	done    chan byte // gets the answer's word, once; has room for it

	sends  int  // how often it was, or may have been, sent
	whole  bool // one of them may have arrived
	acked  bool
	closed bool // it is not sent any more
}

// Check says what is wrong with the fields, with the remedy.
func (l *Line) Check() error {
	switch {
	case l.Open == nil:
		return errors.New("board: no line: name its device")
	case l.Resends < 0 || l.Resends > ResendsMax:
		return fmt.Errorf("board: %d resends: write 0 to %d", l.Resends, ResendsMax)
	}
	return nil
}

// Run keeps the line open and answers the board's polls until ctx ends.
func (l *Line) Run(ctx context.Context) {
	serialport.Keep(ctx, l.Open, l.session, func(err error) {
		if err != nil {
			l.tell(err)
		}
	})
	l.lost()
}

// tell tells State what is new.
func (l *Line) tell(err error) {
	l.mu.Lock()
	news := !l.told || l.there != (err == nil)
	l.told, l.there = true, err == nil
	l.mu.Unlock()
	if news && l.State != nil {
		l.State(err)
	}
}

// lost: there is no line. What was sent over it may have arrived; the next poll comes after a pause.
func (l *Line) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.polled = time.Time{}, time.Time{}
}

// session is one open line.
func (l *Line) session(_ context.Context, line io.ReadWriteCloser) error {
	defer l.lost()
	silent := false
	var mu sync.Mutex
	dog := time.AfterFunc(silenceMax, func() {
		mu.Lock()
		defer mu.Unlock()
		silent = true
		_ = line.Close()
	})
	defer dog.Stop()
	var d decoder
	b := make([]byte, frameMax)
	for {
		n, err := line.Read(b)
		for _, f := range d.feed(b[:n], time.Now()) {
			dog.Reset(silenceMax)
			if err := l.heard(line, f); err != nil {
				return err
			}
		}
		mu.Lock()
		fell := silent
		mu.Unlock()
		switch {
		case fell:
			return errSilent
		case err != nil:
			return fmt.Errorf("board: %w", err)
		}
	}
}

// heard answers one frame of the board's.
func (l *Line) heard(line io.Writer, f frame) error {
	switch f.cmd {
	case ack:
		l.mu.Lock()
		if l.job != nil && l.job.sends > 0 {
			l.job.acked = true
		}
		l.mu.Unlock()
		return nil
	case poll:
		l.polls()
		l.tell(nil)
		return l.answerPoll(line)
	case checked, status:
		l.learn(f)
	}
	return write(line, frame{cmd: ack}) // also what is not understood: it would be told again and again
}

func write(line io.Writer, f frame) error {
	if _, err := line.Write(f.bytes()); err != nil {
		return fmt.Errorf("board: %w", err)
	}
	return nil
}

// polls notes a poll. After a pause the board may have forgotten which packet numbers it has seen.
func (l *Line) polls() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.since.IsZero() {
		l.since = now
	}
	if j := l.job; j != nil && j.sends > 0 && now.Sub(l.polled) > pollsApart {
		j.closed = true
	}
	l.polled = now
}

// answerPoll sends the command that waits, if it is its time, or else the acknowledgement.
func (l *Line) answerPoll(line io.Writer) error {
	l.mu.Lock()
	j := l.job
	if j == nil || j.acked || j.closed || j.sends > j.resends {
		l.mu.Unlock()
		return write(line, frame{cmd: ack})
	}
	j.sends++
	b := j.frame.bytes()
	sure := j.whole
	j.whole = true // from now on, as far as anybody knows who asks meanwhile
	l.mu.Unlock()
	n, err := line.Write(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < len(b) { // a frame without its XOR is none
		j.whole = sure
	}
	if err != nil {
		return fmt.Errorf("board: %w", err)
	}
	return nil
}

// learn takes what the board tells of a motor.
func (l *Line) learn(f frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.last.cmd == f.cmd && slices.Equal(l.last.data, f.data)
	l.last = f
	j := l.job
	if motor, ok := f.motor(); again || !ok || j == nil || j.sends == 0 || f.cmd != j.answer || motor != j.motor {
		return
	}
	j.acked = true
	if f.cmd == status && f.data[1] == dispensing {
		return
	}
	select {
	case j.done <- f.data[1]:
	default: // it has its answer
	}
}

// begin makes the command the next thing that the board hears, with a packet number of its own.
func (l *Line) begin(cmd, answer byte, motor int, data ...byte) *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.number++; l.number == 0 {
		l.number = 1
	}
	data = append([]byte{l.number}, data...)
	data = append(data, byte(motor>>8), byte(motor))
	l.job = &job{frame: frame{cmd, data}, answer: answer, motor: motor, resends: l.Resends, done: make(chan byte, 1)}
	return l.job
}

// end takes the command away, and says whether the board may have got it.
func (l *Line) end(j *job) (arrived bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.job = nil
	j.closed = true
	return j.whole
}

// unsent says that the command has not been sent yet, and takes it back then.
func (l *Line) unsent(j *job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !j.whole {
		j.closed = true
	}
	return !j.whole
}

// ready says whether a vend can begin now, and if not how long to wait before asking again; 0: there is no board.
func (l *Line) ready() (bool, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() {
		return false, 0
	}
	left := quiet - time.Since(l.since)
	return left <= 0, max(left, 0)
}
