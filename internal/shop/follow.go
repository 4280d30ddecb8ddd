package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	beatEvery = 10 * time.Second // a stream that has nothing to say says so, or a dead one would not be noticed
	sendMax   = 10 * time.Second // for one event to get into the network
	streamMax = 10 * time.Minute // then the browser asks for another
)

// stream is one connection that follows a page's state.
type stream struct{ end context.CancelFunc }

// follow sends the visit's view, the whole of it first, and each one that differs from the one before.
func (s *Shop) follow(w http.ResponseWriter, r *http.Request, v *visit) {
	ctx, end := context.WithTimeout(r.Context(), streamMax)
	defer end()
	own := &stream{end}
	s.mu.Lock()
	if s.streams >= streamsTotal {
		s.mu.Unlock()
		refuse(w, r, http.StatusServiceUnavailable, "too many pages are open: ask for the state each second")
		return
	}
	s.streams++
	if v.streams = append(v.streams, own); len(v.streams) > streamsEach {
		v.streams[0].end()
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams--
		v.streams = slices.DeleteFunc(v.streams, func(o *stream) bool { return o == own })
		v.heard = s.cfg.Now()
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}()

	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // nothing more comes; where there is no connection there is no deadline
	w.Header().Set("Content-Type", "text/event-stream")
	language := languageOf(r, s.cfg.Machine.Machine.Language)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	var last View
	for first := true; ; first = false {
		s.mu.Lock()
		now, changed := s.view(v, language), s.changed
		s.mu.Unlock()
		if !sameView(now, last) || first {
			b, err := json.Marshal(now)
			if err != nil {
				panic(fmt.Sprintf("shop: %v", err)) // plain values
			}
			if send(w, out, "data: %s\n\n", b) != nil {
				return
			}
			last = now
		}
		select {
		case <-changed:
		case <-beat.C:
			if send(w, out, ":\n\n") != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// sameView reports whether two views differ in no more than the time.
func sameView(a, b View) bool {
	a.At, a.Remaining, a.Time, b.At, b.Remaining, b.Time = 0, 0, "", 0, 0, ""
	return a == b
}

// send writes a piece of a stream and sees it off.
func send(w http.ResponseWriter, out *http.ResponseController, format string, args ...any) error {
	_ = out.SetWriteDeadline(time.Now().Add(sendMax)) // of the connection; a recorder in a test has none
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return err
	}
	return out.Flush()
}
