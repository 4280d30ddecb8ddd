package kiosk

import (
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

const (
	journalEvery = time.Minute     // a journal that refused a record is tried again
	proveEvery   = 5 * time.Second // and once it has taken one, it must take the next
	// records that it must take in a row before the one that puts the machine back into service
	provenBy = 3
)

// journalFailed goes on from memory: with the fault raised nothing new moves, and what has begun is settled. The fault
// stands until prove takes it away.
func (k *Kiosk) journalFailed(e fsm.Event, err error) {
	k.cfg.Log.Error().Err(err).Str("event", fsm.Name(e)).Msg("the journal cannot be written: out of service")
	k.memory = true
	k.refused()
	fault := fsm.FaultRaised{At: k.cfg.Now(), Fault: fsm.Fault{Name: reason.Journal, Hard: true}}
	if _, boot := e.(fsm.Booted); boot { // a boot moves nothing, and forgets faults
		k.step(e)
		k.step(fault)
		return
	}
	k.step(fault)
	k.step(e)
}

// refused begins the proof anew: what the journal took before says nothing about the next record.
func (k *Kiosk) refused() { k.proofs, k.again = 0, time.After(journalEvery) }

// remember tries to record what has become true while the journal failed, so that the next start knows it.
func (k *Kiosk) remember(next fsm.State) {
	e := fsm.Remembered{At: k.cfg.Now(), State: next}
	if err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), fsm.Live{}, e, next, nil}); err != nil {
		k.cfg.Log.Error().Err(err).Msg("the journal still cannot be written")
		k.refused()
		return
	}
	k.memory = false
	k.proofs++
	k.again = time.After(proveEvery)
}

// prove lets the machine back into service once the journal has taken some records in a row: a disk whose last pages
// are used up may take one more, and then none. The last proof is the record of the step itself. When that one is
// refused, the step is not taken either, so that no machine is in service whose journal does not say so.
func (k *Kiosk) prove() {
	k.again = nil
	if k.memory || k.proofs < provenBy {
		k.remember(k.current)
		return
	}
	before, e := k.current, fsm.FaultCleared{At: k.cfg.Now(), Name: reason.Journal}
	next, effects, durable := fsm.Step(before, e)
	if err := k.cfg.Journal.Append(k.ctx, Record{k.cfg.Wall(), before.Live, e, next, effects}); err != nil {
		k.cfg.Log.Error().Err(err).Msg("the journal takes some records and not others: still out of service")
		k.refused()
		return
	}
	k.cfg.Log.Warn().Msg("the journal takes records again, and knows what happened meanwhile")
	k.commit(e, next, effects, durable)
}
