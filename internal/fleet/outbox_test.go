package fleet

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

func jitter(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d) + 1)) }

// sender is one kiosk's outbox and what it sends.
type sender struct {
	*Outbox
	journal *memory
	forks   atomic.Int32
}

func newSender(id string) *sender {
	k := &sender{journal: &memory{}}
	k.Outbox = NewOutbox(OutboxConfig{Kiosk: id, Journal: k.journal, Round: 7, Jitter: jitter, Fork: func(is bool) {
		if is {
			k.forks.Add(1)
		} else {
			k.forks.Add(-1)
		}
	}})
	return k
}

// run works the outbox over one connection after another until the test ends, or stop is called.
func (k *sender) run(t testing.TB, s *broker.Server) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			over, end := context.WithCancel(ctx)
			nc, err := nats.Connect("nats://"+s.Address, nats.NoReconnect(),
				nats.CustomInboxPrefix(protocol.Inbox(k.Kiosk)), nats.ClosedHandler(func(*nats.Conn) { end() }))
			if err == nil {
				_ = k.Serve(over, nc)
				nc.Close()
			}
			end()
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// atABroker is a broker with nothing in it: no stream yet, a collector, and a kiosk's outbox that does not run yet.
func atABroker(t testing.TB) (*broker.Server, *collector, *sender) {
	t.Helper()
	s := broker.Plain(t)
	return s, newCollector(t, "nats://"+s.Address, "A1"), newSender("A1")
}

func TestEntriesArriveWholeAndInOrder(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	k.journal.add(10*ahead, k.Outbox)
	k.run(t, s)
	await.Until(t, "a backlog", func() bool { return k.Held() == 10*ahead })
	for range 20 {
		k.journal.add(1, k.Outbox)
	}
	await.Until(t, "the next ones", func() bool { return k.Held() == k.journal.length() })
	if !c.equals(k.journal) {
		t.Error("the collector holds something else than the journal")
	}
	if d := k.Delivery(t.Context()); d != (Delivery{Known: true, Held: d.Last, Last: k.journal.length()}) {
		t.Errorf("%+v", d)
	}
}

// TestABrokersAcknowledgementIsNoProof: the broker has taken them, and no collector has said so.
func TestABrokersAcknowledgementIsNoProof(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	k.run(t, s)
	await.Until(t, "the first word", func() bool { return k.Delivery(t.Context()).Known })
	c.set(func() { c.silent = true })
	k.journal.add(5*ahead, k.Outbox)
	await.Until(t, "as many as may be on their way", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.seen >= ahead && c.asked > 1
	})
	if held := k.Held(); held != 0 {
		t.Errorf("the cursor is at %d: nobody but the broker has said so", held)
	}
	c.set(func() {
		if c.seen != ahead {
			t.Errorf("%d were sent, at most %d may be on their way", c.seen, ahead)
		}
		c.silent = false
	})
	await.Until(t, "all of them once it speaks", func() bool { return k.Held() == k.journal.length() })
	if !c.equals(k.journal) {
		t.Error("the collector holds something else than the journal")
	}
}

func TestALostStreamLosesNothing(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	k.run(t, s)
	k.journal.add(100, k.Outbox)
	await.Until(t, "the first", func() bool { return k.Held() == 100 })
	c.set(func() { c.silent = true })
	c.consumer.Stop() // what is sent now stays in the stream
	k.journal.add(30, k.Outbox)
	await.Until(t, "the others in the stream", func() bool {
		st, err := c.js.Stream(t.Context(), protocol.Stream)
		return err == nil && st.CachedInfo().State.Msgs >= 130
	})
	s.Kill()
	k.journal.add(30, k.Outbox)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.consumer = nil
	await.Until(t, "the collector is back", func() bool { return c.nc.IsConnected() })
	c.stream() // and what was in it is gone
	c.set(func() { c.silent = false })
	await.Until(t, "all of them", func() bool { return k.Held() == 160 })
	if !c.equals(k.journal) {
		t.Error("the collector holds something else than the journal")
	}
}

// TestADatabaseThatWentBackIsFilledAgain: within the window in which the stream drops a message that it had.
func TestADatabaseThatWentBackIsFilledAgain(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	stop := k.run(t, s)
	k.journal.add(200, k.Outbox)
	await.Until(t, "all of them", func() bool { return k.Held() == 200 })
	for _, to := range []int64{50, 0, 199} {
		c.restore(to)
		await.Until(t, "all of them again", func() bool { return k.Held() == 200 && c.equals(k.journal) })
	}
	// the cursor goes back as well: what the database lacks now must not be let go
	c.set(func() { c.silent = true })
	c.restore(150)
	await.Until(t, "the cursor", func() bool { return k.Held() == 150 })
	c.set(func() { c.silent = false })
	await.Until(t, "all of them again", func() bool { return k.Held() == 200 && c.equals(k.journal) })
	// and while the kiosk is away
	stop()
	c.restore(20)
	k.run(t, s)
	await.Until(t, "all of them again", func() bool { return k.Held() == 200 && c.equals(k.journal) })
}

func TestEntriesWaitForAStream(t *testing.T) {
	s, c, k := atABroker(t)
	k.run(t, s)
	k.journal.add(3, k.Outbox)
	await.Until(t, "the trouble", func() bool { return strings.Contains(k.Delivery(t.Context()).Trouble, "no stream") })
	c.stream()
	await.Until(t, "all of them", func() bool { return k.Held() == 3 })
	await.Until(t, "no trouble", func() bool { return k.Delivery(t.Context()).Trouble == "" })
}

func TestAPrunedJournalBeginsWithItsAnchor(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	k.journal.add(500, k.Outbox)
	k.journal.prune(400)
	k.run(t, s)
	await.Until(t, "what is left", func() bool { return k.Held() == 500 })
	if c.first != 401 || !c.equals(k.journal) {
		t.Errorf("from %d on", c.first)
	}
}

// TestAnotherJournalWithThisIDIsSeen: by the collector's word, by a hash, and by a number that was never written here.
func TestAnotherJournalWithThisIDIsSeen(t *testing.T) {
	s, c, k := atABroker(t)
	c.stream()
	k.run(t, s)
	k.journal.add(10, k.Outbox)
	await.Until(t, "all of them", func() bool { return k.Held() == 10 })
	good := hex.EncodeToString(k.journal.entries[9].Hash)
	for _, h := range []protocol.Held{
		{Seq: 10, Hash: good, Fork: true}, {Fork: true},
		{Seq: 10, Hash: strings.Repeat("ab", 32)}, {Seq: 11, Hash: good},
	} {
		c.set(func() { c.silent = true })
		c.tell(h)
		await.Until(t, "the alarm", func() bool { return k.forks.Load() == 1 && k.Delivery(t.Context()).Forked })
		if held := k.Held(); held != 10 {
			t.Errorf("%+v moved the cursor to %d", h, held)
		}
		c.set(func() { c.silent = false })
		c.tell(protocol.Held{Seq: 10, Hash: good}) // a person has mended it
		await.Until(t, "its end", func() bool { return k.forks.Load() == 0 })
	}
	k.journal.add(1, k.Outbox)
	await.Until(t, "the next one", func() bool { return k.Held() == 11 })
}
