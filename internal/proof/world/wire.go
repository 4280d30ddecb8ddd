package world

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
)

// wire is one run's way to Glase. What goes along it takes its time, so that two things seldom happen at the same
// moment.
type wire struct {
	gate  *gate
	world *world
	next  http.RoundTripper

	mu   sync.Mutex
	hush map[string]time.Time // until then nobody may ask for these invoices
}

const (
	wayMin = 4 * time.Millisecond
	wayMax = 60 * time.Millisecond
)

// way is how long the next call takes to get to Glase.
func (w *wire) way() time.Duration {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	return wayMin + time.Duration(w.world.way.Int64N(int64(wayMax-wayMin)))
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := *r
	again.Body = io.NopCloser(bytes.NewReader(body))
	op, began := operation(body), time.Now()
	if w.gate.alive() && w.world.store.mute() {
		w.world.referee.violated("with a lost log Glase is asked for %s", op)
	}
	w.asks(op, body)
	answer, err := w.carry(op, &again)
	if !w.gate.alive() {
		return nil, errDead
	}
	w.world.harm.answered(op, began, answer, err)
	w.told(op, body, began, answer)
	return answer, err
}

func (w *wire) carry(op string, r *http.Request) (*http.Response, error) {
	if !w.gate.act("send "+op, func() {}) {
		return nil, errDead
	}
	switch w.world.net.is() {
	case refused:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
	case swallowed:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	select {
	case <-time.After(w.way()):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	answer, err := w.next.RoundTrip(r)
	if !w.gate.act("hear "+op, func() {}) {
		return nil, errDead
	}
	return answer, err
}

// operation is the name of the SOAP body's one child.
func operation(envelope []byte) string {
	_, body, _ := bytes.Cut(envelope, []byte("Body>"))
	_, body, _ = bytes.Cut(body, []byte("<"))
	name, _, _ := bytes.Cut(body, []byte(">"))
	name, _, _ = bytes.Cut(name, []byte(" "))
	if _, local, prefixed := bytes.Cut(name, []byte(":")); prefixed {
		name = local
	}
	return string(name)
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

// hintsMax is how many notifications a forger remembers.
const hintsMax = 20

// doorway carries Glase's calls to whichever kiosk runs now.
type doorway struct{ world *world }

func (d doorway) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	l := d.world.running()
	if l == nil || d.world.net.is() != open {
		panic(http.ErrAbortHandler) // a closed connection
	}
	if strings.Contains(r.URL.Path, "/notify/") {
		d.world.mu.Lock()
		if len(d.world.hints) < hintsMax {
			d.world.hints = append(d.world.hints, r.URL.Path)
		}
		d.world.mu.Unlock()
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

// Pin implements gpio.Source of hw/gpio.
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
	p.world.switching.Lock() // a vend and its limit may switch off at the same moment: one of them does it
	defer p.world.switching.Unlock()
	act := ""
	switch {
	case p.Read() == l:
	case l == gpio.High:
		act = "switch on"
	default:
		act = "switch off"
	}
	p.gate.act(act, func() {
		if act == "switch off" {
			p.world.diary.note("board: %s goes off", p.Name())
		}
		before := p.world.pulses()
		err = p.PinIO.Out(l)
		for slot, n := range p.world.pulses() {
			for range n - before[slot] {
				p.world.referee.started(slot, p.gate)
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
