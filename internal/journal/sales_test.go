package journal

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

func TestSalesAreToldAsTheTechniciansPortPromises(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.sell()
	m.outcome = fsm.NotDelivered
	m.reserve()
	m.choose("A1")
	m.happen(fsm.CancelPressed{At: m.now})
	m.outcome = fsm.Delivered
	m.happen(fsm.SlotsOpened{At: m.now, By: "test"})
	m.reserve()

	sales, err := j.Sales(t.Context(), 10)
	if err != nil || len(sales) != 3 {
		t.Fatalf("%+v, %v", sales, err)
	}
	at := func(tenths time.Duration) time.Time {
		return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC).Add(tenths * 100 * time.Millisecond)
	}
	const name = "Mineral water 50 cl"
	water := Item{Slot: "A1", Price: "15.00", Outcome: "delivered", Name: name, VAT: 12, Charged: true}
	other := water
	other.Slot = "B2"
	jammed := Item{Slot: "A1", Price: "15.00", Outcome: "not_delivered", Name: name, VAT: 12}
	want := []Sale{
		{
			ID: "s3", Flow: "reservation", State: "open", Currency: "SEK", Reserved: "60.00", Charged: "0.00",
			Refunded:         "0.00",
			InvoiceReference: "900000003", Items: []Item{}, Started: at(27),
		}, {
			ID: "s2", Flow: "reservation", State: "released", Currency: "SEK", Reserved: "60.00", Charged: "0.00",
			Refunded:         "0.00",
			InvoiceReference: "900000002", Items: []Item{jammed}, Started: at(15), Ended: at(25), Why: "not_delivered",
		}, {
			ID: "s1", Flow: "reservation", State: "charged", Currency: "SEK", Reserved: "60.00", Charged: "30.00",
			Refunded:         "0.00",
			InvoiceReference: "900000001", ErsReference: "2026050100000000000000001",
			Items: []Item{water, other}, Started: at(2), Ended: at(14),
		},
	}
	if !reflect.DeepEqual(sales, want) {
		t.Errorf("got  %+v\nwant %+v", sales, want)
	}
	if newest, err := j.Sales(t.Context(), 1); err != nil || len(newest) != 1 || newest[0].ID != sales[0].ID {
		t.Errorf("limit 1: %+v, %v", newest, err)
	}
	if none, err := j.Sales(t.Context(), -1); err != nil || len(none) != 0 {
		t.Errorf("limit -1: %+v, %v", none, err)
	}
}

func TestAmountsHaveTheirCurrencysPlaces(t *testing.T) {
	for currency, want := range map[string]string{"SEK": "0.00", "JPY": "0", "KWD": "0.000"} {
		if s := Summary(fsm.Sale{ID: "x", Payment: fsm.Payment{
			Requested: money.Amount{Minor: 1, Currency: currency}}}); s.Charged != want || s.Currency != currency {
			t.Errorf("%s: %+v", currency, s)
		}
	}
}

// visit is a sale as a state, made by hand.
func visit(id string, state fsm.SaleState) fsm.State {
	return fsm.State{Stage: fsm.Ready, Sale: fsm.Sale{ID: id, Flow: fsm.Reservation, State: state,
		Ended: state != fsm.Open, Payment: fsm.Payment{Reserved: sek(1500)}}}
}

func TestSalesInDoubtAreCounted(t *testing.T) {
	j, _ := fresh(t)
	for n, state := range []fsm.SaleState{fsm.InDoubt, fsm.Charged, fsm.InDoubt, fsm.Open} {
		if err := j.Append(t.Context(), Record{Event: fsm.Ticked{}, After: visit(fmt.Sprint(n), state)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := j.InDoubt(t.Context()); len(n) != 2 || err != nil {
		t.Errorf("InDoubt = %d, %v, want 2", len(n), err)
	}
}

func TestSalesAreInTheOrderTheyHappenedWhateverTheClock(t *testing.T) {
	j, _ := fresh(t)
	for n, wall := range []int64{1_780_000_000_000, 1000, 1_790_000_000_000, 2000} { // a Pi wakes up in 1970
		for _, state := range []fsm.SaleState{fsm.Open, fsm.Charged} {
			if err := j.Append(t.Context(), Record{Wall: time.UnixMilli(wall), Event: fsm.Ticked{},
				After: visit(fmt.Sprint("s", n), state)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	sales, err := j.Sales(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range sales {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "s3 s2 s1 s0" {
		t.Errorf("newest first: %s", got)
	}
	if got := sales[0].Started.Format(time.RFC3339); got != "1970-01-01T00:00:02Z" {
		t.Errorf("started %s", got)
	}
}

func TestAnEndedSaleKeepsItsEnd(t *testing.T) {
	j, _ := fresh(t)
	for n, s := range []fsm.State{visit("a", fsm.Open), visit("a", fsm.Charged), visit("a", fsm.Charged)} {
		s.Reason = reason.Why(fmt.Sprint(n)) // a durable change that is not the sale's
		if err := j.Append(t.Context(), Record{Wall: time.UnixMilli(int64(1000 * n)), Event: fsm.Ticked{},
			After: s}); err != nil {
			t.Fatal(err)
		}
	}
	sales, err := j.Sales(t.Context(), 10)
	if err != nil || len(sales) != 1 || !sales[0].Started.Equal(time.UnixMilli(0)) ||
		!sales[0].Ended.Equal(time.UnixMilli(1000)) {
		t.Errorf("%+v, %v", sales, err)
	}
	story, err := j.Entries(t.Context(), "a")
	if err != nil || len(story) != 2 {
		t.Errorf("its story: %+v, %v", story, err)
	}
}

func TestEntriesTellTheStoryOfASale(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.sell()
	id := m.sell()
	m.sell()
	story, err := j.Entries(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range story {
		names = append(names, e.Event)
	}
	if got, want := strings.Join(names, " "),
		"PurchaseRequested InvoiceSent StatusAnswered ProductChosen VendEnded ProductChosen VendEnded "+
			"CancelPressed InvoiceUpdated ReservationCommitted StatusAnswered"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after := string(story[0].After); !strings.Contains(after, `"id":"`+id+`"`) ||
		strings.Contains(string(story[4].After), `"rules"`) {
		t.Errorf("the first entry names the sale, and each says what changed:\n%s\n%s", after, story[4].After)
	}
	if s := mustJSON(t, story); !strings.Contains(s, `"body":{"at":`) {
		t.Errorf("as JSON: %s", s)
	}
	if _, err := j.db.Exec(`UPDATE entries SET body = '{"at":1}' WHERE seq = ?`, story[2].Seq); err != nil {
		t.Fatal(err)
	}
	if story, err := j.Entries(t.Context(), id); err == nil {
		t.Errorf("a changed entry is told as if it were true: %+v", story)
	}
}

// TestStockIsCountedWithTheSale: what is left is in the recorded state, whatever the config says later.
func TestStockIsCountedWithTheSale(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	count := func(slot string, n int) {
		t.Helper()
		m.happen(fsm.StockCounted{At: m.now, Request: "q", ID: fmt.Sprint("t", m.steps), Slot: slot, By: "anna",
			Count: n})
	}
	count("A1", 3)
	count("B2", 2)
	m.sell()
	m.sell()
	j.Close()
	j = open(t, path)
	m = newMachine(t, j)
	if got := m.state.Stock; got["A1"] != 1 || got["B2"] != 0 || got["C3"] != fsm.StockMax {
		t.Errorf("stock %v", got)
	}
	j.Close()
	if r, err := Replay(t.Context(), path); err != nil || r.Difference != nil || r.Replayed != 25 {
		t.Errorf("%s, %v", mustJSON(t, r), err)
	}
}

// TestAReplayNoticesAStockThatDiffers: what is left is part of what is true.
func TestAReplayNoticesAStockThatDiffers(t *testing.T) {
	j, path := fresh(t)
	newMachine(t, j).sell()
	j.Close()
	found := false
	for seq := int64(2); seq < 12 && !found; seq++ {
		copied := clone(t, path, filepath.Join(t.TempDir(), "journal.db"))
		forge(t, copied, seq, func(e *entry) {
			was := string(e.After)
			e.After = []byte(strings.Replace(was, `"stock":{"A1":9999}`, `"stock":{"A1":9998}`, 1))
			found = string(e.After) != was
		})
		r, err := Replay(t.Context(), copied)
		if err != nil || found != (r.Difference != nil &&
			strings.Contains(fmt.Sprint(r.Difference.Lines), "stock.A1: recorded 9998, now 9999")) {
			t.Errorf("entry %d, forged %v: %s, %v", seq, found, mustJSON(t, r), err)
		}
	}
	if !found {
		t.Error("no entry of the sale says what is left in A1, and nothing else of the stock")
	}
}

// TestAllSalesAreReadInPieces: each is there once, with where it stands among the entries.
func TestAllSalesAreReadInPieces(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	for range 5 {
		m.sell()
	}
	m.reserve()
	var ids []string
	for before := int64(math.MaxInt64); ; {
		piece, err := j.SalesBefore(t.Context(), before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(piece) == 0 {
			break
		}
		for _, s := range piece {
			if s.First >= before || s.Last < s.First || s.Ended.IsZero() != (s.Last == s.First) {
				t.Errorf("%s is of entries %d to %d, before %d", s.ID, s.First, s.Last, before)
			}
			before, ids = s.First, append(ids, s.ID)
		}
	}
	if got := strings.Join(ids, " "); got != "s6 s5 s4 s3 s2 s1" {
		t.Error(got)
	}
}
