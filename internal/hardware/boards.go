package hardware

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/vend"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

// line is a serial board that the machine has, to be kept open while the kiosk runs.
type line struct {
	fault string // the name of what is wrong while the board is not there, and of its section in the config
	name  string // for a technician
	run   func(ctx context.Context)
	state func(error)  // what it is told of the board; Run gives it before the board runs
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

// Boards are the serial boards that slots share, and the machine of its own, by the config's section.
type Boards struct {
	at    map[string]vend.Runner
	lines []*line
	log   zerolog.Logger
	wall  func() time.Time
}

// NewBoards makes the boards, which speak once Run runs. Seller is the machine that sells by itself, which has a line
// of its own; nil: there is none.
func NewBoards(cfg config.Config, p *Ports, seller vend.Runner, log zerolog.Logger, wall func() time.Time) *Boards {
	b := &Boards{at: map[string]vend.Runner{}, log: log, wall: wall}
	for _, s := range cfg.Slots {
		name := s.Vend.Board()
		switch _, made := b.at[name]; {
		case made || name == "":
		case s.AtMachine:
			b.at[name] = seller
		default:
			c := cfg.Boards[name]
			device, baud := c.Line()
			l := &line{
				fault: name, name: c.Name(), port: func() error { return p.failure(name) }, trouble: errUnheard,
			}
			board := c.Open(p.Opener(name, device, baud), func(err error) { l.state(err) })
			l.run, b.at[name], b.lines = board.Run, board, append(b.lines, l)
		}
	}
	return b
}

// errUnheard is a board's state until it was heard of.
var errUnheard = errors.New("nothing was heard of it yet")

// Faults stand against selling until each board was heard of.
func (b *Boards) Faults() (all []fsm.Fault) {
	for _, l := range b.lines {
		all = append(all, fsm.Fault{Name: reason.Why(l.fault)})
	}
	return all
}

// Parts say how each board is, for a technician.
func (b *Boards) Parts() (all []debug.Part) {
	for _, l := range b.lines {
		all = append(all, l.part())
	}
	return all
}

// Run keeps the lines to the boards open until ctx ends. While a board is not there, no new sale is offered.
func (b *Boards) Run(ctx context.Context, k *kiosk.Kiosk) {
	var wg sync.WaitGroup
	for _, l := range b.lines {
		l.state = func(err error) {
			l.is(err, b.wall())
			if err != nil {
				b.log.Error().Err(err).Str("line", l.fault).Msg("the board is not there: no new sale is offered")
				k.Raise(fsm.Fault{Name: reason.Why(l.fault)})
				return
			}
			b.log.Info().Str("line", l.fault).Msg("the board is there")
			k.Clear(reason.Why(l.fault))
		}
		wg.Go(func() {
			l.state(errUnheard)
			l.run(ctx)
		})
	}
	wg.Wait()
}
