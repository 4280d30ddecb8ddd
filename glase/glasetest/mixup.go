package glasetest

// The faults of a front that mixes up its answers.
const (
	otherAnswer    = "other_answer"
	previousAnswer = "previous_answer"
	unproven       = "unproven" // a front that cuts
)

// givenMax bounds the answers that are remembered for these faults: some sales of some machines.
const givenMax = 200

// given is an answer as it was made. The right one is remembered, whatever was delivered instead.
type given struct {
	op, about string
	answer    answer
}

// doneFirst are the faults of answers to what was done.
var doneFirst = []string{"lost_answer", "gzip", otherAnswer, previousAnswer, unproven}

// unprove takes from a PAID what proves it.
func (g *Glase) unprove(ans answer) answer {
	if ans.Status != Paid || ans.Receipt == nil {
		return ans
	}
	defer g.enter()()
	switch g.chance.IntN(3) {
	case 0:
		ans.Receipt = nil
	case 1:
		ans.Ers = ""
	default:
		r := *ans.Receipt
		if r.Invoice.Total.Currency = "EUR"; ans.Receipt.Invoice.Total.Currency == "EUR" {
			r.Invoice.Total.Currency = "SEK"
		}
		ans.Receipt = &r
	}
	return ans
}

// give remembers an answer.
func (g *Glase) give(op *node, ans answer) {
	defer g.enter()()
	g.remember(op, ans)
}

func (g *Glase) remember(op *node, ans answer) {
	if len(g.given) == givenMax {
		g.given = append(g.given[:0:0], g.given[1:]...)
	}
	g.given = append(g.given, given{op.name.Local, subject(op, ans), ans})
}

// subject is the invoice or payment that a call is about; the empty one when it names none.
func subject(op *node, ans answer) string {
	for _, s := range []string{op.value("invoiceReference"), ans.Reference, op.value("ersReference")} {
		if s != "" {
			return s
		}
	}
	return ""
}

// mixUp remembers the right answer, and gives another.
func (g *Glase) mixUp(op *node, ans answer, how string) []byte {
	defer g.enter()()
	name := op.name.Local
	g.remember(op, ans)
	about := subject(op, ans)
	before := g.given[:len(g.given)-1]
	var others []given
	for _, o := range before {
		if how == otherAnswer && o.op == name && o.about != about && o.about != "" {
			others = append(others, o)
		}
	}
	if how == previousAnswer && len(before) > 0 {
		others = before[len(before)-1:]
	}
	if len(others) == 0 {
		return envelope(name, ans)
	}
	o := others[g.chance.IntN(len(others))]
	g.logf("%s about %s is answered with the answer to %s about %s", name, clip(about), o.op, clip(o.about))
	return envelope(o.op, o.answer)
}
