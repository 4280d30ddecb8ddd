package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// pruneBatch is how many entries one transaction deletes: an Append waits for at most one of them.
	pruneBatch = 200
	// clockFloor, 2025-01-01, is before any entry was ever made: an earlier stamp is a machine without a clock.
	clockFloor int64 = 1735689600000
)

// Prune deletes entries from before olderThan, and the rows of the sales that ended in them, and gives the number of
// entries deleted. It stops at the first entry that is not older, or some 50 before it, never splits a sale and keeps
// all of an open one; entries stamped by a machine that had no clock go only with a later one that is old. The oldest
// entry that is kept becomes the anchor; it holds a whole state, from which a replay begins, and a hash, from which the
// chain goes on. The last entry always stays, and so do the row of the last sale and those of sales in doubt.
//
// No entry goes whose number is above had: the operator's database has to have them first. math.MaxInt64: nobody else
// is to have any.
//
// The caller must know what time it is. The file does not shrink; later entries use its free pages.
func (j *Journal) Prune(ctx context.Context, olderThan time.Time, had int64) (n int, err error) {
	first, anchor, err := j.pruneTo(ctx, olderThan.UnixMilli(), had)
	if err != nil {
		return 0, fail(j.path, err)
	}
	for first < anchor {
		first = min(anchor, first+pruneBatch)
		var deleted int64
		err := j.change(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, "DELETE FROM entries WHERE seq < ?", first)
			if err != nil {
				return err
			}
			if deleted, err = res.RowsAffected(); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE anchor SET seq = ?", first); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx,
				"DELETE FROM sales WHERE first < ?1 AND last < ?1 AND state <> 'in_doubt' AND first < (SELECT "+
					"max(first) FROM sales)", first)
			return err
		})
		if err != nil {
			return n, err
		}
		n += int(deleted)
		j.mu.Lock()
		j.unmoved += int(deleted)
		j.moved(ctx, false)
		j.mu.Unlock()
	}
	return n, nil
}

// pruneTo finds the first entry and the one that becomes the anchor; the same when there is nothing to delete.
func (j *Journal) pruneTo(ctx context.Context, olderThan, had int64) (first, anchor int64, err error) {
	if err := j.db.QueryRowContext(ctx, "SELECT seq FROM anchor").Scan(&first); err != nil {
		return 0, 0, err
	}
	number := func(query string, args ...any) (n int64, err error) {
		err = j.db.QueryRowContext(ctx, query, args...).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		return n, err
	}
	young, err := number("SELECT seq FROM entries WHERE wall >= ? ORDER BY seq LIMIT 1", olderThan)
	if err == nil && young == 0 {
		young, err = number("SELECT seq + 1 FROM entries ORDER BY seq DESC LIMIT 1")
	}
	if err != nil {
		return 0, 0, err
	}
	old, err := number("SELECT seq FROM entries WHERE seq < ? AND wall >= ? ORDER BY seq DESC LIMIT 1", young,
		clockFloor)
	if err != nil {
		return 0, 0, err
	}
	const whole = "SELECT seq FROM entries WHERE seq <= ? AND whole = 1 ORDER BY seq DESC LIMIT 1"
	const split = "SELECT first FROM sales WHERE first < ?1 AND (ended IS NULL OR last >= ?1) ORDER BY first DESC " +
		"LIMIT 1"
	if had < old { // the anchor is the first that stays
		old = had + 1
	}
	for at := old; ; { // back over the sales that it would split
		if anchor, err = number(whole, at); err != nil || anchor <= first {
			return first, first, err
		}
		if at, err = number(split, anchor); err != nil || at == 0 {
			return first, anchor, err
		}
	}
}
