package ups

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How long and how much one connection may take. A createPurchase that is sent at once is answered within
// answerWithinMax of its headers; a sender who is slower than these gets no answer.
const (
	headerWithin = 3 * time.Second  // a few hundred bytes, over any line; the TLS handshake has as long before them
	readWithin   = 5 * time.Second  // headers and body; leaves the kiosk four seconds of its nine at the worst
	writeWithin  = 15 * time.Second // from the headers to the answer's last byte: thinking, and a slow line back
	idleWithin   = 5 * time.Second  // between requests
	headerMax    = 16 << 10         // bytes; proxies add some
	// connections at once: about 20 KiB and a file descriptor each, as the sale needs too
	connsMax     = 128
	perCallerMax = 16 // of them from one address; Glase needs one for each who scans at the same moment
)

// callerBits are what of an IPv6 address names a caller: whoever has one of a /64 has all of it.
const callerBits = 64

// Callers says who may connect.
type Callers struct {
	// Allow are the networks of those who may, by the address at the other end of the connection: behind a proxy, the
	// proxy's. Empty: everybody.
	Allow []netip.Prefix
	// OneProxy: they all come from one address, so that none of them is bound by it.
	OneProxy bool
	// Refused is told of each connection that Allow keeps out. It must return at once; nil: nobody wants to know.
	Refused func(netip.Addr)
}

// Server is an http.Server for the handler with every limit set and no address: the caller listens, with TLS or
// without, sets ErrorLog, and shuts it down. It speaks HTTP/1 only, which is all Glase needs and what the limits are
// measured for.
//
// Who may not connect is let go at once, before a TLS handshake. Connections are bounded, and so are those of one
// address: a new one takes the place of the oldest that waits, of its own address first. A connection waits until its
// request is read to the end: a handshake that is not finished, half a header, half a body, and the time between two
// requests are all the same. What does not wait is never cut off; when nothing waits the new one is let go.
func Server(h http.Handler, c Callers) *http.Server {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	p := &places{callers: c, taken: map[net.Conn]*place{}}
	return &http.Server{
		Handler:           h,
		Protocols:         &http1,
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    headerMax,
		ConnState:         p.changed,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn{p, c})
		},
	}
}

// places are the connections there are.
type places struct {
	callers Callers

	mu    sync.Mutex
	taken map[net.Conn]*place
	count uint64 // of all there ever were
}

// place is one connection's.
type place struct {
	caller  netip.Addr
	busy    bool   // its request is read to the end, and it has no answer yet
	waiting uint64 // since when it is not busy: smaller is longer ago
}

// connKey is the request context's key of its conn.
type connKey struct{}

type conn struct {
	places *places
	net.Conn
}

// requestRead says that the request of this context has been read to the end: its connection does not wait any more.
func requestRead(ctx context.Context) {
	c, ok := ctx.Value(connKey{}).(conn)
	if !ok {
		return // no Server of ours
	}
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	if own := c.places.taken[c.Conn]; own != nil {
		own.busy = true
	}
}

// changed is net/http's ConnState. It is called with StateNew before the connection's goroutine begins, and so before
// its handshake.
func (p *places) changed(c net.Conn, s http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s {
	case http.StateNew:
		p.enter(c)
	case http.StateIdle:
		if own := p.taken[c]; own != nil {
			p.count++
			own.busy, own.waiting = false, p.count
		}
	case http.StateClosed, http.StateHijacked:
		delete(p.taken, c)
	}
}

// enter gives a new connection a place, or lets it go.
func (p *places) enter(c net.Conn) {
	caller := callerOf(c)
	allow := p.callers.Allow
	if len(allow) > 0 && !slices.ContainsFunc(allow, func(n netip.Prefix) bool { return n.Contains(caller) }) {
		drop(c)
		if p.callers.Refused != nil {
			p.callers.Refused(caller)
		}
		return
	}
	name := nameOf(caller)
	same := 0
	for _, other := range p.taken {
		if other.caller == name {
			same++
		}
	}
	free := true
	switch {
	case !p.callers.OneProxy && same >= perCallerMax:
		free = p.giveWay(func(other *place) bool { return other.caller == name })
	case len(p.taken) >= connsMax:
		free = p.giveWay(func(*place) bool { return true })
	}
	if !free {
		drop(c)
		return
	}
	p.count++
	p.taken[c] = &place{caller: name, waiting: p.count}
}

// giveWay lets go the connection that has waited longest of those that may; false: none of them waits.
func (p *places) giveWay(may func(*place) bool) bool {
	var oldest net.Conn
	for c, other := range p.taken {
		if may(other) && !other.busy && (oldest == nil || other.waiting < p.taken[oldest].waiting) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	delete(p.taken, oldest)
	drop(oldest)
	return true
}

// drop closes a connection at once. Its goroutine finds it closed. The farewell of TLS is left out: it could wait for
// a reader.
func drop(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}

// callerOf is the address at the other end; none of a listener without addresses.
func callerOf(c net.Conn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// nameOf is what the connections of one caller share.
func nameOf(a netip.Addr) netip.Addr {
	if n, err := a.Prefix(callerBits); err == nil && a.Is6() {
		return n.Addr()
	}
	return a
}
