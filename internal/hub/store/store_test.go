package store

import (
	"database/sql"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/journal"
	"kioskd/internal/money"
	"kioskd/internal/proof/postgres"
	"kioskd/internal/proof/till"
)

// moments are what the tests have for a clock.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// each runs a test on an empty SQLite, and on an empty PostgreSQL where there is one.
func each(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, opened(t, "sqlite://"+filepath.Join(t.TempDir(), "hub.db")))
	})
	t.Run("postgres", func(t *testing.T) { test(t, opened(t, postgres.Start(t).DSN())) })
}

func opened(t testing.TB, address string) *Store {
	t.Helper()
	s, err := Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func machineOf(t testing.TB) *till.Machine {
	return till.New(t, filepath.Join(t.TempDir(), "journal.db"))
}

// copies are all of a machine's entries, as it would send them.
func copies(t testing.TB, m *till.Machine, after int64) (all []Copy) {
	t.Helper()
	for {
		some, err := m.Journal.Copies(t.Context(), after, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return all
		}
		for _, e := range some {
			all = append(all, Copy{e, 1})
			after = e.Seq
		}
	}
}

// take has them written, and says what became of each.
func take(t testing.TB, s *Store, kiosk string, all []Copy) (fates map[Fate]int) {
	t.Helper()
	fates = map[Fate]int{}
	for at := 0; at < len(all); at += 37 {
		_, some, err := s.Take(t.Context(), kiosk, all[at:min(at+37, len(all))], noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range some {
			fates[f]++
		}
	}
	return fates
}

func TestMigrationsAreDoneOnceAndReadySaysSo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if from, to, err := s.Migrate(t.Context()); from != to || err != nil {
			t.Errorf("the second time: from %d to %d, %v", from, to, err)
		}
		if _, err := s.db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); !errors.Is(err, ErrNewer) {
			t.Errorf("a newer version's database: %v", err)
		}
		if _, _, err := s.Migrate(t.Context()); !errors.Is(err, ErrNewer) {
			t.Errorf("a newer version's database is migrated: %v", err)
		}
	})
	s, err := Open("sqlite://" + filepath.Join(t.TempDir(), "empty.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ready(t.Context()); !errors.Is(err, ErrOlder) {
		t.Errorf("an empty database: %v", err)
	}
}

// TestBothSchemasAreTheSame: what is added to one is added to the other.
func TestBothSchemasAreTheSame(t *testing.T) {
	a, err1 := os.ReadDir("migrations/postgres")
	b, err2 := os.ReadDir("migrations/sqlite")
	if err := errors.Join(err1, err2); err != nil || len(a) != len(b) {
		t.Fatal(len(a), len(b), err)
	}
	for n := range a {
		if a[n].Name() != b[n].Name() {
			t.Errorf("%s and %s", a[n].Name(), b[n].Name())
		}
	}
}

// TestEntriesEqualTheJournalRowByRow: also with every batch sent twice.
func TestEntriesEqualTheJournalRowByRow(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		m := machineOf(t)
		for range 12 {
			m.Sell()
		}
		m.Reserve() // one is open
		all := copies(t, m, 0)
		if f := take(t, s, "K1", all); f[Written] != len(all) {
			t.Fatal(f)
		}
		if f := take(t, s, "K1", all); f[Known] != len(all) {
			t.Fatal(f)
		}
		rows, err := s.db.Query("SELECT seq, wall, whole, event, body, before, after, prev, hash FROM entries ORDER BY seq")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var e chain.Entry
			if err := rows.Scan(&e.Seq, &e.Wall, &e.Whole, &e.Event, &e.Body, &e.Before, &e.After, &e.Prev,
				&e.Hash); err != nil {
				t.Fatal(err)
			}
			if n >= len(all) || string(e.Text()) != string(all[n].Text()) || string(e.Hash) != string(all[n].Hash) {
				t.Fatalf("row %d is another: %+v", n, e)
			}
		}
		if n != len(all) || rows.Err() != nil {
			t.Errorf("%d rows of %d, %v", n, len(all), rows.Err())
		}
	})
}

// TestADatabaseThatWasPutBackIsNoticed, and so is one that was only started again: it may have lost its newest part.
func TestADatabaseThatWasPutBackIsNoticed(t *testing.T) {
	p := postgres.Start(t)
	s := opened(t, p.DSN())
	beat := func() (b Beat) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			var err error
			if b, err = s.Pulse(t.Context(), "hub1", noon); err == nil {
				return b
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	first := beat()
	backup, err := p.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again := beat(); !again.Follows(first) {
		t.Errorf("%+v after %+v, and nothing happened", again, first)
	}
	last := beat()
	if err := p.Restore(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	restored := beat()
	if restored.Follows(last) || restored.Follows(first) {
		t.Errorf("%+v after %+v, and it was restored", restored, last)
	}
	p.Stop()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := beat(); again.Follows(restored) {
		t.Errorf("%+v after %+v, and it was started again", again, restored)
	}
	if _, err := s.db.Exec("UPDATE pulse SET n = 1"); err != nil {
		t.Fatal(err)
	}
	one := beat()
	if two := beat(); !two.Follows(one) {
		t.Errorf("%+v after %+v, and nothing happened", two, one)
	}
	if _, err := s.db.Exec("DELETE FROM pulse"); err != nil {
		t.Fatal(err)
	}
	if three := beat(); three.Follows(Beat{3, one.Place}) {
		t.Error("its row is gone, and nothing is noticed")
	}
}

// TestSalesEqualTheJournals: what follows from the entries is what the machine itself says of its sales, the stock and
// the faults, however they were cut into transactions.
func TestSalesEqualTheJournals(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		m := machineOf(t)
		for n := range 9 {
			m.Outcome = []fsm.ItemOutcome{fsm.Delivered, fsm.NotDelivered, fsm.Unknown}[n/3]
			if n%3 > 0 {
				m.Happen(fsm.SlotsOpened{At: fsm.Instant(n), By: "a test"})
			}
			m.Reserve()
			m.Choose("A1")
			m.Choose("B2")
			m.Happen(fsm.CancelPressed{})
		}
		m.Fault("door")
		m.Fault("tilt")
		m.Mend("door")
		m.Outcome = fsm.Delivered
		take(t, s, "K1", copies(t, m, 0))
		m.Mend("tilt")
		m.Reserve() // it is open
		m.Choose("C3")
		s.docs = newDocs() // as after a start
		take(t, s, "K1", copies(t, m, 0))
		equalSales(t, s, m)
		for slot, left := range m.State.Stock {
			var there int
			var closed string
			err := s.db.QueryRow("SELECT remains, closed FROM stock WHERE slot = $1", slot).Scan(&there, &closed)
			if err != nil || there != left || closed != string(m.State.ClosedSlots()[slot]) {
				t.Errorf("slot %s: %d left, closed for %q, %v", slot, there, closed, err)
			}
		}
		var stage, sale string
		if err := s.db.QueryRow("SELECT stage, sale FROM machines").Scan(&stage, &sale); err != nil ||
			stage != string(m.State.Stage) || sale != m.State.Sale.ID {
			t.Errorf("it is in %q with sale %q, %v", stage, sale, err)
		}
		var door, tilt, stands int
		err := errors.Join(
			s.db.QueryRow("SELECT count(*) FROM faults WHERE name = 'door' AND until > since").Scan(&door),
			s.db.QueryRow("SELECT count(*) FROM faults WHERE name = 'tilt' AND until > since").Scan(&tilt),
			s.db.QueryRow("SELECT count(*) FROM faults WHERE until IS NULL").Scan(&stands))
		if err != nil || door != 1 || tilt != 1 || stands != len(against(m.State)) {
			t.Errorf("door %d, tilt %d, %d stand of %d, %v", door, tilt, stands, len(against(m.State)), err)
		}
	})
}

// equalSales compares the rows of all sales, and of their items, with the journal's own.
func equalSales(t *testing.T, s *Store, m *till.Machine) {
	t.Helper()
	want, err := m.Journal.SalesBefore(t.Context(), math.MaxInt64, 1000)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.db.Query("SELECT first, last, sale, flow, state, why, note, currency, reserved, charged, refunded, " +
		"invoice, ers, started, ended FROM sales ORDER BY first DESC")
	if err != nil {
		t.Fatal(err)
	}
	var got []journal.Numbered
	for rows.Next() {
		var n journal.Numbered
		var reserved, charged, refunded int64
		var started, ended sql.NullInt64
		if err := rows.Scan(&n.First, &n.Last, &n.ID, &n.Flow, &n.State, &n.Why, &n.Note, &n.Currency, &reserved,
			&charged, &refunded, &n.InvoiceReference, &n.ErsReference, &started, &ended); err != nil {
			t.Fatal(err)
		}
		decimal := func(minor int64) string { return money.Amount{Minor: minor, Currency: n.Currency}.Decimal() }
		n.Reserved, n.Charged, n.Refunded = decimal(reserved), decimal(charged), decimal(refunded)
		n.Started, n.Ended = timeOf(started), timeOf(ended)
		got = append(got, n)
	}
	if err := rows.Close(); err != nil || len(got) != len(want) {
		t.Fatalf("%d sales of %d, %v", len(got), len(want), err)
	}
	for n, w := range want {
		if w.Ended.IsZero() {
			w.Last = got[n].Last // the journal does not follow an open one
		}
		items := w.Items
		if w.Items = nil; !reflect.DeepEqual(got[n], w) {
			t.Errorf("the sale %+v is here %+v", w, got[n])
		}
		equalItems(t, s, w.ID, w.Currency, items)
	}
}

func equalItems(t *testing.T, s *Store, sale, currency string, want []journal.Item) {
	t.Helper()
	rows, err := s.db.Query("SELECT n, slot, name, price, vat, outcome, charged FROM items WHERE sale = $1 ORDER BY n", sale)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var i journal.Item
		var at, price, charged int64
		if err := rows.Scan(&at, &i.Slot, &i.Name, &price, &i.VAT, &i.Outcome, &charged); err != nil {
			t.Fatal(err)
		}
		i.Price, i.Charged = money.Amount{Minor: price, Currency: currency}.Decimal(), charged == 1
		if n >= len(want) || i != want[n] || at != int64(n+1) {
			t.Errorf("sale %s: item %d is %+v", sale, at, i)
		}
	}
	if n != len(want) {
		t.Errorf("sale %s: %d items of %d", sale, n, len(want))
	}
}

// TestAFailedCommitLeavesNoTransactionOpen: SQLite keeps one after some failures, and the next would find it.
func TestAFailedCommitLeavesNoTransactionOpen(t *testing.T) {
	s := opened(t, "sqlite://"+filepath.Join(t.TempDir(), "hub.db"))
	for _, q := range []string{"CREATE TABLE none (n INTEGER PRIMARY KEY)",
		"CREATE TABLE spoilt (n INTEGER REFERENCES none DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TRIGGER spoil AFTER INSERT ON entries BEGIN INSERT INTO spoilt VALUES (1); END"} {
		if _, err := s.db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	all := copies(t, machineOf(t), 0)
	for range 5 {
		if _, _, err := s.Take(t.Context(), "K1", all, noon); err == nil || !strings.Contains(err.Error(), "commit") {
			t.Fatalf("the commit does not fail: %v", err)
		}
	}
	if held, err := s.Held(t.Context(), "K1"); err != nil || held.Seq != 0 {
		t.Errorf("%+v, %v", held, err)
	}
	if _, err := s.db.Exec("DROP TRIGGER spoil"); err != nil {
		t.Fatal(err)
	}
	if f := take(t, s, "K1", all); f[Written] != len(all) {
		t.Error(f)
	}
}

// TestWritersAtOnceWriteEachEntryOnce: several hubs are given the same entries, cut in other places.
func TestWritersAtOnceWriteEachEntryOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		m := machineOf(t)
		for range 5 {
			m.Sell()
		}
		all := copies(t, m, 0)
		var mu sync.Mutex
		var work sync.WaitGroup
		sum := map[Fate]int{}
		for n := range 6 {
			work.Go(func() {
				for at := 0; at < len(all); at += n + 3 {
					_, fates, err := s.Take(t.Context(), "K1", all[at:min(at+n+3, len(all))], noon)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for _, f := range fates {
						sum[f]++
					}
					mu.Unlock()
				}
			})
		}
		work.Wait()
		if sum[Written] != len(all) || sum[Refused] != 0 || sum[Gap] != 0 {
			t.Errorf("%v of %d entries", sum, len(all))
		}
		equalSales(t, s, m)
	})
}

// TestAChainThatIsNotContinuedIsAFork: a copied card sells on from where the true one stood.
func TestAChainThatIsNotContinuedIsAFork(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		m := machineOf(t)
		m.Sell()
		all := copies(t, m, 0)
		last := all[len(all)-1]
		take(t, s, "K1", all[:len(all)-1])
		last.Prev = make([]byte, len(last.Prev))
		last.Hash = last.Sum()
		if f := take(t, s, "K1", []Copy{last}); f[Refused] != 1 {
			t.Error(f)
		}
		held, err := s.Held(t.Context(), "K1")
		if err != nil || !held.Fork || held.Seq != last.Seq-1 {
			t.Errorf("%+v, %v", held, err)
		}
		if f := take(t, s, "K1", all); f[Refused] != len(all) {
			t.Errorf("the true one is heard before a person has decided: %v", f)
		}
		if err := s.Replace(t.Context(), "K1", noon); err != nil {
			t.Fatal(err)
		}
		if f := take(t, s, "K1", all); f[Written] != len(all) {
			t.Error(f)
		}
	})
}

// TestStatesAreRememberedWithinABound, and only for the entry that they are of.
func TestStatesAreRememberedWithinABound(t *testing.T) {
	d := newDocs()
	big := make([]byte, docsMax/8)
	for n := range int64(20) {
		d.put(doc{machine: n, seq: 5, hash: []byte{1}, text: big})
	}
	if d.size > docsMax || len(d.byID) != 8 || d.order.Len() != 8 {
		t.Errorf("%d bytes of %d states", d.size, len(d.byID))
	}
	if _, ok := d.get(19, 5, []byte{1}); !ok {
		t.Error("the newest is forgotten")
	}
	for _, other := range []struct {
		seq  int64
		hash byte
	}{{4, 1}, {5, 2}} {
		if _, ok := d.get(19, other.seq, []byte{other.hash}); ok {
			t.Errorf("entry %+v has another's state", other)
		}
	}
}
