package world

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
)

// midRefund are the acts of a refund at which a run may die.
var midRefund = []string{"record SaleResolved", "hear getPaymentStatus", "record StatusAnswered", "send refundPayment",
	"hear refundPayment", "hear refundPayment", "record PaymentRefunded"}

// givesBack is a technician who gives something back of a sale that was charged, whatever the machine is doing: a part,
// all that is left, or more than that; once, or again since the answer was lost.
func (w *world) givesBack(r *rand.Rand) {
	charged := slices.DeleteFunc(w.store.sales(),
		func(s journal.Sale) bool { return s.State != string(fsm.Charged) })
	if len(charged) == 0 || w.o.LoseLog > 0 { // who knows that records are lost gives nothing back by them
		return
	}
	sale := charged[r.IntN(len(charged))]
	left := netOf(sale)
	asked := 1 + r.Int64N(max(left, 1))
	switch r.IntN(8) {
	case 0:
		asked = everything
	case 1:
		asked = left
	case 2:
		asked += left
	}
	if l := w.running(); l != nil && w.restless && r.IntN(3) == 0 {
		l.gate.aimAt(midRefund[r.IntN(len(midRefund))])
	}
	if r.IntN(2) == 0 {
		w.troubleAtARefund(r)
	}
	for range []int{1, 1, 2, 2, 3}[r.IntN(5)] {
		for range 3 { // whoever is at the machine comes first
			if err := w.refund(sale, asked); !errors.Is(err, kiosk.ErrBusy) {
				break
			}
			time.Sleep(seconds(r, 20))
		}
		if r.IntN(2) == 0 {
			time.Sleep(seconds(r, 30))
		}
	}
	if r.IntN(2) == 0 { // what stands in doubt now is looked up
		time.Sleep(seconds(r, 60))
		w.decide(r)
	}
}

// troubleAtARefund makes Glase lose the next answer about one, or refuse it; with 98, which says that it was made, it
// is.
func (w *world) troubleAtARefund(r *rand.Rand) {
	w.glaseMu.Lock()
	defer w.glaseMu.Unlock()
	f, rule := w.glase.Faults(), glasetest.Fault{Operation: "refundPayment", Fault: "lost_answer", Count: 1}
	if c := []glasetest.Code{0, 0, 98, 98, 97, 99, 48, 93}[r.IntN(8)]; c != 0 {
		rule.Fault, rule.Code, rule.Acts = "result_code", &c, c == 98
		if refuses := f.Choices.Refunds; rule.Acts && refuses != "" && refuses != "allow" {
			return // it would say so of what was refused
		}
	}
	f.Rules = append([]glasetest.Fault{w.rule(rule)}, f.Rules...)
	w.setFaults(f)
}

// refund is one request.
func (w *world) refund(sale journal.Sale, asked int64) error {
	l := w.running()
	if l == nil || w.store.mute() {
		return nil
	}
	amount := ""
	if asked != everything {
		amount = money.Amount{Minor: asked, Currency: sale.Currency}.Decimal()
	}
	g := w.referee.asked(sale, asked)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	v := fsm.Verdict{Decision: fsm.Refund, By: "technician", Reason: "it was warm"}
	err := l.app.Refund(ctx, sale.ID, amount, v)
	w.diary.note("a technician gives back %q of %s: %v", amount, sale.ID, err)
	if err != nil && ctx.Err() == nil {
		w.referee.declined(g)
	}
	return err
}

// netOf is what the journal says that the customer has paid in the end.
func netOf(s journal.Sale) int64 { return minor(s.Charged, s.Currency) - minor(s.Refunded, s.Currency) }

// requests counts how the requests to give back went.
func (f *referee) requests() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := map[string]int{}
	for _, g := range f.givings.all {
		switch {
		case g.opened.IsZero() && g.declined:
			count["declined"]++
		case g.opened.IsZero():
			count["lost"]++ // with the run that was asked
		case g.noted == 0 && g.doubtful:
			count["in doubt"]++
		case g.noted == 0:
			count["refused"]++
		case g.asked < netOf(g.before):
			count["of a part"]++
		default:
			count["of all"]++
		}
	}
	return count
}

// everything is a request for all that is left.
const everything = 0

// giving is one request of a technician's to give back, and what came of it.
type giving struct {
	sale     string
	asked    int64
	began    time.Time
	declined bool         // the kiosk said no
	opened   time.Time    // it is on record; zero: not yet
	before   journal.Sale // as the sale stood then
	seen     int          // movements in Glase's ledger then
	ended    time.Time
	doubtful bool // it ended so, and nobody has decided since
	// what went back by the journal, and less what went back by Glase's ledger; that is not 0 only when Glase said no
	// to what it did
	noted, astray int64
}

// givings are the requests.
type givings struct {
	all  []*giving
	over map[string]journal.Sale // the sales as they last ended
}

// asked is a request that begins.
func (f *referee) asked(sale journal.Sale, asked int64) *giving {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := &giving{sale: sale.ID, asked: asked, began: time.Now()}
	f.givings.all = append(f.givings.all, g)
	return g
}

func (f *referee) declined(g *giving) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g.declined = true
}

// gives is the request that a sale which had ended is opened for, now; nil: nobody asked for that. One that was
// declined may be on a disk all the same that said it had written nothing. Called with the referee locked.
func (f *referee) gives(sale journal.Sale, seen int) *giving {
	before := f.givings.over[sale.ID]
	if before.State != string(fsm.Charged) {
		return nil
	}
	for _, declined := range []bool{false, true} {
		for _, g := range f.givings.all {
			if g.sale != sale.ID || !g.opened.IsZero() || g.declined != declined ||
				declined && (g.asked > netOf(before) || !f.world.harm.during(g.began, time.Now(), diskRefuses)) {
				continue
			}
			g.opened, g.before, g.seen = time.Now(), before, seen
			return g
		}
	}
	return nil
}

// giving is the request that the sale was last opened for; nil: none.
func (f *referee) giving(sale string) (last *giving) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.givings.all {
		if g.sale == sale && !g.opened.IsZero() && (last == nil || !g.opened.Before(last.opened)) {
			last = g
		}
	}
	return last
}

// givenBack is what requests took from the sale by the journal, and what Glase's ledger has less of that.
func (f *referee) givenBack(sale journal.Sale) (noted, astray int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.givings.all {
		if g.sale == sale.ID {
			noted, astray = noted+g.noted, astray+g.astray
		}
	}
	return noted, astray
}

// gave looks at a sale that has ended: at what was asked to go back, and did.
func (f *referee) gave(sale journal.Sale) {
	if _, paid := f.world.glase.Balance(sale.InvoiceReference); paid.Minor < 0 || netOf(sale) < 0 {
		f.violated("more was given back than was charged: Glase has %d left of it: %s", paid.Minor, brief(sale))
	}
	g := f.giving(sale.ID)
	if g == nil {
		return
	}
	if !g.ended.IsZero() {
		f.gaveByVerdict(g, sale)
		return
	}
	asked, left := g.asked, netOf(g.before)
	if asked == everything {
		asked = left
	}
	moves, moved := f.wentBack(sale.InvoiceReference, g.seen)
	noted := left - netOf(sale)
	doubtful := sale.State == string(fsm.InDoubt)
	f.mu.Lock()
	g.asked, g.ended, g.doubtful = asked, time.Now(), doubtful
	turned := slices.ContainsFunc(f.starts,
		func(s start) bool { return s.sale == sale.ID && s.act == "" && !s.at.Before(g.opened) })
	f.mu.Unlock()
	switch {
	case asked > left:
		f.violated("%d goes back of the %d that are left: %s", asked, left, brief(sale))
	case moves > 1:
		f.violated("money went back %d times for one request: %s", moves, brief(sale))
	case turned, !slices.Equal(sale.Items, g.before.Items):
		f.violated("giving back moves a motor, or changes what came out: %s", brief(sale))
	case sale.Charged != g.before.Charged:
		f.violated("giving back changes what was charged from %s: %s", g.before.Charged, brief(sale))
	}
	if f.carelessly(sale) {
		return
	}
	switch {
	case moved != 0 && moved != asked, !doubtful && noted != 0 && noted != asked:
		f.violated("%d went back at Glase and %d in the journal, and %d was asked for: %s", moved, noted, asked,
			brief(sale))
	case doubtful:
		return
	case noted != moved && !(noted == 0 && f.saidNo(g, untrueRefund...)):
		f.violated("the journal says that %d went back, and Glase that %d did: %s", noted, moved, brief(sale))
	case noted == 0 && !f.saidNo(g, refundsChoice) && !f.refusedRefund(g):
		f.violated("a request to give back was turned down, and nothing happened that explains it: %s", brief(sale))
	case noted == 0 && sale.State != g.before.State:
		f.violated("a request to give back was turned down, and the sale is not what it was: %s", brief(sale))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	g.noted, g.astray = noted, noted-moved
}

// gaveByVerdict: what a person decides about a request that stood in doubt is whether it was made.
func (f *referee) gaveByVerdict(g *giving, sale journal.Sale) {
	if !g.doubtful || sale.State == string(fsm.InDoubt) {
		return
	}
	noted := netOf(g.before) - netOf(sale)
	if noted != 0 && noted != g.asked && !f.carelessly(sale) {
		f.violated("%d went back, and a person had decided about %d: %s", noted, g.asked, brief(sale))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	g.doubtful, g.noted = false, noted
}

// wentBack is how often, and how much of an invoice Glase has given back since so many movements.
func (f *referee) wentBack(invoice string, since int) (times int, minor int64) {
	for _, m := range f.world.glase.Ledger()[since:] {
		if m.Invoice == invoice && m.Kind == glasetest.Refund {
			times, minor = times+1, minor+m.Amount.Minor
		}
	}
	return times, minor
}

// untrueRefund are the spans in which Glase refused what it did.
var untrueRefund = []string{"refundPayment" + untrue, "*" + untrue}

func (f *referee) saidNo(g *giving, kinds ...string) bool {
	return f.world.harm.during(g.opened, time.Now(), kinds...)
}

func (f *referee) refusedRefund(g *giving) bool {
	return f.world.harm.duringPrefix(g.opened, time.Now(), "refundPayment says ", "* says ")
}

// parted: a part of the sale was asked to go back, whatever became of it.
func (f *referee) parted(sale journal.Sale) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.givings.all, func(g *giving) bool {
		return g.sale == sale.ID && !g.opened.IsZero() && g.asked != everything &&
			g.asked < minor(sale.Charged, sale.Currency)
	})
}

// mayDoubtGiving: of a part that was to go back nobody knows whether it did, nor of all once a part was asked for.
func (f *referee) mayDoubtGiving(sale journal.Sale) bool {
	g := f.giving(sale.ID)
	return g != nil && f.parted(sale) &&
		f.world.harm.during(g.opened, time.Now(), diskRefuses, kioskKilled, kioskTold, badAnswer, noNetwork)
}

// rightOf is the verdict that Glase's books leave on a request that stands in doubt. None fits yet while Glase may
// still do what it was asked for.
func (f *referee) rightOf(g *giving, sale journal.Sale, v fsm.Verdict) (right fsm.Verdict, fits bool) {
	switch _, moved := f.wentBack(sale.InvoiceReference, g.seen); {
	case moved > 0:
		v.Decision, v.ByHand = fsm.Refund, true
	case time.Since(g.ended) < 2*latencyMax:
		return v, false
	case g.asked%2 == 0:
		v.Decision = fsm.Refund // it is to go back all the same
	default:
		v.Decision = fsm.Charge
	}
	return v, true
}
