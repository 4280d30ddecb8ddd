package collect

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

const (
	asksMax    = 8192 // questions, or conditions, that may wait
	askWorkers = 4
	askWithin  = 3 * time.Second
	// pulseEvery is how soon a restored database is noticed.
	pulseEvery = 5 * time.Second
	// tellAllEvery is how often every kiosk is told what is held of it, whether it asks or not.
	tellAllEvery = time.Hour
	// conditionsEvery is how often conditions are written, and conditionsMax how many in one transaction.
	conditionsEvery = time.Second
	conditionsMax   = 256
)

// answer tells kiosks that ask what is held of them, and nobody else: asked with another's subject for the answer, it
// would tell that other one of a journal that is not his.
func (c *Collector) answer(ctx context.Context, asks chan *nats.Msg) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-asks:
			kiosk := strings.TrimPrefix(m.Subject, protocol.Ask(""))
			if protocol.CheckID(kiosk) != nil || !protocol.OwnInbox(kiosk, m.Reply) {
				continue
			}
			c.asked.Inc()
			within, cancel := context.WithTimeout(ctx, askWithin)
			held, err := c.Store.Held(within, kiosk)
			cancel()
			if err != nil { // it asks again; nothing is said that is not known
				continue
			}
			if text, err := json.Marshal(held); err == nil {
				_ = m.Respond(text)
			}
		}
	}
}

// listen has what kiosks say of themselves written, the last word of each.
func (c *Collector) listen(ctx context.Context, tells chan *nats.Msg) {
	heard := map[string]protocol.Condition{}
	tick := time.NewTicker(conditionsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-tells:
			kiosk := strings.TrimPrefix(m.Subject, protocol.Status(""))
			if protocol.CheckID(kiosk) != nil {
				continue
			}
			condition, err := protocol.ReadCondition(m.Data)
			if err != nil {
				c.Log.Warn().Err(err).Str("kiosk", kiosk).Msg("a status that cannot be read")
				continue
			}
			if condition.Slots == nil {
				condition.Slots = heard[kiosk].Slots
			}
			if heard[kiosk] = condition; len(heard) >= conditionsMax {
				heard = c.conditions(ctx, heard)
			}
		case <-tick.C:
			heard = c.conditions(ctx, heard)
		}
	}
}

// conditions writes them, and gives what is still to be written: none, also when it failed, since each kiosk tells its
// own again within minutes.
func (c *Collector) conditions(ctx context.Context, heard map[string]protocol.Condition) map[string]protocol.Condition {
	if len(heard) > 0 {
		if err := c.Store.Conditions(ctx, heard, time.Now()); err != nil && ctx.Err() == nil {
			c.Log.Warn().Err(err).Msg("what kiosks say of themselves could not be written")
		}
	}
	return map[string]protocol.Condition{}
}

// pulse finds out when the database may be another one than it was. Then, at the start, and each hour every kiosk is
// told what is there: those that thought more to be held send again.
func (c *Collector) pulse(ctx context.Context) {
	var last store.Beat
	var toldAt time.Time
	for ctx.Err() == nil {
		beat, err := c.Store.Pulse(ctx, c.Name, time.Now())
		if err == nil {
			if last.N > 0 && !beat.Follows(last) {
				c.restored.Inc()
				c.Log.Warn().Msg("the database was started again, or is another one: every kiosk is told what it holds")
				toldAt = time.Time{}
			}
			if last = beat; time.Since(toldAt) >= tellAllEvery {
				if err = c.tellAll(ctx); err == nil {
					toldAt = time.Now()
				}
			}
		}
		if ctx.Err() == nil {
			c.trouble(theDatabase, err)
		}
		wait(ctx, pulseEvery)
	}
}

// tellAll tells every kiosk what is held of its journal.
func (c *Collector) tellAll(ctx context.Context) error {
	for after := ""; ; {
		some, err := c.Store.HeldAfter(ctx, after)
		if err != nil {
			return err
		}
		for _, k := range some {
			c.say(k.Kiosk, k.Held)
			after = k.Kiosk
		}
		if len(some) < store.HeldMax {
			return nil
		}
		wait(ctx, 100*time.Millisecond) // not all of a large fleet at once
	}
}
