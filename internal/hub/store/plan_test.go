package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNoQueryOfTheDeskReadsAllThatWasEverSold looks at SQLite's plans, which has no statistics to choose by.
func TestNoQueryOfTheDeskReadsAllThatWasEverSold(t *testing.T) {
	s := opened(t, "sqlite://"+filepath.Join(t.TempDir(), "hub.db"))
	args := []any{noon.UnixMilli(), noon.Add(time.Hour).UnixMilli(), "", 10}
	for q, n := range map[string]int{moneyOfProducts: 4, moneyOfAll: 3, itemsExported: 3} {
		rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q, args[:n]...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var a, b, c int
			var step string
			if err := rows.Scan(&a, &b, &c, &step); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s\n%s", step, q)
			}
		}
		rows.Close()
	}
}
