package gate

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// rememberedMax is how many callers, or kiosks, of one kind are remembered, and as many of before.
const rememberedMax = 1 << 16

// limits gives each key a share of its own. What was not used for long is forgotten: when there are too many, those
// that were used since the last time are kept, and all others begin anew.
type limits[K comparable] struct {
	rate  rate.Limit
	burst int

	mu          sync.Mutex
	young, aged map[K]*rate.Limiter
}

// newLimits makes shares of so many a second, four times as many at once; 0: there is no limit.
func newLimits[K comparable](perSecond int) *limits[K] {
	return &limits[K]{rate: rate.Limit(perSecond), burst: 4 * perSecond, young: map[K]*rate.Limiter{}}
}

// allow reports whether the key's share has one more.
func (l *limits[K]) allow(key K) bool {
	if l.burst == 0 {
		return true
	}
	l.mu.Lock()
	own := l.young[key]
	if own == nil {
		if len(l.young) >= rememberedMax {
			l.young, l.aged = map[K]*rate.Limiter{}, l.young
		}
		if own = l.aged[key]; own == nil {
			own = rate.NewLimiter(l.rate, l.burst)
		}
		l.young[key] = own
	}
	l.mu.Unlock()
	return own.Allow()
}

// callerBits are what of an IPv6 address names a caller: whoever has one of a /64 has all of it.
const callerBits = 64

// nameOf is what the requests of one caller share.
func nameOf(a netip.Addr) netip.Addr {
	if n, err := a.Prefix(callerBits); err == nil && a.Is6() {
		return n.Addr()
	}
	return a
}
