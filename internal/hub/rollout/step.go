package rollout

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Step looks at the machines of a rollout's group, all of them. It gives how the rollout stands then, the machines in
// the same order with their tries as they are then, and what happened to the rollout, for the record; "": nothing did.
func Step(r Rollout, machines []Machine, now time.Time) (Rollout, []Machine, string) {
	all := slices.Clone(machines)
	heard := 0
	for _, m := range all {
		if m.there(now) {
			heard++
		}
	}
	deaf := heard*2 < len(all) // the network's doing, or the hub's: such a silence holds it and does not stop it
	for n, m := range all {
		all[n].Try = r.judge(m, now, deaf)
	}
	if r.State != Running {
		return r, all, ""
	}
	if why := tooBad(all); why != "" {
		r.State, r.Why, r.Enough = Stopped, why, time.Time{}
		return r, all, "stopped by itself: " + why
	}
	r.ask(all, now)
	switch {
	case deaf || !enough(all):
		r.Enough = time.Time{}
	case r.Enough.IsZero():
		r.Enough = now
	}
	if r.Enough.IsZero() || now.Sub(r.Enough) < r.Soak {
		return r, all, ""
	}
	if r.Ring == len(r.Rings)-1 {
		r.State = Done
		return r, all, "done: " + Of(all).String()
	}
	r.Ring, r.Enough = r.Ring+1, time.Time{}
	what := fmt.Sprintf("ring %d of %d (%d %%) begins: %s", r.Ring+1, len(r.Rings), r.Rings[r.Ring], Of(all))
	r.ask(all, now)
	return r, all, what
}

// tooBad says why it must stop; "": it need not.
func tooBad(all []Machine) string {
	tried, bad := 0, Counts{}
	for _, m := range all {
		if m.Try.Fate.tried() {
			tried++
		}
		if m.Try.Fate.bad() && !m.Try.Passed {
			bad[m.Try.Fate]++
		}
	}
	if bad.Sum()*100 <= tried*BadMost {
		return ""
	}
	return fmt.Sprintf("of %d that tried %s: more than %d %%", tried, bad, BadMost)
}

// enough reports whether enough of those that were asked and are there run it.
func enough(all []Machine) bool {
	good, of := 0, 0
	for _, m := range all {
		switch f := m.Try.Fate; {
		case f == Good:
			good++
			of++
		case f != None && f != Absent && !m.Try.Passed:
			of++
		}
	}
	return good > 0 && good*100 >= of*DoneLeast
}

// ask asks those of the ring that were not asked yet. For one that was absent ever since, another is asked; the last
// ring is everybody.
func (r Rollout) ask(all []Machine, now time.Time) {
	left := r.size(r.Ring, len(all))
	if r.Ring == len(r.Rings)-1 {
		left = 2 * len(all)
	}
	for _, m := range all {
		if !m.Try.Asked.IsZero() && m.Try.Fate != Absent {
			left--
		}
	}
	for _, n := range r.sorted(all, now) {
		if left <= 0 {
			return
		}
		if t := &all[n].Try; t.Asked.IsZero() {
			t.Asked, t.Ring, t.Fate = now, r.Ring, Asked
			left--
		}
	}
}

// size is how many machines a ring has, of so many, those of the rings before included: at least one more than the one
// before, as long as there are.
func (r Rollout) size(ring, of int) (size int) {
	for n := range ring + 1 {
		size = min(of, max(size+1, (r.Rings[n]*of+99)/100))
	}
	return size
}

// sorted are the places of machines in the order in which they are asked: by chance, and the same for as long as the
// rollout lasts, but that those come last that are not heard.
func (r Rollout) sorted(machines []Machine, now time.Time) []int {
	type key struct {
		away  int
		place uint64
	}
	keys, order := make([]key, len(machines)), make([]int, len(machines))
	for n, m := range machines {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", r.ID, m.Kiosk))
		keys[n], order[n] = key{place: binary.BigEndian.Uint64(sum[:8])}, n
		if !m.there(now) {
			keys[n].away = 1
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a].away, keys[b].away), cmp.Compare(keys[a].place, keys[b].place),
			cmp.Compare(machines[a].Kiosk, machines[b].Kiosk))
	})
	return order
}
