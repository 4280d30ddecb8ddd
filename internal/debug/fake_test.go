package debug

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

// What the program wires in.
var (
	_ Kiosk = (*kiosk.Kiosk)(nil)
	_ Sales = (*journal.Journal)(nil)
)

// fakeKiosk is a machine whose steps the test makes.
type fakeKiosk struct {
	mu        sync.Mutex
	state     fsm.State
	followers map[chan kiosk.Update]bool
	left      chan struct{} // one for each follower that was let go
}

func newKiosk(s fsm.State) *fakeKiosk {
	return &fakeKiosk{state: s, followers: map[chan kiosk.Update]bool{}, left: make(chan struct{}, 16)}
}

func (k *fakeKiosk) State() fsm.State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

func (k *fakeKiosk) Follow(ctx context.Context) <-chan kiosk.Update {
	k.mu.Lock()
	defer k.mu.Unlock()
	ch := make(chan kiosk.Update, 64)
	ch <- kiosk.Update{State: k.state}
	k.followers[ch] = true
	context.AfterFunc(ctx, func() {
		k.mu.Lock()
		delete(k.followers, ch)
		k.mu.Unlock()
		k.left <- struct{}{}
	})
	return ch
}

func (k *fakeKiosk) set(s fsm.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = s
}

func (k *fakeKiosk) publish(u kiosk.Update) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state = u.State
	for ch := range k.followers {
		ch <- u
	}
}

// fakeSales is a journal's sales, newest first.
type fakeSales struct {
	mu     sync.Mutex
	sales  []journal.Sale
	err    error
	limits []int // that were asked for
	busy   int
	most   int           // readers at once
	hold   chan struct{} // not nil: SalesBefore waits for it
}

// SalesBefore numbers the sales from 1, the oldest.
func (s *fakeSales) SalesBefore(ctx context.Context, entry int64, limit int) (newest []journal.Numbered, err error) {
	s.mu.Lock()
	s.busy++
	s.most = max(s.most, s.busy)
	s.limits = append(s.limits, limit)
	for i, sale := range s.sales {
		if first := int64(len(s.sales) - i); first < entry && len(newest) < limit {
			newest = append(newest, journal.Numbered{First: first, Last: first, Sale: sale})
		}
	}
	hold := s.hold
	err = s.err
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	return newest, err
}

// Entries gives what was recorded of "SALE1", and of "BIG" more than a page shows.
func (s *fakeSales) Entries(_ context.Context, sale string) ([]journal.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	entry := func(seq int64, event, body string) journal.Entry {
		return journal.Entry{Seq: seq, Wall: at.Add(time.Duration(seq) * time.Second), Event: event,
			Body: json.RawMessage(body)}
	}
	var all []journal.Entry
	switch sale {
	case "SALE1":
		all = []journal.Entry{
			entry(1, "PurchaseRequested", `{"payer": "secret-hash", "amount": "50.00 SEK"}`),
			entry(2, "InvoiceSent", `{"result": {"kind": "done"}, "reference": "4711"}`),
			entry(3, "StatusAnswered", `{"result": {"kind": "done"}, "status": "PAID", "amount": "15.00 SEK"}`),
			entry(4, "VendEnded", `{"outcome": "not_delivered", "why": "jam"}`),
			entry(5, "InvoiceUpdated", `{"result": {"kind": "refused", "means": "in_progress", "word": "code 48"}}`),
			entry(6, "ReservationCommitted", `{"result": {"kind": "unknown"}}`),
			entry(7, "FromTheFuture", `{"x": 1}`),
		}
	case "BIG":
		for n := range int64(2 * storyMax) {
			all = append(all, entry(n+1, "Ticked", `{}`))
		}
	}
	return all, s.err
}

func (s *fakeSales) InDoubt(context.Context) (doubts []journal.Sale, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sale := range s.sales {
		if sale.State == string(fsm.InDoubt) {
			doubts = append(doubts, sale)
		}
	}
	return doubts, s.err
}

// add puts newer sales before the others.
func (s *fakeSales) add(sales ...journal.Sale) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sale := range sales {
		s.sales = slices.Insert(s.sales, 0, sale)
	}
}

func (s *fakeSales) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// serve is a port over real HTTP, with the program's own server.
func serve(t *testing.T, c Config) *httptest.Server {
	t.Helper()
	if c.Kiosk == nil {
		c.Kiosk = newKiosk(fsm.State{Stage: fsm.Ready})
	}
	if c.Sales == nil {
		c.Sales = &fakeSales{}
	}
	if c.Version == "" {
		c.Version, c.Log = "1.2.3", zerolog.Nop()
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(h)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// reply is an answer that was read whole.
type reply struct {
	code   int
	header http.Header
	body   string
}

// ask makes a request. header holds name and value in turns; "Host" is the request's host.
func ask(t *testing.T, s *httptest.Server, method, path, body string, header ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Add(header[i], header[i+1])
		}
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, strings.TrimSuffix(string(b), "\n")}
}

// patience is how long a test waits for what does not come.
const patience = 10 * time.Second

// within fails a test that waits for something that does not come.
func within[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}
