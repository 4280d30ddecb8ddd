package watch

import (
	"slices"
	"time"
)

// What a habit is made of.
const (
	week       = 7 * 24 * time.Hour
	habitOf    = 4 * week
	weeksMin   = 2
	salesMin   = 20 // fewer make no habit, nor do sales on fewer days
	daysMin    = 7
	longestNth = 3 // of the pauses: two of four weeks may be failures that nobody counted
	missedMore = 5 // sales beyond that pause
	silentMin  = 30 * time.Minute
)

// Habit is how a machine sells: so many sales in each hour of the week, and how long its pauses are. A pause is
// measured in the sales that the machine usually makes in that time, so that a night, a Sunday and a machine in a quiet
// corner need no rules of their own.
//
// A machine is silent when its present pause is longer than its third-longest of four weeks by five such sales, and by
// the clock half an hour at least. Of a machine with steady custom that is a false word about once in four years.
type Habit struct {
	zone  *time.Location
	rate  [7 * 24]float64 // sales an hour
	usual float64         // the third-longest pause
	known bool
	// Last is the newest sale that it was made of; zero: there was none.
	Last time.Time
}

// bucket is the hour of the week that a moment is in.
func bucket(local time.Time) int { return int(local.Weekday())*24 + local.Hour() }

// hours goes through the local hours between two moments, and gives of each how much of it is between them.
func hours(from, to time.Time, zone *time.Location, do func(bucket int, part float64)) {
	for from.Before(to) {
		local := from.In(zone)
		left := time.Hour - time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second -
			time.Duration(local.Nanosecond())
		left = min(left, to.Sub(from))
		do(bucket(local), float64(left)/float64(time.Hour))
		from = from.Add(left)
	}
}

// Learn makes a habit of the times of a machine's sales, oldest first, until now. What is older than four weeks, or
// later than now, is passed over.
func Learn(times []time.Time, now time.Time, zone *time.Location) Habit {
	h := Habit{zone: zone}
	from := now.Add(-habitOf)
	times = slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return t.Before(from) || t.After(now) })
	if len(times) == 0 {
		return h
	}
	h.Last = times[len(times)-1]
	days := map[string]bool{}
	var number, seen [len(h.rate)]float64
	for _, t := range times {
		local := t.In(zone)
		number[bucket(local)]++
		days[local.Format(time.DateOnly)] = true
	}
	weeks := float64(h.Last.Sub(times[0])) / float64(week) // before, it may have been in a store
	if len(times) < salesMin || len(days) < daysMin || weeks < weeksMin {
		return h
	}
	// what came since the last sale is the pause that is judged: it is no part of the habit
	hours(times[0], h.Last, zone, func(b int, part float64) { seen[b] += part })
	for b := range h.rate {
		if seen[b] > 0 {
			h.rate[b] = number[b] / max(seen[b], 1)
		}
	}
	var pauses []float64
	for i := 1; i < len(times); i++ {
		pauses = append(pauses, h.Expects(times[i-1], times[i]))
	}
	slices.Sort(pauses)
	// a pause took its own hours' sales from the rates that it is measured by: the other weeks say what they are
	h.usual, h.known = pauses[len(pauses)-longestNth]*weeks/(weeks-1), true
	return h
}

// Expects is how many sales the machine usually makes between two moments, at most four weeks apart.
func (h Habit) Expects(from, to time.Time) (sales float64) {
	if early := to.Add(-habitOf); from.Before(early) {
		from = early
	}
	hours(from, to, h.zone, func(b int, part float64) { sales += h.rate[b] * part })
	return sales
}

// Silent reports whether a machine that last sold at some time is silent now, and how many sales it has missed.
func (h Habit) Silent(last, now time.Time) (missed float64, silent bool) {
	if !h.known || last.IsZero() || now.Sub(last) < silentMin {
		return 0, false
	}
	missed = h.Expects(last, now)
	return missed, missed >= h.usual+missedMore
}
