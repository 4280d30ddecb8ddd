package watch

import (
	"bytes"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"kioskd/internal/hub/store"
)

// fleet is a database whose rows a test writes.
type fleet struct {
	t   *testing.T
	db  *sql.DB
	now time.Time
	*Watch
}

func open(t *testing.T) *fleet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := store.Open("sqlite://" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	if f.db, err = sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	f.Watch = New(Config{Store: s, Zone: stockholm(t), Now: func() time.Time { return f.now }, Log: zerolog.Nop()})
	return f
}

func (f *fleet) put(table string, values ...any) {
	f.t.Helper()
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	if _, err := f.db.ExecContext(f.t.Context(), "INSERT INTO "+table+" VALUES ("+marks+")", values...); err != nil {
		f.t.Fatal(err)
	}
}

// machine writes one that was heard some time ago.
func (f *fleet) machine(id int, group, stage, reason string, heard time.Duration, status string) {
	f.t.Helper()
	seen := f.now.Add(-heard).UnixMilli()
	f.put("machines (machine, kiosk, grp, made, stage, reason, stage_since, currency, seen, taken, status, "+
		"status_at, seq)",
		id, fmt.Sprintf("k%d", id), group, 0, stage, reason, f.now.Add(-time.Hour).UnixMilli(), "SEK", seen, seen,
		status,
		seen, 10)
}

func (f *fleet) sale(machine, n int, state string, charged int64, ended time.Time) {
	f.t.Helper()
	f.put("sales (machine, sale, first, last, flow, state, why, note, currency, reserved, charged, refunded, "+
		"invoice, ers, "+
		"started, ended, taken)", machine, fmt.Sprintf("s%d", n), n, n, "reservation", state, "", "", "SEK",
		charged, charged, 0,
		"", "", ended.UnixMilli(), ended.UnixMilli(), ended.UnixMilli())
}

func (f *fleet) look() *Snapshot {
	f.t.Helper()
	if err := f.Learn(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.Refresh(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return f.Look()
}

// TestWhatIsWorstStandsOnTop writes one machine for each thing that can be wrong.
func TestWhatIsWorstStandsOnTop(t *testing.T) {
	f := open(t)
	fine := `{"last":10,"synced":true}`
	f.machine(10, "", "ready", "", 0, `{"last":10,"synced":true,"troubles":[{"name":"card_worn","note":"80 %"},
		{"name":"disk_low","note":"150 of 30000 MB free"},{"name":"Ω\n"}]}`)
	f.machine(1, "", "ready", "", 0, fine)
	f.machine(2, "", "ready", "", 17*time.Minute, fine)
	f.machine(3, "", "out_of_service", "tilt", 0, fine)
	f.machine(4, "", "ready", "", 0, fine)
	f.machine(5, "", "ready", "", 15*time.Minute, `{"last":15,"synced":true}`)
	f.machine(6, "", "ready", "", 0, fine)
	f.machine(7, "", "maintenance", "", 0, fine)
	f.machine(8, "", "ready", "", 0, `{"last":10,"synced":false}`)
	f.machine(9, "", "out_of_service", "door", 0, `no JSON`)
	f.put("alarms (kiosk, kind, note, since, last, times)", "k4", "fork", "entry 7", f.now.UnixMilli(),
		f.now.UnixMilli(), 2)
	f.put("faults (machine, name, slots, hard, note, since)", 6, "jam", "A1", 0, "",
		f.now.Add(-time.Minute).UnixMilli())
	f.put("faults (machine, name, slots, hard, note, since)", 9, "door", "", 0, "", f.now.Add(-2*time.Hour).UnixMilli())
	var got []string
	for _, m := range f.look().Machines {
		line := fmt.Sprintf("%s %v", m.Kiosk, m.Grade)
		for _, t := range m.Troubles {
			line += "; " + t.What
		}
		got = append(got, line)
	}
	want := []string{
		"k4 alarm; two histories with one id: a copied card, or one that lost its newest part; it is out of service",
		"k9 stopped; its service door is open",
		"k3 stopped; it was tilted",
		"k7 stopped; a technician works on it",
		"k2 not heard; nothing is heard of it",
		"k6 partly; A1: jam",
		"k5 watch; 5 entries not here yet",
		"k10 watch; its card is worn: replace it soon; its card is nearly full; its computer: other",
		"k8 watch; its clock is not set",
		"k1 well",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var out bytes.Buffer
	f.WriteMetrics(&out)
	for _, want := range []string{`kioskhub_machines{grade="stopped"} 3`, "kioskhub_machines_unheard 1",
		`kioskhub_computer_troubles{name="disk_low"} 1`, `kioskhub_computer_troubles{name="other"} 1`,
		`kioskhub_faults{name="jam"} 1`, `kioskhub_alarms{kind="fork"} 1`, "kioskhub_entries_behind 5",
		"kioskhub_entries_lag_seconds 900", `kioskhub_machines{grade="well"} 1`} {
		if !strings.Contains(out.String(), want+"\n") {
			t.Errorf("%s is not told:\n%s", want, out.String())
		}
	}
}

func TestAMachineThatSellsEachHourAndStopsIsToldAsSilent(t *testing.T) {
	f := open(t)
	for m := 1; m <= 2; m++ {
		f.machine(m, "", "ready", "", 0, `{"last":10,"synced":true}`)
		until := f.now.Add(-time.Duration(m-1) * 3 * time.Hour) // the second stopped three hours ago
		for n := range 28 * 24 * 4 {
			if at := f.now.Add(-time.Duration(n) * 15 * time.Minute); !at.After(until) {
				f.sale(m, n, "charged", 1500, at)
			}
		}
	}
	s := f.look()
	if m := s.Machines[0]; m.ID != 2 || !m.Silent ||
		m.Troubles[0].What != "silent: it usually sells 12 times in this while" {
		t.Errorf("%+v", m)
	}
	if m := s.Machines[1]; m.Silent || m.Grade != Well || m.Sold[0].Number != 53 {
		t.Errorf("%+v", m)
	}
}

func TestStockLastsByItsOwnPace(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		left, sold int
		over       time.Duration
		days       float64
		soon       bool
	}{
		{0, 0, 0, 0, true}, {-1, 9, time.Hour, 0, true}, {10, 2, time.Hour, math.Inf(1), false},
		{10, 20, 10 * 24 * time.Hour, 5, false}, {5, 20, 10 * 24 * time.Hour, 2.5, true},
		{6, 6, time.Minute, 1, true}, // a new product: a day at least
	} {
		days, soon := Lasts(store.StockRow{Left: c.left, Sold: c.sold, First: now.Add(-c.over)}, now)
		if days != c.days || soon != c.soon {
			t.Errorf("%+v: %v days, soon %v", c, days, soon)
		}
	}
}

func TestADayBeginsInTheOperatorsZoneAndASaleInDoubtIsInNoSum(t *testing.T) {
	f := open(t)
	f.machine(1, "north", "ready", "", 0, "")
	midnight := Midnight(f.now, f.Zone)
	if !midnight.Equal(time.Date(2026, 11, 26, 23, 0, 0, 0, time.UTC)) {
		t.Fatalf("the day began at %v", midnight)
	}
	f.sale(1, 1, "charged", 1500, midnight)
	f.sale(1, 2, "charged", 700, midnight.Add(-time.Millisecond))
	f.sale(1, 3, "in_doubt", 900, midnight.Add(time.Hour))
	for _, group := range []string{"", "north"} {
		m, err := f.Money(t.Context(), group)
		if err != nil || len(m.Days) != moneyDays {
			t.Fatalf("%+v, %v", m, err)
		}
		if len(m.Days[0].Rows) != 1 || m.Days[0].Rows[0].Charged != 1500 || m.Days[1].Rows[0].Charged != 700 {
			t.Errorf("%+v", m.Days[:2])
		}
	}
	if m, err := f.Money(t.Context(), "south"); err != nil || len(m.Days[0].Rows) != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	s := f.look()
	if s.InDoubt != 1 || s.Machines[0].InDoubt != 1 || s.Machines[0].Sold[0].Paid != 1500 {
		t.Errorf("%d in doubt, %+v", s.InDoubt, s.Machines[0])
	}
	f.sale(1, 4, "charged", 100, f.now)
	f.now = f.now.Add(freshFor + time.Second)
	if m, err := f.Money(t.Context(), ""); err != nil || m.Days[0].Rows[0].Charged != 1600 {
		t.Errorf("a moment later: %+v, %v", m.Days[0], err)
	}
}
