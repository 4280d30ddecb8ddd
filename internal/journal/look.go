package journal

import (
	"context"
	"database/sql"
	"time"
)

const (
	// lookWithin bounds one reading. While it lasts the write-ahead log cannot be begun anew and grows with every
	// entry, so a reader that never ends would fill the disk. A slow SD card needs a tenth of it.
	lookWithin = 10 * time.Second
	// lookers is how many read at once: one for the technicians' port, which asks one question at a time, one for a
	// verdict, and one for the fleet.
	lookers = 3
)

// markClosed notes that a journal was closed in order, once.
const markClosed = "INSERT INTO closed SELECT (SELECT ifnull(max(seq), 0) FROM entries) WHERE NOT EXISTS (SELECT * " +
	"FROM closed)"

// What is read, and by which key. A reading never goes through all sales or all entries: see
// TestNoLookScansAllSalesOrEntries.
const (
	selectAnchor    = "SELECT seq FROM anchor"
	selectAny       = "SELECT max(seq) IS NOT NULL FROM entries"
	selectSpan      = "SELECT ifnull((SELECT min(seq) FROM entries), 0), ifnull((SELECT max(seq) FROM entries), 0)"
	selectLastWhole = "SELECT seq FROM entries WHERE seq > (SELECT max(seq) FROM entries) - ? AND whole = 1 ORDER " +
		"BY seq DESC LIMIT 1"
	selectFrom        = "SELECT " + entryColumns + " FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?"
	selectAfter       = "SELECT " + entryColumns + " FROM entries WHERE seq > ? ORDER BY seq LIMIT ?"
	selectBetween     = "SELECT " + entryColumns + " FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
	selectSalesBefore = "SELECT " + saleColumns + " FROM sales WHERE first < ? ORDER BY first DESC LIMIT ?"
	selectDoubts      = "SELECT " + saleColumns + " FROM sales WHERE state = 'in_doubt' ORDER BY first DESC LIMIT ?"
	selectDoubt       = "SELECT last FROM sales WHERE id = ? AND state = 'in_doubt'"
	selectCharged     = "SELECT last FROM (" +
		"SELECT last, state FROM sales WHERE id = ? ORDER BY first DESC LIMIT 1) WHERE state = 'charged'"
	selectSale   = "SELECT " + saleColumns + " FROM sales WHERE id = ? ORDER BY first DESC LIMIT 1"
	selectBounds = "SELECT first, iif(ended IS NULL, ?, last) FROM sales WHERE id = ? ORDER BY first DESC LIMIT 1"
	selectRunTo  = "SELECT " + entryColumns + " FROM entries WHERE seq BETWEEN " +
		"(SELECT max(seq) FROM entries WHERE seq <= ?1 AND seq > ?1 - ?2 AND whole = 1) AND ?1 ORDER BY seq"
)

// querier is a transaction, or the owner's connection.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// look asks questions in one view of the journal, as it was when the first was asked. It goes through a connection of
// its own, which can write nothing and which no Append waits for, and ends with lookWithin.
func (j *Journal) look(ctx context.Context, ask func(ctx context.Context, tx querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	tx, err := j.readers.BeginTx(ctx, nil)
	if err != nil {
		return fail(j.path, err)
	}
	defer tx.Rollback()
	return fail(j.path, ask(ctx, tx))
}
