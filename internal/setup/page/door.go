// Package page is the setup of a machine as pages for a phone: forms that need no scripts, for whoever types the code
// that is shown beside the machine.
package page

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// The door's limits. Eight digits, five tries with a second between them, then other digits: to guess one takes years.
const (
	codeDigits  = 8
	codeLife    = 15 * time.Minute
	triesMax    = 5
	tryEvery    = time.Second
	sessionsMax = 8 // phones that are let in; the oldest one goes
	sessionLife = 4 * time.Hour
)

// door lets in who has read the code.
type door struct {
	now    func() time.Time
	digits func(n int) string // random ones
	secret func() string      // of a session
	show   func(code string)  // where only somebody beside the machine sees it

	mu       sync.Mutex
	code     string
	until    time.Time
	tries    int
	last     time.Time // the last try that was wrong
	sessions []session
}

type session struct {
	secret [sha256.Size]byte
	until  time.Time
}

// renew makes another code, and shows it.
func (d *door) renew() {
	d.code, d.until, d.tries = d.digits(codeDigits), d.now().Add(codeLife), 0
	d.show(d.code)
}

// fresh makes sure that there is a code that is good.
func (d *door) fresh() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.code == "" || !d.now().Before(d.until) {
		d.renew()
	}
}

// try gives a session's secret to who knows the code, which is used up by it. wait: too soon after a wrong one.
func (d *door) try(code string) (secret string, wait bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if since := now.Sub(d.last); 0 <= since && since < tryEvery {
		return "", true
	}
	if d.code == "" || !now.Before(d.until) {
		d.renew()
		return "", false
	}
	code = strings.NewReplacer(" ", "", "-", "").Replace(code)
	if subtle.ConstantTimeCompare([]byte(code), []byte(d.code)) != 1 {
		d.last = now
		if d.tries++; d.tries >= triesMax {
			d.renew()
		}
		return "", false
	}
	d.code = "" // the next one is made when somebody asks for it
	secret = d.secret()
	d.sessions = append(d.sessions, session{sha256.Sum256([]byte(secret)), now.Add(sessionLife)})
	if more := len(d.sessions) - sessionsMax; more > 0 {
		d.sessions = d.sessions[more:]
	}
	return secret, false
}

// knows reports whether a request is of somebody who was let in.
func (d *door) knows(r *http.Request) bool {
	c, err := r.Cookie(cookie(r))
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	got, now, found := sha256.Sum256([]byte(c.Value)), d.now(), 0
	for _, s := range d.sessions {
		if now.Before(s.until) {
			found |= subtle.ConstantTimeCompare(got[:], s.secret[:])
		}
	}
	return found == 1
}

// cookie is the name of the session's: with TLS one that no other page of this host can set.
func cookie(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-kioskd-setup"
	}
	return "kioskd-setup"
}

// ours reports whether a request asks for this machine by its address: under a name it may be a stranger's page that
// asks (DNS rebinding).
func ours(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return addr.Unmap().IsLoopback() || ok && local.AddrPort().Addr().Unmap().WithZone("") == addr.Unmap().WithZone("")
}
