// Package want is the kiosk's side of what is wanted from the desk: prices and products for this machine, its group or
// all.
//
// It reads three keys on each connection and on each hint, one at a time and without a watcher, and finds what holds
// now. That is held against the rules of the machine's config file and, between two sales, given to the kiosk, which
// records it before it shows it. It stays until something else is wanted: without a connection, after a restart, and
// when the servers have lost the keys. Only a plan without products withdraws it.
//
// A moment is a moment of the wall clock, so it comes only on a machine whose clock somebody has set.
package want

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
)

const (
	// lookEvery is how often a moment that is to come is looked for: the wall clock may be set meanwhile.
	lookEvery = 30 * time.Second
	applyIn   = 10 * time.Second // for the loop to take it
	whyMax    = 600              // bytes of why something is not applied
)

// Config is what a Desk needs.
type Config struct {
	ID      string        // the kiosk's
	Machine config.Config // of which nothing but the slots' products is changed
	Judge   config.Judge  // as for the file; nil: none
	Shelf   []fsm.Slot    // as the config has it
	Kiosk   *kiosk.Kiosk
	Wall    func() time.Time
	Synced  func() bool
	Jitter  func(time.Duration) time.Duration // a random part of a time
	Changed func()                            // State is another one; nil: nobody wants to know
	Log     zerolog.Logger
}

// Desk applies what is wanted. It outlives connections.
type Desk struct {
	c       Config
	changed chan struct{} // has room for one

	mu     sync.Mutex
	wishes *wishes // nil: not read since the start
	state  protocol.WantState
	least  map[string]int64 // by key: the newest version that was read, or that a hint has named
}

// New makes a desk; Run applies, and Serve reads over a connection.
func New(c Config) *Desk {
	return &Desk{c: c, changed: make(chan struct{}, 1), least: map[string]int64{}}
}

// State is what holds, and why something else does not yet.
func (d *Desk) State() protocol.WantState {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.state
	s.Holds = d.c.Kiosk.State().Planogram.Version
	if s.Wanted != "" && s.Wanted == s.Holds {
		s.Why, s.Refused = "", false
	}
	return s
}

// read takes what stands under the keys.
func (d *Desk) read(w wishes) {
	d.mu.Lock()
	d.wishes = &w
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Run applies what is wanted whenever it may, until ctx ends.
func (d *Desk) Run(ctx context.Context) {
	steps := d.c.Kiosk.Follow(ctx)
	for {
		wait := d.apply(ctx)
		var timer <-chan time.Time
		if wait.again > 0 {
			timer = time.After(wait.again)
		}
		for again := false; !again; {
			select {
			case <-d.changed:
				again = true
			case <-timer:
				again = true
			case u := <-steps:
				again = wait.idle && !u.State.Busy() && !u.State.Serving()
			case <-ctx.Done():
				return
			}
		}
	}
}

// wait is what the next try waits for, besides another wish.
type wait struct {
	idle  bool          // for nobody to be served
	again time.Duration // for this long; 0: not by itself
}

// apply looks once at what holds now.
func (d *Desk) apply(ctx context.Context) wait {
	d.mu.Lock()
	w := d.wishes
	d.mu.Unlock()
	state := d.c.Kiosk.State()
	if w == nil || state.Stage == "" {
		return wait{idle: w != nil}
	}
	if why := w.gone(state.Planogram.Version); why != "" {
		d.tell("", why, false)
		return wait{}
	}
	if !w.timeless() && !d.c.Synced() {
		d.tell("", "the machine's clock is not set, so nobody knows whether the moment has come", false)
		return wait{again: lookEvery}
	}
	h, next := w.holding(d.c.Wall())
	version := h.version()
	if version == "" && state.Planogram.Version != "" {
		version = "nothing" // which is wanted anew
	}
	then := wait{}
	if !next.IsZero() {
		then.again = min(max(next.Sub(d.c.Wall()), time.Millisecond), lookEvery)
	}
	if version == state.Planogram.Version {
		d.tell(version, "", false)
		return then
	}
	wanted := h.products(d.c.Machine)
	changed, err := d.c.Machine.Relabel(wanted, d.c.Judge)
	if err != nil {
		d.tell(version, "refused: "+strings.ReplaceAll(err.Error(), "\n", "; "), true)
		return then
	}
	p := fsm.Planogram{Version: version, By: h.by(), Labels: labels(changed, wanted)}
	if p.By == "" {
		p.By = "the desk"
	}
	var stock map[string]int
	if !same(version, state.Planogram.Version) {
		stock = counts(wanted)
	}
	return d.set(ctx, p, stock, then)
}

// set gives the kiosk what holds now.
func (d *Desk) set(ctx context.Context, p fsm.Planogram, stock map[string]int, then wait) wait {
	ctx, cancel := context.WithTimeout(ctx, applyIn)
	defer cancel()
	err := d.c.Kiosk.SetPlanogram(ctx, p, d.c.Shelf, stock)
	switch {
	case err == nil, errors.Is(err, kiosk.ErrSame):
		d.tell(p.Version, "", false)
	case errors.Is(err, kiosk.ErrBusy), errors.Is(err, kiosk.ErrServing):
		d.tell(p.Version, "a customer or a technician is there: it comes after that", false)
		then.idle = true
	case errors.Is(err, kiosk.ErrShelf), errors.Is(err, kiosk.ErrStock):
		d.tell(p.Version, "refused: "+err.Error(), true)
	default:
		d.tell(p.Version, err.Error(), false)
		then.again = lookEvery
	}
	return then
}

// gone says which key is not there any more although something of it holds. Servers may lose what they keep, and the
// desk then writes it anew; who withdraws a plan writes an empty one.
func (w wishes) gone(version string) string {
	for n, scope := range scopes {
		if n == 1 && w.has[0] && !mentions(version, scope+" "+w.machine.Group) {
			continue // it is in another group now, or in none
		}
		if !w.has[n] && mentions(version, scope) {
			return fmt.Sprintf("the servers have nothing of %s %q any more: what holds stays", scope, version)
		}
	}
	return ""
}

// tell notes what is wanted and why it does not hold. It is logged once.
func (d *Desk) tell(version, why string, refused bool) {
	why = clip(why)
	d.mu.Lock()
	was := d.state
	d.state.Wanted, d.state.Why, d.state.Refused = version, why, refused
	d.mu.Unlock()
	if was != d.now() && d.c.Changed != nil {
		d.c.Changed()
	}
	switch {
	case was.Wanted == version && was.Why == why:
	case why != "":
		d.c.Log.Warn().Str("version", version).Str("why", why).Msg("what the desk wants is not sold yet")
	case version != "":
		d.c.Log.Info().Str("version", version).Msg("what the desk wants is sold")
	}
}

// now is the state as it was noted.
func (d *Desk) now() protocol.WantState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

func clip(s string) string {
	if len(s) > whyMax {
		return strings.ToValidUTF8(s[:whyMax], "") + "…"
	}
	return s
}
