package store

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/people"
)

// put writes rows as they are.
func put(t *testing.T, s *Store, table string, rows ...[]any) {
	t.Helper()
	for _, r := range rows {
		if _, err := s.db.ExecContext(t.Context(), "INSERT INTO "+table+" VALUES "+values(1, len(r)),
			r...); err != nil {
			t.Fatal(err)
		}
	}
}

func ms(t time.Time) int64 { return t.UnixMilli() }

// fleet is two machines in use and one that was retired. The second has no clock.
func fleet(t *testing.T, s *Store) {
	t.Helper()
	put(t, s, "machines (kiosk, name, grp, made, retired, seq, stage, reason, stage_since, currency, seen, status, "+
		"status_at)",
		[]any{"k1", "Lobby", "north", 0, nil, 70, "ready", "", ms(noon.Add(-time.Hour)), "SEK", ms(noon), `{"last":75}`, ms(noon)},
		[]any{"k2", "", "south", 0, nil, 9, "out_of_service", "door", nil, "SEK", nil, "", nil},
		[]any{"k2", "", "north", 0, ms(noon), 9, "ready", "", nil, "SEK", nil, "", nil})
	sale := func(machine int, id string, first int, state string, charged, refunded int64, started, ended,
		taken time.Time) {
		var end any
		if !ended.IsZero() {
			end = ms(ended)
		}
		put(t, s,
			"sales (machine, sale, first, last, flow, state, why, note, currency, reserved, charged, refunded, "+
				"invoice, "+
				"ers, started, ended, taken)", []any{machine, id, first, first, "reservation", state, "", "", "SEK",
				10000, charged,
				refunded, "i" + id, "", ms(started), end, ms(taken)})
	}
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	none, unset := time.Time{}, time.UnixMilli(5000)
	sale(1, "a", 1, "charged", 3000, 1000, hour(-30), hour(-30), hour(-29))
	sale(1, "b", 10, "charged", 1500, 0, hour(-2), hour(-2), hour(-2))
	sale(1, "c", 20, "in_doubt", 0, 0, hour(-1), hour(-1), hour(-1))
	sale(1, "d", 30, "released", 0, 0, hour(-1), hour(-1), hour(-1))
	sale(1, "e", 40, "open", 0, 0, hour(-1), none, hour(-1))
	sale(2, "f", 1, "charged", 2500, 0, unset, unset, hour(-3))
	sale(3, "g", 1, "refunded", 700, 700, hour(-3), hour(-3), hour(-3))
	item := func(machine int, sale string, n int, slot, name string, price int64, outcome string, charged int) {
		put(t, s, "items (machine, sale, n, slot, name, price, vat, outcome, charged)",
			[]any{machine, sale, n, slot, name, price, 12, outcome, charged})
	}
	item(1, "a", 1, "A1", "Water", 1500, "delivered", 1)
	item(1, "a", 2, "A1", "Water", 1500, "delivered", 1)
	item(1, "b", 1, "A1", "Water", 1500, "delivered", 1)
	item(1, "b", 2, "A2", "=Coffee", 1500, "not_delivered", 0)
	item(2, "f", 1, "B1", "Juice", 2500, "unknown", 1)
	put(t, s, "stock (machine, slot, name, price, currency, vat, remains, closed, since)",
		[]any{1, "A1", "Water", 1500, "SEK", 12, 4, "", 0}, []any{1, "A2", "Tea", 1500, "SEK", 12, 0, "jam", 0})
	put(t, s, "faults (machine, name, slots, hard, note, since, until)",
		[]any{2, "door", "", 0, "", ms(hour(-5)), nil}, []any{1, "jam", "A2", 0, "n", ms(hour(-4)), nil},
		[]any{1, "tilt", "", 1, "", ms(hour(-9)), ms(hour(-8))}, []any{3, "door", "", 0, "", ms(hour(-7)), nil})
	put(t, s, "reconciliations (kiosk, period, sale, verdict, note, made)", []any{"k1", "1", "", "agrees", "",
		ms(noon)})
}

func TestTheDeskSeesMachinesInUseAndWhatIsWrongWithThem(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		fleet(t, s)
		ctx := t.Context()
		machines, err := s.Machines(ctx)
		if err != nil || len(machines) != 2 {
			t.Fatalf("%+v, %v", machines, err)
		}
		want := MachineRow{ID: 1, Kiosk: "k1", Name: "Lobby", Group: "north", Stage: "ready", Currency: "SEK", Seq: 70,
			Since: noon.Add(-time.Hour), Seen: noon}
		if machines[0] != want || machines[1].Reason != "door" || !machines[1].Seen.IsZero() {
			t.Errorf("%+v", machines)
		}
		faults, err := s.StandingFaults(ctx)
		if err != nil || len(faults) != 2 || faults[0].Name != "door" || faults[0].Machine != 2 ||
			faults[1] != (FaultRow{1, "jam", "A2", false, "n", noon.Add(-4 * time.Hour)}) {
			t.Errorf("%+v, %v", faults, err)
		}
		statuses, err := s.StatusesSince(ctx, noon)
		if err != nil || len(statuses) != 1 || statuses[0].Text != `{"last":75}` {
			t.Errorf("%+v, %v", statuses, err)
		}
		if statuses, err = s.StatusesSince(ctx, noon.Add(time.Millisecond)); err != nil || len(statuses) != 0 {
			t.Errorf("%+v, %v", statuses, err)
		}
		verdicts, err := s.Verdicts(ctx, 5)
		if err != nil || len(verdicts) != 1 || verdicts[0] != (VerdictRow{"k1", "1", "", "agrees", "", noon}) {
			t.Errorf("%+v, %v", verdicts, err)
		}
		doubts, number, err := s.InDoubt(ctx, 5)
		if err != nil || number != 1 || len(doubts) != 1 || doubts[0].Sale != "c" || doubts[0].Kiosk != "k1" {
			t.Errorf("%+v, %d, %v", doubts, number, err)
		}
	})
}

func TestMoneyIsAddedUpByTheDayAndOfAMachineWithoutAClockToo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		fleet(t, s)
		ctx := t.Context()
		sold, err := s.Sold(ctx, noon.Add(-12*time.Hour), noon.Add(-48*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		by := map[int64]SoldRow{}
		for _, r := range sold {
			by[r.Machine] = r
		}
		want := map[int64]SoldRow{1: {1, "SEK", 1, 1500, noon.Add(-2 * time.Hour)},
			2: {2, "SEK", 1, 2500, noon.Add(-3 * time.Hour)}} // the retired one's are in Money alone
		if !reflect.DeepEqual(by, want) {
			t.Errorf("%+v", sold)
		}
		for _, c := range []struct {
			hours          int
			group          string
			charged, back  int64
			number         int64
			product        string
			products, many int64
		}{
			{-12, "", 4700, 700, 3, "Juice", 2, 1},
			{-48, "", 7700, 1700, 4, "Water", 2, 3},
			{-12, "south", 2500, 0, 1, "Juice", 1, 1},
			{-12, "north", 2200, 700, 2, "Water", 1, 1},
		} {
			all, products, err := s.Money(ctx, noon.Add(time.Duration(c.hours)*time.Hour), noon, c.group)
			if err != nil || len(all) != 1 || len(products) != int(c.products) {
				t.Fatalf("%+v: %+v, %+v, %v", c, all, products, err)
			}
			if all[0] != (MoneyRow{"", "SEK", c.number, c.charged, c.back}) || products[0].Product != c.product ||
				products[0].Number != c.many {
				t.Errorf("%+v: %+v, %+v", c, all, products)
			}
		}
		if all, products, err := s.Money(ctx, noon, noon.Add(time.Hour), ""); err != nil ||
			len(all)+len(products) != 0 {
			t.Errorf("an hour without a sale: %+v, %+v, %v", all, products, err)
		}
	})
}

func TestAHabitsSalesAndASlotsPaceAreAMachinesOwn(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		fleet(t, s)
		times, err := s.SaleTimes(t.Context(), 1, noon.Add(-48*time.Hour))
		if err != nil || len(times) != 2 || !times[0].Equal(noon.Add(-30*time.Hour)) ||
			!times[1].Equal(noon.Add(-2*time.Hour)) {
			t.Errorf("%v, %v", times, err)
		}
		if times, err = s.SaleTimes(t.Context(), 2, noon.Add(-48*time.Hour)); err != nil || len(times) != 1 ||
			!times[0].Equal(noon.Add(-3*time.Hour)) {
			t.Errorf("without a clock: %v, %v", times, err)
		}
		stock, err := s.Stock(t.Context(), 1, noon.Add(-48*time.Hour))
		if err != nil || len(stock) != 2 || stock[0].Sold != 3 || stock[0].Left != 4 ||
			!stock[0].First.Equal(noon.Add(-29*time.Hour)) || stock[1].Sold != 0 || stock[1].Closed != "jam" {
			t.Errorf("%+v, %v", stock, err)
		}
	})
}

func TestAnExportHasEachSaleOfItsPeriodOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		fleet(t, s)
		for _, c := range []struct {
			hours       int
			group, want string
		}{
			{-48, "", "a b g c d e f"}, {-12, "", "b c d e f g"}, {-12, "south", "f"}, {-1, "", "c d e"}, {0, "", ""},
		} {
			var got []string
			err := s.Export(t.Context(), noon.Add(time.Duration(c.hours)*time.Hour), noon, c.group,
				func(r SaleRow) error {
					got = append(got, r.Sale)
					return nil
				})
			want := strings.Fields(c.want)
			if err != nil || !sameTexts(got, want) {
				t.Errorf("%+v: %v, %v", c, got, err)
			}
		}
		var items []string
		err := s.ExportItems(t.Context(), noon.Add(-48*time.Hour), noon, "", func(r SaleRow, i ItemRow) error {
			items = append(items, fmt.Sprint(r.Kiosk, r.Sale, i.N, i.Name, i.Charged))
			return nil
		})
		if err != nil || strings.Join(items,
			",") != "k1a1Watertrue,k1a2Watertrue,k2f1Juicetrue,k1b1Watertrue,k1b2=Coffeefalse" {
			t.Errorf("%q, %v", items, err)
		}
		stop := errors.New("enough")
		n := 0
		if err := s.Export(t.Context(), noon.Add(-48*time.Hour), noon, "", func(SaleRow) error {
			n++
			return stop
		}); !errors.Is(err, stop) || n != 1 {
			t.Errorf("a reader that goes away: %d, %v", n, err)
		}
	})
}

func sameTexts(a, b []string) bool {
	seen := map[string]int{}
	for _, x := range a {
		seen[x]++
	}
	for _, x := range b {
		seen[x]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestAMachinesSalesAndTheirEntriesAreFound(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		m := machineOf(t)
		first := m.Sell()
		m.Sell()
		take(t, s, "k1", copies(t, m, 0))
		machines, err := s.Machines(t.Context())
		if err != nil || len(machines) != 1 {
			t.Fatalf("%+v, %v", machines, err)
		}
		id := machines[0].ID
		sales, err := s.SalesBefore(t.Context(), id, 1<<40, 10)
		if err != nil || len(sales) != 2 || sales[1].Sale != first {
			t.Fatalf("%+v, %v", sales, err)
		}
		if older, err := s.SalesBefore(t.Context(), id, sales[0].Seq, 10); err != nil || len(older) != 1 {
			t.Errorf("%+v, %v", older, err)
		}
		items, err := s.Items(t.Context(), id, sales[1].Seq, sales[0].Seq)
		if err != nil || len(items) != 2 || items[0].Sale != first || !items[0].Charged {
			t.Errorf("%+v, %v", items, err)
		}
		one, err := s.Sale(t.Context(), id, first)
		last, err2 := s.LastOf(t.Context(), id, first)
		if err != nil || err2 != nil || one.State != "charged" || last <= one.Seq {
			t.Errorf("%+v until %d, %v, %v", one, last, err, err2)
		}
		entries, err := s.Entries(t.Context(), id, one.Seq, last, 100)
		if err != nil || len(entries) < 5 || entries[0].Seq != one.Seq || !reflect.DeepEqual(entries[0].Sum(),
			entries[0].Hash) {
			t.Errorf("%d entries, %v", len(entries), err)
		}
		if _, err := s.Sale(t.Context(), id, "no"); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("a sale that is not there: %v", err)
		}
	})
}

func TestSessionsAreKeptForAllHubsAndEndWithTheRoleOrPassword(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, until := t.Context(), noon.Add(time.Hour)
		anna := people.Person{Name: "anna", Role: people.Admin, By: people.File, Mark: "1"}
		kim := people.Person{Name: "kim", Role: people.Look, By: "https://id.example", Mark: "sub 7"}
		keep := func(token string, p people.Person) {
			t.Helper()
			if err := s.KeepSession(ctx, []byte(token), p, noon, until); err != nil {
				t.Fatal(err)
			}
		}
		keep("a", anna)
		keep("k", kim)
		for token, want := range map[string]people.Person{"a": anna, "k": kim} {
			if got, err := s.Session(ctx, []byte(token), noon); err != nil || got != want {
				t.Errorf("%+v, %v", got, err)
			}
		}
		gone := func(token string, now time.Time) {
			t.Helper()
			if p, err := s.Session(ctx, []byte(token), now); !errors.Is(err, people.ErrNoSession) {
				t.Errorf("%s: %+v, %v", token, p, err)
			}
		}
		gone("a", until)
		gone("x", noon)
		anna.Mark = "2"
		keep("a2", anna)
		gone("a", noon)
		kim.Role = people.Operate
		keep("k2", kim)
		gone("k", noon)
		other := people.Person{Name: "anna", Role: people.Look, By: "https://id.example", Mark: "sub 8"}
		keep("o", other) // the issuer's anna is not the file's
		if got, err := s.Session(ctx, []byte("o"), noon); err != nil || got.Name == "anna" || got.Role != people.Look ||
			!strings.HasPrefix(got.Name, "anna ") {
			t.Errorf("%+v, %v", got, err)
		}
		keep("o2", other)
		if got, err := s.Session(ctx, []byte("a2"), noon); err != nil || got != anna {
			t.Errorf("%+v, %v", got, err)
		}
		err := s.KeepSession(ctx, []byte("z"), people.Person{Name: "kim", Role: people.Admin, By: people.File},
			noon, until)
		if err == nil {
			t.Error("a file's user took the name of an issuer's person")
		}
		if err := s.EndSession(ctx, []byte("a2")); err != nil {
			t.Fatal(err)
		}
		gone("a2", noon)
	})
}
