package hostpin

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

var (
	errPWM    = errors.New("does no PWM: drive it High or Low")
	errGone   = errors.New("is gone: check the chip's connection and start kioskd again")
	errClosed = errors.New("was let go")
	errOutput = errors.New("is an output: it is never read as an input")
	errInput  = errors.New("is an input: it is never driven")
)

// pin is one line.
type pin struct {
	kernel kernel
	name   string
	at     spot
	wire   Wire

	mu   sync.Mutex // never held while an edge is waited for
	line line       // nil before the first In or Out
	set  setup      // of line
	out  bool       // line is an output
	lost error      // why line can be used no longer
	last gpio.Level // as it read last
	edge gpio.Edge  // what a wait is for; NoEdge: nothing
	turn int        // counts In and Halt: a wait of an earlier turn is over

	stood stood // of the edges that were taken since In
}

// In makes the line an input, forgets the edges that are queued, and releases whoever waits for one. It fails for an
// output and when the line cannot be had or is lost.
func (p *pin) In(pull gpio.Pull, edge gpio.Edge) error {
	if edge < gpio.NoEdge || edge > gpio.BothEdges {
		return p.failed(fmt.Errorf("has no such edge: %d", edge))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
	s := setup{flags: uapi.LineFlagV2Input | edges[edge] | p.bias(pull)}
	if p.wire.Debounce > 0 && edge != gpio.NoEdge {
		s.flags |= uapi.LineFlagV2EdgeBoth // how long a level stood takes both its ends
	}
	if p.inverted() {
		s.flags |= uapi.LineFlagV2ActiveLow
	}
	switch {
	case p.lost != nil:
		return p.failed(p.lost)
	case p.out:
		return p.failed(errOutput)
	case p.line == nil:
		if err := p.request(s); err != nil {
			return err
		}
	case p.set != s:
		if err := p.line.configure(s); err != nil {
			return p.failed(p.lose(err))
		}
		p.set = s
	}
	p.edge = edge
	for n := 0; n < 2*queueMax; n++ { // a line that moves without end must not hold us here
		if _, more, err := p.take(); err != nil || !more {
			break // an error shows in what follows
		}
	}
	level, err := p.read()
	p.stood = stood{hold: p.wire.Debounce, level: level}
	return err
}

var edges = map[gpio.Edge]uapi.LineFlagV2{
	gpio.RisingEdge: uapi.LineFlagV2EdgeRising, gpio.FallingEdge: uapi.LineFlagV2EdgeFalling,
	gpio.BothEdges: uapi.LineFlagV2EdgeBoth,
}

// inverted reports whether an input's wire is at 0 V while its contact is open.
func (p *pin) inverted() bool { return p.wire.ActiveLow != nil && !*p.wire.ActiveLow }

// bias is the chip's resistor. What the user of an input asks for is about its level, so an inverted wire is pulled the
// other way.
func (p *pin) bias(asked gpio.Pull) uapi.LineFlagV2 {
	switch p.wire.Pull {
	case "up":
		return uapi.LineFlagV2BiasPullUp
	case "down":
		return uapi.LineFlagV2BiasPullDown
	case "none":
		return uapi.LineFlagV2BiasDisabled
	}
	switch {
	case asked == gpio.PullUp && !p.inverted(), asked == gpio.PullDown && p.inverted():
		return uapi.LineFlagV2BiasPullUp
	case asked == gpio.PullUp, asked == gpio.PullDown:
		return uapi.LineFlagV2BiasPullDown
	case asked == gpio.Float:
		return uapi.LineFlagV2BiasDisabled
	}
	return 0
}

// Out drives the line: High switches on what it drives. The first Out requests the line with that level. It fails for
// an input and when the line cannot be had or is lost; then nobody knows what is on the wire.
func (p *pin) Out(level gpio.Level) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.lost != nil:
		return p.failed(p.lost)
	case p.line != nil && !p.out:
		return p.failed(errInput)
	case p.line != nil:
		if err := p.line.set(bool(level)); err != nil {
			return p.failed(p.lose(err))
		}
		p.last = level
		return nil
	case p.wire.Debounce > 0:
		return p.failed(errors.New("is an output: take its debounce away, which is for inputs"))
	}
	s := setup{flags: uapi.LineFlagV2Output, high: bool(level)}
	if p.wire.ActiveLow != nil && *p.wire.ActiveLow {
		s.flags |= uapi.LineFlagV2ActiveLow
	}
	if p.wire.OpenDrain {
		s.flags |= uapi.LineFlagV2OpenDrain
	}
	if p.wire.Pull != "" {
		s.flags |= p.bias(gpio.PullNoChange)
	}
	if err := p.request(s); err != nil {
		return err
	}
	p.out, p.last = true, level
	return nil
}

// request is called with p locked.
func (p *pin) request(s setup) (err error) {
	if p.line, err = p.kernel.request(p.at, s); err != nil {
		p.line = nil
		return p.failed(err)
	}
	p.set = s
	return nil
}

// Read is the level of the line now, an output's too, and has no debounce. A line that is lost, or was not set up yet,
// reads as it did last, at first High.
func (p *pin) Read() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	level, _ := p.read()
	return level
}

// read is called with p locked.
func (p *pin) read() (gpio.Level, error) {
	switch {
	case p.lost != nil:
		return p.last, p.failed(p.lost)
	case p.line == nil:
		return p.last, nil
	}
	high, err := p.line.get()
	if err != nil {
		return p.last, p.failed(p.lose(err))
	}
	p.last = gpio.Level(high)
	return p.last, nil
}

// lose notes that the line can be used no longer, when that is what an error means. Called with p locked.
func (p *pin) lose(err error) error {
	if p.lost == nil && (errors.Is(err, unix.ENODEV) || errors.Is(err, os.ErrClosed)) {
		p.lost = fmt.Errorf("%w: %w", errGone, err)
	}
	if p.lost != nil {
		return p.lost
	}
	return err
}

// failed says where it failed; the pin's name is added by whoever used it.
func (p *pin) failed(err error) error { return fmt.Errorf("%s %w", p.at, err) }

// Halt ends edge detection and releases whoever waits for an edge; an output goes Low.
func (p *pin) Halt() error {
	p.mu.Lock()
	p.release()
	out := p.out
	p.mu.Unlock()
	if out {
		return p.Out(gpio.Low)
	}
	return nil
}

// close lets the line go.
func (p *pin) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
	if p.lost == nil {
		p.lost = errClosed
	}
	if p.line == nil {
		return nil
	}
	err := p.line.file().Close()
	p.line = nil
	return err
}

// String is the name in the configuration and where the line is.
func (p *pin) String() string { return fmt.Sprintf("%s (%s)", p.name, p.at) }

// Name is the name in the configuration.
func (p *pin) Name() string { return p.name }

// Number is the line's on its chip.
func (p *pin) Number() int { return p.at.line }

// Function is "Out/High", "In/Low" and the like.
func (p *pin) Function() string {
	level := p.Read().String()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return "Out/" + level
	}
	return "In/" + level
}

// Pull is the chip's resistor as it was set up, on the wire.
func (p *pin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch f := p.set.flags; {
	case f.IsBiasPullUp():
		return gpio.PullUp
	case f.IsBiasPullDown():
		return gpio.PullDown
	case f.IsBiasDisabled():
		return gpio.Float
	}
	return gpio.PullNoChange
}

// DefaultPull is unknown: the kernel does not say.
func (p *pin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// PWM is refused.
func (p *pin) PWM(gpio.Duty, physic.Frequency) error { return p.failed(errPWM) }
