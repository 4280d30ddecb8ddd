package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/kiosk"
)

// watchdogShare of its interval passes between two signs of life: one may be late, or lost.
const watchdogShare = 3

// Supervisor is who started the daemon and watches over it: systemd. The zero value is nobody.
type Supervisor struct {
	Notify   func(message string) error // takes messages of sd_notify(3), from any goroutine, and returns at once; nil: nobody listens
	Watchdog time.Duration              // without a sign of life in so long the daemon is killed; 0: never
}

// supervisor tells the Supervisor how this daemon is.
type supervisor struct {
	Supervisor
	log   zerolog.Logger
	ready sync.Once
}

func (s *supervisor) tell(message string) {
	if s.Notify == nil {
		return
	}
	if err := s.Notify(message); err != nil {
		s.log.Error().Err(err).Str("message", message).Msg("systemd cannot be told")
	}
}

// alive is called by the kiosk's loop alone, so that a wedged loop is found. The first sign of life says that the start has
// succeeded: Serve listens on its ports before the loop begins.
func (s *supervisor) alive() {
	s.ready.Do(func() { s.tell(daemon.SdNotifyReady) })
	if s.Watchdog > 0 {
		s.tell(daemon.SdNotifyWatchdog)
	}
}

// follow says when the daemon begins to end, which is when ctx does, and what the machine does, until done ends.
func (s *supervisor) follow(ctx, done context.Context, k *kiosk.Kiosk) {
	if s.Notify == nil {
		return
	}
	context.AfterFunc(ctx, func() { s.tell(daemon.SdNotifyStopping) })
	steps := k.Follow(done)
	go func() {
		said := ""
		for {
			select {
			case <-steps:
			case <-done.Done():
				return
			}
			if words := inWords(k.State()); words != said {
				said = words
				s.tell("STATUS=" + words)
			}
		}
	}()
}

// inWords is what the machine does, in one line.
func inWords(s fsm.State) string {
	words := string(s.Stage.Phase()) + ": " + strings.ReplaceAll(string(s.Stage), "_", " ")
	if s.Reason != "" {
		words += " (" + s.Reason + ")"
	}
	if s.Busy() {
		words += ", sale " + s.Sale.ID
	}
	return words
}
