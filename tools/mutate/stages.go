package main

import (
	"bufio"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// quick is what a test of the first stage takes at most.
const quick = time.Second

// passed is a line of go test -v about a test, an example or a fuzz target that is no part of another.
var passed = regexp.MustCompile(`^--- PASS: (\w+) \(([0-9.]+)s\)$`)

// timed is a test and what it took.
type timed struct {
	name string
	took time.Duration
}

// stages reads what the tests took: the quick ones come first, together, and then each slow one by itself, the
// slowest last, since most mutants are killed by a quick one.
func stages(verbose string, least time.Duration, quickOnly bool) []stage {
	var all []timed
	for s := bufio.NewScanner(strings.NewReader(verbose)); s.Scan(); {
		if m := passed.FindStringSubmatch(s.Text()); m != nil {
			took, err := time.ParseDuration(m[2] + "s")
			if err == nil {
				all = append(all, timed{m[1], took})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(a.took, b.took) })
	limit := func(took time.Duration) time.Duration { return max(least, limitFactor*took) }
	var out []stage
	var names []string
	var sum time.Duration
	for _, t := range all {
		if t.took <= quick {
			names, sum = append(names, t.name), sum+t.took
			continue
		}
		if !quickOnly {
			out = append(out, stage{only(t.name), limit(t.took)})
		}
	}
	if len(names) > 0 {
		out = slices.Insert(out, 0, stage{only(names...), limit(sum)})
	}
	return out
}

func only(names ...string) string { return "^(" + strings.Join(names, "|") + ")$" }
