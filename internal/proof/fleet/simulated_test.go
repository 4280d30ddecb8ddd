package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/chain"
	kiosk "kioskd/internal/fleet"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/relay"
	"kioskd/internal/proof/broker"
)

// simulated is a kiosk without a machine: its journal is by heart, and all that it says to the fleet is said by the
// kiosk's own code over a connection of its own.
type simulated struct {
	id     string
	roll   roll
	outbox *kiosk.Outbox
	line   *kiosk.Line
	forks  atomic.Int64
	asked  purchases
}

// Copies is the outbox's view of its journal.
func (k *simulated) Copies(_ context.Context, after int64, limit int) ([]chain.Entry, error) {
	return k.roll.copies(after, limit), nil
}

// Span is its first entry and its last.
func (k *simulated) Span(context.Context) (first, last int64, err error) {
	last = k.roll.last()
	return min(last, 1), last, nil
}

// sell sells once.
func (k *simulated) sell() {
	k.roll.sell()
	k.outbox.Poke()
}

// simulate makes so many kiosks and connects them until the test ends.
func simulate(t testing.TB, brokers *broker.Fleet, n int) []*simulated {
	t.Helper()
	s := write(t)
	dir := t.TempDir()
	boot := time.Now()
	var all []*simulated
	var work sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(func() {
		end()
		work.Wait()
	})
	for i := range n {
		k := &simulated{id: fmt.Sprintf("K%05d", i), roll: roll{kiosk: i, script: &s}}
		credentials, err := brokers.Trust.Credentials(grants.Kiosk, k.id)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, k.id)
		if err := os.WriteFile(file, credentials, 0o600); err != nil {
			t.Fatal(err)
		}
		k.outbox = kiosk.NewOutbox(kiosk.OutboxConfig{Kiosk: k.id, Journal: k, Round: rand.Uint32(), Jitter: jitter,
			Fork: func(is bool) {
				if is {
					k.forks.Add(1)
				}
			}})
		r, err := relay.New(relay.Config{Kiosk: k.id, Handler: &k.asked, Log: zerolog.Nop(),
			Now: func() time.Duration { return time.Since(boot) }})
		if err != nil {
			t.Fatal(err)
		}
		k.asked.id = k.id
		k.line = kiosk.NewLine(kiosk.Config{Kiosk: k.id, Servers: urls(brokers), Credentials: file, CA: brokers.CA,
			Size: n, Services: []kiosk.Service{k.outbox.Serve, r.Serve}, Wall: time.Now, Jitter: jitter,
			Log: zerolog.Nop()})
		work.Go(func() { k.line.Run(ctx) })
		all = append(all, k)
	}
	return all
}

// purchases is the customers' side of a simulated kiosk: it answers who it is and what it was asked, and remembers
// when.
type purchases struct {
	id string

	mu     sync.Mutex
	served map[string][]time.Time // by what the asker said
}

// said is what a kiosk answers, or a gateway in its place.
type said struct {
	Kiosk string `json:"invoiceReference"`
	Of    string `json:"of"` // what it was asked
	Code  string `json:"errorCode"`
}

// ServeHTTP answers a createPurchase.
func (p *purchases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	if p.served == nil {
		p.served = map[string][]time.Time{}
	}
	p.served[string(body)] = append(p.served[string(body)], at)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(said{Kiosk: p.id, Of: string(body)})
}

// of is when the kiosk served what an asker said.
func (p *purchases) of(text string) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served[text]
}
