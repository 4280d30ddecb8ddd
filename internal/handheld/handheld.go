// Package handheld is the page that a technician uses on a phone beside the machine: a code that the machine shows for
// a moment opens it, once. Without the technicians' token it only shows; with it, it does what a technician does, each
// act once, on record with the technician's name, and never while a customer is being served.
//
// It needs no script: forms, and pages that are asked for again.
package handheld

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/debug/api"
)

// How long and how many.
const (
	codeFor     = 5 * time.Minute  // a code that nobody has used
	shownFor    = 60 * time.Second // it stands on the machine's display
	idleFor     = 30 * time.Minute // a session that asks for nothing ends
	sessionFor  = 8 * time.Hour    // and so does any other
	sessionsMax = 4                // at once; a fifth ends the one that began first
	formsMax    = 512              // acts of one session; then the code is asked for again
	bodyMax     = 4 << 10          // bytes of a form
	answerIn    = 5 * time.Second  // the machine's word on an act, and the journal's on a question
	checkedFor  = 10 * time.Second // the system is not looked at more often, whoever asks
)

// Tries of the token, right ones too: whoever holds the phone cannot guess it.
const (
	tryEvery = rate.Limit(1.0 / 12)
	triesMax = 5
)

// Kiosk is the machine. Each act is recorded before anything follows from it, and is refused while it serves somebody.
type Kiosk interface {
	State() fsm.State
	TestVend(ctx context.Context, slot, by string) (id string, err error)
	CountStock(ctx context.Context, slot, by string, count int, more bool) (was, left int, err error)
	Command(ctx context.Context, c fsm.Command, sale fsm.Sale, v fsm.Verdict) fsm.Refusal
}

// Config is what the page shows, and whom it lets act.
type Config struct {
	Machine config.Config
	Hosts   []string // names that the port is called by, of its certificate
	Token   string   // the technicians'; "": nobody acts through the page
	Kiosk   Kiosk
	Sales   debug.Sales
	// Doubt is what the record has of a sale that waits for a person
	Doubt func(ctx context.Context, id string) (fsm.Sale, error)
	Parts func() []api.Part                   // what the machine depends on
	Lend  func(code string, of time.Duration) // shows a code on the machine's display; "": takes it away
	Now   func() fsm.Instant
	// Secret gives 128 random bits in letters and digits
	Secret func() string
	Log    zerolog.Logger
}

// Page is the technician's page. Its methods may be called from any goroutine.
type Page struct {
	cfg   Config
	token [sha256.Size]byte
	tries *rate.Limiter
	check checks

	mu       sync.Mutex
	code     [sha256.Size]byte // of the code that is good now
	codeTill fsm.Instant       // 0: none is
	sessions map[[sha256.Size]byte]*session
}

// session is one technician's phone. It is read and written with Page.mu locked.
type session struct {
	by          string
	acts        bool // the token was given
	began, seen fsm.Instant
	forms       map[string]outcome // what became of each form that was sent
}

// New makes the page, which nobody can open yet.
func New(c Config) *Page {
	return &Page{cfg: c, token: sha256.Sum256([]byte(c.Token)), tries: rate.NewLimiter(tryEvery, triesMax),
		sessions: map[[sha256.Size]byte]*session{}}
}

// Why no code is given.
var (
	ErrSale = errors.New("a sale is on: the display is the customer's; try again when it has ended")
	ErrAway = errors.New("no phone can reach the technicians' port: it listens on this machine alone. Set [debug] " +
		`listen = "0.0.0.0:8443", tls_cert, tls_key and token_file (docs/technician.md), and restart kioskd. ` +
		"For a browser on this machine, or through an SSH tunnel: kioskd page --here")
)

// Issue makes a new code, which ends the one before, shows it on the machine's display, and gives the address that it
// leads to. here: it is for a browser on this machine, and the display shows none. A machine that serves a customer is
// ErrSale, and one that no phone can reach ErrAway.
func (p *Page) Issue(here bool) (api.Page, error) {
	if p.cfg.Kiosk.State().Busy() {
		return api.Page{}, ErrSale
	}
	local := p.local()
	if local && !here {
		return api.Page{}, ErrAway
	}
	code := p.cfg.Secret()
	address := p.address() + "/t/" + code
	p.mu.Lock()
	p.code, p.codeTill = sha256.Sum256([]byte(code)), p.cfg.Now()+fsm.Instant(codeFor)
	p.mu.Unlock()
	told := api.Page{URL: address, Seconds: int(codeFor / time.Second)}
	if !here {
		p.cfg.Lend(address, shownFor)
		told.Shown = int(shownFor / time.Second)
	}
	p.cfg.Log.Info().Bool("shown", !here).Msg("a code for the technician's page was asked for")
	return told, nil
}

// Asked is Issue for the machine's service button.
func (p *Page) Asked() {
	if _, err := p.Issue(false); err != nil {
		p.cfg.Log.Warn().Err(err).Msg("the service button: no code is shown")
	}
}

// local reports whether the port listens on this machine alone.
func (p *Page) local() bool {
	host, _, _ := net.SplitHostPort(p.cfg.Machine.Debug.Listen)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// address is how the port is called: by a name of its certificate, or by an address of this machine.
func (p *Page) address() string {
	host, port, _ := net.SplitHostPort(p.cfg.Machine.Debug.Listen)
	scheme := "http"
	if p.cfg.Machine.Debug.TLSCert != "" {
		scheme = "https"
	}
	if !p.local() {
		host = p.host(host)
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, port))
}

func (p *Page) host(listen string) string {
	for _, h := range p.cfg.Hosts {
		if _, err := netip.ParseAddr(h); err != nil && h != "localhost" && h != "" {
			return h
		}
	}
	if addr, err := netip.ParseAddr(listen); err != nil && listen != "" || err == nil && !addr.IsUnspecified() {
		return listen
	}
	nets, _ := net.InterfaceAddrs() // none: the address says so
	for _, n := range nets {
		if ip, ok := n.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	return "127.0.0.1"
}

// good reports whether a code is the one that opens the page now.
func (p *Page) good(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.goodNow(code)
}

// goodNow is called with p locked. Hashes tell nothing by the time of their comparison.
func (p *Page) goodNow(code string) bool {
	return p.codeTill > p.cfg.Now() && sha256.Sum256([]byte(code)) == p.code
}

// enter uses the code up for a new session, and gives what the browser is known by; "": it is not good any more.
func (p *Page) enter(code, by string, acts bool) (cookie string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.goodNow(code) {
		return ""
	}
	p.code, p.codeTill = [sha256.Size]byte{}, 0
	p.sweep()
	for len(p.sessions) >= sessionsMax {
		var oldest [sha256.Size]byte
		first := p.cfg.Now() + 1
		for claim, s := range p.sessions {
			if s.began < first {
				oldest, first = claim, s.began
			}
		}
		delete(p.sessions, oldest)
	}
	cookie = p.cfg.Secret()
	now := p.cfg.Now()
	p.sessions[sha256.Sum256([]byte(cookie))] = &session{by: by, acts: acts, began: now, seen: now,
		forms: map[string]outcome{}}
	return cookie
}

// sweep ends the sessions that are over. It is called with p locked.
func (p *Page) sweep() {
	now := p.cfg.Now()
	for claim, s := range p.sessions {
		if now.Since(s.seen) >= idleFor || now.Since(s.began) >= sessionFor || len(s.forms) >= formsMax {
			delete(p.sessions, claim)
		}
	}
}

// visitor is a session as it was when its browser asked.
type visitor struct {
	claim [sha256.Size]byte
	by    string
	acts  bool
}

// known is whose cookie that is; false: nobody's.
func (p *Page) known(cookie string) (visitor, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	claim := sha256.Sum256([]byte(cookie))
	s := p.sessions[claim]
	if cookie == "" || s == nil {
		return visitor{}, false
	}
	s.seen = p.cfg.Now()
	return visitor{claim, s.by, s.acts}, true
}

// leave ends a session.
func (p *Page) leave(v visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, v.claim)
}

// trusts reports whether that is the technicians' token, and whether it was looked at: too many tries are not.
func (p *Page) trusts(token string) (right, looked bool) {
	if p.cfg.Token == "" || !p.tries.AllowN(time.Unix(0, int64(p.cfg.Now())), 1) {
		return false, p.cfg.Token == ""
	}
	return sha256.Sum256([]byte(token)) == p.token, true
}

// unlock lets a session act.
func (p *Page) unlock(v visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[v.claim]; s != nil {
		s.acts = true
	}
}
