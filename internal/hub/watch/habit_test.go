package watch

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func stockholm(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// weeks makes the sales of five weeks until a moment: so many in each hour of the day as each says, evenly spread.
func weeks(until time.Time, zone *time.Location, each func(local time.Time) int) (times []time.Time) {
	for at := until.Add(-5 * 7 * 24 * time.Hour).Truncate(time.Hour); at.Before(until); at = at.Add(time.Hour) {
		n := each(at.In(zone))
		for i := range n {
			if t := at.Add(time.Duration(2*i+1) * time.Hour / time.Duration(2*n)); t.Before(until) {
				times = append(times, t)
			}
		}
	}
	return times
}

func weekday(local time.Time) bool {
	return local.Weekday() != time.Saturday && local.Weekday() != time.Sunday
}

func TestAMachineIsSilentByItsOwnHabit(t *testing.T) {
	zone := stockholm(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	office := func(l time.Time) int { // 12 an hour, Mondays to Fridays from 8 to 17
		if weekday(l) && l.Hour() >= 8 && l.Hour() < 17 {
			return 12
		}
		return 0
	}
	station := func(time.Time) int { return 30 }
	corner := func(l time.Time) int { // two a day
		if l.Hour() == 9 || l.Hour() == 15 {
			return 1
		}
		return 0
	}
	pub := func(l time.Time) int { // Fridays and Saturdays, 20 to 2 in the night
		if h := l.Hour(); (l.Weekday() == time.Friday || l.Weekday() == time.Saturday) && h >= 20 ||
			(l.Weekday() == time.Saturday || l.Weekday() == time.Sunday) && h < 2 {
			return 10
		}
		return 0
	}
	for _, c := range []struct {
		what   string
		habit  func(time.Time) int
		last   time.Time // nothing is sold after it
		now    time.Time
		silent bool
	}{
		{"an office's, ten minutes", office, at(23, 10, 0), at(23, 10, 10), false},
		{"an office's, half an hour", office, at(23, 10, 0), at(23, 10, 24), false},
		{"an office's, an hour", office, at(23, 10, 0), at(23, 11, 0), true},
		{"an office's, at night", office, at(23, 17, 0), at(24, 7, 59), false},
		{"an office's, in the first minutes of a day", office, at(23, 17, 0), at(24, 8, 20), false},
		{"an office's, in the first hour of a day", office, at(23, 17, 0), at(24, 8, 45), true},
		{"an office's, over the weekend", office, at(20, 17, 0), at(23, 8, 10), false},
		{"a station's, ten minutes", station, at(23, 10, 0), at(23, 10, 20), false},
		{"a station's, half an hour", station, at(23, 10, 0), at(23, 10, 31), true},
		{"a quiet corner's, a day", corner, at(23, 15, 30), at(24, 15, 59), false},
		{"a quiet corner's, four days", corner, at(19, 15, 30), at(23, 15, 59), true},
		{"a pub's, the whole week", pub, at(15, 2, 0), at(20, 20, 20), false},
		{"a pub's, on a Friday", pub, at(15, 2, 0), at(20, 20, 50), true},
	} {
		h := Learn(weeks(c.last, zone, c.habit), c.now, zone)
		if missed, silent := h.Silent(h.Last, c.now); silent != c.silent {
			t.Errorf("%s: silent %v, it missed %.1f and its usual pause is %.1f", c.what, silent, missed, h.usual)
		}
	}
}

func TestWhatHasNoHabitIsNeverSilent(t *testing.T) {
	zone := stockholm(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, zone)
	few := func(n, days int) (times []time.Time) {
		for i := range n {
			times = append(times,
				now.Add(-time.Duration(i%days)*24*time.Hour-time.Duration(i)*time.Minute-48*time.Hour))
		}
		return times
	}
	for what, times := range map[string][]time.Time{
		"nothing sold": nil, "19 sales": few(19, 10), "six days": few(100, 6),
		"long ago": weeks(now.Add(-40*24*time.Hour), zone, func(time.Time) int { return 9 }),
		"tomorrow": {now.Add(time.Hour)},
	} {
		h := Learn(times, now, zone)
		if _, silent := h.Silent(h.Last, now.Add(48*time.Hour)); silent {
			t.Errorf("%s: silent", what)
		}
	}
}

func TestTwoFailuresInFourWeeksHideNoThird(t *testing.T) {
	zone := stockholm(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, zone)
	last := now.Add(-2 * time.Hour)
	h := Learn(weeks(last, zone, func(l time.Time) int {
		if l.Day() == 3 || l.Day() == 12 { // broken for a whole day
			return 0
		}
		return 6
	}), now, zone)
	if missed, silent := h.Silent(last, now); !silent {
		t.Errorf("it missed %.1f and its usual pause is %.1f", missed, h.usual)
	}
}

// TestAPauseIsMeasuredByTheOtherWeeks: its own hours sold nothing, and would make it look short.
func TestAPauseIsMeasuredByTheOtherWeeks(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h := Learn(weeks(now, time.UTC, func(l time.Time) int {
		if l.Hour() < 10 && (l.Day() == 3 || l.Day() == 12 || l.Day() == 20) { // in three weeks, on other weekdays
			return 0
		}
		return 1
	}), now, time.UTC)
	if h.usual < 10.5 || h.usual > 11.5 {
		t.Errorf("eleven hours with a sale each are a pause of %.2f", h.usual)
	}
}

// TestASummersClockMovesAHabitWithIt: the machine sells by the local clock, on both sides of the change.
func TestASummersClockMovesAHabitWithIt(t *testing.T) {
	zone := stockholm(t)
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, zone) // winter time began on 2026-10-25
	h := Learn(weeks(now, zone, func(l time.Time) int {
		if l.Hour() == 8 {
			return 4
		}
		return 0
	}), now, zone)
	if got := h.Expects(time.Date(2026, 11, 2, 0, 0, 0, 0, zone), time.Date(2026, 11, 3, 0, 0, 0, 0,
		zone)); math.Abs(got-4) > 0.2 {
		t.Errorf("a day has %.2f sales", got)
	}
	if got := h.Expects(time.Date(2026, 11, 2, 9, 0, 0, 0, zone), time.Date(2026, 11, 3, 8, 0, 0, 0, zone)); got != 0 {
		t.Errorf("outside of the hour are %.2f", got)
	}
}

// TestRandomCustomersAreSeldomCalledSilence: four machines for a simulated year each.
func TestRandomCustomersAreSeldomCalledSilence(t *testing.T) {
	zone := stockholm(t)
	r := rand.New(rand.NewPCG(1, 2))
	false_, day := 0, 24*time.Hour
	for _, perHour := range []float64{0.2, 1, 5, 30} {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
		var times []time.Time
		for at := start; at.Before(start.Add(120 * day)); {
			at = at.Add(time.Duration(r.ExpFloat64() / perHour * float64(time.Hour)))
			times = append(times, at)
		}
		var h Habit
		learnt := start.Add(28 * day)
		for i := 1; i < len(times); i++ {
			if times[i-1].After(learnt) {
				h = Learn(times[max(0, i-25000):i], times[i-1], zone)
				learnt = times[i-1].Add(day)
			}
			if _, silent := h.Silent(times[i-1], times[i]); silent {
				false_++
			}
		}
	}
	if false_ > 3 {
		t.Errorf("%d false words in 400 days", false_)
	}
}

func FuzzAHabitNeverHangsOrPanics(f *testing.F) {
	f.Add(int64(0), int64(1e18), int64(5), int64(1))
	f.Add(int64(-1<<62), int64(1<<62), int64(1e9), int64(3600e9))
	f.Fuzz(func(t *testing.T, first, now, step, n int64) {
		zone := stockholm(t)
		var times []time.Time
		for i := range n % 200 {
			times = append(times, time.Unix(0, first+i*step))
		}
		h := Learn(times, time.Unix(0, now), zone)
		if missed, _ := h.Silent(h.Last, time.Unix(0, now).Add(time.Hour)); math.IsNaN(missed) || missed < 0 {
			t.Errorf("it missed %v", missed)
		}
	})
}
