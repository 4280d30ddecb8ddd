package admit

import (
	"net/netip"
	"sync"
	"time"
)

// How many wrong codes may come from an address: so many at once, then one each pause. Nobody finds one of 2^80 by
// trying; this keeps the database from being asked for nothing.
const (
	wrongMax   = 10
	wrongPause = 30 * time.Second
	// addresses that are remembered; when more are wrong at once, the oldest are forgotten
	wrongFrom = 10_000
)

// wrong counts wrong codes by address.
type wrong struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[netip.Prefix]count
}

// count fills with wrong codes, and loses one each pause.
type count struct {
	level float64
	at    time.Time
}

func newWrong(now func() time.Time) *wrong { return &wrong{now: now, by: map[netip.Prefix]count{}} }

// from is an address as it is counted: of IPv6 the network, since everybody has billions of addresses.
func from(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address at all: counted together
	}
	return p
}

func (c count) left(now time.Time) float64 {
	return max(0, c.level-float64(now.Sub(c.at))/float64(wrongPause))
}

// may says whether an address may try.
func (w *wrong) may(a netip.Addr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.by[from(a)].left(w.now())+1 <= wrongMax
}

// note counts a wrong code.
func (w *wrong) note(a netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if len(w.by) >= wrongFrom {
		w.forget(now)
	}
	key := from(a)
	w.by[key] = count{w.by[key].left(now) + 1, now}
}

// forget makes room: of who has waited, and if that is nobody, of whoever comes first.
func (w *wrong) forget(now time.Time) {
	for key, c := range w.by {
		if c.left(now) == 0 {
			delete(w.by, key)
		}
	}
	for key := range w.by {
		if len(w.by) < wrongFrom {
			return
		}
		delete(w.by, key)
	}
}
