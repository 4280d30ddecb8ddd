package lockboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/reason"
)

const (
	askTries = 3                      // looks at the door before it is unlocked, of which one must succeed
	blindMax = time.Second            // nobody opens a door, takes something and closes it in less
	handMax  = 3 * time.Second        // how long a door is watched that was unlocked when the context ends
	slack    = 500 * time.Millisecond // for the questions themselves
)

// Lock is one lock of a board. Fill the fields and leave them alone.
type Lock struct {
	Bus    *Bus
	Number int           // as printed on the board, from 1
	MaxOn  time.Duration // how long the customer has to open the door: above 0, at most vend.OnMax
	Close  time.Duration // how long it may stand open: at most vend.CloseMax; 0 is vend.CloseDefault
}

var _ vend.Slot = (*Lock)(nil)

// Check implements vend.Slot.
func (l *Lock) Check() error {
	switch {
	case l.Bus == nil:
		return errors.New("lockboard: a lock without a line: write [lock_board] device")
	case l.MaxOn <= 0 || l.MaxOn > vend.OnMax:
		return fmt.Errorf("lockboard: lock %d: time to open the door %s: write more than 0s and at most %s", l.Number,
			l.MaxOn, vend.OnMax)
	case l.Close < 0 || l.Close > vend.CloseMax:
		return fmt.Errorf("lockboard: lock %d: time to close the door %s: write at most %s", l.Number, l.Close,
			vend.CloseMax)
	}
	if err := l.Bus.Check(); err != nil {
		return err
	}
	if most := l.Bus.Speaks.Locks(); l.Number < 1 || l.Number > most {
		return fmt.Errorf("lockboard: lock %d: write a number from 1 to %d", l.Number, most)
	}
	return nil
}

// Terms implements vend.Slot: an unknown item is not charged.
func (l *Lock) Terms() vend.Terms {
	return vend.Terms{Longest: askTries*askEvery + l.MaxOn + l.blindMost() + l.closing() + slack}
}

// blindMost is how long a door need not be seen after the unlock.
func (l *Lock) blindMost() time.Duration { return blindMax + l.Bus.Speaks.Deaf() }

func (l *Lock) closing() time.Duration {
	if l.Close == 0 {
		return vend.CloseDefault
	}
	return l.Close
}

// Halt implements vend.Slot. The board ends its pulse by itself.
func (l *Lock) Halt() error { return nil }

// Vend implements vend.Slot. One vend of a board is on at a time. When ctx ends after the unlock the door is watched
// for some seconds more: a hand may be on it.
func (l *Lock) Vend(ctx context.Context) vend.Result {
	not := func(why reason.Why, err error) vend.Result {
		return vend.Result{Outcome: vend.NotDelivered, Why: why, Err: err}
	}
	if err := l.Check(); err != nil {
		return not(vend.WhySetup, err)
	}
	if !l.Bus.vending.TryLock() {
		return not(vend.WhyBusy, nil)
	}
	defer l.Bus.vending.Unlock()
	open, err := l.look(ctx)
	switch {
	case ctx.Err() != nil:
		return not(vend.WhyStopped, context.Cause(ctx))
	case err != nil:
		return not(vend.WhyNoBoard, err)
	case open:
		return not(vend.WhyStandsOpen, nil)
	}
	sent, err := l.Bus.free(l.Number)
	if !sent {
		return not(vend.WhyNoBoard, err)
	}
	return l.watch(ctx)
}

// look looks at the door before it is unlocked.
func (l *Lock) look(ctx context.Context) (open bool, err error) {
	for n := range askTries {
		if n > 0 {
			pause(ctx, askEvery)
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if open, err = l.open(); err == nil {
			return open, nil
		}
	}
	return false, err
}

func (l *Lock) open() (bool, error) {
	return l.Bus.door(l.Number)
}

// watch is the door from the unlock on.
func (l *Lock) watch(ctx context.Context) vend.Result {
	began := time.Now()
	seen, end, why := began, began.Add(l.MaxOn), vend.WhyNotOpened
	blind := time.Duration(0) // the longest time without a look
	// three questions that it does not hear, and it would count as gone
	pause(context.Background(), l.Bus.Speaks.Deaf())
	for stopped := false; ; pause(context.Background(), askEvery) {
		if ctx.Err() != nil && !stopped {
			stopped, why = true, vend.WhyStopped
			if hand := time.Now().Add(handMax); hand.Before(end) {
				end = hand
			}
		}
		over := !time.Now().Before(end)
		open, err := l.open()
		if err == nil {
			blind, seen = max(blind, time.Since(seen)), time.Now()
		}
		switch {
		case err == nil && open:
			return l.shut(ctx)
		case blind > l.blindMost(), over && err != nil && time.Since(seen) > l.blindMost():
			return vend.Result{Outcome: vend.Unknown, Why: vend.WhyNoBoard,
				Err: errors.Join(fmt.Errorf("lockboard: lock %d: its door could not be watched after the unlock",
					l.Number), err)}
		case over && err == nil:
			return vend.Result{Outcome: vend.NotDelivered, Why: why}
		}
	}
}

// shut waits until the door is closed. It was open: whatever follows, the product is the customer's.
func (l *Lock) shut(ctx context.Context) vend.Result {
	for end := time.Now().Add(l.closing()); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, askEvery) {
		if open, err := l.open(); err == nil && !open {
			return vend.Result{Outcome: vend.Delivered}
		}
	}
	if ctx.Err() != nil {
		return vend.Result{Outcome: vend.Delivered} // the next customer's vend looks whether it stands open
	}
	return vend.Result{Outcome: vend.Delivered, Why: vend.WhyLeftOpen}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
