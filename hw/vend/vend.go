// Package vend makes one product come out of a slot, and says what it knows about whether it did.
//
// # The parts
//
// A Relay slot is a motor behind a relay and a drop sensor in the chute. The relay's line is High to turn the spiral;
// each turn pushes one product out. The sensor's line is Low while a product passes, for 5 ms or more, High otherwise.
// A home switch may say where a turn begins and ends: the motor then turns until home is left and reached again. Its
// line is Low at home.
//
// A Lock slot is a locker: the coil of its bolt, and a contact at its door. The coil's line is High to free the door.
// The contact's line is Low while the door is closed, so that a cut wire reads as an open door, which starts nothing.
//
// # What an outcome means
//
// The sensor decides. It is asked before the motor starts, so that a sensor that cannot be believed starts no motor,
// and again at the end, so that silence is a sensor's silence and not a broken wire's. Hence:
//
//   - delivered: the sensor saw a product after the motor started, and is idle again.
//   - not delivered: the motor never started; or it stopped, the time for a late product passed, and a sensor that
//     works saw nothing.
//   - unknown: the sensor or the relay failed while the motor may have been on. For a slot with a drop sensor the rule
//     is that an unknown item is not charged.
//
// # The motor never stays on
//
// The motor goes off at the first edge of the sensor, at the maximum on-time, when the context ends, on every error and
// in a panic. Give it an output that enforces the maximum on-time by itself too, for the case that this program hangs.
package vend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/wire"
	"kioskd/internal/reason"
)

// Outcome is what is known about one item. The words are stable: they are recorded and shown.
type Outcome string

// The outcomes.
const (
	Delivered    Outcome = "delivered"
	NotDelivered Outcome = "not_delivered"
	Unknown      Outcome = "unknown"
)

// Why an outcome is not a plain delivery. The words are stable: they are recorded and shown.
const (
	// not delivered: the motor had its time and nothing fell: a jam, or an empty spiral
	WhyJam     = reason.Jam
	WhyStopped = reason.Stopped // not delivered: the context ended before anything fell
	WhyBusy    = reason.Busy    // not delivered: this slot is vending already; the motor was not touched
	WhySetup   = reason.Setup   // not delivered: Check fails; the motor was not touched
	// the sensor is active and stays so: not delivered before the motor's start, unknown after it
	WhyStuckSensor = reason.StuckSensor
	// the sensor cannot be asked: not delivered before the motor's start, unknown after it
	WhySensorFault = reason.SensorFault
	// the relay's line cannot be driven: unknown, or delivered when the sensor saw it; close the slot
	WhyRelayFault = reason.RelayFault

	// not delivered: the spiral made its turn and nothing fell: it is empty, or the product hangs
	WhyEmpty = reason.Empty
	// not delivered: the motor does not turn (the spiral never left its home), or a board says that it is not there
	WhyNoMotor = reason.NoMotor
	WhyNoHome  = reason.NoHome // delivered, but the spiral did not come home: it stands between two turns
	// the home switch cannot be believed: not delivered before the motor's start, delivered after it
	WhyHomeFault  = reason.HomeFault
	WhyTwoDropped = reason.TwoDropped // delivered, and more than one product fell: one is charged

	WhyStandsOpen = reason.StandsOpen // not delivered: the locker's door was open before; the coil was not touched
	WhyNotOpened  = reason.NotOpened  // not delivered: nobody opened the locker's door in time; it is locked again
	WhyLeftOpen   = reason.LeftOpen   // delivered, and the locker's door was not closed again in time
)

// Why an outcome of a serial board is not a plain delivery.
const (
	// the board cannot be asked: not delivered before the command was sent, unknown after it
	WhyNoBoard = reason.NoBoard
	// not delivered: the board says that this motor or lock cannot be used now, or a machine's bridge did not take
	// our approval
	WhyRefused = reason.Refused
	WhyEnded   = reason.Ended // not delivered: the board ended the vend without a product
	// unknown: the board says that the motor did not stop, or a word that nobody knows
	WhyMotorFault = reason.MotorFault
)

// Why an outcome of a machine that delivers by itself is not a plain delivery.
const (
	WhyMachineFailed = reason.MachineFailed // not delivered: the machine says that it could not deliver
	WhyReset         = reason.Reset         // unknown: the machine began anew after it was told to deliver
	WhyNoAnswer      = reason.NoAnswer      // unknown: the machine was told to deliver, and did not say whether it has
	WhyUnplugged     = reason.Unplugged     // unknown: the line to the machine was lost after it was told to deliver
)

// Slot makes one product come out of one place. Its methods may be called from any goroutine.
type Slot interface {
	// Check says what is wrong with the slot's fields, with the remedy.
	Check() error
	// Vend makes one product come out and takes at most Terms().Longest. When ctx ends everything stops at once, and
	// the result still says what is known.
	Vend(ctx context.Context) Result
	// Halt makes the slot's outputs inactive. A vend that is under way goes on to its end without them.
	Halt() error
	// Terms are what a sale needs to know of the slot before it asks for a product.
	Terms() Terms
}

// Terms are a slot's conditions.
type Terms struct {
	Longest        time.Duration // that Vend takes
	UnknownCharged bool          // an unknown outcome is charged
}

// Result is the end of one vend.
type Result struct {
	Outcome Outcome
	Why     reason.Why // "" for a delivery without a fault, else one of the words above
	Err     error      // the error behind Why, for the log; nil when there is none
}

const (
	OnMax     = wire.OnMax       // the longest MaxOn
	SettleMax = 30 * time.Second // the longest Settle: the customer is waiting
	// Settle when it is 0: twice what a product on the edge of its tray was seen to take
	SettleDefault = 3 * time.Second

	// edges that follow one another within this are one product: it tumbles and bounces
	deadTime = 50 * time.Millisecond
	// edges that are further apart than this are two products: no product tumbles that long
	apart    = 200 * time.Millisecond
	second   = 500 * time.Millisecond // how long after a product a second one of the same turn may fall
	glance   = 5 * time.Millisecond   // how often the context and the time are looked at while the sensor is waited for
	offTries = 3                      // writes of Low before the relay counts as faulty
)

// Relay is a slot with a relay and a drop sensor. Fill the fields and leave them alone; its methods may be called from
// any goroutine. A slot without a drop sensor cannot be one: nobody would know what came out.
type Relay struct {
	Motor gpio.PinOut // High turns the spiral; an output that limits its own on-time
	Drop  gpio.PinIn  // Low while a product passes
	// how long the motor may run for one product: above 0, at most OnMax; a little more than one turn
	MaxOn time.Duration
	// how long after the motor's stop a product may still fall: at most SettleMax; 0 is SettleDefault
	Settle time.Duration

	Home      gpio.PinIn // Low while the spiral stands at its home; nil: the motor stops at the first product instead
	RetryTurn bool       // one more turn when a whole one pushed nothing out; needs Home

	vending sync.Mutex
}

// Check says what is wrong with the fields, with the remedy.
func (r *Relay) Check() error {
	switch {
	case r.Motor == nil:
		return errors.New("vend: no relay: name its pin")
	case r.Drop == nil:
		return fmt.Errorf("vend: %s has no drop sensor: a relay slot needs one to know what came out: name its pin",
			r.Motor.Name())
	case r.MaxOn <= 0 || r.MaxOn > OnMax:
		return fmt.Errorf("vend: %s: maximum on-time %s: write more than 0s and at most %s", r.Motor.Name(), r.MaxOn,
			OnMax)
	case r.RetryTurn && r.Home == nil:
		return fmt.Errorf(
			"vend: %s: a retry turn needs a home switch, which says that there was a whole turn: name its pin",
			r.Motor.Name())
	case r.Settle < 0 || r.Settle > SettleMax:
		return fmt.Errorf("vend: %s: settle time %s: write at most %s", r.Motor.Name(), r.Settle, SettleMax)
	}
	return nil
}

// Vend turns the motor for one product, and with RetryTurn once more when nothing fell. It takes at most
// Terms().Longest. When ctx ends the motor goes off at once, and a product that then falls within Settle is still
// delivered: the wait for it goes on after ctx has ended.
func (r *Relay) Vend(ctx context.Context) Result {
	if err := r.Check(); err != nil {
		return Result{NotDelivered, WhySetup, err}
	}
	if !r.vending.TryLock() {
		return Result{NotDelivered, WhyBusy, nil}
	}
	defer r.vending.Unlock()
	if ctx.Err() != nil {
		return Result{NotDelivered, WhyStopped, context.Cause(ctx)}
	}
	// Armed before the motor starts: a product that falls at once is seen. What the sensor does before that is not
	// ours.
	if err := r.arm(); err != nil {
		return Result{NotDelivered, WhySensorFault, err}
	}
	if r.Drop.Read() == gpio.Low || r.Drop.WaitForEdge(0) {
		return Result{NotDelivered, WhyStuckSensor, nil}
	}
	if err := r.armHome(); err != nil {
		return Result{NotDelivered, WhyHomeFault, err}
	}
	t := turn{Relay: r, settle: r.settle()}
	return t.vend(ctx)
}

// Terms implements Slot. A drop sensor that could not tell is nothing to charge for.
func (r *Relay) Terms() Terms {
	longest := r.MaxOn + 2*r.settle()
	if r.Home != nil {
		longest += second
	}
	if r.RetryTurn {
		longest += r.MaxOn + r.settle()
	}
	return Terms{Longest: longest}
}

func (r *Relay) settle() time.Duration {
	if r.Settle == 0 {
		return SettleDefault
	}
	return r.Settle
}

// Halt switches the motor off. A vend that is under way goes on to its end without it.
func (r *Relay) Halt() error {
	if r.Motor == nil {
		return nil
	}
	return r.off()
}

func (r *Relay) off() error { return off(r.Motor) }

// off switches an output off, and tries more than once.
func off(p gpio.PinOut) error {
	var err error
	for range offTries {
		if err = p.Out(gpio.Low); err == nil {
			return nil
		}
	}
	return fmt.Errorf("vend: %s cannot be switched off: %w", p.Name(), errors.Join(err, p.Halt()))
}

func (r *Relay) arm() error {
	if err := r.Drop.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		return fmt.Errorf("vend: drop sensor %s: %w", r.Drop.Name(), err)
	}
	return nil
}
