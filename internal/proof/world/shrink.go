package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shrinkMax bounds the worlds that are played to find a shorter story.
const shrinkMax = 600

// Shrink leaves out of a failing world's story whatever it fails without, in halves first and one by one at last, and
// gives the world that is left: one in which nothing more can be left out, unless shrinkMax came first. A world that
// does not fail, or not each time, is given back as it is.
func Shrink(t *testing.T, seed uint64, o Options, fails func(Result) bool) (Options, Result) {
	t.Helper()
	if o.Ground == nil {
		o.Ground = NewGround(t, t.TempDir())
	}
	played := 0
	short, res := o, Play(t, seed, o)
	if !fails(res) {
		return short, res
	}
	try := func(names []string) bool {
		o := o
		o.Only, o.Without = append([]string{}, names...), nil
		played++
		r := Play(t, seed, o)
		if !fails(r) {
			return false
		}
		o.Only = append([]string{}, r.Happenings...) // what did not take place for want of something else goes as well
		short, res = o, r
		return true
	}
	try(nil)
	for size := len(res.Happenings); size > 0 && played < shrinkMax; {
		before := len(res.Happenings)
		for at := 0; at < len(res.Happenings) && played < shrinkMax; {
			if !try(slices.Delete(slices.Clone(res.Happenings), at, min(at+size, len(res.Happenings)))) {
				at += size
			}
		}
		if size = min(size, len(res.Happenings)) / 2; size == 0 && len(res.Happenings) < before {
			size = 1
		}
	}
	return short, res
}

// SameKind reports whether a world breaks one of the promises that another one broke.
func SameKind(first Result) func(Result) bool {
	return func(r Result) bool {
		return slices.ContainsFunc(r.Kinds, func(k string) bool { return slices.Contains(first.Kinds, k) })
	}
}

// Report tells of a world that broke a promise: what was broken, the shortest story in which it still is, and how to
// see it again.
func Report(t *testing.T, seed uint64, o Options, first Result) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "seed=%d breaks a promise:\n", seed)
	short, res := Shrink(t, seed, o, SameKind(first))
	if len(res.Violations) == 0 {
		fmt.Fprintf(&b, "  %s\nbut not when it was played again. The first time it went\n%s",
			strings.Join(first.Violations, "\n  "), first.Diary)
		return b.String()
	}
	left := map[string]int{}
	for _, name := range first.Happenings {
		if !slices.Contains(res.Happenings, name) {
			left[sort(name)]++
		}
	}
	var counts []string
	for _, s := range slices.Sorted(maps.Keys(left)) {
		counts = append(counts, fmt.Sprintf("%d %s", left[s], s))
	}
	fmt.Fprintf(&b, "  %s\n%sleft out, and it fails without: %s\nagain: make soak SEED=%d ONLY='%s'\n",
		strings.Join(res.Violations, "\n  "), res.Diary,
		strings.Join(counts, ", "), seed, strings.Join(short.Only, ","))
	return b.String()
}

// sort is the kind of a happening: "visit 2/customer 1/press 3" is a press.
func sort(name string) string {
	return strings.TrimRight(name[strings.LastIndex(name, "/")+1:], " 0123456789")
}
