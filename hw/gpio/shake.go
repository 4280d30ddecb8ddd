package gpio

import (
	"context"
	"fmt"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Shakes follows a contact that moves for an instant only (a pendulum, a ball): it tells true at its first edge,
// however short, and false once it has been open and still for quiet. It sleeps while nothing moves. It owns the pin
// while it runs, and tell is called from its goroutine alone. It returns ctx's error, or why the pin can be followed no
// longer.
func Shakes(ctx context.Context, pin periph.PinIn, quiet time.Duration, tell func(shaken bool)) error {
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
	shaken := pin.Read() == periph.Low
	tell(shaken)
	for ctx.Err() == nil {
		wait := time.Duration(-1)
		if shaken {
			wait = quiet
		}
		began := time.Now()
		switch edge := pin.WaitForEdge(wait); {
		case ctx.Err() != nil:
		case edge && !shaken:
			shaken = true
			tell(true)
		case edge:
		case !shaken || time.Since(began) < quiet:
			// Only a lost line, or somebody else's In, ends a wait before its time. Arming again tells which.
			if err := arm(); err != nil {
				return err
			}
		case pin.Read() == periph.High:
			shaken = false
			tell(false)
		}
	}
	return ctx.Err()
}
