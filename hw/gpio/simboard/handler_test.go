package simboard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if ct := w.Result().Header.Get("Content-Type"); w.Code != http.StatusMethodNotAllowed &&
		ct != "application/json; charset=utf-8" {
		t.Errorf("%s %s is %q", method, path, ct)
	}
	return w.Code, strings.TrimSpace(string(b))
}

func TestTheBoardIsShownInItsPromisedForm(t *testing.T) {
	b, err := New(Wiring{Slots: []Slot{{ID: "A1"}, {ID: "A2"}}}, Physics{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"slots":[{"slot":"A1","relay":false,"pulses":0,"dropped":0},{"slot":"A2","relay":false,"pulses":0,"dropped":0}],"door":"closed"}`
	if code, body := ask(t, Handler(b), "GET", "/sim/board", ""); code != 200 || body != want {
		t.Errorf("the board is shown with %d as\n%s, want\n%s", code, body, want)
	}
	if b, err = New(Wiring{}, Physics{}); err != nil {
		t.Fatal(err)
	}
	if _, body := ask(t, Handler(b), "GET", "/sim/board", ""); body != `{"slots":[],"door":"closed"}` {
		t.Errorf("a machine without slots is %s", body)
	}
}

func TestPressAndFaultAnswerWhoseMistakeItWas(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		path, body string
		code       int
	}{
		{"press", `{"slot":"A1"}`, 200},
		{"press", `{"slot":"cancel"}`, 200},
		{"press", `{"slot":"door"}`, 200},
		{"press", `{"slot":"A9"}`, 404},
		{"press", `{"slot":"retry"}`, 404}, // not wired
		{"press", `{}`, 404},
		{"press", `{"slot":"A1","hard":true}`, 400},
		{"press", `{"slot":1}`, 400},
		{"press", ``, 400},
		{"press", `{"slot":"A1"}{"slot":"A2"}`, 400},
		{"press", `{"slot":"` + strings.Repeat("x", bodyMax) + `"}`, 400},
		{"fault", `{"slot":"A1","fault":"jam"}`, 200},
		{"fault", `{"slot":"A1","fault":"fire"}`, 400},
		{"fault", `{"slot":"A1"}`, 400},
		{"fault", `{"slot":"A9","fault":"jam"}`, 404},
	} {
		code, body := ask(t, Handler(b), "POST", "/sim/"+c.path, c.body)
		if code != c.code {
			t.Errorf("%s %.60s answered %d %s, want %d", c.path, c.body, code, body, c.code)
		}
		if shape := map[bool]string{true: `{"slots":[`, false: `{"error":"`}[code == 200]; !strings.HasPrefix(body,
			shape) {
			t.Errorf("%s %.60s answered %s", c.path, c.body, body)
		}
	}
	if code, _ := ask(t, Handler(b), "GET", "/sim/press", ""); code != http.StatusMethodNotAllowed {
		t.Errorf("GET /sim/press answered %d", code)
	}
	if b.slots["A1"].fault != FaultJam {
		t.Errorf("the fault that was set is %q", b.slots["A1"].fault)
	}
}
