package simboard

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// edgesMax is how many edges wait for WaitForEdge, as in the kernel's buffer for one line; later ones are lost.
const edgesMax = 16

// errPWM is what every PWM answers: a relay is no dimmer.
var errPWM = errors.New("simboard: no pin of this board does PWM")

// armed is one arming of a pin's edge detection. In, Halt or a lost connection ends it, which releases its waiters.
type armed struct {
	edges chan struct{}
	ended chan struct{}
}

func newArmed() *armed {
	return &armed{edges: make(chan struct{}, edgesMax), ended: make(chan struct{})}
}

// disarmed is an arming that has ended before it began: nothing ever waits on it.
func disarmed() *armed {
	a := newArmed()
	close(a.ended)
	return a
}

func (a *armed) add() {
	select {
	case a.edges <- struct{}{}:
	default: // full: lost, as in the kernel
	}
}

// end may be called more than once, by callers that exclude each other.
func (a *armed) end() {
	select {
	case <-a.ended:
	default:
		close(a.ended)
	}
}

// wait is WaitForEdge: a queued edge counts even when the arming has ended since.
func (a *armed) wait(timeout time.Duration) bool {
	if a.taken() {
		return true
	}
	var expired <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-a.edges:
		return true
	case <-a.ended:
		return a.taken()
	case <-expired:
		return a.taken()
	}
}

func (a *armed) taken() bool {
	select {
	case <-a.edges:
		return true
	default:
		return false
	}
}

// pin is one pin of the board, in the process of the board.
type pin struct {
	board *Board
	name  string
	what  string // what it is wired to, for people
	motor *slot  // what an output turns
	// an output of the keypad, open drain: High lets go; a pin that is neither is a contact, which can only be an
	// input
	row bool

	// Guarded by board.mu.
	level gpio.Level // on the wire
	pull  gpio.Pull
	edge  gpio.Edge
	out   bool
	armed *armed
}

func (p *pin) String() string { return p.name }

// Name is the name of the wiring.
func (p *pin) Name() string { return p.name }

// Number is 17 for "GPIO17", -1 for a name without a number.
func (p *pin) Number() int { return numberOf(p.name) }

// Function is "Out/High", "In/Low" and the like.
func (p *pin) Function() string {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	if p.out {
		return "Out/" + p.level.String()
	}
	return "In/" + p.level.String()
}

// In makes the pin an input, forgets the queued edges and releases whoever waits for one. A relay's line falls Low.
func (p *pin) In(pull gpio.Pull, edge gpio.Edge) error {
	_, err := p.arm(pull, edge)
	return err
}

func (p *pin) arm(pull gpio.Pull, edge gpio.Edge) (*armed, error) {
	if edge < gpio.NoEdge || edge > gpio.BothEdges {
		return nil, fmt.Errorf("simboard: %s: no such edge: %d", p.name, edge)
	}
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.armed.end()
	p.off()
	p.out, p.pull, p.edge = false, pull, edge
	if p.armed = newArmed(); edge == gpio.NoEdge {
		p.armed.end()
	}
	return p.armed, nil
}

// Read is the level on the wire, of an output too.
func (p *pin) Read() gpio.Level {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return p.level
}

// WaitForEdge waits for one of at most 16 queued edges; any negative timeout is none. It returns false at once when no
// edge detection is on, and when In, Out or Halt ends it.
func (p *pin) WaitForEdge(timeout time.Duration) bool {
	p.board.mu.Lock()
	a := p.armed
	if p.edge == gpio.NoEdge {
		a = disarmed()
	}
	p.board.mu.Unlock()
	return a.wait(timeout)
}

// Pull is what In asked for; the board's own resistor is stronger.
func (p *pin) Pull() gpio.Pull {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return p.pull
}

// DefaultPull is unknown: it depends on the computer, not on the board.
func (p *pin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// Out drives a relay: High energises it. A pin that is wired to a contact refuses: it would fight the contact.
func (p *pin) Out(l gpio.Level) error {
	if p.motor == nil && !p.row {
		return fmt.Errorf("simboard: %s is wired to the %s and cannot be an output", p.name, p.what)
	}
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.disarm()
	p.out = true
	p.drive(l)
	return nil
}

// PWM is refused.
func (p *pin) PWM(gpio.Duty, physic.Frequency) error { return errPWM }

// Halt ends edge detection, releases whoever waits for an edge, and turns an output off.
func (p *pin) Halt() error {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.disarm()
	p.off()
	return nil
}

// disarm ends edge detection. Called with the board locked.
func (p *pin) disarm() {
	p.armed.end()
	p.edge = gpio.NoEdge
}

// drive is called with the board locked.
func (p *pin) drive(l gpio.Level) {
	if p.level == l {
		return
	}
	p.level = l
	if p.motor != nil {
		p.motor.power(bool(l))
	} else if p.row {
		p.board.scan()
	}
}

// off is what an output does that is driven no longer: the relay's own resistor turns it off, a row lets go. Called
// with the board locked.
func (p *pin) off() {
	if p.motor != nil || p.row {
		p.drive(gpio.Level(p.row))
	}
}

// contact sets a contact's line, and tells whoever waits for that edge. Called with the board locked; p may be nil, a
// part that is not wired.
func (p *pin) contact(l gpio.Level) {
	if p == nil || p.level == l {
		return
	}
	p.level = l
	if p.edge == gpio.BothEdges || p.edge == gpio.RisingEdge && l == gpio.High || p.edge == gpio.FallingEdge &&
		l == gpio.Low {
		p.armed.add()
	}
}
