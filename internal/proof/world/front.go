package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
)

// sockets is Glase on connections, for worlds in which a front lets them die. It knows what became of each call, so
// that what a front loses explains nothing: a kiosk has to live with it.
type sockets struct {
	network *glasetest.Network
	server  *http.Server
	ended   chan struct{}

	mu    sync.Mutex
	calls int
	fates map[string]fate // by the call's number
}

// fate is how far a call got.
type fate int

const (
	underWay fate = iota
	reached       // Glase has it
	served        // and has answered it
)

const (
	callNumber = "Sim-Call" // the header that numbers a call
	hopMax     = 20 * time.Millisecond
	// a connection that dies does so within this time after an answer, before and after the next question
	dyingIn   = 1200 * time.Millisecond
	forgotten = 30 * time.Second // the silence that a NAT forgets a connection after
)

// errFront is a call that a front has lost.
type errFront struct{ error }

func (e errFront) Unwrap() error { return e.error }

func newSockets(w *world) *sockets {
	hop := time.Duration(w.numbers("sockets/hop").Int64N(int64(hopMax))) + 1
	s := &sockets{network: glasetest.NewNetwork(hop), ended: make(chan struct{}), fates: map[string]fate{}}
	s.server = &http.Server{ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			number := r.Header.Get(callNumber)
			s.becomes(number, reached)
			w.glase.ServeHTTP(rw, r)
			s.becomes(number, served)
		})}
	go func() {
		defer close(s.ended)
		if err := w.glase.Serve(s.server, s.network); !errors.Is(err, http.ErrServerClosed) {
			w.diary.note("Glase's server ends: %v", err)
		}
	}()
	return s
}

func (s *sockets) end() {
	_ = s.server.Close() // the network's Close never fails
	<-s.ended
}

func (s *sockets) becomes(number string, f fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates[number] = f
}

// way is one run's way to Glase: the kiosk's own transport, on the world's network.
func (s *sockets) way() http.RoundTripper {
	return socketWay{s, glase.Transport(s.network.DialContext)}
}

type socketWay struct {
	sockets *sockets
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper. Like those in process, an answer is whole before it is seen.
func (w socketWay) RoundTrip(r *http.Request) (*http.Response, error) {
	s := w.sockets
	s.mu.Lock()
	s.calls++
	number := fmt.Sprint(s.calls)
	s.fates[number] = underWay
	s.mu.Unlock()
	r = r.Clone(r.Context())
	r.Header.Set(callNumber, number)
	resp, err := w.next.RoundTrip(r)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(resp.Body)
		err = errors.Join(err, resp.Body.Close())
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err == nil {
		return resp, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.fates[number]; f == underWay || f == served && !errors.Is(err, context.DeadlineExceeded) {
		err = errFront{err}
	}
	return nil, err
}

// frontOf is how connections die during a visit.
func (w *world) frontOf(r *rand.Rand) glasetest.Front {
	kind := []string{glasetest.FrontCloses, glasetest.FrontCloses, glasetest.FrontHalfCloses, glasetest.FrontResets,
		glasetest.FrontForgets}[r.IntN(5)]
	after := time.Duration(r.Int64N(int64(dyingIn)))
	switch {
	case kind == glasetest.FrontForgets && r.IntN(2) == 0:
		after = forgotten
	case kind == glasetest.FrontResets && r.IntN(2) == 0:
		after = 0
	}
	w.harm.met("front " + kind)
	w.diary.note("a front: %s %v after an answer", kind, after)
	return glasetest.Front{Kind: kind, After: glasetest.Duration(after)}
}

// frontStays gives a sale all its time behind the front: it must not need another one to end.
func (w *world) frontStays() {
	if w.sockets == nil {
		return
	}
	for range int(lapse / time.Second) {
		if sale, any := w.store.last(); !any || sale.State != string(fsm.Open) {
			return
		}
		time.Sleep(time.Second)
	}
}
