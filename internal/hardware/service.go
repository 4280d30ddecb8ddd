package hardware

import (
	"context"
	"time"

	pins "kioskd/hw/gpio"

	"kioskd/fsm"
	"kioskd/internal/config"
)

// thriceWithin is how long three presses of the service button may take: fewer, or slower ones, are a hand that leans
// on it.
const thriceWithin = 2 * time.Second

// ServiceButton watches the technician's button, when there is one: asked is told of three presses within thriceWithin.
func ServiceButton(cfg config.Config, p *pins.Pins, now func() fsm.Instant, asked func()) ([]Contact, error) {
	if cfg.GPIO.Service == "" {
		return nil, nil
	}
	in, err := p.Input(cfg.GPIO.Service)
	if err != nil {
		return nil, err
	}
	return []Contact{{"service", func(ctx context.Context) error {
		var t thrice
		return pins.Presses(ctx, in, contactHold, func(e pins.Press) {
			if e == pins.Pressed && t.press(now()) {
				asked()
			}
		})
	}}}, nil
}

// thrice are the last presses that have led to nothing yet.
type thrice []fsm.Instant

// press reports whether it is the third in time. Then the next is a first one.
func (t *thrice) press(at fsm.Instant) bool {
	*t = append(*t, at)
	if len(*t) < 3 {
		return false
	}
	if at.Since((*t)[0]) <= thriceWithin {
		*t = nil
		return true
	}
	*t = (*t)[1:]
	return false
}
