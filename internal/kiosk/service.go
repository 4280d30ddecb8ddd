package kiosk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/fsm"
)

// Why a technician's act was not begun, besides ErrBusy.
var (
	ErrServing = errors.New("a technician's act is on: try again when it has ended")
	ErrNoSlot  = errors.New("the machine has no such slot")
	ErrNoAct   = errors.New("nothing may move now: the journal cannot be written, or kioskd is ending")
	ErrStock   = fmt.Errorf("a slot holds 0 to %d products", fsm.StockMax)
)

// TestVend begins a technician's vend: one product that nobody pays for. It answers once the act is on record, with its
// id; State tells when it has ended, and how. by says who, and is recorded. While a customer is being served it is
// ErrBusy.
func (k *Kiosk) TestVend(ctx context.Context, slot, by string) (string, error) {
	return k.serve(ctx, fsm.Service{Act: fsm.TestVend, Slot: slot, By: by})
}

// PulseRelay begins to have a slot's relay on for a while, in the same way. That the slot has a relay, and may be on
// for so long, is the caller's to know.
func (k *Kiosk) PulseRelay(ctx context.Context, slot string, on time.Duration, by string) (string, error) {
	return k.serve(ctx, fsm.Service{Act: fsm.PulseRelay, Slot: slot, By: by, On: on})
}

// serve gives the loop a technician's act.
func (k *Kiosk) serve(ctx context.Context, v fsm.Service) (string, error) {
	a := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		v.ID = k.cfg.NewItem()
		return fsm.ServiceBegan{At: at, Request: request, Service: v}
	})
	return a.reference, refused(ctx, a.refusal)
}

// CountStock records a technician's word on how many products are in a slot, or with more, on how many more there are
// than were thought to be; fewer below 0. It answers how many were thought to be, and how many are. Fewer than none or
// more than fsm.StockMax is ErrStock.
func (k *Kiosk) CountStock(ctx context.Context, slot, by string, count int, more bool) (was, left int, err error) {
	a := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.StockCounted{At: at, Request: request, ID: k.cfg.NewItem(), Slot: slot, By: by, Count: count,
			More: more}
	})
	if err := refused(ctx, a.refusal); err != nil {
		return 0, 0, err
	}
	return a.state.Service.Was, a.state.Service.Left, nil
}

// refused is the error of a technician's act that was not taken; nil: it was.
func refused(ctx context.Context, why fsm.Refusal) error {
	switch why {
	case "":
		return nil
	case fsm.SaleIsOn:
		return ErrBusy
	case fsm.ActIsOn:
		return ErrServing
	case fsm.NoSuchSlot:
		return ErrNoSlot
	case fsm.BadCount:
		return ErrStock
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ErrNoAct
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
