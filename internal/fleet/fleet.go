// Package fleet is a kiosk among many: one outbound connection to the fleet's NATS servers, over which the kiosk is
// reached, its journal is copied to the operator's database, and its condition is told.
//
// No sale waits for any of it. Whatever is wrong with the servers, the line, the certificates or the credentials is
// logged and tried again, for as long as it takes; the kiosk sells meanwhile.
package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

const (
	// firstWithin is when the first try is made, and the first after a connection is lost: at a random moment within.
	firstWithin = 2 * time.Second
	// mostWait is what the random waits grow to in a small fleet, and handshakes how many a second the servers of a
	// larger one are asked to take when all of it comes at once: about half of what two processor cores can do.
	mostWait   = time.Minute
	handshakes = 300
	// steady is how long a connection has to last for the next one to be tried at once again.
	steady = time.Minute
	// standBack is how long a machine leaves its id to another one that has come later.
	standBack = 10 * time.Minute
	// endWithin is how long the last messages may take.
	endWithin = time.Second
)

// Service is something that works over the connection: it begins anew with each, and ends with ctx.
type Service func(ctx context.Context, nc *nats.Conn) error

// Config is what a kiosk's side of a fleet needs.
type Config struct {
	Kiosk       string   // its id
	Servers     []string // tls://… or wss://…
	Credentials string   // file; read at each try
	CA          string   // file of the authorities that the servers' certificates are of; "": the system's
	Size        int      // about how many kiosks the fleet has; 0: few
	// Seed gives the seed of the machine's own key, for credentials without one; nil: there is none.
	Seed     func() (string, error)
	Services []Service
	Wall     func() time.Time
	// Jitter gives a random part of a time.
	Jitter func(time.Duration) time.Duration
	Log    zerolog.Logger
}

// Line keeps the connection.
type Line struct {
	Config

	mu    sync.Mutex
	state LineState
}

// LineState is how the connection is.
type LineState struct {
	Connected bool
	Server    string    // where to
	Since     time.Time // when it came or went, by the machine's clock
	Why       string    // why there is none
}

// NewLine makes a line; Run connects.
func NewLine(c Config) *Line {
	return &Line{Config: c, state: LineState{Since: c.Wall(), Why: "not tried yet"}}
}

// State is how the connection is now.
func (l *Line) State() LineState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// errTwin ends the connection of a machine whose id another one came with later.
var errTwin = errors.New("another machine has connected with this machine's id")

// Run keeps a connection until ctx ends.
func (l *Line) Run(ctx context.Context) {
	wait := l.Jitter(firstWithin)
	for lost := 0; ; {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		came, err := l.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if lost++; !came.IsZero() && time.Since(came) >= steady {
			lost = 0
		}
		wait = l.Jitter(l.most(lost))
		if errors.Is(err, errTwin) {
			wait = standBack + l.Jitter(standBack/2)
		}
		l.gone(err, wait)
	}
}

// most is what the wait is a random part of, after so many failures in a row.
func (l *Line) most(lost int) time.Duration {
	most := max(mostWait, time.Duration(l.Size)*time.Second/handshakes)
	return min(most, firstWithin<<min(lost, 16))
}

// gone notes that there is no connection. The same reason is logged once.
func (l *Line) gone(err error, wait time.Duration) {
	why := "the server has closed it"
	if err != nil {
		why = err.Error()
	}
	l.mu.Lock()
	was := l.state
	l.state.Why, l.state.Connected, l.state.Server = why, false, ""
	if was.Connected {
		l.state.Since = l.Wall()
	}
	l.mu.Unlock()
	if was.Connected || was.Why != why {
		l.Log.Warn().Str("why", why).Dur("next", wait).Msg("no connection to the fleet: the machine sells all the same")
	}
}

// once connects, and serves until the connection or ctx ends. came is when the connection was made; zero: it was not.
func (l *Line) once(ctx context.Context) (came time.Time, err error) {
	over, end := context.WithCancelCause(ctx)
	defer end(nil)
	nc, err := l.connect(over, end)
	if err != nil {
		return came, err
	}
	came = time.Now()
	l.mu.Lock()
	l.state = LineState{Connected: true, Server: nc.ConnectedUrlRedacted(), Since: l.Wall()}
	l.mu.Unlock()
	l.Log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg("connected to the fleet")
	var wg sync.WaitGroup
	for _, serve := range l.Services {
		wg.Go(func() {
			if err := serve(over, nc); err != nil && over.Err() == nil {
				end(err)
			}
		})
	}
	<-over.Done()
	wg.Wait()
	if !nc.IsClosed() {
		_ = nc.FlushTimeout(endWithin)
		nc.Close()
	}
	if err = context.Cause(over); errors.Is(err, context.Canceled) {
		err = nil
	}
	return came, err
}
