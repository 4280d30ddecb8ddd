package collect

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/chain"
	"kioskd/internal/fleet"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
	"kioskd/internal/proof/postgres"
	"kioskd/internal/proof/till"
)

// patience is what a test waits for something that must come.
const patience = 90 * time.Second

// world is a broker, a database, and whoever listens to what is said to kiosks.
type world struct {
	t       testing.TB
	broker  *broker.Server
	address string
	store   *store.Store
	db      *sql.DB // the same, for the test's own look
	nc      *nats.Conn

	mu    sync.Mutex
	heard map[string]protocol.Held // the last word to each kiosk
	words int
	backs map[string]int // words to each kiosk that less is held than before
	lies  []string       // words that were not true when they were heard
	trust bool           // words are not compared: somebody restores the database
}

// each runs a test with SQLite, and with PostgreSQL where there is one.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, "sqlite://"+filepath.Join(t.TempDir(), "hub.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres.Start(t).DSN())) })
}

func newWorld(t testing.TB, address string) *world {
	t.Helper()
	w := &world{t: t, broker: broker.Plain(t), address: address, heard: map[string]protocol.Held{},
		backs: map[string]int{}}
	w.store = w.open()
	if _, _, err := w.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.look()
	w.nc = w.connect("test")
	if _, err := w.nc.Subscribe(protocol.Have("*"), w.hear); err != nil {
		t.Fatal(err)
	}
	w.flush()
	return w
}

// look opens the database for the test's own eyes.
func (w *world) look() {
	driver, name := "pgx", w.address
	if path, is := strings.CutPrefix(w.address, "sqlite://"); is {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	w.db = db
}

func (w *world) open() *store.Store {
	s, err := store.Open(w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	return s
}

func (w *world) connect(user string) *nats.Conn {
	nc, err := nats.Connect("nats://"+w.broker.Address, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1), nats.CustomInboxPrefix(protocol.Inbox(user)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

func (w *world) flush() {
	w.t.Helper()
	if err := w.nc.Flush(); err != nil {
		w.t.Fatal(err)
	}
}

// hear compares each word with what the database holds when it is heard: it may hold more, never less.
func (w *world) hear(m *nats.Msg) {
	kiosk := strings.TrimPrefix(m.Subject, protocol.Have(""))
	held, err := protocol.ReadHeld(m.Data)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.words++
	if err != nil {
		w.lies = append(w.lies, err.Error())
		return
	}
	if held.Seq < w.heard[kiosk].Seq {
		w.backs[kiosk]++
	}
	w.heard[kiosk] = held
	if w.trust || held.Seq == 0 {
		return
	}
	var hash []byte
	err = w.db.QueryRow("SELECT e.hash FROM entries e JOIN machines m ON m.machine = e.machine WHERE m.kiosk = $1 "+
		"AND e.seq = $2 ORDER BY m.machine DESC LIMIT 1", kiosk, held.Seq).Scan(&hash)
	if err == nil && hex.EncodeToString(hash) != held.Hash || errors.Is(err, sql.ErrNoRows) {
		w.lies = append(w.lies, kiosk+" was told that entry "+strconv.FormatInt(held.Seq, 10)+" is held, and it is not")
	}
}

// truth fails the test if anything was said that was not so.
func (w *world) truth() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, lie := range w.lies {
		w.t.Error(lie)
	}
}

func (w *world) told(kiosk string) protocol.Held {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard[kiosk]
}

// collector starts one, with connections of its own, and gives what stops it.
func (w *world) collector(name string) (c *Collector, stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c = New(Config{Store: w.open(), NATS: w.connect(name), Name: name, Log: zerolog.New(zerolog.NewTestWriter(w.t))})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return c, stop
}

// kiosk is one with a real journal and a real outbox.
type kiosk struct {
	*till.Machine
	id     string
	outbox *fleet.Outbox
	path   string   // of its journal
	forked sync.Map // true: it was told that there is another
	stop   func()   // takes it from the broker
}

func (w *world) kiosk(id string) *kiosk {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "journal.db")
	return w.kioskAt(id, path)
}

// sell makes so many sales.
func (k *kiosk) sell(n int) {
	for range n {
		k.Sell()
		k.outbox.Poke()
	}
}

func (k *kiosk) last(t testing.TB) int64 {
	t.Helper()
	_, last, err := k.Journal.Span(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// arrived waits until all of the kiosks' entries are held and the kiosks know it, and compares them one by one.
func (w *world) arrived(all ...*kiosk) {
	w.t.Helper()
	for _, k := range all {
		last := k.last(w.t)
		await.Until(w.t, k.id+" has delivered all", func() bool { return k.outbox.Held() == last })
	}
	for _, k := range all {
		w.equal(k.id, entries(w.t, k.Machine))
	}
	w.truth()
}

// entries are all of a machine's.
func entries(t testing.TB, m *till.Machine) (all []chain.Entry) {
	t.Helper()
	for after := int64(0); ; {
		some, err := m.Journal.Copies(t.Context(), after, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return all
		}
		all = append(all, some...)
		after = some[len(some)-1].Seq
	}
}

// equal compares the rows of a kiosk's machine with its journal: the same entries, each of them once, and no other.
func (w *world) equal(kiosk string, want []chain.Entry) {
	w.t.Helper()
	rows, err := w.db.Query("SELECT e.seq, e.wall, e.whole, e.event, e.body, e.before, e.after, e.prev, e.hash "+
		"FROM entries e JOIN machines m ON m.machine = e.machine WHERE m.kiosk = $1 AND m.retired IS NULL "+
		"ORDER BY e.seq", kiosk)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var e chain.Entry
		if err := rows.Scan(&e.Seq, &e.Wall, &e.Whole, &e.Event, &e.Body, &e.Before, &e.After, &e.Prev,
			&e.Hash); err != nil {
			w.t.Fatal(err)
		}
		if n >= len(want) || string(e.Text()) != string(want[n].Text()) || string(e.Hash) != string(want[n].Hash) {
			w.t.Fatalf("%s: row %d is entry %d, and not what the journal has there", kiosk, n+1, e.Seq)
		}
	}
	if n != len(want) || rows.Err() != nil {
		w.t.Fatalf("%s: %d rows for %d entries, %v", kiosk, n, len(want), rows.Err())
	}
}

// send publishes an entry by hand.
func (w *world) send(kiosk string, e chain.Entry, first int64, round uint32) {
	w.t.Helper()
	m := nats.NewMsg(protocol.Entry(kiosk))
	m.Data = e.Text()
	m.Header[protocol.HeaderHash] = []string{hex.EncodeToString(e.Hash)}
	m.Header[protocol.HeaderFirst] = []string{strconv.FormatInt(first, 10)}
	m.Header[protocol.HeaderID] = []string{protocol.MessageID(kiosk, e.Seq, round)}
	await.Until(w.t, "the stream takes an entry", func() bool {
		_, err := w.nc.RequestMsg(m, time.Second)
		return err == nil
	})
}

// alarms counts how often a kind was noted of a kiosk.
func (w *world) alarms(kiosk, kind string) (times int64) {
	w.t.Helper()
	err := w.db.QueryRow("SELECT CAST(coalesce(sum(times), 0) AS BIGINT) FROM alarms WHERE kiosk = $1 AND kind = $2",
		kiosk, kind).Scan(&times)
	if err != nil {
		w.t.Fatal(err)
	}
	return times
}

func (w *world) do(statements ...string) {
	w.t.Helper()
	for _, s := range statements {
		if _, err := w.db.Exec(s); err != nil {
			w.t.Fatal(err)
		}
	}
}
