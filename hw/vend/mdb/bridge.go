package mdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kioskd/internal/money"
)

const (
	// LongestDefault is Longest when it is 0: a coffee machine's slowest cup.
	LongestDefault = 60 * time.Second
	// LongestMax bounds Longest: the customer is waiting, and a reservation runs.
	LongestMax = 3 * time.Minute

	lateMax    = 3 * time.Second        // for a SUCCESS or an ERR after the machine seems to be through
	cancelMax  = time.Second            // for what follows "cancelled"
	replugMax  = 10 * time.Second       // for a line that was lost during a delivery to come back with an answer
	stopMax    = 15 * time.Second       // how long a delivery is still waited for when its context has ended: it cannot be stopped
	askAgain   = 2 * time.Second        // a command without any effect is written again, but for an approval
	joinAgain  = 10 * time.Second       // and leaving and joining the bus, during which a machine sets the bridge up
	freshEvery = time.Minute            // a bridge whose machine does not enable it joins the bus anew so often: that it did may have been lost
	pingEvery  = 5 * time.Second        // silence after which the bridge is asked whether it is there
	deadAfter  = 16 * time.Second       // silence after which the line is opened anew
	patience   = 10 * time.Second       // a machine may be disabled for so long, or its bridge be away, before nothing is sold
	partMax    = 200 * time.Millisecond // half a line is forgotten after so long: its end is lost
	writeMax   = 2 * time.Second        // for one line to be written; a line that takes none is closed
	reopenMin  = 200 * time.Millisecond // pause before the line is opened again, doubled up to
	reopenMax  = 5 * time.Second        //
	chunksMax  = 16                     // pieces of input that wait
	chunkBytes = 256

	complainEvery = time.Minute // a line full of noise must not fill the log
)

// How a request is denied: which one works depends on the machine.
const (
	DenyStop  = "stop" // C,STOP: the session ends, and a new one begins
	DenyMinus = "-1"   // C,VEND,-1: the session goes on
)

// Request is a machine's wish to sell one product.
type Request struct {
	ID      uint64 // its own in this process
	Product int    // the machine's number
	Price   money.Amount
}

// Bridge is one machine. Fill the exported fields and leave them alone; then Run it. The callbacks are called one at a time and must
// return soon.
type Bridge struct {
	Open      func() (io.ReadWriteCloser, error) // the serial line; a Close must end a blocked Read
	Currency  string                             // ISO 4217, of every amount
	Deny      string                             // DenyStop or DenyMinus; "" is DenyStop
	Longest   time.Duration                      // that the machine takes to deliver: above 0, at most LongestMax; 0 is LongestDefault
	Requested func(Request)                      // the customer has chosen; it ends with Decline or with its product's Vend. Never nil
	State     func(error)                        // why nothing can be sold now, nil: it can. Told when that changes. Never nil
	Log       func(string)                       // for a technician. Never nil
	Misread   func(why string)                   // told of each request that is denied because it cannot be read, other decimal places included. May be nil

	mu      sync.Mutex
	wake    chan struct{} // has room for one
	up      bool          // the line is open
	failure error         // why it is not
	status  string        // the last one; "": not known
	good    time.Time     // when the machine was last ready to sell
	told    error         // what State was told last
	heard   time.Time     // when the bridge last said something
	pinged  time.Time
	asked   time.Time    // when the last command was written that waits for its effect
	joined  time.Time    // when the bridge was last told to join the bus
	fresh   bool         // a status came after it
	credit  money.Amount // of the session that is wanted; no amount: none is
	spent   bool         // a vend has ended since: how much is left is not known until the next Sell
	started money.Amount // of the session that was begun
	minted  uint64
	open    *Request // handed over, and not answered yet
	void    bool     // the machine does not want it any more
	vend    *approval

	complained time.Time // of a bad line
	misplaced  time.Time // when a request was last complained of that cannot be read
}

var (
	errBegin    = errors.New("mdb: the machine has not been heard yet")
	errSilent   = errors.New("mdb: the bridge does not answer")
	errInactive = errors.New("mdb: the machine does not speak to the bridge: look at the bus cable, and whether the machine has a cashless device enabled")
	errDisabled = errors.New("mdb: the machine has disabled its cashless device")
)

// Check says what is wrong with the fields, with the remedy.
func (b *Bridge) Check() error {
	switch {
	case b.Open == nil || b.Requested == nil || b.State == nil || b.Log == nil:
		return errors.New("mdb: a part of the bridge is missing")
	case !money.Known(b.Currency):
		return fmt.Errorf("mdb: currency %q: write an ISO 4217 code", b.Currency)
	case b.Deny != "" && b.Deny != DenyStop && b.Deny != DenyMinus:
		return fmt.Errorf("mdb: deny %q: write %q or %q", b.Deny, DenyStop, DenyMinus)
	case b.Longest < 0 || b.Longest > LongestMax:
		return fmt.Errorf("mdb: longest delivery %s: write at most %s", b.Longest, LongestMax)
	}
	return nil
}

// Sell asks for a session with this credit; no amount ends it. It returns at once. After each vend it must be called again: until
// then no session is begun, since nobody knows with what credit.
func (b *Bridge) Sell(credit money.Amount) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent || b.credit != credit {
		b.spent, b.credit = false, credit
		b.poke()
	}
}

// Decline says that a request will not be approved. One that is not open any more is no mistake.
func (b *Bridge) Decline(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.open.ID == id {
		b.open = nil
		b.poke()
	}
}

// poke makes the session look at what is to be done. Called with the bridge locked.
func (b *Bridge) poke() {
	select {
	case b.waker() <- struct{}{}:
	default:
	}
}

func (b *Bridge) waker() chan struct{} {
	if b.wake == nil {
		b.wake = make(chan struct{}, 1)
	}
	return b.wake
}

// Run speaks with the bridge until ctx ends. A line that cannot be opened, or breaks, is opened again.
func (b *Bridge) Run(ctx context.Context) {
	b.mu.Lock()
	b.good, b.failure = time.Now(), errBegin
	b.told = errBegin // a machine that has not been heard sells nothing
	b.mu.Unlock()
	b.State(errBegin)
	for pause := reopenMin; ctx.Err() == nil; pause = min(2*pause, reopenMax) {
		if port, err := b.Open(); err != nil {
			b.lost(err)
		} else if b.session(ctx, port) {
			pause = reopenMin
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		b.judge()
	}
}

// chunk is what one Read gave.
type chunk struct {
	b   []byte
	err error
}

// session speaks over one opening of the line, and says whether the bridge was heard. The line is closed when it returns.
func (b *Bridge) session(ctx context.Context, port io.ReadWriteCloser) (heard bool) {
	ended := make(chan struct{})
	chunks, gone := make(chan chunk, chunksMax), make(chan struct{})
	defer func() { // the reader has ended, too, when this returns
		close(ended)
		_ = port.Close() // whatever it says, the line is not used any more
		<-gone
	}()
	go func() {
		defer close(gone)
		for err := error(nil); err == nil; {
			buf, n := make([]byte, chunkBytes), 0
			n, err = port.Read(buf)
			select {
			case chunks <- chunk{buf[:n], err}:
			case <-ended:
				return
			}
		}
	}()
	began := b.begin()
	var lines splitter
	var last time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case c := <-chunks:
			now := time.Now()
			if now.Sub(last) > partMax && lines.forget() {
				b.line(Line{})
			}
			last = now
			lines.feed(c.b, func(text string) { b.line(Parse(text, b.Currency)) })
			if c.err != nil {
				b.lost(fmt.Errorf("mdb: the line: %w", c.err))
				return b.since(began)
			}
		case <-timer.C:
		case <-b.wake:
		case <-ctx.Done():
			b.farewell(port)
			b.lost(ctx.Err())
			return true
		}
		wait, err := b.write(port)
		if err != nil {
			b.lost(err)
			return b.since(began)
		}
		b.judge()
		timer.Reset(wait)
	}
}

// write writes what is to be said now, and answers when to look again.
func (b *Bridge) write(port io.Writer) (time.Duration, error) {
	for {
		command, wait, err := b.next(time.Now())
		if err != nil || command == "" {
			return wait, err
		}
		if err := put(port, command); err != nil {
			return 0, fmt.Errorf("mdb: the line: %w", err)
		}
	}
}

// put writes one line. A line that takes nothing is closed, which ends the write.
func put(port io.Writer, command string) error {
	if c, ok := port.(io.Closer); ok {
		stuck := time.AfterFunc(writeMax, func() { _ = c.Close() }) // the write says it
		defer stuck.Stop()
	}
	_, err := io.WriteString(port, command+"\n")
	return err
}

// farewell ends the session that is on, so that the machine shows no credit that nobody stands for.
func (b *Bridge) farewell(port io.Writer) {
	b.mu.Lock()
	open := (b.status == Idle || b.status == Vend) && b.vend == nil
	b.mu.Unlock()
	if open {
		_ = put(port, "C,STOP") // the next start joins the bus anew anyway
	}
}

// begin is a newly opened line: nothing is known of what was before.
func (b *Bridge) begin() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waker()
	now := time.Now()
	b.up, b.failure, b.status, b.started = true, nil, "", money.Amount{}
	b.heard, b.pinged, b.asked = now, time.Time{}, time.Time{}
	return now
}

func (b *Bridge) since(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heard.After(t)
}

// lost is a line that is gone, and with it every request that is not approved yet.
func (b *Bridge) lost(err error) {
	b.mu.Lock()
	b.up, b.failure, b.status = false, err, ""
	b.void = true
	if v := b.vend; v != nil {
		v.lost(!errors.Is(err, errSilent))
	}
	b.mu.Unlock()
	b.judge()
}

// judge tells when the machine ceases to be able to sell, or can again.
func (b *Bridge) judge() {
	b.mu.Lock()
	now, ready := time.Now(), b.up && (b.status == Enabled || b.status == Idle || b.status == Vend)
	if ready || b.vend != nil { // a machine that delivers may say what it likes
		b.good = now
	}
	err, tell := b.told, false
	switch {
	case ready && b.told != nil:
		err, tell = nil, true
	case !ready && now.Sub(b.good) >= patience && (b.told == nil || b.told.Error() != b.why().Error()):
		err, tell = b.why(), true
	}
	b.told = err
	b.mu.Unlock()
	if tell {
		b.State(err)
	}
}

// why nothing can be sold. Called with the bridge locked.
func (b *Bridge) why() error {
	switch {
	case !b.up && b.failure != nil:
		return b.failure
	case b.status == Disabled:
		return errDisabled
	case b.status == Inactive:
		return errInactive
	}
	return errSilent
}
