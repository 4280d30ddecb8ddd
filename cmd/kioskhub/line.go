package main

import (
	"context"
	crypto "crypto/rand"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/collect"
	"kioskd/internal/hub/office"
	"kioskd/internal/hub/settings"
	"kioskd/internal/hub/store"
)

const (
	dialWithin = 5 * time.Second
	pingEvery  = 5 * time.Second // with two of them a server that is silent is left
	mostWait   = 2 * time.Second // between two tries: hubs are few
)

// line keeps a connection to the fleet's servers, and has a collector work over it. nats.go mends it as long as it can;
// it gives up on some errors, and then there is a new one.
type line struct {
	cfg   settings.Settings
	store *store.Store
	name  string // of this start of the hub
	set   *metrics.Set
	log   zerolog.Logger
	desk  protocol.Signer // of commands; nil: none is given here

	nc        atomic.Pointer[nats.Conn]
	office    atomic.Pointer[office.Office] // of the connection that there is; nil: there is none, or no desk
	collector atomic.Pointer[collect.Collector]
}

// run keeps a connection until ctx ends.
func (l *line) run(ctx context.Context) error {
	for said := ""; ctx.Err() == nil; {
		closed, cancel := context.WithCancel(ctx)
		nc, err := l.connect(cancel)
		if err == nil {
			said = ""
			l.log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg("connected to the fleet's servers")
			c := collect.New(collect.Config{Store: l.store, NATS: nc, Name: l.name, Replicas: l.cfg.Replicas,
				Metrics: l.set, Log: l.log})
			l.nc.Store(nc)
			l.collector.Store(c)
			p := office.Publisher{Store: l.store, NATS: nc, Replicas: l.cfg.Replicas, Now: time.Now, Log: l.log}
			published := make(chan struct{})
			go func() {
				defer close(published)
				p.Run(closed)
			}()
			l.opens(closed, nc)
			err = c.Run(closed)
			l.office.Store(nil)
			cancel()
			<-published
			nc.FlushTimeout(dialWithin) // the last answers
			nc.Close()
		}
		cancel()
		if err != nil && err.Error() != said {
			said = err.Error()
			l.log.Warn().Err(err).Msg("no connection to the fleet's servers: nothing is collected")
		}
		if ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(mostWait/2 + rand.N(mostWait/2)):
			}
		}
	}
	return nil
}

// opens has commands given over a connection.
func (l *line) opens(ctx context.Context, nc *nats.Conn) {
	if l.desk == nil {
		return
	}
	o := &office.Office{Store: l.store, NATS: nc, Authority: l.desk, Name: "H" + crypto.Text(), Now: time.Now}
	if err := o.Serve(ctx); err != nil {
		l.log.Warn().Err(err).Msg("no command can be given over this connection")
		return
	}
	l.office.Store(o)
}

func (l *line) connect(closed func()) (*nats.Conn, error) {
	user, err := l.cfg.User()
	if err != nil {
		return nil, err
	}
	options := []nats.Option{
		nats.Name("kioskhub " + l.name), nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(mostWait, mostWait), nats.ReconnectBufSize(-1), nats.Timeout(dialWithin),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.CustomInboxPrefix(protocol.Inbox(user)),
		nats.ClosedHandler(func(*nats.Conn) { closed() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				l.log.Warn().Err(err).Msg("the connection to the fleet's servers broke")
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			l.log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg("connected to the fleet's servers again")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.log.Warn().Err(err).Msg("the fleet's server complains")
		}),
	}
	if l.cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(l.cfg.Credentials))
	}
	if l.cfg.CA != "" {
		options = append(options, nats.RootCAs(l.cfg.CA))
	}
	return nats.Connect(strings.Join(l.cfg.Servers, ","), options...)
}

// wrong are what stands against collecting now; none: all is well.
func (l *line) wrong(ctx context.Context) (all []string) {
	if nc := l.nc.Load(); nc == nil || !nc.IsConnected() {
		all = append(all, "there is no connection to the fleet's servers")
	}
	if err := l.store.Ping(ctx); err != nil {
		all = append(all, "the database does not answer") // why is in the log: an address is nobody's business here
	}
	if c := l.collector.Load(); c != nil {
		for what := range c.Troubles() {
			all = append(all, "there is trouble with the "+what)
		}
	}
	return all
}
