package mdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/serialport"
	"kioskd/internal/money"
)

const (
	// LongestDefault is Longest when it is 0: a coffee machine's slowest cup.
	LongestDefault = 60 * time.Second
	// LongestMax bounds Longest: the customer is waiting, and a reservation runs.
	LongestMax = 3 * time.Minute

	partMax    = 200 * time.Millisecond // half a line is forgotten after so long: its end is lost
	writeMax   = 2 * time.Second        // for one line to be written; a line that takes none is closed
	arrivalMax = 16                     // pieces of input that wait
	chunkBytes = 256
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

// Bridge is one machine. Fill the exported fields and leave them alone; then Run it. The callbacks are called one at a
// time and must return soon.
type Bridge struct {
	Open     func() (io.ReadWriteCloser, error) // the serial line; a Close must end a blocked Read
	Currency string                             // ISO 4217, of every amount
	Deny     string                             // DenyStop or DenyMinus; "" is DenyStop
	// that the machine takes to deliver: above 0, at most LongestMax; 0 is LongestDefault
	Longest time.Duration
	// the customer has chosen; it ends with Decline or with its product's Vend. Never nil
	Requested func(Request)
	// why nothing can be sold now, nil: it can. Told when that changes. Never nil
	State func(error)
	Log   func(string) // for a technician. Never nil
	// told of each request that is denied because it cannot be read, other decimal places included. May be nil
	Misread func(why string)

	// What waits for Run's goroutine, which alone has the machine's state.
	mu     sync.Mutex
	wishes []wish        // in their order
	calls  uint64        // of Vend, so far
	wake   chan struct{} // has room for one; nil: Run does not run
}

// wish is what somebody wants of the bridge. Of Sells that wait only the last one stays, and each Decline and each Vend
// has its request or its goroutine, so that no more can wait than there are of those.
type wish struct {
	event  event
	ctx    context.Context  // of an approve
	answer chan vend.Result // of an approve: has room for one
}

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

// Sell asks for a session with this credit; no amount ends it. It returns at once, and may be called before Run. After
// each vend it must be called again: until then no session is begun, since nobody knows with what credit.
func (b *Bridge) Sell(credit money.Amount) { b.wish(wish{event: sell{credit}}) }

// Decline says that a request will not be approved. One that is not open any more is no mistake.
func (b *Bridge) Decline(id uint64) { b.wish(wish{event: decline{id}}) }

// wish hands a wish to Run, and does not wait for it: the callers hold locks that a callback may want.
func (b *Bridge) wish(w wish) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, sells := w.event.(sell)
	if b.wake == nil && !sells {
		return // there is no request, nor an approval
	}
	if n := len(b.wishes); n > 0 && sells {
		if _, sold := b.wishes[n-1].event.(sell); sold {
			b.wishes = b.wishes[:n-1]
		}
	}
	b.enqueue(w)
}

// call is a Vend's wish, and its number; false: nobody could fulfil it.
func (b *Bridge) call(ctx context.Context, product int, answer chan vend.Result) (uint64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake == nil {
		return 0, false
	}
	b.calls++
	b.enqueue(wish{approve{call: b.calls, product: product}, ctx, answer})
	return b.calls, true
}

// enqueue is called with the bridge locked.
func (b *Bridge) enqueue(w wish) {
	b.wishes = append(b.wishes, w)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// wished are the wishes that wait, which wait no longer.
func (b *Bridge) wished() []wish {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wishes
	b.wishes = nil
	return w
}

// begin lets wishes in, and end lets none in any more.
func (b *Bridge) begin() (wake chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = make(chan struct{}, 1)
	return b.wake
}

func (b *Bridge) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = nil
}

// arrival is what the line's goroutine has for Run's: an event, and the line that an opened is about.
type arrival struct {
	event event
	line  io.ReadWriteCloser
}

// Run speaks with the bridge until ctx ends. A line that cannot be opened, or breaks, is opened again.
func (b *Bridge) Run(ctx context.Context) {
	wake := b.begin()
	r := &run{
		b: b, rules: rules{b.Currency, b.Deny, b.longest()}, state: begun(time.Now()),
		waiting: map[uint64]chan vend.Result{},
	}
	b.State(errBegin) // a machine that has not been heard sells nothing
	arrivals, gone := make(chan arrival, arrivalMax), make(chan struct{})
	lines, over := context.WithCancel(context.WithoutCancel(ctx)) // the last word is written when ctx has ended
	defer over()
	tell := func(a arrival) {
		select {
		case arrivals <- a:
		case <-lines.Done():
		}
	}
	go func() {
		defer close(gone)
		serialport.Keep(lines, b.Open, func(_ context.Context, line io.ReadWriteCloser) error {
			tell(arrival{opened{}, line})
			return listen(line, b.Currency, func(said []Line) { tell(arrival{event: heard{said}}) })
		}, func(err error) {
			if err != nil {
				tell(arrival{event: lost{err}})
			}
		})
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		var a arrival
		select {
		case a = <-arrivals:
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
			continue
		}
		r.grant() // what was wished before a line was read counts before it
		if a.line != nil {
			r.line = a.line
		}
		if a.event == nil {
			a.event = tick{}
		}
		timer.Reset(r.turn(a.event))
	}
	r.turn(leave{ctx.Err()})
	over()
	<-gone
	b.end()
	r.grant() // those that came too late
}

// listen gives what is heard on a line, until it breaks.
func listen(line io.Reader, currency string, hears func([]Line)) error {
	var split splitter
	var last time.Time
	buf := make([]byte, chunkBytes)
	for {
		n, err := line.Read(buf)
		var said []Line
		now := time.Now()
		if now.Sub(last) > partMax && split.forget() {
			said = append(said, Line{})
		}
		last = now
		split.feed(buf[:n], func(text string) { said = append(said, Parse(text, currency)) })
		if len(said) > 0 {
			hears(said)
		}
		if err != nil {
			return fmt.Errorf("mdb: the line: %w", err)
		}
	}
}

// run is a Run: the machine's state, and what is needed to carry out what a step says.
type run struct {
	b       *Bridge
	rules   rules
	state   state
	line    io.WriteCloser
	waiting map[uint64]chan vend.Result // by the call
}

// grant steps through the wishes that wait.
func (r *run) grant() {
	for _, w := range r.b.wished() {
		if a, ok := w.event.(approve); ok {
			r.waiting[a.call] = w.answer
			if w.ctx.Err() != nil {
				a.stopped = context.Cause(w.ctx)
			}
			w.event = a
		}
		r.turn(w.event)
	}
}

// turn is one step and what follows from it. It answers how long nothing is to be done unless something happens.
func (r *run) turn(e event) time.Duration {
	now := time.Now()
	next, out := step(r.rules, r.state, e, now)
	r.state = next
	for _, what := range out.log {
		r.b.Log(what)
	}
	for _, end := range out.results {
		r.waiting[end.call] <- end.result // has room: a call ends once
		delete(r.waiting, end.call)
	}
	for _, why := range out.misread {
		if r.b.Misread != nil {
			r.b.Misread(why)
		}
	}
	for _, request := range out.requests {
		r.b.Requested(request)
	}
	var broke error
	for _, command := range out.writes {
		if broke = put(r.line, command); broke != nil {
			break
		}
	}
	if out.hangUp || broke != nil {
		_ = r.line.Close() // whatever it says, the line is not used any more
	}
	if out.tell {
		r.b.State(next.told)
	}
	if broke != nil {
		return r.turn(lost{fmt.Errorf("mdb: the line: %w", broke)}) // nothing is written over a line that is lost
	}
	return out.wait
}

// put writes one line. A line that takes nothing is closed, which ends the write.
func put(line io.WriteCloser, command string) error {
	stuck := time.AfterFunc(writeMax, func() { _ = line.Close() }) // the write says it
	defer stuck.Stop()
	_, err := io.WriteString(line, command+"\n")
	return err
}
