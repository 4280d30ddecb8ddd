package world

import (
	"fmt"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

func invoices(ledger []glasetest.Movement) map[string]bool {
	refs := map[string]bool{}
	for _, m := range ledger {
		refs[m.Invoice] = true
	}
	return refs
}

// sum is what the items with these outcomes cost, in minor units.
func sum(sale journal.Sale, outcomes ...fsm.ItemOutcome) (total int64) {
	for _, i := range sale.Items {
		for _, o := range outcomes {
			if i.Outcome == string(o) {
				total += minor(i.Price, sale.Currency)
			}
		}
	}
	return total
}

func minor(decimal, currency string) int64 {
	a, err := money.Parse(decimal, currency)
	if err != nil {
		panic(fmt.Sprintf("sim: the journal says %q: %v", decimal, err)) // this package wrote it
	}
	return a.Minor
}

// brief is a sale in one line, without its random identifiers.
func brief(s journal.Sale) string {
	line := fmt.Sprintf("%s sale %s charged %s refunded %s", s.Flow, s.State, s.Charged, s.Refunded)
	for _, i := range s.Items {
		line += fmt.Sprintf(", %s %s", i.Slot, i.Outcome)
	}
	if s.Why != "" {
		line += " (" + string(s.Why) + ")"
	}
	if s.Note != "" {
		line += ": " + s.Note
	}
	return line
}
