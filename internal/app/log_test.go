package app

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/config"
	"kioskd/internal/terse"
)

// plenty is a machine that nobody needs to refill.
func plenty(cfg *config.Config) {
	cfg.GPIO.Door = "GPIO24"
	for n := range cfg.Slots {
		cfg.Slots[n].Stock = 9999
	}
}

// counted counts a log's bytes, and writes none.
type counted struct{ diary }

func (c *counted) size() int { return len(c.String()) }

// broken has the display fail, or not.
func (w *world) broken(is bool) {
	w.screen.mu.Lock()
	defer w.screen.mu.Unlock()
	if w.screen.fail = nil; is {
		w.screen.fail = errors.New("input/output error")
	}
}

// TestADaysLogStaysWithinTwoMegabytes: a whole machine's day of each kind, with what it would have been without the
// bound.
func TestADaysLogStaysWithinTwoMegabytes(t *testing.T) {
	sell := func(w *world) {
		reference := w.scan()
		w.confirm(reference)
		time.Sleep(2 * time.Second)
		w.press("A1")
		time.Sleep(4 * time.Second)
		w.press("cancel")
		if w.settled().State != fsm.Charged {
			w.t.Fatalf("the sale is %+v", w.app.Kiosk.State().Sale)
		}
	}
	const brokersGone = "the brokers are gone"
	for name, day := range map[string]func(w *world){
		brokersGone: func(*world) { time.Sleep(24 * time.Hour) },
		"idle":      func(*world) { time.Sleep(24 * time.Hour) },
		"selling": func(w *world) {
			for range 300 {
				next := time.After(288 * time.Second)
				sell(w)
				<-next
			}
		},
		"Glase is gone, and customers try": func(w *world) {
			if err := w.glase.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{
				{Operation: "*", Fault: "lost_request"}}}); err != nil {
				w.t.Fatal(err)
			}
			for range 24 * 60 {
				w.forge(46800000000, "50.00")
				time.Sleep(time.Minute)
			}
		},
		"a door switch that flaps": func(w *world) {
			for range 24 * 60 {
				w.press("door")
				time.Sleep(59 * time.Second)
			}
		},
		"a display that fails": func(w *world) {
			w.broken(true)
			time.Sleep(24 * time.Hour)
		},
		"a display that comes and goes": func(w *world) {
			for n := range 24 * 60 * 4 {
				w.broken(n%2 == 0)
				w.press("A1") // draws
				time.Sleep(14 * time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out, all counted
			playIn(t, "reservation", func(c *config.Config) {
				if plenty(c); name == brokersGone {
					c.Fleet.Servers = []string{"nats://127.0.0.1:1"}
				}
			}, func(w *world) {
				w.logged = io.MultiWriter(&w.log, &all, terse.New(&out, time.Now))
			}, day)
			t.Logf("%d bytes, and %d without the bound", out.size(), all.size())
			if out.size() > terse.DayMax || out.size() == 0 {
				t.Errorf("%d bytes in a day", out.size())
			}
			if name == "selling" && strings.Contains(out.String(), `"more":`) {
				t.Error("of a good day something is left out")
			}
		})
	}
}
