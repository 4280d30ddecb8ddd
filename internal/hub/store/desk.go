package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// clockless is before any sale was made: an earlier stamp is a machine without a clock, and the hub's time counts.
const clockless = "1735689600000" // 2025-01-01, in milliseconds

// The moment of a sale's beginning and end, as far as it can be known.
const (
	startedAt = "CASE WHEN s.started < " + clockless + " THEN s.taken ELSE s.started END"
	endedAt   = "CASE WHEN s.ended < " + clockless + " THEN s.taken ELSE s.ended END"
)

// endedIn finds the sales that ended from $1 on and before $2. A sale in doubt is in no sum.
const endedIn = "(s.ended >= $1 AND s.ended < $2 OR s.ended < " + clockless + " AND s.taken >= $1 AND s.taken < $2)"

// MachineRow is how a machine stands, without what it said of itself.
type MachineRow struct {
	ID                         int64
	Kiosk, Name, Group         string
	Stage, Reason, Sale        string
	Currency, Version          string
	Seq                        int64     // of the last entry that is here
	Since, Seen, Taken, Forked time.Time // when stage or reason changed, by its clock; the others by the hub's
	Retired                    time.Time // another card took its place; zero: it is in use
}

const machineColumns = "m.machine, m.kiosk, m.name, m.grp, m.stage, m.reason, m.sale, m.currency, m.version, m.seq, " +
	"m.stage_since, m.seen, m.taken, m.forked, m.retired"

func scanMachine(rows *sql.Rows) (m MachineRow, err error) {
	var since, seen, taken, forked, retired sql.NullInt64
	err = rows.Scan(&m.ID, &m.Kiosk, &m.Name, &m.Group, &m.Stage, &m.Reason, &m.Sale, &m.Currency, &m.Version, &m.Seq,
		&since, &seen, &taken, &forked, &retired)
	m.Since, m.Seen, m.Taken, m.Forked, m.Retired = timeOf(since), timeOf(seen), timeOf(taken), timeOf(forked),
		timeOf(retired)
	return m, err
}

// Machines are all that are in use, by their kiosks' ids.
func (s *Store) Machines(ctx context.Context) ([]MachineRow, error) {
	return gather(ctx, s, scanMachine, "SELECT "+machineColumns+" FROM machines m WHERE m.retired IS NULL "+
		"ORDER BY m.kiosk")
}

// Machine is one, in use or not; sql.ErrNoRows, wrapped, when there is none.
func (s *Store) Machine(ctx context.Context, id int64) (MachineRow, error) {
	all, err := gather(ctx, s, scanMachine, "SELECT "+machineColumns+" FROM machines m WHERE m.machine = $1", id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("store: machine %d: %w", id, sql.ErrNoRows)
	}
	if err != nil {
		return MachineRow{}, err
	}
	return all[0], nil
}

// gather reads all rows of a query.
func gather[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T,
	error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		all = append(all, one)
	}
	return all, wrap(rows.Err())
}

// StatusRow is what a machine last said of itself: a protocol.Condition as JSON.
type StatusRow struct {
	Machine int64
	Text    string
	At      time.Time
}

// StatusesSince are those that came from a moment on.
func (s *Store) StatusesSince(ctx context.Context, since time.Time) ([]StatusRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (r StatusRow, err error) {
		var at sql.NullInt64
		err = rows.Scan(&r.Machine, &r.Text, &at)
		r.At = timeOf(at)
		return r, err
	}, "SELECT machine, status, status_at FROM machines WHERE retired IS NULL AND status_at >= $1", since.UnixMilli())
}

// FaultRow is something that stands, or stood, against selling.
type FaultRow struct {
	Machine     int64
	Name, Slots string // the slots with blanks between them; "": the machine
	Hard        bool
	Note        string
	Since       time.Time // by the machine's clock
}

// StandingFaults are those of all machines in use, the oldest first.
func (s *Store) StandingFaults(ctx context.Context) ([]FaultRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (f FaultRow, err error) {
		var hard int
		var since sql.NullInt64
		err = rows.Scan(&f.Machine, &f.Name, &f.Slots, &hard, &f.Note, &since)
		f.Hard, f.Since = hard != 0, timeOf(since)
		return f, err
	}, "SELECT f.machine, f.name, f.slots, f.hard, f.note, f.since FROM faults f JOIN machines m ON "+
		"m.machine = f.machine WHERE f.until IS NULL AND m.retired IS NULL ORDER BY f.since, f.id")
}

// SoldRow is what a machine sold in a currency since a moment, and since an earlier one.
type SoldRow struct {
	Machine  int64
	Currency string
	Number   int64     // sales since the moment that moved money
	Paid     int64     // of them: charged less refunded, in minor units
	Last     time.Time // when the last one ended, since the earlier moment
}

// Sold adds up what each machine in use sold since a moment; Last looks back to an earlier one.
func (s *Store) Sold(ctx context.Context, since, earlier time.Time) ([]SoldRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (r SoldRow, err error) {
		var last sql.NullInt64
		err = rows.Scan(&r.Machine, &r.Currency, &r.Number, &r.Paid, &last)
		r.Last = timeOf(last)
		return r, err
	}, "SELECT s.machine, s.currency, SUM(CASE WHEN "+endedAt+" >= $3 THEN 1 ELSE 0 END), "+
		"SUM(CASE WHEN "+endedAt+" >= $3 THEN s.charged - s.refunded ELSE 0 END), MAX("+endedAt+") FROM sales s "+
		"JOIN machines m ON m.machine = s.machine WHERE m.retired IS NULL AND "+endedIn+
		" AND s.charged > 0 AND s.state <> 'in_doubt' GROUP BY s.machine, s.currency", earlier.UnixMilli(), farAway,
		since.UnixMilli())
}

// farAway is later than any sale, in milliseconds.
const farAway = int64(1) << 53

// MoneyRow is what was sold in a currency: all of it, or one product's part at the prices of the moment.
type MoneyRow struct {
	Product  string // "": all
	Currency string
	Number   int64 // sales that moved money, or products
	Charged  int64 // minor units; of a product: the prices of what is to be paid for
	Refunded int64
}

// Money adds up the sales that ended in a period, of a group or ("") of all, machines that were retired included.
// Products are at most productsMax, the most valuable first.
func (s *Store) Money(ctx context.Context, from, to time.Time, group string) (all, products []MoneyRow, err error) {
	scan := func(rows *sql.Rows) (r MoneyRow, err error) {
		err = rows.Scan(&r.Product, &r.Currency, &r.Number, &r.Charged, &r.Refunded)
		return r, err
	}
	all, err = gather(ctx, s, scan, moneyOfAll, from.UnixMilli(), to.UnixMilli(), group)
	if err != nil {
		return nil, nil, err
	}
	products, err = gather(ctx, s, scan, moneyOfProducts, from.UnixMilli(), to.UnixMilli(), group, productsMax)
	return all, products, err
}

// CROSS JOIN has SQLite begin with the days' few sales, and not with all products that were ever sold.
const (
	moneyWhere = " CROSS JOIN machines m WHERE m.machine = s.machine AND " + endedIn +
		" AND s.state <> 'in_doubt' AND ($3 = '' OR m.grp = $3)"
	moneyOfAll = "SELECT '', s.currency, COUNT(*), SUM(s.charged), SUM(s.refunded) FROM sales s" + moneyWhere +
		" AND (s.charged > 0 OR s.refunded > 0) GROUP BY s.currency ORDER BY s.currency"
	moneyOfProducts = "SELECT i.name, s.currency, COUNT(*), SUM(i.price) AS value, 0 FROM sales s CROSS JOIN items i" +
		moneyWhere + " AND i.machine = s.machine AND i.sale = s.sale AND s.charged > 0 AND i.charged = 1 " +
		"GROUP BY i.name, s.currency ORDER BY value DESC, i.name LIMIT $4"
)

const productsMax = 200
