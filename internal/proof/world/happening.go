package world

import (
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
)

// A happening is anything that may be left out of a world's story: a visit, a trouble, a press, a kill. Its name is its
// own within the world ("visit 2/network"), and so are its random numbers, so that leaving one out changes nothing
// about the others but what follows from it.

// numbers are the random numbers of that name, always the same.
func (w *world) numbers(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// happens reports whether a happening takes place, now that its time has come. Asking twice gives the same answer.
func (w *world) happens(name string) bool {
	if slices.Contains(w.o.Without, name) || w.o.Only != nil && !slices.Contains(w.o.Only, name) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took[name] = true
	return true
}

// maybe is a happening with a chance in a hundred, and its random numbers.
func (w *world) maybe(percent int, name string) (*rand.Rand, bool) {
	r := w.numbers(name)
	return r, r.IntN(100) < percent && w.happens(name)
}

// happenings are those that took place.
func (w *world) happenings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.took))
}
