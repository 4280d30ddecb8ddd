package ups

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many purchases with the right token may reach the kiosk: those that it would not refuse at a look. The package's
// documentation says why there are two shares.
const (
	// a customer who has no purchase here, and so begins a sale, which is recorded and logged
	freshEvery      = 3 * time.Second
	freshBurst      = 10
	knownPerSecond  = 50 // the same when only Glase can call, which lets people in at their own pace
	knownBurst      = 100
	repeatPerSecond = 20 // of those who have one: no app repeats faster, and each costs the kiosk's loop one event
	repeatBurst     = 50
	// calls of Kiosk.CreatePurchase that have not returned; it answers at once but for an invoice under way
	outstandingMax = 64
)

// gate decides which purchases reach the kiosk. It remembers customers as keyed hashes; two that collide share a share.
type gate struct {
	seed          maphash.Seed
	fresh, repeat *rate.Limiter

	mu          sync.Mutex
	outstanding int
	asking      map[uint64]int // customers being asked for, with their calls; at most outstandingMax
	accepted    uint64         // the customer whose purchase was accepted last; 0 before the first
}

// newGate's known says that nobody but Glase can call.
func newGate(seed maphash.Seed, known bool) *gate {
	fresh := rate.NewLimiter(rate.Every(freshEvery), freshBurst)
	if known {
		fresh = rate.NewLimiter(knownPerSecond, knownBurst)
	}
	return &gate{
		seed:   seed,
		fresh:  fresh,
		repeat: rate.NewLimiter(repeatPerSecond, repeatBurst),
		asking: map[uint64]int{},
	}
}

// enter admits one call for a customer, to be ended by leave with the same pass; why says what is used up, or is "".
func (g *gate) enter(payer string) (pass uint64, why string) {
	pass = maphash.String(g.seed, payer)
	g.mu.Lock()
	defer g.mu.Unlock()
	share := g.fresh
	if g.asking[pass] > 0 || g.accepted == pass {
		share = g.repeat
	}
	switch {
	case g.outstanding >= outstandingMax:
		return 0, "too many outstanding"
	case !share.Allow():
		return 0, "too many a second"
	}
	g.outstanding++
	g.asking[pass]++
	return pass, ""
}

// leave ends a call; accepted says that its customer has, or may have, a sale at the machine now. It reports whether
// that is news.
func (g *gate) leave(pass uint64, accepted bool) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outstanding--
	if g.asking[pass]--; g.asking[pass] == 0 {
		delete(g.asking, pass)
	}
	news = accepted && g.accepted != pass
	if accepted {
		g.accepted = pass
	}
	return news
}
