package mdb

import (
	"fmt"
	"time"

	"kioskd/internal/money"
)

// next is the command to be written now; or else how long nothing is to be done, unless something is heard. The command counts as
// written: whoever calls it writes it, or gives the line up.
func (b *Bridge) next(now time.Time) (command string, wait time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.heard) > deadAfter {
		return "", 0, errSilent
	}
	if v := b.vend; v != nil && v.sent.IsZero() && v.result == nil {
		v.sent = now
		v.poke()
		return "C,VEND," + v.request.Price.Decimal(), 0, nil
	}
	if command := b.wish(now); command != "" {
		b.asked, b.fresh = now, false
		return command, 0, nil
	}
	if quiet := now.Sub(later(b.heard, b.pinged)); quiet >= pingEvery {
		b.pinged = now
		if b.vend == nil && (b.status == Enabled || b.status == Disabled || b.status == Inactive) {
			return "C,1", 0, nil // "is on", says one that is there; one that lost its power meanwhile joins the bus
		}
		return "V", 0, nil
	}
	wait = pingEvery - now.Sub(later(b.heard, b.pinged))
	for _, again := range []time.Duration{askAgain, joinAgain} {
		if left := again - now.Sub(b.asked); left > 0 {
			wait = min(wait, left)
		}
	}
	if left := freshEvery - now.Sub(b.joined); left > 0 {
		wait = min(wait, left)
	}
	if left := patience - now.Sub(b.good); left > 0 {
		wait = min(wait, left)
	}
	return "", max(wait, time.Millisecond), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wish is the command that brings the machine to where it should be. Called with the bridge locked.
func (b *Bridge) wish(now time.Time) string {
	waited := now.Sub(b.asked)
	switch {
	case b.vend != nil || b.spent: // nothing may come between an approval and its answer, and what that costs
		return ""
	case b.status == "" && waited >= joinAgain, (b.status == Inactive || b.status == Disabled) && now.Sub(b.joined) >= freshEvery && waited >= askAgain:
		b.joined = now
		return "C,0\nC,1"
	case b.status == "" || waited < askAgain:
		return ""
	case b.status == Vend && (b.open == nil || b.void || b.credit.IsZero()):
		b.void = true
		if b.Deny == DenyMinus && !b.credit.IsZero() {
			return "C,VEND,-1"
		}
		return "C,STOP"
	case b.status == Idle && (b.credit.IsZero() || b.started != b.credit):
		return "C,STOP"
	case b.status == Enabled && b.credit.IsZero() && !b.started.IsZero(): // its begin may not have been heard
		b.started = money.Amount{}
		return "C,STOP"
	case b.status == Enabled && !b.credit.IsZero():
		b.started = b.credit
		return "C,START," + b.credit.Decimal()
	}
	return ""
}

// line is one line of the bridge.
func (b *Bridge) line(l Line) {
	b.mu.Lock()
	if l.Kind != Bad {
		b.heard = time.Now()
	}
	var asks *Request
	say, misread := "", ""
	switch l.Kind {
	case Bad:
		if now := time.Now(); now.Sub(b.complained) >= complainEvery {
			b.complained, say = now, "a line cannot be read: look at the cable, its baud rate and its ground"
		}
		switch {
		case b.vend != nil:
			if v := b.approved(); v != nil { // it may have been the success
				v.unclear = true
			}
		case b.status == Idle: // it may have been the session's end
			b.started = money.Amount{}
		case b.status == Inactive || b.status == Disabled:
			b.unsure()
		}
	case Status:
		if misread = l.misread(b.Currency); misread != "" {
			if now := time.Now(); now.Sub(b.misplaced) >= complainEvery {
				b.misplaced, say = now, misread
			}
		}
		asks = b.said(l)
	case Success:
		say = b.succeeded()
	case Failed:
		b.failed(l.Code)
	case Refused:
		say = fmt.Sprintf("the bridge does not take %s: %d", l.Status, l.Code)
		b.refused(l)
	case Off:
		b.status = ""
	}
	b.mu.Unlock()
	if say != "" {
		b.Log(say)
	}
	if misread != "" && b.Misread != nil {
		b.Misread(misread)
	}
	if asks != nil {
		b.Requested(*asks)
	}
}

// said is a status. A request that can be offered is returned.
func (b *Bridge) said(l Line) *Request {
	b.fresh = true
	changed := l.Status != b.status
	if changed {
		b.status, b.asked = l.Status, time.Time{}
	}
	if l.Status == Enabled || l.Status == Inactive || l.Status == Disabled {
		b.started = money.Amount{}
	}
	if v := b.vend; v != nil {
		v.status(l)
		return nil
	}
	if l.Status != Vend {
		b.void = true
		return nil
	}
	if b.open != nil {
		if b.void || b.open.Price != l.Price || b.open.Product != l.Product { // the kiosk still thinks about an earlier one
			b.void = true
		}
		return nil
	}
	if l.Price.IsZero() || b.credit.IsZero() { // illegible, or nobody pays: denied
		return nil
	}
	if !changed && !b.asked.IsZero() {
		return nil // denied already, and this is its echo
	}
	b.minted++
	b.open, b.void = &Request{b.minted, l.Product, l.Price}, false
	return b.open
}

// succeeded is the machine's word that the product came out.
func (b *Bridge) succeeded() (say string) {
	if v := b.approved(); v != nil {
		b.after()
		v.end(delivered)
		return ""
	}
	return "the machine says that a product came out, and nobody waits for one: is there an item that ended unknown, or in doubt?"
}

// after is the end of a request: the machine goes back to its session, and says so at once. Until then it is told nothing, also when
// its status was not known before.
func (b *Bridge) after() {
	b.asked = time.Now()
	if b.status == Vend {
		b.status, b.fresh = Idle, true
		b.started = money.Amount{}
	}
}

// MDB's numbers of the machine's VEND commands, as the bridge reports them.
const (
	vendCancel  = 1
	vendFailure = 3
)

// failed is the machine's word that nothing came out.
func (b *Bridge) failed(code int) {
	b.void, b.started = true, money.Amount{} // whether the session goes on is to be found out
	switch v := b.approved(); {
	case v != nil:
		v.failed(code)
	case b.vend != nil:
		b.vend.end(givenUp)
	}
	b.after()
}

// refused is the bridge's word that it did not take a command.
func (b *Bridge) refused(l Line) {
	switch v := b.approved(); {
	case v != nil && l.Status == "VEND": // one of a denial comes before the next request, so it is none of an approval
		v.end(notTaken)
		b.unsure()
	case !b.fresh && b.vend == nil: // also a denial: of what the machine has given up, and nobody heard it
		b.unsure()
	}
}

// approved is the approval that was written and waits for its answer; nil: there is none.
func (b *Bridge) approved() *approval {
	if v := b.vend; v != nil && !v.sent.IsZero() && v.result == nil {
		return v
	}
	return nil
}

// unsure: the bridge is not where we thought. It joins the bus anew, but not in a hurry.
func (b *Bridge) unsure() {
	b.status, b.asked = "", time.Now().Add(askAgain-joinAgain)
}
