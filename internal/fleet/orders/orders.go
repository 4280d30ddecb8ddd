// Package orders is the kiosk's side of commands from the desk: it takes those that a person has signed whom the desk's
// authority knows, that are for this machine and that are young by the fleet's clock, and has them recorded and carried
// out. What is refused for any of these reasons leaves no trace but a line in the log, and does nothing.
//
// Who carries a command, a broker or a gateway, can neither make one nor change one, and one that is carried twice acts
// once.
package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
)

const (
	atOnce      = 4               // commands that are looked at at a time; more are not answered
	pendingMax  = 64              // that wait for it: a person gives one at a time
	clockWithin = 3 * time.Second // for a hub to say what its clock says
	answerIn    = 8 * time.Second // for the kiosk to record and begin it
)

// Words of refusals that are not on record, besides those of package fsm.
const (
	Forged  = protocol.Forged
	Expired = protocol.Expired
	NoRole  = protocol.NoRole
	Other   = protocol.Other
	Unread  = protocol.Unread
)

// Config is what a Desk needs.
type Config struct {
	ID     string             // the kiosk's
	Desk   protocol.Authority // nil: nobody can command
	Now    func() time.Duration
	Wall   func() time.Time
	Synced func() bool
	// Obey records a command, carries it out, and says what became of it.
	Obey func(context.Context, protocol.Command, protocol.Person) protocol.Outcome
	Log  zerolog.Logger
}

// Desk takes commands. It outlives connections.
type Desk struct {
	c      Config
	places chan struct{}
}

// New makes a desk.
func New(c Config) *Desk { return &Desk{c: c, places: make(chan struct{}, atOnce)} }

// Serve takes the commands that come on a connection until ctx ends. It is a fleet.Service.
func (d *Desk) Serve(ctx context.Context, nc *nats.Conn) error {
	var under sync.WaitGroup
	defer under.Wait()
	var entering sync.Mutex // Add never comes beside Wait
	sub, err := nc.Subscribe(protocol.Request(d.c.ID, protocol.Do), func(m *nats.Msg) {
		entering.Lock()
		defer entering.Unlock()
		if ctx.Err() != nil || m.Reply == "" {
			return
		}
		select {
		case d.places <- struct{}{}:
		default:
			return // its asker repeats it
		}
		under.Go(func() {
			defer func() { <-d.places }()
			d.answer(ctx, nc, m)
		})
	})
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(pendingMax, pendingMax*2*protocol.CommandMax); err != nil {
		return err
	}
	<-ctx.Done()
	_ = sub.Unsubscribe() // of a connection that has ended there is nothing to take back
	entering.Lock()
	defer entering.Unlock()
	return nil
}

func (d *Desk) answer(ctx context.Context, nc *nats.Conn, m *nats.Msg) {
	asked, err := protocol.ReadAsked(m.Header)
	var o protocol.Outcome
	if err != nil {
		o = protocol.Outcome{Refusal: Unread, Text: err.Error()}
	} else {
		o = d.Do(ctx, asked, m.Data, func(ctx context.Context) (time.Duration, error) {
			return clock(ctx, nc,
				asked.Gateway)
		})
	}
	data, err := json.Marshal(o)
	if err == nil {
		err = nc.Publish(m.Reply, data) // one that is lost is asked for again, with the same id
	}
	if err != nil && ctx.Err() == nil {
		d.c.Log.Warn().Err(err).Str("command", o.ID).Msg("a command's outcome could not be sent")
	}
}

// clock asks a hub what its clock says.
func clock(ctx context.Context, nc *nats.Conn, hub string) (time.Duration, error) {
	m, err := nc.RequestWithContext(ctx, protocol.Clock(hub), nil)
	if err != nil {
		return 0, err
	}
	const digits = 19
	ns, err := strconv.ParseInt(string(m.Data), 10, 64)
	if err != nil || ns < 0 || len(m.Data) > digits {
		return 0, errors.New("orders: a hub's clock says no number")
	}
	return time.Duration(ns), nil
}

// Do checks a command and has it carried out. clock asks who sent it what its clock says now. A command that waited in
// a queue, or in a frozen process, looks as old as it is, or older.
func (d *Desk) Do(ctx context.Context, asked protocol.Asked, data []byte,
	clock func(context.Context) (time.Duration, error)) protocol.Outcome {
	now := time.Time{}
	if d.c.Synced() {
		now = d.c.Wall()
	}
	c, p, err := protocol.Check(data, d.c.ID, asked, now, d.c.Desk)
	if err != nil {
		return d.refuse("", err)
	}
	within, cancel := context.WithTimeout(ctx, min(clockWithin, asked.Life))
	defer cancel()
	before := d.c.Now()
	says, err := clock(within)
	if err != nil {
		return d.refuse(c.ID, fmt.Errorf("%w: the clock of who sent it cannot be had: %w", protocol.ErrExpired, err))
	}
	if age := says + d.c.Now() - before - asked.At; age > asked.Life {
		return d.refuse(c.ID, fmt.Errorf("%w: it is %v old", protocol.ErrExpired, age.Round(time.Millisecond)))
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), answerIn) // what has begun is answered
	defer cancel()
	return d.c.Obey(ctx, c, p)
}

// refuse is the outcome of what is not taken.
func (d *Desk) refuse(id string, err error) protocol.Outcome {
	o := protocol.Outcome{ID: id, Text: err.Error()}
	for word, why := range map[string]error{Forged: protocol.ErrForged, Expired: protocol.ErrExpired,
		NoRole: protocol.ErrRole, Other: protocol.ErrOther} {
		if errors.Is(err, why) {
			o.Refusal = word
		}
	}
	if o.Refusal == "" {
		o.Refusal = Unread
	}
	d.c.Log.Warn().Str("command", id).Str("why", o.Refusal).Msg("a command is refused")
	return o
}
