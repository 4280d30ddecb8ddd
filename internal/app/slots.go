package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/gpio"
	"kioskd/hw/vend"
	"kioskd/internal/config"
	"kioskd/internal/reason"
)

// slots are the machine's dispensers, by slot.
type slots struct {
	by     map[string]vend.Slot
	relays map[string]string // each slot's relay pin, where it has one
	pins   *gpio.Pins
	log    zerolog.Logger
	halted atomic.Bool

	mu    sync.Mutex
	stops map[string]context.CancelFunc // of the vends that are on
}

// newSlots makes a dispenser for each slot, and the shelf that they are.
func newSlots(cfg config.Config, p *gpio.Pins, b boards, log zerolog.Logger) (*slots, []fsm.Slot, error) {
	d := &slots{by: map[string]vend.Slot{}, relays: map[string]string{}, pins: p, log: log, stops: map[string]context.CancelFunc{}}
	var shelf []fsm.Slot
	for _, s := range cfg.Slots {
		slot, err := newSlot(s, p, b)
		if err != nil {
			return nil, nil, err
		}
		if err := slot.Check(); err != nil {
			return nil, nil, err
		}
		d.by[s.ID], d.relays[s.ID] = slot, s.Vend.Relay
		terms := slot.Terms()
		product := fsm.Slot{ID: s.ID, Name: s.Name, Price: s.Price, EAN: s.EAN,
			MaxVend: terms.Longest, UnknownCharged: terms.UnknownCharged, AtMachine: s.Vend.Driver == "mdb"}
		if s.VAT != nil {
			product.VAT = *s.VAT
		}
		shelf = append(shelf, product)
	}
	return d, shelf, nil
}

// newSlot makes the dispenser that the slot's config asks for.
func newSlot(s config.Slot, p *gpio.Pins, b boards) (vend.Slot, error) {
	switch {
	case s.Vend.Driver == "board", s.Vend.Driver == "mdb", s.Vend.Driver == "lock" && s.Vend.Lock > 0:
		return b.slot(s)
	case s.Vend.Driver == "lock":
		return newLock(s, p)
	}
	return newSpiral(s, p)
}

func newSpiral(s config.Slot, p *gpio.Pins) (vend.Slot, error) {
	r := &vend.Relay{MaxOn: s.MaxOn, RetryTurn: s.Vend.RetryTurn}
	var err error
	if r.Motor, err = p.Output(s.Vend.Relay); err != nil {
		return nil, err
	}
	if r.Drop, err = p.Input(s.Vend.Drop); err != nil {
		return nil, err
	}
	if s.Vend.Home != "" {
		if r.Home, err = p.Input(s.Vend.Home); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func newLock(s config.Slot, p *gpio.Pins) (vend.Slot, error) {
	l := &vend.Lock{MaxOn: s.MaxOn, Pulse: s.Vend.Pulse, Close: s.Vend.Close}
	var err error
	if l.Coil, err = p.Output(s.Vend.Relay); err != nil {
		return nil, err
	}
	if l.Opened, err = p.Input(s.Vend.Opened); err != nil {
		return nil, err
	}
	return l, nil
}

// onMax is the longest that a slot's output is on in one go.
func onMax(s config.Slot) time.Duration {
	if s.Vend.Pulse > 0 {
		return s.Vend.Pulse
	}
	return s.MaxOn
}

// Vend implements kiosk.Dispenser.
func (d *slots) Vend(ctx context.Context, item fsm.Item) (fsm.ItemOutcome, string) {
	slot := d.by[item.Slot]
	if slot == nil {
		return fsm.NotDelivered, string(reason.NoSuchSlot)
	}
	ctx, done := d.stoppable(ctx, item.ID)
	defer done()
	if d.halted.Load() {
		return fsm.NotDelivered, string(vend.WhyStopped)
	}
	got := slot.Vend(ctx)
	if got.Err != nil {
		d.log.Error().Err(got.Err).Str("slot", item.Slot).Msg("vend")
	}
	return fsm.ItemOutcome(got.Outcome), string(got.Why)
}

// stoppable lets Halt end what moves.
func (d *slots) stoppable(ctx context.Context, id string) (_ context.Context, done func()) {
	ctx, stop := context.WithCancel(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stops[id] = stop
	return ctx, func() {
		stop()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.stops, id)
	}
}

// Halt implements kiosk.Dispenser: everything off, now and until the next start.
func (d *slots) Halt() error {
	d.halted.Store(true)
	d.mu.Lock()
	for _, stop := range d.stops {
		stop()
	}
	d.mu.Unlock()
	return d.pins.AllOff()
}
