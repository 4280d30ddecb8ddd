// Package hold keeps a machine between two sales for a while, so that its daemon can be stopped without a customer
// noticing.
package hold

import (
	"slices"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// Kiosk is the machine that is held.
type Kiosk interface {
	State() fsm.State
	Raise(fsm.Fault)
	Clear(reason.Why)
}

// Gate keeps a machine from beginning a sale. Several goroutines may use it.
type Gate struct {
	kiosk Kiosk

	mu   sync.Mutex
	over *time.Timer // opens it; nil: it is open
}

// New makes the gate of a machine. It is open.
func New(k Kiosk) *Gate { return &Gate{kiosk: k} }

// Hold lets no new sale begin for so long, and says whether the machine stands still already: no sale is on, and no
// technician's act. A sale that is on goes on to its own end. Whoever waits for that asks again, which holds anew from
// then on; 0 opens the gate. When nobody asks again it opens by itself: who holds a machine and dies darkens none.
func (g *Gate) Hold(long time.Duration) (still bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over != nil {
		g.over.Stop()
		g.over = nil
	}
	if long <= 0 {
		g.kiosk.Clear(reason.Held)
		return false
	}
	// A machine that was free until now may begin a sale before it hears of this: the next answer knows.
	s := g.kiosk.State()
	held := slices.ContainsFunc(s.Faults, func(f fsm.Fault) bool { return f.Name == reason.Held })
	g.kiosk.Raise(fsm.Fault{Name: reason.Held})
	var mine *time.Timer
	mine = time.AfterFunc(long, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.over == mine { // nobody has asked again just now
			g.over = nil
			g.kiosk.Clear(reason.Held)
		}
	})
	g.over = mine
	return held && !s.Busy() && !s.Serving()
}
