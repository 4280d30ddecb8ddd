package mdb

import (
	"context"
	"errors"
	"time"

	"kioskd/hw/vend"
)

// product is one of the machine's products.
type product struct {
	bridge *Bridge
	number int
}

// Product is the machine's product of that number, as a slot: its Vend approves the request that stands for it, and
// nothing else.
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

// Vend implements vend.Slot: it approves the request that stands, once. When ctx ends first it is not approved;
// afterwards the machine's answer is waited for a little longer.
func (p product) Vend(ctx context.Context) vend.Result {
	if err := p.Check(); err != nil {
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhySetup, Err: err}
	}
	answer := make(chan vend.Result, 1)
	call, ok := p.bridge.call(ctx, p.number, answer)
	if !ok {
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: errGone}
	}
	select {
	case r := <-answer:
		return r
	case <-ctx.Done():
		p.bridge.wish(wish{event: stop{call}})
		return <-answer
	}
}
