package serve

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/ups"
)

// refusedEvery passes between two lines about callers that [ups] allow keeps out: somebody else decides how many
// there are.
const refusedEvery = time.Minute

// Door is what is known of who calls the customers' side. Its methods may be called from any goroutine.
type Door struct {
	log  zerolog.Logger
	wall func() time.Time

	mu      sync.Mutex
	refused uint64     // connections that [ups] allow kept out
	untold  uint64     // of them, since the last line
	last    netip.Addr // of the newest
	at      time.Time  // when it came
	said    time.Time
}

// NewDoor makes a door that nobody has come to yet.
func NewDoor(log zerolog.Logger, wall func() time.Time) *Door { return &Door{log: log, wall: wall} }

// callers is who may connect, for the customers' side.
func (d *Door) callers(u config.UPS) ups.Callers {
	return ups.Callers{Allow: u.Allow, OneProxy: u.BehindProxy, Refused: d.refuse}
}

// refuse counts a caller, and says so once a minute.
func (d *Door) refuse(caller netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.wall()
	d.refused, d.untold, d.last, d.at = d.refused+1, d.untold+1, caller, now
	if since := now.Sub(d.said); 0 <= since && since < refusedEvery {
		return
	}
	d.log.Warn().Stringer("address", caller).Uint64("connections", d.untold).
		Msg("[ups] allow keeps out who calls from there")
	d.said, d.untold = now, 0
}

// KeptOut is how many connections [ups] allow has kept out since the start.
func (d *Door) KeptOut() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused
}

// Part is the customers' side as a technician sees it: who came, who was kept out, and whether sales are left unpaid.
// scanned is when a customer came last.
func (d *Door) Part(u config.UPS, s fsm.State, scanned time.Time) debug.Part {
	p := debug.Part{Name: "UPS", OK: true, What: "no customer has scanned since the start", Since: scanned}
	if !scanned.IsZero() {
		p.What = "a customer scanned"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused > 0 {
		p.What += fmt.Sprintf("; [ups] allow kept out %d connections, the last from %s", d.refused, d.last)
		if scanned.IsZero() { // it may be Glase itself
			p.OK, p.Since = false, d.at
			p.Do = "is that Glase, or your proxy? then its address belongs into [ups] allow: docs/security.md"
		}
	}
	if s.Hurried() {
		p.OK = false
		p.What = fmt.Sprintf("%d sales or more in a row were not paid: until one is, a customer has %v for the PIN",
			s.Unpaid, s.PinTime())
		p.Do = "somebody may be calling createPurchase without buying: docs/security.md"
		if len(u.Allow) == 0 && u.ClientCA == "" && !u.BehindProxy {
			p.Do = "somebody may be calling createPurchase without buying: say in [ups] allow who may; docs/security.md"
		}
	}
	return p
}
