package world

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/internal/journal"
)

// decide is a technician who settles a sale that stands in doubt, with a look at Glase's books; and one time in eight
// without.
func (w *world) decide(r *rand.Rand) {
	l := w.running()
	if l == nil || w.store.mute() {
		return
	}
	all := w.store.sales()
	n := slices.IndexFunc(all, func(s journal.Sale) bool { return s.State == string(fsm.InDoubt) })
	if n < 0 {
		return
	}
	sale := all[n]
	v, fits := w.inTheBooks(sale)
	if !fits {
		w.diary.note("a technician calls Glase about %s", sale.ID)
		return
	}
	careful := r.IntN(8) > 0
	if !careful {
		v.Decision, v.ByHand = []fsm.Decision{fsm.Charge, fsm.Release, fsm.Refund}[r.IntN(3)], r.IntN(3) == 0
	}
	w.referee.decided(sale, careful)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := l.app.Resolve(ctx, sale.ID, v)
	w.diary.note("a technician decides on %s: %s: %v", sale.ID, v, err)
}

// inTheBooks is the verdict that is right: what came out, or may have, is paid for, and nothing else. None fits when
// Glase did twice what it had refused.
func (w *world) inTheBooks(sale journal.Sale) (v fsm.Verdict, fits bool) {
	v = fsm.Verdict{Decision: fsm.Release, By: "technician", Reason: "looked at the books"}
	if g := w.referee.giving(sale.ID); g != nil && g.doubtful {
		return w.referee.rightOf(g, sale, v)
	}
	_, paid := w.glase.Balance(sale.InvoiceReference)
	switch owed := sum(sale, w.charges()...); {
	case paid.Minor > 0 && paid.Minor < owed:
		return v, false
	case paid.Minor > owed:
		v.Decision = fsm.Refund
	case paid.Minor == owed && paid.Minor < minor(sale.Charged, sale.Currency):
		v.Decision, v.ByHand = fsm.Refund, true // it was made, after all
	case sum(sale, fsm.Delivered, fsm.Unknown) > 0:
		v.Decision = fsm.Charge
	}
	return v, true
}

// decided: from now on this sale may be opened again, once. Who was careless may make the record wrong.
func (f *referee) decided(sale journal.Sale, careful bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.visits[sale.ID]
	v.decided, v.careless = true, v.careless || !careful
	f.visits[sale.ID] = v
}

// reopened reports whether a person's verdict opened the sale again.
func (f *referee) reopened(sale journal.Sale) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.visits[sale.ID].opened.IsZero()
}

// carelessly reports whether somebody decided without a look at Glase's books, which may contradict him.
func (f *referee) carelessly(sale journal.Sale) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.visits[sale.ID].careless
}

// afterVerdict: nothing is held, and the journal agrees with Glase's books.
func (f *referee) afterVerdict(sale journal.Sale, when string) {
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	net := netOf(sale)
	_, astray := f.givenBack(sale)
	if held.Minor != 0 || paid.Minor != net+astray && !f.carelessly(sale) {
		f.violated("%s Glase holds %d, the customer has paid %d, the journal says %d, and a person had decided: %s",
			when, held.Minor, paid.Minor, net, brief(sale))
	}
}
