package simboard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
)

// connsMax bounds the connections: a kiosk, the one it replaces, and a few onlookers.
const connsMax = 16

// errTaken is the answer to a client whose board another one took since.
var errTaken = errors.New("simboard: another process has taken over the board")

// Listen listens on a unix socket that only its owner may use. A socket file that a killed process left behind is
// replaced; one that still answers is an error.
func Listen(path string) (net.Listener, error) {
	if conn, err := net.DialTimeout("unix", path, patience); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("simboard: a board is already served at %s", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		_ = os.Remove(path) // what it is worth shows when Listen tries
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("simboard: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("simboard: %w", err)
	}
	return l, nil
}

// Serve lets other processes drive the board (see Dial) until ctx ends, and then closes the listener and every
// connection.
//
// One connection at a time owns the pins: the last one that began to use them. The one before is closed at that moment,
// and nothing that it still has on the way moves anything, so a restarted kiosk need not wait for the end of a killed
// one. Connections that only look, press buttons and set faults own nothing and take nothing away.
//
// When the owner is lost the outputs keep their levels, unless Physics.Release says otherwise; edge detection ends.
func Serve(ctx context.Context, l net.Listener, b *Board) error {
	s := &server{board: b, sessions: map[*session]bool{}}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.close()
	defer context.AfterFunc(ctx, func() { _ = l.Close(); s.close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("simboard: %w", err)
		}
		if ses := s.open(conn); ses != nil {
			wg.Go(func() { s.talk(ses) })
		}
	}
}

type server struct {
	board *Board

	// held while a request acts, so that no act of a replaced owner comes after the new owner's first
	mu       sync.Mutex
	sessions map[*session]bool
	owner    *session
	closed   bool
}

// session is one connection.
type session struct {
	out      lineWriter
	owned    bool           // it has used the pins; guarded by server.mu
	watchers sync.WaitGroup // one per armed pin
}

func (s *server) open(conn net.Conn) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.sessions) >= connsMax {
		_ = conn.Close()
		return nil
	}
	ses := &session{out: newLineWriter(conn)}
	s.sessions[ses] = true
	return ses
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for ses := range s.sessions {
		_ = ses.out.conn.Close()
	}
}

// talk answers a session's requests, one after the other, until the connection ends.
func (s *server) talk(ses *session) {
	lines := bufio.NewScanner(ses.out.conn)
	lines.Buffer(make([]byte, 0, 1024), lineMax)
	for lines.Scan() {
		req, err := parseRequest(lines.Bytes())
		if err != nil {
			break
		}
		if ses.out.send(s.answer(ses, req)) != nil {
			break
		}
	}
	s.leave(ses)
	_ = ses.out.conn.Close()
	ses.watchers.Wait()
}

func (s *server) leave(ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ses)
	if s.owner == ses {
		s.owner = nil
		s.board.abandon(s.board.physics.Release)
	}
}

func (s *server) answer(ses *session, r request) message {
	m := message{ID: r.ID}
	err := s.act(ses, r, &m)
	if err != nil {
		m.Error, m.Kind = err.Error(), kindOf(err)
	}
	return m
}

func (s *server) act(ses *session, r request, m *message) error {
	switch r.Op {
	case opPins:
		m.Pins = s.board.names
		return nil
	case opPress:
		return s.board.Press(r.Slot)
	case opFault:
		return s.board.Fault(r.Slot, r.Fault)
	case opSnapshot:
		snap, err := s.board.Snapshot()
		m.Board = &snap
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.board.pins[r.Pin]
	if !ok {
		return noPin(r.Pin)
	}
	if err := s.own(ses); err != nil {
		return err
	}
	switch r.Op {
	case opOut:
		return p.Out(r.Level)
	case opRead:
		m.Level = p.Read()
		return nil
	case opHalt:
		return p.Halt()
	default: // opIn, the only one left that parseRequest lets through
		a, err := p.arm(r.Pull, r.Edge)
		if err == nil {
			ses.watchers.Go(func() { ses.forward(a, r.Pin, r.Arm) })
		}
		return err
	}
}

// own makes the session the owner of the pins, once in its life. Called with the server locked.
func (s *server) own(ses *session) error {
	if s.owner == ses {
		return nil
	}
	if ses.owned || !s.sessions[ses] {
		return errTaken
	}
	if s.owner != nil {
		_ = s.owner.out.conn.Close()
		s.board.abandon(false) // the new owner's own first act decides about the outputs
	}
	s.owner, ses.owned = ses, true
	return nil
}

// forward sends the edges of one arming until it ends.
func (ses *session) forward(a *armed, name string, arm uint64) {
	for a.wait(-1) {
		if ses.out.send(message{Edge: name, Arm: arm}) != nil {
			return
		}
	}
}

// abandon ends all edge detection; with release it turns every output off too.
func (b *Board) abandon(release bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range b.names {
		p := b.pins[name]
		p.disarm()
		if release {
			p.off()
		}
	}
}
