package hardware

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/hw/gpio"
	"kioskd/hw/vend"
	"kioskd/hw/wire"
	"kioskd/internal/config"
	"kioskd/internal/reason"
)

// Slots are the machine's dispensers, by slot. They implement kiosk.Dispenser.
type Slots struct {
	by     map[string]vend.Slot
	relays map[string]string // each slot's relay pin, where it has one
	pins   *gpio.Pins
	log    zerolog.Logger
	halted atomic.Bool

	mu    sync.Mutex
	stops map[string]context.CancelFunc // of the vends that are on
}

// NewSlots makes a dispenser for each slot, and the shelf that they are. Boards are those that slots share, by the
// config's section.
func NewSlots(cfg config.Config, p *gpio.Pins, b *Boards, log zerolog.Logger) (*Slots, []fsm.Slot, error) {
	d := &Slots{by: map[string]vend.Slot{}, relays: map[string]string{}, pins: p, log: log,
		stops: map[string]context.CancelFunc{}}
	var shelf []fsm.Slot
	for _, s := range cfg.Slots {
		slot, err := s.Vend.Open(s.Place(), vend.Machine{Pins: p, Board: b.at[s.Vend.Board()]})
		if err != nil {
			return nil, nil, err
		}
		if err := slot.Check(); err != nil {
			return nil, nil, err
		}
		d.by[s.ID], d.relays[s.ID] = slot, RelayOf(s)
		terms := slot.Terms()
		product := fsm.Slot{ID: s.ID, Name: s.Name, Price: s.Price, EAN: s.EAN,
			MaxVend: terms.Longest, UnknownCharged: terms.UnknownCharged, AtMachine: s.AtMachine}
		if s.VAT != nil {
			product.VAT = *s.VAT
		}
		shelf = append(shelf, product)
	}
	return d, shelf, nil
}

// RelayOf is the pin of a slot's output, "" of one that has none.
func RelayOf(s config.Slot) string {
	return wire.Find(s.Wires(), s.ID, wire.Motor, wire.Bolt, wire.Latch).Pin
}

// Vend implements kiosk.Dispenser.
func (d *Slots) Vend(ctx context.Context, item fsm.Item) (fsm.ItemOutcome, reason.Why) {
	slot := d.by[item.Slot]
	if slot == nil {
		return fsm.NotDelivered, reason.NoSuchSlot
	}
	ctx, done := d.stoppable(ctx, item.ID)
	defer done()
	if d.halted.Load() {
		return fsm.NotDelivered, vend.WhyStopped
	}
	got := slot.Vend(ctx)
	if got.Err != nil {
		d.log.Error().Err(got.Err).Str("slot", item.Slot).Msg("vend")
	}
	return fsm.ItemOutcome(got.Outcome), got.Why
}

// stoppable lets Halt end what moves.
func (d *Slots) stoppable(ctx context.Context, id string) (_ context.Context, done func()) {
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
func (d *Slots) Halt() error {
	d.halted.Store(true)
	d.mu.Lock()
	for _, stop := range d.stops {
		stop()
	}
	d.mu.Unlock()
	return d.pins.AllOff()
}

// Pulse implements kiosk.Dispenser.
func (d *Slots) Pulse(ctx context.Context, act fsm.Service) reason.Why {
	ctx, done := d.stoppable(ctx, act.ID)
	defer done()
	if d.halted.Load() {
		return vend.WhyStopped
	}
	err := d.pins.Pulse(ctx, d.relays[act.Slot], act.On)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return vend.WhyStopped
	}
	d.log.Error().Err(err).Str("slot", act.Slot).Msg("relay")
	return vend.WhyRelayFault
}
