package app

import (
	"bytes"
	"errors"
	"image/png"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/internal/debug"
	"kioskd/internal/front"
)

// part is what a technician sees of one of the machine's dependencies.
func (w *world) part(name string) debug.Part {
	w.t.Helper()
	for _, p := range w.app.parts() {
		if p.Name == name {
			return p
		}
	}
	w.t.Fatalf("there is no part %s", name)
	return debug.Part{}
}

// TestATechnicianSeesWhatTheMachineDependsOn: each part says that it is well, or since when it is not and what to do.
func TestATechnicianSeesWhatTheMachineDependsOn(t *testing.T) {
	play(t, "reservation", func(w *world) {
		for _, name := range []string{"Glase", "UPS", "Journal", "Clock", "Display"} {
			if p := w.part(name); !p.OK && name != "Clock" || p.What == "" || p.Do != "" && p.OK {
				t.Errorf("at the start: %+v", p)
			}
		}
		// a bubble's time begins there
		if p := w.part("Clock"); p.OK || !strings.Contains(p.What, "stands in 2000") || p.Do == "" {
			t.Errorf("a clock that nobody set: %+v", p)
		}
		ref := w.scan()
		w.confirm(ref)
		if p := w.part("Glase"); !p.OK || p.What != "answers" || p.Since.IsZero() {
			t.Errorf("after a call: %+v", p)
		}
		if p := w.part("UPS"); p.What != "a customer scanned" || p.Since.IsZero() {
			t.Errorf("after a scan: %+v", p)
		}
		if err := w.glase.SetFaults(glasetest.Faults{
			Rules: []glasetest.Fault{{Operation: "*", Fault: "lost_request"}}}); err != nil {
			t.Fatal(err)
		}
		w.press("A1")
		time.Sleep(time.Minute)
		if p := w.part("Glase"); p.OK || p.Do == "" || time.Since(p.Since) > time.Minute ||
			strings.Contains(p.What, "12345678") {
			t.Errorf("without Glase: %+v", p)
		}
		if err := w.glase.SetFaults(glasetest.Faults{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if p := w.part("Glase"); !p.OK {
			t.Errorf("with Glase again: %+v", p)
		}
		w.screen.mu.Lock()
		w.screen.fail = errors.New("the cable is loose")
		w.screen.mu.Unlock()
		w.press("door")
		if p := w.part("Display"); p.OK || p.What != "the cable is loose" || p.Do == "" {
			t.Errorf("a display that fails: %+v", p)
		}
		w.screen.mu.Lock()
		w.screen.fail = nil
		w.screen.mu.Unlock()
		time.Sleep(time.Minute)
	})
}

// TestATechnicianSeesThePinsAndTheScreen as they are now, wherever he is.
func TestATechnicianSeesThePinsAndTheScreen(t *testing.T) {
	play(t, "reservation", func(w *world) {
		pin := func(role string) debug.Pin {
			for _, p := range w.app.levels() {
				if p.Role == role {
					return p
				}
			}
			t.Fatalf("there is no pin for %s", role)
			return debug.Pin{}
		}
		if p := pin("door"); p.Active || p.Means != "closed" || p.Level != "low" {
			t.Errorf("the closed door: %+v", p)
		}
		if p := pin("A1 relay"); p.Active || p.Means != "off" || p.Name != "GPIO17" {
			t.Errorf("the relay: %+v", p)
		}
		w.press("door")
		if p := pin("door"); !p.Active || p.Means != "open" || p.Level != "high" {
			t.Errorf("the open door: %+v", p)
		}
		picture := func() []byte {
			b, err := w.app.front.Picture()
			if err != nil {
				t.Fatal(err)
			}
			if m, err := png.Decode(bytes.NewReader(b)); err != nil || m.Bounds().Dx() != front.PictureWidth ||
				m.Bounds().Dy() != front.PictureHeight {
				t.Errorf("the picture: %v", err)
			}
			return b
		}
		open := picture()
		w.press("door")
		if bytes.Equal(open, picture()) {
			t.Error("the picture is that of the open door still")
		}
		if w.screen.now().Kind != display.Idle || w.app.Kiosk.State().Stage != fsm.Ready {
			t.Errorf("the machine is %v", w.app.Kiosk.State().Stage)
		}
	})
}
