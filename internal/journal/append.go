package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"kioskd/fsm"
	"kioskd/internal/chain"
)

// checkpointEvery is the number of entries after which the write-ahead log, about 800 KiB by then, is moved into the
// file: between sales, since it takes some hundred milliseconds of a Pi's SD card that no customer should wait for. At
// checkpointMost it is moved whatever is on, so that the log is bounded even if no sale ever ends.
const (
	checkpointEvery = 250
	checkpointMost  = 4 * checkpointEvery
)

// prepare readies the statements of an Append.
func (j *Journal) prepare(ctx context.Context) error {
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&j.tail, "SELECT ifnull(max(seq), 0) FROM entries"},
		{&j.insert, "INSERT INTO entries (" + entryColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&j.newest, "SELECT " + saleColumns + " FROM sales ORDER BY first DESC LIMIT 1"},
		{&j.sale, "INSERT INTO sales (" + saleColumns +
			") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (first) DO UPDATE SET " +
			"last = excluded.last, flow = excluded.flow, state = excluded.state, why = excluded.why, note = " +
			"excluded.note, currency = excluded.currency, " +
			"reserved = excluded.reserved, charged = excluded.charged, refunded = excluded.refunded, invoice = " +
			"excluded.invoice, ers = excluded.ers, " +
			// all but the id, whose index it leaves alone
			"items = excluded.items, started = excluded.started, ended = excluded.ended"},
	} {
		stmt, err := j.db.PrepareContext(ctx, s.text)
		if err != nil && kind(err) == nil {
			return corrupt(j.path, "%w", err)
		}
		if err != nil {
			return fail(j.path, err)
		}
		*s.stmt = stmt
	}
	return nil
}

// Append records one step: the entry and the sale's row. Both are on the disk when Append returns nil. After an error
// none of it is part of the journal, and Append may be called again with the same or another step; a power cut at the
// very moment of a failing sync may still leave the step recorded, as if the cut had come just after it. The context is
// looked at before the transaction and not in it, so that a shutdown never splits a step.
func (j *Journal) Append(ctx context.Context, rec Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("journal: append: %w", err)
	}
	e, err := encode(rec)
	if err != nil {
		return err
	}
	// SQLite would write into a file that nobody finds again
	if now, err := os.Stat(j.path); err != nil || !os.SameFile(now, j.file) {
		return &Error{Path: j.path, Kind: ErrMissing,
			Cause: errors.New("it was moved, deleted or replaced while in use")}
	}
	ctx = context.WithoutCancel(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.behind { // an entry is on the disk that its witness could not be told of: not one more
		if err := j.testify(true); err != nil {
			return err
		}
	}
	last := j.end
	next := last.add(e)
	err = j.change(ctx, func(tx *sql.Tx) error {
		var seq int64
		if err := tx.StmtContext(ctx, j.tail).QueryRowContext(ctx).Scan(&seq); err != nil {
			return err
		}
		if seq != last.seq {
			return corrupt(j.path, "the last entry is %d, and was %d: something else wrote to it", seq, last.seq)
		}
		if !j.used {
			if _, err := tx.ExecContext(ctx, "DELETE FROM closed"); err != nil {
				return err
			}
		}
		if _, err := tx.StmtContext(ctx, j.insert).
			ExecContext(ctx, e.Seq, e.Wall, e.Whole, e.Event, string(e.Body), string(e.Before), string(e.After),
				e.Prev, e.Hash); err != nil {
			return err
		}
		return j.recordSale(ctx, tx, e, rec.After.Sale)
	})
	if err != nil {
		return err
	}
	j.end = next
	if j.unrecorded && j.records(rec.After) {
		j.unrecorded = false
	}
	// The entry is on the disk whatever becomes of its witness: a failure is the next step's, which is refused until it
	// is mended.
	if err := j.testify(j.fresh || weighty(e, rec.Effects)); err == nil {
		j.fresh = false
	}
	// a copy of the file alone must show that it was copied in use; and a crash may have left a long log
	if j.unmoved++; !j.used {
		j.used = true
		j.checkpoint(ctx)
		return nil
	}
	j.moved(ctx, !rec.After.Busy())
	return nil
}

// moved makes a checkpoint when enough entries were written since the last. Called with mu held.
func (j *Journal) moved(ctx context.Context, idle bool) {
	if j.unmoved >= checkpointMost || j.unmoved >= checkpointEvery && idle {
		j.checkpoint(ctx)
	}
}

// checkpoint moves the write-ahead log into the file, as far as nobody reads in it. The witness is synced before and
// with the first entry after it, so that it is newer than the file whenever the log holds an entry that the file does
// not. What is in the log is safe there, so a failure is nobody's: the next checkpoint tries again. Called with mu
// held.
func (j *Journal) checkpoint(ctx context.Context) {
	if err := j.testify(true); err != nil {
		return
	}
	j.unmoved, j.fresh = 0, true
	j.db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
}

// add gives an entry with a whole state its place at the end, and takes from it what did not change.
func (last end) add(e *entry) end {
	next := end{seq: last.seq + 1, doc: e.After, run: last.run + 1}
	e.Seq, e.Prev, e.Whole = next.seq, last.hash, 1
	patch := chain.Diff(last.doc, e.After)
	most := wholeEvery
	if _, begins := saleOf(patch); begins {
		most = wholeSoon
	}
	if patch != nil && last.seq > 0 && next.run < most {
		e.Whole, e.After = 0, patch
	} else {
		next.run = 0
	}
	next.hash = e.Sum()
	e.Hash = next.hash
	return next
}

// encode makes the entry of a step, but for its place in the chain.
func encode(rec Record) (*entry, error) {
	e := &entry{Wall: rec.Wall.UnixMilli(), Event: fsm.Name(rec.Event)}
	var err error
	if e.Body, err = json.Marshal(rec.Event); err != nil {
		return nil, fmt.Errorf("journal: %s: %w", e.Event, err)
	}
	if e.Before, err = json.Marshal(rec.Before); err != nil {
		return nil, fmt.Errorf("journal: state before %s: %w", e.Event, err)
	}
	if string(e.Before) == "{}" {
		e.Before = nil
	}
	if e.After, err = json.Marshal(rec.After); err != nil {
		return nil, fmt.Errorf("journal: state after %s: %w", e.Event, err)
	}
	return e, nil
}

// change runs one transaction, synced when it returns nil.
func (j *Journal) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return fail(j.path, err)
	}
	if err := do(tx); err != nil {
		tx.Rollback()
		return fail(j.path, err)
	}
	if err := tx.Commit(); err != nil {
		// some failed commits leave SQLite's transaction open; in the others this does nothing
		j.db.ExecContext(ctx, "ROLLBACK")
		return fail(j.path, err)
	}
	return nil
}

// sign notes which version of the program writes from here on, when it is another one than before.
func (j *Journal) sign(ctx context.Context, version string) error {
	var last string
	err := j.db.QueryRowContext(ctx, "SELECT version FROM programs ORDER BY seq DESC LIMIT 1").Scan(&last)
	if err == nil && last == version {
		return nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fail(j.path, err)
	}
	return j.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "REPLACE INTO programs VALUES ((SELECT ifnull(max(seq), 0) + 1 FROM entries), ?)",
			version)
		return err
	})
}
