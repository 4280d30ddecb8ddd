package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"kioskd/fsm"
)

// exported exports, and holds that the copy alone is a whole journal that replays.
func exported(t *testing.T, path string, entries int) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	report, err := Export(t.Context(), path, to)
	if err != nil || report.Chain.Broken != "" || report.Chain.Entries != entries {
		t.Fatalf("%s, %v, want %d entries", mustJSON(t, report), err, entries)
	}
	if info, err := os.Stat(to); err != nil || info.Mode() != exportMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(to)); err != nil || len(files) != 1 {
		t.Errorf("beside the copy: %v, %v", files, err)
	}
	r, err := Replay(t.Context(), to)
	if err != nil || r.Difference != nil || r.Chain.Broken != "" || r.Chain.Entries != entries || r.MayEndLate ||
		r.Missing != "" {
		t.Errorf("replayed: %s, %v", mustJSON(t, r), err)
	}
	// and it can take the journal's place
	j := open(t, to)
	if chain, err := j.Verify(t.Context()); err != nil || chain.Entries != entries {
		t.Errorf("opened: %+v, %v", chain, err)
	}
	if j.Lost() == "" {
		t.Error("an export on another card, whose witness is not there, is taken for the newest there is")
	}
}

func TestAnExportIsWholeWhoeverHasTheJournalOpen(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	m.reserve()
	exported(t, path, m.steps)
	exported(t, crashed(t, path), m.steps)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	exported(t, path, m.steps)
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("an export left a -wal beside a journal that nobody has open")
	}
}

func TestASaleGoesOnDuringAnExport(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	db, _, err := attach(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin() // where VACUUM stands while it copies
	if err != nil {
		t.Fatal(err)
	}
	var before, after int
	if err := tx.QueryRow("SELECT count(*) FROM entries").Scan(&before); err != nil {
		t.Fatal(err)
	}
	for range 30 { // over a checkpoint
		m.sell()
	}
	if err := tx.QueryRow("SELECT count(*) FROM entries").Scan(&after); err != nil || after != before {
		t.Errorf("one view saw %d, then %d entries: %v", before, after, err)
	}
	tx.Rollback()
	exported(t, path, m.steps)
}

func TestAnExportNeverReplacesAFileAndLeavesNoHalf(t *testing.T) {
	path, _ := sold(t, 2)
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(t.Context(), path, taken); !errors.Is(err, ErrExists) {
		t.Errorf("onto a file: %v", err)
	}
	if _, err := Export(t.Context(), path, path); !errors.Is(err, ErrExists) {
		t.Errorf("onto itself: %v", err)
	}
	if b, err := os.ReadFile(taken); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if _, err := Export(t.Context(), path, filepath.Join(dir, "none", "copy.db")); !errors.Is(err, ErrNoFolder) {
		t.Errorf("into no folder: %v", err)
	}
	to := filepath.Join(dir, "copy.db")
	if _, err := Export(t.Context(), filepath.Join(dir, "none.db"), to); !errors.Is(err, ErrMissing) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := Export(t.Context(), taken, to); !errors.Is(err, ErrCorrupt) {
		t.Errorf("of something else: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Export(ended, path, to); !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestAnExportOntoAFullStickLeavesNothing(t *testing.T) {
	path, _ := sold(t, 40)
	stick := t.TempDir()
	if err := syscall.Mount("tmpfs", stick, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(stick, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	if _, err := Export(t.Context(), path, filepath.Join(stick, "copy.db")); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if files, err := os.ReadDir(stick); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestADamagedJournalIsExportedWithItsDamageSaid(t *testing.T) {
	path, _ := sold(t, 2)
	forged := clone(t, path, filepath.Join(t.TempDir(), "journal.db"))
	alter(t, forged, `UPDATE entries SET event = 'Ticked' WHERE seq = 7`)
	report, err := Export(t.Context(), forged, filepath.Join(t.TempDir(), "copy.db"))
	if err != nil || report.Chain.Broken == "" {
		t.Errorf("%s, %v", mustJSON(t, report), err)
	}
}

// TestAnAppendWaitsForNoReader: views of the journal are open in the same process and in another one's place, as many
// as there may be.
func TestAnAppendWaitsForNoReader(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.sell()
	inside, leave := make(chan struct{}), make(chan struct{})
	ended := make(chan error, lookers)
	for range lookers {
		go func() {
			ended <- func() error {
				// as a look does, which would end too soon on a slow disk
				tx, err := j.readers.BeginTx(t.Context(), nil)
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback() }()
				rows, err := tx.QueryContext(t.Context(), selectAfter, 0, walkBatch)
				if err != nil {
					return err
				}
				defer rows.Close()
				rows.Next() // in the middle of its answer
				inside <- struct{}{}
				<-leave
				return rows.Err()
			}()
		}()
	}
	for range lookers {
		<-inside
	}
	for range 3 * checkpointEvery / 11 { // and checkpoints are tried meanwhile
		m.sell()
	}
	close(leave)
	for range lookers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got, err := j.Load(t.Context()); err != nil || got.Sale.ID != m.state.Sale.ID {
		t.Errorf("%+v, %v", got.Sale, err)
	}
}

// TestALogThatGrewUnderAReaderIsCutAgain: once the reader has left, the log is begun anew and cut to its bound.
func TestALogThatGrewUnderAReaderIsCutAgain(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	grow := func(until int64) (size int64) {
		for range 400 {
			m.sell()
			m.states = nil
			info, err := os.Stat(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			if size = info.Size(); size > until {
				return size
			}
		}
		return size
	}
	const bound = 4 << 20
	tx, err := j.readers.BeginTx(t.Context(), nil) // as a look does, which would end too soon on a slow disk
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), selectAny).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if size := grow(bound); size <= bound {
		t.Fatalf("the log holds only %d bytes: this shows nothing", size)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range 2 * checkpointEvery / 11 {
		m.sell()
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() > bound {
		t.Errorf("without a reader the log keeps %d bytes, %v", info.Size(), err)
	}
}

// TestALookEnds: what does not end by itself is ended, and lets the log go.
func TestALookEnds(t *testing.T) {
	j, _ := fresh(t)
	newMachine(t, j).sell()
	err := j.look(t.Context(), func(ctx context.Context, _ querier) error {
		if _, bounded := ctx.Deadline(); !bounded {
			return errors.New("nothing ends it")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestALookWritesNothing: neither by SQL nor by accident.
func TestALookWritesNothing(t *testing.T) {
	j, _ := fresh(t)
	err := j.look(t.Context(), func(ctx context.Context, tx querier) error {
		_, err := tx.QueryContext(ctx, "DELETE FROM sales RETURNING first")
		if err == nil {
			return errors.New("a look deleted something")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if rec := (Record{Event: fsm.Ticked{}, After: fsm.State{Reason: "x"}}); j.Append(t.Context(), rec) != nil {
		t.Error("and the journal takes nothing any more")
	}
}

// TestNoLookScansAllSalesOrEntries asks SQLite how it would answer each question.
func TestNoLookScansAllSalesOrEntries(t *testing.T) {
	j, _ := fresh(t)
	newMachine(t, j).sell()
	may := map[string]string{ // what goes through more than it looks for, and why that is bounded
		selectAnchor:  "SCAN anchor",                   // one row
		selectSpan:    "SCAN CONSTANT ROW",             // no table's
		selectCharged: "SCAN (subquery-1)",             // the newest of one sale
		selectDoubts:  "SCAN sales USING INDEX doubts", // which holds only those in doubt, up to its LIMIT
	}
	for query, args := range map[string][]any{
		selectAnchor: nil, selectAny: nil, selectSpan: nil, selectLastWhole: {50}, selectFrom: {1, 10},
		selectAfter:   {1, 10},
		selectBetween: {1, 2, 10}, selectSalesBefore: {9, 10}, selectDoubts: {10},
		selectDoubt: {"x"}, selectCharged: {"x"}, selectSale: {"x"}, selectBounds: {9, "x"}, selectRunTo: {1, 50},
	} {
		err := j.look(t.Context(), func(ctx context.Context, tx querier) error {
			rows, err := tx.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var how string
				if err := rows.Scan(&id, &parent, &unused, &how); err != nil {
					return err
				}
				if len(how) >= 4 && how[:4] == "SCAN" && how != may[query] || len(how) >= 8 && how[:8] == "USE TEMP" {
					t.Errorf("%s: %s", query, how)
				}
			}
			return rows.Err()
		})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}
