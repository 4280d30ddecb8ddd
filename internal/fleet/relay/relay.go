// Package relay is the kiosk's side of a request that comes through a gateway: it takes what arrives at the kiosk's
// subjects to the http.Handler that a listener's requests go to, and sends the answer back.
//
// # Nothing stale
//
// A kiosk that was frozen, or cut off, finds on waking everything that was sent to it meanwhile, and its askers have
// given up long ago. So a request carries when it was asked, by the clock of its gateway, and how long it lives. The
// relay asks the gateway what its clock says now, and serves only what is certainly not older than its life: see
// clocks. The check stands directly before the handler is called, and the handler's context ends when the life does.
//
// # Bounds
//
// What waits in the subscription, and what is served at once of each kind, is bounded; what is beyond is told so, and
// one kind never takes another's places. An answer to a page may come in pieces, for a stream of events; it ends after
// 30 s at the latest, and the browser asks for another.
package relay

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"kioskd/internal/fleet/protocol"
)

// How many requests of each kind are served at once.
const (
	purchasesMax = 32
	notifiesMax  = 8
	pagesMax     = 32 // of which the page itself lets 16 be streams
	doMax        = 4
)

// What waits to be looked at, in the subscription; nats.go drops what is beyond. Looking at one takes microseconds, so
// that there is something only when the kiosk was frozen, and then it is stale.
const (
	pendingMax   = 256
	pendingBytes = pendingMax * 2 * protocol.RequestMax // with their headers
)

const (
	streamFor = 30 * time.Second // an answer in pieces ends after this long
	logEvery  = 10 * time.Second // a line about what is not served: somebody else decides how much that is
	logBurst  = 10
)

// Config is what the relay of one kiosk needs.
type Config struct {
	Kiosk   string               // its id
	Prefix  string               // what the handler expects before /createPurchase: "" or "/seqr"
	Handler http.Handler         // the customers' side
	Now     func() time.Duration // a clock that goes on while the process is frozen and the machine sleeps
	// Do carries out a person's command and answers it. Whether that is too old is its own to find out: it is signed,
	// and says when it ends. nil: nobody can command.
	Do  func(context.Context, *nats.Msg)
	Log zerolog.Logger // never sees a body, a header or a path
}

// Relay takes requests to one kiosk's handler. It may outlive a connection: what it knows of the gateways' clocks stays
// true.
type Relay struct {
	c      Config
	clocks *clocks
	places map[string]chan struct{} // by kind
	noise  *rate.Limiter
	stream time.Duration // streamFor, but in tests

	mu      sync.Mutex
	streams map[string]context.CancelFunc // of pages that are being answered, by their inbox
}

// New makes the relay of one kiosk.
func New(c Config) (*Relay, error) {
	if err := protocol.CheckID(c.Kiosk); err != nil {
		return nil, err
	}
	if c.Handler == nil || c.Now == nil {
		return nil, errors.New("relay: a part is missing")
	}
	r := &Relay{
		c: c, clocks: newClocks(c.Now), noise: rate.NewLimiter(rate.Every(logEvery), logBurst),
		streams: map[string]context.CancelFunc{}, stream: streamFor,
		places: map[string]chan struct{}{
			protocol.Purchase: make(chan struct{}, purchasesMax),
			protocol.Notify:   make(chan struct{}, notifiesMax),
			protocol.Page:     make(chan struct{}, pagesMax),
		},
	}
	if c.Do != nil {
		r.places[protocol.Do] = make(chan struct{}, doMax)
	}
	return r, nil
}

// Serve takes the requests that come on a connection until ctx ends, and returns when those under way are answered. The
// connection's owner sees to its reconnecting.
func (r *Relay) Serve(ctx context.Context, nc *nats.Conn) error {
	var under sync.WaitGroup
	defer under.Wait()
	var entering sync.Mutex // Add never comes beside Wait
	sub, err := nc.Subscribe(protocol.Requests(r.c.Kiosk), func(m *nats.Msg) {
		entering.Lock()
		defer entering.Unlock()
		if ctx.Err() == nil {
			r.receive(ctx, nc, m, &under)
		}
	})
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(pendingMax, pendingBytes); err != nil {
		return err
	}
	<-ctx.Done()
	_ = sub.Unsubscribe() // of a connection that has ended there is nothing to take back
	entering.Lock()
	defer entering.Unlock()
	return nil
}

// receive gives a message a place, or refuses it. It never waits.
func (r *Relay) receive(ctx context.Context, nc *nats.Conn, m *nats.Msg, under *sync.WaitGroup) {
	kind := strings.TrimPrefix(m.Subject, protocol.Request(r.c.Kiosk, ""))
	if gone := m.Header[protocol.HeaderGone]; len(gone) > 0 {
		r.gone(gone[0])
		return
	}
	places, known := r.places[kind]
	if !known || m.Reply == "" || strings.ContainsAny(m.Reply, "*> ") { // nobody waits for an answer
		return
	}
	select {
	case places <- struct{}{}:
	default:
		r.refuse(nc, m, kind, protocol.Busy, nil)
		return
	}
	ctx, done := r.enter(ctx, kind, m.Reply)
	under.Add(1)
	go func() {
		defer under.Done()
		defer func() { <-places }()
		defer done()
		if kind == protocol.Do {
			r.c.Do(ctx, m)
			return
		}
		r.serve(ctx, nc, m, kind)
	}()
}

// enter makes the context of a request. A page's ends when its browser has gone or the relay ends; a purchase that is
// under way is answered all the same.
func (r *Relay) enter(ctx context.Context, kind, inbox string) (context.Context, func()) {
	if kind != protocol.Page {
		return context.WithoutCancel(ctx), func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, r.stream)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[inbox] = cancel
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.streams, inbox)
		cancel()
	}
}

// gone ends the answer that nobody waits for any more.
func (r *Relay) gone(inbox string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.streams[inbox]; cancel != nil {
		cancel()
	}
}

// serve answers one request, if it is one and not too old.
func (r *Relay) serve(ctx context.Context, nc *nats.Conn, m *nats.Msg, kind string) {
	asked, err := protocol.ReadAsked(m.Header)
	if err != nil {
		r.refuse(nc, m, kind, protocol.Stale, err)
		return
	}
	a := &answer{send: func(data []byte, more bool) error { return reply(nc, m.Reply, data, more) }}
	req, err := readRequest(m, kind, r.c.Prefix)
	if err != nil {
		a.fail(http.StatusBadRequest)
		r.note(kind, "no request", err)
		return
	}
	if err := r.clocks.learn(ctx, asked, exchange(nc)); err != nil {
		r.refuse(nc, m, kind, protocol.Stale, err)
		return
	}
	r.handle(ctx, a, req, asked, kind, func() { r.refuse(nc, m, kind, protocol.Stale, nil) })
}

// handle calls the handler, or stale.
func (r *Relay) handle(ctx context.Context, a *answer, req *http.Request, asked protocol.Asked, kind string,
	stale func()) {
	defer func() {
		if recover() != nil { // the value may hold what a customer sent
			a.fail(http.StatusInternalServerError)
			if r.noise.Allow() {
				r.c.Log.Error().Bytes("stack", debug.Stack()).Str("kind", kind).Msg("relay: the handler panicked")
			}
		}
	}()
	var cancel context.CancelFunc
	if kind == protocol.Page {
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
	}
	a.head = req.Method == http.MethodHead
	left := r.clocks.left(asked) // nothing stands between this and the handler: a process may be frozen anywhere
	if left <= 0 {
		stale()
		return
	}
	if kind == protocol.Page {
		life := time.AfterFunc(left, cancel)
		defer life.Stop()
		a.ctx, a.streams = ctx, func() { life.Stop() }
	} else {
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	r.c.Handler.ServeHTTP(a, req.WithContext(ctx))
	if err := a.finish(); err != nil {
		r.note(kind, "no answer", err)
	}
}

// refuse says why a request is not served.
func (r *Relay) refuse(nc *nats.Conn, m *nats.Msg, kind, status string, why error) {
	r.note(kind, status, why)
	answer := nats.NewMsg(m.Reply)
	answer.Header.Set(protocol.HeaderStatus, status)
	_ = nc.PublishMsg(answer) // its gateway gives up by itself
}

// note writes a line about what was not served.
func (r *Relay) note(kind, what string, why error) {
	if r.noise.Allow() {
		r.c.Log.Warn().Err(why).Str("kind", kind).Str("what", what).Msg("relay: a request was not served")
	}
}

// reply sends a piece of an answer.
func reply(nc *nats.Conn, inbox string, data []byte, more bool) error {
	m := &nats.Msg{Subject: inbox, Data: data}
	if more {
		m.Header = nats.Header{protocol.HeaderMore: {"1"}}
	}
	return nc.PublishMsg(m)
}
