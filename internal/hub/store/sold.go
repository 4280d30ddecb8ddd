package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kioskd/internal/chain"
)

// SaleRow is a sale, with the machine that made it.
type SaleRow struct {
	Machine                     int64
	Kiosk, MachineName, Group   string
	Sale                        string
	Flow, State, Why, Note      string
	Currency                    string
	Reserved, Charged, Refunded int64 // minor units
	Invoice, Ers                string
	Started, Ended, Taken       time.Time // by the machine's clock, and when its last change was written here
	Seq                         int64     // of its first entry
}

const saleRowColumns = "s.machine, m.kiosk, m.name, m.grp, s.sale, s.flow, s.state, s.why, s.note, s.currency, " +
	"s.reserved, " +
	"s.charged, s.refunded, s.invoice, s.ers, s.started, s.ended, s.taken, s.first"

const fromSales = " FROM sales s JOIN machines m ON m.machine = s.machine"

func (r *SaleRow) scan(rows *sql.Rows, more ...any) error {
	var started, ended, taken sql.NullInt64
	err := rows.Scan(append([]any{&r.Machine, &r.Kiosk, &r.MachineName, &r.Group, &r.Sale, &r.Flow, &r.State, &r.Why,
		&r.Note, &r.Currency, &r.Reserved, &r.Charged, &r.Refunded, &r.Invoice, &r.Ers, &started, &ended, &taken,
		&r.Seq}, more...)...)
	r.Started, r.Ended, r.Taken = timeOf(started), timeOf(ended), timeOf(taken)
	return err
}

func scanSale(rows *sql.Rows) (r SaleRow, err error) {
	err = r.scan(rows)
	return r, err
}

// InDoubt are the sales of all machines that wait for a person, the oldest first, at most limit, and how many there
// are. They stay when their machine is replaced.
func (s *Store) InDoubt(ctx context.Context, limit int) (sales []SaleRow, number int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sales WHERE state IN ('open', 'in_doubt', 'lost') AND "+
		"state = 'in_doubt'").Scan(&number)
	if err != nil {
		return nil, 0, wrap(err)
	}
	sales, err = gather(ctx, s, scanSale,
		"SELECT "+saleRowColumns+fromSales+" WHERE s.state IN ('open', 'in_doubt', 'lost') "+
			"AND s.state = 'in_doubt' ORDER BY s.taken, s.machine, s.first LIMIT $1", limit)
	return sales, number, err
}

// SalesBefore are a machine's newest sales that began before an entry, newest first, at most limit.
func (s *Store) SalesBefore(ctx context.Context, machine, entry int64, limit int) ([]SaleRow, error) {
	return gather(ctx, s, scanSale, "SELECT "+saleRowColumns+fromSales+" WHERE s.machine = $1 AND s.first < $2 "+
		"ORDER BY s.first DESC LIMIT $3", machine, entry, limit)
}

// Sale is one; sql.ErrNoRows, wrapped, when there is none.
func (s *Store) Sale(ctx context.Context, machine int64, sale string) (SaleRow, error) {
	all, err := gather(ctx, s, scanSale, "SELECT "+saleRowColumns+fromSales+" WHERE s.machine = $1 AND s.sale = $2",
		machine, sale)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("store: sale %q of machine %d: %w", sale, machine, sql.ErrNoRows)
	}
	if err != nil {
		return SaleRow{}, err
	}
	return all[0], nil
}

// ItemRow is a product of a sale.
type ItemRow struct {
	Sale                string
	N                   int // from 1
	Slot, Name, Outcome string
	Price               int64
	VAT                 int
	Charged             bool
}

// Items are those of a machine's sales that began from one entry on and before another.
func (s *Store) Items(ctx context.Context, machine, from, before int64) ([]ItemRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (i ItemRow, err error) {
		var charged int
		err = rows.Scan(&i.Sale, &i.N, &i.Slot, &i.Name, &i.Outcome, &i.Price, &i.VAT, &charged)
		i.Charged = charged != 0
		return i, err
	}, "SELECT i.sale, i.n, i.slot, i.name, i.outcome, i.price, i.vat, i.charged FROM sales s JOIN items i ON "+
		"i.machine = s.machine AND i.sale = s.sale WHERE s.machine = $1 AND s.first >= $2 AND s.first < $3 "+
		"ORDER BY s.first, i.n", machine, from, before)
}

// Entries are a machine's entries from one to another, both included, oldest first, at most limit.
func (s *Store) Entries(ctx context.Context, machine, from, to int64, limit int) ([]chain.Entry, error) {
	return gather(ctx, s, func(rows *sql.Rows) (e chain.Entry, err error) {
		err = rows.Scan(&e.Seq, &e.Wall, &e.Whole, &e.Event, &e.Body, &e.Before, &e.After, &e.Prev, &e.Hash)
		return e, err
	}, "SELECT seq, wall, whole, event, body, before, after, prev, hash FROM entries WHERE machine = $1 AND seq >= $2 "+
		"AND seq <= $3 ORDER BY seq LIMIT $4", machine, from, to, limit)
}

// LastOf is the entry that last changed a sale.
func (s *Store) LastOf(ctx context.Context, machine int64, sale string) (last int64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT last FROM sales WHERE machine = $1 AND sale = $2", machine,
		sale).Scan(&last)
	return last, wrap(err)
}

// sliceOf is how much of a period is read at once: a query must not wait for whoever reads a long answer slowly.
const sliceOf = time.Hour

// Export gives every sale that ended in a period, and those that began in it and are still open, of a group or ("") of
// all, hour by hour, to a function. A sale that ends meanwhile may be given twice.
func (s *Store) Export(ctx context.Context, from, to time.Time, group string, give func(SaleRow) error) error {
	return hourly(from, to, func(from, to time.Time) error {
		rows, err := gather(ctx, s, scanSale, "SELECT "+saleRowColumns+fromSales+exported+inOrder, from.UnixMilli(),
			to.UnixMilli(), group)
		for i := 0; err == nil && i < len(rows); i++ {
			err = give(rows[i])
		}
		return err
	})
}

// ExportItems is Export for the products of the same sales.
func (s *Store) ExportItems(ctx context.Context, from, to time.Time, group string,
	give func(SaleRow, ItemRow) error) error {
	type both struct {
		SaleRow
		item ItemRow
	}
	scan := func(rows *sql.Rows) (b both, err error) {
		var charged int
		err = b.scan(rows, &b.item.N, &b.item.Slot, &b.item.Name, &b.item.Outcome, &b.item.Price, &b.item.VAT, &charged)
		b.item.Sale, b.item.Charged = b.Sale, charged != 0
		return b, err
	}
	return hourly(from, to, func(from, to time.Time) error {
		rows, err := gather(ctx, s, scan, itemsExported, from.UnixMilli(), to.UnixMilli(), group)
		for i := 0; err == nil && i < len(rows); i++ {
			err = give(rows[i].SaleRow, rows[i].item)
		}
		return err
	})
}

const (
	exported = " WHERE (" + endedIn + " OR s.ended IS NULL AND s.started >= $1 AND s.started < $2) " +
		"AND ($3 = '' OR m.grp = $3)"
	inOrder = " ORDER BY COALESCE(s.ended, s.started), s.machine, s.first"
	// as moneyOfProducts
	itemsExported = "SELECT " + saleRowColumns + ", i.n, i.slot, i.name, i.outcome, i.price, i.vat, i.charged " +
		"FROM sales s CROSS JOIN items i CROSS JOIN machines m" + exported + " AND m.machine = s.machine " +
		"AND i.machine = s.machine AND i.sale = s.sale" + inOrder + ", i.n"
)

func hourly(from, to time.Time, do func(from, to time.Time) error) error {
	for ; from.Before(to); from = from.Add(sliceOf) {
		end := from.Add(sliceOf)
		if end.After(to) {
			end = to
		}
		if err := do(from, end); err != nil {
			return err
		}
	}
	return nil
}
