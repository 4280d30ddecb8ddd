package sim

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

var errDead = errors.New("sim: the process was killed")

const (
	fuseMax    = 80 // acts of a run until its kill; a sale has some twenty to sixty
	settleActs = 16 // acts from a motor's start to the end of its sale

	turning = 800 * time.Millisecond // from a motor's start to its product at the sensor, and a little more
)

// gate stands between one run of the kiosk and the world. A kill closes it: from then on nothing that the run does reaches the
// world and nothing of the world reaches the run, so that its goroutines run out harmlessly while a new kiosk works. What has
// passed before stays true, as it does after SIGKILL.
type gate struct {
	killed chan struct{} // closed by the kill

	mu   sync.Mutex
	dead bool
	// The kill comes when this many acts have passed; 0: none. An act is a record in the journal, a call to Glase on its way out or
	// back, or a relay that is switched: a process can die between any two of them.
	fuse   int
	before bool        // the last of them is not carried out any more
	motor  func(*gate) // called once, when a motor starts; nil: none
}

func newGate() *gate { return &gate{killed: make(chan struct{})} }

// doom decides when the run dies, if at all: at some act from its start on, at one of the acts after a motor's start, or some time
// after it.
func (g *gate) doom(r *rand.Rand) {
	n, before, later := 1+r.IntN(fuseMax), r.IntN(2) == 0, time.Duration(r.Int64N(int64(turning)))
	g.mu.Lock()
	defer g.mu.Unlock()
	switch r.IntN(5) {
	case 0:
		g.fuse, g.before = n, before
	case 1:
		g.motor = func(g *gate) { g.fuse, g.before = 1+n%settleActs, before }
	case 2:
		g.motor = func(g *gate) { time.AfterFunc(later, g.kill) }
	case 3:
		g.motor = func(g *gate) { time.AfterFunc(10*later, g.kill) }
	}
}

// spare takes the doom away.
func (g *gate) spare() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fuse, g.motor = 0, nil
}

// kill closes the gate; once is enough.
func (g *gate) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.die()
}

func (g *gate) die() {
	if !g.dead {
		g.dead = true
		close(g.killed)
	}
}

// act carries out what the kiosk does to the world. false: the process did not live to see the end of it.
func (g *gate) act(do func()) bool { return g.pass(func() bool { return true }, do) }

// pass is act, but one that is no moment to die at unless it counts.
func (g *gate) pass(counts func() bool, do func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return false
	}
	if g.fuse > 0 && counts() {
		g.fuse--
		if g.fuse == 0 {
			defer g.die()
			if g.before {
				return false
			}
			do()
			return false
		}
	}
	do()
	return true
}

// turns is a motor that starts: a good moment to die after. Called with the gate locked.
func (g *gate) turns() {
	if f := g.motor; f != nil {
		g.motor = nil
		f(g)
	}
}

func (g *gate) alive() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.dead
}

// wire is the kiosk's way to Glase.
type wire struct {
	gate *gate
	net  *network
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if !w.gate.act(func() {}) {
		return nil, errDead
	}
	switch w.net.is() {
	case refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
	case swallowed:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	answer, err := w.next.RoundTrip(r)
	if !w.gate.act(func() {}) {
		return nil, errDead
	}
	return answer, err
}

// condition is how the network is.
type condition int

const (
	open      condition = iota
	refused             // no way there: nothing is sent
	swallowed           // what is sent is never answered
)

type network struct {
	mu  sync.Mutex
	now condition
}

func (n *network) is() condition {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

func (n *network) become(c condition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = c
}

// doorway carries Glase's calls to whichever kiosk runs now.
type doorway struct{ world *world }

func (d doorway) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	l := d.world.running()
	if l == nil || d.world.net.is() != open {
		panic(http.ErrAbortHandler) // a closed connection
	}
	l.app.UPS.ServeHTTP(rw, r)
	if !l.gate.alive() { // this is no act to die at: Glase's notifications come at the same moment as its answers
		panic(http.ErrAbortHandler) // the answer was not sent any more
	}
}

// panel is the machine's board as one run of the kiosk reaches it.
type panel struct {
	*simboard.Board
	gate  *gate
	world *world
}

// Pin implements gpio.Board of hw/gpio.
func (p panel) Pin(name string) (gpio.PinIO, error) {
	real, err := p.Board.Pin(name)
	if err != nil {
		return nil, err
	}
	if p.world.o.Pin != nil {
		real = p.world.o.Pin(name, real)
	}
	return pin{real, p.gate, p.world}, nil
}

// pin is disconnected by the kill; an output keeps its level, as the kernel's do.
type pin struct {
	gpio.PinIO
	gate  *gate
	world *world
}

func (p pin) Out(l gpio.Level) (err error) {
	changes := func() bool { return p.Read() != l }
	p.gate.pass(changes, func() {
		if l == gpio.Low && changes() {
			p.world.diary.note("board: %s goes off", p.Name())
		}
		before := p.world.pulses()
		err = p.PinIO.Out(l)
		for slot, n := range p.world.pulses() {
			for range n - before[slot] {
				p.world.referee.started(slot)
				p.gate.turns()
			}
		}
	})
	return err
}

func (p pin) In(pull gpio.Pull, edge gpio.Edge) error {
	if !p.gate.alive() {
		return errDead
	}
	return p.PinIO.In(pull, edge)
}

func (p pin) Halt() error {
	if !p.gate.alive() {
		return nil
	}
	return p.PinIO.Halt()
}

func (p pin) WaitForEdge(d time.Duration) bool {
	return p.gate.alive() && p.PinIO.WaitForEdge(d) && p.gate.alive()
}
