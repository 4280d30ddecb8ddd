package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Lost is what the witness beside a journal says of it when it is opened.
func (h handle) Lost() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost
}

// lose takes the last n records from the disk, as when a write-ahead log is gone, and has the witness say so.
func (s *store) lose(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.entries))
	s.entries, s.limbo, s.unaccepted = s.entries[:len(s.entries)-n], nil, true
	s.lost = fmt.Sprintf("%d entries", n)
}

// mute reports whether the machine must move nothing and ask nothing: records are lost, and nobody has accepted that.
func (s *store) mute() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unaccepted
}

// loseLog is a kill that the write-ahead log does not survive. Some minutes later a technician has compared the books.
func (w *world) loseLog(r *rand.Rand) {
	n := 1 + r.IntN(w.o.LoseLog)
	w.store.lose(n)
	w.diary.note("the last %d records are gone", n)
	w.mu.Lock()
	w.losses++
	w.mu.Unlock()
	after := 10*time.Second + seconds(r, 120)
	w.people.Go(func() {
		time.Sleep(after)
		w.acceptLoss()
	})
}

// acceptLoss is a technician who accepts what is lost, if anything is, and a kiosk runs.
func (w *world) acceptLoss() {
	l := w.running()
	if l == nil || !w.store.mute() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.store.mu.Lock()
	w.store.unaccepted = false // from the technician's word on
	w.store.mu.Unlock()
	err := l.app.Kiosk.AcceptLoss(ctx, "technician", "the books are compared")
	w.diary.note("a technician accepts the loss: %v", err)
	if err != nil {
		w.store.mu.Lock()
		w.store.unaccepted = l.gate.alive() && w.running() == l
		w.store.mu.Unlock()
	}
}
