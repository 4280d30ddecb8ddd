package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lockboard"
	"kioskd/internal/config"
	"kioskd/internal/debug"
)

// Serial opens a serial line. Closing what it gives ends a Read that waits.
type Serial func(device string, baud int) (io.ReadWriteCloser, error)

// line is a serial board that the machine has, to be kept open while the kiosk runs.
type line struct {
	fault string // the name of what is wrong while the board is not there, and of its section in the config
	name  string // for a technician
	run   func(ctx context.Context)
	state *func(error)
	port  func() error // why its port could not be opened when it was tried last

	mu      sync.Mutex
	trouble error // why the board is not there
	since   time.Time
}

// part is how the board is, for a technician.
func (l *line) part() debug.Part {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := debug.Part{Name: l.name, OK: l.trouble == nil, What: "answers", Since: l.since}
	if l.trouble != nil {
		why := l.trouble
		if closed := l.port(); closed != nil { // newer than what the board's own code tells once
			why = closed
		}
		p.What = strings.TrimPrefix(why.Error(), "serialport: ")
		p.Do = "look at the board's power and cable, and at [" + l.fault + "]: it is looked for every 5 s, " +
			"and no new sale is offered until it answers"
	}
	return p
}

// is notes how the board is; another reason for the same trouble is no new one.
func (l *line) is(trouble error, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() || (l.trouble == nil) != (trouble == nil) {
		l.since = at
	}
	l.trouble = trouble
}

// boards are the machine's serial boards, and the machine that has all of it on a bus of its own; nil: it has no such one.
type boards struct {
	motors *board.Line
	locks  *lockboard.Bus
	bus    *bus
}

// newBoards makes those that a slot uses, and the lines to them.
func newBoards(cfg config.Config, p *ports, machine *bus) (b boards, lines []*line) {
	b.bus = machine
	for _, s := range cfg.Slots {
		switch {
		case s.Vend.Driver == "board" && b.motors == nil:
			c := cfg.Board
			b.motors = &board.Line{Open: p.opener("board", c.Device, c.Baud), Resends: c.Resends, Elevator: c.Elevator}
			lines = append(lines, &line{fault: "board", name: "Motor board", run: b.motors.Run, state: &b.motors.State,
				port: func() error { return p.failure("board") }, trouble: errUnheard})
		case s.Vend.Lock > 0 && b.locks == nil:
			c := cfg.LockBoard
			b.locks = &lockboard.Bus{Open: p.opener("lock_board", c.Device, c.Baud), Address: c.Address, OpenBit: c.OpenBit, StatusBytes: c.Bytes}
			lines = append(lines, &line{fault: "lock_board", name: "Lock board", run: b.locks.Run, state: &b.locks.State,
				port: func() error { return p.failure("lock_board") }, trouble: errUnheard})
		}
	}
	return b, lines
}

// slot makes the dispenser of a slot that a serial board drives.
func (b boards) slot(s config.Slot) (vend.Slot, error) {
	switch s.Vend.Driver {
	case "board":
		return &board.Slot{Line: b.motors, Motor: s.Vend.Motor, MaxOn: s.MaxOn}, nil
	case "mdb":
		return b.bus.bridge.Product(s.Vend.Product), nil
	case "lock":
		return &lockboard.Lock{Bus: b.locks, Number: s.Vend.Lock, MaxOn: s.MaxOn, Close: s.Vend.Close}, nil
	}
	return nil, fmt.Errorf("slot %s: no driver %q", s.ID, s.Vend.Driver)
}

// errUnheard is a board's state until it was heard of.
var errUnheard = errors.New("nothing was heard of it yet")

// talk keeps the lines to the serial boards open until ctx ends. While a board is not there, no new sale is offered.
func (a *App) talk(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range a.lines {
		*l.state = func(err error) {
			l.is(err, a.clock.Wall())
			if err != nil {
				a.log.Error().Err(err).Str("line", l.fault).Msg("the board is not there: no new sale is offered")
				a.Kiosk.Raise(fsm.Fault{Name: l.fault})
				return
			}
			a.log.Info().Str("line", l.fault).Msg("the board is there")
			a.Kiosk.Clear(l.fault)
		}
		wg.Go(func() {
			(*l.state)(errUnheard)
			l.run(ctx)
		})
	}
	wg.Wait()
}
