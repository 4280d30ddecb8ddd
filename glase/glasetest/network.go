package glasetest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// underWayMax bounds what may be on its way in one direction of a connection: some of the largest answers.
const underWayMax = 32 << 20

// Network is a network in memory for testing/synctest, whose connections end as TCP's do: what is sent before the other
// end's goodbye was heard is lost and answered by a reset, a close with something unread is a reset, and each direction
// ends by itself. It is the listener of a server, and DialContext leads there.
type Network struct {
	latency time.Duration
	arrives chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewNetwork makes a network on whose connections everything takes the latency to arrive.
func NewNetwork(latency time.Duration) *Network {
	return &Network{latency: latency, arrives: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext opens a connection to whoever accepts them, after one round trip; the names mean nothing. Nobody there is
// a dial error, as a refused connection is.
func (n *Network) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: "memory", Addr: n.Addr(), Err: syscall.ECONNREFUSED}
	here, there := &memoryConn{latency: n.latency}, &memoryConn{latency: n.latency}
	here.peer, there.peer = there, here
	here.changed, there.changed = make(chan struct{}), make(chan struct{})
	round := time.NewTimer(2 * n.latency)
	defer round.Stop()
	select {
	case <-round.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case n.arrives <- there:
		return here, nil
	case <-n.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.arrives:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The connections stay.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "127.0.0.1:1" }

// memoryConn is one end of a connection, with what is on its way to it.
type memoryConn struct {
	latency time.Duration
	peer    *memoryConn

	mu       sync.Mutex // never held together with the peer's
	changed  chan struct{}
	parcels  []parcel
	size     int
	deadline time.Time
	abrupt   bool // Close is a reset
	closed   bool
	mute     bool // our direction has ended
	gone     time.Time
}

// parcel is something that arrives: bytes, or an end.
type parcel struct {
	at   time.Time
	data []byte
	end  error // io.EOF or ECONNRESET; nil: data
}

// Read implements net.Conn.
func (c *memoryConn) Read(b []byte) (int, error) {
	for {
		n, next, changed, err := c.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		var due <-chan time.Time
		if !next.IsZero() {
			timer := time.NewTimer(time.Until(next))
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-changed:
		case <-due:
		}
	}
}

// take is what has arrived by now; with nothing, when to look again at the latest, and what is closed at a change.
func (c *memoryConn) take(b []byte) (n int, next time.Time, changed chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.closed:
		return 0, next, nil, net.ErrClosed
	case !c.deadline.IsZero() && !now.Before(c.deadline):
		return 0, next, nil, os.ErrDeadlineExceeded
	}
	if len(c.parcels) > 0 && !c.parcels[0].at.After(now) {
		first := &c.parcels[0]
		if first.end != nil {
			return 0, next, nil, first.end // it stays
		}
		n = copy(b, first.data)
		c.size -= n
		if first.data = first.data[n:]; len(first.data) == 0 {
			c.parcels = c.parcels[1:]
		}
		return n, next, nil, nil
	}
	if len(c.parcels) > 0 {
		next = c.parcels[0].at
	}
	if d := c.deadline; !d.IsZero() && (next.IsZero() || d.Before(next)) {
		next = d
	}
	return 0, next, c.changed, nil
}

// arrive puts a parcel on its way to this end. A closed one answers bytes with a reset.
func (c *memoryConn) arrive(p parcel) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		if p.end == nil {
			c.peer.abort(p.at.Add(c.latency))
		}
		return nil
	}
	defer c.mu.Unlock()
	if c.size += len(p.data); c.size > underWayMax {
		return syscall.ENOBUFS
	}
	c.parcels = append(c.parcels, p)
	c.wake()
	return nil
}

// abort is a reset that arrives then: what comes after it, and is unread by then, is gone.
func (c *memoryConn) abort(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, p := range c.parcels {
		if p.end == syscall.ECONNRESET {
			return
		}
		if p.at.After(at) {
			c.parcels = c.parcels[:n]
			break
		}
	}
	if len(c.parcels) > 0 && c.parcels[len(c.parcels)-1].end != nil { // after a goodbye the reset is what is read
		c.parcels = c.parcels[:len(c.parcels)-1]
	}
	c.parcels = append(c.parcels, parcel{at: at, end: syscall.ECONNRESET})
	c.gone = at
	c.wake()
}

func (c *memoryConn) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Write implements net.Conn.
func (c *memoryConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	closed, mute, reset := c.closed, c.mute, !c.gone.IsZero() && !time.Now().Before(c.gone)
	c.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case mute:
		return 0, syscall.EPIPE
	case reset:
		return 0, syscall.ECONNRESET
	}
	if err := c.peer.arrive(parcel{at: time.Now().Add(c.latency), data: append([]byte(nil), b...)}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// CloseWrite ends our direction, as TCP's FIN does.
func (c *memoryConn) CloseWrite() error {
	c.mu.Lock()
	was := c.mute || c.closed
	c.mute = true
	c.mu.Unlock()
	if was {
		return errors.New("glasetest: ended before")
	}
	return c.peer.arrive(parcel{at: time.Now().Add(c.latency), end: io.EOF})
}

// SetLinger with 0 makes Close a reset.
func (c *memoryConn) SetLinger(sec int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abrupt = sec == 0
	return nil
}

// Close implements net.Conn: a goodbye when all that arrived was read, else a reset.
func (c *memoryConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	abrupt, mute := c.abrupt, c.mute
	now := time.Now()
	for _, p := range c.parcels {
		abrupt = abrupt || p.end == nil && !p.at.After(now)
	}
	c.closed = true
	rest := c.parcels
	c.parcels = nil
	c.wake()
	c.mu.Unlock()
	switch {
	case abrupt:
		c.peer.abort(now.Add(c.latency))
	case !mute:
		_ = c.peer.arrive(parcel{at: now.Add(c.latency), end: io.EOF}) // an end has no size
	}
	for _, p := range rest { // it arrives at a closed end
		if p.end == nil && !abrupt {
			c.peer.abort(p.at.Add(c.latency))
		}
	}
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	c.wake()
	return nil
}

// SetWriteDeadline implements net.Conn: no write waits.
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (c *memoryConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// LocalAddr implements net.Conn.
func (c *memoryConn) LocalAddr() net.Addr { return memoryAddr{} }

// RemoteAddr implements net.Conn.
func (c *memoryConn) RemoteAddr() net.Addr { return memoryAddr{} }
