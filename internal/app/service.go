package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/hardware"
	"kioskd/internal/kiosk"
)

// technician carries out the acts of the technicians' port.
type technician struct{ *App }

func (t technician) Vend(ctx context.Context, slot, by string) (string, error) {
	return t.Kiosk.TestVend(ctx, slot, by)
}

// Relay has the slot's relay on, at most for its max_on, which is enforced below as well.
func (t technician) Relay(ctx context.Context, slot string, on time.Duration, by string) (string, time.Duration,
	error) {
	n := slices.IndexFunc(t.cfg.Slots, func(s config.Slot) bool { return s.ID == slot })
	if n < 0 {
		return "", 0, kiosk.ErrNoSlot
	}
	s := t.cfg.Slots[n]
	if hardware.RelayOf(s) == "" {
		return "", 0, fmt.Errorf("%w: its driver is %q", debug.ErrNoRelay, s.Driver)
	}
	if s.MaxOn > 0 {
		on = min(on, s.MaxOn)
	}
	id, err := t.Kiosk.PulseRelay(ctx, slot, on, by)
	return id, on, err
}

func (t technician) Count(ctx context.Context, slot, by string, count int, more bool) (was, left int, err error) {
	return t.Kiosk.CountStock(ctx, slot, by, count, more)
}

// stock is what is left in each slot.
func (a *App) stock() []debug.Stock {
	all := []debug.Stock{}
	state := a.Kiosk.State()
	closed := state.ClosedSlots()
	for _, o := range state.Offers() {
		all = append(all, debug.Stock{Slot: o.ID, Name: o.Name, Price: o.Price.Decimal(), Left: o.Left, State: o.State,
			Why: string(closed[o.ID])})
	}
	return all
}
