package cold

import (
	"errors"
	"slices"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/reason"
)

func TestPerishablesAreSoldOnlyWhileTheyAreKeptWell(t *testing.T) {
	gone := errors.New("gone")
	type step struct {
		minutes int
		celsius float64
		err     error
		good    bool
	}
	for name, story := range map[string][]step{
		"cold":                   {{0, 5, nil, true}, {60, 5, nil, true}},
		"just within at a start": {{0, 8, nil, true}},
		"too warm at a start":    {{0, 8.1, nil, false}, {1, 7.9, nil, false}, {2, 7.5, nil, true}},
		"no sensor at a start":   {{0, 0, gone, false}, {60, 0, gone, false}, {61, 8, nil, true}},
		"a door that stood open": {{0, 5, nil, true}, {1, 12, nil, true}, {15, 12, nil, true}, {16, 7, nil, true},
			{30, 12, nil, true}},
		"too warm for too long": {{0, 5, nil, true}, {1, 12, nil, true}, {15, 9, nil, true}, {16, 9, nil, false},
			{17, 7.8, nil, false}, {18, 7.5, nil, true}},
		"too cold for too long": {{0, 5, nil, true}, {15, 1, nil, true}, {16, 1, nil, false}, {17, 2.2, nil, false},
			{18, 2.5, nil, true}},
		"a sensor that is lost": {{0, 5, nil, true}, {14, 0, gone, true}, {15, 0, gone, true}, {16, 0, gone, false},
			{17, 0, gone, false}, {18, 5, nil, true}},
		"lost, then warm": {{0, 5, nil, true}, {8, 0, gone, true}, {16, 12, nil, false}},
		"spoiled answers between": {{0, 5, nil, true}, {10, 0, gone, true}, {12, 6, nil, true}, {26, 0, gone, true},
			{28, 0, gone, false}},
	} {
		s := thermostat{Temperature: config.Temperature{Max: 8, Min: 2, Hold: 15 * time.Minute}}
		for n, st := range story {
			s.reading(st.celsius, st.err, fsm.Instant(time.Duration(st.minutes)*time.Minute))
			if s.good != st.good {
				t.Errorf("%s: after step %d they are sold: %v", name, n+1, s.good)
			}
		}
	}
}

// TestHowLongTheyWereWarmIsByTheClockThatNobodySets: the wall's jumps with the network, and would close or open them.
func TestHowLongTheyWereWarmIsByTheClockThatNobodySets(t *testing.T) {
	now, wall := fsm.Instant(time.Hour), time.Unix(60, 0)
	closed := true
	g := New(Config{
		Temperature: config.Temperature{Max: 8, Min: 2, Hold: 15 * time.Minute}, Slots: []string{"A1"},
		Now: func() fsm.Instant { return now }, Wall: func() time.Time { return wall },
		Raise: func(f fsm.Fault) { closed = slices.Equal(f.Slots, []string{"A1"}) },
		Clear: func(reason.Why) { closed = false },
	})
	g.reading(5, nil)
	if closed {
		t.Error("they are closed although they are cold")
	}
	wall = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) // the network sets it
	g.reading(12, nil)
	if closed {
		t.Error("the wall clock's jump closes them")
	}
	if p := g.Part(); !p.Since.Equal(wall) || !p.OK {
		t.Errorf("the part is %+v", p)
	}
	now += fsm.Instant(16 * time.Minute)
	g.reading(12, nil)
	if p := g.Part(); !closed || p.OK || p.Do == "" {
		t.Errorf("after 16 minutes of warmth: closed %v, %+v", closed, p)
	}
}
