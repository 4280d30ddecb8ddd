package world

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	salesFlag  = flag.Int("sales", 0, "soak: play worlds until there were so many sales")
	brokenFlag = flag.Int("broken", 1, "soak: stop after so many worlds that broke a promise")
	fromFlag   = flag.Uint64("from", 1, "the first seed")
	seedFlag   = flag.Uint64("seed", 0, "soak: play this world only, and tell its diary")
	onlyFlag   = flag.String("only", "", "with -seed: leave out all happenings but these, as a report names them")
)

const tellEvery = 5 * time.Second

// TestSoak plays a very great many sales, one world at a time on each core, and stops at the first broken promise.
// Ctrl-C ends it cleanly, with the sums so far. It is not for every day: make soak runs it.
func TestSoak(t *testing.T) {
	if *seedFlag != 0 {
		replay(t, *seedFlag)
		return
	}
	if *salesFlag == 0 {
		t.Skip("not for every day: make soak runs it, with -sales or -seed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began, sums := time.Now(), newTally()
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for tick := time.NewTicker(tellEvery); ; {
			select {
			case <-tick.C:
				fmt.Fprintln(os.Stderr, sums.line(began))
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}()
	crew{*fromFlag, math.MaxInt64, func(w tale) {
		sums.add(w)
		if w.Report != "" && sums.broken() <= *brokenFlag {
			t.Error(w.Report)
		}
		if sums.sales() >= *salesFlag || sums.broken() >= *brokenFlag {
			stop()
		}
	}}.play(ctx, t)
	stop()
	<-quiet
	fmt.Fprintf(os.Stderr, "%s\n%s", sums.line(began), sums.text())
}

// replay plays one world, as a report says.
func replay(t *testing.T, seed uint64) {
	o := Options{Ground: NewGround(t, t.TempDir()), Flow: *flowFlag}
	if *onlyFlag != "" {
		o.Only = strings.Split(*onlyFlag, ",")
	}
	r := Play(t, seed, o)
	fmt.Fprint(os.Stderr, r.Diary)
	for _, v := range r.Violations {
		t.Error(v)
	}
}

// line is the sums in one line.
func (a *tally) line(began time.Time) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := time.Since(began)
	rate := float64(a.total.Sales) / took.Seconds()
	return fmt.Sprintf("%7s %8d worlds %9d sales %6.0f sales/s %5.0f per core %8d kills %9d faults %d broken",
		took.Round(time.Second), a.worlds,
		a.total.Sales, rate, rate/float64(runtime.NumCPU()), a.total.Kills, a.faults(), a.bad)
}
