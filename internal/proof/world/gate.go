package world

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

var errDead = errors.New("sim: the process was killed")

const (
	fuseMax    = 80 // acts of a run until its end; a sale has some twenty to sixty
	settleActs = 16 // acts from a motor's start to the end of its sale
	bootActs   = 5  // acts from a start until it has found out where it is

	turning = 800 * time.Millisecond // from a motor's start to its product at the sensor, and a little more
)

// ending is how a run of the kiosk ends before its time.
type ending int

const (
	killed    ending = iota // SIGKILL: the relays keep their level until systemd's "kioskd outputs-off"
	unplugged               // the power goes: the machine wakes up with another boot
	told                    // SIGTERM: it settles what it can, and ends by itself
)

// acts are the moments of a sale at which a doom can be aimed.
var acts = []string{
	"record PurchaseRequested", "record ProductChosen", "record InvoiceSent", "record StatusAnswered",
	"record VendEnded", "record InvoiceUpdated",
	"record ReservationCommitted", "record InvoiceCanceled", "record PaymentRefunded", "record CancelPressed",
	"record Ticked", "record FaultRaised",
	"record Remembered", "send sendInvoice", "send updateInvoice", "send commitReservation", "send cancelInvoice",
	"send refundPayment",
	"send submitPaymentReceipt", "hear sendInvoice", "hear getPaymentStatus", "hear updateInvoice",
	"hear commitReservation", "hear cancelInvoice",
	"hear refundPayment", "switch on", "switch off", "send refundPayment", "hear refundPayment", // refunds are rare
}

// gate stands between one run of the kiosk and the world. A kill closes it: from then on nothing that the run does
// reaches the world and nothing of the world reaches the run, so that its goroutines run out harmlessly while a new
// kiosk works. What has passed before stays true, as it does after SIGKILL.
type gate struct {
	killed chan struct{} // closed by the kill
	term   func()        // SIGTERM
	since  time.Time

	mu    sync.Mutex
	dead  bool
	power bool // it died with the machine's power
	// The end comes when this many acts have passed; 0: not so. An act is a record in the journal, a call to Glase on
	// its way out or back, or a relay that is switched: a process can die between any two of them.
	fuse   int
	aim    string // only acts of this name count; "": all do
	before bool   // the last of them is not carried out any more
	how    ending
	motor  func(*gate)   // called once, when a motor starts; nil: none
	delay  time.Duration // from its moment to a SIGTERM, which comes at no other act's
}

func newGate() *gate { return &gate{since: time.Now(), killed: make(chan struct{}), term: func() {}} }

// doom decides when and how the run ends: at some act from its start on, at once, at an act of a certain name, at one
// of the acts after a motor's start, or some time after it.
func (g *gate) doom(r *rand.Rand) {
	n, before, later := 1+r.IntN(fuseMax), r.IntN(2) == 0, time.Duration(r.Int64N(int64(turning)))
	aim, often := acts[r.IntN(len(acts))], 1+r.IntN(3)*r.IntN(2)
	g.mu.Lock()
	defer g.mu.Unlock()
	how := []ending{killed, killed, unplugged, told}[r.IntN(4)]
	g.how, g.delay = how, time.Duration(r.Int64N(int64(wayMax)))
	switch r.IntN(8) {
	case 0:
		g.fuse, g.before = n, before
	case 1:
		g.fuse, g.before = 1+n%bootActs, before
	case 2:
		g.motor = func(g *gate) { g.fuse, g.before = 1+n%settleActs, before }
	case 3:
		g.motor = func(g *gate) { time.AfterFunc(later, func() { g.end(how) }) }
	case 4:
		g.motor = func(g *gate) { time.AfterFunc(10*later, func() { g.end(how) }) }
	default:
		g.fuse, g.aim, g.before = often, aim, before
	}
}

// aimAt is doom at an act of this name.
func (g *gate) aimAt(act string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.how, g.fuse, g.aim, g.before = killed, 1, act, false
}

// spare takes the doom away.
func (g *gate) spare() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fuse, g.motor = 0, nil
}

// end ends the run; once is enough.
func (g *gate) end(how ending) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fall(how)
}

// fall is the end. Called with the gate locked.
func (g *gate) fall(how ending) {
	switch {
	case g.dead:
	case how == told:
		time.AfterFunc(g.delay, g.term)
	default:
		g.dead, g.power = true, how == unplugged
		close(g.killed)
	}
}

// act carries out what the kiosk does to the world. false: the process did not live to see the end of it.
func (g *gate) act(name string, do func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return false
	}
	if g.fuse > 0 && name != "" && (g.aim == "" || g.aim == name) {
		if g.fuse--; g.fuse == 0 {
			if g.how == told {
				g.fall(told)
			} else {
				defer g.fall(g.how)
				if !g.before {
					do()
				}
				return false
			}
		}
	}
	do()
	return true
}

// turns is a motor that starts: a good moment to die after. Called with the gate locked.
func (g *gate) turns() {
	if f := g.motor; f != nil {
		g.motor = nil
		f(g)
	}
}

func (g *gate) alive() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.dead
}
