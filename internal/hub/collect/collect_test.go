package collect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/journal"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/postgres"
	"kioskd/internal/proof/till"
)

// TestHaveIsSaidOnlyAfterTheCommit: the database takes everything but the commits of entries.
func TestHaveIsSaidOnlyAfterTheCommit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if w.store.Postgres() {
			w.do(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''a test''; END'`,
				`CREATE CONSTRAINT TRIGGER spoil AFTER UPDATE OF seq ON machines DEFERRABLE INITIALLY DEFERRED `+
					`FOR EACH ROW EXECUTE FUNCTION fail()`)
		} else {
			w.do(`CREATE TABLE none (n INTEGER PRIMARY KEY)`,
				`CREATE TABLE spoilt (n INTEGER REFERENCES none DEFERRABLE INITIALLY DEFERRED)`,
				`CREATE TRIGGER spoil AFTER UPDATE OF seq ON machines BEGIN INSERT INTO spoilt VALUES (1); END`)
		}
		w.collector("hub1")
		k := w.kiosk("K1")
		k.sell(3)
		await.Until(t, "the database refuses the entries", func() bool { return w.alarms("K1", store.Unwritten) > 1 })
		if held := w.told("K1"); held.Seq != 0 || k.outbox.Held() != 0 {
			t.Errorf("the kiosk was told %+v, and nothing was committed", held)
		}
		if w.store.Postgres() {
			w.do("DROP TRIGGER spoil ON machines")
		} else {
			w.do("DROP TRIGGER spoil")
		}
		w.arrived(k)
	})
}

func TestAGapIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		m := till.New(t, filepath.Join(t.TempDir(), "journal.db"))
		m.Sell()
		all := entries(t, m)
		for _, e := range append(all[:3:3], all[5:]...) {
			w.send("K1", e, 1, 1)
		}
		await.Until(t, "the kiosk is told of the entry before the gap", func() bool { return w.told("K1").Seq == 3 })
		w.equal("K1", all[:3])
		w.mu.Lock()
		before := w.words
		w.mu.Unlock()
		await.Until(t, "and once more, when what is behind the gap has waited", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.words > before
		})
		for _, e := range all[3:] {
			w.send("K1", e, 1, 2)
		}
		await.Until(t, "all is there", func() bool { return w.told("K1").Seq == all[len(all)-1].Seq })
		w.equal("K1", all)
		w.truth()
	})
}

// TestHaveGoesBackAfterARestore: the database is put back while everything runs, and two kiosks have nothing to say.
func TestHaveGoesBackAfterARestore(t *testing.T) {
	p := postgres.Start(t)
	w := newWorld(t, p.DSN())
	w.collector("hub1")
	w.collector("hub2")
	kiosks := []*kiosk{w.kiosk("K1"), w.kiosk("K2"), w.kiosk("K3")}
	for _, k := range kiosks {
		k.sell(3)
	}
	w.arrived(kiosks...)
	backup, err := p.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kiosks[0].sell(20)
	kiosks[1].sell(2)
	new := w.kiosk("K4") // the backup knows nothing of it
	new.sell(2)
	w.arrived(append(kiosks, new)...)
	w.mu.Lock()
	w.trust = true
	w.mu.Unlock()
	if err := p.Restore(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	kiosks[0].sell(1)
	await.Until(t, "an idle kiosk hears that less is held", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.backs["K2"] > 0
	})
	last := kiosks[1].last(t)
	await.Until(t, "it delivers again", func() bool { return w.told("K2").Seq == last })
	w.mu.Lock()
	w.trust = false
	w.mu.Unlock()
	w.arrived(kiosks...)
	new.sell(1)
	w.arrived(new)
}

func TestAnotherHashIsAForkAndStopsTheKiosk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		dir := t.TempDir()
		m := till.New(t, filepath.Join(dir, "a.db"))
		m.Sell()
		if _, err := journal.Export(t.Context(), filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")); err != nil {
			t.Fatal(err)
		}
		clone := till.New(t, filepath.Join(dir, "b.db"))
		clone.Sell()
		m.Sell()
		m.Sell()
		a, b := entries(t, m), entries(t, clone)
		for _, e := range a[:len(a)-4] {
			w.send("K1", e, 1, 1)
		}
		await.Until(t, "the first one's are there", func() bool { return w.told("K1").Seq == a[len(a)-5].Seq })
		w.send("K1", b[len(b)-1], 1, 2)
		await.Until(t, "the fork is told", func() bool { return w.told("K1").Fork })
		for _, e := range a[len(a)-4:] {
			w.send("K1", e, 1, 3)
		}
		other := w.kiosk("K2") // it has nothing to do with it
		other.sell(1)
		w.arrived(other)
		w.equal("K1", a[:len(a)-4])
		if n := w.alarms("K1", store.Forked); n == 0 {
			t.Error("nobody is told")
		}
		if held, err := w.store.Held(t.Context(), "K1"); err != nil || !held.Fork {
			t.Errorf("who asks is told %+v, %v", held, err)
		}

		// a person decides: the machine begins anew
		if err := w.store.Replace(t.Context(), "K1", time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, e := range a {
			w.send("K1", e, 1, 4)
		}
		await.Until(t, "the true one is whole", func() bool { return w.told("K1").Seq == a[len(a)-1].Seq })
		w.equal("K1", a)
	})
}

// TestTwoCollectorsWriteEachEntryOnce: they take over from each other while kiosks sell.
func TestTwoCollectorsWriteEachEntryOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, stop1 := w.collector("hub1")
		_, stop2 := w.collector("hub2")
		var kiosks []*kiosk
		for n := range 5 {
			kiosks = append(kiosks, w.kiosk(fmt.Sprintf("K%d", n)))
			kiosks[n].sell(5)
		}
		stop1()
		for _, k := range kiosks {
			k.sell(5)
		}
		w.collector("hub3")
		w.arrived(kiosks...)
		stop2()
		for _, k := range kiosks {
			k.sell(5)
		}
		w.arrived(kiosks...)
	})
}

// TestALostStreamLosesNothing: the stream, the consumer, and at last all that the broker has are gone.
func TestALostStreamLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		w.collector("hub2")
		k := w.kiosk("K1")
		k.sell(5)
		w.arrived(k)
		js, err := jetstream.New(w.nc)
		if err != nil {
			t.Fatal(err)
		}
		k.sell(10)
		if err := js.DeleteStream(t.Context(), protocol.Stream); err != nil {
			t.Fatal(err)
		}
		k.sell(5)
		w.arrived(k)
		k.sell(10)
		if err := js.DeleteConsumer(t.Context(), protocol.Stream, consumer); err != nil {
			t.Fatal(err)
		}
		k.sell(5)
		w.arrived(k)
		k.sell(10)
		w.broker.Kill()
		if err := os.RemoveAll(filepath.Join(w.broker.Dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
		k.sell(5)
		if err := w.broker.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.arrived(k)
	})
}

// TestADatabaseThatIsKilledOrFrozenLosesNothing, and nothing is acknowledged meanwhile.
func TestADatabaseThatIsKilledOrFrozenLosesNothing(t *testing.T) {
	p := postgres.Start(t)
	w := newWorld(t, p.DSN())
	w.collector("hub1")
	k := w.kiosk("K1")
	k.sell(5)
	w.arrived(k)
	held := k.outbox.Held()
	p.Kill()
	k.sell(5)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k.outbox.Held() < held {
		t.Error("what was held is not held any more")
	}
	w.arrived(k)
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	k.sell(5)
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.arrived(k)
}

func TestRubbishStandsInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		m := till.New(t, filepath.Join(t.TempDir(), "journal.db"))
		m.Sell()
		all := entries(t, m)
		spoilt := all[0]
		spoilt.Body = []byte(`{"at":1}`) // its hash is another's
		w.send("K1", spoilt, 1, 1)
		nul := all[0]
		nul.Body = []byte("{\"\x00\":1}")
		nul.Hash = nul.Sum()
		w.send("K1", nul, 1, 2)
		w.send("K1", all[0], 0, 3) // a journal that begins at 0
		await.Until(t, "a person is told of each", func() bool { return w.alarms("K1", store.Rubbish) == 3 })
		for _, e := range all {
			w.send("K1", e, 1, 4)
		}
		await.Until(t, "the good ones are there", func() bool { return w.told("K1").Seq == all[len(all)-1].Seq })
		w.equal("K1", all)
	})
}

// TestAnEntryThatNobodyHasIsOnRecordAndRefusedByNobody: a journal was pruned, and then an older backup put back.
func TestAnEntryThatNobodyHasIsOnRecordAndRefusedByNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		m := till.New(t, filepath.Join(t.TempDir(), "journal.db"))
		for range 12 {
			m.Sell()
		}
		all := entries(t, m)
		for _, e := range all[:20] {
			w.send("K1", e, 1, 1)
		}
		await.Until(t, "some are there", func() bool { return w.told("K1").Seq == 20 })
		from := 30
		for all[from].Whole == 0 {
			from++
		}
		for _, e := range all[from:] {
			w.send("K1", e, all[from].Seq, 2)
		}
		await.Until(t, "what there is is there", func() bool { return w.told("K1").Seq == all[len(all)-1].Seq })
		if n := w.alarms("K1", store.EntriesLost); n != 1 {
			t.Errorf("%d alarms", n)
		}
		w.equal("K1", append(all[:20:20], all[from:]...))
	})
}

// TestWhatKiosksSayOfThemselvesIsWritten, and two of one name are noticed.
func TestWhatKiosksSayOfThemselvesIsWritten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		say := func(run, slots string) {
			text := fmt.Sprintf(`{"version":"1.2.3","run":%q,"phase":"idle","step":"ready","faults":[]%s}`, run, slots)
			if err := w.nc.Publish(protocol.Status("K1"), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		status := func() (text string) {
			w.db.QueryRow("SELECT status FROM machines WHERE kiosk = 'K1'").Scan(&text)
			return text
		}
		await.Until(t, "its words are there", func() bool {
			say("r1", `,"slots":[{"slot":"A1","name":"Water","price":"15.00","left":3}]`)
			return strings.Contains(status(), "Water")
		})
		await.Until(t, "its next ones too, and the slots stay", func() bool {
			say("r2", "")
			return strings.Contains(status(), `"r2"`)
		})
		if !strings.Contains(status(), "Water") {
			t.Errorf("the slots are gone: %s", status())
		}
		w.do("UPDATE machines SET run_since = run_since - 60000")
		await.Until(t, "two machines are noticed", func() bool {
			say("r1", "")
			return w.alarms("K1", store.TwoMachines) > 0
		})
	})
}

// TestWhoAsksIsToldAndNobodyElse: also of a kiosk that nobody knows; and a kiosk that wants the answer sent to another
// one, which would take it for a word about its own journal, gets none.
func TestWhoAsksIsToldAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.collector("hub1")
		k := w.kiosk("K1")
		k.sell(1)
		w.arrived(k)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		others, err := w.nc.SubscribeSync(protocol.Have("K3"))
		if err != nil {
			t.Fatal(err)
		}
		ask := func(kiosk string) protocol.Held {
			own, err := w.nc.SubscribeSync(protocol.Inbox(kiosk) + ".held")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.nc.PublishRequest(protocol.Ask(kiosk), protocol.Have("K3"), nil); err != nil {
				t.Fatal(err)
			}
			if err := w.nc.PublishRequest(protocol.Ask(kiosk), own.Subject, nil); err != nil {
				t.Fatal(err)
			}
			m, err := own.NextMsgWithContext(ctx)
			if err != nil {
				t.Fatal(err)
			}
			held, err := protocol.ReadHeld(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			return held
		}
		if held := ask("K1"); held.Seq != k.last(t) || held.Fork {
			t.Errorf("%+v", held)
		}
		if held := ask("K2"); held != (protocol.Held{}) {
			t.Errorf("%+v", held)
		}
		if m, err := others.NextMsg(0); err == nil {
			t.Errorf("another one was told %s", m.Data)
		}
	})
}
