package glasetest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
	"kioskd/internal/money"
)

// TestTheLedgerAgreesWithEveryInvoice plays at random, with every choice, and compares the ledger with what each
// invoice says of itself: nothing held unless RESERVED, nothing paid unless PAID, and then what was charged less what
// was refunded.
func TestTheLedgerAgreesWithEveryInvoice(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { playAtRandom(t, seed) })
	}
}

func playAtRandom(t *testing.T, seed uint64) {
	s := newStranger(t, glasetest.Config{Seed: seed})
	rng := rand.New(rand.NewPCG(seed, 1))
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	var refs []string
	ers := map[string]string{}
	for n := range 150 {
		if n%25 == 0 {
			s.faulty(glasetest.Faults{Choices: glasetest.Choices{AcknowledgedBy: one("asked", "latest_version"),
				UnaskedCommit:   one("keep", "reverse"),
				CancelReserved:  one("accept", "refuse_48", "refuse_51", "ignore"),
				UnaskedReserved: one("keep", "release"),
				TestTerminal:    one("cash_register", "webshop")}})
		}
		if len(refs) == 0 || rng.IntN(5) == 0 {
			mode := one(debit, preliminary)
			refs = append(refs, s.send(mode, fmt.Sprint(n), one("15.00", "22.50", "50.00"), ""))
		}
		ref := refs[max(0, len(refs)-1-rng.IntN(3))]
		amount := one("0.00", "1.00", "15.00", "22.50", "60.00")
		switch rng.IntN(8) {
		case 0, 1:
			_, _ = s.Confirm(ref, "1234")
		case 2:
			_, _ = s.CancelOnPhone(ref)
		case 3:
			s.on("cancelInvoice", ref, "")
		case 4:
			s.commit(ref, amount)
		case 5:
			s.on("updateInvoice", ref, invoiceOf(debit, "", amount, ""))
		case 6:
			if e := s.ask(ref, rng.IntN(5)).text("ersReference"); e != "" {
				ers[ref] = e
			}
		case 7:
			if ers[ref] != "" {
				s.refund(ers[ref], amount)
			}
		}
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Millisecond)
	}
	kinds := map[glasetest.Kind]int{}
	for _, m := range s.Ledger() {
		kinds[m.Kind]++
		if m.Amount.Minor <= 0 {
			t.Errorf("seed=%d: a movement of %v", seed, m.Amount)
		}
	}
	if len(kinds) < 4 {
		t.Errorf("seed=%d: only %v happened", seed, kinds)
	}
	for _, ref := range refs {
		i, err := s.Invoice(ref)
		held, paid := s.Balance(ref)
		wantHeld, wantPaid := money.Amount{Currency: held.Currency}, money.Amount{Currency: held.Currency}
		if i.Status == glasetest.Reserved {
			wantHeld = i.Reserved
		} else if i.Status == glasetest.Paid {
			wantPaid = i.Charged.Sub(i.Refunded)
		}
		if err != nil || held != wantHeld || paid != wantPaid {
			t.Errorf("seed=%d: %s is %s: held %v, paid %v; want %v and %v", seed, ref, i.Status, held, paid, wantHeld,
				wantPaid)
		}
	}
}
