package app

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"kioskd/internal/debug"
)

// asked is what the technicians' socket answers.
func asked[T any](w *world, path string) (v T) {
	w.t.Helper()
	r, rec := httptest.NewRequest("GET", "http://localhost"+path, nil), httptest.NewRecorder()
	w.app.Local.ServeHTTP(rec, r)
	if err := json.Unmarshal(rec.Body.Bytes(), &v); rec.Code != 200 || err != nil {
		w.t.Fatalf("%s answers %d %.200s: %v", path, rec.Code, rec.Body, err)
	}
	return v
}

func (w *world) pin(role string) debug.Pin {
	w.t.Helper()
	for _, p := range asked[[]debug.Pin](w, "/api/pins") {
		if p.Role == role {
			return p
		}
	}
	w.t.Fatalf("no %s among the pins", role)
	return debug.Pin{}
}

// TestATechnicianSeesPinsMove opens the door and lets a product fall.
func TestATechnicianSeesPinsMove(t *testing.T) {
	play(t, "reservation", func(w *world) {
		if p := w.pin("door"); p.Means != "closed" || p.Active || !p.Changed.IsZero() {
			t.Errorf("a closed door: %+v", p)
		}
		w.press("door")
		if p := w.pin("door"); p.Means != "open" || !p.Active || w.app.clock.Wall().Sub(p.Changed) != time.Second {
			t.Errorf("a door that was opened a second ago: %+v", p)
		}
		w.press("door")
		if s := asked[debug.Screen](w, "/api/screen"); s.Title == "" || len(s.Lines) == 0 {
			t.Errorf("the idle screen says %+v", s)
		}
		ref := w.scan()
		w.confirm(ref)
		if s := asked[debug.Screen](w, "/api/screen"); len(s.List) != 2 || s.List[0].Slot != "A1" {
			t.Errorf("the price list is %+v", s)
		}
		w.press("A1")
		time.Sleep(4 * time.Second)
		for _, role := range []string{"A1 relay", "A1 button", "A1 drop sensor"} {
			if p := w.pin(role); p.Active || p.Changed.IsZero() || w.app.clock.Wall().Sub(p.Changed) > 6*time.Second {
				t.Errorf("after a sale: %+v", p)
			}
		}
		if p := w.pin("A2 relay"); !p.Changed.IsZero() {
			t.Errorf("a relay that was never on: %+v", p)
		}
		w.settled()
	})
}
