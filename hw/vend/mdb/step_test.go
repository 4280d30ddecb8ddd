package mdb

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/money"
)

// seconds is that so much time passes, with whatever the state wants to do meanwhile.
type seconds float64

// machine is a state between its steps: its moments are numbers, and nothing runs.
type machine struct {
	t     *testing.T
	rules rules
	state state
	now   time.Time
	wait  time.Duration
	wrote []string
	asked []Request
	end   vend.Result // the last of a Vend
	ends  int
}

// newMachine is one that is enabled and has a session of 50.00 SEK. Its deliveries take at most 40 s.
func newMachine(t *testing.T) *machine {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &machine{t: t, rules: rules{"SEK", DenyStop, 40 * time.Second}, state: begun(now), now: now, wait: pingEvery}
	m.step(opened{})
	m.hear("c,STATUS,ENABLED")
	m.step(sell{money.Amount{Minor: 5000, Currency: "SEK"}})
	m.hear("c,STATUS,IDLE,50.00")
	return m
}

func (m *machine) step(events ...event) {
	m.t.Helper()
	for _, e := range events {
		if d, ok := e.(seconds); ok {
			m.pass(time.Duration(float64(d) * float64(time.Second)))
			continue
		}
		var out output
		m.state, out = step(m.rules, m.state, e, m.now)
		m.wrote = append(m.wrote, out.writes...)
		m.asked = append(m.asked, out.requests...)
		for _, r := range out.results {
			m.end = r.result
			m.ends++
		}
		if m.wait = out.wait; m.wait <= 0 || m.wait > pingEvery {
			m.t.Fatalf("after %#v the next tick is in %v", e, m.wait)
		}
	}
}

// pass ticks when the state asks for it, as Run does.
func (m *machine) pass(d time.Duration) {
	m.t.Helper()
	for d > 0 {
		next := min(d, m.wait)
		m.now = m.now.Add(next)
		d -= next
		m.step(tick{})
	}
}

func (m *machine) hear(texts ...string) {
	m.t.Helper()
	for _, text := range texts {
		m.step(heard{[]Line{Parse(text, "SEK")}})
	}
}

// request is of product 10 for 15.00 SEK.
func (m *machine) request() {
	m.t.Helper()
	before := len(m.asked)
	m.hear("c,STATUS,VEND,15.00,10")
	if len(m.asked) != before+1 {
		m.t.Fatalf("asked for %+v", m.asked)
	}
}

func (m *machine) approvals() (n int) {
	for _, w := range m.wrote {
		if w == "C,VEND,15.00" {
			n++
		}
	}
	return n
}

// story is what is heard, and what else happens, after the approval was written; its end is then known in so long.
type story struct {
	events []event
	in     seconds
}

func told(in seconds, what ...any) story {
	s := story{in: in}
	for _, w := range what {
		if text, ok := w.(string); ok {
			w = heard{[]Line{Parse(text, "SEK")}}
		}
		s.events = append(s.events, w)
	}
	return s
}

var (
	unplugged = lost{os.ErrClosed}
	version   = "v,4.0.2.0,00112233" // that the bridge is there
)

// silences are the rows of the package's comment, with the stories that each of them is about.
var silences = []struct {
	heard, outcome, why string
	stories             []story
}{
	{"c,VEND,SUCCESS", "delivered", "", []story{
		told(0, "c,VEND,SUCCESS"),
		told(0, seconds(15.9), version, seconds(15.9), version, seconds(8.1), "c,VEND,SUCCESS"),
		told(0, "c,STATUS,IDLE", seconds(2.9), "c,VEND,SUCCESS"),
		told(0, "c,STATUS,INACTIVE", "c,STATUS,DISABLED", seconds(1), "c,VEND,SUCCESS"),
		told(0, "\xff\xfe", "c,VEND,SUCCESS"),
		told(0, "c,STATUS,VEND,15.00,10", "c,VEND,SUCCESS"),
		told(0, unplugged, seconds(9), opened{}, "c,VEND,SUCCESS"),
	}},
	{"c,ERR,VEND 3", "not delivered", "machine_failed", []story{
		told(0, "c,ERR,VEND 3"),
		told(0, "\xff\xfe", "c,STATUS,VEND,15.00,10", seconds(5), "c,ERR,VEND 3"),
		told(0, unplugged, seconds(9), opened{}, "c,ERR,VEND 3"),
	}},
	{"c,ERR,VEND 1, then a status without a request", "not delivered", "stopped", []story{
		told(0, "c,ERR,VEND 1", "c,STATUS,IDLE"),
		told(0, "c,ERR,VEND 1", "c,STATUS,ENABLED"),
		told(0, "c,ERR,VEND 1", "c,STATUS,INACTIVE"),
	}},
	{"c,ERR,VEND 1, then nothing more", "not delivered", "stopped", []story{
		told(1, "c,ERR,VEND 1"),
		told(1, seconds(10), "c,ERR,VEND 1", version),
	}},
	{"c,ERR,VEND 1, then another request", "unknown", "no_answer", []story{
		told(1, "c,ERR,VEND 1", "c,STATUS,VEND,22.50,22"),
		told(1, "c,ERR,VEND 1", "c,STATUS,VEND,15.00,10", "c,STATUS,IDLE"),
	}},
	{"the same request once more, then c,ERR,VEND 1", "unknown", "no_answer", []story{
		told(3, "c,STATUS,VEND,15.00,10", "c,ERR,VEND 1", "c,STATUS,IDLE"),
	}},
	{"a line that cannot be read, then c,ERR,VEND 1", "unknown", "no_answer", []story{
		told(3, "c,VEND,SUC\xf7ESS", "c,ERR,VEND 1", "c,STATUS,IDLE"),
	}},
	{"c,ERR,VEND with another number, then nothing more", "unknown", "no_answer", []story{
		told(3, "c,ERR,VEND 2"), told(3, "c,ERR,VEND 0"), told(3, "c,ERR,VEND 4"),
	}},
	{`c,ERR,"VEND -n"`, "not delivered", "refused", []story{
		told(0, `c,ERR,"VEND -3"`), told(0, `c,ERR,"VEND -1"`),
	}},
	{"INACTIVE or DISABLED, then nothing more", "unknown", "reset", []story{
		told(3, "c,STATUS,INACTIVE"), told(3, "c,STATUS,DISABLED"), told(3, "c,STATUS,IDLE", "c,STATUS,INACTIVE"),
		told(3, "c,STATUS,INACTIVE", unplugged),
	}},
	{"IDLE, ENABLED or another request, then nothing more", "unknown", "no_answer", []story{
		told(3, "c,STATUS,IDLE"), told(3, "c,STATUS,ENABLED"),
		told(3, "c,STATUS,VEND,22.50,22"), told(3, "c,STATUS,VEND,15.00,11"),
	}},
	{"the line is gone, and brings nothing when it is back", "unknown", "unplugged", []story{
		told(10, unplugged),
		told(9, unplugged, seconds(1), opened{}),
		told(1, "c,ERR,VEND 1", unplugged, opened{}, version),
	}},
	{"the line is gone, and brings c,ERR,VEND 1", "unknown", "unplugged", []story{
		told(3, unplugged, opened{}, "c,ERR,VEND 1"),
		told(3, unplugged, opened{}, "c,ERR,VEND 1", "c,STATUS,IDLE"),
	}},
	{"nothing but answers to V until Longest", "unknown", "no_answer", []story{
		told(10, seconds(15), version, seconds(15), version),
		told(10, seconds(15), version, seconds(15), `c,ERR,"START -3"`, `c,ERR,"STOP -3"`, "c,0", "c,1"),
	}},
	{"no answer to V, nor when the line is opened anew", "unknown", "no_answer", []story{
		told(26), // 16 until the line is opened anew, and then as long as for one that was unplugged
		told(10, seconds(16), unplugged, opened{}),
	}},
	{"our program ends", "unknown", "unplugged", []story{
		told(0, leave{os.ErrClosed}), told(0, "c,ERR,VEND 1", leave{os.ErrClosed}),
	}},
}

// TestEachSilenceMeansWhatItsRowSays runs the table of the package's comment, row by row. One approval is written, and
// none follows it, whatever is wished.
func TestEachSilenceMeansWhatItsRowSays(t *testing.T) {
	for _, row := range silences {
		for i, s := range row.stories {
			m := newMachine(t)
			m.request()
			m.step(approve{call: 1, product: 10})
			if m.approvals() != 1 || m.ends != 0 {
				t.Fatalf("%q is written, and the vend ended %+v", m.wrote, m.end)
			}
			m.step(s.events...)
			if s.in > 0 {
				m.step(s.in - 0.001)
				if m.ends != 0 {
					t.Errorf("%s, story %d: it is not waited for", row.heard, i)
				}
				m.step(seconds(0.001))
			}
			if m.ends != 1 || strings.ReplaceAll(string(m.end.Outcome), "_", " ") != row.outcome ||
				string(m.end.Why) != row.why {
				t.Errorf("%s, story %d: %d ends, %+v; want %s %s", row.heard, i, m.ends, m.end, row.outcome, row.why)
			}
			credit := sell{money.Amount{Minor: 5000, Currency: "SEK"}}
			m.step(approve{call: 2, product: 10}, seconds(50), credit, opened{}, seconds(50))
			m.step(approve{call: 3, product: 10}, unplugged, seconds(1), opened{}, seconds(50))
			if n := m.approvals(); n != 1 || m.ends != 3 {
				t.Errorf("%s, story %d: %d approvals and %d ends: %q", row.heard, i, n, m.ends, m.wrote)
			}
		}
	}
}

// TestThePackagesCommentHasTheRowsThatAreRun: no more, no fewer, in their order.
func TestThePackagesCommentHasTheRowsThatAreRun(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "//\theard after C,VEND")
	_, table, _ = strings.Cut(table, "\n")
	table, _, ok := strings.Cut(table, "\n//\n")
	if !ok {
		t.Fatal("the package's comment has no table")
	}
	cells := regexp.MustCompile(`^//\t(.*?\S) +(delivered|not delivered|unknown)(?: +([a-z_]+)(?:: .*)?)?$`)
	rows := strings.Split(table, "\n")
	for i, row := range rows {
		c := cells.FindStringSubmatch(row)
		if c == nil {
			t.Errorf("no row: %q", row)
		} else if i < len(silences) && (c[1] != silences[i].heard || c[2] != silences[i].outcome ||
			c[3] != silences[i].why) {
			t.Errorf("the comment says %q, and what is run is %q", c[1:], silences[i].heard)
		}
	}
	if len(rows) != len(silences) {
		t.Errorf("%d rows, and %d are run", len(rows), len(silences))
	}
}
