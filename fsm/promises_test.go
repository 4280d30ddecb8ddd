package fsm

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// ghost is what a stranger remembers of the current sale, from the events and effects alone. The state machine's own
// fields are judged against it.
type ghost struct {
	Sale        string
	Vended      []string // items whose motor was started
	Stocked     int      // products that were taken from the stock for the sale
	Reserved    bool     // an answer said RESERVED
	Paid        []money.Amount
	Updated     money.Amount // the total of the updateInvoice on its way
	UpdatedDone money.Amount // the total that an updateInvoice is known to have set
	RefundOpen  bool         // a refund is on its way or may have been made
	Parted      bool         // a refund of a part was asked for
	RefundSent  money.Amount // the one on its way
	RefundDone  int64        // minor units that are known to have gone back
	Charged     int64        // what the last PAID said
	RefundPast  int64        // of RefundDone, what went back of other invoices than the present one
	Known       []string     // all references that sendInvoice brought
	Unheard     bool         // a sendInvoice had no answer, and nothing has proven since that there is one invoice
}

// judge holds what must never happen against one transition, and returns what the stranger remembers after it.
func judge(g ghost, s State, e Event, next State, effects []Effect, durable bool) (ghost, error) {
	if next.Sale.ID != s.Sale.ID {
		if s.Sale.ID != "" && !s.Sale.Ended {
			return g, fmt.Errorf("a sale began before the last one was settled")
		}
		g = ghost{Sale: next.Sale.ID}
	}
	resolved, decided := verdict(e)
	decided = decided && !reflect.DeepEqual(s.Sale, next.Sale)
	if decided {
		of := resolved.Sale
		if s.Helpless() && resolved.Verdict.ByHand && of.ID == s.Sale.ID {
			of = s.Sale
		} else if s.Busy() || of.State != InDoubt && !(of.State == Charged && resolved.Verdict.Amount.Minor > 0) {
			return g, fmt.Errorf("a verdict on a sale that does not stand in doubt, or during another")
		}
		g = ghost{Sale: next.Sale.ID, RefundDone: of.Refunded.Minor, Paid: []money.Amount{of.Charged},
			Parted: g.Parted && g.Sale == of.ID}
		for _, i := range of.Invoices {
			g.RefundDone, g.RefundPast, g.Paid, g.Known = g.RefundDone+i.Refunded.Minor, g.RefundPast+i.Refunded.Minor,
				append(g.Paid, i.Charged), append(g.Known, i.Reference)
		}
		for _, i := range next.Sale.Items {
			if i.Started {
				g.Vended = append(g.Vended, i.ID)
			}
		}
	}
	if v, ok := e.(VendEnded); ok && !reflect.DeepEqual(s, next) {
		if !slices.ContainsFunc(s.Sale.Items, func(i Item) bool { return i.ID == v.Item && i.Outcome == Pending }) ||
			v.Sale != s.Sale.ID {
			return g, fmt.Errorf("the end of a vend that is not on changed the state")
		}
	}
	if err := serviced(s, e, next, effects, durable); err != nil {
		return g, err
	}
	if err := lossStands(s, e, next); err != nil {
		return g, err
	}
	if err := desked(s, e, next, effects, durable); err != nil {
		return g, err
	}
	if err := g.stocked(s, e, next, durable); err != nil {
		return g, err
	}
	if err := answered(s, e, next, effects); err != nil {
		return g, err
	}
	g.hear(s, e)
	if next.Sale.Misled > s.Sale.Misled { // it was not ours, so it may be forgotten; ours may be there without a name
		g.Known, g.Unheard = slices.DeleteFunc(slices.Clone(g.Known),
			func(ref string) bool { return ref == s.Sale.Reference }), true
	}
	if next.Sale.Reference != s.Sale.Reference { // another invoice of the sale
		g.RefundOpen, g.RefundPast = false, g.RefundDone-next.Sale.refunded().Minor
	}
	for _, f := range effects {
		if err := g.act(s, e, next, f, durable); err != nil {
			return g, err
		}
	}
	sale := next.Sale
	if err := g.named(s, next); err != nil {
		return g, err
	}
	_, boot := e.(Booted)
	switch {
	case boot && slices.Contains([]Stage{Awaiting, Asking, Choosing, Vending}, next.Stage):
		return g, fmt.Errorf("a boot resumed %s", next.Stage)
	case next.Stage == Ready && (next.Busy() || len(next.machineFaults()) > 0):
		return g, fmt.Errorf("ready with an open sale or a fault")
	case next.Busy() && next.Stage.Phase() == Idle && next.Stage != Resolving:
		return g, fmt.Errorf("an open sale in %s", next.Stage)
	case next.Busy():
		if _, wakes := next.Wake(); !wakes && next.Live.Waiting == 0 {
			return g, fmt.Errorf("a sale is left hanging in %s", next.Stage)
		}
	case decided && resolved.Verdict.ByHand:
		if !sale.Ended || sale.Verdict != resolved.Verdict || sale.Doubtful() || len(effects) > 1 {
			return g, fmt.Errorf("settled by hand, and %s with %d effects", sale.State, len(effects))
		}
	case sale.ID != "" && (s.Sale.ID != sale.ID || !s.Sale.Ended):
		if err := g.ended(sale); err != nil {
			return g, err
		}
	case sale.ID != "" && !boot && !reflect.DeepEqual(sale, s.Sale):
		return g, fmt.Errorf("an ended sale changed")
	}
	if credit := sale.Reserved; credit.Currency != "" && sale.Flow == Reservation && credit.Less(sale.Basket()) {
		return g, fmt.Errorf("products for %v came out of a reservation of %v", sale.Basket(), credit)
	}
	return g, nil
}

// stocked judges what becomes of the stock: a boot fills what was never counted, a technician says what is there, and
// anything else takes one product at most, of which a motor start is on record.
func (g *ghost) stocked(s State, e Event, next State, durable bool) error {
	boot, booted := e.(Booted)
	count, counted := e.(StockCounted)
	counted = counted && s.Service != next.Service
	taken := 0
	if set, ok := e.(PlanogramSet); ok && s.Planogram.Version != next.Planogram.Version {
		s.Stock = maps.Clone(s.Stock)
		maps.Copy(s.Stock, set.Stock)
		if !maps.Equal(s.Stock, next.Stock) || !durable {
			return fmt.Errorf("the desk's stock %v became %v", set.Stock, next.Stock)
		}
	}
	for slot, left := range next.Stock {
		was, known := s.Stock[slot]
		refilled := booted && (!known || boot.RefilledBy != "")
		if _, first := boot.First[slot]; refilled && first {
			was = boot.First[slot]
		}
		switch {
		case left < 0 || left > max(StockMax, was):
			return fmt.Errorf("%d products in %s", left, slot)
		case counted && slot == count.Slot:
			if want := next.Service.Left; left != want || next.Service.Was != was || !count.More &&
				want != count.Count {
				return fmt.Errorf("%+v made %d of %d products: %+v", count, left, was, next.Service)
			}
		case left > was || was-left > 1:
			return fmt.Errorf("%d products in %s became %d", was, slot, left)
		default:
			taken += was - left
		}
	}
	if len(next.Stock) < len(s.Stock) {
		return fmt.Errorf("a slot's stock is forgotten")
	}
	if taken > 0 && !durable || taken > 1 || counted && (taken > 0 || !durable) {
		return fmt.Errorf("%d products taken, durable %v", taken, durable)
	}
	if _, vended := e.(VendEnded); taken > 0 && !booted && !vended && !s.Serving() && s.Stage != Vending {
		return fmt.Errorf("a product taken by %T", e)
	}
	if !s.Serving() { // a technician's product: serviced judges it
		if g.Stocked += taken; g.Stocked > len(g.Vended) {
			return fmt.Errorf("more stock taken than motors started")
		}
	}
	return nil
}

// chooser is the request of whoever waits for what becomes of a choice; "": nobody does.
func chooser(s State, e Event) string {
	if c, ok := e.(ProductChosen); ok && c.Request != "" {
		return c.Request
	}
	return s.Live.Chooser
}

// answered judges that whoever chose at a machine of its own is answered once: with the item when it is the sale's, and
// else with why it is not; meanwhile it is wanted. A boot forgets who asked: nobody of the run before is there.
func answered(s State, e Event, next State, effects []Effect) error {
	c, ok := e.(ProductChosen)
	if _, boot := e.(Booted); boot {
		return nil
	}
	var said []Answer
	for _, f := range effects {
		if a, ok := f.(Answer); ok && a.Request == chooser(s, e) {
			said = append(said, a)
		}
	}
	asked := ok && c.Request != "" || s.Live.Chooser != ""
	waits := next.Live.Chooser != "" && next.Live.Wanted.ID != ""
	switch {
	case next.Live.Chooser != "" && next.Live.Wanted.ID == "":
		return fmt.Errorf("who chose waits for nothing")
	case !asked || c.Request == "" && waits:
		if len(said) != 0 && asked {
			return fmt.Errorf("answered while it waits: %+v", said)
		}
		return nil
	case ok && c.Request != "" && waits && next.Live.Wanted.ID == c.Item:
		if len(said) != 0 {
			return fmt.Errorf("answered while it is wanted: %+v", said)
		}
		return nil
	case len(said) != 1 || (said[0].Reference == "") == (said[0].Refusal == ""):
		return fmt.Errorf("a choice is answered with %+v", said)
	}
	taken := slices.ContainsFunc(next.Sale.Items, func(i Item) bool { return i.ID == said[0].Reference })
	if taken != (said[0].Refusal == "") {
		return fmt.Errorf("a choice is answered with %+v, and the sale has %+v", said, next.Sale.Items)
	}
	return nil
}

// hear remembers what an event proves. Outcomes of calls that nobody waits for prove nothing.
func (g *ghost) hear(s State, e Event) {
	if s.Live.Waiting == 0 {
		return
	}
	a, ok := e.(Answered)
	if !ok || a.Sale != g.Sale || a.Call != s.Live.Waiting {
		return
	}
	switch r := a.Result; a.Operation {
	case SendInvoice:
		if s.Stage == Invoicing {
			g.sent(s, a)
		}
	case AskStatus:
		if r.Kind != Done || a.Version != s.Live.Version && s.Live.Acks < acksMax {
			return // or not acknowledged: it may still be reversed
		}
		g.Reserved = g.Reserved || a.Status == StatusReserved
		if a.Status == StatusPaid && a.Amount.Minor > 0 {
			g.Paid = append(slices.Clip(g.Paid), a.Amount)
		}
	case UpdateInvoice:
		if r.Kind == Done {
			g.UpdatedDone = g.Updated
		}
	case RefundPayment:
		switch {
		case s.Stage != Refunding:
		case r.Kind == Done, r.refused(OverRefunded) && s.Live.MayHaveHappened:
			g.RefundDone += g.RefundSent.Minor
			g.RefundOpen = false
		case r.Kind == NotSent, r.refused(InProgress, Busy):
			g.RefundOpen = s.Live.MayHaveHappened
		}
	}
}

// sent remembers what sendInvoice brought.
func (g *ghost) sent(s State, e Answered) {
	switch {
	case e.Result.Kind == Done && e.Reference != "":
		known := slices.Contains(g.Known, e.Reference)
		late := s.Live.Called < s.Live.UnheardAt.add(lateFor)
		g.Unheard = !known && (e.Repeated || g.Unheard && late)
		if !known {
			g.Known = append(slices.Clip(g.Known), e.Reference)
		}
	case e.Result.Kind == Done || e.Result.Kind == ResultUnknown:
		g.Unheard = true
	}
}

// named judges that no invoice which was ever named is forgotten, that a customer has the only one, and that a sale
// ends with all.
func (g *ghost) named(s, next State) error {
	sale := next.Sale
	for _, ref := range g.Known {
		if !sale.has(ref) {
			return fmt.Errorf("invoice %s is forgotten", ref)
		}
	}
	served := next.Stage == Awaiting || next.Stage == Choosing || next.Stage == Vending
	if served && (len(g.Known) != 1 || g.Unheard || sale.Unheard || len(sale.Invoices) > 0) {
		return fmt.Errorf("a customer is served while there may be another invoice: %v", g.Known)
	}
	if !sale.Ended || s.Sale.Ended || sale.Verdict.ByHand {
		return nil
	}
	if sale.Unheard && sale.State != InDoubt {
		return fmt.Errorf("ended %s, and there may be an invoice without a name", sale.State)
	}
	for _, i := range sale.Invoices {
		if !i.Settled && !(sale.State == InDoubt && strings.Contains(sale.Note, i.Reference)) {
			return fmt.Errorf("ended %s, and invoice %s is not settled", sale.State, i.Reference)
		}
	}
	return nil
}

// act judges one effect.
func (g *ghost) act(s State, e Event, next State, f Effect, durable bool) error {
	sale := next.Sale
	switch f := f.(type) {
	case Vend:
		return g.vend(e, next, f, durable)
	case Call:
		return g.called(s, next, f, durable)
	case Answer:
		switch e.(type) {
		case ServiceBegan, StockCounted, PlanogramSet, Commanded:
			return nil // serviced and desked judge it
		}
		if choice := chooser(s, e); choice != "" && choice == f.Request {
			return nil // answered judges it
		}
		if v, ok := e.(LossAccepted); ok {
			if f.Reference != "" && (!durable || v.By == "" || v.Reason == "" || !s.fault(reason.JournalLost)) {
				return fmt.Errorf("a loss that nobody knows of was accepted, or nobody accepted it")
			}
		} else if v, ok := e.(SaleResolved); ok {
			doubtful := v.Sale.State == InDoubt || s.Helpless() && v.Verdict.ByHand
			if back := v.Verdict.Amount; back != (money.Amount{}) { // never above, and never by hand
				doubtful = v.Sale.State == Charged && v.Verdict.Decision == Refund && !v.Verdict.ByHand &&
					back.Currency == v.Sale.Charged.Currency && back.Minor > 0 &&
					back.Minor <= v.Sale.Charged.Minor-v.Sale.Refunded.Minor
			}
			if f.Reference != "" && (f.Reference != v.Sale.ID || !doubtful || !durable) {
				return fmt.Errorf("a verdict on a sale that is %s was taken, durable %v", v.Sale.State, durable)
			}
		} else if f.Reference != "" && (f.Reference != sale.Reference || next.Stage != Awaiting) {
			return fmt.Errorf("createPurchase answered with %s in %s", f.Reference, next.Stage)
		}
		if (f.Reference == "") == (f.Refusal == "") {
			return fmt.Errorf("createPurchase answered with %+v", f)
		}
	}
	return nil
}

// called judges a call to the payment service.
func (g *ghost) called(s, next State, f Call, durable bool) error {
	sale := next.Sale
	switch f.Operation {
	case SendInvoice:
		if f.ClientInvoiceID != sale.ClientInvoiceID || s.Sale.ID != sale.ID && !durable {
			return fmt.Errorf("an invoice whose id is not recorded")
		}
	case UpdateInvoice:
		if unseen(sale) {
			return fmt.Errorf("updateInvoice with an item that nobody has seen since the restart")
		}
		g.Updated = f.Total
		if f.Total != sale.Basket() || f.Total.IsZero() || sum(f.Items) != f.Total.Minor {
			return fmt.Errorf("updateInvoice to %v, and %v came out", f.Total, sale.Basket())
		}
	case CommitReservation:
		if unseen(sale) {
			return fmt.Errorf("commit with an item that nobody has seen since the restart")
		}
		if f.Total != sale.Basket() || f.Total.IsZero() {
			return fmt.Errorf("commit of %v, and %v came out", f.Total, sale.Basket())
		}
		if g.UpdatedDone != f.Total {
			return fmt.Errorf("commit before the update is known done")
		}
		if sale.Commits == 0 || s.Stage != Committing && !durable {
			return fmt.Errorf("a commit that is not recorded")
		}
	case RefundPayment:
		if g.RefundOpen && !f.Full {
			return fmt.Errorf("a partial refund was repeated although it may have been made")
		}
		if f.Full != (f.Total == sale.Charged && !g.Parted) ||
			f.Total.Minor > sale.Charged.Minor-g.RefundDone+g.RefundPast {
			return fmt.Errorf("refund of %v of %v, full %v", f.Total, sale.Charged, f.Full)
		}
		if !g.RefundOpen && s.Stage != Refunding && !durable {
			return fmt.Errorf("a refund that is not recorded")
		}
		g.RefundOpen, g.RefundSent = true, f.Total
		g.Parted = g.Parted || f.Total.Less(sale.Charged)
	}
	return nil
}

// vend judges a motor start: one for each approved item of this sale, paid or reserved for, recorded, and never by a
// boot.
func (g *ghost) vend(e Event, next State, f Vend, durable bool) error {
	sale := next.Sale
	if _, boot := e.(Booted); boot || sale.Recovered {
		return fmt.Errorf("a motor was started after a boot")
	}
	if !durable || f.Sale != sale.ID || sale.Ended || next.hardFault() != "" {
		return fmt.Errorf("a motor was started without a record, for another sale, or against %q", next.hardFault())
	}
	if slices.Contains(g.Vended, f.Item.ID) {
		return fmt.Errorf("item %s moved its motor twice", f.Item.ID)
	}
	g.Vended = append(slices.Clip(g.Vended), f.Item.ID)
	if !slices.ContainsFunc(sale.Items, func(i Item) bool {
		return reflect.DeepEqual(i, f.Item) && i.Started &&
			i.Outcome == Pending
	}) {
		return fmt.Errorf("item %s is not an approved item of the sale", f.Item.ID)
	}
	if _, closed := next.ClosedSlots()[f.Item.Slot]; closed {
		return fmt.Errorf("a closed slot moved")
	}
	if sale.Flow == Reservation {
		if !g.Reserved || sale.Credit().Minor < 0 {
			return fmt.Errorf("a motor was started without a reservation that covers it")
		}
		if f.Item.MaxVend+settleMargin > sale.ReservedUntil.Since(e.at()) {
			return fmt.Errorf("a vend that could outlast the reservation")
		}
		return nil
	}
	if !slices.ContainsFunc(g.Paid, func(a money.Amount) bool { return a.Minor >= f.Item.Price.Minor }) {
		return fmt.Errorf("a motor was started without a payment that covers it")
	}
	return nil
}

// ended judges how a sale ended.
func (g *ghost) ended(sale Sale) error {
	basket, charged := sale.Basket(), sale.Charged.Minor
	if slices.ContainsFunc(sale.Items, func(i Item) bool { return i.Outcome == Pending }) {
		return fmt.Errorf("ended %s with a pending item", sale.State)
	}
	if charged != 0 && len(sale.Invoices) == 0 && !slices.Contains(g.Paid, sale.Charged) {
		return fmt.Errorf("ended with a charge of %v that Glase never said", sale.Charged)
	}
	if sale.State != InDoubt && sale.Refunded.Minor != g.RefundDone {
		return fmt.Errorf("ended with %v refunded, Glase confirmed %d", sale.Refunded, g.RefundDone)
	}
	ok := true
	net := charged - sale.Refunded.Minor
	if sale.Verdict != (Verdict{}) { // what the person wanted, if Glase's books allow it
		switch sale.State {
		case Charged, Lost, Refunded, Released, Cancelled:
			ok = sale.State == Charged && net > 0 || sale.State != Charged && net == 0
		case Failed: // no invoice was made, as it turns out
			ok = net == 0 && sale.Reference == ""
		case InDoubt:
			ok = sale.Note != ""
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("a verdict ended %s: charged %v, refunded %v, note %q", sale.State, sale.Charged,
				sale.Refunded, sale.Note)
		}
		return nil
	}
	switch sale.State {
	case Charged:
		if unseen(sale) {
			return fmt.Errorf("charged for an item that nobody has seen since the restart")
		}
		ok = net == basket.Minor && !basket.IsZero()
	case Refunded:
		ok = charged == sale.Refunded.Minor && basket.IsZero()
	case Released, Cancelled, Failed:
		ok = charged == 0 && basket.IsZero()
	case Lost:
		ok = charged == 0 && !basket.IsZero()
	case InDoubt:
		ok = sale.Note != ""
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("ended %s: charged %v, refunded %v, basket %v, note %q", sale.State, sale.Charged,
			sale.Refunded, basket, sale.Note)
	}
	return nil
}

// unseen reports whether the sale charges for an item of which nothing is known but that our own restart came in
// between; a person may want that.
func unseen(sale Sale) bool {
	return sale.Verdict == (Verdict{}) && slices.ContainsFunc(sale.Items, func(i Item) bool {
		return i.Outcome == Unknown && i.Why == "restarted" && i.Charge()
	})
}

func sum(items []Item) (minor int64) {
	for _, i := range items {
		minor += i.Price.Minor
	}
	return minor
}

// round holds that a state survives the journal.
func round(s State) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var back State
	if err := json.Unmarshal(b, &back); err != nil {
		return err
	}
	s.Live = Live{}
	if !reflect.DeepEqual(s, back) {
		return fmt.Errorf("the journal would change the state to %s", b)
	}
	return nil
}

// lossStands holds that a machine whose record lost its newest part sells nothing until a person has said so, and that
// the boot which finds it decides on no sale by itself.
func lossStands(s State, e Event, next State) error {
	if boot, ok := e.(Booted); ok && boot.Lost != "" && (!next.fault(reason.JournalLost) || next.Busy()) {
		return fmt.Errorf("a boot that lost records stands in %s, with the faults %v", next.Stage, next.Faults)
	}
	accepted, ok := e.(LossAccepted)
	cleared, byName := e.(FaultCleared) // of the alphabet, which clears every fault; no part of the program does
	if s.fault(reason.JournalLost) && !next.fault(reason.JournalLost) &&
		!(ok && accepted.By != "" && accepted.Reason != "") && !(byName && cleared.Name == reason.JournalLost) {
		return fmt.Errorf("%s took a loss away that nobody accepted", Name(e))
	}
	return nil
}
