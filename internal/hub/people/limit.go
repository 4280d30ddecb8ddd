package people

import (
	"net/netip"
	"sync"
	"time"
)

// How often somebody may fail: so many times at once, then once each pause. It is per copy of the hub.
const (
	failuresMax   = 10
	failuresPause = 30 * time.Second
	// names and addresses that are remembered; when more fail at once, nobody signs in until that ends
	failedMax = 20_000
)

// bucket fills with failures and empties by one each pause.
type bucket struct {
	level float64
	at    time.Time
}

func (b bucket) now(at time.Time) bucket {
	return bucket{max(0, b.level-float64(at.Sub(b.at))/float64(failuresPause)), at}
}

// failures bounds the failures to sign in, by address and by name.
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]bucket
}

func newFailures(now func() time.Time) *failures { return &failures{now: now, by: map[string]bucket{}} }

// may counts a try for each of the keys as failed, until succeeded says otherwise; or says that one of them has failed
// too often, which counts nothing.
func (f *failures) may(keys ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if len(f.by)+len(keys) > failedMax {
		for key, b := range f.by {
			if b.now(now).level == 0 {
				delete(f.by, key)
			}
		}
		if len(f.by)+len(keys) > failedMax {
			return false
		}
	}
	for _, key := range keys {
		if f.by[key].now(now).level+1 > failuresMax {
			return false
		}
	}
	for _, key := range keys {
		b := f.by[key].now(now)
		b.level++
		f.by[key] = b
	}
	return true
}

// succeeded gives back what a try took: many people may share an address.
func (f *failures) succeeded(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		b := f.by[key].now(f.now())
		b.level = max(0, b.level-1)
		f.by[key] = b
	}
}

// neighbourhood is an address as failures count it: of IPv6 the network, since everybody has billions of addresses.
func neighbourhood(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // cannot fail: it has 128 bits
		return p.String()
	}
	return a.String()
}
