package mdb

import (
	"errors"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// rules is what never changes while a bridge runs.
type rules struct {
	currency string
	deny     string
	longest  time.Duration
}

// state is all that is known of the machine and wanted of it. Only step makes a new one.
type state struct {
	up      bool      // the line is open
	hung    bool      // and was given up by us: its own end is still to be told
	failure error     // why it is not open
	status  string    // the last one; "": not known
	good    time.Time // when the machine was last ready to sell
	told    error     // what the owner was told last
	heard   time.Time // when the bridge last said something
	pinged  time.Time
	asked   time.Time    // when the last command was written that waits for its effect
	joined  time.Time    // when the bridge was last told to join the bus
	fresh   bool         // a status came after it
	credit  money.Amount // of the session that is wanted; no amount: none is
	spent   bool         // a vend has ended since: how much is left is not known until the next sell
	started money.Amount // of the session that was begun
	minted  uint64       // requests so far
	open    Request      // handed over, and not answered yet; ID 0: none
	void    bool         // the machine does not want it any more
	vend    approval

	complained time.Time // of a bad line
	misplaced  time.Time // when a request was last complained of that cannot be read
}

// event is what a step is made of: one of those below.
type event any

type (
	opened struct{}               // the line is there, or there again
	lost   struct{ err error }    // it is gone, or cannot be opened
	heard  struct{ lines []Line } // what came in one piece
	tick   struct{}               // nothing but the time has passed

	sell    struct{ credit money.Amount } // a session with this credit is wanted; no amount: none is
	decline struct{ id uint64 }           // the request of that ID will not be approved
	approve struct {                      // a Vend
		call    uint64 // its number, above 0
		product int
		stopped error // why it is not wanted any more already: nothing is approved
	}
	stop  struct{ call uint64 } // the Vend of that number is not wanted any more
	leave struct{ err error }   // the program ends
)

// output is what a step wants done: all of it, in the order of the fields, and before the next step.
type output struct {
	log      []string
	results  []ended
	misread  []string
	requests []Request
	writes   []string      // commands without their last LF. One that cannot be written is a lost
	hangUp   bool          // the line is to be closed, which is another lost
	tell     bool          // the owner is to be told state.told
	wait     time.Duration // until the next tick, above 0
}

// ended is how a Vend ended: each approve has one, sooner or later.
type ended struct {
	call   uint64
	result vend.Result
}

// begun is a machine that has not been heard yet, and an owner who was told so.
func begun(now time.Time) state {
	return state{good: now, failure: errBegin, told: errBegin, void: true}
}

var (
	errBegin    = errors.New("mdb: the machine has not been heard yet")
	errSilent   = errors.New("mdb: the bridge does not answer")
	errInactive = errors.New("mdb: the machine does not speak to the bridge: " +
		"look at the bus cable, and whether the machine has a cashless device enabled")
	errDisabled = errors.New("mdb: the machine has disabled its cashless device")
)

// step is all that the bridge decides: one event at a moment, without a clock, a goroutine or a line. Moments must not
// go back.
//
// C,VEND,<price> is among the writes of an approve alone, at most once, for the request that stands; each other step
// writes none.
func step(r rules, s state, e event, now time.Time) (state, output) {
	t := &turn{rules: r, now: now, state: s}
	switch e := e.(type) {
	case opened:
		t.opened()
	case lost:
		t.lost(e.err)
	case heard:
		for _, l := range e.lines {
			t.line(l)
		}
	case sell:
		if t.spent || t.credit != e.credit {
			t.spent, t.credit = false, e.credit
		}
	case decline:
		if t.open.ID == e.id {
			t.open = Request{}
		}
	case approve:
		t.approve(e)
	case stop:
		if t.vend.call == e.call {
			t.vend = t.vend.within(stopMax, now)
		}
	case leave:
		t.leave(e.err)
	}
	if t.vend.call != 0 && !now.Before(t.vend.due) {
		t.end(t.vend.over())
	}
	t.talk()
	t.judge()
	t.out.wait = t.wait()
	return t.state, t.out
}

// turn is a step that is being made.
type turn struct {
	rules
	state
	now time.Time
	out output
}

// opened: nothing is known of what was before.
func (t *turn) opened() {
	t.up, t.hung, t.failure, t.status, t.started = true, false, nil, "", money.Amount{}
	t.heard, t.pinged, t.asked = t.now, time.Time{}, time.Time{}
}

// lost is a line that is gone, and with it every request that is not approved yet.
func (t *turn) lost(err error) {
	if t.hung { // we know better why
		t.hung = false
		return
	}
	t.down(err)
}

func (t *turn) down(err error) {
	t.up, t.failure, t.status, t.void = false, err, "", true
	if t.vend.call != 0 {
		t.vend = t.vend.lost(errors.Is(err, errSilent), t.now)
	}
}

// leave ends the session that is on, so that the machine shows no credit that nobody stands for. An approval's answer
// is heard by nobody any more.
func (t *turn) leave(err error) {
	if t.up && (t.status == Idle || t.status == Vend) && t.vend.call == 0 {
		t.out.writes = append(t.out.writes, "C,STOP") // the next start joins the bus anew anyway
	}
	t.down(err)
	if t.vend.call != 0 {
		t.end(t.vend.over())
	}
}

// approve writes the approval of the request that stands, if there is one, and it is this product's.
func (t *turn) approve(e approve) {
	refuse := func(why reason.Why, err error) {
		t.out.results = append(t.out.results,
			ended{e.call, vend.Result{Outcome: vend.NotDelivered, Why: why, Err: err}})
	}
	switch {
	case t.vend.call != 0:
		refuse(vend.WhyBusy, nil)
		return
	case t.open.ID == 0 || t.open.Product != e.product:
		refuse(vend.WhyStopped, errGone)
		return
	}
	request, void := t.open, t.void
	t.open, t.void = Request{}, true
	if void || e.stopped != nil || t.dead() {
		refuse(vend.WhyStopped, errors.Join(errGone, e.stopped))
		return
	}
	t.vend = approval{call: e.call, request: request, due: t.now.Add(t.longest), why: vend.WhyNoAnswer}
	t.out.writes = append(t.out.writes, "C,VEND,"+request.Price.Decimal())
}

// end is the end of the approval.
func (t *turn) end(r vend.Result) {
	t.out.results = append(t.out.results, ended{t.vend.call, r})
	t.vend, t.spent = approval{}, true
}

// judge tells when the machine ceases to be able to sell, or can again.
func (t *turn) judge() {
	ready := t.up && (t.status == Enabled || t.status == Idle || t.status == Vend)
	if ready || t.vend.call != 0 { // a machine that delivers may say what it likes
		t.good = t.now
	}
	switch {
	case ready && t.told != nil:
		t.told, t.out.tell = nil, true
	case !ready && t.now.Sub(t.good) >= patience && (t.told == nil || t.told.Error() != t.why().Error()):
		t.told, t.out.tell = t.why(), true
	}
}

// why nothing can be sold.
func (t *turn) why() error {
	switch {
	case !t.up && t.failure != nil:
		return t.failure
	case t.status == Disabled:
		return errDisabled
	case t.status == Inactive:
		return errInactive
	}
	return errSilent
}

// wait is how long nothing is to be done, unless something happens.
func (t *turn) wait() time.Duration {
	wait := pingEvery
	until := func(moment time.Time) {
		if left := moment.Sub(t.now); left > 0 {
			wait = min(wait, left)
		}
	}
	until(t.good.Add(patience))
	if t.vend.call != 0 {
		until(t.vend.due)
	}
	if t.up {
		until(later(t.heard, t.pinged).Add(pingEvery))
		until(t.heard.Add(deadAfter))
		until(t.asked.Add(askAgain))
		until(t.asked.Add(joinAgain))
		until(t.joined.Add(freshEvery))
	}
	return wait
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
