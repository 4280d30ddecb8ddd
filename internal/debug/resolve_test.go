package debug

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

func TestAVerdictIsTakenWholeOrRefused(t *testing.T) {
	var got []fsm.Verdict
	var result error
	s := serve(t, Config{Resolve: func(_ context.Context, sale string, v fsm.Verdict) error {
		got = append(got, v)
		if sale != "7G" {
			return journal.ErrNoDoubt
		}
		return result
	}})
	const good = `{"decision":"charge","by":" anna ","reason":"seen on the camera","by_hand":true}`
	for _, c := range []struct {
		name, method, path, body string
		result                   error
		code                     int
		want                     string
	}{
		{"a verdict", "POST", "/api/sales/7G/resolve", good, nil, 202, `{"sale":"7G"}`},
		{"another sale", "POST", "/api/sales/8H/resolve", good, nil, 404, "stands in doubt"},
		{"a customer", "POST", "/api/sales/7G/resolve", good, kiosk.ErrBusy, 409, "a sale is on"},
		{"a full disk", "POST", "/api/sales/7G/resolve", good, errors.New("disk"), 503, "not taken: disk"},
		{"a question", "GET", "/api/sales/7G/resolve", "", nil, 405, "answers only POST"},
		{"no body", "POST", "/api/sales/7G/resolve", "", nil, 400, "the body must be"},
		{"another decision", "POST", "/api/sales/7G/resolve", `{"decision":"forget","by":"a","reason":"r"}`, nil, 400,
			"charge, release or refund"},
		{"nobody", "POST", "/api/sales/7G/resolve", `{"decision":"charge","by":" ","reason":"r"}`, nil, 400,
			"who decides"},
		{"no reason", "POST", "/api/sales/7G/resolve", `{"decision":"charge","by":"a"}`, nil, 400, "say why"},
		{"two lines", "POST", "/api/sales/7G/resolve", `{"decision":"charge","by":"a","reason":"r\ns"}`, nil, 400,
			"one line"},
		{"a book", "POST", "/api/sales/7G/resolve", `{"decision":"charge","by":"a","reason":"` +
			strings.Repeat("r", 501) + `"}`, nil, 400, "500 bytes"},
		{"an unknown field", "POST", "/api/sales/7G/resolve",
			`{"decision":"charge","by":"a","reason":"r","amount":"1.00"}`, nil, 400, "amount"},
		{"two documents", "POST", "/api/sales/7G/resolve", good + good, nil, 400, "more than one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, result = nil, c.result
			r := ask(t, s, c.method, c.path, c.body, "Content-Type", "application/json")
			if r.code != c.code || !strings.Contains(r.body, c.want) {
				t.Errorf("%d %s, want %d %s", r.code, r.body, c.code, c.want)
			}
			if taken := r.code == 202 || r.code == 404 || r.code == 409 || r.code == 503; taken != (len(got) == 1) {
				t.Errorf("%d verdicts came through", len(got))
			}
			if len(got) == 1 && got[0] != (fsm.Verdict{Decision: fsm.Charge, By: "anna", Reason: "seen on the camera",
				ByHand: true}) {
				t.Errorf("it became %+v", got[0])
			}
		})
	}
}

func TestAPortWithoutVerdictsTakesNone(t *testing.T) {
	s := serve(t, Config{})
	if r := ask(t, s, "POST", "/api/sales/7G/resolve", `{}`, "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("%d %s", r.code, r.body)
	}
}

func TestSalesInDoubtCanBeAskedFor(t *testing.T) {
	sales := &fakeSales{}
	sales.add(journal.Sale{ID: "a", State: "in_doubt"}, journal.Sale{ID: "b", State: "charged"},
		journal.Sale{ID: "c", State: "in_doubt"})
	s := serve(t, Config{Sales: sales})
	if r := ask(t, s, "GET", "/api/sales?state=in_doubt", ""); r.code != 200 || strings.Count(r.body, `"id"`) != 2 ||
		strings.Contains(r.body, `"id":"b"`) {
		t.Errorf("%d %s", r.code, r.body)
	}
	if r := ask(t, s, "GET", "/api/sales?state=in_doubt&limit=1", ""); strings.Count(r.body, `"id"`) != 1 {
		t.Errorf("limit=1: %s", r.body)
	}
	if r := ask(t, s, "GET", "/api/sales?state=open", ""); r.code != 400 {
		t.Errorf("%d %s", r.code, r.body)
	}
}
