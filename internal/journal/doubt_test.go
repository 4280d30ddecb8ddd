package journal

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"kioskd/fsm"
)

// record appends a state that was made by hand.
func record(t *testing.T, j *Journal, s fsm.State) {
	t.Helper()
	if err := j.Append(t.Context(), Record{Wall: time.UnixMilli(1_790_000_000_000), Event: fsm.Ticked{},
		After: s}); err != nil {
		t.Fatal(err)
	}
}

// TestAnOldDoubtIsOpenedAndSettledInItsOwnRow: other customers were served since then, and their records stay theirs.
func TestAnOldDoubtIsOpenedAndSettledInItsOwnRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path, Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { j.Close() }()
	doubtful := visit("a", fsm.InDoubt)
	doubtful.Sale.Reference, doubtful.Sale.Charged = "901", sek(1500)
	record(t, j, visit("a", fsm.Open))
	record(t, j, doubtful)
	for range wholeEvery + 3 {
		record(t, j, visit("b", fsm.Open))
		record(t, j, visit("b", fsm.Charged))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(t.Context(), path, Options{Version: "test"}); err != nil {
		t.Fatal(err)
	}
	sale, err := j.Doubt(t.Context(), "a")
	if err != nil || sale.Reference != "901" || sale.Charged != sek(1500) || sale.State != fsm.InDoubt {
		t.Fatalf("Doubt = %+v, %v", sale, err)
	}
	for _, id := range []string{"b", "none", ""} {
		if _, err := j.Doubt(t.Context(), id); !errors.Is(err, ErrNoDoubt) {
			t.Errorf("Doubt(%q): %v", id, err)
		}
	}
	charged, err := j.Charged(t.Context(), "b")
	if err != nil || charged.ID != "b" || charged.State != fsm.Charged {
		t.Errorf("Charged = %+v, %v", charged, err)
	}
	for _, id := range []string{"a", "none", ""} {
		if _, err := j.Charged(t.Context(), id); !errors.Is(err, ErrNoCharge) {
			t.Errorf("Charged(%q): %v", id, err)
		}
	}
	for id, state := range map[string]fsm.SaleState{"a": fsm.InDoubt, "b": fsm.Charged} {
		found, told, err := j.Find(t.Context(), id)
		if err != nil || found.ID != id || found.State != state || told.ID != id || told.State != string(state) ||
			told.Ended.IsZero() {
			t.Errorf("Find(%q) = %+v, %+v, %v", id, found, told, err)
		}
	}
	for _, id := range []string{"none", ""} {
		if _, _, err := j.Find(t.Context(), id); !errors.Is(err, ErrNoSale) {
			t.Errorf("Find(%q): %v", id, err)
		}
	}
	open, settled := visit("a", fsm.Open), visit("a", fsm.Refunded)
	open.Sale.Verdict = fsm.Verdict{Decision: fsm.Refund, By: "anna", Reason: "nothing came out"}
	settled.Sale.Verdict = open.Sale.Verdict
	record(t, j, open)
	sales, err := j.Sales(t.Context(), 10)
	if err != nil || len(sales) != 2 || sales[1].ID != "a" || sales[1].State != "open" || !sales[1].Ended.IsZero() {
		t.Fatalf("while it is settled: %+v, %v", sales, err)
	}
	if found, _, err := j.Find(t.Context(), "a"); err != nil || found.Ended {
		t.Errorf("while it is settled: %+v, %v", found, err)
	}
	record(t, j, settled)
	sales, err = j.Sales(t.Context(), 10)
	if err != nil || len(sales) != 2 || sales[0].State != "charged" || sales[1].State != "refunded" ||
		sales[1].Ended.IsZero() {
		t.Fatalf("settled: %+v, %v", sales, err)
	}
	if doubts, err := j.InDoubt(t.Context()); len(doubts) != 0 || err != nil {
		t.Errorf("InDoubt = %v, %v", doubts, err)
	}
	story, err := j.Entries(t.Context(), "a")
	if err != nil || len(story) != 4 {
		t.Errorf("the story has %d entries, %v", len(story), err)
	}
	if c, err := j.Verify(t.Context()); err != nil || c.Broken != "" {
		t.Errorf("the chain: %+v, %v", c, err)
	}
}
