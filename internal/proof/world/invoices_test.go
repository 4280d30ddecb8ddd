package world

import (
	"flag"
	"testing"
)

var forgetfulFlag = flag.Uint64("forgetful", 20,
	"play this many worlds of each flow with a Glase that knows no clientInvoiceId again")

// TestNoInvoiceIsForgottenWhenGlaseMakesNewOnes plays worlds whose Glase makes a new invoice of each sendInvoice, in
// each flow and on both kinds of terminal.
func TestNoInvoiceIsForgottenWhenGlaseMakesNewOnes(t *testing.T) {
	for _, flow := range []string{"reservation", "sticker", "invoice"} {
		t.Run(flow, func(t *testing.T) {
			sums, ground := newTally(), NewGround(t, t.TempDir())
			for seed := *fromFlag; seed < *fromFlag+*forgetfulFlag; seed++ {
				o := Options{Flow: flow, NewInvoices: true, Ground: ground}
				r := Play(t, seed, o)
				sums.add(tale{Seed: seed, Result: &r})
				if len(r.Violations) > 0 {
					t.Fatal(Report(t, seed, o, r))
				}
			}
			t.Log(sums.text())
		})
	}
}
