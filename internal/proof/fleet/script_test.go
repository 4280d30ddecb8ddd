package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/money"
)

// script is how a kiosk begins, with its first sale, and how it sells once more, as the state machine really does it:
// written down with a mark for each name that is another one's in another sale. Kiosks that sell by it need no time to.
type script struct {
	begin, sale []step
}

// step is one entry of a script, but for its place in a chain.
type step struct {
	whole               int64
	event               string
	body, before, after []byte
	state               []byte // after it, whole
}

// wholeEvery is how many sales there are from one whole state in a journal to the next: a kiosk's journal has one at
// least each 50 entries.
const wholeEvery = 4

// mark stands for a sale's number in a script; it has the digits of one. So has that of the first sale.
const (
	mark  = "7734773477"
	first = "7734773478"
)

// priceOf is what comes out in each sale of a script, in öre.
const priceOf = 1500

// write makes the script.
func write(t testing.TB) script {
	t.Helper()
	w := &writer{t: t}
	w.happen(fsm.Booted{At: 1e9, Boot: "b1", First: map[string]int{"A1": 500},
		Shelf: []fsm.Slot{{ID: "A1", Name: "Mineral water 50 cl", Price: sek(priceOf), VAT: 12, EAN: "7310070765840",
			MaxVend: 10 * time.Second}},
		Rules: fsm.Rules{Flow: fsm.Reservation, ReserveMax: sek(10000), PinTimeout: 3 * time.Minute,
			ChooseTimeout: time.Minute, ReservationTimeout: 10 * time.Minute}})
	w.sell(first)
	begin := len(w.lines)
	w.sell(mark) // whose patches are to the end of another sale, as all further ones' are
	for i, l := range w.lines[:begin] {
		for _, part := range []*[]byte{&l.body, &l.before, &l.after, &l.state} {
			*part = bytes.ReplaceAll(*part, []byte(first), []byte(mark))
		}
		w.lines[i] = l
	}
	return script{w.lines[:begin], w.lines[begin:]}
}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// sell sells once. The number is in the names of the sale.
func (w *writer) sell(number string) {
	w.t.Helper()
	w.number = number
	w.happen(fsm.PurchaseRequested{At: w.now, Request: "r1", Payer: "0123456789abcdef", Amount: sek(6000),
		New: fsm.NewSale{ID: "s" + number, ClientInvoiceID: "c" + number, Secret: "x" + number}})
	w.happen(fsm.Ticked{At: w.now + 1e9})
	w.happen(fsm.ProductChosen{At: w.now, Item: "i1", Slot: "A1"})
	w.happen(fsm.CancelPressed{At: w.now})
	if w.state.Busy() {
		w.t.Fatalf("the script's sale hangs in %s", w.state.Stage)
	}
}

type writer struct {
	t     testing.TB
	state fsm.State
	doc   []byte
	now   fsm.Instant
	lines []step

	number string
}

func (w *writer) happen(e fsm.Event) {
	w.t.Helper()
	for queue := []fsm.Event{e}; len(queue) > 0; queue = queue[1:] {
		w.now += 1e8
		before := w.state.Live
		next, effects, durable := fsm.Step(w.state, queue[0])
		if durable {
			w.record(queue[0], before, next)
		}
		w.state = next
		for _, effect := range effects {
			if answer := w.answer(effect); answer != nil {
				queue = append(queue, answer)
			}
		}
	}
}

func (w *writer) record(e fsm.Event, before fsm.Live, after fsm.State) {
	w.t.Helper()
	text := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			w.t.Fatal(err)
		}
		return b
	}
	l := step{event: fsm.Name(e), body: text(e), before: text(before), after: text(after), whole: 1}
	if string(l.before) == "{}" {
		l.before = nil
	}
	l.state = l.after
	if patch := chain.Diff(w.doc, l.after); w.doc != nil && patch != nil {
		l.whole, l.after = 0, patch
	}
	w.doc, w.lines = l.state, append(w.lines, l)
}

func (w *writer) answer(effect fsm.Effect) fsm.Event {
	switch e := effect.(type) {
	case fsm.Call:
		a := e.To(fsm.Result{Kind: fsm.Done})
		a.At = w.now
		switch {
		case e.Operation == fsm.SendInvoice:
			a.Reference, a.QR = "9"+w.number, "HTTP://SEQR.SE/R9"+w.number
		case e.Operation != fsm.AskStatus:
		case w.state.Live.Unseen:
			a.Status, a.Version = fsm.StatusIssued, 1
		case w.state.Stage == fsm.Confirming:
			a.Status, a.Version, a.Amount, a.ErsReference = fsm.StatusPaid, 1, w.state.Sale.Basket(), "2026"+w.number
		default:
			a.Status, a.Version = fsm.StatusReserved, 1
		}
		return a
	case fsm.Vend:
		return fsm.VendEnded{At: w.now, Sale: e.Sale, Item: e.Item.ID, Outcome: fsm.Delivered}
	}
	return nil
}

// roll is a journal by heart: of each entry it keeps the hash alone, and makes the rest again whenever somebody wants a
// copy. Its entries are those of the script, one sale after the other.
type roll struct {
	kiosk  int // its number, which begins the numbers of its sales
	script *script

	mu     sync.Mutex
	hashes [][32]byte
}

// last is the number of the last entry.
func (r *roll) last() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.hashes))
}

// sales is how often it has sold.
func (r *roll) sales() int64 {
	last := r.last()
	if last == 0 {
		return 0
	}
	return 1 + (last-int64(len(r.script.begin)))/int64(len(r.script.sale))
}

// all are the hashes of all entries.
func (r *roll) all() [][32]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.hashes)
}

// sell records one more sale, whole.
func (r *roll) sell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.script.sale)
	if len(r.hashes) == 0 {
		n = len(r.script.begin)
	}
	for range n {
		e := r.entry(int64(len(r.hashes)) + 1)
		r.hashes = append(r.hashes, [32]byte(e.Sum()))
	}
}

// entry is one entry without its hash. With r.mu held, and the one before it recorded.
func (r *roll) entry(seq int64) chain.Entry {
	var l step
	sale, at := 0, int(seq)-1
	if at < len(r.script.begin) {
		l = r.script.begin[at]
	} else {
		at -= len(r.script.begin)
		sale = 1 + at/len(r.script.sale)
		if at %= len(r.script.sale); at == 0 && sale%wholeEvery == 0 {
			l = r.script.sale[0]
			l.whole, l.after = 1, l.state
		} else {
			l = r.script.sale[at]
		}
	}
	number := fmt.Appendf(nil, "%04d%06d", r.kiosk, sale)
	own := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(mark), number) }
	prev := make([]byte, 32)
	if seq > 1 {
		copy(prev, r.hashes[seq-2][:])
	}
	return chain.Entry{Seq: seq, Wall: time.Date(2026, 5, 1, 8, 0, int(seq), 0, time.UTC).UnixMilli(), Whole: l.whole,
		Event: l.event, Body: own(l.body), Before: own(l.before), After: own(l.after), Prev: prev}
}

// copies is as journal.Copies.
func (r *roll) copies(after int64, limit int) (all []chain.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := after + 1; seq <= int64(len(r.hashes)) && len(all) < limit; seq++ {
		e := r.entry(seq)
		e.Hash = append([]byte(nil), r.hashes[seq-1][:]...)
		all = append(all, e)
	}
	return all
}

// TestAScriptIsAJournal: its entries are a chain, its states decode, and each sale of it is charged.
func TestAScriptIsAJournal(t *testing.T) {
	s := write(t)
	r := &roll{kiosk: 12, script: &s}
	for range 3 * wholeEvery {
		r.sell()
	}
	var doc json.RawMessage
	size, sales, hashes := 0, map[string]bool{}, r.all()
	for i, e := range r.copies(0, 1000) {
		link := chain.Link{Next: int64(i) + 1}
		if i > 0 {
			link.Prev = hashes[i-1][:]
		}
		if err := link.Check(e); err != nil {
			t.Fatal(err)
		}
		var err error
		if doc, err = e.Take(doc); err != nil {
			t.Fatal(err)
		}
		var state fsm.State
		if err := json.Unmarshal(doc, &state); err != nil {
			t.Fatal(err)
		}
		if s := state.Sale; s.Ended && s.State == fsm.Charged && s.Charged == sek(priceOf) {
			sales[s.ID+s.ErsReference+s.Secret] = true
		}
		size += len(e.Text())
	}
	if want := int64(len(s.begin) + (3*wholeEvery-1)*len(s.sale)); r.last() != want || int64(len(sales)) != r.sales() {
		t.Fatalf("%d entries of %d, and the sales %v", r.last(), want, sales)
	}
	t.Logf("%d entries of a sale, %d bytes each", len(s.sale), size/int(r.last()))
}
