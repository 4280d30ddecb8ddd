package world

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/vend"
	"kioskd/internal/journal"
	"kioskd/internal/reason"
)

// referee holds the promises that the kiosk makes about money and motors against what the world saw. It knows nothing
// of the kiosk's insides: Glase's ledger, the machine's board, and the sales as the journal's public summary has them,
// are its witnesses.
type referee struct {
	world *world

	mu         sync.Mutex
	violations []string
	kinds      []string // of the violations
	starts     []start
	visits     map[string]visit     // by sale
	judged     map[string]time.Time // when an item's outcome was first on record
	suspects   map[string]bool      // slots that nobody has looked at since a product jammed or got lost in them
	looked     time.Time            // when a technician did
	foreign    []time.Time          // when a foreign machine called
	heard      *heard
	pages      pages
	acts       map[string]time.Time // technicians', and when each was first on record
	givings    givings
}

// start is a motor start.
type start struct {
	at      time.Time
	slot    string
	act     string // the technician's act that it was for; "": none
	sale    string // the sale and the item that it was for; "": none
	item    int
	dropped int // products that had come out of the slot before
}

// visit is a sale's time, by the world's own clock.
type visit struct {
	began, ended time.Time // of its first record, and of its end's
	decided      bool      // a person's verdict was asked for while it stood in doubt
	careless     bool      // and given without a look at the books
	opened       time.Time // by such a verdict
	again        time.Time // after an end: by such a verdict, or to give something back
	known        time.Time // it has its invoice
	served       time.Time // no customer's word is waited for any more
}

func newReferee(w *world) *referee {
	return &referee{world: w, visits: map[string]visit{}, judged: map[string]time.Time{}, suspects: map[string]bool{},
		acts: map[string]time.Time{}, heard: newHeard(), givings: givings{over: map[string]journal.Sale{}}}
}

func (f *referee) violated(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	f.world.diary.note("VIOLATION %s", what)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations, f.kinds = append(f.violations, what), append(f.kinds, format)
}

// intrusion notes that a foreign machine calls Glase.
func (f *referee) intrusion() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.foreign = append(f.foreign, time.Now())
}

// meddled is when a foreign machine let go of an invoice's money; zero: it did not. A call that nobody waits for any
// more may do so.
func (f *referee) meddled(invoice string) time.Time {
	f.mu.Lock()
	calls := slices.Clone(f.foreign)
	f.mu.Unlock()
	for _, m := range f.world.glase.Ledger() {
		// that would be its time, or its rest
		letGo := m.Invoice == invoice && m.Kind == glasetest.Release && !strings.Contains(m.Why, "reservation")
		if letGo && slices.ContainsFunc(calls,
			func(at time.Time) bool { return !m.At.Before(at) && m.At.Sub(at) < latencyMax }) {
			return m.At
		}
	}
	return time.Time{}
}

// unknowable is for how long a kiosk may believe what Glase said last before it asks again.
const unknowable = 10 * time.Second

// settledIn is what updating and committing may take: no motor starts later than this before its reservation's end.
const settledIn = 30 * time.Second

// recorded looks at the journal after each record: a sale that ends there is settled at Glase at that moment, too.
func (f *referee) recorded() {
	f.acted()
	sale, any := f.world.store.last()
	if !any {
		return
	}
	ended := sale.State != string(fsm.Open)
	seen := len(f.world.glase.Ledger())
	f.mu.Lock()
	v, known := f.visits[sale.ID]
	if !known {
		v.began = time.Now()
	}
	before := !v.ended.IsZero()
	verdict := v.decided && sale.State != string(fsm.InDoubt) // it opens the sale again, or ends it at once
	if verdict {
		v.decided, v.opened = false, time.Now()
	}
	again := verdict || before && !ended && f.gives(sale, seen) != nil
	switch {
	case again && !ended:
		v.ended, v.again = time.Time{}, time.Now()
	case ended && !before:
		v.ended = time.Now()
	}
	if ended {
		f.givings.over[sale.ID] = sale
	}
	f.visits[sale.ID] = v
	f.suspect(sale)
	f.mu.Unlock()
	if before && !ended && !again {
		f.violated("has ended, and is open again: %s", brief(sale))
	}
	if ended && (!before || verdict) {
		f.gave(sale)
	}
	if ended && !before {
		f.world.diary.note("sale ended: %s", brief(sale))
		f.settled(sale, "at its end")
		f.inTime(sale, v)
		f.noticed(sale, v)
		f.page(sale, v)
	}
}

// moved looks at the machine after each record: when it has its invoice, and when it stops waiting for what a customer
// does on the phone.
func (f *referee) moved(s fsm.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, any := f.visits[s.Sale.ID]
	if !any || s.Stage == fsm.Invoicing {
		return
	}
	if v.known.IsZero() {
		v.known = time.Now()
	}
	if v.served.IsZero() && s.Stage != fsm.Awaiting {
		v.served = time.Now()
	}
	f.visits[s.Sale.ID] = v
}

// lostProducts are the words of a slot that somebody must look at.
var lostProducts = []reason.Why{vend.WhyJam, vend.WhyEmpty, vend.WhyNoMotor, vend.WhyNotOpened}

func itemKey(sale journal.Sale, n int) string { return fmt.Sprint(sale.ID, " ", n) }

// suspect remembers the slots whose last product jammed or may have come out unseen. The record may come long after the
// motor, and after a technician. Called with the referee locked.
func (f *referee) suspect(sale journal.Sale) {
	for n, i := range sale.Items {
		key, o := itemKey(sale, n), fsm.ItemOutcome(i.Outcome)
		if o == fsm.Pending || !f.judged[key].IsZero() {
			continue
		}
		f.judged[key] = time.Now()
		bad := o == fsm.Unknown || o == fsm.NotDelivered && slices.Contains(lostProducts, sale.Why)
		if bad && slices.ContainsFunc(f.starts,
			func(s start) bool { return s.sale == sale.ID && s.item == n && s.at.After(f.looked) }) {
			f.suspects[i.Slot] = true
		}
	}
}

// serviced: a technician has looked at all slots.
func (f *referee) serviced() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.suspects)
	f.looked = time.Now()
}

// settled: nothing is held any more, and the customer has paid for what came out.
func (f *referee) settled(sale journal.Sale, when string) {
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	owed := sum(sale, f.world.charges()...)
	net := netOf(sale)
	state := fsm.SaleState(sale.State)
	if state == fsm.InDoubt {
		return
	}
	f.leftOpen(sale)
	if f.reopened(sale) {
		f.afterVerdict(sale, when)
		return
	}
	if state == fsm.Lost {
		owed = 0
	}
	back, astray := f.givenBack(sale)
	owed -= back
	if held.Minor != 0 || paid.Minor != owed+astray || net != owed {
		f.violated("%s Glase holds %d, the customer has paid %d, the journal says %d, and %d is right: %s", when,
			held.Minor, paid.Minor, net, owed, brief(sale))
	}
	switch state {
	case fsm.Charged:
		if owed == 0 {
			f.violated("charged for nothing: %s", brief(sale))
		}
		if n := len(sale.Items) - 1; sale.Why == "restarted" && fsm.ItemOutcome(sale.Items[n].Outcome) == fsm.Unknown &&
			f.world.machine != nil && !f.movedBefore(sale, glasetest.Charge) {
			f.violated("charged for what nobody has seen since a restart: %s", brief(sale))
		}
	case fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Failed:
		if owed != 0 {
			f.violated("%s although something came out: %s", state, brief(sale))
		}
	}
}

// final is the end of the world: all troubles are over since long.
func (f *referee) final() {
	sales := f.world.store.sales()
	known := map[string]bool{}
	for _, sale := range sales {
		for _, ref := range f.invoices(sale) {
			known[ref] = true
		}
		switch state := fsm.SaleState(sale.State); {
		case state == fsm.Open:
			f.violated("left hanging: %s", brief(sale))
			continue
		case state == fsm.InDoubt && sale.Note == "":
			f.violated("%s, and nothing happened that explains it, not even a note: %s", state, brief(sale))
		case state == fsm.InDoubt && !f.mayDoubt(sale), state == fsm.Lost && !f.mayLose(sale):
			f.violated("%s, and nothing happened that explains it: %s", state, brief(sale))
		}
		f.gave(sale)
		f.settled(sale, "in the end")
		f.cameOut(sale)
	}
	for ref := range invoices(f.world.glase.Ledger()) {
		held, paid := f.world.glase.Balance(ref)
		if held.Minor != 0 {
			f.violated("Glase still holds %d of invoice %s", held.Minor, ref)
		}
		if paid.Minor != 0 && !known[ref] {
			f.violated("%d was paid for invoice %s, which no sale knows", paid.Minor, ref)
		}
	}
	f.late(known)
	f.unknown(known)
	f.forgotten(sales)
	f.approvals(sales)
	f.machine(sales)
}

// late: nobody can confirm an invoice that no sale knows, or whose sale has ended, also when Glase takes the payment
// back then.
func (f *referee) late(known map[string]bool) {
	ends, doubtful := map[string]time.Time{}, map[string]bool{}
	f.mu.Lock()
	for _, s := range f.world.store.sales() {
		for _, ref := range f.invoices(s) {
			ends[ref] = f.visits[s.ID].ended
			doubtful[ref] = s.State == string(fsm.InDoubt)
		}
	}
	f.mu.Unlock()
	for _, m := range f.world.glase.Ledger() {
		i, err := f.world.glase.Invoice(m.Invoice)
		if err != nil || i.Title == foreignTitle || m.Kind != glasetest.Reserve && m.Kind != glasetest.Charge ||
			f.world.harm.during(f.world.begin, m.At, untrueKinds()...) {
			continue
		}
		if !known[m.Invoice] && (f.nameless(m.Invoice) || f.twiceAstray(m.At)) {
			continue // Glase takes such a payment back, since nobody asks for it
		}
		if !known[m.Invoice] {
			f.violated("a customer confirmed invoice %s, which no sale knows", m.Invoice)
		} else if at := ends[m.Invoice]; !at.IsZero() && m.At.After(at) && !doubtful[m.Invoice] {
			f.violated("a customer confirmed invoice %s after its sale had ended", m.Invoice)
		}
	}
}

// untrueKinds are the spans in which Glase said what was not so, or refused for good what a kiosk asks for again and
// again. A refused sendInvoice is no excuse: it made no invoice, and an earlier one that had no answer is still the
// kiosk's to find.
func untrueKinds() []string {
	kinds := []string{nameless}
	for _, op := range operations {
		kinds = append(kinds, op+untrue)
		if op == "sendInvoice" {
			continue
		}
		for _, c := range final {
			kinds = append(kinds, fmt.Sprintf("%s says %d", op, c))
		}
	}
	return kinds
}

// forgotten: what a motor was started for stays on record.
func (f *referee) forgotten(sales []journal.Sale) {
	items := map[string]int{"": 0}
	for _, s := range sales {
		items[s.ID] = len(s.Items)
	}
	f.mu.Lock()
	starts := slices.Clone(f.starts)
	f.mu.Unlock()
	for _, s := range starts {
		if s.item >= items[s.sale] {
			f.violated("the item that motor %s was started for is not on record any more", s.slot)
		}
	}
}

// machine: the board and the stock agree with the sales, and nothing is on.
func (f *referee) machine(sales []journal.Sale) {
	snap, _ := f.world.board.Snapshot()
	left, refilled := f.world.store.counted()
	for _, s := range snap.Slots {
		if s.Relay {
			f.violated("the relay of %s is on", s.Slot)
		}
		items, gone := f.tested(s.Slot)
		for _, sale := range sales {
			for _, i := range sale.Items {
				if i.Slot == s.Slot {
					items++
					if o := fsm.ItemOutcome(i.Outcome); o == fsm.Delivered || o == fsm.Unknown {
						gone++
					}
				}
			}
		}
		if s.Pulses > items*f.startsMax(s.Slot) {
			f.violated("motor %s started %d times for %d items", s.Slot, s.Pulses, items)
		}
		if had := stockFirst + refilled[s.Slot]; left[s.Slot] != had-gone {
			f.violated("%d of %d products are gone from %s, and the stock is %d", gone, had, s.Slot, left[s.Slot])
		}
	}
}
