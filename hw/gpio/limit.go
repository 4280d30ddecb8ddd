package gpio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	periph "periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"kioskd/hw/wire"
)

const (
	offEvery = 1 * time.Second // an output that could not be switched off is tried again this often
	offTries = 600             // and this many times: ten minutes, in which the watchdog or a person has come
)

var (
	errTripped   = errors.New("was on for its maximum time and was switched off: drive it Low before the next High")
	errOvertaken = errors.New("was switched off while it was being switched on")
	errPWM       = errors.New("a limited output does no PWM")
)

// Limited is an output with a maximum on-time. All methods may be called from any goroutine.
type Limited struct {
	pin   periph.PinOut
	maxOn time.Duration

	mu      sync.Mutex // never held while the pin is written, which may hang
	on      bool       // High was asked for and has not ended
	tripped bool       // the limit ended it, and nobody has driven it Low since
	turn    int        // counts the changes of on: a timer or a write of an earlier turn is void
	timer   *time.Timer
}

var _ periph.PinOut = (*Limited)(nil)

// Limit puts a maximum on-time around an output: above 0, at most wire.OnMax. The pin must not be driven past it.
//
// The limit runs on a timer of its own from before the line goes High, so it also holds when the caller hangs, or hangs
// in Out. Repeating High does not extend it. Once it struck, High is refused until somebody drives the output Low.
func Limit(pin periph.PinOut, maxOn time.Duration) (*Limited, error) {
	if maxOn <= 0 || maxOn > wire.OnMax {
		return nil, fmt.Errorf("gpio: %s: maximum on-time %s: write more than 0s and at most %s", pin.Name(), maxOn,
			wire.OnMax)
	}
	return &Limited{pin: pin, maxOn: maxOn}, nil
}

// Out drives the line. After an error the line's level is unknown: after a High the limit still switches it off in
// time, after a Low it is tried again each second, for ten minutes.
func (l *Limited) Out(level periph.Level) error {
	if level == periph.Low {
		l.mu.Lock()
		l.tripped = false
		turn := l.end()
		l.mu.Unlock()
		return l.low(turn, 0)
	}
	turn, err := l.begin()
	if err != nil {
		return err
	}
	err = l.pin.Out(periph.High)
	l.mu.Lock()
	void := l.turn != turn
	l.mu.Unlock()
	if void {
		err = errors.Join(err, errOvertaken, l.pin.Out(periph.Low)) // our late High may have come after that Low
	}
	if err != nil {
		return fmt.Errorf("gpio: %s: %w", l.pin.Name(), err)
	}
	return nil
}

// begin starts the limit, or joins the one that runs.
func (l *Limited) begin() (turn int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tripped {
		return 0, fmt.Errorf("gpio: %s %w", l.pin.Name(), errTripped)
	}
	if !l.on {
		l.on = true
		l.turn++
		l.restart(l.maxOn, l.trip)
	}
	return l.turn, nil
}

// end is called with l locked.
func (l *Limited) end() (turn int) {
	l.on = false
	l.turn++
	if l.timer != nil {
		l.timer.Stop()
	}
	return l.turn
}

// restart lets f run after d, unless the turn has changed by then. Called with l locked; so is f, which unlocks it.
func (l *Limited) restart(d time.Duration, f func()) {
	turn := l.turn
	l.timer = time.AfterFunc(d, func() {
		l.mu.Lock()
		if l.turn != turn {
			l.mu.Unlock()
			return
		}
		f()
	})
}

// trip is the limit itself. It is called with l locked and unlocks it.
func (l *Limited) trip() {
	l.tripped = true
	turn := l.end()
	l.mu.Unlock()
	_ = l.low(turn, 0) // there is nobody to tell; it is tried again
}

// low switches the line off, and sees to it that a failure is tried again.
func (l *Limited) low(turn, tries int) error {
	err := l.pin.Out(periph.Low)
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn == turn && tries < offTries {
		l.restart(offEvery, func() {
			l.mu.Unlock()
			_ = l.low(turn, tries+1)
		})
	}
	return fmt.Errorf("gpio: %s: %w", l.pin.Name(), err)
}

// Halt leaves the output inert: Low.
func (l *Limited) Halt() error { return l.Out(periph.Low) }

// String is the pin's own.
func (l *Limited) String() string { return l.pin.String() }

// Name is the pin's own.
func (l *Limited) Name() string { return l.pin.Name() }

// Number is the pin's own.
func (l *Limited) Number() int { return l.pin.Number() }

// Function is the pin's own.
//
//lint:ignore SA1019 periph's interface still asks for it
func (l *Limited) Function() string { return l.pin.Function() }

// PWM is refused: a duty cycle has no on-time to limit.
func (l *Limited) PWM(periph.Duty, physic.Frequency) error {
	return fmt.Errorf("gpio: %s: %w", l.pin.Name(), errPWM)
}
