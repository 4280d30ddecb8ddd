package collect

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/fleet"
	"kioskd/internal/hub/store"
	"kioskd/internal/journal"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/till"
)

// own is for a test, in which nobody else is given a file.
func own(string) error { return nil }

// exported is a copy of a kiosk's journal as it is now.
func exported(t *testing.T, k *kiosk) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := journal.Export(t.Context(), k.path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// restored is a card with that copy, and a kiosk that starts from it.
func (w *world) restored(id, copied string) *kiosk {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "journal.db")
	if err := journal.PutBack(w.t.Context(), copied, path, "this is a copy", own); err != nil {
		w.t.Fatal(err)
	}
	return w.kioskAt(id, path)
}

func (k *kiosk) isForked() bool {
	is, _ := k.forked.Load("is")
	return is == true
}

// TestACopyThatIsOlderThanTheFleetSendsNothingUntilItHasTheRest: the fleet's record makes it whole, byte by byte.
func TestACopyThatIsOlderThanTheFleetSendsNothingUntilItHasTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		dead := w.kiosk("K1")
		dead.sell(2)
		copied := exported(t, dead)
		dead.sell(3)
		w.arrived(dead)
		dead.stop()
		missing := int64(len(entries(t, dead.Machine))) - tip(t, copied)

		older := w.restored("K1", exported(t, dead.at(copied)))
		await.Until(t, "it is refused", older.isForked)
		if n := older.outbox.Behind(); n != missing-1 { // its own start is an entry already
			t.Errorf("it is behind by %d, want %d", n, missing-1)
		}
		w.equal("K1", entries(t, dead.Machine))
		older.stop()

		var stream bytes.Buffer
		machines, err := w.store.Machines(t.Context())
		if err != nil || len(machines) != 1 {
			t.Fatal(machines, err)
		}
		held, err := w.store.Entries(t.Context(), machines[0].ID, 1, math.MaxInt64, math.MaxInt32)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.WriteEntries(&stream, true, held); err != nil {
			t.Fatal(err)
		}
		if n, err := journal.Extend(t.Context(), copied, "1.0.0", &stream); err != nil || int64(n) != missing {
			t.Fatalf("%d were added, want %d; %v", n, missing, err)
		}
		whole := w.restored("K1", copied)
		whole.sell(1)
		w.arrived(whole)
		if whole.isForked() {
			t.Error("it is taken for another")
		}
	})
}

// TestACopyBesideItsOriginalIsCaught: both go on selling from the same entry. The record takes one history, and whose
// it is not is told; both are, until a person has decided, when both histories came to the record.
func TestACopyBesideItsOriginalIsCaught(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		original := w.kiosk("K1")
		original.sell(2)
		w.arrived(original)
		clone := w.restored("K1", exported(t, original))
		await.Until(t, "one is told", func() bool {
			original.sell(1)
			clone.sell(1)
			return original.isForked() || clone.isForked()
		})
		if held, err := w.store.Held(t.Context(), "K1"); err != nil || held.Fork {
			await.Until(t, "both are told", func() bool { return original.isForked() && clone.isForked() })
			if n := w.alarms("K1", store.Forked); n == 0 {
				t.Error("nobody at the desk is told")
			}
			return
		}
		right := original
		if original.isForked() {
			right = clone
		}
		await.Until(t, "the record is of the other one, or of neither", func() bool {
			held, err := w.store.Held(t.Context(), "K1")
			return err == nil && (held.Fork || held.Seq == right.last(t))
		})
	})
}

func tip(t *testing.T, path string) int64 {
	t.Helper()
	at, err := journal.TipOf(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return at.Last
}

// at is the same kiosk's journal elsewhere, for exported.
func (k *kiosk) at(path string) *kiosk { return &kiosk{path: path} }

// kioskAt is kiosk with the journal that is at a path.
func (w *world) kioskAt(id, path string) *kiosk {
	w.t.Helper()
	k := &kiosk{Machine: till.New(w.t, path), id: id, path: path}
	k.outbox = fleet.NewOutbox(fleet.OutboxConfig{Kiosk: id, Journal: k.Journal, Round: rand.Uint32(),
		Jitter: func(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d) + 1)) },
		Fork:   func(is bool) { k.forked.Store("is", is) }})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	nc := w.connect(id)
	go func() {
		defer close(ended)
		k.outbox.Serve(ctx, nc)
	}()
	k.stop = func() { cancel(); <-ended }
	w.t.Cleanup(k.stop)
	return k
}
