package debug

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kioskd/fsm"
)

func TestOnlyTheMachinesOwnNamesAreAnswered(t *testing.T) {
	s := serve(t, Config{Hosts: []string{"Kiosk-7.local", "kiosk.example:9443"}})
	for host, code := range map[string]int{
		"localhost":                         200,
		"LOCALHOST:1":                       200,
		"127.0.0.1":                         200,
		"127.0.0.1:8080":                    200,
		"[::1]":                             200,
		"[::1]:8080":                        200,
		"kiosk-7.local":                     200,
		"KIOSK-7.local:8080":                200,
		"kiosk.example":                     200,
		"attacker.example":                  421,
		"attacker.example:8080":             421,
		"localhost.attacker.example":        421,
		"127.0.0.1.attacker.example":        421,
		"attacker-localhost":                421,
		"192.0.2.1":                         421,
		"[2001:db8::1]:80":                  421,
		"0.0.0.0":                           421,
		"kiosk.example.attacker":            421,
		"[::ffff:192.0.2.1]":                421,
		"[::ffff:127.0.0.1]":                200,
		"x:localhost":                       421,
		"kiosk-7.local.":                    421,
		"localhost:80:attacker":             421,
		"[localhost]attacker.example":       421,
		"attacker.example:80.kiosk.example": 421,
	} {
		for _, path := range []string{"/api/status", "/metrics", "/nowhere"} {
			want := code
			if path == "/nowhere" && code == 200 {
				want = 404
			}
			r := ask(t, s, "GET", path, "", "Host", host)
			if r.code != want || code == 421 && !strings.HasPrefix(r.body,
				`{"error":"this machine does not go by the name`) {
				t.Errorf("%s for %q answered %d %.80s, want %d", path, host, r.code, r.body, want)
			}
		}
	}
}

func TestTheAddressThatTheRequestCameInAtIsAKnownName(t *testing.T) {
	h, err := New(Config{Kiosk: newKiosk(fsm.State{Stage: fsm.Ready}), Sales: &fakeSales{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		local, host string
		code        int
	}{
		{"192.0.2.7:8080", "192.0.2.7:8080", 200},
		{"192.0.2.7:8080", "192.0.2.8:8080", 421},
		{"[::ffff:192.0.2.7]:8080", "192.0.2.7:8080", 200}, // a listener on all addresses
		{"[fe80::1%eth0]:8080", "[fe80::1]:8080", 200},     // no browser sends the zone
		{"[fe80::1%eth0]:8080", "[fe80::2]:8080", 421},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/api/status", nil)
		r.Host = c.host
		r = r.WithContext(contextWithLocal(r, c.local))
		if h.ServeHTTP(w, r); w.Code != c.code {
			t.Errorf("%s at %s answered %d, want %d", c.host, c.local, w.Code, c.code)
		}
	}
}

func TestNoOtherSitesPageIsAnswered(t *testing.T) {
	pressed := 0
	sim := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { pressed++ })
	s := serve(t, Config{Sim: sim})
	own := s.URL
	for _, c := range []struct {
		header []string
		code   int
	}{
		{nil, 200},
		{[]string{"Origin", own}, 200},
		{[]string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "none"}, 200},
		{[]string{"Origin", strings.ToUpper(own[:4]) + own[4:]}, 200},
		{[]string{"Origin", "https" + own[4:]}, 403},
		{[]string{"Origin", "http://127.0.0.1:1"}, 403},
		{[]string{"Origin", "http://127.0.0.1"}, 403},
		{[]string{"Origin", "http://attacker.example"}, 403},
		{[]string{"Origin", own + ".attacker.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", ""}, 403},
		{[]string{"Origin", own, "Origin", "http://attacker.example"}, 403},
		{[]string{"Origin", "http://[::1"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", own, "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		pressed = 0
		post := ask(t, s, "POST", "/sim/press", `{}`,
			append([]string{"Content-Type", "application/json"}, c.header...)...)
		get := ask(t, s, "GET", "/api/sales", ``, c.header...)
		if post.code != c.code || get.code != c.code || (pressed == 1) != (c.code == 200) {
			t.Errorf("with %q a press answered %d, a look %d, and %d buttons went down; want %d", c.header, post.code,
				get.code, pressed, c.code)
		}
		if c.code == 403 && get.body != `{"error":"another site's page may not ask this machine"}` {
			t.Errorf("with %q: %s", c.header, get.body)
		}
		if get.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("with %q the answer is given to another site", c.header)
		}
	}
}

func TestWithATokenNothingIsShownWithoutIt(t *testing.T) {
	const token = "correct-horse-42"
	var log bytes.Buffer
	sim := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	s := serve(t, Config{Token: token, Sim: sim, Version: "1", Log: zerolog.New(&log)})
	for _, path := range []string{"/api/status", "/api/sales", "/api/events", "/healthz", "/metrics", "/sim/board",
		"/nowhere"} {
		for _, auth := range []string{"", "Bearer", "Bearer ", "Bearer correct-horse-4", "Bearer correct-horse-422",
			"Bearer  " + token, "Basic " + token, token, "Bearer " + token + " x"} {
			r := ask(t, s, "GET", path, "", "Authorization", auth)
			if r.code != 401 || r.header.Get("WWW-Authenticate") == "" ||
				r.body != `{"error":"the technicians' token is missing or wrong"}` {
				t.Errorf("%s with %q answered %d %s", path, auth, r.code, r.body)
			}
		}
	}
	for _, auth := range []string{"Bearer " + token, "bearer " + token} {
		if r := ask(t, s, "GET", "/api/status", "", "Authorization", auth); r.code != 200 {
			t.Errorf("with %q: %d %s", auth, r.code, r.body)
		}
	}
	if strings.Contains(log.String(), "horse") {
		t.Errorf("the token is in the log: %s", log.String())
	}
}

func TestNoAnswerIsKeptOrTakenForSomethingElse(t *testing.T) {
	s := serve(t, Config{})
	for _, path := range []string{"/api/status", "/metrics", "/nowhere"} {
		for _, host := range []string{"localhost", "attacker.example"} {
			h := ask(t, s, "GET", path, "", "Host", host).header
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
				"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
				"Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s for %s: %s is %q, want %q", path, host, name, got, want)
				}
			}
		}
	}
}

// FuzzNoForeignNameIsKnown compares with what a URL of that host would lead to.
func FuzzNoForeignNameIsKnown(f *testing.F) {
	for _, host := range []string{"localhost", "LocalHost:80", "127.0.0.1:8080", "[::1]", "[::1]:80",
		"attacker.example", "localhost:80:x", "[localhost]x", "::1", "", ":", "[", "[]:1", "localhost."} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		p, r := &port{hosts: []string{"kiosk"}}, httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if !p.knows(r) {
			return
		}
		u, err := url.Parse("http://" + host + "/")
		if err != nil {
			return // no browser goes there
		}
		name := strings.ToLower(u.Hostname())
		addr, _ := netip.ParseAddr(name)
		if name != "localhost" && name != "kiosk" && !addr.Unmap().IsLoopback() {
			t.Errorf("%q is known, and leads to %q", host, name)
		}
	})
}

func contextWithLocal(r *http.Request, addr string) context.Context {
	return context.WithValue(r.Context(), http.LocalAddrContextKey,
		net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
}
