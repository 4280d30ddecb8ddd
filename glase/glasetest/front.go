package glasetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Front is what stands before Glase on its connections, and lets them die after an answer that promised to keep them.
// The package documentation says what each kind does. The zero Front keeps its promise.
type Front struct {
	Kind  string   `json:"kind"`            // "close", "half_close", "reset" or "forget"
	After Duration `json:"after,omitempty"` // from the end of an answer on; 0 is at once
}

// The kinds of fronts.
const (
	FrontCloses     = "close"
	FrontHalfCloses = "half_close"
	FrontResets     = "reset"
	FrontForgets    = "forget"
)

// Fronts are the kinds of fronts.
var fronts = []string{FrontCloses, FrontHalfCloses, FrontResets, FrontForgets}

func (f Front) check() error {
	switch {
	case f == Front{}:
	case !slices.Contains(fronts, f.Kind):
		return fmt.Errorf("front.kind is %q; it can be %q", clip(f.Kind), fronts)
	case f.After < 0 || time.Duration(f.After) > delayMax:
		return fmt.Errorf("front.after is %v; it can be from 0s to %v", time.Duration(f.After), delayMax)
	}
	return nil
}

// Serve serves Glase on the listener's connections, with the front that the faults ask for, until the server is closed
// or shut down. It sets the server's ConnState, ConnContext and, when there is none, its Handler; with a TLSConfig it
// speaks TLS.
func (g *Glase) Serve(s *http.Server, l net.Listener) error {
	if s.Handler == nil {
		s.Handler = g
	}
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, frontKey{}, fronted(c))
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch f := fronted(c); state {
		case http.StateActive:
			f.asked()
		case http.StateIdle:
			f.answered()
		}
	}
	l = frontListener{l, g}
	if s.TLSConfig != nil {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

type frontKey struct{}

type frontListener struct {
	net.Listener
	glase *Glase
}

func (l frontListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frontConn{Conn: c, glase: l.glase}, nil
}

// fronted is the front's end of a server's connection.
func fronted(c net.Conn) *frontConn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	return c.(*frontConn)
}

// heard notes that a call of the service has been read whole from the request's connection: what is read from now on is
// the next one. Connections that carry the phone or the faults are left alone.
func heard(r *http.Request) {
	if f, ok := r.Context().Value(frontKey{}).(*frontConn); ok {
		f.meet(f.glase.front())
	}
}

// frontConn is a connection as the front lets Glase have it.
type frontConn struct {
	net.Conn
	glase *Glase

	mu    sync.Mutex
	front Front // that the call under way has met
	timer *time.Timer
	deaf  bool   // what is read comes too late
	kind  string // of the front that has struck; "": none has
}

// meet is a call's front. A server may begin to read the next call before it knows that its answer is out, so what
// concerns reading is settled here.
func (f *frontConn) meet(front Front) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.front, f.deaf = front, front.Kind == FrontCloses
	if front.Kind == FrontResets && front.After == 0 {
		f.kind = front.Kind
	}
}

// answered: an answer has gone out whole, and the connection waits for the next call.
func (f *frontConn) answered() {
	f.mu.Lock()
	front := f.front
	f.front = Front{}
	if front.Kind != "" && front.After > 0 {
		f.timer = time.AfterFunc(time.Duration(front.After), func() { f.strike(front.Kind) })
	}
	f.mu.Unlock()
	if front.Kind != "" && front.After == 0 {
		f.strike(front.Kind)
	}
}

// asked: the next call has come in time.
func (f *frontConn) asked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
	}
}

func (f *frontConn) strike(kind string) {
	f.mu.Lock()
	f.kind = kind
	f.mu.Unlock()
	switch kind {
	case FrontCloses:
		_ = f.Close() // whoever closed it before did the same
	case FrontHalfCloses:
		if w, ok := f.Conn.(interface{ CloseWrite() error }); ok {
			_ = w.CloseWrite()
		}
	}
}

func (f *frontConn) state() (kind string, deaf bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kind, f.deaf
}

// Read implements net.Conn.
func (f *frontConn) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		switch kind, deaf := f.state(); {
		case err != nil:
			return n, err
		case kind == FrontResets:
			_ = f.SetLinger(0)
			_ = f.Close()
			return 0, syscall.ECONNRESET
		case deaf:
			_ = f.SetLinger(0) // as if it had stayed unread, which TCP answers with a reset
		case kind != FrontForgets:
			return n, nil
		}
	}
}

// Write implements net.Conn: what a front forgot, or has said goodbye to, hears nothing.
func (f *frontConn) Write(b []byte) (int, error) {
	if kind, _ := f.state(); kind == FrontForgets || kind == FrontHalfCloses {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

// SetLinger with 0 makes Close a reset.
func (f *frontConn) SetLinger(sec int) error {
	if l, ok := f.Conn.(interface{ SetLinger(sec int) error }); ok {
		return l.SetLinger(sec)
	}
	return errors.New("glasetest: this connection cannot be reset")
}

// Close implements net.Conn.
func (f *frontConn) Close() error {
	f.asked()
	return f.Conn.Close()
}

// front is what is set now.
func (g *Glase) front() Front {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.faults.Front
}
