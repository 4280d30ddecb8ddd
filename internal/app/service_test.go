package app

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
)

// acted is what a technician's request at the socket is answered; when that is a beginning, what came of it.
func (w *world) acted(path, body string) (code int, answer string, v api.Service) {
	w.t.Helper()
	r, rec := httptest.NewRequest("POST", "http://localhost"+path, strings.NewReader(body)), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/json")
	w.app.Local.ServeHTTP(rec, r)
	if rec.Code == 202 {
		for v.Ended = false; !v.Ended; v = asked[api.Service](w, "/api/service") {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return rec.Code, rec.Body.String(), v
}

// TestATechniciansTestTouchesNoMoney vends, and moves a relay, with nobody paying, and then sells.
func TestATechniciansTestTouchesNoMoney(t *testing.T) {
	play(t, "reservation", func(w *world) {
		if code, answer, v := w.acted("/api/vend", `{"slot":"A1","by":"anna"}`); code != 202 ||
			v.Outcome != "delivered" || v.By != "anna" || v.Why != "" {
			t.Fatalf("%d %s: %+v", code, answer, v)
		}
		if d := w.dropped(); d["A1"] != 1 || len(w.glase.Ledger()) != 0 {
			t.Errorf("came out: %v; Glase moved %v", d, w.glase.Ledger())
		}
		if code, answer, v := w.acted("/api/relay", `{"slot":"A2","by":"anna","on_ms":60000}`); code != 202 ||
			!strings.Contains(answer, `"on_ms":2000`) || v.Why != "" {
			t.Errorf("%d %s: %+v", code, answer, v)
		}
		if p := w.pin("A2 relay"); p.Active || p.Changed.IsZero() {
			t.Errorf("%+v", p)
		}
		stock := asked[[]debug.Stock](w, "/api/stock")
		if len(stock) != 2 || stock[0] != (debug.Stock{Slot: "A1", Name: "Water", Price: "15.00", Left: 4}) ||
			stock[1].Left != 5 {
			t.Errorf("%+v", stock)
		}
		if code, answer, _ := w.acted("/api/stock", `{"slot":"A2","by":"anna","add":-5}`); code != 200 ||
			!strings.Contains(answer, `"left":0`) {
			t.Errorf("%d %s", code, answer)
		}
		if s := asked[[]debug.Stock](w, "/api/stock")[1]; s.State != "sold_out" {
			t.Errorf("%+v", s)
		}
		ref := w.scan()
		if code, answer, _ := w.acted("/api/vend", `{"slot":"A1","by":"anna"}`); code != 409 {
			t.Errorf("during a sale: %d %s", code, answer)
		}
		w.confirm(ref)
		before := w.dropped()["A1"]
		w.press("A1")
		w.acted("/api/vend", `{"slot":"A1","by":"anna"}`)
		if sale := w.settled(); sale.State != fsm.Charged || sale.Charged != sek(1500) ||
			w.dropped()["A1"] != before+1 {
			t.Errorf("the sale ended %s, charged %v, and %d came out", sale.State, sale.Charged,
				w.dropped()["A1"]-before)
		}
		w.money(ref, 1500)
		if stored := w.recorded().Stock; stored["A1"] != 3 || stored["A2"] != 0 {
			t.Errorf("the journal's stock is %v", stored)
		}
		r, err := journal.Replay(w.t.Context(), w.cfg.Journal.Path)
		if err != nil || r.Difference != nil || r.Replayed < 10 {
			t.Errorf("replay: %+v, %v", r, err)
		}
	})
}

func TestOpeningTheDoorStopsATechniciansRelay(t *testing.T) {
	play(t, "reservation", func(w *world) {
		front := w.front
		time.AfterFunc(500*time.Millisecond, func() { _ = front.Press("door") })
		began := time.Now()
		if code, answer, v := w.acted("/api/relay", `{"slot":"A1","by":"anna","on_ms":2000}`); code != 202 ||
			v.Why != "stopped" || time.Since(began) > time.Second {
			t.Errorf("%d %s after %v: %+v", code, answer, time.Since(began), v)
		}
		w.dropped() // which finds a relay that is on
		if code, _, v := w.acted("/api/relay", `{"slot":"A1","by":"anna","on_ms":300}`); code != 202 || v.Why != "" {
			t.Errorf("with the door open: %d %+v", code, v)
		}
	})
}

// TestOverTheNetworkNothingMovesWithoutAToken holds that the port on the loopback address, which everybody on the
// machine can ask, moves nothing until there is a token, and then only with it.
func TestOverTheNetworkNothingMovesWithoutAToken(t *testing.T) {
	play(t, "reservation", func(w *world) {
		ask := func(token string) int {
			r, rec := httptest.NewRequest("POST", "http://localhost/api/vend",
				strings.NewReader(`{"slot":"A1","by":"x"}`)), httptest.NewRecorder()
			r.Header.Set("Content-Type", "application/json")
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w.app.Debug.ServeHTTP(rec, r)
			var said map[string]string
			if err := json.Unmarshal(rec.Body.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
			return rec.Code
		}
		if code := ask(""); code != 403 {
			t.Errorf("without a token: %d", code)
		}
		w.end()
		w.cfg.Debug.TokenFile = filepath.Join(filepath.Dir(w.cfg.Journal.Path), "password") // a secret as good as any
		w.start()
		for token, want := range map[string]int{"": 401, "wrong": 401, "12345678": 202} {
			if code := ask(token); code != want {
				t.Errorf("with %q: %d, want %d", token, code, want)
			}
		}
		time.Sleep(10 * time.Second)
		if n := w.dropped()["A1"]; n != 1 {
			t.Errorf("%d products came out", n)
		}
	})
}
