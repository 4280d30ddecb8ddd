package sim

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
		cfg.Slots[n].Vend = config.Vend{Driver: "board", Motor: 11 + n}
	}
	cfg.Board = config.Default().Board
	cfg.Board.Device = "motors"
	return cfg
}

// motorBoard is the board, its cable, and the kiosk that has it.
type motorBoard struct {
	*vendtest.MotorBoard
	world *world

	mu    sync.Mutex
	cable bool
	owner *gate // of the run of the kiosk that opened the line last
}

// spiralPins names the wires of a slot's spiral behind the board.
func spiralPins(slot string) (motor, drop string) { return "board motor " + slot, "board drop " + slot }

// newMotorBoard wires the board to the world's spirals, if the machine has one.
func newMotorBoard(w *world) *motorBoard {
	b := &motorBoard{world: w, cable: true}
	spirals := map[int]vendtest.Spiral{}
	for _, s := range w.cfg.Slots {
		if s.Vend.Driver != "board" {
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
		spirals[s.Vend.Motor] = vendtest.Spiral{Motor: boardPin{m, b}, Drop: d}
	}
	if len(spirals) == 0 {
		return nil
	}
	b.MotorBoard = vendtest.NewMotorBoard(spirals, w.cfg.Slots[0].MaxOn-7*time.Millisecond)
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

// open is a run of the kiosk that opens the line.
func (b *motorBoard) open(g *gate) (io.ReadWriteCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !g.alive() || !b.cable {
		return nil, errors.New("sim: no cable")
	}
	near, far := net.Pipe()
	b.owner = g
	b.Plug(far)
	return serialEnd{near, g}, nil
}

func (b *motorBoard) plug(cable bool) {
	b.mu.Lock()
	b.cable = cable
	b.mu.Unlock()
	if !cable {
		b.Unplug()
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

// boardPin is a motor of the board's, whose starts the referee sees.
type boardPin struct {
	gpio.PinIO
	board *motorBoard
}

func (p boardPin) Out(l gpio.Level) error {
	w := p.board.world
	w.switching.Lock()
	defer w.switching.Unlock()
	before := w.pulses()
	err := p.PinIO.Out(l)
	p.board.mu.Lock()
	owner := p.board.owner
	p.board.mu.Unlock()
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
		if r, yes := w.maybe(percent, visit+"/board "+name); yes {
			begin := seconds(r, 40)
			w.harm.met("board " + name)
			w.people.Go(func() {
				time.Sleep(begin)
				w.diary.note("the motor board: %s", name)
				end := w.harm.begin(kind)
				time.AfterFunc(do(r), end)
			})
		}
	}
	for _, kind := range vendtest.Troubles() {
		trouble(12, kind, boardOff, func(r *rand.Rand) time.Duration {
			b.Trouble(kind, 1+r.IntN(12))
			return 5 * time.Second // an idle line has five frames each second
		})
	}
	trouble(12, "unplugged", boardOff, func(r *rand.Rand) time.Duration {
		b.plug(false)
		time.Sleep(seconds(r, 20))
		b.plug(true)
		return 10 * time.Second // until the kiosk has found it
	})
	trouble(12, "silent", boardOff, func(r *rand.Rand) time.Duration {
		long := seconds(r, 10)
		b.Mute(long)
		return long + 10*time.Second
	})
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
		return time.Hour // whenever the next vend is
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
