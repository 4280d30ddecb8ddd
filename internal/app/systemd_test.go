package app

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/sdnotify"
)

// manager is a systemd that keeps what it is told.
type manager struct {
	mu   sync.Mutex
	told []string
	deaf bool
}

func (m *manager) notify(message string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, message)
	if m.deaf {
		return errors.New("connection refused")
	}
	return nil
}

// heard are the messages but the signs of life, and how many these are.
func (m *manager) heard() (messages []string, signs int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.told {
		if s == "WATCHDOG=1" {
			signs++
			continue
		}
		messages = append(messages, s)
	}
	return messages, signs
}

func TestSystemdIsToldHowTheDaemonIs(t *testing.T) {
	var m manager
	playIn(t, "reservation", func(*config.Config) {},
		func(w *world) { w.supervisor = sdnotify.Supervisor{Notify: m.notify, Watchdog: 9 * time.Second} },
		func(w *world) {
			ref := w.scan()
			w.confirm(ref)
			w.press("A1")
			w.settled()
			w.money(ref, 1500)
		})
	told, signs := m.heard()
	if ready := slices.Index(told, "READY=1"); ready < 0 || ready > 1 || signs == 0 { // beside the first status
		t.Fatalf("systemd was told %q, and %d signs of life", told, signs)
	}
	stopping := slices.Index(told, "STOPPING=1")
	for _, want := range []string{"STATUS=idle: ready", "STATUS=reserved: choosing, sale ",
		"STATUS=dispensing: vending, sale ", "STATUS=commit: confirming, sale "} {
		at := slices.IndexFunc(told, func(s string) bool { return strings.HasPrefix(s, want) })
		if at < 0 || at > stopping {
			t.Errorf("%q is not in %q before the end", want, told)
		}
	}
	for n := range told[1:] {
		if told[n] == told[n+1] {
			t.Errorf("%q was said twice", told[n])
		}
	}
}

func TestTheWatchdogIsFedInTimeAndNobodyElseIsWokenForIt(t *testing.T) {
	for _, watchdog := range []time.Duration{0, 9 * time.Second} {
		var m manager
		playIn(t, "reservation", func(*config.Config) {},
			func(w *world) { w.supervisor = sdnotify.Supervisor{Notify: m.notify, Watchdog: watchdog} },
			func(w *world) {
				_, before := m.heard()
				time.Sleep(time.Hour)
				synctest.Wait()
				_, after := m.heard()
				want := 0
				if watchdog > 0 {
					want = int(time.Hour / (watchdog / 3))
				}
				if after-before != want {
					t.Errorf("with a watchdog of %s: %d signs of life in an idle hour, want %d", watchdog, after-before,
						want)
				}
			})
	}
}

func TestASystemdThatDoesNotListenStopsNoSale(t *testing.T) {
	m := manager{deaf: true}
	playIn(t, "reservation", func(*config.Config) {},
		func(w *world) { w.supervisor = sdnotify.Supervisor{Notify: m.notify, Watchdog: 9 * time.Second} },
		func(w *world) {
			ref := w.scan()
			w.confirm(ref)
			w.press("A1")
			w.settled()
			w.money(ref, 1500)
			if !strings.Contains(w.log.String(), "connection refused") {
				t.Error("the log does not say that systemd cannot be told")
			}
		})
}
