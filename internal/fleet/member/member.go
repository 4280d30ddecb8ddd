// Package member makes a kiosk a member of the fleet that its config names: what it is reached by, delivers and tells
// over the one connection of package fleet.
package member

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/debug/api"
	"kioskd/internal/fleet"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/relay"
	"kioskd/internal/kiosk"
	"kioskd/internal/mint"
	"kioskd/internal/reason"
)

// Kiosk is the machine.
type Kiosk interface {
	// Follow tells the whole state and then each step, until ctx ends.
	Follow(ctx context.Context) <-chan kiosk.Update
	// Raise takes the machine out of service for a reason, and Clear takes the reason away.
	Raise(fsm.Fault)
	Clear(reason.Why)
}

// Config is what a member is made of.
type Config struct {
	Machine   config.Config
	Version   string
	Kiosk     Kiosk
	Journal   fleet.Journal                      // nil: it cannot be used, and nothing is delivered
	Doubts    func(context.Context) (int, error) // sales that wait for a person
	Books     func() (api.Report, bool)          // the period that was balanced last; nil: none is
	Customers http.Handler                       // what gateways reach; nil: nothing
	Now       func() time.Duration               // a clock that goes on while the machine sleeps
	Wall      func() time.Time
	Synced    func() bool
	Random    io.Reader
	Log       zerolog.Logger
	// Seed gives the seed of the machine's own key, for credentials without one; nil: there is none.
	Seed func() (string, error)
	// Services work over each connection beside the member's own.
	Services []fleet.Service
	// how far the machine is with what is wanted of it; nil: it is not asked
	Want     func() protocol.WantState
	Troubles func() []protocol.ConditionTrouble // of the computer; nil: it does not look
	// Copied says that the card is known to be a copy anyway: the fleet's word does not end that.
	Copied bool
}

// Member is a kiosk of a fleet. The methods of a nil Member are those of a machine that is alone.
type Member struct {
	line   *fleet.Line
	outbox *fleet.Outbox // nil: there is no journal
	teller *fleet.Teller
	wall   func() time.Time
}

// forked is for a technician, beside reason.ClonedCard.
const forked = "the operator's database holds entries of another journal with this machine's token"

// New makes the member; nil of a config without a fleet.
func New(c Config) (*Member, error) {
	f := c.Machine.Fleet
	if len(f.Servers) == 0 {
		return nil, nil
	}
	id, m := c.Machine.Machine.Token, &Member{wall: c.Wall}
	services := slices.Clone(c.Services)
	if c.Journal != nil {
		m.outbox = fleet.NewOutbox(fleet.OutboxConfig{Kiosk: id, Journal: c.Journal, Round: round(c.Random),
			Jitter: Jitter, Log: c.Log, Fork: func(is bool) {
				if is {
					c.Kiosk.Raise(fsm.Fault{Name: reason.ClonedCard, Hard: true, Note: forked})
				} else if !c.Copied {
					c.Kiosk.Clear(reason.ClonedCard)
				}
			}})
		services = append(services, m.outbox.Serve)
	}
	capacity := map[string]int{}
	for _, s := range c.Machine.Slots {
		capacity[s.ID] = s.Stock
	}
	m.teller = fleet.NewTeller(fleet.TellerConfig{
		Kiosk: id, Version: c.Version, Run: mint.Mint{Random: c.Random}.Secret(), Currency: c.Machine.Machine.Currency,
		Follow: c.Kiosk.Follow, Capacity: capacity, Doubts: c.Doubts, Delivery: m.delivery, Want: c.Want,
		Wall: c.Wall, Synced: c.Synced, Jitter: Jitter, Log: c.Log, Books: balanced(c.Books),
		Troubles: c.Troubles,
	})
	services = append(services, m.teller.Serve)
	if c.Customers != nil {
		r, err := relay.New(relay.Config{Kiosk: id, Prefix: c.Machine.UPS.PathPrefix, Handler: c.Customers, Now: c.Now,
			Log: c.Log})
		if err != nil {
			return nil, err
		}
		services = append(services, r.Serve)
	}
	m.line = fleet.NewLine(fleet.Config{Kiosk: id, Servers: f.Servers, Credentials: f.Credentials, CA: f.CA,
		Size: f.Size, Seed: c.Seed, Services: services, Wall: c.Wall, Jitter: Jitter, Log: c.Log})
	return m, nil
}

// Jitter is a random part of a time. Nothing is decided by it, so that it may be anybody's random number.
func Jitter(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(max(0, d)) + 1)) }

// round is a number that no earlier start has used lately.
func round(random io.Reader) uint32 {
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic(fmt.Sprintf("no random numbers: %v", err)) // crypto/rand never fails on Linux
	}
	return binary.BigEndian.Uint32(b[:])
}

// Run works until ctx ends.
func (m *Member) Run(ctx context.Context) {
	if m == nil {
		return
	}
	go m.teller.Watch(ctx)
	m.line.Run(ctx)
}

// Changed says that what is told of the machine has changed without a step of it. It returns at once.
func (m *Member) Changed() {
	if m != nil {
		m.teller.Changed()
	}
}

// Recorded says that the journal has a new entry. It returns at once.
func (m *Member) Recorded() {
	if m != nil && m.outbox != nil {
		m.outbox.Poke()
	}
}

// Had is the number of the last entry that the journal may let go of.
func (m *Member) Had() int64 {
	switch {
	case m == nil:
		return math.MaxInt64
	case m.outbox == nil:
		return 0
	}
	return m.outbox.Held()
}

func (m *Member) delivery(ctx context.Context) fleet.Delivery {
	if m.outbox == nil {
		return fleet.Delivery{Trouble: "the journal cannot be used"}
	}
	return m.outbox.Delivery(ctx)
}

// Fleet is how the machine is in its fleet; nil: it is alone.
func (m *Member) Fleet(ctx context.Context) *api.Fleet {
	if m == nil {
		return nil
	}
	line, d := m.line.State(), m.delivery(ctx)
	f := &api.Fleet{Connected: line.Connected, Server: line.Server, Why: line.Why}
	if d.Known {
		waiting := max(0, d.Last-d.Held)
		f.Waiting = &waiting
	}
	return f
}

// Parts says it to a technician; none of a machine that is alone.
func (m *Member) Parts(ctx context.Context) []debug.Part {
	if m == nil {
		return nil
	}
	line, d := m.line.State(), m.delivery(ctx)
	p := debug.Part{Name: "Fleet", OK: line.Connected && d.Trouble == "" && !d.Forked, Since: line.Since}
	p.What = "connected to " + line.Server
	if !line.Connected {
		p.What = "not connected: " + line.Why
		p.Do = "the machine sells all the same, and tries again by itself: look at the network, and at [fleet] " +
			"servers, credentials and ca"
	}
	switch waiting := d.Last - d.Held; {
	case d.Forked:
		p.What, p.Do = forked, "find the other machine, or ask the operator whether this one has got another card: it "+
			"is then enrolled anew"
	case !d.Known && d.Trouble == "":
		p.What += "; what the operator has of the journal is not known yet"
	case waiting > 0:
		p.What += fmt.Sprintf("; the operator has not got %d entries yet", waiting)
	case d.Trouble == "":
		p.What += "; the operator has got all entries"
	}
	if d.Trouble != "" && !d.Forked {
		p.What += ": " + d.Trouble
		p.Do = cmp.Or(p.Do, "tell the operator: the machine sells all the same")
	}
	return []debug.Part{p}
}
