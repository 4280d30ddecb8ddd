package debug

import (
	"context"
	"strings"
	"testing"

	"kioskd/internal/kiosk"
)

// word is what somebody says at the port, and what comes of it.
type word struct {
	name, method, body string
	result             error // of the machine
	code               int
	want               string // in the answer
}

// good is who says what; the name has blanks around it.
const good = `{"by":" anna ","reason":"looked at it"}`

// tryWords says words at a path of a port. A machine hears those that are good, and no other; a port that gives no
// machine to hear them has no such path.
func tryWords(t *testing.T, path string, config func(hear func(context.Context, string, string) error) Config,
	words []word) {
	t.Helper()
	var heard []string
	var result error
	s := serve(t, config(func(_ context.Context, by, reason string) error {
		heard = append(heard, by+": "+reason)
		return result
	}))
	for _, c := range words {
		t.Run(c.name, func(t *testing.T) {
			heard, result = nil, c.result
			r := ask(t, s, c.method, path, c.body, "Content-Type", "application/json")
			if r.code != c.code || !strings.Contains(r.body, c.want) {
				t.Errorf("%d %s, want %d %s", r.code, r.body, c.code, c.want)
			}
			if reached := r.code == 200 || r.code == 409 || r.code == 503; reached != (len(heard) == 1) ||
				reached && heard[0] != "anna: looked at it" {
				t.Errorf("%q came through", heard)
			}
		})
	}
	nobody := serve(t, Config{})
	if r := ask(t, nobody, "POST", path, good, "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("a port where nobody may: %d %s", r.code, r.body)
	}
}

func TestAMachineIsPutBackBySomebodyForAReasonOrNotAtAll(t *testing.T) {
	back := func(hear func(context.Context, string, string) error) Config { return Config{Back: hear} }
	tryWords(t, "/api/back", back, []word{
		{"a person", "POST", good, nil, 200, "{}"},
		{"nobody took it out", "POST", good, kiosk.ErrSame, 409, "the desk has not taken this machine out"},
		{"nothing is recorded", "POST", good, kiosk.ErrNoRecord, 503, "it is not put back: nothing is taken now"},
		{"a question", "GET", "", nil, 405, "answers only POST"},
		{"nobody", "POST", `{"by":" ","reason":"r"}`, nil, 400, "who puts it back"},
		{"no reason", "POST", `{"by":"a"}`, nil, 400, "reason must say why"},
	})
}

func TestALossIsAcceptedBySomebodyForAReasonOrNotAtAll(t *testing.T) {
	accept := func(hear func(context.Context, string, string) error) Config { return Config{Accept: hear} }
	tryWords(t, "/api/journal/accept", accept, []word{
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
	})
}
