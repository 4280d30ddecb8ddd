package glase

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// connsMax bounds the connections to Glase of each kind: a kiosk polls with one, and a technician's command may use
	// another.
	connsMax = 8
	// idleConnsMax and idleMax bound the kept connections. Questions are at most 3 s apart while somebody waits; a
	// connection that has been quiet for longer may be forgotten by a mobile network's NAT, or about to be closed by a
	// front.
	idleConnsMax = 2
	idleMax      = 5 * time.Second
	// headerMax bounds the header of an answer, which holds a handful of short lines.
	headerMax = 64 << 10
	// sessionsMax bounds the TLS sessions that are remembered: one host, and a proxy.
	sessionsMax = 4
	// distrustFor is how long no connection is used twice after one that was kept turned out to be dead: long enough
	// for a sale's settling, and short enough to find out that it was a single mishap.
	distrustFor = time.Minute
)

// Dial opens a connection, as net.Dialer's DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// connections is the transport of a Client: HTTP/1.1 only, where a timeout drops the connection, and HTTP/2 would go on
// using a dead one.
//
// A connection that was kept may be dead without our knowing: a front closes it, a NAT forgets it, and the next request
// on it is lost. net/http sends such a request again only when it wrote none of it; one that was written, and may have
// been read, it gives up, as it must with a POST. So a request with Close set gets a connection that nobody used before
// and nobody will after it: those connections are not in the pool of the kept ones, from which net/http would otherwise
// hand one over even while it dials.
type connections struct{ kept, own *http.Transport }

// Transport is the transport that a Client makes for itself, on connections that dial opens; nil is the network's own,
// or that of the environment's proxy.
func Transport(dial Dial) http.RoundTripper { return newConnections(dial) }

func newConnections(dial Dial) *connections {
	if dial == nil {
		dial = (&net.Dialer{Timeout: attemptTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	kept := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSHandshakeTimeout: attemptTimeout,
		// Resumed sessions make a new connection cheap: no certificates on a metered line, no signature to verify on a
		// Pi Zero.
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(sessionsMax)},
		// the attempt's own timeout comes first; this one holds should it be missing
		ResponseHeaderTimeout:  attemptTimeoutMax,
		MaxResponseHeaderBytes: headerMax,
		MaxIdleConns:           idleConnsMax,
		MaxIdleConnsPerHost:    idleConnsMax,
		MaxConnsPerHost:        connsMax,
		IdleConnTimeout:        idleMax,
		DisableCompression:     true, // Accept-Encoding is the Client's own
		Protocols:              protocols,
	}
	own := kept.Clone() // with the same TLS sessions
	own.DisableKeepAlives = true
	return &connections{kept, own}
}

// RoundTrip implements http.RoundTripper.
func (c *connections) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Close {
		return c.own.RoundTrip(r)
	}
	return c.kept.RoundTrip(r)
}

// CloseIdleConnections lets go of the kept connections that no call is on, and of those that are being opened for calls
// that have ended.
func (c *connections) CloseIdleConnections() {
	c.kept.CloseIdleConnections()
	c.own.CloseIdleConnections()
}

// trust is whether a kept connection may be used again. The zero trust is that it may.
type trust struct {
	mu    sync.Mutex
	lost  bool      // the last attempt was: its repetition must not be
	until time.Time // no kept connection before
}

// kept reports whether the next call may use a kept connection.
func (t *trust) kept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lost && !time.Now().Before(t.until)
}

// broken: an attempt lost its connection; reused says that it was not the first on it.
func (t *trust) broken(reused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = true
	if reused {
		t.until = time.Now().Add(distrustFor)
	}
}

// answered: an attempt was answered whole.
func (t *trust) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = false
}
