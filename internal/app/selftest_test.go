package app

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/host"
)

// ask asks at the socket.
func (w *world) ask(method, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w.app.Local.ServeHTTP(answer, r)
	return answer
}

// pulses is how often each motor was started since the board began.
func (w *world) pulses() (n int) {
	s, err := w.front.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, slot := range s.Slots {
		n += slot.Pulses
	}
	return n
}

// TestNoSelfTestStartsAMotor: five weeks of a whole machine, with the tests that a technician makes, and a sale between
// them. What nobody paid for stays in the machine.
func TestNoSelfTestStartsAMotor(t *testing.T) {
	play(t, "reservation", func(w *world) {
		w.end()
		w.host = host.New(host.Config{Root: fstest.MapFS{}, Folder: "/",
			Wall: func() time.Time { return time.Now().AddDate(26, 0, 0) }, Log: zerolog.Nop(),
			Synced: func() bool { return true }, Room: func(string) (host.Room, error) {
				return host.Room{Free: 1 << 30, Size: 2 << 30}, nil
			}})
		w.start()
		tests := map[time.Time]bool{}
		test := func() api.SelfTest {
			var s api.SelfTest
			if err := json.Unmarshal(w.ask("GET", "/api/selftest").Body.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
			if !s.At.IsZero() {
				tests[s.At] = true
			}
			return s
		}
		for range 5 * 7 * 24 {
			time.Sleep(time.Hour)
			test()
		}
		if answer := w.ask("POST", "/api/selftest"); answer.Code != 202 {
			t.Fatalf("a technician's: %d %s", answer.Code, answer.Body)
		}
		time.Sleep(2 * time.Second)
		if s := test(); !s.OK || s.Running || len(s.Checks) < 5 {
			t.Errorf("it found %+v", s)
		}
		if len(tests) < 6 || w.pulses() != 0 {
			t.Errorf("%d tests, and motors were started %d times", len(tests), w.pulses())
		}

		reference := w.scan()
		w.confirm(reference)
		time.Sleep(4 * time.Second)
		if answer := w.ask("POST", "/api/selftest"); answer.Code != 409 {
			t.Errorf("while a customer is served: %d %s", answer.Code, answer.Body)
		}
		w.press("A1")
		time.Sleep(4 * time.Second)
		w.press("cancel")
		if sale := w.settled(); sale.State != fsm.Charged {
			t.Errorf("the sale is %s", sale.State)
		}
		w.money(reference, 1500)
		if w.pulses() != 1 {
			t.Errorf("one product was paid for, and motors were started %d times", w.pulses())
		}
		body := w.ask("GET", "/metrics").Body.String()
		for _, want := range []string{"kioskd_selftest_failed_checks 0\n", "kioskd_disk_free_bytes "} {
			if !strings.Contains(body, want) {
				t.Errorf("the metrics lack %q", want)
			}
		}
	})
}
