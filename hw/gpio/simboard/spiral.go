package simboard

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Faults of a slot. A new one replaces the old one.
const (
	FaultNone = "none"
	FaultJam  = "jam" // the motor turns and nothing falls; an empty spiral looks the same
	// one product falls past the sensor unseen, and the next one wedges until the motor's next start
	FaultNoDrop      = "no_drop"
	FaultLateDrop    = "late_drop"    // one product hangs on the spiral, and falls some time after the motor stopped
	FaultBounce      = "bounce"       // the sensor makes many edges of one product
	FaultStuckSensor = "stuck_sensor" // the sensor's line is Low, always

	FaultStall     = "stall"      // the motor does not turn
	FaultWedge     = "wedge"      // the spiral comes half way round and no further
	FaultTwoDrop   = "two_drop"   // a turn pushes out two products
	FaultHomeStuck = "home_stuck" // the home switch's line is Low, always
	FaultHomeLost  = "home_lost"  // the home switch's line is High, always: a cut wire
)

const (
	// short pulses of a bouncing contact before (a button) or instead of (a drop sensor) the clean one
	bounces    = 5
	apart      = 300 * time.Millisecond // two_drop: between the products
	bounceStep = 1 * time.Millisecond   // how long each of them, and each gap between, lasts
	pressGap   = 100 * time.Millisecond
	// presses wait for the finger at most this long, so a caller in a loop is told instead of queued
	pressesMax = 5 * time.Second
)

// slot is a spiral, its motor and its sensors, or a locker. The fields after locker are guarded by board.mu.
type slot struct {
	board  *Board
	id     string
	drop   *pin    // nil: not wired
	home   *pin    // nil: not wired
	locker *locker // nil: a spiral

	fault   string
	endless bool
	stock   int // products left, when not endless
	pulses  int // motor starts
	dropped int // products that came out
	passing int // products, or bounces of one, that cover the sensor now

	on      bool
	most    time.Duration // the angle that it cannot pass in this run
	run     int           // counts starts and stops: a timer of an earlier run is void
	since   time.Time     // the last time the angle below was right
	angle   time.Duration // turned since the last product, at full speed
	blocked bool          // no_drop, late_drop: nothing more falls in this run
	hanging bool          // late_drop: a product waits for the motor's stop
}

// power switches the motor. Called with the board locked, only when it changes.
func (s *slot) power(on bool) {
	now := time.Now()
	if !on && s.locker == nil {
		s.angle = s.position()
	}
	s.run++
	s.on = on
	if on {
		s.pulses++
	}
	if s.locker != nil {
		s.locker.power(on)
		return
	}
	if on {
		s.since, s.blocked, s.most = now, false, s.board.physics.Turn
		switch s.fault {
		case FaultStall:
			s.most = s.angle
		case FaultWedge:
			s.most = max(s.angle, s.board.physics.Turn/2)
		}
		s.afterTurn()
		return
	}
	if s.hanging {
		s.hanging = false
		s.board.after(s.board.physics.Late, func() { s.pass(FaultNone) })
	}
}

// position is the angle now.
func (s *slot) position() time.Duration {
	if !s.on {
		return s.angle
	}
	return min(s.angle+time.Since(s.since), s.most)
}

// afterTurn lets the home switch go, and then a product when the turn that the spiral is in ends, unless the motor
// stops before.
func (s *slot) afterTurn() {
	run, turn, home := s.run, s.board.physics.Turn, s.board.physics.Home
	if s.angle < home && home < s.most {
		s.board.after(home-s.angle, s.atHome)
	}
	if s.most < turn {
		return
	}
	s.board.after(turn-s.angle, func() {
		if s.run != run {
			return
		}
		s.angle, s.since = 0, time.Now()
		s.atHome()
		s.push()
		s.afterTurn()
	})
}

// atHome sets the home switch as the spiral stands. A bouncing one makes short edges first.
func (s *slot) atHome() {
	at := s.position()
	closed := at < s.board.physics.Home || at >= s.board.physics.Turn
	switch s.fault {
	case FaultHomeStuck:
		closed = true
	case FaultHomeLost:
		closed = false
	}
	level := gpio.Level(!closed)
	if s.fault == FaultBounce && s.home != nil && s.home.level != level {
		s.board.bounce(s.home, level)
		return
	}
	s.home.contact(level)
}

// bounce sets a contact after some short pulses. Called with the board locked.
func (b *Board) bounce(p *pin, l gpio.Level) {
	for i := range bounces {
		b.after(time.Duration(2*i)*bounceStep, func() { p.contact(l) })
		b.after(time.Duration(2*i+1)*bounceStep, func() { p.contact(!l) })
	}
	b.after(2*bounces*bounceStep, func() { p.contact(l) })
}

// push is the end of a turn: a product leaves the spiral, if there is one and nothing holds it.
func (s *slot) push() {
	if s.fault == FaultJam || s.blocked || !s.endless && s.stock == 0 {
		return
	}
	s.stock--
	switch s.fault {
	case FaultLateDrop:
		s.blocked, s.hanging = true, true
		return
	case FaultNoDrop:
		s.blocked = true
	}
	fault := s.fault
	s.board.after(s.board.physics.Fall, func() { s.pass(fault) })
	if fault == FaultTwoDrop && (s.endless || s.stock > 0) {
		s.stock--
		s.board.after(s.board.physics.Fall+apart, func() { s.pass(fault) })
	}
}

// pass is a product at the sensor's height.
func (s *slot) pass(fault string) {
	s.dropped++
	switch fault {
	case FaultNoDrop:
	case FaultBounce:
		for i := range bounces {
			s.board.after(time.Duration(2*i)*bounceStep, func() { s.cover(bounceStep) })
		}
	default:
		s.cover(s.board.physics.Pulse)
	}
}

func (s *slot) cover(d time.Duration) {
	s.passing++
	s.sense()
	s.board.after(d, func() { s.passing--; s.sense() })
}

func (s *slot) sense() {
	s.drop.contact(gpio.Level(s.passing == 0 && s.fault != FaultStuckSensor))
}

// event is something that will happen to the machine.
type event struct {
	at time.Time
	f  func()
}

// after runs f with the board locked when d has passed, and after whatever is due before it: timers that expire
// together on a busy computer fire in any order, and a bounce that came after the finger would lift it. Called with the
// board locked.
func (b *Board) after(d time.Duration, f func()) {
	at := time.Now().Add(d)
	i := sort.Search(len(b.due), func(i int) bool { return b.due[i].at.After(at) })
	b.due = slices.Insert(b.due, i, event{at, f})
	time.AfterFunc(d, b.happen)
}

// happen lets everything happen that is due, in the order of its time.
func (b *Board) happen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.due) > 0 && !b.due[0].at.After(time.Now()) {
		f := b.due[0].f
		b.due = slices.Delete(b.due, 0, 1)
		f()
	}
}

// Snapshot is the machine as an onlooker sees it.
type Snapshot struct {
	Slots []SlotState `json:"slots"` // in the order of the wiring
	Door  string      `json:"door"`  // "closed" or "open"
}

// SlotState is one slot of a Snapshot.
type SlotState struct {
	Slot    string `json:"slot"`
	Relay   bool   `json:"relay"`   // energised now
	Pulses  int    `json:"pulses"`  // motor starts since the board began
	Dropped int    `json:"dropped"` // products that fell since the board began, seen by the sensor or not
}

// Snapshot answers at once; its error is always nil (a Client's is not).
func (b *Board) Snapshot() (Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Snapshot{Slots: make([]SlotState, 0, len(b.order)), Door: "closed"}
	for _, sl := range b.order {
		s.Slots = append(s.Slots, SlotState{Slot: sl.id, Relay: sl.on, Pulses: sl.pulses, Dropped: sl.dropped})
	}
	if b.open {
		s.Door = "open"
	}
	return s, nil
}

// Fault sets the fault of a slot, or "none"; one that its slot cannot have changes nothing. Errors: ErrNoSuchSlot,
// ErrNoSuchFault.
func (b *Board) Fault(slot, fault string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.slots[slot]
	if !ok {
		return fmt.Errorf("simboard: %w: %.40q", ErrNoSuchSlot, slot)
	}
	switch fault {
	case FaultNone, FaultJam, FaultNoDrop, FaultLateDrop, FaultBounce, FaultStuckSensor,
		FaultStall, FaultWedge, FaultTwoDrop, FaultHomeStuck, FaultHomeLost, FaultNeverOpens, FaultLeftOpen:
	default:
		return fmt.Errorf("simboard: %w: %.40q", ErrNoSuchFault, fault)
	}
	s.fault = fault
	if s.locker != nil {
		s.locker.changed()
		return nil
	}
	s.sense()
	s.atHome()
	return nil
}

// button is a contact under a finger.
type button struct {
	set  func(l gpio.Level) // the finger's contact
	free time.Time          // when the finger is back from the presses so far; guarded by board.mu
}

// Press presses a slot's button, "cancel", "retry", "tilt", or "key 5" of the keypad, as long as a finger does and with
// the contact's bounces; "door" opens or closes the service door. It returns before the press is over; a press that
// comes too early waits for the one before it. Errors: ErrNoSuchSlot (also for a button that is not wired), ErrTooMany.
func (b *Board) Press(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if name == "door" {
		b.open = !b.open
		b.door.contact(gpio.Level(b.open))
		return nil
	}
	bt, ok := b.buttons[name]
	if !ok {
		return fmt.Errorf("simboard: %w: %.40q has no button wired", ErrNoSuchSlot, name)
	}
	now := time.Now()
	wait := max(bt.free.Sub(now), 0)
	if wait > pressesMax {
		return fmt.Errorf("simboard: %s: %w", name, ErrTooMany)
	}
	bt.free = now.Add(wait + b.physics.Press + pressGap)
	for i := range bounces {
		at := wait + time.Duration(2*i)*bounceStep
		b.after(at, func() { bt.set(gpio.Low) })
		b.after(at+bounceStep, func() { bt.set(gpio.High) })
	}
	b.after(wait+2*bounces*bounceStep, func() { bt.set(gpio.Low) })
	b.after(wait+2*bounces*bounceStep+b.physics.Press, func() { bt.set(gpio.High) })
	return nil
}
