package journal

import (
	"context"
	"database/sql"
	"errors"
)

// Known gives the id of a sale other than sale that has this invoiceReference or this ersReference; "": none that is
// kept has, which pruned sales are not. Either may be empty. The sale that is open counts from its end.
func (j *Journal) Known(ctx context.Context, sale, invoice, ers string) (string, error) {
	for _, q := range []struct{ query, reference string }{
		{"SELECT id FROM sales WHERE invoice = ?1 AND invoice <> '' AND id <> ?2 LIMIT 1", invoice},
		{"SELECT id FROM sales WHERE ers = ?1 AND ers <> '' AND id <> ?2 LIMIT 1", ers},
	} {
		if q.reference == "" {
			continue
		}
		var other string
		err := j.db.QueryRowContext(ctx, q.query, q.reference, sale).Scan(&other)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		return other, fail(j.path, err)
	}
	return "", nil
}
