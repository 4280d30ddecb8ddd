package kiosk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"kioskd/fsm"
	"kioskd/internal/planogram"
)

// StockMax is the most products that a slot may be said to hold.
const StockMax = 10000

// Why a technician's act was not begun, besides ErrBusy.
var (
	ErrServing = errors.New("a technician's act is on: try again when it has ended")
	ErrNoSlot  = errors.New("the machine has no such slot")
	ErrNoAct   = errors.New("nothing may move now: the journal cannot be written, or kioskd is ending")
	ErrStock   = fmt.Errorf("a slot holds 0 to %d products", StockMax)
)

// TestVend begins a technician's vend: one product that nobody pays for. It answers once the act is on record, with its id; State
// tells when it has ended, and how. by says who, and is recorded. While a customer is being served it is ErrBusy.
func (k *Kiosk) TestVend(ctx context.Context, slot, by string) (string, error) {
	p, ok := k.cfg.Planogram.Product(slot)
	if !ok {
		return "", ErrNoSlot
	}
	return k.serve(ctx, func() fsm.Service {
		return fsm.Service{Act: fsm.TestVend, Slot: slot, By: by, Longest: p.MaxVend}
	})
}

// PulseRelay begins to have a slot's relay on for a while, in the same way. That the slot has a relay, and may be on for so long,
// is the caller's to know.
func (k *Kiosk) PulseRelay(ctx context.Context, slot string, on time.Duration, by string) (string, error) {
	if _, ok := k.cfg.Planogram.Product(slot); !ok {
		return "", ErrNoSlot
	}
	return k.serve(ctx, func() fsm.Service {
		return fsm.Service{Act: fsm.PulseRelay, Slot: slot, By: by, On: on, Longest: on}
	})
}

// CountStock records a technician's word on how many products are in a slot; count makes it of how many were thought to be, and is
// called by the loop. A count below 0 or above StockMax is ErrStock.
func (k *Kiosk) CountStock(ctx context.Context, slot, by string, count func(was int) int) (was, left int, err error) {
	if _, ok := k.cfg.Planogram.Product(slot); !ok {
		return 0, 0, ErrNoSlot
	}
	said := make(chan fsm.Service, 1)
	_, err = k.serve(ctx, func() fsm.Service {
		v := fsm.Service{Act: fsm.CountStock, Slot: slot, By: by, Was: k.stock[slot]}
		if v.Left = count(v.Was); v.Left > StockMax {
			v.Left = -1 // the state machine refuses it
		}
		said <- v
		return v
	})
	if err != nil {
		select {
		case v := <-said:
			if v.Left < 0 && !errors.Is(err, ErrBusy) {
				err = ErrStock
			}
		default:
		}
		return 0, 0, err
	}
	v := <-said
	return v.Was, v.Left, nil
}

// serve gives the loop a technician's act, made by the loop.
func (k *Kiosk) serve(ctx context.Context, act func() fsm.Service) (string, error) {
	id, code := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		v := act()
		v.ID = k.cfg.NewItem()
		return fsm.ServiceBegan{At: at, Request: request, Service: v}
	})
	switch {
	case code == "":
		return id, nil
	case code == fsm.DeviceInUse && k.State().Serving():
		return "", ErrServing
	case code == fsm.DeviceInUse:
		return "", ErrBusy
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	return "", ErrNoAct
}

// Offers lists every slot with what is left in it, and whether it can be sold.
func (k *Kiosk) Offers() []planogram.Offer {
	k.mu.Lock()
	stock := maps.Clone(k.stock)
	k.mu.Unlock()
	return k.cfg.Planogram.Offers(stock, k.State().ClosedSlots())
}

// setStock is the loop's, which alone writes.
func (k *Kiosk) setStock(slot string, left int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stock[slot] = max(0, left)
}

// act carries out a technician's act beside the loop.
func (k *Kiosk) act(v fsm.Service) {
	ctx, stop := context.WithCancel(k.ctx)
	k.vends[v.ID] = stop
	k.work.Go(func() {
		defer stop()
		e := fsm.ServiceEnded{Service: v.ID}
		if v.Act == fsm.TestVend {
			e.Outcome, e.Why = k.cfg.Dispenser.Vend(ctx, fsm.Item{ID: v.ID, Slot: v.Slot, MaxVend: v.Longest})
		} else {
			e.Why = k.cfg.Dispenser.Pulse(ctx, v)
		}
		k.post(func(at fsm.Instant) fsm.Event {
			delete(k.vends, v.ID)
			e.At = at
			return e
		})
	})
}
