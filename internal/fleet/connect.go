package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
)

const (
	// pingEvery keeps the line open and finds out that it is dead, within two of them. More often, and an idle kiosk
	// would use more than a megabyte a day: TestAnIdleKioskUsesLessThanAMegabyteADay.
	pingEvery = 40 * time.Second
	// dialWithin is for each step of a connection: slow lines take seconds for each.
	dialWithin = 15 * time.Second
)

// connect tries the servers once, in a random order; those with WebSocket after the others, as what passes where
// nothing else does. The connection is never mended by nats.go, which gives up in some cases: it is closed, and end is
// called.
func (l *Line) connect(ctx context.Context, end context.CancelCauseFunc) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("kioskd " + l.Kiosk), nats.NoReconnect(), nats.NoEcho(), nats.ReconnectBufSize(-1),
		nats.CustomInboxPrefix(protocol.Inbox(l.Kiosk)), nats.Timeout(dialWithin),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(1),
		// probes of the kernel, each 15 s, would cost as much again as the pings
		nats.Dialer(&net.Dialer{Timeout: dialWithin, KeepAlive: -1}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				end(fmt.Errorf("the connection broke: %w", err))
			}
		}),
		nats.ClosedHandler(func(nc *nats.Conn) { end(nc.LastError()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.Log.Warn().Err(err).Msg("the fleet's server complains")
		}),
	}
	if l.Credentials != "" {
		jwt, key, err := ReadCredentials(l.Credentials, l.Seed)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserJWT(func() (string, error) { return jwt, nil }, key.Sign))
	}
	if l.CA != "" {
		options = append(options, nats.RootCAs(l.CA))
	}
	plain, web := split(l.Servers)
	var errs []error
	for _, servers := range [][]string{plain, web} {
		if len(servers) == 0 || ctx.Err() != nil {
			continue
		}
		nc, err := dial(ctx, strings.Join(servers, ","), options)
		if err == nil {
			return nc, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// split tells the servers that are reached by WebSocket from the others: one connection cannot try both.
func split(servers []string) (plain, web []string) {
	for _, s := range servers {
		if strings.HasPrefix(s, "ws") {
			web = append(web, s)
		} else {
			plain = append(plain, s)
		}
	}
	return plain, web
}

// dial connects, or gives up with ctx, which nats.go does not know.
func dial(ctx context.Context, servers string, options []nats.Option) (*nats.Conn, error) {
	type result struct {
		nc  *nats.Conn
		err error
	}
	made := make(chan result, 1)
	go func() {
		nc, err := nats.Connect(servers, slices.Clone(options)...)
		made <- result{nc, err}
	}()
	select {
	case r := <-made:
		return r.nc, r.err
	case <-ctx.Done():
		go func() {
			if r := <-made; r.err == nil {
				r.nc.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}
