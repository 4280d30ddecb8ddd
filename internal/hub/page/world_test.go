package page

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/rs/zerolog"
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
	"kioskd/internal/proof/till"
)

const password = "correct horse battery"

// desk is a whole desk on an SQLite, and a browser before it.
type desk struct {
	t       *testing.T
	db      *sql.DB
	store   *store.Store
	watch   *watch.Watch
	page    *Page
	now     time.Time
	zone    *time.Location
	server  *httptest.Server
	browser *http.Client
	users   string // the file
}

// signed are the roles that the desk's users have, by their names.
var signed = map[string]people.Role{"lisa": people.Look, "olle": people.Operate, "anna": people.Admin}

func open(t *testing.T, more ...Route) *desk {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.db")
	s, err := store.Open("sqlite://" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, store: s, now: time.Date(2026, 11, 27, 13, 25, 0, 0, time.UTC)}
	if d.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.db.Close() })
	if d.zone, err = time.LoadLocation("Europe/Stockholm"); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return d.now }
	d.watch = watch.New(watch.Config{Store: s, Zone: d.zone, Now: now, Log: zerolog.Nop()})
	d.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.page.Handler().ServeHTTP(w, r)
	}))
	d.server.Start()
	t.Cleanup(d.server.Close)
	var users []map[string]string
	hash, err := argon2id.CreateHash(password, // the product's would take a second each
		&argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	for name, role := range signed {
		users = append(users, map[string]string{"name": name, "role": role.String(), "hash": hash})
	}
	text, err := json.Marshal(map[string]any{"users": users})
	if err != nil {
		t.Fatal(err)
	}
	d.users = filepath.Join(dir, "users.json")
	if err := os.WriteFile(d.users, text, 0o600); err != nil {
		t.Fatal(err)
	}
	door, err := people.New(people.Config{PublicURL: d.server.URL, Users: d.users},
		people.Parts{Sessions: s, Now: now, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	d.page = New(Config{Store: s, Watch: d.watch, Door: door, Zone: d.zone, Language: "sv", Now: now,
		Log: zerolog.Nop(), More: more})
	d.browser = d.server.Client()
	d.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if d.browser.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// signIn begins a session without the form; the form's own tests are in package people.
func (d *desk) signIn(name string) {
	d.t.Helper()
	got := d.ask(http.MethodPost, "/sign-in", url.Values{"name": {name}, "password": {password}})
	if got.code != http.StatusSeeOther {
		d.t.Fatalf("%s cannot sign in: %+v", name, got)
	}
}

type answer struct {
	code   int
	body   string
	header http.Header
}

func (d *desk) ask(method, path string, form url.Values, headers ...string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := d.browser.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{got.StatusCode, string(body), got.Header}
}

func (d *desk) get(path string) answer {
	d.t.Helper()
	return d.ask(http.MethodGet, path, nil)
}

func (d *desk) put(table string, values ...any) {
	d.t.Helper()
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	if _, err := d.db.ExecContext(d.t.Context(), "INSERT INTO "+table+" VALUES ("+marks+")", values...); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) before(ago time.Duration) int64 { return d.now.Add(-ago).UnixMilli() }

// machine writes one that is well.
func (d *desk) machine(id int, kiosk, name, group, stage, reason string, heard time.Duration) {
	d.t.Helper()
	d.put("machines (machine, kiosk, name, grp, made, stage, reason, stage_since, currency, seen, taken, status, "+
		"status_at, "+
		"seq, version)", id, kiosk, name, group, 0, stage, reason, d.before(3*time.Hour), "SEK", d.before(heard),
		d.before(heard), `{"last":4711,"synced":true}`, d.before(heard), 4711, "1.4.0")
}

// sale writes one of a product each.
func (d *desk) sale(machine, n int, state string, price int64, slot, product string, at time.Time) {
	d.t.Helper()
	id, charged := fmt.Sprintf("%d.%d", machine, n), price
	if state == "in_doubt" {
		charged = 0
	}
	d.put("sales (machine, sale, first, last, flow, state, why, note, currency, reserved, charged, refunded, "+
		"invoice, ers, "+
		"started, ended, taken)", machine, id, n*10, n*10+9, "reservation", state, "", "", "SEK", 5000, charged, 0,
		"90"+id, "", at.UnixMilli(), at.UnixMilli(), at.UnixMilli())
	d.put("items (machine, sale, n, slot, name, price, vat, outcome, charged)", machine, id, 1, slot, product,
		price, 12,
		"delivered", 1)
}

// look has the desk look at its database.
func (d *desk) look() {
	d.t.Helper()
	if err := d.watch.Learn(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.watch.Refresh(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// fleet is two dozen machines after four weeks, with something wrong of each kind.
func (d *desk) fleet() {
	d.t.Helper()
	places := []string{"Central station", "Library", "Town hall", "North school", "Swimming hall", "Ferry pier",
		"Museum",
		"Hospital, entrance", "Hospital, ward 4", "Ice rink", "Harbour office", "University, hall A",
		"University, hall B", "Bus depot", "Fire station", "Sports centre", "Cinema", "Airport, gate 3", "Garage",
		"Old mill"}
	products := []struct {
		slot, name string
		price      int64
	}{{"A1", "Mineral water 50 cl", 1800}, {"A2", "Coffee", 2200}, {"A3", "Cinnamon bun", 2500},
		{"B1", "Cheese sandwich", 4900}, {"B2", "Apple", 900}, {"B3", "Chocolate 100 g", 2900}}
	r := rand.New(rand.NewPCG(3, 4))
	for m, place := range places {
		id, heard := m+1, time.Duration(r.IntN(240))*time.Second
		if m == 4 {
			heard = 5 * time.Hour
		}
		stage, reason := "ready", ""
		switch m {
		case 1:
			stage, reason = "out_of_service", "tilt"
		case 2:
			stage, reason = "out_of_service", "door"
		case 7:
			stage = "choosing"
		case 9:
			stage = "maintenance"
		}
		d.machine(id, fmt.Sprintf("K%04d", 100+m), place, []string{"north", "south", "harbour"}[m%3], stage, reason,
			heard)
		n := 0
		perHour := 0.6 + r.Float64()
		if m == 11 {
			perHour = 4
		}
		var rows, items []string
		for at := d.now.Add(-28 * 24 * time.Hour); at.Before(d.now); {
			at = at.Add(time.Duration(r.ExpFloat64() / perHour * float64(time.Hour)))
			h := at.In(d.zone).Hour()
			if h < 7 || h > 20 || at.After(d.now) || m == 11 && at.After(d.now.Add(-5*time.Hour)) {
				continue
			}
			p := products[r.IntN(len(products))]
			n++
			rows = append(rows,
				fmt.Sprintf("(%d,'%d.%d',%d,%d,'reservation','charged','','','SEK',5000,%d,0,'9%d%d','',%d,%d,%d)",
					id, id, n, n*10, n*10+9, p.price, id, n, at.UnixMilli(), at.UnixMilli(), at.UnixMilli()))
			items = append(items, fmt.Sprintf("(%d,'%d.%d',1,'%s','%s',%d,12,'delivered',1)", id, id, n, p.slot,
				p.name, p.price))
		}
		d.exec("INSERT INTO sales (machine, sale, first, last, flow, state, why, note, currency, reserved, charged, " +
			"refunded, " +
			"invoice, ers, started, ended, taken) VALUES " + strings.Join(rows, ","))
		d.exec("INSERT INTO items (machine, sale, n, slot, name, price, vat, outcome, charged) VALUES " +
			strings.Join(items, ","))
		for i, p := range products {
			left := 6 + (m*7+i*5)%30
			if m == 5 && i == 2 || m == 12 && i == 1 {
				left = i % 2
			}
			d.put("stock (machine, slot, name, price, currency, vat, remains, closed, since)", id, p.slot, p.name,
				p.price, "SEK",
				12, left+10, map[bool]string{true: "jam"}[m == 6 && i == 3], 0)
			if left < 2 {
				d.exec(fmt.Sprintf("UPDATE stock SET remains = %d WHERE machine = %d AND slot = '%s'", left, id,
					p.slot))
			}
		}
	}
	fault := func(machine int, name, slots, note string, ago time.Duration) {
		d.put("faults (machine, name, slots, hard, note, since)", machine, name, slots, 0, note, d.before(ago))
	}
	fault(2, "tilt", "", "", 26*time.Hour)
	fault(3, "door", "", "", 40*time.Minute)
	fault(7, "jam", "B1", "", 3*time.Hour)
	d.put("alarms (kiosk, kind, note, since, last, times)", "K0100", "two_machines",
		"two processes say that they are this "+
			"kiosk", d.before(15*time.Minute), d.before(time.Minute), 4)
	d.sale(9, 100000, "in_doubt", 4900, "B1", "Cheese sandwich", d.now.Add(-95*time.Minute))
	d.exec("UPDATE sales SET why = 'in_doubt', note = 'commitReservation: no answer, and then FAILED' WHERE sale = " +
		"'9.100000'")
	d.put("reconciliations (kiosk, period, sale, verdict, note, made)", "K0107", "42", "", "agrees", "31 sales",
		d.before(9*time.Hour))
}

func (d *desk) exec(query string) {
	d.t.Helper()
	if _, err := d.db.ExecContext(context.Background(), query); err != nil {
		d.t.Fatal(err)
	}
}

// take has the entries of a machine written as a collector does.
func (d *desk) take(kiosk string, m *till.Machine) {
	d.t.Helper()
	for after := int64(0); ; {
		some, err := m.Journal.Copies(d.t.Context(), after, 100)
		if err != nil {
			d.t.Fatal(err)
		}
		if len(some) == 0 {
			return
		}
		var copies []store.Copy
		for _, e := range some {
			copies = append(copies, store.Copy{Entry: e, First: 1})
			after = e.Seq
		}
		if _, _, err := d.store.Take(d.t.Context(), kiosk, copies, d.now); err != nil {
			d.t.Fatal(err)
		}
	}
}
