package world

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
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

// started is a motor that begins to turn: for one item of the sale that is on, never before that item is on record,
// once, and only while Glase holds or has the money for it, as far as a kiosk can know.
func (f *referee) started(slot string, g *gate) {
	f.world.diary.note("board: motor %s starts", slot)
	f.watch(slot, g)
	if f.world.store.mute() {
		f.violated("with a lost log motor %s starts", slot)
	}
	s := start{at: time.Now(), slot: slot, item: -1, dropped: f.world.dropped()[slot]}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.starts = append(f.starts, s)
	}()
	sale, any := f.world.store.last()
	if f.startedFor(&s, g, any && sale.State == string(fsm.Open)) {
		return
	}
	if !any {
		f.violated("motor %s starts before any sale", slot)
		return
	}
	n := len(sale.Items) - 1
	if sale.State != string(fsm.Open) || n < 0 || sale.Items[n].Slot != slot ||
		sale.Items[n].Outcome != string(fsm.Pending) {
		f.violated("motor %s starts, and the journal knows no item that it is for: %s", slot, brief(sale))
		return
	}
	s.sale, s.item = sale.ID, n
	f.mu.Lock()
	earlier := slices.IndexFunc(f.starts, func(e start) bool { return e.sale == s.sale && e.item == s.item })
	vendBegan := s.at // a second turn belongs to the vend of the first one, and nobody asks between them
	if earlier >= 0 {
		vendBegan = f.starts[earlier].at
		if !f.mayTurnAgain(f.starts[earlier], s) {
			defer f.violated("motor %s starts twice for one item: %s", slot, brief(sale))
		}
	}
	if f.visits[sale.ID].began.Before(g.since) {
		defer f.violated("motor %s starts for a sale that an earlier start began: %s", slot, brief(sale))
	}
	if left := f.world.cfg.Glase.ReservationTimeout - s.at.Sub(f.visits[sale.ID].began); sale.Flow == string(
		fsm.Reservation) && left < settledIn {
		defer f.violated("motor %s starts %v before its reservation ends: %s", slot, left, brief(sale))
	}
	if !f.visits[sale.ID].opened.IsZero() {
		defer f.violated("motor %s starts for a sale that a person has decided: %s", slot, brief(sale))
	}
	if f.suspects[slot] {
		defer f.violated("motor %s starts, and nobody has looked at the slot since its last product got lost: %s", slot,
			brief(sale))
	}
	f.mu.Unlock()
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	needed := sum(sale, fsm.Delivered, fsm.Pending)
	if covered := held.Minor + paid.Minor; covered < needed && !f.mayBelieve(sale, vendBegan) {
		f.violated("motor %s starts with %d covered at Glase: %s", slot, covered, brief(sale))
	}
}

// mayBelieve: a foreign machine let go of the money, and the kiosk has not asked since, or was told what was true
// before.
func (f *referee) mayBelieve(sale journal.Sale, at time.Time) bool {
	gone := f.meddled(sale.InvoiceReference)
	return !gone.IsZero() && (at.Sub(gone) <= unknowable ||
		f.world.harm.during(gone, at, "getPaymentStatus other_answer", "getPaymentStatus previous_answer"))
}

// mayTurnAgain: a spiral that is configured so makes a second turn for an item whose first one pushed nothing out, as
// far as a sensor can see. The item's starts are counted in the end.
func (f *referee) mayTurnAgain(first, again start) bool {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return retries(f.world.slot(first.slot)) && (again.dropped == first.dropped || f.world.blind[first.slot])
}

// retries reports whether the slot's spiral may make a second turn.
func retries(s config.Slot) bool {
	c, is := s.Vend.(relay.Config)
	return is && c.RetryTurn
}

// startsMax is how often a slot's motor may start for one item.
func (f *referee) startsMax(slot string) int {
	if retries(f.world.slot(slot)) {
		return 2
	}
	return 1
}

// mayLavish: more than one product may have come out for one item, whose second the machine's own fault gave away.
func (f *referee) mayLavish(slot string, starts int) bool {
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return f.world.lavish[slot] || starts > 1 && f.world.blind[slot]
}

// watch: a relay goes off within its maximum on-time, and after a kill when the outputs are made inactive.
func (f *referee) watch(slot string, g *gate) {
	for _, s := range relays(f.world.cfg) {
		if s.ID != slot {
			continue
		}
		pulse := f.world.pulses()[slot]
		still := func() bool {
			snap, _ := f.world.board.Snapshot()
			return slices.ContainsFunc(snap.Slots,
				func(s simboard.SlotState) bool { return s.Slot == slot && s.Relay && s.Pulses == pulse })
		}
		time.AfterFunc(s.MaxOn+time.Millisecond, func() {
			if g.alive() && still() {
				f.violated("the relay of %s is on for longer than %v", slot, s.MaxOn)
			}
		})
		time.AfterFunc(s.MaxOn+outputsOff+time.Millisecond, func() {
			if still() {
				f.violated("the relay of %s is on for longer than %v, a kill included", slot, s.MaxOn+outputsOff)
			}
		})
	}
}

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

// stuckMeanwhile reports whether a sensor began to stick while its motor turned, and was well again when it was looked
// at: nobody can tell that from a product.
func (f *referee) stuckMeanwhile(sale string, item int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world.mu.Lock()
	defer f.world.mu.Unlock()
	return slices.ContainsFunc(f.starts, func(s start) bool {
		return s.sale == sale && s.item == item &&
			slices.ContainsFunc(f.world.stuckAt[s.slot], func(at time.Time) bool {
				return !at.Before(s.at) && at.Sub(s.at) < vendMax
			})
	})
}

// cameOut holds a sale's items against what fell out of the machine while they were on.
func (f *referee) cameOut(sale journal.Sale) {
	for n, item := range sale.Items {
		starts, fell := f.fell(sale.ID, n)
		o := fsm.ItemOutcome(item.Outcome)
		switch {
		case item.Price != f.world.priced(item.Slot):
			f.violated("item %d costs %s, and not %s: %s", n+1, item.Price, f.world.priced(item.Slot), brief(sale))
		case starts > f.startsMax(item.Slot):
			f.violated("%d motor starts for item %d: %s", starts, n+1, brief(sale))
		case fell > 1 && !f.mayLavish(item.Slot, starts):
			f.violated("%d products came out for item %d: %s", fell, n+1, brief(sale))
		case o == fsm.Pending:
			f.violated("item %d has no outcome: %s", n+1, brief(sale))
		case o == fsm.Delivered && fell == 0 && !f.stuckMeanwhile(sale.ID, n) && !f.world.lied(item.Slot):
			f.violated("item %d is charged, and did not come out: %s", n+1, brief(sale))
		case o == fsm.NotDelivered && fell > 0 && !f.world.blind[item.Slot] && !f.during(sale, thriceLost):
			f.violated("item %d came out past a sensor that works, and is not charged: %s", n+1, brief(sale))
		case o == fsm.Unknown && !f.mayForget(sale) && !f.world.stuck[item.Slot] &&
			!f.during(sale, boardOff, boardLies, busTrouble):
			f.violated("item %d is unknown, and nothing happened that explains it: %s", n+1, brief(sale))
		}
	}
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

// fell is what came out of an item's slot from its motor start to the slot's next one.
func (f *referee) fell(sale string, item int) (starts, fell int) {
	return f.fellOf(func(s start) bool { return s.act == "" && s.sale == sale && s.item == item })
}

func (f *referee) fellOf(which func(start) bool) (starts, fell int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dropped := f.world.dropped()
	for n, s := range f.starts {
		if !which(s) {
			continue
		}
		starts++
		until := dropped[s.slot]
		for _, next := range f.starts[n+1:] {
			if next.slot == s.slot {
				until = next.dropped
				break
			}
		}
		fell += until - s.dropped
	}
	return starts, fell
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
