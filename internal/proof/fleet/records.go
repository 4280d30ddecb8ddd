package fleet

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database as an auditor sees it, without any code of the hub's
)

// ReadDatabase reads what the operator's database holds of the money and of the machines' entries.
func (b *Books) ReadDatabase(ctx context.Context, dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT invoice, currency, charged - refunded FROM sales")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var invoice, code string
		var sum int64
		if err := rows.Scan(&invoice, &code, &sum); err != nil {
			return err
		}
		if code != currency {
			return fmt.Errorf("the database has a sale in %q", code)
		}
		b.Database[invoice] += sum
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return b.readEntries(ctx, db)
}

func (b *Books) readEntries(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT kiosk, e.seq, e.hash FROM entries e JOIN machines USING (machine) "+
		"ORDER BY kiosk, e.seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var machine string
		var l Link
		if err := rows.Scan(&machine, &l.Seq, &l.Hash); err != nil {
			return err
		}
		both := b.Entries[machine]
		both.Database = append(both.Database, l)
		b.Entries[machine] = both
	}
	return rows.Err()
}

// Read reads all records of the fleet as they are now.
func (f *Fleet) Read(ctx context.Context) (*Books, error) {
	b := NewBooks()
	ledger, err := f.Phone.Ledger(ctx)
	if err != nil {
		return b, err
	}
	if err := b.ReadLedger(ledger); err != nil {
		return b, err
	}
	for _, k := range f.Machines {
		if err := b.ReadJournal(ctx, k.ID, filepath.Join(k.Dir, "journal.db")); err != nil {
			return b, err
		}
		fell, err := k.Dropped(ctx)
		if err != nil {
			return b, err
		}
		for slot, n := range fell {
			price, err := Minor(Slots()[slot])
			if err != nil {
				return b, err
			}
			b.Fell[k.ID] += price * int64(n)
		}
	}
	return b, b.ReadDatabase(ctx, f.Database.DSN())
}

// Agreed reads the records until they agree, for at most the given time: what happened last is on its way. It gives
// what it read last.
func (f *Fleet) Agreed(ctx context.Context, within time.Duration) (b *Books, err error) {
	over := time.Now().Add(within)
	for {
		b, err = f.Read(ctx)
		if err == nil && len(b.Differences()) == 0 || time.Now().After(over) {
			return b, err
		}
		select {
		case <-ctx.Done():
			return b, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
