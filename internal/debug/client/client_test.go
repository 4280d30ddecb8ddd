package client

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

const token = "opensesame"

// machine is what a port shows: it stands still, but for one step when somebody follows.
type machine struct{}

func (machine) State() fsm.State {
	act := fsm.Service{ID: "t1", Act: fsm.TestVend, Slot: "A1", By: "anna", Ended: true}
	return fsm.State{Stage: fsm.OutOfService, Reason: "door", Service: act}
}

func (m machine) Follow(context.Context) <-chan kiosk.Update {
	steps := make(chan kiosk.Update, 1)
	steps <- kiosk.Update{Seq: 7, Event: fsm.FaultCleared{}, State: fsm.State{Stage: fsm.Ready}, Durable: true}
	close(steps)
	return steps
}

func (machine) SalesBefore(_ context.Context, entry int64, limit int) ([]journal.Numbered, error) {
	all := []journal.Numbered{
		{First: 9, Sale: journal.Sale{ID: "new", State: "charged"}},
		{First: 4, Sale: journal.Sale{ID: "old", State: "in_doubt"}},
	}
	if entry <= 9 {
		all = all[1:]
	}
	return all[:min(limit, len(all))], nil
}

func (machine) InDoubt(context.Context) ([]journal.Sale, error) {
	return []journal.Sale{{ID: "old", State: "in_doubt"}}, nil
}

func (machine) Entries(_ context.Context, sale string) ([]journal.Entry, error) {
	return map[string][]journal.Entry{"a/b": {{Seq: 3, Event: "RetryPressed", Body: []byte("{}")}}}[sale], nil
}

func (machine) Vend(_ context.Context, slot, by string) (string, error) { return slot + by, nil }

func (machine) Relay(_ context.Context, _ string, on time.Duration, _ string) (string, time.Duration, error) {
	return "t2", on / 2, nil
}

func (machine) Count(_ context.Context, slot, _ string, count int, more bool) (was, left int, err error) {
	if slot == "Z9" {
		return 0, 0, kiosk.ErrNoSlot
	}
	if more {
		count += 5
	}
	return 5, count, nil
}

// port is the real port of that machine, and who called it.
func port(t *testing.T, token string) (s *httptest.Server, said chan string) {
	said = make(chan string, 8)
	h, err := debug.New(debug.Config{
		Kiosk: machine{}, Sales: machine{}, Technician: machine{}, Token: token,
		Parts: func() []api.Part { return []api.Part{{Name: "Glase", OK: true}} },
		Pins:  func() []api.Pin { return []api.Pin{{Name: "GPIO5"}} },
		Stock: func() []api.Stock { return []api.Stock{{Slot: "A1", Left: 5}} },
		Resolve: func(_ context.Context, sale string, v fsm.Verdict) error {
			said <- sale + " " + string(v.Decision) + " " + v.By + " " + v.Reason
			return nil
		},
		Accept: func(_ context.Context, by, reason string) error { said <- by + " " + reason; return nil },
		Back:   func(_ context.Context, by, reason string) error { said <- by + " " + reason; return nil },
		Hold:   func(long time.Duration) bool { return long == time.Minute },
	})
	if err != nil {
		t.Fatal(err)
	}
	s = httptest.NewUnstartedServer(h)
	t.Cleanup(s.Close)
	return s, said
}

// TestThePortIsUnderstoodOverASocketAndOverTheNet: each question, to the real port.
func TestThePortIsUnderstoodOverASocketAndOverTheNet(t *testing.T) {
	for way, dial := range map[string]func() (*Client, chan string){
		"socket": func() (*Client, chan string) {
			s, said := port(t, "")
			path := filepath.Join(t.TempDir(), "debug.sock")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			s.Listener.Close()
			s.Listener = l
			s.Start()
			return Socket(path), said
		},
		"net": func() (*Client, chan string) {
			s, said := port(t, token)
			s.StartTLS()
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			return At(s.URL+"/", token, roots), said
		},
	} {
		t.Run(way, func(t *testing.T) {
			c, said := dial()
			ctx := t.Context()
			five := 5
			expect(t, api.Status{Phase: "idle", Step: "out_of_service", Reason: "door"})(c.Status(ctx))
			expect(t, true)(c.Hold(ctx, 60))
			expect(t, false)(c.Hold(ctx, 0))
			if err := c.Ready(ctx); err != nil {
				t.Errorf("a machine that works is not ready: %v", err)
			}
			expect(t, []api.Part{{Name: "Glase", OK: true}})(c.Health(ctx))
			expect(t, []api.Pin{{Name: "GPIO5"}})(c.Pins(ctx))
			expect(t, []api.Stock{{Slot: "A1", Left: 5}})(c.Stock(ctx))
			expect(t, []api.Sale{{Seq: 9, ID: "new", State: "charged", Items: []api.Item{}}})(c.Sales(ctx, 1))
			expect(t, []api.Sale{{Seq: 4, ID: "old", State: "in_doubt", Items: []api.Item{}}})(c.SalesBefore(ctx, 9, 5))
			expect(t, []api.Sale{{ID: "old", State: "in_doubt", Items: []api.Item{}}})(c.InDoubt(ctx, SalesMax))
			expect(t, []api.Line{{Seq: 3, Event: "RetryPressed", Text: "the customer pressed Try again"}})(
				c.Story(ctx, "a/b"))
			expect(t, api.Service{Act: "t1", Kind: "vend", Slot: "A1", By: "anna", Ended: true})(c.Service(ctx))
			expect(t, api.Begun{Act: "A1anna"})(c.Vend(ctx, "A1", "anna"))
			expect(t, api.Begun{Act: "t2", OnMS: 250})(c.Relay(ctx, "A1", 500*time.Millisecond, "anna"))
			expect(t, api.Counted{Slot: "A1", Was: 5, Left: 10})(
				c.Count(ctx, api.Act{Slot: "A1", By: "anna", Add: &five}))
			verdict := api.Verdict{Decision: "charge", By: "anna", Reason: "seen"}
			if err := c.Resolve(ctx, "old", verdict); err != nil || <-said != "old charge anna seen" {
				t.Errorf("resolve: %v", err)
			}
			word := api.Acceptance{By: "anna", Reason: "compared"}
			if err := c.Accept(ctx, word); err != nil || <-said != "anna compared" {
				t.Errorf("accept: %v", err)
			}
			word.By = "berit"
			if err := c.Back(ctx, word); err != nil || <-said != "berit compared" {
				t.Errorf("back: %v", err)
			}
			var steps []api.Event
			err := c.Follow(ctx, func(e api.Event) error { steps = append(steps, e); return nil })
			step := api.Event{Seq: 7, Event: "FaultCleared", Durable: true,
				Status: api.Status{Phase: "idle", Step: "ready"}}
			expect(t, []api.Event{step})(steps, nil)
			if err == nil || err.Error() != "kioskd has ended" {
				t.Errorf("the stream's end: %v", err)
			}
			_, err = c.Count(ctx, api.Act{Slot: "Z9", By: "anna", Add: &five})
			if err == nil || err.Error() != "Z9: "+kiosk.ErrNoSlot.Error() {
				t.Errorf("a refusal is not kioskd's own sentence: %v", err)
			}
		})
	}
}

// expect compares an answer.
func expect[T any](t *testing.T, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

// TestAnErrorSaysWhatToDoNext: whoever asks learns what to look at.
func TestAnErrorSaysWhatToDoNext(t *testing.T) {
	dir := t.TempDir()
	real, _ := port(t, token)
	real.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(real.Certificate())
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the token went elsewhere: %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/status":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/api/health":
			_, _ = io.WriteString(w, "<html>")
		case "/api/pins":
			_, _ = io.WriteString(w, strings.Repeat(" ", answerMax+1))
		case "/api/stock":
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer other.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	ctx := t.Context()
	status := func(c *Client) error { _, err := c.Status(ctx); return err }
	at := At(other.URL, token, nil)
	_, noJSON := at.Health(ctx)
	_, tooMuch := at.Pins(ctx)
	_, gateway := at.Stock(ctx)
	for want, err := range map[string]error{
		"no kioskd answers at " + dir + "/none: is it running with this config?": status(Socket(dir + "/none")),
		"no kioskd answers at " + gone.URL:                                       status(At(gone.URL, "", nil)),
		"the technicians' token is missing or wrong":                             status(At(real.URL, "guess", roots)),
		"compare it with [debug] tls_cert":                                       status(At(real.URL, token, nil)),
		"kioskd answers 302 Found":                                               status(at),
		"is it kioskd, and of this version?":                                     noJSON,
		"is it kioskd?":                                                          tooMuch,
		"kioskd answers 502 Bad Gateway":                                         gateway,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the token is in %v", err)
		}
	}
}

// TestASilentKioskdIsNotWaitedForForever: a question has its time; the caller's own shorter one stays theirs.
func TestASilentKioskdIsNotWaitedForForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }() // reads everything, and says nothing
			return ours, nil
		}
		c := open("here", "http://localhost", "", &http.Transport{DialContext: dial})
		began := time.Now()
		const next = "no answer from here within 10s: systemctl status kioskd"
		if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), next) {
			t.Errorf("a silent kioskd: %v", err)
		}
		if took := time.Since(began); took != Within {
			t.Errorf("it was waited for %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Status(ctx); !errors.Is(err, context.DeadlineExceeded) ||
			strings.Contains(err.Error(), "systemctl") {
			t.Errorf("the caller's own time is over: %v", err)
		}
	})
}
