package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kioskd/internal/proof/fleet"
)

const (
	sales     = 60
	customers = 6                // at the same time
	downFor   = 2 * time.Second  // what is killed is started again after that
	agreeIn   = 30 * time.Second // for what happened last to reach the database
)

// auto sells, kills, and compares.
func auto(ctx context.Context, f *fleet.Fleet, say func(string, ...any), out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := &seller{fleet: f, say: say, fail: cancel}
	say("%d customers buy %d times; each scans, confirms with the PIN and presses a button", customers, sales)
	var work sync.WaitGroup
	work.Go(func() { a.kill(ctx) })
	turns := a.turns()
	for range customers {
		work.Go(func() {
			for k := range turns {
				a.buy(ctx, k)
			}
		})
	}
	work.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	say("%d products are paid for; the records:", a.sold.Load())
	books, err := f.Agreed(ctx, agreeIn)
	fmt.Fprintln(out)
	books.Print(out)
	if err != nil {
		return err
	}
	if said := books.Differences(); len(said) > 0 {
		return errors.New("the records differ:\n  " + strings.Join(said, "\n  "))
	}
	say("all agree to the öre, and the database has each entry of each journal once")
	return nil
}

// seller is a run of --auto.
type seller struct {
	fleet *fleet.Fleet
	say   func(string, ...any)
	fail  context.CancelCauseFunc
	sold  atomic.Int64
}

// turns gives the machines in turns, as often as is sold.
func (a *seller) turns() <-chan *fleet.Kiosk {
	turns := make(chan *fleet.Kiosk, sales)
	for n := range sales {
		turns <- a.fleet.Machines[n%len(a.fleet.Machines)]
	}
	close(turns)
	return turns
}

// buy is one product for one customer.
func (a *seller) buy(ctx context.Context, k *fleet.Kiosk) {
	if ctx.Err() != nil {
		return
	}
	slots := fleet.SlotNames()
	if _, err := a.fleet.Phone.Buy(ctx, k, slots[rand.IntN(len(slots))]); err != nil {
		a.fail(err)
		return
	}
	if n := a.sold.Add(1); n%10 == 0 {
		a.say("%d sold", n)
	}
}

// busyWithin is how long a kiosk is looked for that sells just now.
const busyWithin = 5 * time.Second

// busy is a kiosk in the middle of a sale, or any if there is none for a while.
func (a *seller) busy(ctx context.Context) (k *fleet.Kiosk) {
	_ = fleet.Until(ctx, busyWithin, nil, func() bool {
		k = a.fleet.Machines[rand.IntN(len(a.fleet.Machines))]
		s, err := k.Status(ctx)
		return err == nil && s.Step == "choosing"
	})
	return k
}

// kill kills one of each part, one after the other, and starts it again.
func (a *seller) kill(ctx context.Context) {
	parts := a.fleet.Parts()
	for n, kind := range []string{"server-", "gate-", "hub-", "PostgreSQL", "kioskd"} {
		at := int64((n + 1) * sales / 7)
		if fleet.Until(ctx, time.Minute, nil, func() bool { return a.sold.Load() >= at }) != nil {
			return
		}
		var p fleet.Part
		if i := slices.IndexFunc(parts, func(p fleet.Part) bool { return strings.HasPrefix(p.Name, kind) }); i >= 0 {
			p = parts[i]
		} else {
			p = a.busy(ctx).Part()
		}
		a.say("%s is killed with -9", p.Name)
		p.Kill()
		select {
		case <-ctx.Done():
			return
		case <-time.After(downFor):
		}
		if err := p.Start(ctx); err != nil {
			a.fail(fmt.Errorf("%s does not start again: %w", p.Name, err))
			return
		}
		a.say("%s is there again", p.Name)
	}
}
