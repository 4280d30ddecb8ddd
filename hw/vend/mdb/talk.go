package mdb

import (
	"fmt"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/money"
)

const (
	lateMax    = 3 * time.Second  // for a SUCCESS or an ERR after the machine seems to be through
	cancelMax  = time.Second      // for what follows "cancelled"
	replugMax  = 10 * time.Second // for a line that was lost during a delivery to come back with an answer
	stopMax    = 15 * time.Second // for a delivery that is not wanted any more: it cannot be stopped
	askAgain   = 2 * time.Second  // a command without any effect is written again, but for an approval
	joinAgain  = 10 * time.Second // and leaving and joining the bus, during which a machine sets the bridge up
	freshEvery = time.Minute      // one that is not enabled joins so often: the word that it is may be lost
	pingEvery  = 5 * time.Second  // silence after which the bridge is asked whether it is there
	deadAfter  = 16 * time.Second // silence after which the line is opened anew
	// a machine may be disabled for so long, or its bridge be away, before nothing is sold
	patience = 10 * time.Second

	complainEvery = time.Minute // a line full of noise must not fill the log
)

// dead: nothing was heard for so long that nothing will be.
func (t *turn) dead() bool { return t.up && t.now.Sub(t.heard) >= deadAfter }

// talk writes what is to be said now.
func (t *turn) talk() {
	if !t.up {
		return
	}
	if t.dead() {
		t.out.hangUp, t.hung = true, true
		t.down(errSilent)
		return
	}
	if command := t.wish(); command != "" {
		t.asked, t.fresh = t.now, false
		t.out.writes = append(t.out.writes, command)
	}
	if t.now.Sub(later(t.heard, t.pinged)) < pingEvery {
		return
	}
	t.pinged = t.now
	ping := "V"
	if t.vend.call == 0 && (t.status == Enabled || t.status == Disabled || t.status == Inactive) {
		ping = "C,1" // "is on", says one that is there; one that lost its power meanwhile joins the bus
	}
	t.out.writes = append(t.out.writes, ping)
}

// wish is the command that brings the machine to where it should be.
func (t *turn) wish() string {
	waited := t.now.Sub(t.asked)
	unwanted := t.status == Inactive || t.status == Disabled
	switch {
	case t.vend.call != 0 || t.spent: // nothing may come between an approval and its answer, and what that costs
		return ""
	case t.status == "" && waited >= joinAgain, unwanted && t.now.Sub(t.joined) >= freshEvery && waited >= askAgain:
		t.joined = t.now
		return "C,0\nC,1"
	case t.status == "" || waited < askAgain:
		return ""
	case t.status == Vend && (t.open.ID == 0 || t.void || t.credit.IsZero()):
		t.void = true
		if t.deny == DenyMinus && !t.credit.IsZero() {
			return "C,VEND,-1"
		}
		return "C,STOP"
	case t.status == Idle && (t.credit.IsZero() || t.started != t.credit):
		return "C,STOP"
	case t.status == Enabled && t.credit.IsZero() && !t.started.IsZero(): // its begin may not have been heard
		t.started = money.Amount{}
		return "C,STOP"
	case t.status == Enabled && !t.credit.IsZero():
		t.started = t.credit
		return "C,START," + t.credit.Decimal()
	}
	return ""
}

// line is one line of the bridge.
func (t *turn) line(l Line) {
	if !t.up {
		return // of a line that was given up
	}
	if l.Kind != Bad {
		t.heard = t.now
	}
	delivering := t.vend.call != 0 // when the line came
	if delivering {
		var result vend.Result
		if t.vend, result = t.vend.hears(l, t.now); result != pending {
			t.end(result)
		}
	}
	switch l.Kind {
	case Bad:
		t.bad(delivering)
	case Status:
		t.said(l, delivering)
	case Success:
		if !delivering {
			t.log("the machine says that a product came out, and nobody waits for one: " +
				"is there an item that ended unknown, or in doubt?")
			return
		}
		t.after()
	case Failed:
		t.void, t.started = true, money.Amount{} // whether the session goes on is to be found out
		t.after()
	case Refused:
		t.log(fmt.Sprintf("the bridge does not take %s: %d", l.Status, l.Code))
		if delivering && l.Status == Vend || !delivering && !t.fresh {
			t.unsure() // also when it is a denial: of what the machine has given up, and nobody heard it
		}
	case Off:
		t.status = ""
	}
}

func (t *turn) log(what string) { t.out.log = append(t.out.log, what) }

// bad is a line that cannot be read.
func (t *turn) bad(delivering bool) {
	if t.now.Sub(t.complained) >= complainEvery {
		t.complained = t.now
		t.log("a line cannot be read: look at the cable, its baud rate and its ground")
	}
	switch {
	case delivering:
	case t.status == Idle: // it may have been the session's end
		t.started = money.Amount{}
	case t.status == Inactive || t.status == Disabled:
		t.unsure()
	}
}

// said is a status.
func (t *turn) said(l Line, delivering bool) {
	if why := l.misread(t.currency); why != "" {
		t.out.misread = append(t.out.misread, why)
		if t.now.Sub(t.misplaced) >= complainEvery {
			t.misplaced = t.now
			t.log(why)
		}
	}
	t.fresh = true
	changed := l.Status != t.status
	if changed {
		t.status, t.asked = l.Status, time.Time{}
	}
	if l.Status == Enabled || l.Status == Inactive || l.Status == Disabled {
		t.started = money.Amount{}
	}
	switch {
	case delivering: // it was about the approval
	case l.Status != Vend:
		t.void = true
	case t.open.ID != 0: // the kiosk still thinks about an earlier one
		t.void = t.void || !t.open.is(l)
	case l.Price.IsZero() || t.credit.IsZero(): // illegible, or nobody pays: denied
	case !changed && !t.asked.IsZero(): // denied already, and this is its echo
	default:
		t.minted++
		t.open, t.void = Request{t.minted, l.Product, l.Price}, false
		t.out.requests = append(t.out.requests, t.open)
	}
}

// is says whether a line is about the same request.
func (r Request) is(l Line) bool {
	return l.Kind == Status && l.Status == Vend && l.Price == r.Price && l.Product == r.Product
}

// after is the end of a request: the machine goes back to its session, and says so at once. Until then it is told
// nothing, also when its status was not known before.
func (t *turn) after() {
	t.asked = t.now
	if t.status == Vend {
		t.status, t.fresh = Idle, true
		t.started = money.Amount{}
	}
}

// unsure: the bridge is not where we thought. It joins the bus anew, but not in a hurry.
func (t *turn) unsure() { t.status, t.asked = "", t.now.Add(askAgain-joinAgain) }
