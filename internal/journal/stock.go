package journal

import (
	"context"
	"database/sql"

	"kioskd/fsm"
)

// SeedStock gives each slot that was never seen before its first stock. Known slots keep theirs: what is in the machine is known
// here, not in a config.
func (j *Journal) SeedStock(ctx context.Context, first map[string]int) error {
	return j.change(ctx, func(tx *sql.Tx) error {
		for slot, n := range first {
			if _, err := tx.ExecContext(ctx, "INSERT INTO stock VALUES (?, ?) ON CONFLICT DO NOTHING", slot, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Stock is how many products are left in each slot that was ever seen, also those that are no longer configured.
func (j *Journal) Stock(ctx context.Context) (map[string]int, error) {
	stock := map[string]int{}
	err := j.look(ctx, func(ctx context.Context, tx querier) error {
		rows, err := tx.QueryContext(ctx, selectStock)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var slot string
			var n int
			if err := rows.Scan(&slot, &n); err != nil {
				return err
			}
			stock[slot] = n
		}
		return rows.Err()
	})
	return stock, err
}

// recordStock is what a step says about the stock.
func (j *Journal) recordStock(ctx context.Context, tx *sql.Tx, effects []fsm.Effect) error {
	for _, effect := range effects {
		var err error
		switch f := effect.(type) {
		case fsm.TakeStock:
			_, err = tx.StmtContext(ctx, j.take).ExecContext(ctx, f.Slot)
		case fsm.SetStock:
			_, err = tx.ExecContext(ctx, "REPLACE INTO stock VALUES (?, ?)", f.Slot, f.Left)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SetStock is a technician's word on how many products are in a slot.
func (j *Journal) SetStock(ctx context.Context, slot string, n int) error {
	return j.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "REPLACE INTO stock VALUES (?, ?)", slot, n)
		return err
	})
}
