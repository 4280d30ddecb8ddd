// Package mdbtest is a vending machine with an MDB bus and a serial bridge on it, which exist only in memory: the other
// end of package mdb's line. It shares nothing with that package, and believes nothing: what a bridge would refuse it
// refuses, and what no program should say is a Complaint.
//
// A Machine stands for itself: it goes on when the program at the other end dies, and answers the next one. It lets
// customers choose (Press), delivers with its own motors, and can be broken in every way that its line, its bus and its
// spirals can (Break, Spoil, Unplug, Reset, Enable). It runs on package time, so that it is exact in a testing/synctest
// bubble.
package mdbtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Product is what the machine sells under a number.
type Product struct {
	Price   string      // decimal, as the machine writes it: "15.00"
	Deliver func() bool // makes one come out, and says whether it did; see Spiral
}

// Trouble is what goes wrong at the next delivery, once.
type Trouble string

// The troubles. All but the first two are of a machine that was told to deliver.
const (
	CancelFirst Trouble = "cancel first" // the machine gives its request up just before the approval comes
	// the approval is lost on its way; the machine gives up after a while
	Deaf         Trouble = "deaf"
	DeafSilent   Trouble = "deaf and silent" // the same, and it only goes back to its session
	ResetBefore  Trouble = "reset before"    // the machine begins anew, and delivers nothing
	ResetAfter   Trouble = "reset after"     // it delivers, and begins anew before it says so
	Late         Trouble = "late success"    // it says so after it is back in its session
	NoAnswer     Trouble = "no answer"       // it delivers, and never says so
	Fail         Trouble = "fail"            // it delivers nothing, and says so
	Liar         Trouble = "liar"            // it delivers nothing, and says that it did
	UnplugBefore Trouble = "unplug before"   // the line is unplugged while it delivers, and stays so
	// the line is unplugged while it delivers, and comes back before the answer
	UnplugForAWhile Trouble = "unplug for a while"
)

// Noise is what happens to the next lines that the machine writes.
type Noise string

// The noises.
const (
	Lose    Noise = "lose"
	Garble  Noise = "garble" // a byte of it is another
	Halve   Noise = "halve"  // the second half is lost, with its end
	Double  Noise = "double"
	Rubbish Noise = "rubbish" // bytes that mean nothing come before it
)

// A machine's times are no fractions of anybody else's, so that two things seldom happen at the same moment.
const (
	busTime    = 40_013_171 * time.Nanosecond    // from a command to what the machine makes of it
	setupTime  = 700_029_242 * time.Nanosecond   // a machine needs to set up a bridge that joins the bus
	giveUp     = 5_000_037_117 * time.Nanosecond // a request that nobody answers is cancelled
	backTime   = 120_043_119 * time.Nanosecond   // from a session's end until the next may begin
	resetTime  = 4_000_053_121 * time.Nanosecond // a machine that begins anew is away
	lateTime   = 400_061_123 * time.Nanosecond
	awayTime   = 1_500_071_127 * time.Nanosecond
	linesMax   = 64 // that wait for a reader; later ones are lost
	commandMax = 64 // bytes of one command
)

// ErrUnplugged is what Open says while the line is unplugged.
var ErrUnplugged = errors.New("mdbtest: the line is unplugged")

// Machine is the machine and its bridge. Fill the exported fields and leave them alone.
type Machine struct {
	Products map[int]Product
	Multi    bool              // a session goes on after a delivery
	End      string            // of each line it writes: "\r\n" when empty
	Log      func(line string) // what goes over the line; nil: nobody
	Complain func(what string) // something that no program should write; nil: nobody

	mu        sync.Mutex
	on        bool // on the bus
	status    string
	life      int // of the bridge's time on the bus: what belongs to an earlier one is void
	disabled  bool
	unplugged bool
	waits     int  // so far
	request   int  // the product that is asked for
	asked     int  // counts requests
	approved  bool // and that request is approved
	trouble   Trouble
	noise     []Noise
	port      *port
	approvals int
	successes int
}

// Spiral is a Deliver of a motor that turns until its sensor sees the product, or for most; then the product has a
// little longer.
func Spiral(motor Out, drop In, most, late time.Duration) func() bool {
	return func() bool {
		if drop.Arm() != nil || motor.Set(true) != nil {
			return false
		}
		fell := drop.Wait(most)
		return motor.Set(false) == nil && (fell || drop.Wait(late))
	}
}

// Out switches a motor.
type Out interface{ Set(on bool) error }

// In is a drop sensor.
type In interface {
	Arm() error
	Wait(most time.Duration) bool // for a product
}

// Open gives the program's end of a new line, as if the plug was put in; an earlier line ends. It is ErrUnplugged while
// it is.
func (m *Machine) Open() (io.ReadWriteCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unplugged {
		return nil, ErrUnplugged
	}
	ours, theirs := net.Pipe()
	m.attach(ours)
	return theirs, nil
}

// Serve lets the machine speak over a line, a pty's for example, until that ends.
func (m *Machine) Serve(line io.ReadWriteCloser) {
	m.mu.Lock()
	p := m.attach(line)
	m.mu.Unlock()
	<-p.ended
}

// Unplug takes the line away, and Plug allows it again.
func (m *Machine) Unplug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unplug()
}

func (m *Machine) unplug() {
	m.unplugged = true
	m.detach()
}

// Plug puts the plug in again; the program must Open the line.
func (m *Machine) Plug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unplugged = false
}

// Break makes the next delivery go wrong; "" takes that back.
func (m *Machine) Break(t Trouble) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trouble = t
}

// Spoil makes the next lines go wrong, one noise each; none takes that back.
func (m *Machine) Spoil(noises ...Noise) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noise = noises
}

// Enable lets the machine want payments, or not.
func (m *Machine) Enable(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.disabled == yes {
		m.disabled = !yes
		if m.on && m.status != "INACTIVE" && !m.approved {
			m.become(map[bool]string{true: "ENABLED", false: "DISABLED"}[yes])
		}
	}
}

// Reset makes the machine begin anew: its sessions are over.
func (m *Machine) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reset()
}

// Press is a customer who chooses a product at the machine, and says whether the machine took it: it does so in a
// session only.
func (m *Machine) Press(number int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, known := m.Products[number]
	if !known || m.status != "IDLE" {
		return false
	}
	m.status, m.request, m.approved = "VEND", number, false
	m.asked++
	asked, life := m.asked, m.life
	m.say("c,STATUS,VEND," + p.Price + "," + itoa(number))
	time.AfterFunc(giveUp, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.life == life && m.asked == asked && m.status == "VEND" && !m.approved {
			m.cancel()
		}
	})
	return true
}

// Status is the bridge's status; "" while it is not on the bus.
func (m *Machine) Status() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

// Counts are the approvals that the machine took so far, and the deliveries that it reported as made.
func (m *Machine) Counts() (approvals, successes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.approvals, m.successes
}

// PowerCycle is the bridge that loses its power for a moment: it is off the bus, and says nothing about it.
func (m *Machine) PowerCycle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leave()
}
