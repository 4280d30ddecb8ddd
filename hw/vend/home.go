package vend

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/internal/reason"
)

// homeHold is how long the home switch must stand still to count: its contact bounces for some 10 ms, and a spiral that
// runs on for so long still stands at its home.
const homeHold = 15 * time.Millisecond

// home is what a home switch says during one run of the motor. It knows no clock and no pin.
type home struct {
	left, reached bool
	level         gpio.Level
	since         time.Time
}

// begins is the motor's start. A spiral that does not stand at its home was stopped in mid-turn: it finishes that turn.
func (h *home) begins(l gpio.Level, at time.Time) {
	*h = home{left: l == gpio.High, level: l, since: at}
}

// look is one look at the switch.
func (h *home) look(l gpio.Level, at time.Time) {
	if l != h.level {
		h.level, h.since = l, at
	}
	if at.Sub(h.since) < homeHold {
		return
	}
	if l == gpio.High {
		h.left = true
	} else if h.left {
		h.reached = true
	}
}

func (r *Relay) armHome() error {
	if r.Home == nil {
		return nil
	}
	if err := r.Home.In(gpio.PullUp, gpio.NoEdge); err != nil {
		return fmt.Errorf("vend: home switch %s: %w", r.Home.Name(), err)
	}
	return nil
}

// begin is the last moment before the motor's start.
func (t *turn) begin() {
	t.on = true
	if t.Home != nil {
		t.home.begins(t.Home.Read(), time.Now())
	}
}

// look follows the home switch while the motor is on.
func (t *turn) look() {
	if t.Home != nil && t.on {
		t.home.look(t.Home.Read(), time.Now())
	}
}

// came says what the spiral did, when nothing fell.
func (t *turn) came() (why reason.Why) {
	switch {
	case t.Home == nil:
		return WhyJam
	case t.home.reached:
		return WhyEmpty
	}
	t.lost = t.armHome() // reading it cannot fail, setting it up can
	if t.home.left {
		return WhyJam
	}
	return WhyNoMotor
}

// flaw is what a delivery says about the spiral besides. The slot is better closed then.
func (t *turn) flaw(why reason.Why) reason.Why {
	switch {
	case t.Home == nil:
		return ""
	case t.drop.more:
		return WhyTwoDropped
	case t.lost != nil || why == WhyNoMotor:
		return WhyHomeFault
	case why == WhyJam:
		return WhyNoHome
	}
	return ""
}
