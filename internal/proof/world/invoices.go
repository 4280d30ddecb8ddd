package world

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/glase/glasetest"
	"kioskd/internal/journal"
)

// A Glase may know a clientInvoiceId again, or make a new invoice of each sendInvoice; a world has one that does the
// one or the other. A new invoice whose answer was lost has no name that the kiosk could know. Only a sticker leads
// anybody to it.

// newInvoices says which of the two this world's Glase does.
func (w *world) newInvoices() bool {
	_, yes := w.maybe(20, "new invoices")
	return yes || w.o.NewInvoices
}

// forgetful makes a Glase forgetful, and the answers that this is about get lost.
func (w *world) forgetful(visit string, f *glasetest.Faults) {
	if !w.newInvoices() {
		return
	}
	w.harm.met("choice client_invoice_id")
	f.Choices.ClientInvoiceID = "new_invoice"
	if w.o.NewInvoices {
		f.Choices.TestTerminal = []string{"cash_register", "webshop"}[w.numbers(visit+"/terminal").IntN(2)]
	}
	if r, yes := w.maybe(50, visit+"/lost invoices"); yes {
		f.Rules = append(f.Rules, w.rule(lostInvoice(r)))
	}
}

// lostInvoice is a sendInvoice whose answer comes too late, or never: it is carried out at once, or in the midst of its
// repeats.
func lostInvoice(r *rand.Rand) glasetest.Fault {
	rule := glasetest.Fault{Operation: "sendInvoice", Fault: "lost_answer", Skip: r.IntN(2), Count: 1 + r.IntN(4)}
	if r.IntN(2) == 0 {
		rule.Fault, rule.Acts = "latency", r.IntN(2) == 0
		rule.Delay = glasetest.Duration(questionMax + time.Duration(r.Int64N(int64(latencyMax-questionMax))))
	}
	return rule
}

// heard are the invoices whose references came to the kiosk, and the customers who were led to an invoice by the
// sticker.
type heard struct {
	mu    sync.Mutex
	at    map[string]time.Time // by reference
	stray map[string]time.Time // references that the sticker led to while nobody was being served
}

func newHeard() *heard { return &heard{at: map[string]time.Time{}, stray: map[string]time.Time{}} }

// sent is an answer to sendInvoice that a living kiosk got.
func (h *heard) sent(answer *http.Response) {
	if answer == nil || answer.StatusCode != http.StatusOK {
		return
	}
	b, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(b))
	ref := part(referenceOf, b)
	if err != nil || ref == "" || !bytes.HasSuffix(bytes.TrimSpace(b), []byte("Envelope>")) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at[ref].IsZero() {
		h.at[ref] = time.Now()
	}
}

// scanned is a customer whom the sticker leads to an invoice.
func (w *world) scanned(ref string) {
	sale, any := w.store.last()
	h := w.referee.heard
	h.mu.Lock()
	defer h.mu.Unlock()
	if !any || sale.State != string(fsm.Open) {
		h.stray[ref] = time.Now()
	}
}

// passerBy scans the sticker, and walks on.
func (w *world) passerBy() {
	if w.o.Flow != string(fsm.Sticker) {
		return
	}
	if i, err := w.glase.Scan(context.Background(), glasetest.Scan{QR: "HTTP://SEQR.SE/Q" + sticker}); err == nil {
		w.scanned(i.Reference)
	}
}

// invoices are all that the sale knows to be its own.
func (f *referee) invoices(sale journal.Sale) []string {
	refs := f.world.store.others(sale.ID)
	if sale.InvoiceReference != "" {
		refs = append(refs, sale.InvoiceReference)
	}
	return refs
}

// open reports whether anybody could still confirm the invoice.
func (f *referee) open(ref string) bool {
	i, err := f.world.glase.Invoice(ref)
	return err == nil && (i.Status == glasetest.Issued || i.Status == glasetest.Pending)
}

// leftOpen: a sale that has ended leaves no invoice that somebody could confirm.
func (f *referee) leftOpen(sale journal.Sale) {
	if f.carelessly(sale) || f.during(sale, untrueKinds()...) {
		return
	}
	for _, ref := range f.invoices(sale) {
		if f.open(ref) {
			f.violated("leaves invoice %s open: %s", ref, brief(sale))
		}
	}
}

// unknown: the kiosk remembers each reference that it was told, unless it was hindered to write it down; and once
// nobody is being served, the sticker leads to no invoice that it does not know.
func (f *referee) unknown(known map[string]bool) {
	f.heard.mu.Lock()
	defer f.heard.mu.Unlock()
	for ref, at := range f.heard.at {
		if !known[ref] && !f.hindered(at) && !f.world.harm.during(at, at.Add(time.Minute), untrueKinds()...) {
			f.violated("was told of invoice %s, and no sale knows it", ref)
		}
	}
	for ref, at := range f.heard.stray {
		i, err := f.world.glase.Invoice(ref)
		if !known[ref] && err == nil && i.Title != foreignTitle && !f.twiceAstray(at) &&
			!f.world.harm.during(f.world.begin, at, untrueKinds()...) {
			f.violated("the sticker led to invoice %s, which no sale knows, when nobody was being served", ref)
		}
	}
}

// hindered: what was heard at that moment may not have been recorded.
func (f *referee) hindered(at time.Time) bool {
	return f.world.harm.during(at, at.Add(time.Second), kioskKilled, kioskTold, noKiosk, diskRefuses, diskFull)
}

// nameless reports whether the invoice is one that nobody can know: made by a Glase that makes new ones, its answer
// lost, and found by the sticker while it was being looked for.
func (f *referee) nameless(ref string) bool {
	f.heard.mu.Lock()
	defer f.heard.mu.Unlock()
	at, told := f.heard.at[ref]
	return f.world.newInvoices() && f.world.o.Flow == string(fsm.Sticker) && f.heard.stray[ref].IsZero() &&
		(!told || f.hindered(at))
}

// twiceAstray: a Glase that makes a new invoice for each repetition has answered one with another's reference, or any
// has answered with that of a machine which has our terminal's identity. What it made has no name then that the kiosk
// could have heard.
func (f *referee) twiceAstray(at time.Time) bool {
	return (f.world.newInvoices() || f.world.harm.during(f.world.begin, at, foreignInvoice)) &&
		f.world.harm.during(f.world.begin, at, "sendInvoice other_answer", "sendInvoice previous_answer")
}

// others are the further invoices of a sale, as its last record names them.
func (s *store) others(sale string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.entries) - 1; n >= 0; n-- {
		if s.entries[n].sale.ID == sale {
			return slices.Clone(s.entries[n].others)
		}
	}
	return nil
}

// otherInvoices are the references of a sale but the one that its summary has.
func otherInvoices(s fsm.Sale) (refs []string) {
	for _, i := range s.Invoices {
		refs = append(refs, i.Reference)
	}
	return refs
}
