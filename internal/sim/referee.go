package sim

import (
	"fmt"
	"slices"
	"sync"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

// referee holds the promises that the kiosk makes about money and motors against what the world saw. It knows nothing of the
// kiosk's insides: Glase's ledger, the machine's board, and the sales as the journal's public summary has them, are its witnesses.
type referee struct {
	world *world

	mu         sync.Mutex
	violations []string
	starts     []start
	ended      map[string]bool // sales whose end has been looked at
}

// start is a motor start.
type start struct {
	slot    string
	sale    string // the sale and the item that it was for; "": none
	item    int
	dropped int // products that had come out of the slot before
}

func (f *referee) violated(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	f.world.diary.note("VIOLATION %s", what)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations = append(f.violations, what)
}

// started is a motor that begins to turn: for one item of the sale that is on, never before that item is on record, once, and
// only while Glase holds or has the money for it.
func (f *referee) started(slot string) {
	f.world.diary.note("board: motor %s starts", slot)
	s := start{slot: slot, item: -1, dropped: f.world.dropped()[slot]}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.starts = append(f.starts, s)
	}()
	sales := f.world.store.sales()
	if len(sales) == 0 {
		f.violated("motor %s starts before any sale", slot)
		return
	}
	sale := sales[len(sales)-1]
	n := len(sale.Items) - 1
	if sale.State != string(fsm.Open) || n < 0 || sale.Items[n].Slot != slot || sale.Items[n].Outcome != string(fsm.Pending) {
		f.violated("motor %s starts, and the journal knows no item that it is for: %s", slot, brief(sale))
		return
	}
	s.sale, s.item = sale.ID, n
	f.mu.Lock()
	for _, earlier := range f.starts {
		if earlier.sale == s.sale && earlier.item == s.item {
			defer f.violated("motor %s starts twice for one item: %s", slot, brief(sale))
		}
	}
	f.mu.Unlock()
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	if covered := held.Minor + paid.Minor; covered < sum(sale, fsm.Delivered, fsm.Pending) {
		f.violated("motor %s starts with %d covered at Glase: %s", slot, covered, brief(sale))
	}
}

// recorded looks at the journal after each record: a sale that ends there is settled at Glase at that moment, too.
func (f *referee) recorded() {
	sales := f.world.store.sales()
	if len(sales) == 0 {
		return
	}
	sale := sales[len(sales)-1]
	ended := sale.State != string(fsm.Open)
	f.mu.Lock()
	before := f.ended[sale.ID]
	f.ended[sale.ID] = before || ended
	f.mu.Unlock()
	if before && !ended {
		f.violated("has ended, and is open again: %s", brief(sale))
	}
	if ended && !before {
		f.world.diary.note("sale ended: %s", brief(sale))
		f.settled(sale, "at its end")
	}
}

// settled: nothing is held any more, and the customer has paid for what came out.
func (f *referee) settled(sale journal.Sale, when string) {
	held, paid := f.world.glase.Balance(sale.InvoiceReference)
	owed := sum(sale, fsm.Delivered) // of these machines' relays an unknown product is not charged
	net := minor(sale.Charged, sale.Currency) - minor(sale.Refunded, sale.Currency)
	state := fsm.SaleState(sale.State)
	if state == fsm.InDoubt {
		return
	}
	if state == fsm.Lost {
		owed = 0
	}
	if held.Minor != 0 || paid.Minor != owed || net != owed {
		f.violated("%s Glase holds %d, the customer has paid %d, the journal says %d, and %d is right: %s", when, held.Minor, paid.Minor, net, owed, brief(sale))
	}
	switch state {
	case fsm.Charged:
		if owed == 0 {
			f.violated("charged for nothing: %s", brief(sale))
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
		known[sale.InvoiceReference] = true
		switch state := fsm.SaleState(sale.State); {
		case state == fsm.Open:
			f.violated("left hanging: %s", brief(sale))
			continue
		case state == fsm.InDoubt && !f.world.harm.mayDoubt(), state == fsm.Lost && !f.world.harm.mayLose():
			f.violated("%s, and nothing happened that explains it: %s", state, brief(sale))
		}
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
	f.forgotten(sales)
	f.machine(sales)
}

// cameOut holds a sale's items against what fell out of the machine while they were on.
func (f *referee) cameOut(sale journal.Sale) {
	for n, item := range sale.Items {
		starts, fell := f.fell(sale.ID, n)
		o := fsm.ItemOutcome(item.Outcome)
		switch {
		case starts > 1:
			f.violated("%d motor starts for item %d: %s", starts, n+1, brief(sale))
		case fell > 1:
			f.violated("%d products came out for item %d: %s", fell, n+1, brief(sale))
		case o == fsm.Pending:
			f.violated("item %d has no outcome: %s", n+1, brief(sale))
		case o == fsm.Delivered && fell == 0:
			f.violated("item %d is charged, and did not come out: %s", n+1, brief(sale))
		case o == fsm.NotDelivered && fell > 0 && !f.world.harm.blind[item.Slot]:
			f.violated("item %d came out past a sensor that works, and is not charged: %s", n+1, brief(sale))
		case o == fsm.Unknown && !f.world.harm.killed && !f.world.harm.stuck[item.Slot]:
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
	f.mu.Lock()
	defer f.mu.Unlock()
	dropped := f.world.dropped()
	for n, s := range f.starts {
		if s.sale != sale || s.item != item {
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
	left := f.world.store.stock()
	for _, s := range snap.Slots {
		if s.Relay {
			f.violated("the relay of %s is on", s.Slot)
		}
		items, gone := 0, 0
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
		if s.Pulses > items {
			f.violated("motor %s started %d times for %d items", s.Slot, s.Pulses, items)
		}
		if left[s.Slot] != stockFirst-gone {
			f.violated("%d of %d products are gone from %s, and the stock is %d", gone, stockFirst, s.Slot, left[s.Slot])
		}
	}
}

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
		line += " (" + s.Why + ")"
	}
	if s.Note != "" {
		line += ": " + s.Note
	}
	return line
}
