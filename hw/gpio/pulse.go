package gpio

import (
	"context"
	"fmt"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// Pulse has a configured output on for d, at most its maximum on-time, and off at once when ctx ends: a technician's
// test. The caller sees to it that nobody else drives the output meanwhile. It fails for a name that is no output, for
// a d that is not above 0, and when the line cannot be driven; whatever happens, switching it off has been tried.
func (p *Pins) Pulse(ctx context.Context, name string, d time.Duration) (err error) {
	out := p.outputs[name]
	if out == nil {
		return fmt.Errorf("gpio: %.40q is no output of this machine", name)
	}
	if d <= 0 {
		return fmt.Errorf("gpio: %s: a pulse of %v: write more than 0s", name, d)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer func() { // also for the panic of a driver
		if off := out.Out(periph.Low); err == nil {
			err = off
		}
	}()
	if err := out.Out(periph.High); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
