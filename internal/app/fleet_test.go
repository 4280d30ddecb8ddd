package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/chain"
	"kioskd/internal/config"
	"kioskd/internal/fleet"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/journal"
	"kioskd/internal/proof/broker"
)

// TestAMonthWithoutTheFleetCostsNothing: the machine sells as it does alone and keeps all entries, and when the fleet
// is there again it gets all of them.
func TestAMonthWithoutTheFleetCostsNothing(t *testing.T) {
	const days = 30
	s, path := broker.Plain(t), ""
	playWith(t, config.Reservation, func(c *config.Config) {
		c.Fleet.Servers, path = []string{"nats://127.0.0.1:1"}, c.Journal.Path
	}, func(w *world) {
		for range days {
			if n := len(w.app.parts()); n == 0 || w.app.Kiosk.State().Reason != "" {
				t.Fatalf("%+v", w.app.Kiosk.State())
			}
			reference := w.scan()
			w.confirm(reference)
			w.press("cancel")
			w.settled()
			time.Sleep(24 * time.Hour)
		}
		f := w.app.fleet.Fleet(w.t.Context())
		if f.Connected || f.Waiting != nil || !strings.Contains(f.Why, "no servers available") {
			t.Errorf("%+v", f)
		}
	})
	// not the test's context, which now belongs to the time that was virtual
	j, err := journal.Open(context.Background(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	first, last, err := j.Span(context.Background())
	if err != nil || first != 1 || last < days*3 {
		t.Fatalf("entries %d to %d, %v", first, last, err)
	}
	got := collect(t, j, s)
	if len(got) != int(last) {
		t.Errorf("%d of %d entries arrived", len(got), last)
	}
}

// collect delivers a journal over a real broker, and gives what arrived, each entry after the one before it.
func collect(t *testing.T, j *journal.Journal, s *broker.Server) (rows []chain.Entry) {
	nc, err := nats.Connect("nats://" + s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	var mu sync.Mutex
	word := func() []byte {
		h := protocol.Held{Seq: int64(len(rows))}
		if h.Seq > 0 {
			h.Hash = hex.EncodeToString(rows[h.Seq-1].Hash)
		}
		text, _ := json.Marshal(h)
		return text
	}
	for subject, take := range map[string]nats.MsgHandler{
		protocol.Ask("123456"): func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			m.Respond(word())
		},
		protocol.Entry("123456"): func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			e, err := chain.Read(m.Data)
			at := chain.Link{Next: int64(len(rows)) + 1}
			if len(rows) > 0 {
				at.Prev = rows[len(rows)-1].Hash
			}
			if err == nil && at.Check(e) == nil {
				rows = append(rows, e)
			}
			nc.Publish(protocol.Have("123456"), word())
		},
	} {
		if _, err := nc.Subscribe(subject, take); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	o := fleet.NewOutbox(fleet.OutboxConfig{Kiosk: "123456", Journal: j,
		Jitter: func(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d) + 1)) }})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go o.Serve(ctx, nc)
	_, last, err := j.Span(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); o.Held() != last; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d entries are held: %+v", o.Held(), last, o.Delivery(context.Background()))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return rows
}

// TestNothingIsLetGoThatTheOperatorHasNotGot: for more than the year that records stay.
func TestNothingIsLetGoThatTheOperatorHasNotGot(t *testing.T) {
	for name, servers := range map[string][]string{"alone": nil, "in a fleet": {"nats://127.0.0.1:1"}} {
		t.Run(name, func(t *testing.T) {
			const years = 365 * 24 * time.Hour
			playIn(t, config.Reservation, func(c *config.Config) { c.Fleet.Servers = servers }, func(w *world) {
				w.ahead = 27 * years // virtual time begins in 2000, before any entry can have been made
			}, func(w *world) {
				for range 20 {
					w.confirm(w.scan())
					w.press("cancel")
					w.settled()
				}
				w.end()
				w.ahead += 2 * years
				w.start()
				time.Sleep(2 * pruneEvery)
				first, last, err := w.app.journal.Span(w.t.Context())
				if err != nil || last < 60 || (first == 1) != (servers != nil) {
					t.Errorf("entries %d to %d, %v", first, last, err)
				}
			})
		})
	}
}

// TestAMachineAloneHasNothingOfAFleet: no goroutine, no word, and its records go as before.
func TestAMachineAloneHasNothingOfAFleet(t *testing.T) {
	play(t, config.Reservation, func(w *world) {
		if w.app.fleet != nil || w.app.fleet.Fleet(w.t.Context()) != nil || w.app.fleet.Parts(w.t.Context()) != nil {
			t.Error("it has a fleet")
		}
		if had := w.app.fleet.Had(); had < 1<<62 {
			t.Errorf("it keeps entries after %d for nobody", had)
		}
		w.app.fleet.Recorded()
	})
}
