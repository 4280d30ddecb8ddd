package journal

import (
	"bytes"
	"context"

	"kioskd/internal/chain"
)

// copiesMax bounds one answer of Copies.
const copiesMax = 500

// Copies gives the entries after an entry, oldest first, as they were written: limit of them, at most 500. It answers
// ErrCorrupt rather than an entry that is not as it was written. The first that it gives is not the next one where
// older ones were let go.
func (j *Journal) Copies(ctx context.Context, after int64, limit int) (copies []chain.Entry, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		rows, err := tx.QueryContext(ctx, selectAfter, after, max(0, min(limit, copiesMax)))
		if err != nil {
			return err
		}
		if copies, err = scanEntries(rows); err != nil {
			return err
		}
		for _, e := range copies {
			if !bytes.Equal(e.Hash, e.Sum()) {
				return corrupt(j.path, "entry %d is not as it was written", e.Seq)
			}
		}
		return nil
	})
	return copies, err
}

// Span gives the numbers of the oldest entry that the journal still has and of the last one; 0, 0: it has none yet.
func (j *Journal) Span(ctx context.Context) (first, last int64, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		return tx.QueryRowContext(ctx, selectSpan).Scan(&first, &last)
	})
	return first, last, err
}
