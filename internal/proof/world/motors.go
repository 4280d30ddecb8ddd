package world

import (
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/journal"
)

// started is a motor that begins to turn: for one item of the sale that is on, never before that item is on record,
// once, and only while Glase holds or has the money for it, as far as a kiosk can know.
func (f *referee) started(slot string, g *gate) {
	f.world.diary.note("board: motor %s starts", slot)
	f.watch(slot, g)
	if f.world.store.mute() {
		f.violated("with a lost log motor %s starts", slot)
	}
	s := start{at: time.Now(), slot: slot, item: -1, dropped: f.world.dropped()[slot]}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.starts = append(f.starts, s)
	}()
	sale, any := f.world.store.last()
	if f.startedFor(&s, g, any && sale.State == string(fsm.Open)) {
		return
	}
	if !any {
		f.violated("motor %s starts before any sale", slot)
		return
	}
	n := len(sale.Items) - 1
	if sale.State != string(fsm.Open) || n < 0 || sale.Items[n].Slot != slot ||
		sale.Items[n].Outcome != string(fsm.Pending) {
		f.violated("motor %s starts, and the journal knows no item that it is for: %s", slot, brief(sale))
		return
	}
	s.sale, s.item = sale.ID, n
	f.mu.Lock()
	earlier := slices.IndexFunc(f.starts, func(e start) bool { return e.sale == s.sale && e.item == s.item })
	vendBegan := s.at // a second turn belongs to the vend of the first one, and nobody asks between them
	if earlier >= 0 {
		vendBegan = f.starts[earlier].at
		if !f.mayTurnAgain(f.starts[earlier], s) {
			defer f.violated("motor %s starts twice for one item: %s", slot, brief(sale))
		}
	}
	if f.visits[sale.ID].began.Before(g.since) {
		defer f.violated("motor %s starts for a sale that an earlier start began: %s", slot, brief(sale))
	}
	if left := f.world.cfg.Glase.ReservationTimeout - s.at.Sub(f.visits[sale.ID].began); sale.Flow == string(
		fsm.Reservation) && left < settledIn {
		defer f.violated("motor %s starts %v before its reservation ends: %s", slot, left, brief(sale))
	}
	if !f.visits[sale.ID].opened.IsZero() {
		defer f.violated("motor %s starts for a sale that a person has decided: %s", slot, brief(sale))
	}
	if f.suspects[slot] {
		defer f.violated("motor %s starts, and nobody has looked at the slot since its last product got lost: %s", slot,
			brief(sale))
	}
	f.mu.Unlock()
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	needed := sum(sale, fsm.Delivered, fsm.Pending)
	if covered := held.Minor + paid.Minor; covered < needed && !f.mayBelieve(sale, vendBegan) {
		f.violated("motor %s starts with %d covered at Glase: %s", slot, covered, brief(sale))
	}
}

// mayBelieve: a foreign machine let go of the money, and the kiosk has not asked since, or was told what was true
// before.
func (f *referee) mayBelieve(sale journal.Sale, at time.Time) bool {
	gone := f.meddled(sale.InvoiceReference)
	return !gone.IsZero() && (at.Sub(gone) <= unknowable ||
		f.world.harm.during(gone, at, "getPaymentStatus other_answer", "getPaymentStatus previous_answer"))
}

// mayTurnAgain: a spiral that is configured so makes a second turn for an item whose first one pushed nothing out, as
// far as a sensor can see. The item's starts are counted in the end.
func (f *referee) mayTurnAgain(first, again start) bool {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return retries(f.world.slot(first.slot)) && (again.dropped == first.dropped || f.world.blind[first.slot])
}

// retries reports whether the slot's spiral may make a second turn.
func retries(s config.Slot) bool {
	c, is := s.Vend.(relay.Config)
	return is && c.RetryTurn
}

// startsMax is how often a slot's motor may start for one item.
func (f *referee) startsMax(slot string) int {
	if retries(f.world.slot(slot)) {
		return 2
	}
	return 1
}

// mayLavish: more than one product may have come out for one item, whose second the machine's own fault gave away.
func (f *referee) mayLavish(slot string, starts int) bool {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return f.world.lavish[slot] || starts > 1 && f.world.blind[slot]
}

// watch: a relay goes off within its maximum on-time, and after a kill when the outputs are made inactive.
func (f *referee) watch(slot string, g *gate) {
	for _, s := range relays(f.world.cfg) {
		if s.ID != slot {
			continue
		}
		pulse := f.world.pulses()[slot]
		still := func() bool {
			snap, _ := f.world.board.Snapshot()
			return slices.ContainsFunc(snap.Slots,
				func(s simboard.SlotState) bool { return s.Slot == slot && s.Relay && s.Pulses == pulse })
		}
		time.AfterFunc(s.MaxOn+time.Millisecond, func() {
			if g.alive() && still() {
				f.violated("the relay of %s is on for longer than %v", slot, s.MaxOn)
			}
		})
		time.AfterFunc(s.MaxOn+outputsOff+time.Millisecond, func() {
			if still() {
				f.violated("the relay of %s is on for longer than %v, a kill included", slot, s.MaxOn+outputsOff)
			}
		})
	}
}

// stuckMeanwhile reports whether a sensor began to stick while its motor turned, and was well again when it was looked
// at: nobody can tell that from a product.
func (f *referee) stuckMeanwhile(sale string, item int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return slices.ContainsFunc(f.starts, func(s start) bool {
		return s.sale == sale && s.item == item &&
			slices.ContainsFunc(f.world.stuckAt[s.slot], func(at time.Time) bool {
				return !at.Before(s.at) && at.Sub(s.at) < vendMax
			})
	})
}

// cameOut holds a sale's items against what fell out of the machine while they were on.
func (f *referee) cameOut(sale journal.Sale) {
	for n, item := range sale.Items {
		starts, fell := f.fell(sale.ID, n)
		o := fsm.ItemOutcome(item.Outcome)
		switch {
		case item.Price != f.world.priced(item.Slot):
			f.violated("item %d costs %s, and not %s: %s", n+1, item.Price, f.world.priced(item.Slot), brief(sale))
		case starts > f.startsMax(item.Slot):
			f.violated("%d motor starts for item %d: %s", starts, n+1, brief(sale))
		case fell > 1 && !f.mayLavish(item.Slot, starts):
			f.violated("%d products came out for item %d: %s", fell, n+1, brief(sale))
		case o == fsm.Pending:
			f.violated("item %d has no outcome: %s", n+1, brief(sale))
		case o == fsm.Delivered && fell == 0 && !f.stuckMeanwhile(sale.ID, n) && !f.world.lied(item.Slot):
			f.violated("item %d is charged, and did not come out: %s", n+1, brief(sale))
		case o == fsm.NotDelivered && fell > 0 && !f.world.blind[item.Slot] && !f.during(sale, thriceLost):
			f.violated("item %d came out past a sensor that works, and is not charged: %s", n+1, brief(sale))
		case o == fsm.Unknown && !f.mayForget(sale) && !f.world.stuck[item.Slot] &&
			!f.during(sale, boardOff, boardLies, busTrouble):
			f.violated("item %d is unknown, and nothing happened that explains it: %s", n+1, brief(sale))
		}
	}
}

// fell is what came out of an item's slot from its motor start to the slot's next one.
func (f *referee) fell(sale string, item int) (starts, fell int) {
	return f.fellOf(func(s start) bool { return s.act == "" && s.sale == sale && s.item == item })
}

func (f *referee) fellOf(which func(start) bool) (starts, fell int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dropped := f.world.dropped()
	for n, s := range f.starts {
		if !which(s) {
			continue
		}
		starts++
		until := dropped[s.slot]
		for _, next := range f.starts[n+1:] {
			if next.slot == s.slot {
				until = next.dropped
				break
			}
		}
		fell += until - s.dropped
	}
	return starts, fell
}
