package relay

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// patience is for what happens in other goroutines and processes.
const patience = 20 * time.Second

// gate is the test's own gateway: it shares nothing with the real one.
type gate struct {
	t     *testing.T
	nc    *nats.Conn
	began time.Time
}

// world is a real nats-server, a relay before a handler, and a gateway.
func world(t *testing.T, prefix string, h http.Handler) (*gate, *Relay) {
	t.Helper()
	s := broker.Plain(t)
	began := time.Now().Add(-time.Hour)
	r, err := New(Config{Kiosk: "K1", Prefix: prefix, Handler: h,
		Now: func() time.Duration { return time.Since(began) }})
	if err != nil {
		t.Fatal(err)
	}
	kiosk := connect(t, s)
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- r.Serve(ctx, kiosk) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	g := &gate{t: t, nc: connect(t, s), began: time.Now().Add(-time.Minute)}
	if _, err := g.nc.Subscribe(protocol.Clock("G1"), func(m *nats.Msg) {
		_ = m.Respond([]byte(fmt.Sprint(int64(g.clock()))))
	}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // until it has subscribed
		m, err := g.nc.Request(protocol.Request("K1", protocol.Purchase), nil, time.Second)
		if err == nil && m.Header.Get(protocol.HeaderStatus) == "stale" {
			return g, r
		}
		if time.Now().After(end) {
			t.Fatal("the relay does not subscribe:", err)
		}
	}
}

func connect(t *testing.T, s *broker.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("nats://" + s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (g *gate) clock() time.Duration { return time.Since(g.began) }

// message is a request as a gateway sends it.
func (g *gate) message(kind, request string) *nats.Msg {
	m := nats.NewMsg(protocol.Request("K1", kind))
	m.Data = []byte(request)
	m.Header[protocol.HeaderFrom] = []string{"203.0.113.7"}
	protocol.Asked{Gateway: "G1", At: g.clock(), Life: 5 * time.Second}.Write(m.Header)
	return m
}

// ask sends a request and reads the answer.
func (g *gate) ask(m *nats.Msg) (status string, answer *http.Response, body string) {
	g.t.Helper()
	got, err := g.nc.RequestMsg(m, patience)
	if err != nil {
		g.t.Fatal(err)
	}
	if status = got.Header.Get(protocol.HeaderStatus); status != "" {
		return status, nil, ""
	}
	answer, err = http.ReadResponse(bufio.NewReader(bytes.NewReader(got.Data)), nil)
	if err != nil {
		g.t.Fatalf("%q: %v", got.Data, err)
	}
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return "", answer, string(b)
}

// text writes a request as a client does.
func text(r *http.Request) string {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		panic(err)
	}
	return b.String()
}

// TestAHandlerSeesWhatAListenersRequestWouldBe, and its answer comes back whole.
func TestAHandlerSeesWhatAListenersRequestWouldBe(t *testing.T) {
	g, _ := world(t, "/seqr", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		deadline, _ := r.Context().Deadline()
		w.Header().Set("Content-Type", "text/x-seen")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s %s %d %s %v", r.Method, r.URL.Path, r.RemoteAddr, r.Host, r.Header.Get("X-A"),
			r.ContentLength, b, time.Until(deadline) < 6*time.Second)
	}))
	r := httptest.NewRequest(http.MethodPost, "https://kiosks.example/createPurchase", strings.NewReader(`{"a":1}`))
	r.Header.Set("X-A", "yes")
	_, answer, body := g.ask(g.message(protocol.Purchase, text(r)))
	if want := `POST /seqr/createPurchase 203.0.113.7:0 kiosks.example yes 7 {"a":1} true`; body != want {
		t.Errorf("the handler saw %q, want %q", body, want)
	}
	if answer.StatusCode != http.StatusTeapot || answer.Header.Get("Content-Type") != "text/x-seen" ||
		len(answer.Header["Set-Cookie"]) != 2 || answer.ContentLength != int64(len(body)) {
		t.Errorf("answered %v", answer)
	}
}

// TestWhatIsTooOldNeverReachesTheHandler: asked too long ago, without an age, or by a gateway that nobody hears.
func TestWhatIsTooOldNeverReachesTheHandler(t *testing.T) {
	var served atomic.Int64
	g, _ := world(t, "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	request := text(httptest.NewRequest(http.MethodPost, "/createPurchase", nil))
	late := g.message(protocol.Purchase, request)
	protocol.Asked{Gateway: "G1", At: 0, Life: time.Millisecond}.Write(late.Header)
	ageless := g.message(protocol.Purchase, request)
	delete(ageless.Header, "Kioskd-Asked")
	unheard := g.message(protocol.Purchase, request)
	protocol.Asked{Gateway: "G2", At: 0, Life: time.Second}.Write(unheard.Header)
	for name, m := range map[string]*nats.Msg{"late": late, "ageless": ageless, "unheard": unheard} {
		if status, _, _ := g.ask(m); status != "stale" {
			t.Errorf("%s: the status is %q", name, status)
		}
	}
	if n := served.Load(); n > 0 {
		t.Errorf("%d were served", n)
	}
	if status, _, _ := g.ask(g.message(protocol.Purchase, request)); status != "" || served.Load() != 1 {
		t.Errorf("a young one gets %q and reaches the handler %d times", status, served.Load())
	}
}

// TestAFreezeAfterTheClockWasAskedIsNoticed: a process may be stopped between any two of its steps.
func TestAFreezeAfterTheClockWasAskedIsNoticed(t *testing.T) {
	var now time.Duration
	r, err := New(Config{Kiosk: "K1", Now: func() time.Duration { return now },
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })})
	if err != nil {
		t.Fatal(err)
	}
	asked := protocol.Asked{Gateway: "G1", Life: 3 * time.Second}
	says := func(context.Context, string) (time.Duration, error) { return time.Millisecond, nil }
	if err := r.clocks.learn(t.Context(), asked, says); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{protocol.Purchase, protocol.Notify, protocol.Page} {
		now += 3 * time.Second
		stale := false
		a := &answer{send: func([]byte, bool) error { return nil }}
		req := httptest.NewRequest(http.MethodPost, "/createPurchase", nil)
		r.handle(t.Context(), a, req, asked, kind, func() { stale = true })
		if !stale {
			t.Errorf("a %s that is too old is not told so", kind)
		}
	}
}

// TestRubbishIsRefused: it gets no further than the relay.
func TestRubbishIsRefused(t *testing.T) {
	g, _ := world(t, "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler was called")
	}))
	purchase := text(httptest.NewRequest(http.MethodPost, "/createPurchase", strings.NewReader("{}")))
	for name, m := range map[string]*nats.Msg{
		"nothing":             g.message(protocol.Purchase, ""),
		"no HTTP":             g.message(protocol.Purchase, "hello\r\n\r\n"),
		"half a body":         g.message(protocol.Purchase, purchase[:len(purchase)-1]),
		"two requests":        g.message(protocol.Purchase, purchase+purchase),
		"a purchase as page":  g.message(protocol.Page, purchase),
		"a page as purchase":  g.message(protocol.Purchase, text(httptest.NewRequest(http.MethodGet, "/s/", nil))),
		"another path":        g.message(protocol.Page, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
		"a path without root": g.message(protocol.Page, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
	} {
		if status, answer, _ := g.ask(m); status != "" || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s %v", name, status, answer)
		}
	}
	for name, from := range map[string][]string{"nobody": nil, "two": {"203.0.113.7", "203.0.113.8"},
		"a name": {"localhost"}, "a zone": {"fe80::1%eth0"}} {
		m := g.message(protocol.Purchase, purchase)
		m.Header[protocol.HeaderFrom] = from
		if status, answer, _ := g.ask(m); status != "" || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("from %s: %s %v", name, status, answer)
		}
	}
}

// TestAPanicIsAnAnswer, and the relay goes on.
func TestAPanicIsAnAnswer(t *testing.T) {
	g, _ := world(t, "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("+46700000000") }))
	m := text(httptest.NewRequest(http.MethodPost, "/createPurchase", nil))
	for range 2 {
		if _, answer, _ := g.ask(g.message(protocol.Purchase, m)); answer.StatusCode != http.StatusInternalServerError {
			t.Errorf("answered %v", answer)
		}
	}
}

// TestOneKindNeverTakesAnothersPlaces: pages that never end keep no customer from buying, and what is beyond its places
// is told so.
func TestOneKindNeverTakesAnothersPlaces(t *testing.T) {
	var pages sync.WaitGroup
	pages.Add(pagesMax)
	end := make(chan struct{})
	g, _ := world(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/s/") {
			pages.Done()
			<-end
		}
	}))
	defer close(end)
	page := text(httptest.NewRequest(http.MethodGet, "/s/", nil))
	for range pagesMax {
		m := g.message(protocol.Page, page)
		m.Reply = nats.NewInbox()
		if err := g.nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	pages.Wait()
	if status, _, _ := g.ask(g.message(protocol.Page, page)); status != "busy" {
		t.Errorf("one page more is told %q", status)
	}
	purchase := text(httptest.NewRequest(http.MethodPost, "/createPurchase", nil))
	if status, answer, _ := g.ask(g.message(protocol.Purchase, purchase)); status != "" || answer.StatusCode != 200 {
		t.Errorf("a purchase is told %q %v", status, answer)
	}
}

// TestAStreamComesAsItHappens, and ends when its browser has gone, or after its time.
func TestAStreamComesAsItHappens(t *testing.T) {
	say, ended := make(chan string), make(chan error, 1)
	g, r := world(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case s := <-say:
				io.WriteString(w, s)
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				ended <- r.Context().Err()
				return
			}
		}
	}))
	page := text(httptest.NewRequest(http.MethodGet, "/s/events", nil))
	for _, why := range []string{"gone", "time"} {
		if why == "time" {
			r.stream = 50 * time.Millisecond
		}
		m := g.message(protocol.Page, page)
		m.Reply = nats.NewInbox()
		got, err := g.nc.SubscribeSync(m.Reply)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
		next := func() *nats.Msg {
			t.Helper()
			m, err := got.NextMsg(patience)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		if why == "gone" {
			say <- "data: 1\n\n"
			if m := next(); m.Header.Get("Kioskd-More") != "1" ||
				!bytes.HasSuffix(m.Data, []byte("\r\n\r\ndata: 1\n\n")) ||
				!bytes.HasPrefix(m.Data, []byte("HTTP/1.1 200 OK\r\n")) {
				t.Errorf("the first piece is %q, %v", m.Data, m.Header)
			}
			say <- "data: 2\n\n"
			if m := next(); string(m.Data) != "data: 2\n\n" || m.Header.Get("Kioskd-More") != "1" {
				t.Errorf("the second piece is %q, %v", m.Data, m.Header)
			}
			gone := nats.NewMsg(m.Subject)
			gone.Header.Set(protocol.HeaderGone, m.Reply)
			if err := g.nc.PublishMsg(gone); err != nil {
				t.Fatal(err)
			}
		}
		<-ended
		if m := next(); m.Header.Get("Kioskd-More") != "" {
			t.Errorf("%s: it ends with %q, %v", why, m.Data, m.Header)
		}
	}
	remembered := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.streams)
	}
	await.Until(t, "the end of what was streamed", func() bool { return remembered() == 0 })
}

// TestAnAnswerIsWhatAListenersWouldBe, byte for byte but for what a connection needs.
func TestAnAnswerIsWhatAListenersWouldBe(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 10_000)
	handlers := map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"an error": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "too many", http.StatusTooManyRequests)
		},
		"a redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/s/", http.StatusSeeOther) },
		"no content":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) },
		"some HTML":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!DOCTYPE html><p>hi") },
		"much":        func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, large) },
		"two headers": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); w.WriteHeader(200) },
	}
	for name, h := range handlers {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			srv := httptest.NewServer(h)
			req, _ := http.NewRequest(method, srv.URL+"/s/", nil)
			want, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			wantBody, _ := io.ReadAll(want.Body)
			srv.Close()
			var sent bytes.Buffer
			var last bool
			a := &answer{head: method == http.MethodHead, ctx: t.Context(), streams: func() {},
				send: func(b []byte, more bool) error { last = !more; sent.Write(b); return nil }}
			h(a, httptest.NewRequest(method, "/s/", nil))
			if err := a.finish(); err != nil || !last {
				t.Error(name, method, err)
			}
			got, err := http.ReadResponse(bufio.NewReader(&sent), req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(got.Body)
			if got.StatusCode != want.StatusCode || string(body) != string(wantBody) ||
				got.Header.Get("Content-Type") != want.Header.Get("Content-Type") ||
				got.Header.Get("Location") != want.Header.Get("Location") {
				t.Errorf("%s %s: %v with %d bytes, a listener says %v with %d", method, name, got, len(body), want,
					len(wantBody))
			}
		}
	}
}

// FuzzARequest: whatever a message holds is answered or refused, and nothing panics.
func FuzzARequest(f *testing.F) {
	f.Add("purchase", "203.0.113.7", text(httptest.NewRequest("POST", "/createPurchase", strings.NewReader("{}"))))
	f.Add("page", "::1", "GET /s/a%2fb?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("notify", "1.2.3.4", "POST http://a/notify/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f.Add("page", "", "\x00")
	f.Fuzz(func(t *testing.T, kind, from, data string) {
		m := &nats.Msg{Data: []byte(data), Header: nats.Header{protocol.HeaderFrom: {from}}}
		r, err := readRequest(m, kind, "/p")
		if err != nil {
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/p/") || r.RemoteAddr == "" || r.URL.String() == "" {
			t.Errorf("%q became %+v", data, r)
		}
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Errorf("%q has a body that cannot be read: %v", data, err)
		}
		a := &answer{send: func([]byte, bool) error { return nil }}
		http.NotFound(a, r)
		_ = a.finish()
	})
}
