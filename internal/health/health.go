// Package health is how the machine's parts are, in words for a technician: what is wrong, since when, and what to do
// about it.
package health

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/doctor"
	"kioskd/internal/reason"
)

// Vitals is what a technician asks first about what the machine depends on. Its methods may be called from any
// goroutine.
type Vitals struct {
	wall    func() time.Time
	synced  func() bool
	journal string // its file
	driver  string // the display's

	mu       sync.Mutex
	answered time.Time // when Glase answered last, with whatever
	failed   time.Time // when it did not; zero: since it answered it always has
	failure  error     // why, at the last call
	purchase time.Time // when a customer's phone came in last through Glase
	display  error     // why the display shows nothing
}

// New makes the vitals of the config's machine. synced says whether wall can be believed.
func New(cfg config.Config, wall func() time.Time, synced func() bool) *Vitals {
	return &Vitals{wall: wall, synced: synced, journal: cfg.Journal.Path, driver: cfg.Display.Driver}
}

// Heard notes how a call to Glase ended, and hands its error on.
func (v *Vitals) Heard(err error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if refused := (*glase.ResultError)(nil); err == nil || errors.As(err, &refused) {
		v.answered, v.failed = v.wall(), time.Time{}
		return err
	}
	if v.failed.IsZero() {
		v.failed = v.wall()
	}
	v.failure = err
	return err
}

// Scanned notes that a customer came.
func (v *Vitals) Scanned() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.purchase = v.wall()
}

// Shown notes why the display shows nothing; nil: it does.
func (v *Vitals) Shown(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.display = err
}

// clockBegins is before this program was written: a clock that says less was never set.
const clockBegins = 2025

// Parts says how each of them is in the machine's present state, and what to do about those that are not well.
// customers is the customers' side as its ports see it, told when a customer came last; nil: the machine has none.
// journal: it could be opened.
func (v *Vitals) Parts(state fsm.State, journal bool, customers func(scanned time.Time) debug.Part) []debug.Part {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, synced := v.wall(), v.synced()
	calls, blamed := v.calls(state, now, synced)
	scans := debug.Part{Name: "UPS", OK: true, What: "not used: the config has no [ups]"}
	if customers != nil {
		scans = customers(v.purchase)
	}
	screen := debug.Part{Name: "Display", OK: v.display == nil, What: v.driver}
	if v.display != nil {
		screen.What, screen.Do = v.display.Error(),
			"look at the display's cable and at [display]; it is tried again every 10 s"
	}
	return []debug.Part{calls, scans, v.records(state, journal), clockPart(now, synced, blamed), screen}
}

// calls is how Glase answers; blamed: the machine's clock keeps it away.
func (v *Vitals) calls(state fsm.State, now time.Time, synced bool) (calls debug.Part, blamed bool) {
	calls = debug.Part{Name: "Glase", OK: true, What: "not called since the start", Since: v.answered}
	switch {
	case !v.failed.IsZero():
		calls = debug.Part{Name: "Glase", What: v.failure.Error(), Since: v.failed,
			Do: "look at the network: kioskd asks again by itself, and sells nothing until Glase answers"}
		if distrust, ok := doctor.Distrusted(v.failure, now, synced); ok {
			calls.What, calls.Do, blamed = "cannot be reached: "+distrust.Says, distrust.Remedy, distrust.Clock
		}
	case !v.answered.IsZero():
		calls.What = "answers"
	}
	if state.Helpless() {
		calls.OK = false
		calls.What += fmt.Sprintf("; it leaves open what becomes of sale %s, which kioskd asks again and again",
			state.Sale.ID)
		calls.Do = cmp.Or(calls.Do, "look at the network") +
			fmt.Sprintf("; if it stays so, settle the sale with Glase by telephone, "+
				"and record that: kioskd resolve %s charge|release|refund --by-hand", state.Sale.ID)
	}
	return calls, blamed
}

// records is how the journal is.
func (v *Vitals) records(state fsm.State, opened bool) debug.Part {
	p := debug.Part{Name: "Journal", OK: true, What: v.journal}
	for _, f := range state.Faults {
		switch f.Name {
		case reason.JournalLost:
			p.OK, p.What = false, "has lost its newest entries: "+f.Note
			p.Do = "look in Glase's books for sales and open reservations since then, and at every slot; " +
				`then: kioskd accept --reason "…"`
		case reason.Journal:
			p.OK, p.What = false, "cannot be written"
			p.Do = "look at the disk: is it full, or has the card failed? It is tried again each minute"
		}
	}
	if !opened {
		p.OK, p.What, p.Do = false, "could not be opened", "the log of the last start says why"
	}
	return p
}

// clockPart says whether the clock can be believed. blamed: it keeps Glase away.
func clockPart(now time.Time, synced, blamed bool) debug.Part {
	p := debug.Part{Name: "Clock", OK: synced && !blamed, What: "set by the network", Since: now}
	switch {
	case now.Year() < clockBegins:
		p.OK, p.Do = false, doctor.SetClock
		p.What = fmt.Sprintf("stands in %d: Glase's certificate cannot be believed, and records have wrong times",
			now.Year())
	case !synced:
		p.Do = doctor.SetClock
		p.What = "not checked against a time server: one that is far off keeps Glase away, whose certificate is then " +
			"not believed"
	}
	if blamed {
		p.What, p.Do = "keeps Glase away, and nothing is sold: by this clock Glase's certificate is not good",
			doctor.SetClock
	}
	return p
}
