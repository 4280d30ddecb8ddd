package world

import (
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/journal"
)

// troubleAround breaks what stands between the kiosk and the world, for some time that the customers may well meet.
func (w *world) troubleAround(visit string) {
	if r, yes := w.maybe(25, visit+"/network"); yes {
		c := []condition{refused, swallowed}[r.IntN(2)]
		begin, long := seconds(r, 60), seconds(r, 120)
		if r.IntN(4) == 0 {
			long = time.Duration(1+r.IntN(3)) * time.Hour
		}
		w.harm.met("no network")
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("the network goes away (%d) for %v", c, long)
			defer w.harm.begin(noNetwork)()
			w.net.become(c)
			time.Sleep(long)
			w.net.become(open)
			w.diary.note("the network is back")
		})
	}
	if r, yes := w.maybe(20, visit+"/disk"); yes {
		begin, long, gone := seconds(r, 60), seconds(r, 300), r.IntN(3) == 0
		loose := gone && w.restless // the card: the next start does not find it, and then somebody wants to buy
		w.harm.met("disk refuses for a while")
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("the disk is full for %v, gone=%v", long, gone)
			over := w.harm.begin(diskFull)
			w.store.trouble(true, gone)
			if loose {
				w.end(unplugged)
				own := visit + "/customer without a card"
				w.people.Go(func() {
					time.Sleep(10 * time.Second)
					customer{w, w.numbers(own), own, w.phone(own)}.visit()
				})
			}
			time.Sleep(long)
			w.store.trouble(false, false)
			w.diary.note("the disk is not full any more")
			time.AfterFunc(triedAgain, over)
		})
	}
	if r, yes := w.maybe(15, visit+"/write"); yes {
		n, event, which := 1+r.IntN(20), events[r.IntN(len(events))], r.IntN(3)
		w.harm.met("disk refuses one record")
		w.store.refuseNext(func(rec journal.Record) bool {
			switch which {
			case 0:
				return slices.ContainsFunc(rec.Effects,
					func(f fsm.Effect) bool { _, motor := f.(fsm.Vend); return motor })
			case 1:
				return fsm.Name(rec.Event) == event
			}
			n--
			return n == 0
		})
	}
	if r, yes := w.maybe(15, visit+"/worn disk"); yes {
		w.wornDisk(r, visit)
	}
	if r, yes := w.maybe(10, visit+"/clock"); yes {
		begin, wrong := seconds(r, 60), []time.Duration{0, time.Unix(0, 0).Sub(w.begin),
			time.Duration(r.Int64N(int64(10000 * time.Hour)))}[r.IntN(3)]
		w.harm.met("wall clock jumps")
		w.people.Go(func() {
			time.Sleep(begin)
			w.diary.note("the wall clock jumps: it is %v wrong", wrong)
			w.wall.Store(int64(wrong))
		})
	}
}

// wornDisk refuses some records, takes some, and refuses again: its last pages are used up, or its syncs fail after the
// write. In three of four it takes none any more in the end, until the trouble is over. Somebody wants to buy something
// meanwhile.
func (w *world) wornDisk(r *rand.Rand, visit string) {
	turns := []turn{{r.IntN(16), takes}}
	for range 1 + r.IntN(3) {
		turns = append(turns, turn{1 + r.IntN(3), []answer{refuses, refuses, unsaid}[r.IntN(3)]},
			turn{1 + r.IntN(4), takes})
	}
	if r.IntN(4) > 0 {
		turns = append(turns, turn{1 << 30, []answer{refuses, unsaid}[r.IntN(2)]})
	}
	begin, long := seconds(r, 30), time.Minute+seconds(r, 600)
	w.harm.met("worn disk")
	own := visit + "/customer at a worn disk"
	w.people.Go(func() {
		time.Sleep(begin + time.Minute + seconds(r, 60)) // the disk was tried again
		customer{w, w.numbers(own), own, w.phone(own)}.visit()
	})
	w.people.Go(func() {
		time.Sleep(begin)
		w.diary.note("the disk is worn for %v: %v", long, turns)
		over := w.harm.begin(diskFull)
		w.store.takeTurns(turns)
		time.Sleep(long)
		w.store.takeTurns(nil)
		w.diary.note("the disk is well again")
		time.AfterFunc(triedAgain, over)
	})
}

// triedAgain is how long a kiosk takes at most to try a disk again that was full, and to see it take some records in a
// row.
const triedAgain = 2 * time.Minute

// events are those whose record a disk may refuse.
var events = []string{"PurchaseRequested", "ProductChosen", "InvoiceSent", "StatusAnswered", "VendEnded",
	"InvoiceUpdated", "ReservationCommitted",
	"InvoiceCanceled", "PaymentRefunded", "Booted", "FaultRaised", "FaultCleared"}

// troubleInTheMachine happens between customers, or while they are there.
func (w *world) troubleInTheMachine(visit string) {
	faults := []string{simboard.FaultNone, simboard.FaultJam, simboard.FaultNoDrop, simboard.FaultLateDrop,
		simboard.FaultBounce, simboard.FaultStuckSensor}
	for _, slot := range slots {
		faults := append(slices.Clone(faults), w.ownFaults(slot)...)
		if r, yes := w.maybe(25, visit+"/machine "+slot); yes {
			w.breaks(slot, faults[r.IntN(len(faults))])
		}
		if r, yes := w.maybe(5, visit+"/machine later "+slot); yes {
			begin, fault := seconds(r, 40), faults[r.IntN(len(faults))]
			w.people.Go(func() {
				time.Sleep(begin)
				w.breaks(slot, fault)
			})
		}
	}
}

// ownFaults are those that only the slot's own parts can have.
func (w *world) ownFaults(slot string) []string {
	switch v := w.slot(slot).Vend.(type) {
	case relay.Config:
		if v.Home == "" {
			return nil
		}
		return []string{simboard.FaultStall, simboard.FaultWedge, simboard.FaultTwoDrop, simboard.FaultHomeStuck,
			simboard.FaultHomeLost}
	case lock.Config, lockboard.Config:
		return []string{simboard.FaultNeverOpens, simboard.FaultLeftOpen}
	}
	return nil
}

// slot is the config of a slot.
func (w *world) slot(id string) config.Slot {
	return w.cfg.Slots[slices.IndexFunc(w.cfg.Slots, func(s config.Slot) bool { return s.ID == id })]
}

func (w *world) breaks(slot, fault string) {
	w.harm.met("machine " + fault)
	w.mu.Lock()
	w.blind[slot] = w.blind[slot] || fault == simboard.FaultNoDrop || fault == simboard.FaultStuckSensor &&
		w.machine != nil
	w.lavish[slot] = w.lavish[slot] || fault == simboard.FaultTwoDrop || fault == simboard.FaultHomeLost
	if fault == simboard.FaultStuckSensor {
		w.stuck[slot] = true
		w.stuckAt[slot] = append(w.stuckAt[slot], time.Now())
	}
	w.mu.Unlock()
	w.diary.note("board: %s has %s", slot, fault)
	if err := w.board.Fault(slot, fault); err != nil {
		panic(err) // a word of simboard's own
	}
}

// calm is the end of all troubles but Glase's ways, which stay.
func (w *world) calm() {
	w.diary.note("all troubles end")
	w.mu.Lock()
	w.over = time.Now()
	w.mu.Unlock()
	w.motors.calm()
	w.locks.calm()
	w.glaseBehaves()
	w.net.become(open)
	w.store.trouble(false, false)
	w.store.refuseNext(nil)
	w.store.takeTurns(nil)
	w.calmBus()
	for _, slot := range slots {
		if err := w.board.Fault(slot, simboard.FaultNone); err != nil {
			panic(err)
		}
	}
}

// seconds is a random time of up to n seconds, to the nanosecond, so that nothing happens at the same moment as
// something else.
func seconds(r *rand.Rand, n int) time.Duration {
	return time.Duration(r.Int64N(int64(n)*int64(time.Second))) + 1
}
