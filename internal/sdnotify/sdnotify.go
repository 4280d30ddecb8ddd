// Package sdnotify tells systemd how the daemon is: that it is ready, that its loop is alive, what the machine does,
// and that it ends.
package sdnotify

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
	// takes messages of sd_notify(3), from any goroutine, and returns at once; nil: nobody listens
	Notify   func(message string) error
	Watchdog time.Duration // without a sign of life in so long the daemon is killed; 0: never
}

// Teller tells a Supervisor how this daemon is.
type Teller struct {
	supervisor Supervisor
	log        zerolog.Logger
	ready      sync.Once
}

// New makes a teller; it has told nothing yet.
func New(s Supervisor, log zerolog.Logger) *Teller { return &Teller{supervisor: s, log: log} }

// AliveEvery is how often Alive should be called; 0: once is enough.
func (s *Teller) AliveEvery() time.Duration { return s.supervisor.Watchdog / watchdogShare }

func (s *Teller) tell(message string) {
	if s.supervisor.Notify == nil {
		return
	}
	if err := s.supervisor.Notify(message); err != nil {
		s.log.Error().Err(err).Str("message", message).Msg("systemd cannot be told")
	}
}

// Alive is called by the kiosk's loop alone, so that a wedged loop is found. The first sign of life says that the start
// has succeeded: the ports are listened on before the loop begins.
func (s *Teller) Alive() {
	s.ready.Do(func() { s.tell(daemon.SdNotifyReady) })
	if s.supervisor.Watchdog > 0 {
		s.tell(daemon.SdNotifyWatchdog)
	}
}

// Follow says when the daemon begins to end, which is when ctx does, and what the machine does by the steps of follow,
// until done ends.
func (s *Teller) Follow(ctx, done context.Context, follow func(context.Context) <-chan kiosk.Update) {
	if s.supervisor.Notify == nil {
		return
	}
	context.AfterFunc(ctx, func() { s.tell(daemon.SdNotifyStopping) })
	steps := follow(done)
	go func() {
		said := ""
		for {
			var u kiosk.Update
			select {
			case u = <-steps:
			case <-done.Done():
				return
			}
			if words := inWords(u.State); words != said {
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
		words += " (" + string(s.Reason) + ")"
	}
	if s.Busy() {
		words += ", sale " + s.Sale.ID
	}
	return words
}
