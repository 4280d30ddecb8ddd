package debug

import (
	"strings"
	"testing"
	"time"
)

func TestAMachineIsHeldForAWhileAndNeverForLong(t *testing.T) {
	var asked []time.Duration
	s := serve(t, Config{Hold: func(long time.Duration) bool {
		asked = append(asked, long)
		return long == time.Minute
	}})
	for _, c := range []struct {
		method, body string
		code         int
		want         string // in the answer
		asks         time.Duration
	}{
		{"POST", `{"seconds": 60}`, 200, `{"still":true}`, time.Minute},
		{"POST", `{"seconds": 300}`, 200, `{"still":false}`, 5 * time.Minute},
		{"POST", `{"seconds": 0}`, 200, `{"still":false}`, 0},
		{"POST", `{"seconds": 301}`, 400, "from 0 to 300", -1},
		{"POST", `{"seconds": -1}`, 400, "from 0 to 300", -1},
		{"POST", `{"seconds": 1.5}`, 400, "the body must be", -1},
		{"POST", `{"minutes": 1}`, 400, "minutes", -1},
		{"POST", ``, 400, "the body must be", -1},
		{"GET", ``, 405, "answers only POST", -1},
	} {
		asked = nil
		r := ask(t, s, c.method, "/api/hold", c.body, "Content-Type", "application/json")
		if r.code != c.code || !strings.Contains(r.body, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.body, r.code, r.body, c.code, c.want)
		}
		if heard := len(asked) == 1; heard != (c.asks >= 0) || heard && asked[0] != c.asks {
			t.Errorf("%s %s: the machine was asked for %v, want %v", c.method, c.body, asked, c.asks)
		}
	}
	if r := ask(t, serve(t, Config{}), "POST", "/api/hold", `{"seconds": 60}`, "Content-Type",
		"application/json"); r.code != 404 {
		t.Errorf("a port that nobody may hold it through: %d %s", r.code, r.body)
	}
}
