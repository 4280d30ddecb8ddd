package shop

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"

	"golang.org/x/time/rate"
)

// What one browser, one address, and all of them together may ask for: more than a page that polls each second in two
// tabs, and little enough for a Pi Zero beside a sale.
const (
	visitRate, visitBurst   = rate.Limit(10), 40
	callerRate, callerBurst = rate.Limit(10), 60
	allRate, allBurst       = rate.Limit(50), 200

	callersMax   = 256 // addresses that are remembered; then all begin anew
	bodyMax      = 1 << 10
	streamsEach  = 2  // streams of events of one page: two tabs; a third ends the oldest
	streamsTotal = 16 // of all; then pages poll
)

// callerBits are what of an IPv6 address names a caller: whoever has one of a /64 has all of it.
const callerBits = 64

// admits reports whether a request is within its limits, of which a page's own is one. It is called with s locked.
func (s *Shop) admits(r *http.Request, v *visit) bool {
	if v != nil {
		return v.limit.Allow() // whoever has scanned is not shut out by others behind the same address
	}
	if s.cfg.Machine.UPS.BehindProxy {
		return s.all.Allow()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	caller, _ := netip.ParseAddr(host) // none of a listener without addresses
	if caller = caller.Unmap().WithZone(""); caller.Is6() {
		if net, err := caller.Prefix(callerBits); err == nil {
			caller = net.Addr()
		}
	}
	limit := s.callers[caller]
	if limit == nil {
		if len(s.callers) >= callersMax {
			clear(s.callers)
		}
		limit = rate.NewLimiter(callerRate, callerBurst)
		s.callers[caller] = limit
	}
	return limit.Allow() && s.all.Allow()
}

// same compares secrets in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// ours reports whether a form was sent by the page itself. With a referrer policy of no-referrer, which the page has,
// browsers send a form with the Origin "null", and say in Sec-Fetch-Site where it comes from.
func (s *Shop) ours(r *http.Request) bool {
	switch origin := r.Header.Get("Origin"); origin {
	case s.origin:
		return true
	case "", "null":
		return r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	return false
}
