package terse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// day is a log that is bounded, in a test's time.
type day struct {
	now   time.Time
	out   bytes.Buffer
	w     *Writer
	log   zerolog.Logger
	spent map[int]int // bytes by the hour
}

func newDay() *day {
	d := &day{now: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), spent: map[int]int{}}
	d.w = New(&d.out, func() time.Time { return d.now })
	d.log = zerolog.New(d.w)
	return d
}

// hours lets time go by and does something each step.
func (d *day) hours(n int, step time.Duration, do func()) {
	for end := d.now.Add(time.Duration(n) * time.Hour); d.now.Before(end); d.now = d.now.Add(step) {
		before := d.out.Len()
		do()
		d.spent[int(d.now.Unix()/3600)] += d.out.Len() - before
	}
}

// worst is the most that was written in any 24 hours, by whole hours.
func (d *day) worst() (most int) {
	for from := range d.spent {
		sum := 0
		for h := range 24 {
			sum += d.spent[from+h]
		}
		most = max(most, sum)
	}
	return most
}

// left sums up what was written, and what was said to be left out.
func (d *day) left(t *testing.T) (lines, more int) {
	t.Helper()
	for line := range strings.Lines(d.out.String()) {
		var l struct {
			Message string
			More    int
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if l.More > 0 {
			more += l.More
			continue
		}
		lines++
	}
	return lines, more
}

var long = strings.Repeat("goroutine 1 [running]: ", 500)

func TestAStormOfAnyKindStaysWithinTwoMegabytesADay(t *testing.T) {
	for name, line := range map[string]func(d *day, n int){
		"one kind":      func(d *day, _ int) { d.log.Error().Str("line", long[:300]).Msg("the board is not there") },
		"all kinds":     func(d *day, n int) { d.log.Warn().Msg(fmt.Sprint("kind ", n)) },
		"long lines":    func(d *day, n int) { d.log.Error().Str("stack", long).Msg(fmt.Sprint(n % 50)) },
		"a sale's step": func(d *day, n int) { d.log.Info().Str("sale", fmt.Sprint("S", n/20)).Msg("answered") },
	} {
		t.Run(name, func(t *testing.T) {
			d, n := newDay(), 0
			d.hours(49, time.Second, func() { line(d, n); n++ })
			if worst := d.worst(); worst > DayMax {
				t.Errorf("%d bytes in a day", worst)
			}
			if len(d.w.kinds) > kindsMax+3 {
				t.Errorf("%d kinds are told apart", len(d.w.kinds))
			}
			d.now = d.now.Add(26 * time.Hour)
			d.log.Error().Msg("the storm is over")
			d.w.Close()
			if lines, more := d.left(t); lines+more != n+1 {
				t.Errorf("of %d lines %d were written and %d said to be left out", n+1, lines, more)
			}
		})
	}
}

// TestABusyDayIsWrittenWhole: 300 sales with all their steps, and what one day of them costs.
func TestABusyDayIsWrittenWhole(t *testing.T) {
	d, n, kinds := newDay(), 0, []string{"answered", "vend_ended", "tick"}
	d.hours(24, 288*time.Second, func() {
		sale := fmt.Sprint("S", d.now.Unix())
		for step := range 18 {
			d.log.Info().Str("phase", "dispensing").Str("step", "vending").Str("sale", sale).Str("state", "charged").
				Str("note", "a note of some length for a technician").Msg(kinds[step%3])
			n++
		}
	})
	lines, more := d.left(t)
	if lines != n || more != 0 {
		t.Errorf("of %d lines %d were written and %d left out", n, lines, more)
	}
	t.Logf("%d bytes", d.out.Len())
}

// TestASaleIsNotCrowdedOut: while something else storms, the next sale's steps are there, and so is an error.
func TestASaleIsNotCrowdedOut(t *testing.T) {
	d := newDay()
	d.hours(24, time.Second, func() { d.log.Info().Msg("ups: request") })
	d.log.Info().Str("sale", "S1").Msg("purchase_requested")
	d.log.Error().Msg("the display fails")
	for _, want := range []string{`"sale":"S1"`, "the display fails"} {
		if !strings.Contains(d.out.String(), want) {
			t.Errorf("%q is not there", want)
		}
	}
}

// TestErrorsHaveAShareOfTheirOwn: what a customer can make as much of as they like leaves room for what goes wrong.
func TestErrorsHaveAShareOfTheirOwn(t *testing.T) {
	d := newDay()
	for n := range 20_000 {
		d.log.Info().Str("sale", fmt.Sprint(n/10)).Msg("purchase_requested")
	}
	d.log.Error().Msg("the journal cannot be written")
	if !strings.Contains(d.out.String(), "the journal cannot be written") {
		t.Error("the error is left out")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestALogThatCannotBeWrittenIsAnError(t *testing.T) {
	w := New(broken{}, time.Now)
	if _, err := w.Write([]byte("{\"message\":\"x\"}\n")); err == nil {
		t.Error("nobody is told")
	}
	w.Close()
}

func FuzzField(f *testing.F) {
	f.Add("x", `a","message":"b`)
	f.Fuzz(func(t *testing.T, message, other string) {
		var line bytes.Buffer
		log := zerolog.New(&line)
		log.Info().Str("other", other).Msg(message)
		var want struct{ Message string }
		if err := json.Unmarshal(line.Bytes(), &want); err != nil {
			t.Skip()
		}
		var got string
		if err := json.Unmarshal([]byte(`"`+field(line.Bytes(), "message")+`"`), &got); err != nil || got != want.Message {
			t.Errorf("of %s it takes %q, %v", line.Bytes(), got, err)
		}
	})
}
