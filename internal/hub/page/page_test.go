package page

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/people"
	"kioskd/internal/proof/till"
)

// TestEachRouteIsForItsRoleAndThoseAbove walks all of them with nobody and each role.
func TestEachRouteIsForItsRoleAndThoseAbove(t *testing.T) {
	reached := 0
	needs := map[string]people.Role{"GET /{$}": people.Look, "GET /m/{machine}": people.Look,
		"GET /m/{machine}/sales/{sale}": people.Look, "GET /sales.csv": people.Look, "GET /items.csv": people.Look,
		"POST /alarms/{alarm}/end": people.Operate, "POST /admin": people.Admin, "GET /mistake": people.Nobody,
		"GET /wanted": people.Look, "GET /m/{machine}/commands/{id}": people.Look,
		"GET /m/{machine}/want": people.Operate, "POST /m/{machine}/want": people.Operate,
		"GET /groups/{group}/want": people.Admin, "POST /groups/{group}/want": people.Admin,
		"GET /all/want": people.Admin, "POST /all/want": people.Admin,
		"GET /m/{machine}/do/{word}": people.Operate, "POST /m/{machine}/do/{word}": people.Operate,
		"GET /m/{machine}/sales/{sale}/do/{word}":  people.Operate,
		"POST /m/{machine}/sales/{sale}/do/{word}": people.Operate, "POST /m/{machine}/commands/{id}": people.Operate}
	d := open(t, Route{"POST /admin", people.Admin, http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		reached++
	})},
		Route{"GET /mistake", people.Nobody, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })})
	d.machine(1, "K1", "Lobby", "", "ready", "", 0)
	d.sale(1, 1, "charged", 1500, "A1", "Water", d.now)
	d.put("alarms (id, kiosk, kind, note, since, last, times)", 1, "K1", "fork", "", 0, 0, 1)
	d.put("commands (id, kiosk, what, args, by, signed, made, expires)", "C1", "K1", "back",
		`{"id":"C1","kiosk":"K1","word":"back","reason":"x"}`, "anna", "", d.now.UnixMilli(), 0)
	d.look()
	routes := d.page.Routes()
	if len(routes) < 8 {
		t.Fatalf("only %d routes: this looks at something else", len(routes))
	}
	for _, r := range routes {
		if need, is := needs[r.Pattern]; !is || need != r.Need {
			t.Errorf("%s needs %v: say here that it shall", r.Pattern, r.Need)
		}
	}
	for _, name := range []string{"", "lisa", "olle", "anna"} {
		if name != "" {
			d.signIn(name)
		}
		for _, r := range routes {
			method, path, _ := strings.Cut(r.Pattern, " ")
			path = strings.NewReplacer("{$}", "", "{machine}", "1", "{sale}", "1.1", "{alarm}", "1", "{group}", "nord",
				"{word}", map[bool]string{true: "refund", false: "back"}[strings.Contains(path, "{sale}")],
				"{id}", "C1").Replace(path)
			if strings.HasSuffix(path, ".csv") {
				path += "?from=2026-11-27&to=2026-11-27"
			}
			var form url.Values
			if method == http.MethodPost { // a form that is not whole
				form = url.Values{}
			}
			got := d.ask(method, path, form)
			may := r.Need != people.Nobody && signed[name] >= r.Need
			switch {
			case name == "" && method == http.MethodGet:
				if got.code != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/sign-in?") {
					t.Errorf("%s by nobody: %d", r.Pattern, got.code)
				}
			case name == "":
				if got.code != http.StatusUnauthorized {
					t.Errorf("%s by nobody: %d", r.Pattern, got.code)
				}
			case may && got.code >= 400 && !(form != nil && strings.Contains(got.body, "Nothing was")),
				!may && got.code != http.StatusForbidden:
				t.Errorf("%s needs %v, and %s got %d: %.100s", r.Pattern, r.Need, name, got.code, got.body)
			}
		}
	}
	if reached != 1 {
		t.Errorf("the admin's route and the mistake were reached %d times", reached)
	}
	if alarms, err := d.store.Alarms(t.Context()); err != nil || len(alarms) != 0 {
		t.Errorf("the alarm stands: %+v, %v", alarms, err)
	}
}

func TestAnotherSitesPageCannotActInSomebodysName(t *testing.T) {
	d := open(t)
	d.put("alarms (id, kiosk, kind, note, since, last, times)", 1, "K1", "fork", "", 0, 0, 1)
	d.signIn("olle")
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"}, {"Origin", "null"}} {
		if got := d.ask(http.MethodPost, "/alarms/1/end", url.Values{}, headers...); got.code != http.StatusForbidden {
			t.Errorf("%v: %d", headers, got.code)
		}
	}
	if alarms, err := d.store.Alarms(t.Context()); err != nil || len(alarms) != 1 {
		t.Fatalf("the alarm was ended: %v", err)
	}
	got := d.ask(http.MethodPost, "/alarms/1/end", url.Values{}, "Origin", d.server.URL)
	if alarms, err := d.store.Alarms(t.Context()); err != nil || len(alarms) != 0 || got.code != http.StatusSeeOther {
		t.Errorf("the page's own: %d, %d alarms, %v", got.code, len(alarms), err)
	}
}

func TestThePageLoadsNothingFromElsewhereAndRunsNoForeignScript(t *testing.T) {
	d := open(t)
	d.machine(1, "K1", `<script>alert(1)</script>`, `"><img src=x>`, "ready", "", 0)
	d.sale(1, 1, "charged", 1500, "A1", `<b onclick="x">Water</b>`, d.now)
	d.put("faults (machine, name, slots, hard, note, since)", 1, "<i>", "", 0, "</td><script>", 0)
	d.look()
	d.signIn("lisa")
	for _, path := range []string{"/", "/m/1", "/m/1/sales/1.1", "/sign-in", "/desk.js", "/desk.css",
		"/?group=%3Cscript%3E"} {
		got := d.get(path)
		policy := got.header.Get("Content-Security-Policy")
		if got.code != 200 || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") ||
			strings.Contains(policy, "unsafe") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", path, got.code, got.header)
		}
		for _, bad := range []string{"<script>", "<img", "<b onclick", "<i>", "http://", "https://", "style="} {
			if strings.Contains(got.body, bad) {
				t.Errorf("%s holds %q:\n%s", path, bad, got.body)
			}
		}
	}
	for _, path := range []string{"/", "/m/1"} {
		if got := d.get(path); got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %v", path, got.header)
		}
	}
}

func TestTheFleetsPageHasWhatIsWrongOnTopAndEverySection(t *testing.T) {
	d := open(t)
	d.fleet()
	d.look()
	d.signIn("olle")
	got := d.get("/")
	at := 0
	for _, want := range []string{"as of 14:25", "20</b> <span>machines", "What is wrong", "Central station",
		"two machines with this id", "It is dealt with", "Library", "it was tilted", "26 h", "Town hall",
		"Swimming hall",
		"nothing is heard of it", "Museum", "B1: jam", "silent: it usually sells", "Sales in doubt", "9.100000",
		"commitReservation: no answer", "Money by the day", "Fri 27 Nov", "Products, two weeks", "Cheese sandwich",
		"Runs out within three days", "sold out", "Balanced with Glase", "agrees", "machines without a fault",
		"Airport, gate 3",
		"Export"} {
		i := strings.Index(got.body[at:], want)
		if i < 0 {
			t.Fatalf("%q does not follow:\n%s", want, got.body[at:])
		}
		at += i
	}
	north := d.get("/?group=north")
	if strings.Contains(north.body, "Library") || !strings.Contains(north.body, "Central station") ||
		!strings.Contains(north.body, "7</b> <span>machines") {
		t.Errorf("a group: %s", north.body)
	}
	if got := d.get("/?from=99999999999999999999&group=none"); got.code != 200 {
		t.Errorf("a page that is not there: %d", got.code)
	}
}

func TestAMachinesPageTellsItsSalesAndEachSalesStory(t *testing.T) {
	d := open(t)
	m := till.New(t, filepath.Join(t.TempDir(), "journal.db"))
	first := m.Sell()
	for range salesMax {
		m.Sell()
	}
	d.take("K1", m)
	d.look()
	d.signIn("lisa")
	machine := d.get("/m/1")
	if machine.code != 200 || strings.Count(machine.body, "/m/1/sales/") != salesMax ||
		!strings.Contains(machine.body, "15,00") {
		t.Fatalf("%d: %s", machine.code, machine.body)
	}
	_, older, _ := strings.Cut(machine.body, `rel="next" href="`)
	older, _, _ = strings.Cut(older, "#")
	if got := d.get(older); strings.Count(got.body, "/m/1/sales/") != 1 || !strings.Contains(got.body,
		"/m/1/sales/"+first) {
		t.Errorf("older: %s: %s", older, got.body)
	}
	sale := d.get("/m/1/sales/" + first)
	for _, want := range []string{"a customer scanned", "A1 chosen", "the product was delivered",
		"commitReservation", "Mineral water"} {
		if !strings.Contains(sale.body, want) {
			t.Errorf("the story lacks %q:\n%s", want, sale.body)
		}
	}
	for _, path := range []string{"/m/2", "/m/x", "/m/1/sales/none", "/m/2/sales/" + first} {
		if got := d.get(path); got.code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.code)
		}
	}
	if got := d.get("/nothing"); got.code != http.StatusNotFound {
		t.Errorf("a path that is not there: %d", got.code)
	}
}

func TestAnExportIsRFC4180AndNoSpreadsheetRunsIt(t *testing.T) {
	d := open(t)
	d.machine(1, "K1", "=HYPERLINK(\"x\")", "north", "ready", "", 0)
	day := time.Date(2026, 11, 27, 0, 0, 0, 0, d.zone)
	d.sale(1, 1, "charged", 1500, "A1", "+Water, \"big\"", day)
	d.sale(1, 2, "charged", 2550, "A1", "@Tea\nhot", day.Add(24*time.Hour-time.Millisecond))
	d.sale(1, 3, "charged", 100, "A1", "tomorrow's", day.Add(24*time.Hour))
	d.sale(1, 4, "charged", 100, "A1", "yesterday's", day.Add(-time.Millisecond))
	d.look()
	d.signIn("lisa")
	read := func(path string) [][]string {
		t.Helper()
		got := d.get(path + "?from=2026-11-27&to=2026-11-27")
		if got.code != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/csv") ||
			!strings.Contains(got.header.Get("Content-Disposition"), "_2026-11-27_2026-11-27.csv") ||
			!strings.Contains(got.body, "\r\n") {
			t.Fatalf("%+v", got)
		}
		rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%q, %v", rows, err)
		}
		for _, row := range rows {
			for _, c := range row {
				if c != "" && strings.ContainsRune("=+-@\t\r\n", rune(c[0])) {
					t.Errorf("a spreadsheet runs %q", c)
				}
			}
		}
		return rows
	}
	sales := read("/sales.csv")
	column := func(rows [][]string, row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	if column(sales, 1, "sale") != "1.1" || column(sales, 2, "charged") != "25.50" ||
		column(sales, 1, "started") != "2026-11-27T00:00:00+01:00" || column(sales, 1, "machine") != `'=HYPERLINK("x")` {
		t.Errorf("%q", sales)
	}
	items := read("/items.csv")
	if column(items, 1, "product") != `'+Water, "big"` || column(items, 2, "product") != "'@Tea\nhot" ||
		column(items, 2, "price") != "25.50" || column(items, 1, "to_be_paid") != "yes" {
		t.Errorf("%q", items)
	}
	for _, bad := range []string{"", "?from=x&to=y", "?from=2026-11-27&to=2026-11-26",
		"?from=1900-01-01&to=2026-11-26"} {
		if got := d.get("/sales.csv" + bad); got.code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got.code)
		}
	}
}

func FuzzNoCellIsAFormula(f *testing.F) {
	f.Add("=1+1")
	f.Add("\t=1")
	f.Fuzz(func(t *testing.T, text string) {
		c := cell(text)
		if c != "" && strings.ContainsRune("=+-@\t\r\n", rune(c[0])) || strings.TrimPrefix(c,
			"'") != strings.TrimPrefix(text, "'") {
			t.Errorf("%q becomes %q", text, c)
		}
	})
}

func TestADatabaseThatIsGoneIsSaidAndWhatWasKnownIsShown(t *testing.T) {
	d := open(t)
	d.machine(1, "K1", "Lobby", "", "ready", "", 0)
	d.signIn("lisa")
	if got := d.get("/"); !strings.Contains(got.body, "nothing is known yet") {
		t.Errorf("before the first look: %s", got.body)
	}
	d.look()
	d.now = d.now.Add(2 * time.Minute)
	if got := d.get("/"); !strings.Contains(got.body, "has not answered for 2 min") || !strings.Contains(got.body,
		"Lobby") {
		t.Errorf("a stale look: %s", got.body)
	}
}

func TestTimesAreOfTheOperatorsZone(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		at        time.Time
		when, ago string
	}{
		{d.now, "14:25", "just now"}, {d.now.Add(-59 * time.Minute), "13:26", "59 min"},
		{d.now.Add(-15 * time.Hour), "Thu 26 Nov 23:25", "15 h"}, {d.now.Add(-72 * time.Hour), "Tue 24 Nov 14:25",
			"3 days"},
		{d.now.AddDate(-1, 0, 0), "27 Nov 2025 14:25", "365 days"}, {time.UnixMilli(5), "no clock", "no clock"},
		{d.now.Add(time.Hour), "15:25", "15:25"},
	} {
		if when, ago := d.page.when(c.at), d.page.ago(c.at); when != c.when || ago != c.ago {
			t.Errorf("%v: %q, %q: want %q, %q", c.at, when, ago, c.when, c.ago)
		}
	}
	for days, want := range map[float64]string{0: "sold out", 0.5: "today", 1.9: "1 day", 2.9: "2 days",
		30: "30 days"} {
		if got := lasts(days); got != want {
			t.Errorf("%v: %q", days, got)
		}
	}
	if got := fmt.Sprint(d.page.money(150000, "SEK"), d.page.money(5, "")); got != "1\u00a0500,00\u00a0kr5" {
		t.Errorf("%q", got)
	}
}
