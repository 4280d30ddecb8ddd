package vend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/internal/reason"
)

const (
	CloseMax     = 5 * time.Minute  // the longest Close: a customer with full hands has long gone
	CloseDefault = 30 * time.Second // Close when it is 0

	doorHold  = 50 * time.Millisecond // how long a locker's door must stand open, or closed, to count: a bolt shakes it
	doorLook  = 10 * time.Millisecond // how often it is looked at while a customer is before it
	lastGrasp = 1 * time.Second       // how long after the coil's end a door may still be on its way: a hand was on it
)

// Lock is a locker: the coil of its bolt, and a contact at its door. Whoever opens the door has the product. Fill the
// fields and leave them alone; its methods may be called from any goroutine. A locker without a contact cannot be one:
// nobody would know whether it was opened.
type Lock struct {
	Coil   gpio.PinOut   // High frees the door; an output that limits its own on-time
	Opened gpio.PinIn    // High while the door stands open, Low while it is closed
	MaxOn  time.Duration // how long the customer has to open it: above 0, at most OnMax; the coil is on for as long
	// a latch: the coil is on for this long only, less than MaxOn, and the door stays free; 0: not so
	Pulse time.Duration
	Close time.Duration // how long the door may stand open: at most CloseMax; 0 is CloseDefault

	vending sync.Mutex
}

// Check says what is wrong with the fields, with the remedy.
func (l *Lock) Check() error {
	switch {
	case l.Coil == nil:
		return errors.New("vend: no relay for the lock: name its pin")
	case l.Opened == nil:
		return fmt.Errorf(
			"vend: %s has no door contact: a locker needs one to know whether it was opened: name its pin",
			l.Coil.Name())
	case l.MaxOn <= 0 || l.MaxOn > OnMax:
		return fmt.Errorf("vend: %s: maximum on-time %s: write more than 0s and at most %s", l.Coil.Name(), l.MaxOn,
			OnMax)
	case l.Pulse < 0 || l.Pulse >= l.MaxOn:
		return fmt.Errorf("vend: %s: pulse %s: write less than the maximum on-time, %s", l.Coil.Name(), l.Pulse,
			l.MaxOn)
	case l.Close < 0 || l.Close > CloseMax:
		return fmt.Errorf("vend: %s: closing time %s: write at most %s", l.Coil.Name(), l.Close, CloseMax)
	}
	return nil
}

// Terms implements Slot. A door of which nobody knows whether it was opened is nothing to charge for.
func (l *Lock) Terms() Terms {
	return Terms{Longest: l.MaxOn + lastGrasp + l.closing() + doorHold}
}

func (l *Lock) closing() time.Duration {
	if l.Close == 0 {
		return CloseDefault
	}
	return l.Close
}

// Halt locks the door. A vend that is under way goes on to its end without it.
func (l *Lock) Halt() error {
	if l.Coil == nil {
		return nil
	}
	return off(l.Coil)
}

// Vend frees the door for one customer. When ctx ends the coil goes off at once, and a door that is opened within a
// second is still a delivery: a hand was on it.
func (l *Lock) Vend(ctx context.Context) Result {
	if err := l.Check(); err != nil {
		return Result{NotDelivered, WhySetup, err}
	}
	if !l.vending.TryLock() {
		return Result{NotDelivered, WhyBusy, nil}
	}
	defer l.vending.Unlock()
	if ctx.Err() != nil {
		return Result{NotDelivered, WhyStopped, context.Cause(ctx)}
	}
	if err := l.ask(); err != nil {
		return Result{NotDelivered, WhySensorFault, err}
	}
	if l.Opened.Read() == gpio.High {
		return Result{NotDelivered, WhyStandsOpen, nil}
	}
	d := door{Lock: l, since: time.Now()}
	return d.vend(ctx)
}

// ask asks the contact whether it works: reading it cannot fail, setting it up can.
func (l *Lock) ask() error {
	if err := l.Opened.In(gpio.PullUp, gpio.NoEdge); err != nil {
		return fmt.Errorf("vend: door contact %s: %w", l.Opened.Name(), err)
	}
	return nil
}

// door is one vend from the coil's start on.
type door struct {
	*Lock
	level  gpio.Level // as the contact was last seen
	since  time.Time  // when it was first seen so
	opened bool
	coil   error // why the coil is believed no longer
}

func (d *door) vend(ctx context.Context) Result {
	why := d.unlock(ctx)
	if !d.opened {
		d.await(context.Background(), lastGrasp, gpio.High)
	}
	contact := d.ask()
	switch {
	case contact != nil && d.coil != nil:
		return Result{Unknown, WhyRelayFault, errors.Join(d.coil, contact)}
	case contact != nil:
		return Result{Unknown, WhySensorFault, contact}
	case !d.opened && d.coil != nil:
		return Result{Unknown, WhyRelayFault, d.coil}
	case !d.opened:
		return Result{NotDelivered, why, nil}
	case d.coil != nil:
		return Result{Delivered, WhyRelayFault, d.coil}
	case !d.await(ctx, d.closing(), gpio.Low) && ctx.Err() == nil:
		return Result{Delivered, WhyLeftOpen, nil}
	}
	return Result{Delivered, "", nil}
}

// unlock has the coil on until the door is open, its time is up or ctx ends; a latch's for its pulse only. The coil is
// off when it returns, by whatever way.
func (d *door) unlock(ctx context.Context) (why reason.Why) {
	defer func() { // also for the panic of a driver
		d.coil = errors.Join(d.coil, off(d.Coil))
	}()
	if err := d.Coil.Out(gpio.High); err != nil {
		d.coil = fmt.Errorf("vend: %s cannot be switched on: %w", d.Coil.Name(), err) // and yet it may be on
		return WhyRelayFault
	}
	left := d.MaxOn
	if d.Pulse > 0 {
		left -= d.Pulse
		if open := d.await(ctx, d.Pulse, gpio.High); !open && ctx.Err() == nil {
			if d.coil = off(d.Coil); d.coil != nil {
				return WhyRelayFault
			}
		}
	}
	if !d.await(ctx, left, gpio.High) && ctx.Err() != nil {
		return WhyStopped
	}
	return WhyNotOpened
}

// await waits until the contact stands at a level, the time is up or ctx ends, and reports whether it does.
func (d *door) await(ctx context.Context, most time.Duration, want gpio.Level) bool {
	look := time.NewTicker(doorLook)
	defer look.Stop()
	for end := time.Now().Add(most); ; {
		now := time.Now()
		if l := d.Opened.Read(); l != d.level {
			d.level, d.since = l, now
		}
		if stands := now.Sub(d.since) >= doorHold; stands && d.level == want {
			d.opened = d.opened || d.level == gpio.High
			return true
		}
		if !now.Before(end) {
			return false
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}
