package gpio

import (
	"slices"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// sample is an edge on a line, and the level that it left.
type sample struct {
	ms    int
	level periph.Level
}

// settled feeds a line's edges to a Debounce the way Watch does, and returns the changes that count.
func settled(edges []sample, untilMS int) []sample {
	start := time.Unix(0, 0)
	d := NewDebounce(periph.High, 30*time.Millisecond)
	var changes []sample
	for ms := 0; ms <= untilMS; ms++ {
		at := start.Add(time.Duration(ms) * time.Millisecond)
		for _, e := range edges {
			if e.ms == ms {
				d.Edge(e.level, at)
			}
		}
		if level, changed := d.Settle(at); changed {
			changes = append(changes, sample{ms, level})
		}
	}
	return changes
}

func TestAContactCountsWhenItHasStoodForItsHoldTime(t *testing.T) {
	const low, high = periph.Low, periph.High
	for name, c := range map[string]struct{ edges, want []sample }{
		"a clean press": {[]sample{{10, low}, {200, high}}, []sample{{40, low}, {230, high}}},
		"a press that bounces": {[]sample{{10, low}, {12, high}, {13, low}, {20, high}, {24, low}},
			[]sample{{54, low}}},
		"a release that bounces": {[]sample{{10, low}, {100, high}, {101, low}, {102, high}},
			[]sample{{40, low}, {132, high}}},
		"a bounce and no press":     {[]sample{{10, low}, {11, high}, {12, low}, {13, high}}, nil},
		"a spike of 29 ms":          {[]sample{{10, low}, {39, high}}, nil},
		"a hold of exactly its own": {[]sample{{10, low}, {41, high}}, []sample{{40, low}, {71, high}}},
		"edges too quick to read":   {[]sample{{10, low}, {20, low}, {30, low}}, []sample{{60, low}}},
		"a line that never rests": {[]sample{{10, low}, {20, high}, {30, low}, {40, high}, {50, low}, {60, high}},
			nil},
		"nothing":            {nil, nil},
		"edges of no change": {[]sample{{10, high}, {20, high}}, nil},
	} {
		if got := settled(c.edges, 300); !slices.Equal(got, c.want) {
			t.Errorf("%s: the changes are %v, want %v", name, got, c.want)
		}
	}
}

func TestDebounceSaysWhenToComeBack(t *testing.T) {
	start := time.Unix(0, 0)
	d := NewDebounce(periph.High, 30*time.Millisecond)
	if w := d.Wait(start); w != -1 {
		t.Errorf("with nothing pending it wants to wait %s, want -1", w)
	}
	d.Edge(periph.Low, start)
	if w := d.Wait(start.Add(10 * time.Millisecond)); w != 20*time.Millisecond {
		t.Errorf("10 ms after the edge it wants to wait %s, want 20ms", w)
	}
	if w := d.Wait(start.Add(time.Hour)); w != 0 {
		t.Errorf("long after the edge it wants to wait %s, want 0", w)
	}
}
