package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
)

// Settled is the verdict on a period of which nothing is left to look into; it is package books' word for such a sale.
// Unsettled is the other, and Unbalanced is of a period without a balance.
const (
	Settled    = "settled"
	Unsettled  = "unsettled"
	Unbalanced = "no_balance"
)

// balanced writes what a machine's books say of a period: a row for the period, and one for each sale that somebody
// must look into. A period that is told again takes the place of what was told of it.
func (s *Store) balanced(ctx context.Context, tx *sql.Tx, kiosk string, b protocol.ConditionBooks,
	now time.Time) error {
	period := fmt.Sprintf("report %d", b.Number)
	if _, err := tx.ExecContext(ctx, "DELETE FROM reconciliations WHERE kiosk = $1 AND period = $2", kiosk,
		period); err != nil {
		return err
	}
	verdict, note, all := Settled, "", 0
	var counts []string
	for _, word := range slices.Sorted(maps.Keys(b.Verdicts)) {
		all += b.Verdicts[word]
		if word != Settled && b.Verdicts[word] > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", b.Verdicts[word], strings.ReplaceAll(word, "_", " ")))
		}
	}
	note = strings.Join(append([]string{fmt.Sprintf("%d of %d settled", b.Verdicts[Settled], all)}, counts...), ", ")
	switch {
	case b.Problem != "":
		verdict, note = Unbalanced, b.Problem
	case len(counts) > 0:
		verdict = Unsettled
	}
	rows := [][3]string{{"", verdict, note}}
	for n, v := range b.Open[:min(len(b.Open), protocol.BooksMax)] {
		sale := v.Sale
		if sale == "" || slices.ContainsFunc(rows, func(r [3]string) bool { return r[0] == clip(sale) }) {
			sale = fmt.Sprintf("%s (%d)", sale, n+1)
		}
		rows = append(rows, [3]string{clip(sale), v.Verdict, v.Note})
	}
	for _, r := range rows {
		if _, err := tx.ExecContext(ctx,
			"INSERT INTO reconciliations (kiosk, period, sale, verdict, note, made) VALUES "+
				values(1, 6), kiosk, period, r[0], clip(r[1]), clip(r[2]), now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// VerdictRow is what the books say of a sale, or ("") of a period.
type VerdictRow struct {
	Kiosk, Period, Sale, Verdict, Note string
	Made                               time.Time
}

// Verdicts are what the books of each machine say of the period that was balanced last, those that are not settled
// first and then the newest, at most limit.
func (s *Store) Verdicts(ctx context.Context, limit int) ([]VerdictRow, error) {
	return gather(ctx, s, func(rows *sql.Rows) (v VerdictRow, err error) {
		var made sql.NullInt64
		err = rows.Scan(&v.Kiosk, &v.Period, &v.Sale, &v.Verdict, &v.Note, &made)
		v.Made = timeOf(made)
		return v, err
	}, "SELECT r.kiosk, r.period, r.sale, r.verdict, r.note, r.made FROM reconciliations r JOIN (SELECT kiosk, "+
		"MAX(made) AS made FROM reconciliations GROUP BY kiosk) n ON n.kiosk = r.kiosk AND n.made = r.made "+
		"ORDER BY CASE WHEN r.verdict = $1 THEN 1 ELSE 0 END, r.made DESC, r.kiosk, r.sale LIMIT $2", Settled, limit)
}
