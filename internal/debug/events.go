package debug

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/kiosk"
)

const (
	heartbeatEvery = 15 * time.Second // a follower that is gone without a word is noticed, and proxies keep the line
	eventWithin    = 10 * time.Second // a follower that takes no byte for so long is let go
)

// events is a stream of server-sent events: one "status", as /api/status, then a "step" for each step of the machine
// after it. A follower that falls far behind loses steps, and sees it by their numbers. The stream ends with the
// follower or the server; 503 when there are too many followers, of the machine or of this port.
func (p *port) events(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if stopping, ok := ctx.Value(stoppingKey{}).(context.Context); ok {
		defer context.AfterFunc(stopping, cancel)()
	}
	for _, places := range []Places{p.follow, p.Places} {
		free, ok := places.take()
		if !ok {
			tooMany(w)
			return
		}
		defer free()
	}
	steps := p.Kiosk.Follow(ctx)
	w.Header().Set("Content-Type", "text/event-stream")
	s := stream{w, http.NewResponseController(w)}
	defer s.patience() // for the end of the answer
	var err error
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for err == nil {
		select {
		case u, ok := <-steps:
			if !ok {
				return
			}
			if u.Event == nil {
				err = s.event("status", statusOf(u.State))
				continue
			}
			err = s.event("step", stepOf(u))
		case <-beat.C:
			err = s.write(": still here\n\n")
		case <-ctx.Done():
			return
		}
	}
	p.Log.Debug().Err(err).Msg("a follower of the steps is gone")
}

func tooMany(w http.ResponseWriter) {
	refuse(w, http.StatusServiceUnavailable, "too many follow the machine already: close one of them")
}

func stepOf(u kiosk.Update) api.Event {
	return api.Event{
		Seq: u.Seq, Time: u.Wall.UTC(), Event: fsm.Name(u.Event), Durable: u.Durable, Status: statusOf(u.State),
	}
}

type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s stream) event(name string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, b))
}

// write sends text at once.
func (s stream) write(text string) error {
	s.patience()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}

// patience gives what is written next a time of its own: the server's limit on a whole answer does not fit one that
// goes on.
func (s stream) patience() {
	_ = s.rc.SetWriteDeadline(time.Now().Add(eventWithin)) // it fails only where a write fails as well
}
