package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/chain"
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
			if first := int64(1); len(all) > 0 {
				all = append(all, Copy{e, all[0].First})
			} else {
				all = append(all, Copy{e, max(first, after)})
			}
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
