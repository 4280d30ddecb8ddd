// Package shop sells on a page: who stands at the machine opens the code on its screen, and chooses and pays in the
// browser.
//
// All of it is below <prefix>/s/ on the customers' side, beside the status URL for Glase's own browser plug-in:
//
//	GET  /s/<code>    the page; the first browser that opens a code has it, by a cookie, and nobody else
//	GET  /s/          the same page again: after a reload, from the app, without scripts each few seconds
//	GET  /s/events    the page's state as server-sent events, the whole of it first
//	GET  /s/state     the same once
//	GET  /s/qr.svg    the invoice's QR
//	GET  /s/open      leads to the app, for a page without scripts
//	POST /s/order     slot=A1: begins a sale
//	POST /s/cancel    ends it
//	POST /s/opened    the link to the app was opened: the page will be out of sight
//	GET  /notify/<secret>   {"status": "ISSUED", "resultCode": 0}, for any page of the merchant's; 404 when there is
//	                        nothing more to say
//
// # Who may begin
//
// A code is a fresh one each codeFresh and after each use, and holds 128 random bits: only who sees the screen can open
// the page. What the browser then holds, another 128 bits, is its claim. Nothing about a sale is told without it, and
// only its hash is kept, in the sale itself, so that the page still knows its sale after a restart of the machine. A
// claim is good for one sale.
//
// A form is taken only from the page itself (Origin, or where browsers leave that out Sec-Fetch-Site). Amounts come
// from the machine's own price list; the page only names a slot. No other site may frame the page, no script but its
// own runs, nothing of it is kept, and no link leads on with its address.
//
// # Hidden is not gone
//
// On a phone the page is out of sight while the customer pays in the app. A sale is given up when nothing was heard of
// its page for goneAfter, it is not paid, and its link was not opened; or when its time for the PIN is over, which the
// state machine decides. A stream of events counts as heard for as long as it is open. What was paid all the same is
// the state machine's business: it is delivered, or goes back.
package shop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
	"kioskd/ups"
)

const (
	codeFresh = 45 * time.Second // the code on the screen is replaced after this long
	codeGood  = 90 * time.Second // one that was photographed just before that still opens the page
	codesMax  = 3                // that are good at once
	goneAfter = 25 * time.Second // nothing was heard of a page: nobody looks at it any more
	orderIn   = 5 * time.Minute  // after the page was opened: later, nobody says that the customer still stands there
	visitFor  = 30 * time.Minute // so long a page is known, and shows its receipt
	visitsMax = 64
)

// Kiosk is what the page needs of the machine. Its methods may be called from any goroutine.
type Kiosk interface {
	State() fsm.State
	ChooseOnPage(ctx context.Context, slot, claim string) fsm.Refusal
	CancelSale(sale string) bool
	PageLeft(sale string)
}

// Config is what one machine's page needs; all of it is required but Log.
type Config struct {
	Machine config.Config
	Kiosk   Kiosk
	Now     func() fsm.Instant // the clock of the kiosk's deadlines
	Synced  func() bool        // whether the time of the machine's updates can be believed
	Secret  func() string      // makes 128 random bits, in letters and digits
	Lead    func(link string)  // is told the address that the screen's code leads to from now on
	Log     zerolog.Logger
}

// Shop is the page. It is an http.Handler for what Takes says; Run keeps it at what the machine does.
type Shop struct {
	cfg    Config
	origin string // of the page: scheme and host
	path   string // of the page's folder as a browser sees it: "/seqr/s/"
	prefix string // of what comes in at the listener: "/seqr"

	wake chan struct{} // has room for one: what is due is reckoned anew

	mu      sync.Mutex
	state   fsm.State
	codes   []code            // those that open the page, newest last
	visits  map[string]*visit // by claim
	callers map[netip.Addr]*rate.Limiter
	all     *rate.Limiter // of everybody, where a proxy makes one caller of all
	changed chan struct{} // closed when a page may look different
	streams int
}

// code is what the screen shows for a while.
type code struct {
	nonce string
	shown fsm.Instant
}

// visit is one browser that has opened a code.
type visit struct {
	claim   string // a hash of what its cookie holds
	begun   fsm.Instant
	heard   fsm.Instant // the last that was heard of it
	streams []*stream   // of events, oldest first
	opened  bool        // the link to the app
	asks    bool        // for its sale to begin, and the machine has not answered yet
	used    bool        // it has begun its sale, or may have
	sale    fsm.Sale    // which it was, as it was last
	ended   time.Time   // when it had ended; zero: it has not, or nobody knows the time
	refused fsm.Refusal // why the last choice began none
	limit   *rate.Limiter
}

// New makes the page of a machine whose config has one.
func New(c Config) (*Shop, error) {
	public, err := url.Parse(ups.PageURL(c.Machine.UPS.PublicURL))
	switch {
	case err != nil || public.Host == "":
		return nil, errors.New("shop: no public_url")
	case c.Kiosk == nil || c.Now == nil || c.Synced == nil || c.Secret == nil || c.Lead == nil:
		return nil, errors.New("shop: a part is missing")
	}
	s := &Shop{
		wake: make(chan struct{}, 1), state: fsm.State{Reason: reason.Starting},
		cfg: c, origin: public.Scheme + "://" + public.Host, path: public.Path,
		prefix: c.Machine.UPS.PathPrefix, visits: map[string]*visit{}, callers: map[netip.Addr]*rate.Limiter{},
		all: rate.NewLimiter(allRate, allBurst), changed: make(chan struct{}),
	}
	s.freshCode()
	return s, nil
}

// link is the address that a code opens.
func (s *Shop) link(nonce string) string { return s.origin + s.path + nonce }

// freshCode puts another code on the screen. It is called with s locked, but by New.
func (s *Shop) freshCode() {
	now := s.cfg.Now()
	s.codes = slices.DeleteFunc(s.codes, func(c code) bool { return now.Since(c.shown) > codeGood })
	if len(s.codes) >= codesMax {
		s.codes = slices.Delete(s.codes, 0, len(s.codes)-codesMax+1)
	}
	s.codes = append(s.codes, code{s.cfg.Secret(), now})
	s.cfg.Lead(s.link(s.codes[len(s.codes)-1].nonce))
}

// Run follows the machine until ctx ends.
func (s *Shop) Run(ctx context.Context, steps <-chan kiosk.Update) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case u := <-steps:
			s.step(u)
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		timer.Stop()
		if in, any := s.due(); any {
			timer.Reset(in)
		}
	}
}

// step takes the machine's newest state.
func (s *Shop) step(u kiosk.Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := u.State
	s.state = state
	if v := s.visits[state.Sale.Claim]; v != nil {
		if state.Sale.Ended && !v.sale.Ended && s.cfg.Synced() {
			v.ended = u.Wall
		}
		v.sale, v.used = state.Sale, true
	}
	s.tell()
}

// tell makes everybody who follows look anew. It is called with s locked.
func (s *Shop) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// due does what time asks for, and says when it asks again.
func (s *Shop) due() (in time.Duration, any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	later := func(d time.Duration) {
		if !any || d < in {
			in, any = d, true
		}
	}
	if s.state.Stage == fsm.Ready {
		if now.Since(s.codes[len(s.codes)-1].shown) >= codeFresh {
			s.freshCode()
		}
		later(codeFresh - now.Since(s.codes[len(s.codes)-1].shown))
	}
	if v := s.visits[s.state.Sale.Claim]; v != nil && s.unpaid() && !v.opened && len(v.streams) == 0 {
		if left := goneAfter - now.Since(v.heard); left > 0 {
			later(left)
		} else {
			s.cfg.Log.Info().Str("sale", s.state.Sale.ID).Msg("nobody looks at the page of this sale any more")
			go s.cfg.Kiosk.PageLeft(s.state.Sale.ID) // the loop may wait for us
			v.heard = now                            // said once, and again if it was not heard
			later(goneAfter)
		}
	}
	return in, any
}

// unpaid reports whether the page's present sale waits for its payment. It is called with s locked.
func (s *Shop) unpaid() bool {
	return s.state.Busy() && !s.state.Sale.Recovered &&
		(s.state.Stage == fsm.Invoicing || s.state.Stage == fsm.Awaiting)
}

// claimOf is what is kept of a cookie.
func claimOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:16])
}

// open gives a browser the code's visit, and the cookie that it is known by; "": the code opens nothing.
func (s *Shop) open(nonce string) (cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	n := slices.IndexFunc(s.codes, func(c code) bool { return same(c.nonce, nonce) })
	if n < 0 || now.Since(s.codes[n].shown) > codeGood {
		return ""
	}
	s.codes = slices.Delete(s.codes, n, n+1)
	s.freshCode()
	cookie = s.cfg.Secret()
	s.admit(claimOf(cookie), now)
	return cookie
}

// admit makes a visit, in place of the oldest when there are too many. It is called with s locked.
func (s *Shop) admit(claim string, now fsm.Instant) *visit {
	var oldest *visit
	for _, v := range s.visits {
		switch {
		case v.claim == s.state.Sale.Claim && s.state.Busy():
		case now.Since(v.heard) > visitFor:
			delete(s.visits, v.claim)
		case oldest == nil || v.heard < oldest.heard:
			oldest = v
		}
	}
	if len(s.visits) >= visitsMax && oldest != nil {
		delete(s.visits, oldest.claim)
	}
	v := &visit{claim: claim, begun: now, heard: now, limit: rate.NewLimiter(visitRate, visitBurst)}
	s.visits[claim] = v
	return v
}

// visitOf is the visit of who holds the cookie; nil: of nobody that is known. A sale outlives a restart, and its page
// is known by it. It is called with s locked.
func (s *Shop) visitOf(r *http.Request) *visit {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" {
		return nil
	}
	claim := claimOf(c.Value)
	v := s.visits[claim]
	if v == nil && claim == s.state.Sale.Claim {
		v = s.admit(claim, s.cfg.Now())
		v.sale, v.used = s.state.Sale, true
	}
	return v
}
