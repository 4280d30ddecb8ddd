package debug

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/journal"
)

// FuzzRequest asks the whole port anything. Whatever is asked: no panic, a code that the port documents, JSON wherever
// it answers itself, and neither a verdict nor the simulated board for somebody who is not let in.
func FuzzRequest(f *testing.F) {
	const secret = "correct-horse"
	verdict := `{"decision":"charge","by":"anna","reason":"seen on the camera","by_hand":true}`
	for _, s := range []struct{ method, target, host, origin, auth, kind, body string }{
		{"GET", "/api/status", "localhost", "", "Bearer " + secret, "", ""},
		{"GET", "/api/sales?limit=1&state=in_doubt", "127.0.0.1:8081", "http://127.0.0.1:8081", "bearer " + secret, "",
			""},
		{"POST", "/api/sales/7G/resolve", "kiosk", "", "Bearer " + secret, "application/json", verdict},
		{"POST", "/api/sales/7G/resolve", "kiosk", "", "Bearer " + secret, "application/json; charset=utf-8",
			`{"decision":"release"}` + "\n{}"},
		{"POST", "/api/sales/%2e%2e/resolve", "kiosk", "", "Bearer " + secret, "application/json", verdict},
		{"POST", "/sim/press", "localhost", "", "Bearer " + secret, "application/json", `{"slot":"A1"}`},
		{"POST", "/sim/fault", "attacker.example", "http://attacker.example", "Bearer " + secret, "text/plain",
			`{"slot":"A1"}`},
		{"POST", "/api/vend", "kiosk", "", "Bearer " + secret, "application/json", `{"slot":"A1","by":"anna"}`},
		{"POST", "/api/relay", "kiosk", "", "Bearer " + secret, "application/json",
			`{"slot":"A1","by":"anna","on_ms":500}`},
		{"POST", "/api/stock", "kiosk", "", "Bearer wrong", "application/json", `{"slot":"A1","by":"anna","left":5}`},
		{"HEAD", "/metrics", "localhost", "null", "", "", ""},
		{"DELETE", "/healthz?x", "[::1]:1", "", "Basic x", "", ""},
		{"GET", "//api//sales/../status", "localhost", "", "Bearer " + secret, "", ""},
		{"GET", "/api/sales?limit=999999999999999999999&limit=1;%zz", "localhost", "", "Bearer " + secret, "", ""},
		{"OPTIONS", "*", "localhost", "", "", "", ""},
	} {
		f.Add(s.method, s.target, s.host, s.origin, s.auth, s.kind, s.body)
	}
	f.Fuzz(func(t *testing.T, method, target, host, origin, auth, kind, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || target == "*" || strings.HasPrefix(u.Path, "/api/events") {
			return // net/http's own refusal has no body, and a stream ends with its asker alone
		}
		var acts []string
		technician := &fakeTechnician{}
		sales := &fakeSales{}
		sales.add(journal.Sale{ID: "7G", State: "in_doubt"})
		h, err := New(Config{
			Kiosk: newKiosk(fsm.State{Stage: fsm.Ready}), Sales: sales, Token: secret, Hosts: []string{"kiosk"},
			Log:        zerolog.Nop(),
			Technician: technician, Stock: func() []Stock { return []Stock{} },
			Resolve: func(_ context.Context, sale string, v fsm.Verdict) error {
				if v.By == "" || v.Reason == "" || strings.ContainsAny(v.By+v.Reason, "\n\r\x00") ||
					len(v.Reason) > reasonMax {
					t.Errorf("a verdict that cannot stand on record: %+v", v)
				}
				acts = append(acts, sale)
				return nil
			},
			Sim: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				acts = append(acts, r.URL.Path)
				answer(w, http.StatusOK, map[string]string{})
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: method, URL: u, RequestURI: target, Host: host, Header: http.Header{},
			Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
		r = r.WithContext(t.Context())
		if body != "" {
			r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
		}
		for name, value := range map[string]string{"Origin": origin, "Authorization": auth, "Content-Type": kind} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for acts = append(acts, technician.acts...); len(technician.acts) > 0; technician.acts = nil {
			if strings.ContainsAny(technician.acts[0], "\n\r\x00") {
				t.Errorf("an act that cannot stand on record: %q", technician.acts)
			}
		}
		switch w.Code {
		case 200, 202, 301, 307, 308, 400, 401, 403, 404, 405, 409, 415, 421:
		default:
			t.Errorf("%s %s answered %d %s", method, target, w.Code, w.Body)
		}
		if w.Code >= 400 {
			var said struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Error == "" {
				t.Errorf("%s %s answered %d and no reason: %q", method, target, w.Code, w.Body)
			}
		}
		name := hostname(host)
		addr, _ := netip.ParseAddr(name)
		mayAsk := name == "localhost" || name == "kiosk" || addr.Unmap().IsLoopback()
		_, token, _ := strings.Cut(auth, " ")
		if (!mayAsk || token != secret) && (w.Code < 300 || len(acts) > 0) {
			t.Errorf("%s %s as %q with %q answered %d and did %q", method, target, host, auth, w.Code, acts)
		}
		if len(acts) > 0 && method == http.MethodPost &&
			!strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "application/json") {
			t.Errorf("%s %s as %q did %q", method, target, kind, acts)
		}
	})
}
