package mdb

import (
	"context"
	"errors"
	"time"

	"kioskd/hw/vend"
)

// approval is one request that is being approved, until the machine has answered. Its bridge's lock guards it.
type approval struct {
	request   Request
	moved     chan struct{} // has room for one: look again
	sent      time.Time     // zero: nothing can come out
	due       time.Time     // when it is given up
	why       string        // of an unknown outcome
	cancelled bool          // the machine gave up before it was approved, if nothing speaks against it
	unclear   bool          // its end may have been lost: a line could not be read, or the same request was heard once more
	result    *vend.Result  // nil: not known yet
}

var (
	errGone   = errors.New("mdb: the machine does not ask for this product any more")
	delivered = vend.Result{Outcome: vend.Delivered}
	notTaken  = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyRefused, Err: errors.New("mdb: the bridge did not take the approval")}
	broken    = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyMachineFailed, Err: errors.New("mdb: the machine could not deliver")}
	givenUp   = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errors.New("mdb: the machine cancelled its request")}
)

func (v *approval) poke() {
	select {
	case v.moved <- struct{}{}:
	default:
	}
}

func (v *approval) end(r vend.Result) {
	if v.result == nil {
		v.result = &r
	}
	v.poke()
}

// within makes the end come in d, unless it comes sooner anyway.
func (v *approval) within(d time.Duration) {
	if t := time.Now().Add(d); t.Before(v.due) {
		v.due = t
	}
	v.poke()
}

// lost: the line is gone.
func (v *approval) lost(unplugged bool) {
	if v.sent.IsZero() {
		v.end(vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errGone})
		return
	}
	if v.why == vend.WhyNoAnswer && unplugged {
		v.why = vend.WhyUnplugged
	}
	v.cancelled = false
	v.within(replugMax)
}

// status is what the machine says after the approval was written, or just before.
func (v *approval) status(l Line) {
	switch {
	case v.sent.IsZero() && l.Status == Vend && l.Price == v.request.Price && l.Product == v.request.Product:
	case v.sent.IsZero():
		v.end(vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errGone})
	case l.Status == Vend && l.Price == v.request.Price && l.Product == v.request.Product && !v.cancelled:
		v.unclear = true
	case l.Status == Vend: // one of the two was approved
		v.cancelled = false
		v.within(lateMax)
	case v.cancelled:
		v.end(givenUp)
	default:
		if l.Status == Inactive || l.Status == Disabled {
			v.why = vend.WhyReset
		}
		v.within(lateMax)
	}
}

// failed: the machine says that nothing came out.
func (v *approval) failed(code int) {
	switch {
	case code == vendFailure: // of what was approved: no other request can fail so
		v.end(broken)
	case code == vendCancel && !v.unclear:
		v.cancelled = true
		v.within(cancelMax)
	default:
		v.within(lateMax)
	}
}

// expire is the end of all patience.
func (v *approval) expire() {
	switch {
	case v.sent.IsZero():
		v.end(vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errGone})
	case v.cancelled:
		v.end(givenUp)
	default:
		v.end(vend.Result{Outcome: vend.Unknown, Why: v.why, Err: errors.New("mdb: approved, and the machine did not say what became of it")})
	}
}

// product is one of the machine's products.
type product struct {
	bridge *Bridge
	number int
}

// Product is the machine's product of that number, as a slot: its Vend approves the request that stands for it, and nothing else.
func (b *Bridge) Product(number int) vend.Slot { return product{b, number} }

// Check implements vend.Slot.
func (p product) Check() error {
	if p.number < 0 || p.number > productMax {
		return errors.New("mdb: a product's number is from 0 to 65535: write the machine's own")
	}
	return p.bridge.Check()
}

// Terms implements vend.Slot.
func (p product) Terms() vend.Terms {
	return vend.Terms{Longest: p.bridge.longest(), UnknownCharged: true}
}

func (b *Bridge) longest() time.Duration {
	if b.Longest == 0 {
		return LongestDefault
	}
	return b.Longest
}

// Halt implements vend.Slot: an approved delivery is the machine's, and cannot be taken back.
func (p product) Halt() error { return nil }

// Vend implements vend.Slot: it approves the request that stands, once. When ctx ends first it is not approved; afterwards the
// machine's answer is waited for a little longer.
func (p product) Vend(ctx context.Context) vend.Result {
	if err := p.Check(); err != nil {
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhySetup, Err: err}
	}
	b := p.bridge
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.vend != nil:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyBusy}
	case b.open == nil || b.open.Product != p.number:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errGone}
	}
	request, void := *b.open, b.void
	b.open, b.void = nil, true
	if void || ctx.Err() != nil {
		b.poke()
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errors.Join(errGone, context.Cause(ctx))}
	}
	v := &approval{request: request, moved: make(chan struct{}, 1), due: time.Now().Add(b.longest()), why: vend.WhyNoAnswer}
	b.vend = v
	b.poke()
	b.await(ctx, v)
	b.vend, b.spent = nil, true
	b.poke() // what was left alone meanwhile
	return *v.result
}

// await waits for the end of an approval. Called with the bridge locked, which it unlocks while it waits.
func (b *Bridge) await(ctx context.Context, v *approval) {
	ended := ctx.Done()
	for v.result == nil {
		timer := time.NewTimer(time.Until(v.due))
		b.mu.Unlock()
		expired, stopped := false, false
		select {
		case <-v.moved:
		case <-timer.C:
			expired = true
		case <-ended:
			stopped, ended = true, nil
		}
		timer.Stop()
		b.mu.Lock()
		switch {
		case v.result != nil:
		case stopped && v.sent.IsZero():
			v.end(vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: context.Cause(ctx)})
		case stopped:
			v.within(stopMax)
		case expired && !time.Now().Before(v.due):
			v.expire()
		}
	}
}
