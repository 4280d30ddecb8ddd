package app

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/hw/vend"
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
	state func(error)  // what it is told of the board; set before it runs
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

// newBoards makes the boards that slots share, by the config's section, and the lines to them. The machine on a bus
// that sells by itself is one of them, and has a line of its own; nil: there is none.
func newBoards(cfg config.Config, p *ports, machine *bus) (map[string]vend.Runner, []*line) {
	all := map[string]vend.Runner{}
	var lines []*line
	for _, s := range cfg.Slots {
		name := s.Vend.Board()
		switch _, made := all[name]; {
		case made || name == "":
		case s.AtMachine:
			all[name] = machine.bridge
		default:
			c := cfg.Boards[name]
			device, baud := c.Line()
			l := &line{fault: name, name: c.Name(), port: func() error { return p.failure(name) }, trouble: errUnheard}
			b := c.Open(p.opener(name, device, baud), func(err error) { l.state(err) })
			l.run, all[name], lines = b.Run, b, append(lines, l)
		}
	}
	return all, lines
}

// errUnheard is a board's state until it was heard of.
var errUnheard = errors.New("nothing was heard of it yet")

// talk keeps the lines to the serial boards open until ctx ends. While a board is not there, no new sale is offered.
func (a *App) talk(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range a.lines {
		l.state = func(err error) {
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
			l.state(errUnheard)
			l.run(ctx)
		})
	}
	wg.Wait()
}
