package gpio

import (
	"context"
	"fmt"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Watch follows a contact (a door, a button) until ctx ends or the pin fails: it tells the level at the start, and then
// every change that stands for hold. It sleeps while nothing moves. It owns the pin while it runs, and tell is called
// from its goroutine alone. It returns ctx's error, or why the pin can be watched no longer.
func Watch(ctx context.Context, pin periph.PinIn, hold time.Duration, tell func(periph.Level)) error {
	arm := func() error {
		if err := pin.In(periph.PullUp, periph.BothEdges); err != nil {
			return fmt.Errorf("gpio: %s cannot be watched: %w", pin.Name(), err)
		}
		return nil
	}
	if err := arm(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = pin.Halt() })() // Halt ends the wait below
	d := NewDebounce(pin.Read(), hold)
	tell(d.level)
	for ctx.Err() == nil {
		edge := pin.WaitForEdge(d.Wait(time.Now()))
		if ctx.Err() != nil {
			break
		}
		now := time.Now()
		if !edge && d.Wait(now) != 0 {
			// Only a lost line, or somebody else's In, ends a wait before its time. Arming again tells which.
			if err := arm(); err != nil {
				return err
			}
			edge = true // whatever moved in between shows in what the line reads now
		}
		if edge {
			d.Edge(pin.Read(), now)
		}
		if level, changed := d.Settle(now); changed {
			tell(level)
		}
	}
	return ctx.Err()
}

// Press is what a button says.
type Press int

const (
	Pressed Press = iota + 1 // a finger came down
	Held                     // the button was down when the watch began: a stuck contact, or a hand that leans on it
)

// Presses follows a button as Watch does, and tells each time that it goes down, once, however long it stays there. A
// button that is down at the start is no press: it is told once, as Held, and its next press counts.
func Presses(ctx context.Context, pin periph.PinIn, hold time.Duration, tell func(Press)) error {
	down := Held
	return Watch(ctx, pin, hold, func(level periph.Level) {
		if level == periph.Low {
			tell(down)
		}
		down = Pressed
	})
}
