package board

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/reason"
)

// The words of a status, and of the condition of a motor that was asked about.
const (
	dispensing = 0x01
	dispensed  = 0x02
	jammed     = 0x03
	unstopped  = 0x04
	noMotor    = 0x06
	ended      = 0xFF

	motorReady  = 0x01
	motorEmpty  = 0x02
	motorAbsent = 0x03
)

const (
	// MotorMax is the highest number that the protocol has room for.
	MotorMax = 0xFFFF

	// questions about the motor: the first number after a restart may be one that the board knows already
	askTries = 3
	askMax   = 2019 * time.Millisecond // for each, resends included
	sendMax  = 2023 * time.Millisecond // until the first poll comes in which the vend can be sent
	// from the motor's time to the board's last word on it: the wait for the product, and five resends
	tellMax = 5033 * time.Millisecond
)

// Slot is one motor of a board. Fill the fields and leave them alone.
type Slot struct {
	Line  *Line
	Motor int // its number on the board, 0 to MotorMax
	// how long the board runs the motor for one product: above 0, at most vend.OnMax. The board keeps it, not we
	MaxOn time.Duration
}

var _ vend.Slot = (*Slot)(nil)

// Check implements vend.Slot.
func (s *Slot) Check() error {
	switch {
	case s.Line == nil:
		return errors.New("board: a motor without a line: write [board] device")
	case s.Motor < 0 || s.Motor > MotorMax:
		return fmt.Errorf("board: motor %d: write a number from 0 to %d", s.Motor, MotorMax)
	case s.MaxOn <= 0 || s.MaxOn > vend.OnMax:
		return fmt.Errorf("board: motor %d: maximum on-time %s: write more than 0s and at most %s", s.Motor, s.MaxOn,
			vend.OnMax)
	}
	return s.Line.Check()
}

// Terms implements vend.Slot: an unknown item is not charged.
func (s *Slot) Terms() vend.Terms {
	return vend.Terms{Longest: quiet + askTries*askMax + sendMax + s.MaxOn + tellMax}
}

// Halt implements vend.Slot. A board has no command that stops a motor: it stops by itself.
func (s *Slot) Halt() error { return nil }

// Vend implements vend.Slot. One vend of a board is on at a time.
func (s *Slot) Vend(ctx context.Context) vend.Result {
	if err := s.Check(); err != nil {
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhySetup, Err: err}
	}
	if !s.Line.vending.TryLock() {
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyBusy}
	}
	defer s.Line.vending.Unlock()
	if r, ok := s.ask(ctx); !ok {
		return r
	}
	return s.dispense(ctx)
}

// ask asks the board about the motor, which proves that there is one to ask, and that it knows this packet number from
// now on.
func (s *Slot) ask(ctx context.Context) (r vend.Result, ok bool) {
	not := func(why reason.Why, err error) (vend.Result, bool) {
		return vend.Result{Outcome: vend.NotDelivered, Why: why, Err: err}, false
	}
	if ready, wait := s.Line.ready(); !ready {
		if wait == 0 {
			return not(vend.WhyNoBoard, errSilent)
		}
		sleep(ctx, wait)
	}
	for range askTries {
		if ctx.Err() != nil {
			return not(vend.WhyStopped, context.Cause(ctx))
		}
		j := s.Line.begin(check, checked, s.Motor)
		word, answered := await(ctx, j, askMax)
		s.Line.end(j)
		switch {
		case !answered:
		case word == motorReady:
			return r, true
		case word == motorEmpty:
			return not(vend.WhyEmpty, nil)
		case word == motorAbsent:
			return not(vend.WhyNoMotor, nil)
		default: // paused, a door that is open, an elevator that is not well (?)
			return not(vend.WhyRefused, fmt.Errorf("board: motor %d: the board says %#02x", s.Motor, word))
		}
	}
	if ctx.Err() != nil {
		return not(vend.WhyStopped, context.Cause(ctx))
	}
	return not(vend.WhyNoBoard, fmt.Errorf("board: motor %d: the board does not answer the question about it", s.Motor))
}

// dispense has the motor turn.
func (s *Slot) dispense(ctx context.Context) vend.Result {
	elevator := byte(0)
	if s.Line.Elevator {
		elevator = 1
	}
	const dropSensor = 1
	j := s.Line.begin(dispense, status, s.Motor, dropSensor, elevator)
	began := time.Now()
	word, answered := await(ctx, j, sendMax)
	if !answered && !s.Line.unsent(j) { // from here on only the board knows
		most := sendMax + s.MaxOn + tellMax
		word, answered = await(ctx, j, most-time.Since(began))
		if left := most - time.Since(began); !answered && ctx.Err() != nil {
			word, answered = await(context.WithoutCancel(ctx), j, min(left, tellMax)) // the motor does not stop for it
		}
	}
	arrived := s.Line.end(j)
	if !answered {
		select { // it came while the job was taken away
		case word = <-j.done:
			answered = true
		default:
		}
	}
	switch {
	case answered:
		return s.judge(word)
	case arrived:
		return vend.Result{Outcome: vend.Unknown, Why: vend.WhyNoBoard,
			Err: fmt.Errorf("board: motor %d: the board had the command, and says nothing of it", s.Motor)}
	case ctx.Err() != nil:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped, Err: context.Cause(ctx)}
	}
	return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyNoBoard,
		Err: fmt.Errorf("board: motor %d: the command could not be sent", s.Motor)}
}

// judge is what the board's last word on a vend means.
func (s *Slot) judge(word byte) vend.Result {
	switch word {
	case dispensed:
		return vend.Result{Outcome: vend.Delivered}
	case jammed:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyJam}
	case noMotor:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyNoMotor}
	case ended:
		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyEnded}
	}
	return vend.Result{Outcome: vend.Unknown, Why: vend.WhyMotorFault,
		Err: fmt.Errorf("board: motor %d: the board says %#02x", s.Motor, word)}
}

// await waits for a job's answer, for some time.
func await(ctx context.Context, j *job, d time.Duration) (word byte, answered bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case word = <-j.done:
		return word, true
	case <-ctx.Done():
	case <-t.C:
	}
	return 0, false
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
