package fleet

import (
	"slices"
	"testing"
	"time"

	"kioskd/internal/proof/broker"
)

const (
	timedSales = 5 // products that are bought to have a usual time
	// a sale that waited for anything would take a timeout longer, of seconds; a machine that does much else makes each
	// a little longer
	slowerMost = 2 * time.Second
	monthSales = 30 * 100
)

// TestASaleWaitsForNeitherTheDatabaseNorTheBrokers: not a sale through the gateways for the database, and none of a
// kiosk that Glase can reach for anything. What was sold meanwhile is delivered then, a month of it too.
func TestASaleWaitsForNeitherTheDatabaseNorTheBrokers(t *testing.T) {
	bin := programs(t)
	nats, err := broker.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Start(t.Context(), Options{Bin: bin, NATS: nats, Dir: t.TempDir(), Brokers: 3, Gates: 1, Hubs: 1,
		Kiosks: 2, Direct: 1, Say: t.Logf})
	t.Cleanup(func() { f.End(nil) })
	if err != nil {
		t.Fatal(err)
	}
	direct, behind := f.Machines[0], f.Machines[1]
	behindUsual, directUsual := timed(t, f, behind), timed(t, f, direct)

	f.Database.Kill()
	behindWithout := timed(t, f, behind)
	behindWithout.compare(t, behindUsual, "through a gateway, without PostgreSQL")

	f.Brokers.Kill()
	month := simulate(t, f.Brokers, 1)[0]
	for range monthSales {
		month.sell()
	}
	directWithout := timed(t, f, direct)
	directWithout.compare(t, directUsual, "without brokers and PostgreSQL")

	if err := f.Database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Brokers.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := Until(t.Context(), healWithin, nil, func() bool {
		return month.outbox.Held() == month.roll.last()
	}); err != nil {
		t.Fatalf("of a month's %d entries %d are not in the database %v later", month.roll.last(),
			month.roll.last()-month.outbox.Held(), healWithin)
	}
	t.Logf("a month without brokers, %d sales: its %d entries were in the database %v after the brokers' return",
		monthSales, month.roll.last(), time.Since(began).Round(time.Millisecond))
	var books *Books
	_ = Until(t.Context(), healWithin, nil, func() bool {
		if books, err = f.Read(t.Context()); err != nil {
			return false
		}
		forget(books, month)
		return len(books.Differences()) == 0
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, why := range books.Differences() {
		t.Error(why)
	}
}

// forget takes a simulated kiosk out of the books: it has no journal's file, and Glase never heard of it.
func forget(b *Books, k *simulated) {
	delete(b.Entries, k.id)
	for invoice := range b.Database {
		_, paid := b.Ledger[invoice]
		if b.Machines[invoice] == "" && !paid {
			delete(b.Database, invoice)
		}
	}
}

// times are how long a sale takes: the middle one of a few.
type times struct{ asked, whole time.Duration }

// timed buys a few times.
func timed(t *testing.T, f *Fleet, k *Kiosk) times {
	t.Helper()
	var asked, whole []time.Duration
	for range timedSales {
		began := time.Now()
		i, err := f.Phone.Scan(t.Context(), k.ID, mayReserve)
		if err != nil || i.ErrorCode != "" {
			t.Fatalf("%s cannot be asked: %v %s", k.ID, err, i.ErrorCode)
		}
		asked = append(asked, time.Since(began))
		if _, err := f.Phone.Finish(t.Context(), k, "A1", i.Reference); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, time.Since(began))
		if err := k.Ready(t.Context(), buyWithin, "the next customer", func() bool {
			s, err := k.Status(t.Context())
			return err == nil && s.Step == "ready"
		}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(asked)
	slices.Sort(whole)
	return times{asked[len(asked)/2], whole[len(whole)/2]}
}

func (w times) compare(t *testing.T, usual times, when string) {
	t.Helper()
	t.Logf("%s: createPurchase %.2f, the whole sale %.2f of the usual time", when,
		w.asked.Seconds()/usual.asked.Seconds(), w.whole.Seconds()/usual.whole.Seconds())
	if w.asked > usual.asked+slowerMost || w.whole > usual.whole+slowerMost {
		t.Errorf("a sale took %+v, and usually takes %+v", w, usual)
	}
}
