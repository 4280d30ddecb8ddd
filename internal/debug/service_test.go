package debug

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/kiosk"
	"kioskd/internal/story"
)

// fakeTechnician notes what came through, and answers err.
type fakeTechnician struct {
	acts []string
	err  error
}

func (f *fakeTechnician) Vend(_ context.Context, slot, by string) (string, error) {
	f.acts = append(f.acts, fmt.Sprint("vend ", slot, " by ", by))
	return "t1", f.err
}

func (f *fakeTechnician) Relay(_ context.Context, slot string, on time.Duration, by string) (string, time.Duration,
	error) {
	f.acts = append(f.acts, fmt.Sprint("relay ", slot, " ", on, " by ", by))
	return "t1", min(on, 3*time.Second), f.err
}

func (f *fakeTechnician) Count(_ context.Context, slot, by string, left int, more bool) (int, int, error) {
	if more {
		left += 8
	}
	f.acts = append(f.acts, fmt.Sprint("count ", slot, " ", left, " by ", by))
	return 8, left, f.err
}

func TestATechniciansRequestIsTakenWholeOrRefused(t *testing.T) {
	f := &fakeTechnician{}
	s := serve(t, Config{Technician: f, Stock: func() []Stock { return []Stock{{Slot: "A1", Left: 8}} }})
	const who = `"slot":"A1","by":" anna "`
	for _, c := range []struct {
		name, path, body string
		result           error
		code             int
		want, act        string
	}{
		{"a vend", "/api/vend", `{` + who + `}`, nil, 202, `{"act":"t1"}`, "vend A1 by anna"},
		{"a relay", "/api/relay", `{` + who + `,"on_ms":1500}`, nil, 202, `"on_ms":1500`, "relay A1 1.5s by anna"},
		{"a relay for long", "/api/relay", `{` + who + `,"on_ms":60000}`, nil, 202, `"on_ms":3000`,
			"relay A1 1m0s by anna"},
		{"a count", "/api/stock", `{` + who + `,"left":10}`, nil, 200, `{"slot":"A1","was":8,"left":10}`,
			"count A1 10 by anna"},
		{"an empty slot", "/api/stock", `{` + who + `,"left":0}`, nil, 200, `"left":0`, "count A1 0 by anna"},
		{"five more", "/api/stock", `{` + who + `,"add":5}`, nil, 200, `"left":13`, "count A1 13 by anna"},
		{"one less", "/api/stock", `{` + who + `,"add":-1}`, nil, 200, `"left":7`, "count A1 7 by anna"},
		{"during a sale", "/api/vend", `{` + who + `}`, kiosk.ErrBusy, 409, "a sale is on", "vend A1 by anna"},
		{"during another act", "/api/relay", `{` + who + `,"on_ms":1}`, kiosk.ErrServing, 409, "technician",
			"relay A1 1ms by anna"},
		{"another slot", "/api/vend", `{"slot":"Z9","by":"anna"}`, kiosk.ErrNoSlot, 404,
			"Z9: the machine has no such slot", "vend Z9 by anna"},
		{"no relay", "/api/relay", `{` + who + `,"on_ms":1}`, fmt.Errorf("%w: mdb", ErrNoRelay), 404, "no relay: mdb",
			"relay A1 1ms by anna"},
		{"too many", "/api/stock", `{` + who + `,"add":9999}`, kiosk.ErrStock, 400, "0 to 10000",
			"count A1 10007 by anna"},
		{"a full disk", "/api/vend", `{` + who + `}`, kiosk.ErrNoAct, 503, "journal", "vend A1 by anna"},
		{"nobody", "/api/vend", `{"slot":"A1","by":" "}`, nil, 400, "who does it", ""},
		{"two lines", "/api/vend", `{"slot":"A1","by":"a\nb"}`, nil, 400, "one line", ""},
		{"no slot", "/api/vend", `{"by":"a"}`, nil, 400, "slot must", ""},
		{"a slot's novel", "/api/vend", `{"slot":"A12345678","by":"a"}`, nil, 400, "slot must", ""},
		{"no body", "/api/vend", ``, nil, 400, "the body must be", ""},
		{"an unknown field", "/api/vend", `{` + who + `,"on_ms":5}`, nil, 400, `\"on_ms\"`, ""},
		{"two documents", "/api/vend", `{` + who + `}{}`, nil, 400, "the body must be", ""},
		{"no time", "/api/relay", `{` + who + `}`, nil, 400, "on_ms must", ""},
		{"an age", "/api/relay", `{` + who + `,"on_ms":9223372036854775}`, nil, 400, "on_ms must", ""},
		{"back in time", "/api/relay", `{` + who + `,"on_ms":-1}`, nil, 400, "on_ms must", ""},
		{"no count", "/api/stock", `{` + who + `}`, nil, 400, `either`, ""},
		{"two counts", "/api/stock", `{` + who + `,"left":1,"add":1}`, nil, 400, `either`, ""},
		{"beyond counting", "/api/stock", `{` + who + `,"add":9223372036854775807}`, nil, 400, "0 to 10000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.acts, f.err = nil, c.result
			r := ask(t, s, "POST", c.path, c.body, "Content-Type", "application/json")
			if r.code != c.code || !strings.Contains(r.body, c.want) {
				t.Errorf("%d %s, want %d %s", r.code, r.body, c.code, c.want)
			}
			if got := strings.Join(f.acts, "; "); got != c.act {
				t.Errorf("what came through is %q, want %q", got, c.act)
			}
		})
	}
	for _, path := range []string{"/api/vend", "/api/relay"} {
		if r := ask(t, s, "GET", path, ""); r.code != 405 {
			t.Errorf("GET %s: %d", path, r.code)
		}
	}
	if r := ask(t, s, "GET", "/api/stock", ""); r.code != 200 ||
		r.body != `[{"slot":"A1","name":"","price":"","left":8}]` {
		t.Errorf("%d %s", r.code, r.body)
	}
}

func TestAPortWithoutATechnicianMovesNothing(t *testing.T) {
	s := serve(t, Config{Stock: func() []Stock { return nil }})
	for _, path := range []string{"/api/vend", "/api/relay", "/api/stock"} {
		if r := ask(t, s, "POST", path, `{"slot":"A1","by":"anna","on_ms":1,"left":1}`, "Content-Type",
			"application/json"); r.code != 403 || !strings.Contains(r.body, "token_file") {
			t.Errorf("%s: %d %s", path, r.code, r.body)
		}
	}
}

func TestATechniciansActIsTold(t *testing.T) {
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	s := serve(t, Config{Kiosk: k})
	if r := ask(t, s, "GET", "/api/service", ""); r.code != 404 {
		t.Errorf("%d %s", r.code, r.body)
	}
	k.mu.Lock()
	k.state.Service = fsm.Service{ID: "t1", Act: fsm.TestVend, Slot: "A1", By: "anna", Ended: true,
		Outcome: fsm.NotDelivered, Why: "jam"}
	k.mu.Unlock()
	if r := ask(t, s, "GET", "/api/service",
		""); r.body != `{"act":"t1","kind":"vend","slot":"A1","by":"anna","ended":true,"outcome":"not_delivered","why":"jam"}` {
		t.Errorf("%d %s", r.code, r.body)
	}
	for want, e := range map[string]fsm.Event{
		"anna tests A1: one product": fsm.ServiceBegan{
			Service: fsm.Service{Act: fsm.TestVend, Slot: "A1", By: "anna"}},
		"anna tests the relay of A1 for 2s": fsm.ServiceBegan{
			Service: fsm.Service{Act: fsm.PulseRelay, Slot: "A1", By: "anna", On: 2 * time.Second}},
		"anna counted A1: 10": fsm.StockCounted{Slot: "A1", By: "anna", Count: 10},
		"anna counted A1: +5": fsm.StockCounted{Slot: "A1", By: "anna", Count: 5,
			More: true},
		"A1 chosen": fsm.ProductChosen{Slot: "A1", Item: "i1"},
		"the technician's act has ended not delivered: jam": fsm.ServiceEnded{Outcome: fsm.NotDelivered, Why: "jam"},
		"the technician's act has ended":                    fsm.ServiceEnded{},
	} {
		if got := wordsOf(t, e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// wordsOf is an event in words, as its record is told.
func wordsOf(t *testing.T, e fsm.Event) string {
	body, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return story.Line(fsm.Name(e), body, nil)
}
