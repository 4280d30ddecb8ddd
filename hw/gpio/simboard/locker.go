package simboard

import (
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Faults that only a locker has. Of the others FaultJam is a bolt that does not move, FaultNoDrop a contact that stays
// closed while the door opens, FaultLateDrop a customer who takes long, FaultBounce a contact that bounces, and
// FaultStuckSensor a contact that stays open: a cut wire.
const (
	FaultNeverOpens = "never_opens" // the customer does not open the door
	FaultLeftOpen   = "left_open"   // the customer leaves the door open, until this fault is over
)

// freed is the shortest pulse that frees the bolt of a latch.
const freed = 50 * time.Millisecond

// locker is a door with a bolt, and the customer before it. Its fields are guarded by board.mu.
type locker struct {
	*slot
	contact *pin
	latch   bool

	free bool      // the door can be opened
	open bool      // it is
	left bool      // and nobody is going to close it
	led  time.Time // since when the coil is on
}

func (b *Board) addLocker(sl *slot, s Slot) error {
	contact, err := b.addPin(s.Opened, "door contact of slot "+s.ID)
	if err != nil || contact == nil {
		return err
	}
	contact.level = gpio.Low // closed
	sl.locker = &locker{slot: sl, contact: contact, latch: s.Latch}
	return nil
}

// power switches the coil. Called with the board locked, only when it changes.
func (l *locker) power(on bool) {
	if !on {
		l.free = l.free && l.latch && (time.Since(l.led) >= freed || l.open)
		return
	}
	if l.led = time.Now(); l.fault != FaultJam {
		l.free = true
	}
	hand := l.board.physics.Open
	switch l.fault {
	case FaultNeverOpens:
		return
	case FaultLateDrop:
		hand += l.board.physics.Late
	}
	l.board.after(hand, l.pull)
}

// pull is the customer's hand at the door, once.
func (l *locker) pull() {
	if !l.free || l.open {
		return
	}
	l.open = true
	if l.endless || l.stock > 0 {
		l.stock--
		l.dropped++
	}
	l.sense()
	if l.left = l.fault == FaultLeftOpen; !l.left {
		l.board.after(l.board.physics.Taken, l.shut)
	}
}

func (l *locker) shut() {
	l.open, l.left = false, false
	l.free = l.on && !l.latch // a latch has caught; a bolt is held back as long as its coil is on
	l.sense()
}

// changed: the fault is another one.
func (l *locker) changed() {
	if l.left && l.fault != FaultLeftOpen {
		l.left = false
		l.board.after(l.board.physics.Taken, l.shut)
	}
	l.sense()
}

func (l *locker) sense() {
	level := gpio.Level(l.open)
	switch l.fault {
	case FaultNoDrop:
		level = gpio.Low
	case FaultStuckSensor:
		level = gpio.High
	}
	if l.fault == FaultBounce && l.contact.level != level {
		l.board.bounce(l.contact, level)
		return
	}
	l.contact.contact(level)
}
