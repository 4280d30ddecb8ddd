package mdb

import (
	"errors"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/reason"
)

// approval is the one that was written and waits for its answer. It is a value: whoever hears something has the next
// one.
type approval struct {
	call      uint64 // of the Vend that waits; 0: there is no approval
	request   Request
	due       time.Time  // when it is given up
	why       reason.Why // of an unknown outcome
	cancelled bool       // the machine gave up before it was approved, if nothing speaks against it
	// its end may have been lost: a line was lost or could not be read, or the same request was heard once more
	unclear bool
}

// The ends of an approval, and of a request that is not approved. One that is not known yet has no outcome.
var (
	pending   = vend.Result{}
	errGone   = errors.New("mdb: the machine does not ask for this product any more")
	delivered = vend.Result{Outcome: vend.Delivered}
	notTaken  = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyRefused,
		Err: errors.New("mdb: the bridge did not take the approval")}
	broken = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyMachineFailed,
		Err: errors.New("mdb: the machine could not deliver")}
	givenUp = vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyStopped,
		Err: errors.New("mdb: the machine cancelled its request")}
	errNoWord = errors.New("mdb: approved, and the machine did not say what became of it")
)

// MDB's numbers of the machine's VEND commands, as the bridge reports them.
const (
	vendCancel  = 1
	vendFailure = 3
)

// hears is what one line makes of the approval: the table of the package's comment.
func (v approval) hears(l Line, now time.Time) (approval, vend.Result) {
	switch l.Kind {
	case Success:
		return v, delivered
	case Failed:
		return v.failed(l.Code, now)
	case Refused:
		if l.Status == Vend { // one of a denial comes before the next request, so it is none of an approval
			return v, notTaken
		}
	case Bad:
		v.unclear = true // it may have been the success
	case Status:
		return v.status(l, now)
	}
	return v, pending
}

// failed: the machine says that nothing came out.
func (v approval) failed(code int, now time.Time) (approval, vend.Result) {
	switch {
	case code == vendFailure: // of what was approved: no other request can fail so
		return v, broken
	case code == vendCancel && !v.unclear:
		v.cancelled = true
		return v.within(cancelMax, now), pending
	}
	return v.within(lateMax, now), pending
}

// status is where the machine says that it is.
func (v approval) status(l Line, now time.Time) (approval, vend.Result) {
	switch {
	case v.request.is(l) && !v.cancelled:
		v.unclear = true
		return v, pending
	case l.Status == Vend: // one of the two was approved
		v.cancelled = false
	case v.cancelled:
		return v, givenUp
	case l.Status == Inactive || l.Status == Disabled:
		v.why = vend.WhyReset
	}
	return v.within(lateMax, now), pending
}

// lost: the line is gone. One that fell silent was not unplugged.
func (v approval) lost(silent bool, now time.Time) approval {
	if v.why == vend.WhyNoAnswer && !silent {
		v.why = vend.WhyUnplugged
	}
	// the success may have been said meanwhile, and then another request be cancelled
	v.cancelled, v.unclear = false, true
	return v.within(replugMax, now)
}

// within makes the end come in d, unless it comes sooner anyway.
func (v approval) within(d time.Duration, now time.Time) approval {
	if t := now.Add(d); t.Before(v.due) {
		v.due = t
	}
	return v
}

// over is the end of all patience.
func (v approval) over() vend.Result {
	if v.cancelled {
		return givenUp
	}
	return vend.Result{Outcome: vend.Unknown, Why: v.why, Err: errNoWord}
}
