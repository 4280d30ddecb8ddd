package debug

import (
	"context"
	"strings"
	"testing"

	"kioskd/internal/kiosk"
)

func TestAMachineIsPutBackBySomebodyForAReasonOrNotAtAll(t *testing.T) {
	var put []string
	var result error
	s := serve(t, Config{Back: func(_ context.Context, by, reason string) error {
		put = append(put, by+": "+reason)
		return result
	}})
	const good = `{"by":" anna ","reason":"the desk is gone"}`
	for _, c := range []struct {
		name, method, body string
		result             error
		code               int
		want               string
	}{
		{"a person", "POST", good, nil, 200, "{}"},
		{"nobody took it out", "POST", good, kiosk.ErrSame, 409, "the desk has not taken this machine out"},
		{"nothing is recorded", "POST", good, kiosk.ErrNoRecord, 503, "it is not put back: nothing is taken now"},
		{"a question", "GET", "", nil, 405, "answers only POST"},
		{"nobody", "POST", `{"by":" ","reason":"r"}`, nil, 400, "who puts it back"},
		{"no reason", "POST", `{"by":"a"}`, nil, 400, "reason must say why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			put, result = nil, c.result
			r := ask(t, s, c.method, "/api/back", c.body, "Content-Type", "application/json")
			if r.code != c.code || !strings.Contains(r.body, c.want) {
				t.Errorf("%d %s, want %d %s", r.code, r.body, c.code, c.want)
			}
			if reached := r.code == 200 || r.code == 409 || r.code == 503; reached != (len(put) == 1) ||
				reached && put[0] != "anna: the desk is gone" {
				t.Errorf("%q came through", put)
			}
		})
	}
	network := serve(t, Config{})
	if r := ask(t, network, "POST", "/api/back", good, "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("a port where nobody may: %d %s", r.code, r.body)
	}
}

func TestALossIsAcceptedBySomebodyForAReasonOrNotAtAll(t *testing.T) {
	var accepted []string
	var result error
	s := serve(t, Config{Accept: func(_ context.Context, by, reason string) error {
		accepted = append(accepted, by+": "+reason)
		return result
	}})
	const good = `{"by":" anna ","reason":"compared with Glase"}`
	for _, c := range []struct {
		name, method, body string
		result             error
		code               int
		want               string
	}{
		{"a person", "POST", good, nil, 200, "{}"},
		{"nothing is lost", "POST", good, kiosk.ErrNoAcceptance, 409, "no records are known to be lost"},
		{"it hangs", "POST", good, context.DeadlineExceeded, 503, "not accepted"},
		{"a question", "GET", "", nil, 405, "answers only POST"},
		{"no body", "POST", "", nil, 400, "the body must be"},
		{"nobody", "POST", `{"by":" ","reason":"r"}`, nil, 400, "who accepts"},
		{"no reason", "POST", `{"by":"a"}`, nil, 400, "what was compared"},
		{"two lines", "POST", `{"by":"a","reason":"r\ns"}`, nil, 400, "one line"},
		{"a book", "POST", `{"by":"a","reason":"` + strings.Repeat("r", 501) + `"}`, nil, 400, "500 bytes"},
		{"an unknown field", "POST", `{"by":"a","reason":"r","sale":"7G"}`, nil, 400, "sale"},
		{"two documents", "POST", good + good, nil, 400, "more than one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			accepted, result = nil, c.result
			r := ask(t, s, c.method, "/api/journal/accept", c.body, "Content-Type", "application/json")
			if r.code != c.code || !strings.Contains(r.body, c.want) {
				t.Errorf("%d %s, want %d %s", r.code, r.body, c.code, c.want)
			}
			if reached := r.code == 200 || r.code == 409 || r.code == 503; reached != (len(accepted) == 1) {
				t.Errorf("%q came through", accepted)
			}
			if len(accepted) == 1 && accepted[0] != "anna: compared with Glase" {
				t.Errorf("it became %q", accepted[0])
			}
		})
	}
	network := serve(t, Config{})
	if r := ask(t, network, "POST", "/api/journal/accept", good, "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("over the network: %d %s", r.code, r.body)
	}
}
