package world

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/reason"
	"kioskd/internal/shop"
	"kioskd/internal/shop/shoptest"
)

// pageway carries a browser's requests to whichever kiosk runs now, as doorway does Glase's. A connection that is
// closed is an answer of 502, as a proxy gives it.
type pageway struct{ way doorway }

func (p pageway) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	defer func() {
		if recover() != nil {
			rw.WriteHeader(http.StatusBadGateway)
		}
	}()
	p.way.ServeHTTP(rw, r)
}

// opensPage is a customer who scans the code that leads to the machine's page; nil: there is none.
func (w *world) opensPage() *shoptest.Browser {
	s := w.shows()
	if !s.OnPage || !strings.Contains(s.QR, "/s/") {
		return nil
	}
	b := &shoptest.Browser{Server: pageway{doorway{w}}}
	if status := b.Open(s.QR); status != http.StatusOK {
		w.diary.note("the page opens with %d", status)
		return nil
	}
	return b
}

// choosesOnPage opens the page and orders, and gives what the app is led to; "": nothing.
func (c customer) choosesOnPage() (qr string) {
	b := c.world.opensPage()
	if b == nil {
		return ""
	}
	c.wait(3)
	slot := slots[c.r.IntN(len(slots))]
	v, err := b.Order(slot)
	c.note("orders %s on the page: %s %s %v", slot, v.Step, v.Sale, err)
	for range 1 + c.r.IntN(3) { // looks, or reloads
		time.Sleep(seconds(c.r, 2))
		if v, err = b.State(); err == nil && v.Step == shop.Pay {
			break
		}
	}
	c.leavesPage(b, v.Sale)
	if v.Link == "" {
		return ""
	}
	return "HTTP:" + strings.TrimPrefix(v.Link, "seqr:")
}

// leavesPage is what becomes of the page while its customer is busy with the phone: closed, out of sight behind the
// app, followed, reloaded, polled, or cancelled.
func (c customer) leavesPage(b *shoptest.Browser, sale string) {
	r, long := c.world.numbers(c.name+"/page"), seconds(c.r, 60)
	what := r.IntN(6)
	c.note("%s", []string{"closes the page", "goes to the app", "leaves the page open", "polls", "reloads",
		"cancels on the page"}[what])
	switch what {
	case 0:
		c.world.referee.pages.closed(sale)
	case 1:
		if _, err := b.Opened(); err == nil {
			c.world.referee.pages.hid(sale)
		}
	case 2:
		c.world.people.Go(func() {
			ctx, end := context.WithTimeout(context.Background(), long)
			defer end()
			for range b.Follow(ctx) {
			}
		})
	case 3, 4:
		c.world.people.Go(func() {
			every := time.Duration(1+4*(what-3)) * time.Second
			for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(every) {
				_, _ = b.State()
			}
		})
	case 5:
		c.world.people.Go(func() { c.cancelsOnPage(b, r) })
	}
}

func (c customer) cancelsOnPage(b *shoptest.Browser, r *rand.Rand) {
	time.Sleep(seconds(r, 15))
	_, _ = b.Cancel()
}

// ordersHonestly is the last customer's choice.
func (w *world) ordersHonestly(slot string) {
	if w.o.Flow != string(fsm.Web) {
		w.push(slot)
		return
	}
	if b := w.opensPage(); b != nil {
		v, err := b.Order(slot)
		w.diary.note("orders %s on the page: %s %v", slot, v.Step, err)
		_, _ = b.Opened()
	}
}

// The machine's patience with a page, and what the referee gives it to act on that.
const (
	pageGone  = 25 * time.Second
	pageGrace = 5 * time.Second
)

// pages are what the customers did with theirs, by sale.
type pages struct {
	mu           sync.Mutex
	left, hidden map[string]time.Time
}

func (p *pages) closed(sale string) { p.note(&p.left, sale) }

func (p *pages) hid(sale string) { p.note(&p.hidden, sale) }

func (p *pages) note(what *map[string]time.Time, sale string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if *what == nil {
		*what = map[string]time.Time{}
	}
	if sale != "" {
		(*what)[sale] = time.Now()
	}
}

// page: a page that was closed gives its sale up soon, and one that is out of sight while its customer is in the app
// does not.
func (f *referee) page(sale journal.Sale, v visit) {
	f.pages.mu.Lock()
	left, hidden := f.pages.left[sale.ID], f.pages.hidden[sale.ID]
	f.pages.mu.Unlock()
	served := v.served
	if served.IsZero() {
		served = v.ended
	}
	if from := maxTime(left, v.known); !left.IsZero() && served.After(from) {
		if waits := f.world.harm.peace(from, served, diskFull); waits > pageGone+pageGrace {
			f.violated("its page was closed, and it waits on for %v in peace: %s", waits, brief(sale))
		}
	}
	if !hidden.IsZero() && sale.Why == reason.WalkedAway && served.After(hidden) {
		f.violated("given up although its customer is in the app: %s", brief(sale))
	}
}
