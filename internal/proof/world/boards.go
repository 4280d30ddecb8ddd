package world

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/vendtest"
	"kioskd/internal/config"
)

// A world in five has its spirals behind a serial motor board, which moves them whether or not a kiosk runs.

const (
	boardOff  = "board lost" // it is away, or frames get lost on its line
	boardLies = "board says" // it ends a vend with a word of its own
)

func boarded(cfg config.Config) config.Config {
	cfg.Slots = slices.Clone(cfg.Slots)
	for n := range cfg.Slots {
		cfg.Slots[n].Driver, cfg.Slots[n].Vend = "board", board.Config{Motor: 11 + n}
	}
	settings := board.Default()
	settings.Device = "motors"
	cfg.Boards = map[string]vend.Board{"board": settings}
	return cfg
}

func behindABoard(cfg config.Config) bool {
	_, is := cfg.Slots[0].Vend.(board.Config)
	return is
}

// boardLine is the cable to a serial board, and the kiosk that has it.
type boardLine struct {
	peer interface {
		Plug(line io.ReadWriteCloser)
		Unplug()
	}

	mu    sync.Mutex
	cut   bool
	owner *gate // of the run of the kiosk that opened the line last
}

// open is a run of the kiosk that opens the line.
func (l *boardLine) open(g *gate) (io.ReadWriteCloser, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !g.alive() || l.cut {
		return nil, errors.New("sim: no cable")
	}
	near, far := net.Pipe()
	l.owner = g
	l.peer.Plug(far)
	return serialEnd{near, g}, nil
}

func (l *boardLine) plug(cable bool) {
	l.mu.Lock()
	l.cut = !cable
	l.mu.Unlock()
	if !cable {
		l.peer.Unplug()
	}
}

// motorBoard is the board and its cable.
type motorBoard struct {
	*vendtest.MotorBoard
	boardLine
}

// spiralPins names the wires of a slot's spiral behind the board.
func spiralPins(slot string) (motor, drop string) { return "board motor " + slot, "board drop " + slot }

// newMotorBoard wires the board to the world's spirals, if the machine has one.
func newMotorBoard(w *world) *motorBoard {
	b := &motorBoard{}
	spirals := map[int]vendtest.Spiral{}
	for _, s := range w.cfg.Slots {
		c, behind := s.Vend.(board.Config)
		if !behind {
			continue
		}
		motor, drop := spiralPins(s.ID)
		m, err := w.board.Pin(motor)
		if err != nil {
			panic(err) // the board was built from the same config
		}
		d, err := w.board.Pin(drop)
		if err != nil {
			panic(err)
		}
		spirals[c.Motor] = vendtest.Spiral{Motor: boardPin{m, w, &b.boardLine}, Drop: d}
	}
	if len(spirals) == 0 {
		return nil
	}
	b.MotorBoard = vendtest.NewMotorBoard(spirals, w.cfg.Slots[0].MaxOn-7*time.Millisecond)
	b.peer = b.MotorBoard
	_, b.Terse = w.maybe(50, "terse board")
	return b
}

// run is the board's life. It polls at moments at which nothing else happens.
func (b *motorBoard) run(ctx context.Context) {
	if b != nil {
		time.Sleep(73137 * time.Microsecond)
		b.Run(ctx)
	}
}

// serialEnd is a run's end of the line, which its kill cuts off.
type serialEnd struct {
	net.Conn
	gate *gate
}

func (s serialEnd) Write(frame []byte) (n int, err error) {
	act := ""
	if len(frame) > 5 { // an acknowledgement is no moment to die at: there are five each second
		act = "send board"
	}
	n, err = 0, errDead
	if s.gate.act(act, func() { n, err = s.Conn.Write(frame) }) {
		return n, err
	}
	return n, errDead
}

func (s serialEnd) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if !s.gate.alive() {
		return 0, errDead
	}
	return n, err
}

// boardPin is an output of a board's, whose starts the referee sees.
type boardPin struct {
	gpio.PinIO
	world *world
	line  *boardLine
}

func (p boardPin) Out(l gpio.Level) error {
	w := p.world
	w.switching.Lock()
	defer w.switching.Unlock()
	before := w.pulses()
	err := p.PinIO.Out(l)
	p.line.mu.Lock()
	owner := p.line.owner
	p.line.mu.Unlock()
	for slot, n := range w.pulses() {
		for range n - before[slot] {
			w.referee.started(slot, owner)
			owner.mu.Lock()
			owner.turns()
			owner.mu.Unlock()
		}
	}
	return err
}

// troubleAtTheBoard happens to the board and its line, for some time that a vend may well meet.
func (w *world) troubleAtTheBoard(visit string) {
	b := w.motors
	if b == nil {
		return
	}
	trouble := func(percent int, name, kind string, do func(r *rand.Rand) (until time.Duration)) {
		w.troubleOnALine(visit, "board "+name, percent, kind, do)
	}
	w.troubleOnTheCable(visit, "board", b.MotorBoard, &b.boardLine)
	trouble(12, "reset", boardOff, func(*rand.Rand) time.Duration {
		b.Reset()
		return 10 * time.Second
	})
	trouble(12, "acks lost", boardOff, func(r *rand.Rand) time.Duration {
		b.LoseAcks(1 + r.IntN(8))
		return time.Minute // until the next vends
	})
	trouble(12, "odd word", boardLies, func(r *rand.Rand) time.Duration {
		b.Say([]int{vendtest.Unstopped, vendtest.NoMotor, vendtest.Ended, 0x33}[r.IntN(4)])
		return 24 * time.Hour // whenever the next vend is: no world lasts so long
	})
}

// troubleOnALine happens to a board, or to its line, and may explain what is not known until some time after it.
func (w *world) troubleOnALine(visit, name string, percent int, kind string,
	do func(r *rand.Rand) (until time.Duration)) {
	if r, yes := w.maybe(percent, visit+"/"+name); yes {
		begin := seconds(r, 40)
		w.harm.met(name)
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("trouble: %s", name)
			end := w.harm.begin(kind)
			time.AfterFunc(do(r), end)
		})
	}
}

// troubleOnTheCable is what every serial board may meet.
func (w *world) troubleOnTheCable(visit, board string, peer interface {
	Trouble(kind string, frames int)
	Mute(d time.Duration)
}, line *boardLine) {
	for _, kind := range vendtest.Troubles() {
		w.troubleOnALine(visit, board+" "+kind, 12, boardOff, func(r *rand.Rand) time.Duration {
			peer.Trouble(kind, 1+r.IntN(12))
			return 10 * time.Minute // a line on which little is said has them for long
		})
	}
	w.troubleOnALine(visit, board+" unplugged", 12, boardOff, func(r *rand.Rand) time.Duration {
		line.plug(false)
		time.Sleep(seconds(r, 20))
		line.plug(true)
		return 10 * time.Second // until the kiosk has found it
	})
	w.troubleOnALine(visit, board+" silent", 12, boardOff, func(r *rand.Rand) time.Duration {
		long := seconds(r, 10)
		peer.Mute(long)
		return long + 10*time.Second
	})
}

// calm is the end of the board's troubles.
func (b *motorBoard) calm() {
	if b == nil {
		return
	}
	b.plug(true)
	b.Say(vendtest.Truth)
	b.LoseAcks(0)
	for _, kind := range vendtest.Troubles() {
		b.Trouble(kind, 0)
	}
}
