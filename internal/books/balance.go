package books

import (
	"cmp"
	"fmt"
	"slices"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

// The verdicts on a sale.
const (
	Settled        = "settled"          // Glase has what this machine has
	MissingAtGlase = "missing_at_glase" // charged here, and Glase's report has nothing of it
	MissingHere    = "missing_here"     // Glase has a movement that no sale of this machine knows
	AmountDiffers  = "amount_differs"
	Doubled        = "doubled"  // Glase has taken it more than once
	InDoubt        = "in_doubt" // no verdict while the sale itself waits for one
	Unknown        = "unknown"  // the report cannot say: why stands in the note
)

// account is a sale, and what Glase's reports say of it.
type account struct {
	journal.Numbered
	before int64 // what earlier reports had of it, in sum, minor units
	rows   []int64
}

// owed is what the customer has paid in the end by the machine's own record, minor units.
func (a account) owed(currency string) (charged, net int64) {
	charged, refunded := minor(a.Charged, currency), minor(a.Refunded, currency)
	return charged, charged - refunded
}

// minor reads an amount that the journal has written.
func minor(decimal, currency string) int64 {
	a, err := money.ParseXML(decimal, currency)
	if err != nil {
		panic("books: the journal's amount: " + err.Error()) // money.Amount wrote it
	}
	return a.Minor
}

// at is what Glase has of it, in sum.
func (a account) at() int64 {
	sum := a.before
	for _, r := range a.rows {
		sum += r
	}
	return sum
}

// balance gives a verdict for every sale and for every movement that is nobody's. Rows are this terminal's alone.
// Whether a refund's row has the payment's ersReference or one of its own is not documented: one that is nobody's goes
// to a sale of which just so much went back. lost says why what is missing may stand elsewhere; "": it does not.
func balance(currency string, sales []journal.Numbered, before map[string]int64, rows []glase.StatementRow,
	lost string) (verdicts []api.Balance, reversed int) {
	var foreign []api.Balance
	sales = slices.DeleteFunc(slices.Clone(sales), func(s journal.Numbered) bool {
		if s.Currency == "" || s.Currency == currency {
			return false
		}
		foreign = append(foreign, api.Balance{Sale: s.ID, ErsReference: s.ErsReference, State: s.State,
			Verdict: Unknown, Currency: s.Currency, Here: s.Charged, Glase: "0.00",
			Note: "it was sold in " + s.Currency + ", and Glase's report is read in " + currency})
		return true
	})
	accounts, byErs := make([]account, len(sales)), map[string]*account{}
	for i, s := range sales {
		accounts[i] = account{Numbered: s, before: before[s.ID]}
		if s.ErsReference != "" {
			byErs[s.ErsReference] = &accounts[i]
		}
	}
	strange, order := map[string][]int64{}, []string{}
	for _, r := range rows {
		if a := byErs[r.ErsReference]; a != nil {
			a.rows = append(a.rows, r.Amount.Minor)
			continue
		}
		if strange[r.ErsReference] == nil {
			order = append(order, r.ErsReference)
		}
		strange[r.ErsReference] = append(strange[r.ErsReference], r.Amount.Minor)
	}
	given := refunds(strange, order)
	for i := range accounts {
		a := &accounts[i]
		if _, net := a.owed(currency); a.at() > net {
			a.rows = append(a.rows, given.take(net-a.at())...)
		}
		verdicts = append(verdicts, a.verdict(currency, lost))
	}
	sums := map[string]int64{}
	for _, ers := range order {
		for _, r := range strange[ers] {
			sums[ers] += r
		}
		if sum := sums[ers]; sum > 0 && len(given.take(-sum)) > 0 {
			sums[ers] = 0
		}
	}
	for _, ers := range order {
		switch sum := sums[ers]; {
		case given.taken[ers]:
		case sum == 0: // paid and taken back by Glase: the customer was told so, and nothing is owed
			reversed++
		default:
			v := api.Balance{ErsReference: ers, Verdict: MissingHere, Currency: currency, Here: decimal(0, currency),
				Glase: decimal(sum, currency), Note: "no sale of this machine has this ersReference"}
			if sum < 0 {
				v.Note = "a refund that this machine did not ask for: by hand, perhaps"
			}
			verdicts = append(verdicts, v)
		}
	}
	return append(verdicts, foreign...), reversed
}

func decimal(minor int64, currency string) string {
	return money.Amount{Minor: minor, Currency: currency}.Decimal()
}

// verdict is what becomes of one sale's comparison.
func (a account) verdict(currency, lost string) api.Balance {
	charged, net := a.owed(currency)
	at := a.at()
	v := api.Balance{
		Sale: a.ID, ErsReference: a.ErsReference, State: a.State, Currency: currency,
		Here: decimal(net, currency), Glase: decimal(at, currency),
	}
	nothing := len(a.rows) == 0 && a.before == 0
	switch {
	case a.State == string(fsm.InDoubt) && a.ErsReference == "":
		v.Verdict, v.Note = InDoubt, "it has no ersReference to look for: resolve it, then report again"
	case a.State == string(fsm.InDoubt):
		v.Verdict, v.Note = InDoubt, "resolve it by what Glase has of it"
	case at == net:
		v.Verdict = Settled
	case nothing && lost != "":
		v.Verdict, v.Note = Unknown, lost
	case nothing:
		v.Verdict, v.Note = MissingAtGlase, "charged here, and not in Glase's report"
	case charged > 0 && at > net && (at-net)%charged == 0 && a.payments(charged) > 1:
		v.Verdict, v.Note = Doubled, fmt.Sprintf("taken %d times", a.payments(charged))
	default:
		v.Verdict = AmountDiffers
		if refunded := charged - net; refunded > 0 && at == charged {
			v.Note = "what went back is not in Glase's report"
		}
	}
	return v
}

// payments counts how often the whole charge was taken.
func (a account) payments(charged int64) (n int) {
	if a.before >= charged {
		n++
	}
	for _, r := range a.rows {
		if r == charged {
			n++
		}
	}
	return n
}

// pool is the movements below zero that no sale's ersReference claims.
type pool struct {
	rows  []refund
	taken map[string]bool // by ersReference
}

type refund struct {
	ers    string
	amount int64
}

// refundsMax bounds how many of them are tried together for one sale.
const refundsMax = 12

func refunds(strange map[string][]int64, order []string) pool {
	p := pool{taken: map[string]bool{}}
	for _, ers := range order {
		if rows := strange[ers]; len(rows) == 1 && rows[0] < 0 {
			p.rows = append(p.rows, refund{ers, rows[0]})
		}
	}
	slices.SortStableFunc(p.rows, func(a, b refund) int { return cmp.Compare(a.amount, b.amount) }) // the largest first
	return p
}

// take gives the movements that make up a sum below zero together; none when none do.
func (p *pool) take(sum int64) (amounts []int64) {
	var open []refund
	for _, r := range p.rows {
		if !p.taken[r.ers] && r.amount >= sum && len(open) < refundsMax {
			open = append(open, r)
		}
	}
	for _, r := range subset(open, sum) {
		p.taken[r.ers] = true
		amounts = append(amounts, r.amount)
	}
	return amounts
}

// subset is the first of the fewest that add up to sum.
func subset(from []refund, sum int64) []refund {
	var best []refund
	for mask := uint(1); mask < 1<<len(from); mask++ {
		var some []refund
		left := sum
		for i, r := range from {
			if mask>>i&1 == 1 {
				some, left = append(some, r), left-r.amount
			}
		}
		if left == 0 && (best == nil || len(some) < len(best)) {
			best = some
		}
	}
	return best
}
