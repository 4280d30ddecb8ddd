package journal

import (
	"strings"
	"testing"
)

func TestASaleIsFoundByGlasesReferences(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	first := m.sell()
	sales, err := j.Sales(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	second := m.sell()
	known := func(sale, invoice, ers string) string {
		t.Helper()
		other, err := j.Known(t.Context(), sale, invoice, ers)
		if err != nil {
			t.Fatal(err)
		}
		return other
	}
	invoice, ers := sales[0].InvoiceReference, sales[0].ErsReference
	for what, c := range map[string]struct{ sale, invoice, ers, want string }{
		"the invoice of an earlier sale": {second, invoice, "", first},
		"the payment of an earlier sale": {second, "", ers, first},
		"its own":                        {first, invoice, ers, ""},
		"a new one":                      {second, "1", "2", ""},
		"none":                           {second, "", "", ""},
	} {
		if got := known(c.sale, c.invoice, c.ers); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
	for _, column := range []string{"invoice", "ers"} {
		var id, parent, unused int
		var plan string
		query := "EXPLAIN QUERY PLAN SELECT id FROM sales WHERE " + column + " = ?1 AND " + column +
			" <> '' AND id <> ?2 LIMIT 1"
		if err := j.db.QueryRowContext(t.Context(), query, "1", "2").Scan(&id, &parent, &unused, &plan); err != nil ||
			!strings.Contains(plan, "USING INDEX") {
			t.Errorf("by %s it is a scan: %s, %v", column, plan, err)
		}
	}
}
