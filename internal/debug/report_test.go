package debug

import (
	"strings"
	"testing"

	"kioskd/internal/books"
	"kioskd/internal/debug/api"
)

type fakeBooks struct {
	wish   []books.Wish
	err    error
	report api.Report
}

func (f *fakeBooks) Begin(w books.Wish) error { f.wish = append(f.wish, w); return f.err }

func (f *fakeBooks) Report() (api.Report, bool) { return f.report, f.report.Step != "" }

// TestAPeriodIsClosedByWhoMayAndShownToAll: over the network it can only be looked at.
func TestAPeriodIsClosedByWhoMayAndShownToAll(t *testing.T) {
	f := &fakeBooks{}
	local, far := serve(t, Config{Books: f, Close: true}), serve(t, Config{Books: f})
	for _, c := range []struct {
		name, method, path, body string
		result                   error
		code                     int
		want                     string
	}{
		{"a period", "POST", "", `{"by":" anna ","shop":true}`, nil, 202, "{}"},
		{"one is on", "POST", "", `{"by":"anna"}`, books.ErrRunning, 409, "already"},
		{"nobody", "POST", "", `{"by":" "}`, nil, 400, "who closes"},
		{"two lines", "POST", "", `{"by":"a\nb"}`, nil, 400, "one line"},
		{"an unknown field", "POST", "", `{"by":"a","all":true}`, nil, 400, "all"},
		{"no report", "GET", "", "", nil, 404, "no report was made"},
		{"another method", "DELETE", "", "", nil, 405, "GET"},
	} {
		f.wish, f.err = nil, c.result
		r := ask(t, local, c.method, "/api/report"+c.path, c.body, "Content-Type", "application/json")
		if r.code != c.code || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.code, r.body, c.code, c.want)
		}
		if reached := r.code == 202 || r.code == 409; reached != (len(f.wish) == 1) {
			t.Errorf("%s: %v came through", c.name, f.wish)
		}
		if c.code == 202 && f.wish[0] != (books.Wish{By: "anna", Shop: true}) {
			t.Errorf("it became %+v", f.wish[0])
		}
	}
	f.wish = nil
	if r := ask(t, far, "POST", "/api/report", `{"by":"anna"}`, "Content-Type", "application/json"); r.code != 405 ||
		f.wish != nil {
		t.Errorf("over the network: %d %s", r.code, r.body)
	}
	f.report = api.Report{Step: api.ReportDone, Sales: []api.Balance{{Sale: "a", Verdict: "settled"},
		{Sale: "b", Verdict: "doubled"}}}
	if r := ask(t, far, "GET", "/api/report", ""); r.code != 200 || strings.Contains(r.body, `"a"`) ||
		!strings.Contains(r.body, `"b"`) {
		t.Errorf("what must be looked into: %d %s", r.code, r.body)
	}
	if r := ask(t, far, "GET", "/api/report?all=1", ""); r.code != 200 || !strings.Contains(r.body, `"a"`) {
		t.Errorf("all: %d %s", r.code, r.body)
	}
}
