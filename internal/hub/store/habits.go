package store

import (
	"context"
	"database/sql"
	"time"
)

// timesMax bounds the sales that a habit is made of: one each minute for four weeks.
const timesMax = 40_000

// SaleTimes are when a machine's sales that somebody paid for began since a moment, oldest first; at most the newest
// 40,000.
func (s *Store) SaleTimes(ctx context.Context, machine int64, since time.Time) ([]time.Time, error) {
	all, err := gather(ctx, s, func(rows *sql.Rows) (time.Time, error) {
		var at sql.NullInt64
		err := rows.Scan(&at)
		return timeOf(at), err
	}, "SELECT at FROM (SELECT "+startedAt+" AS at FROM sales s WHERE s.machine = $1 AND s.charged > 0 AND s.taken "+
		">= $2) "+
		"AS times WHERE at >= $2 ORDER BY at DESC LIMIT $3", machine, since.UnixMilli(), timesMax)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, err
}

// StockRow is what is left of a product in a slot, and how many of it came out of that slot.
type StockRow struct {
	Machine                      int64
	Slot, Name, Currency, Closed string
	Price                        int64
	Left                         int
	Sold                         int       // since the moment that was asked for
	First                        time.Time // when the first of them was sold
}

// Stock are a machine's slots, with what they sold of their present product since a moment.
func (s *Store) Stock(ctx context.Context, machine int64, since time.Time) ([]StockRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (r StockRow, err error) {
		var first sql.NullInt64
		err = rows.Scan(&r.Machine, &r.Slot, &r.Name, &r.Currency, &r.Closed, &r.Price, &r.Left, &r.Sold, &first)
		r.First = timeOf(first)
		return r, err
	}, "SELECT k.machine, k.slot, k.name, k.currency, k.closed, k.price, k.remains, COALESCE(p.n, 0), p.first FROM "+
		"stock k "+
		"LEFT JOIN (SELECT i.slot, i.name, COUNT(*) AS n, MIN(s.taken) AS first FROM sales s JOIN items i ON "+
		"i.machine = s.machine AND i.sale = s.sale WHERE s.machine = $1 AND s.taken >= $2 AND i.outcome = 'delivered' "+
		"GROUP BY i.slot, i.name) p ON p.slot = k.slot AND p.name = k.name WHERE k.machine = $1 ORDER BY k.slot",
		machine, since.UnixMilli())
}
