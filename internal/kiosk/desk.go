package kiosk

import (
	"context"
	"errors"

	"kioskd/fsm"
)

// Why what the desk wants is not taken, besides ErrBusy, ErrServing and ErrStock.
var (
	ErrShelf    = errors.New("a slot is not there, or cannot be sold so")
	ErrNoRecord = errors.New("nothing is taken now: the journal cannot be written, or kioskd is ending")
	ErrSame     = errors.New("it is so already")
)

// SetPlanogram has the slots sell what the desk wants, once that is on record. Shelf is the config's own, and stock
// what somebody has filled into slots for it. While a customer is being served it is ErrBusy: try again at the next
// step.
func (k *Kiosk) SetPlanogram(ctx context.Context, p fsm.Planogram, shelf []fsm.Slot, stock map[string]int) error {
	code := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.PlanogramSet{At: at, Request: request, Planogram: p, Shelf: shelf, Stock: stock}
	}).refusal
	switch {
	case code == "":
		return nil
	case code == fsm.SaleIsOn:
		return ErrBusy
	case code == fsm.ActIsOn:
		return ErrServing
	case code == fsm.NothingToDo:
		return ErrSame
	case code == fsm.BadCount:
		return ErrStock
	case code == fsm.BadShelf || code == fsm.SaysTooLittle:
		return ErrShelf
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ErrNoRecord
}

// Back puts a machine that the desk took out of service back into it, for a technician beside it: the desk may be gone
// for good. by and reason are recorded. ErrSame: the desk has not taken it out.
func (k *Kiosk) Back(ctx context.Context, by, reason string) error {
	code := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.Commanded{At: at, Request: request, Command: fsm.Command{ID: k.cfg.NewItem(), Order: fsm.Back,
			By: by, Reason: reason, AtMachine: true}}
	}).refusal
	switch {
	case code == "":
		return nil
	case code == fsm.NothingToDo:
		return ErrSame
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ErrNoRecord
}

// Command gives the loop a person's command, with what the record has of the sale that it is about. "" is done, or
// begun: State tells what comes of it. A repeat is answered as the first time. fsm.SystemError is no answer: ctx has
// ended.
func (k *Kiosk) Command(ctx context.Context, c fsm.Command, sale fsm.Sale, v fsm.Verdict) fsm.Refusal {
	return k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.Commanded{At: at, Request: request, Command: c, Sale: sale, Verdict: v}
	}).refusal
}
