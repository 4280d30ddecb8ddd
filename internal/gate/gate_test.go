package gate

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// TestACustomerBehindAGatewayGetsWhatADirectOneGets: the same requests at a listener of the kiosk's own.
func TestACustomerBehindAGatewayGetsWhatADirectOneGets(t *testing.T) {
	s := broker.Plain(t)
	h := handler(till{func(string) {}}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "page", Value: "1", Path: "/k/K1/s/"})
		fmt.Fprintf(w, "<!DOCTYPE html>%s %s %s %s %s", r.Method, r.URL.RawQuery, r.Header.Get("Cookie"),
			r.Header.Get("Origin"), b)
	})
	localKiosk(t, s.Address, h)
	direct := httptest.NewServer(h)
	defer direct.Close()
	f := startGate(t, s.Address, nil)
	f.sells("1")
	good := wish("K1", "+46700000001")
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/createPurchase", good},
		{"POST", "/createPurchase", "\ufeff" + good},
		{"POST", "/createPurchase", good + good},
		{"POST", "/createPurchase", ""},
		{"POST", "/createPurchase", "[]"},
		{"POST", "/createPurchase", strings.Replace(good, "SEK", "EUR", 1)},
		{"GET", "/createPurchase", ""},
		{"PUT", "/createPurchase", good},
		{"POST", "/notify/known", "anything"},
		{"POST", "/notify/unknown", ""},
		{"POST", "/notify/a%2fb", ""},
		{"GET", "/s/", ""},
		{"GET", "/s/state?x=1&y=%20", ""},
		{"POST", "/s/order", "slot=A1"},
		{"HEAD", "/s/", ""},
	} {
		headers := []string{"Content-Type", "application/json", "Cookie", "page=1", "Origin", "https://a"}
		want, err := try(http.DefaultClient, c.method, direct.URL+"/seqr"+c.path, c.body, headers...)
		if err != nil {
			t.Fatal(err)
		}
		for _, below := range []string{"/k/K1", ""} {
			if below == "" && c.path != "/createPurchase" {
				continue
			}
			got := f.do(c.method, below+c.path, c.body, headers...)
			if got.status != want.status || got.body != want.body {
				t.Errorf("%s %s%s %s: %d %s, directly %d %s", c.method, below, c.path, c.body, got.status, got.body,
					want.status, want.body)
			}
			for _, name := range []string{"Content-Type", "Cache-Control", "Set-Cookie", "Allow", "Content-Length"} {
				if got.header.Get(name) != want.header.Get(name) {
					t.Errorf("%s %s%s: %s is %q, directly %q", c.method, below, c.path, name, got.header.Get(name),
						want.header.Get(name))
				}
			}
		}
	}
}

// TestWhatIsNobodysIsNotFound: nothing else of a kiosk's can be reached.
func TestWhatIsNobodysIsNotFound(t *testing.T) {
	f := startGate(t, broker.Plain(t).Address, nil)
	for _, path := range []string{"/", "/k/", "/k/K1", "/k/K1/", "/k/K1/metrics", "/k/K1/api/status",
		"/k/../createPurchase", "/k/K.1/createPurchase", "/k/*/createPurchase", "/k/K1//s/",
		"/%6b/K1/s/", "/k/K%31/s/", "/k/K1/s", "/seqr/s/",
		"/k/" + strings.Repeat("a", 65) + "/s/"} {
		if r := f.do("GET", path, ""); r.status != 404 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// TestAKioskThatIsNotThereIsUnavailableAtOnce.
func TestAKioskThatIsNotThereIsUnavailableAtOnce(t *testing.T) {
	f := startGate(t, broker.Plain(t).Address, func(c *Config) { c.AnswerWithin = 9 * time.Second })
	await.Until(t, "a connection", func() bool { return f.do("GET", "/healthz", "").status == 200 })
	best := time.Hour
	for range 20 {
		start := time.Now()
		if r := f.buy("1"); !r.unavailable() || r.header.Get("Content-Type") != protocol.JSON {
			t.Fatalf("answered %v", r)
		}
		best = min(best, time.Since(start))
	}
	if best > 50*time.Millisecond {
		t.Errorf("it takes %v at the least", best)
	}
	if r := f.do("POST", "/k/K1/createPurchase", wish("K1", "1")); !r.unavailable() {
		t.Errorf("at its own address: %v", r)
	}
	if r := f.do("POST", "/k/K1/notify/x", ""); r.status != 200 || r.body != "" {
		t.Errorf("a notification: %v", r)
	}
	if r := f.do("GET", "/k/K1/s/", ""); r.status != 503 || r.header.Get("Retry-After") == "" ||
		!strings.Contains(r.body, "<p>") || !strings.Contains(r.body, `http-equiv="refresh"`) {
		t.Errorf("a page: %v", r)
	}
}

// TestWithoutServersItSaysSoAndComesBack.
func TestWithoutServersItSaysSoAndComesBack(t *testing.T) {
	s := broker.Plain(t)
	startKiosk(t, s.Address)
	f := startGate(t, s.Address, func(c *Config) { c.AnswerWithin = 9 * time.Second })
	f.sells("1")
	s.Kill()
	await.Until(t, "it is noticed", func() bool { return f.do("GET", "/healthz", "").status == 503 })
	start := time.Now()
	if r := f.buy("2"); !r.unavailable() || time.Since(start) > 5*time.Second {
		t.Errorf("answered %v after %v", r, time.Since(start))
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.sells("3")
	if r := f.do("GET", "/healthz", ""); r.status != 200 || r.body != `{"status":"ok","nats":true}` {
		t.Errorf("it says %v", r)
	}
}

// TestAFrozenKioskServesNothingStale: of a hundred who asked meanwhile and were told that it is not available, none is
// served when it wakes; whoever asks then is.
func TestAFrozenKioskServesNothingStale(t *testing.T) {
	for _, before := range []string{"a gateway that it knows", "a gateway that is new"} {
		t.Run(before, func(t *testing.T) {
			s := broker.Plain(t)
			k := startKiosk(t, s.Address)
			f := startGate(t, s.Address, func(c *Config) { c.AnswerWithin = time.Second })
			f.sells("first")
			if before == "a gateway that is new" {
				f = startGate(t, s.Address, func(c *Config) { c.AnswerWithin = time.Second })
				await.Until(t, "a connection", func() bool { return f.do("GET", "/healthz", "").status == 200 })
			}
			sold := len(k.soldTo())
			if err := k.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			askHundred(t, f)
			if err := k.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			f.sells("last")
			noneServed(t, k, sold)
		})
	}
}

// askHundred asks for a hundred customers, who all are told that the kiosk is not there.
func askHundred(t *testing.T, f *front) {
	t.Helper()
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			if r := f.buy(fmt.Sprint("stale", n)); !r.unavailable() {
				t.Errorf("a kiosk that does not answer: %v", r)
			}
		})
	}
	all.Wait()
}

// noneServed finds whether a kiosk has called Glase for one of those.
func noneServed(t *testing.T, k *kioskProcess, sold int) {
	t.Helper()
	await.Until(t, "the last customer is on record", func() bool { return slices.Contains(k.soldTo(), "last") })
	stale := 0
	for _, payer := range k.soldTo()[sold:] {
		if strings.HasPrefix(payer, "stale") {
			stale++
		}
	}
	if stale > 0 {
		t.Errorf("%d customers were served who had given up", stale)
	}
}

// TestWhatACutLineDeliversLateIsNotServed: of the kiosk's, and of the gateway's.
func TestWhatACutLineDeliversLateIsNotServed(t *testing.T) {
	for _, whose := range []string{"the kiosk's", "the gateway's"} {
		t.Run(whose, func(t *testing.T) {
			s := broker.Plain(t)
			p := startProxy(t, s.Address)
			kiosk, gateway := p.address, s.Address
			if whose == "the gateway's" {
				kiosk, gateway = gateway, kiosk
			}
			k := startKiosk(t, kiosk)
			f := startGate(t, gateway, func(c *Config) { c.AnswerWithin = time.Second })
			f.sells("first")
			sold := len(k.soldTo())
			p.stall(true)
			askHundred(t, f)
			p.stall(false)
			f.sells("last")
			noneServed(t, k, sold)
		})
	}
}

// TestAStreamGoesThrough, piece by piece, and ends at the kiosk when its browser has gone.
func TestAStreamGoesThrough(t *testing.T) {
	s := broker.Plain(t)
	say, ended := make(chan string), make(chan bool, 1)
	localKiosk(t, s.Address, handler(till{func(string) {}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case s := <-say:
				io.WriteString(w, "data: "+s+"\n\n")
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				ended <- true
				return
			}
		}
	}))
	f := startGate(t, s.Address, nil)
	f.sells("1")
	for _, end := range []string{"the browser goes", "the gateway ends"} {
		first := make(chan bool)
		go func() { say <- "one"; close(first) }()
		resp, err := http.Get(f.url + "/k/K1/s/events")
		if err != nil {
			t.Fatal(err)
		}
		<-first
		in := bufio.NewReader(resp.Body)
		for _, want := range []string{"one", "two", "three"} {
			if want != "one" {
				say <- want
			}
			line, err := in.ReadString('\n')
			if err != nil || line != "data: "+want+"\n" {
				t.Fatalf("%q, %v; want %s", line, err, want)
			}
			in.ReadString('\n')
		}
		if resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Error(resp.Header)
		}
		if end == "the browser goes" {
			resp.Body.Close()
		} else {
			f.stop()
			if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
				t.Errorf("it ends with %q, %v", rest, err)
			}
		}
		<-ended
	}
}

// TestWhoAsksTooOftenIsToldSo, and takes nothing from other kiosks and other callers.
func TestWhoAsksTooOftenIsToldSo(t *testing.T) {
	s := broker.Plain(t)
	f := startGate(t, s.Address, func(c *Config) { c.PerKiosk, c.PerAddress, c.BehindProxy = 1, 2, true })
	await.Until(t, "a connection", func() bool { return f.do("GET", "/healthz", "").status == 200 })
	ask := func(path, from string) reply {
		return f.do("POST", path, wish("K1", "1"), "X-Forwarded-For", from)
	}
	for n := range 4 {
		if r := ask("/k/K1/createPurchase", fmt.Sprint("203.0.113.", n)); !r.unavailable() {
			t.Errorf("the %dth: %v", n, r)
		}
	}
	busy := `{"errorCode":"DEVICE_IN_USE"}`
	if r := ask("/k/K1/createPurchase", "203.0.113.99"); r.body != busy || r.status != 200 {
		t.Errorf("a kiosk is asked too often: %v", r)
	}
	if r := ask("/k/K2/createPurchase", "203.0.113.99"); !r.unavailable() {
		t.Errorf("another kiosk: %v", r)
	}
	if r := f.do("GET", "/k/K1/s/", "", "X-Forwarded-For", "203.0.113.98"); r.status != 503 {
		t.Errorf("its page: %v", r)
	}
	over := 0
	for n := range 20 {
		if r := ask(fmt.Sprintf("/k/M%d/createPurchase", n), "198.51.100.1, 192.0.2.7"); r.body == busy {
			over++
		}
	}
	if over == 0 {
		t.Error("an address may ask for everything")
	}
	if r := ask("/k/N1/createPurchase", "192.0.2.7, 198.51.100.1"); !r.unavailable() {
		t.Errorf("who is named first by a caller is bound by it: %v", r)
	}
	if r := f.do("GET", "/k/N1/s/", "", "X-Forwarded-For", "192.0.2.7"); r.status != 429 ||
		r.header.Get("Retry-After") == "" {
		t.Errorf("a page of an address that asks too often: %v", r)
	}
}

// TestTooMuchIsRefused: what does not fit into a message never leaves the gateway.
func TestTooMuchIsRefused(t *testing.T) {
	s := broker.Plain(t)
	localKiosk(t, s.Address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	f := startGate(t, s.Address, nil)
	large := strings.Repeat("a", protocol.RequestMax)
	if r := f.buy(large); r.status != 413 || r.body != `{"errorCode":"SYSTEM_ERROR"}` {
		t.Errorf("a body: %v", r)
	}
	if r := f.do("POST", "/k/K1/s/order", large); r.status != 413 {
		t.Errorf("a form: %v", r)
	}
	if r := f.do("GET", "/k/K1/s/", "", "Cookie", large); r.status != 431 {
		t.Errorf("a cookie: %v", r)
	}
}
