package world

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/journal"
)

// during reports whether a harm of one of these kinds was done while the sale was on.
func (f *referee) during(sale journal.Sale, kinds ...string) bool {
	began, ended := f.when(sale)
	return f.world.harm.during(began, ended, kinds...)
}

func (f *referee) when(sale journal.Sale) (began, ended time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.visits[sale.ID]
	if v.ended.IsZero() {
		v.ended = time.Now()
	}
	return v.began, v.ended
}

// untrue ends the name of a rule that says "refused" of what was done.
const untrue = " says untruly"

// nameless is a sendInvoice that made an invoice and was answered with "done" and no reference.
const nameless = "sendInvoice says 0"

// statusless is a getPaymentStatus that is answered with "done" and nothing else, as no Glase does.
const statusless = "getPaymentStatus says 0"

var refusedNote = regexp.MustCompile(`^(\w+) refused with code (\d+)`)

// mayDoubt: a person has to decide after a refusal for good of Glase's, which must have been a rule's or a choice's:
// what the kiosk asks for is right. Only a refund can be refused because it was made already: after an end without a
// journal, since the next run cannot know what this one did, or when Glase did what it refused.
func (f *referee) mayDoubt(sale journal.Sale) bool {
	if f.carelessly(sale) {
		return true
	}
	if strings.HasPrefix(sale.Note, "restarted while ") && f.world.machine != nil {
		return f.mayForget(sale)
	}
	if strings.Contains(sale.Note, notAsAsked) {
		return f.anothers(sale) || strings.HasSuffix(sale.Note, ": missing") && f.during(sale, statusless)
	}
	if strings.HasPrefix(sale.Note, "PAID with") {
		return f.during(sale, "getPaymentStatus unproven")
	}
	if strings.Contains(sale.Note, ", which Glase does not know as") {
		return f.during(sale, "getPaymentStatus says 54", "* says 54", "getPaymentStatus"+untrue, "*"+untrue)
	}
	if strings.Contains(sale.Note, "resolve it with ") && !strings.HasPrefix(sale.Note, "restarted while ") {
		if f.during(sale, "getPaymentStatus other_answer", "getPaymentStatus previous_answer") {
			return true // the answer that the decision was held against was another's
		}
		return f.during(sale, diskRefuses) // the books say that it was given back, and no record says it to the kiosk
	}
	if strings.HasPrefix(sale.Note, "Glase made ") { // again and again an answer was lost
		return f.world.newInvoices() && sale.Flow == string(fsm.Sticker) && f.during(sale, badAnswer)
	}
	m := refusedNote.FindStringSubmatch(sale.Note)
	if m == nil && f.mayDoubtGiving(sale) {
		return true
	}
	if m == nil { // a part was to go back, which is never tried twice
		charged, owed := minor(sale.Charged, sale.Currency), sum(sale, f.world.charges()...)
		return charged > owed && owed > 0 && f.during(sale, chargesAll) &&
			f.during(sale, diskRefuses, kioskKilled, kioskTold, badAnswer, noNetwork)
	}
	op, code := m[1], m[2]
	switch {
	case slices.ContainsFunc(passing, func(c glasetest.Code) bool { return fmt.Sprint(int(c)) == code }):
		return false // it passes: a kiosk waits and asks again
	case op == "refundPayment" && code == "98" && f.during(sale, diskRefuses) && f.during(sale, kioskKilled, kioskTold):
		return true
	case op == "refundPayment" && (code == "97" || code == "99") && f.during(sale, refundsChoice):
		return true
	}
	if f.world.o.Second && op == "commitReservation" &&
		f.during(sale, "updateInvoice says "+code, "updateInvoice"+untrue) {
		return true // the other service takes the money in one go
	}
	return f.during(sale, op+" says "+code, "* says "+code, op+untrue, "*"+untrue)
}

// notAsAsked is in the note of a sale whose answers named another one.
const notAsAsked = "was not answered as asked"

// anothers: the sale may have been given the reference of another machine's invoice, or of an earlier sale's.
func (f *referee) anothers(sale journal.Sale) bool {
	return f.during(sale, "sendInvoice other_answer", "sendInvoice previous_answer", nameless)
}

// chargeRefused: Glase has said that it does not charge, which leaves a sale in doubt.
func (f *referee) chargeRefused(sale journal.Sale) bool {
	began, ended := f.when(sale)
	return f.world.harm.duringPrefix(began, ended, "updateInvoice says ", "commitReservation says ", "* says ")
}

// mayForget: a run ended that had not recorded all that it knew.
func (f *referee) mayForget(sale journal.Sale) bool {
	return f.during(sale, kioskKilled) || f.during(sale, kioskTold) && f.during(sale, diskRefuses)
}

// mayLose: a reservation that ended, or a charge that was taken back, before it could be charged or confirmed is the
// operator's loss. Glase's ledger says when and why that was.
func (f *referee) mayLose(sale journal.Sale) bool {
	if f.reopened(sale) { // what was held ran out while it stood in doubt
		return true
	}
	if sale.Why == "restarted" && f.world.machine != nil && f.mayForget(sale) &&
		f.movedBefore(sale, glasetest.Release) {
		return true // the end that no record has let the money go
	}
	if f.mayForget(sale) && f.during(sale, diskRefuses) && f.chargeRefused(sale) {
		return true // it stood in doubt until its reservation ended, and no record has that
	}
	f.mu.Lock()
	last := f.visits[sale.ID].began // since then the sale could be settled
	for _, s := range f.starts {
		if s.sale == sale.ID {
			last = s.at.Add(vendMax)
		}
	}
	for n := range sale.Items { // a machine of its own may have said nothing, and turned no motor
		if at := f.judged[itemKey(sale, n)]; at.After(last) {
			last = at
		}
	}
	f.mu.Unlock()
	if !f.meddled(sale.InvoiceReference).IsZero() {
		return true
	}
	for _, m := range f.world.glase.Ledger() {
		if m.Invoice != sale.InvoiceReference {
			continue
		}
		switch {
		case m.Kind == glasetest.Reversal && strings.Contains(sale.Note, notAsAsked) && f.anothers(sale):
			return true // no answer about it proved anything, so none was acknowledged
		case m.Kind == glasetest.Reversal, m.Kind == glasetest.Release && strings.Contains(m.Why, "not asked for"):
			return f.world.harm.unasked(m.At)
		case m.Kind == glasetest.Release && strings.Contains(m.Why, "commitReservationTimeout"):
			return f.world.harm.peace(last, m.At) < chargedIn
		}
	}
	return false
}

const (
	vendMax = 10 * time.Second // from a motor's start to what its dispenser says
	// what came out is charged within this time of peace: two of the longest pauses, and their calls
	chargedIn = 75 * time.Second
	directIn  = 8 * time.Minute // a direct debit with all its "try again" ends within this time of peace
	graceIn   = 2 * time.Minute // and a reservation within this time after its own end
)

// movedBefore reports whether Glase had moved the sale's money so before the run that saw its end began: the one before
// had seen its items.
func (f *referee) movedBefore(sale journal.Sale, kind glasetest.Kind) bool {
	_, ended := f.when(sale)
	for _, m := range f.world.glase.Ledger() {
		if m.Invoice == sale.InvoiceReference && m.Kind == kind {
			return f.world.harm.during(m.At, ended, kioskKilled, kioskTold, noKiosk)
		}
	}
	return false
}

// inTime: a sale comes to its end within its own time once nothing stands in its way.
func (f *referee) inTime(sale journal.Sale, v visit) {
	most := directIn
	if sale.Flow == string(fsm.Reservation) {
		most = f.world.cfg.Glase.ReservationTimeout + graceIn
	}
	began := maxTime(v.began, v.again)
	if p := f.world.harm.peace(began, v.ended, diskFull); p > most {
		f.violated("left hanging for %v in peace: %s", p, brief(sale))
	}
	if over := f.world.quiet(); !over.IsZero() && v.ended.Sub(maxTime(over, began)) > most {
		f.violated("left hanging for %v after all troubles: %s", v.ended.Sub(maxTime(over, began)), brief(sale))
	}
}

// noticedIn is how long a customer who has confirmed on the phone waits at most for the machine to see it, in peace.
const noticedIn = 15 * time.Second

// noticed: who has confirmed is served, once the kiosk knows which invoice it is.
func (f *referee) noticed(sale journal.Sale, v visit) {
	if f.anothers(sale) {
		return
	}
	for _, m := range f.world.glase.Ledger() {
		from := maxTime(m.At, v.known)
		if m.Invoice != sale.InvoiceReference || m.Why != "the customer confirmed" || !from.Before(v.served) {
			continue
		}
		if f.world.harm.duringPrefix(from, v.served, "getPaymentStatus ", "* ") {
			continue // it may have heard something else
		}
		if p := f.world.harm.peace(from, v.served, diskFull, diskRefuses); p > noticedIn {
			f.violated("a customer who has confirmed waits for %v in peace: %s", p, brief(sale))
		}
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
