// Package mdbseller lets a machine on an MDB bus sell: its session follows the sale, and its requests become choices.
package mdbseller

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/vend/mdb"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Fault stands against selling while the machine on the bus cannot be reached or has disabled us. It ends a sale
// that is on: there is nothing to choose.
const Fault = reason.MDB

// Seller is such a machine.
type Seller struct {
	bridge *mdb.Bridge
	slots  map[int]config.Slot // by the machine's number
	log    zerolog.Logger
	now    func() time.Time
	kiosk  *kiosk.Kiosk  // Run gives it before the bridge runs
	asked  chan struct{} // closed when the machine has been asked what it remembers

	mu      sync.Mutex
	trouble error // why the machine sells nothing
	since   time.Time
	misread string // why its last request could not be approved, whatever the kiosk thinks
	misfrom time.Time
}

// Open opens the serial line of a section of the config, like hardware.Ports.Opener.
type Open func(section, device string, baud int) func() (io.ReadWriteCloser, error)

// New makes the seller that the config names; nil when no slot needs one. Now is the wall's clock.
func New(cfg config.Config, open Open, log zerolog.Logger, now func() time.Time) *Seller {
	b := &Seller{slots: map[int]config.Slot{}, log: log, now: now, asked: make(chan struct{})}
	for _, s := range cfg.Slots {
		c, sold := s.Vend.(mdb.Config)
		settings, named := cfg.Boards[s.Vend.Board()].(mdb.Settings)
		if !sold || !named {
			continue
		}
		if b.slots[c.Product] = s; b.bridge == nil {
			b.bridge = settings.Bridge(open(s.Vend.Board(), settings.Device, settings.Baud), b.state)
		}
	}
	if b.bridge == nil {
		return nil
	}
	b.bridge.Currency, b.bridge.Requested, b.bridge.Misread = cfg.Machine.Currency, b.requested, b.unread
	b.bridge.Log = func(what string) { log.Warn().Msg("mdb: " + what) }
	return b
}

// Bridge is how its slots move something.
func (b *Seller) Bridge() *mdb.Bridge { return b.bridge }

// unread is told of requests that nobody can approve, as those of another scale.
func (b *Seller) unread(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.misread == "" {
		b.misfrom = b.now()
	}
	b.misread = why
}

// requested is a customer's choice at the machine. It is the kiosk's to take, and its vend approves it; one that is not
// taken is denied.
func (b *Seller) requested(r mdb.Request) {
	b.mu.Lock()
	b.misread = ""
	b.mu.Unlock()
	s, known := b.slots[r.Product]
	if !known {
		b.log.Warn().Int("product", r.Product).Stringer("price", r.Price).Msg("mdb: no slot has this product: denied")
		b.bridge.Decline(r.ID)
		return
	}
	if r.Price != s.Price {
		b.log.Warn().Str("slot", s.ID).Stringer("price", s.Price).Stringer("machine", r.Price).
			Msg("mdb: the machine's price is not the config's: the machine's is charged")
	}
	go func() { // ends with the loop's answer, or with the loop
		if why := b.kiosk.ChooseAt(context.Background(), s.ID, r.Price); why != "" {
			b.log.Info().Str("why", string(why)).Msg("mdb: the machine's request is denied")
			b.bridge.Decline(r.ID)
		}
	}()
}

// Follow is told how the machine is within each step of the loop, in the loop's order, and returns at once: a credit
// that came late would begin a session after the vend that has spent it.
func (b *Seller) Follow(s fsm.State) {
	credit := money.Amount{}
	switch s.Stage {
	case fsm.Vending: // the machine delivers within its session
		return
	case fsm.Choosing:
		if left := s.Sale.Credit(); left.Minor > 0 {
			credit = left
		}
	}
	b.bridge.Sell(credit)
}

// state is told when the machine ceases to be able to sell, or can again.
func (b *Seller) state(err error) {
	b.mu.Lock()
	b.trouble, b.since = err, b.now()
	b.mu.Unlock()
	if err != nil {
		b.log.Error().Err(err).Msg("out of service: the machine on the bus cannot sell")
		b.kiosk.Raise(fsm.Fault{Name: Fault, Hard: true})
		return
	}
	b.log.Info().Msg("the machine on the bus can sell")
	b.kiosk.Clear(Fault)
}

// Part is how the machine is, for a technician.
func (b *Seller) Part() debug.Part {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := debug.Part{Name: "MDB machine", OK: b.trouble == nil, What: "ready", Since: b.since}
	if b.trouble != nil {
		p.What, p.Do = fmt.Sprint(b.trouble),
			"look at the bridge's plug, at the bus cable, and whether the machine is on and wants payments: nothing "+
				"is sold until it does"
	} else if b.misread != "" {
		p.OK, p.What, p.Since = false, b.misread, b.misfrom
		p.Do = "until a request can be read each choice is denied, since its price could have lost a digit"
	}
	return p
}

// Recall is what the machine still says about an item that it was delivering when the last run ended.
func (b *Seller) Recall(ctx context.Context, left fsm.State) []fsm.Evidence {
	defer close(b.asked)
	if !left.Busy() {
		return nil
	}
	for _, i := range left.Sale.Items {
		ours := slices.ContainsFunc(slices.Collect(maps.Values(b.slots)),
			func(s config.Slot) bool { return s.ID == i.Slot })
		if !ours || i.Outcome != fsm.Pending || !i.Started {
			continue
		}
		if r, known := b.bridge.Recall(ctx, mdb.RecallMax); known {
			b.log.Warn().Str("slot", i.Slot).Str("outcome", string(r.Outcome)).
				Msg("mdb: the machine tells what became of an item of before the start")
			return []fsm.Evidence{{Item: i.ID, Outcome: fsm.ItemOutcome(r.Outcome), Why: r.Why}}
		}
	}
	return nil
}

// Run speaks with the machine until ctx ends, once it has been asked what it remembers. The kiosk is who takes its
// customers' choices.
func (b *Seller) Run(ctx context.Context, k *kiosk.Kiosk) {
	b.kiosk = k
	select {
	case <-b.asked:
		b.bridge.Run(ctx)
	case <-ctx.Done():
	}
}
