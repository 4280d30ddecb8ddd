package world

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/hw/vend"
)

// test is a technician's test vend, relay or count, whatever the machine is doing.
func (w *world) test(r *rand.Rand) {
	l := w.running()
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	slot, by, k := slots[r.IntN(len(slots))], "technician", l.app.Kiosk
	var what string
	var err error
	switch r.IntN(4) {
	case 0:
		on := min(time.Duration(1+r.Int64N(int64(time.Second))), w.cfg.Slots[0].MaxOn)
		what = fmt.Sprintf("the relay of %s for %v", slot, on)
		_, err = k.PulseRelay(ctx, slot, on, by)
	case 1:
		left := stockFirst/2 + r.IntN(stockFirst) // enough for all who come
		what = fmt.Sprintf("%d in %s", left, slot)
		_, _, err = k.CountStock(ctx, slot, by, left, false)
	default:
		what = "a vend of " + slot
		_, err = k.TestVend(ctx, slot, by)
	}
	w.diary.note("a technician asks for %s: %v", what, err)
}

// service is the technician's act that the last record tells of.
func (s *store) service() (v fsm.Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.entries); n > 0 {
		v = s.entries[n-1].service()
	}
	return v
}

// services are all acts, each as its last record tells of it.
func (s *store) services() map[string]fsm.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]fsm.Service{}
	for _, e := range s.entries {
		if v := e.service(); v.ID != "" {
			all[v.ID] = v
		}
	}
	return all
}

func (e entry) service() fsm.Service {
	var state struct {
		Service fsm.Service `json:"service"`
	}
	if err := json.Unmarshal(e.state, &state); err != nil {
		panic(err) // it was written by json.Marshal
	}
	return state.Service
}

// startedFor reports whether a motor starts for a technician's act, and holds that it may: the act is on record as this
// run's, nobody is being served, and it has moved nothing before. Called without the referee's lock.
func (f *referee) startedFor(s *start, g *gate, serving bool) bool {
	v := f.world.store.service()
	if v.ID == "" || v.Ended || v.Slot != s.slot {
		return false
	}
	s.act = v.ID
	f.mu.Lock()
	earlier := slices.IndexFunc(f.starts, func(e start) bool { return e.act == v.ID })
	twice := earlier >= 0 && !f.mayTurnAgain(f.starts[earlier], *s)
	f.mu.Unlock()
	switch {
	case serving:
		f.violated("motor %s starts for a technician while a customer is being served", s.slot)
	case twice:
		f.violated("motor %s starts twice for a technician's one act", s.slot)
	case v.By == "" || v.Act == fsm.CountStock:
		f.violated("motor %s starts for a technician's act that is none: %+v", s.slot, v)
	case f.begun(v.ID).Before(g.since):
		f.violated("motor %s starts for an act that an earlier start began", s.slot)
	}
	return true
}

// begun is when an act was first on record.
func (f *referee) begun(act string) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acts[act]
}

// acted looks at the technician's act after each record.
func (f *referee) acted() {
	v := f.world.store.service()
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.ID == "" {
		return
	}
	if f.acts[v.ID].IsZero() {
		f.acts[v.ID] = time.Now()
	}
	bad := v.Ended && v.Act == fsm.TestVend &&
		(v.Outcome == fsm.Unknown || v.Outcome == fsm.NotDelivered && v.Why == vend.WhyJam)
	if key := "act " + v.ID; bad && f.judged[key].IsZero() {
		f.judged[key] = time.Now()
		if slices.ContainsFunc(f.starts, func(s start) bool { return s.act == v.ID && s.at.After(f.looked) }) {
			f.suspects[v.Slot] = true
		}
	}
}

// tested holds a technician's acts against what fell out of the machine; of a slot it answers how often they moved it,
// and how many products they took from its stock.
func (f *referee) tested(slot string) (moves, gone int) {
	for id, v := range f.world.store.services() {
		if v.Slot != slot || v.Act == fsm.CountStock {
			continue
		}
		starts, fell := f.fellOf(func(s start) bool { return s.act == id })
		moves += starts
		if v.Act != fsm.TestVend {
			continue
		}
		if v.Outcome == fsm.Delivered || v.Outcome == fsm.Unknown {
			gone++
		}
		switch {
		case !v.Ended:
			f.violated("a technician's act is left hanging: %+v", v)
		case starts > f.startsMax(slot):
			f.violated("%d motor starts for a technician's one act: %+v", starts, v)
		case fell > 1 && !f.mayLavish(slot, starts):
			f.violated("%d products came out for a technician's one: %+v", fell, v)
		case v.Outcome == fsm.NotDelivered && fell > 0 && !f.world.blind[slot]:
			f.violated("a technician's product came out past a sensor that works, and does not count: %+v", v)
		case v.Outcome == fsm.Delivered && fell == 0 && !f.world.stuck[slot]:
			f.violated("a technician's product counts, and did not come out: %+v", v)
		}
	}
	return moves, gone
}
