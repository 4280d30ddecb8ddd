package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
)

// patience is what a test waits for something that must come.
const patience = 60 * time.Second

// memory is a journal without a disk.
type memory struct {
	mu      sync.Mutex
	entries []chain.Entry
	gone    int64 // entries that were let go
}

// add appends n entries of some bytes and pokes.
func (m *memory) add(n int, o *Outbox) {
	m.mu.Lock()
	for range n {
		e := chain.Entry{Seq: int64(len(m.entries)) + 1, Event: "tick", After: []byte("{}"), Whole: 1,
			Body: []byte(fmt.Sprintf(`{"n":%d}`, len(m.entries))), Prev: make([]byte, sha256.Size)}
		if len(m.entries) > 0 {
			e.Prev = m.entries[len(m.entries)-1].Hash
		}
		e.Hash = e.Sum()
		m.entries = append(m.entries, e)
	}
	m.mu.Unlock()
	o.Poke()
}

func (m *memory) Copies(_ context.Context, after int64, limit int) ([]chain.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := min(max(after, m.gone), int64(len(m.entries)))
	return slices.Clone(m.entries[from:min(from+int64(limit), int64(len(m.entries)))]), nil
}

func (m *memory) Span(context.Context) (first, last int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 0 {
		return 0, 0, nil
	}
	return m.gone + 1, int64(len(m.entries)), nil
}

// prune lets entries go.
func (m *memory) prune(to int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = to
}

func (m *memory) length() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.entries))
}

// collector is the operator's side as simple as can be: it takes entries in their order and nothing else, and says so.
type collector struct {
	t  testing.TB
	id string
	nc *nats.Conn
	js jetstream.JetStream

	mu       sync.Mutex
	rows     []chain.Entry // from the anchor on
	first    int64         // the anchor
	silent   bool          // it says nothing
	seen     int           // messages that came
	asked    int
	consumer jetstream.ConsumeContext
}

func newCollector(t testing.TB, url, id string) *collector {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return collectorOn(t, nc, id)
}

func collectorOn(t testing.TB, nc *nats.Conn, id string) *collector {
	t.Helper()
	c := &collector{t: t, id: id, nc: nc}
	var err error
	if c.js, err = jetstream.New(c.nc); err != nil {
		t.Fatal(err)
	}
	if _, err := c.nc.Subscribe(protocol.Ask(id), func(m *nats.Msg) {
		c.mu.Lock()
		c.asked++
		answer := c.word()
		silent := c.silent
		c.mu.Unlock()
		if !silent {
			m.Respond(answer)
		}
	}); err != nil {
		t.Fatal(err)
	}
	c.flush()
	return c
}

func (c *collector) flush() {
	c.t.Helper()
	if err := c.nc.Flush(); err != nil {
		c.t.Fatal(err)
	}
}

// stream makes the stream anew and takes what comes through it.
func (c *collector) stream() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if c.consumer != nil {
		c.consumer.Stop()
	}
	if err := c.js.DeleteStream(ctx, protocol.Stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		c.t.Fatal(err)
	}
	s, err := c.js.CreateStream(ctx,
		jetstream.StreamConfig{Name: protocol.Stream, Subjects: []string{protocol.Entries}})
	if err != nil {
		c.t.Fatal(err)
	}
	cons, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		c.t.Fatal(err)
	}
	if c.consumer, err = cons.Consume(c.take); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.consumer.Stop)
}

func (c *collector) take(m jetstream.Msg) {
	m.Ack()
	e, err := chain.Read(m.Data())
	if err != nil || hex.EncodeToString(e.Hash) != m.Headers().Get(protocol.HeaderHash) {
		c.t.Errorf("what came is no entry, or not the one it says: %v", err)
		return
	}
	c.mu.Lock()
	c.seen++
	at := chain.Link{Next: c.held() + 1}
	if len(c.rows) > 0 {
		at.Prev = c.rows[len(c.rows)-1].Hash
	} else if first := m.Headers().Get(protocol.HeaderFirst); first == fmt.Sprint(e.Seq) {
		at.Next, c.first = e.Seq, e.Seq
	}
	if at.Check(e) == nil {
		c.rows = append(c.rows, e)
	}
	word, silent := c.word(), c.silent
	c.mu.Unlock()
	if !silent {
		c.nc.Publish(protocol.Have(c.id), word)
	}
}

func (c *collector) held() int64 {
	if len(c.rows) == 0 {
		return 0
	}
	return c.rows[len(c.rows)-1].Seq
}

// word is what it says that it holds.
func (c *collector) word() []byte {
	h := protocol.Held{Seq: c.held()}
	if h.Seq > 0 {
		h.Hash = hex.EncodeToString(c.rows[len(c.rows)-1].Hash)
	}
	text, _ := json.Marshal(h)
	return text
}

// tell says something that is not asked for.
func (c *collector) tell(h protocol.Held) {
	text, _ := json.Marshal(h)
	c.nc.Publish(protocol.Have(c.id), text)
	c.flush()
}

func (c *collector) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// restore makes the database what it was when it held n entries, and says so.
func (c *collector) restore(n int64) {
	c.mu.Lock()
	c.rows = c.rows[:n]
	word := c.word()
	c.mu.Unlock()
	c.nc.Publish(protocol.Have(c.id), word)
	c.flush()
}

// equals finds whether it holds a whole journal, entry by entry.
func (c *collector) equals(m *memory) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	from := 0
	if c.first > 1 {
		from = int(c.first) - 1
	}
	return slices.EqualFunc(c.rows, m.entries[from:], func(a, b chain.Entry) bool {
		return bytes.Equal(a.Text(), b.Text())
	})
}
