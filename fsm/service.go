package fsm

import (
	"slices"
	"time"
)

// Act is what a technician does to the machine.
type Act string

// The acts.
const (
	TestVend   Act = "vend"  // one product comes out, which nobody pays for
	PulseRelay Act = "relay" // a slot's relay is on for a while
	CountStock Act = "stock" // somebody has counted, or refilled, a slot
)

// Service is a technician's act: the one that is on, or the last one. No sale is on while it is, and none of it is ever charged.
type Service struct {
	ID      string        `json:"id,omitzero"`
	Act     Act           `json:"act,omitzero"`
	Slot    string        `json:"slot,omitzero"`
	By      string        `json:"by,omitzero"`
	Longest time.Duration `json:"longest,omitzero"` // vend and relay: the longest that it takes; then its end is not waited for any more
	On      time.Duration `json:"on,omitzero"`      // relay: how long it is to be on
	Was     int           `json:"was,omitzero"`     // stock: before it
	Left    int           `json:"left,omitzero"`    // stock: after it
	Ended   bool          `json:"ended,omitzero"`
	Outcome ItemOutcome   `json:"outcome,omitzero"` // vend
	Why     string        `json:"why,omitzero"`     // the dispenser's word; "": nothing is wrong
}

// Serving reports whether a technician's act is on: something may move.
func (s State) Serving() bool { return s.Service.ID != "" && !s.Service.Ended }

// serviceBegan lets a technician act on a machine that serves nobody: never while a sale is open or being settled, nor during
// another act, nor when it could not be recorded.
func (t *step) serviceBegan(e ServiceBegan) {
	v := e.Service
	moves := (v.Act == TestVend || v.Act == PulseRelay && v.On > 0) && v.Longest > 0
	counts := v.Act == CountStock && v.Left >= 0
	switch {
	case t.s.Busy() || t.s.Serving():
		t.do(Answer{Request: e.Request, Code: DeviceInUse})
		return
	case t.s.fault(FaultJournal) || t.s.fault(FaultStopping):
		t.do(Answer{Request: e.Request, Code: DeviceUnavailable})
		return
	case v.ID == "" || v.ID == t.s.Service.ID || v.Slot == "" || v.By == "" || !moves && !counts:
		t.do(Answer{Request: e.Request, Code: SystemError})
		return
	}
	v.Ended, v.Outcome, v.Why = counts, "", ""
	if v.Act == TestVend {
		v.Outcome = Pending
	}
	t.s.Service = v
	if counts { // before the answer, so that whoever asks next is told the new count
		t.do(SetStock{v.Slot, v.Left})
	}
	t.do(Answer{Request: e.Request, Reference: v.ID})
	if counts {
		return
	}
	t.s.Live.ShowTill = 0
	t.s.Deadline = t.now.add(v.Longest + vendGrace)
	t.rest()
	t.do(Serve{v})
}

// serviceEnded is the dispenser's word on a technician's act.
func (t *step) serviceEnded(id string, o ItemOutcome, why string) {
	if !t.s.Serving() || id != t.s.Service.ID {
		return
	}
	v := &t.s.Service
	v.Ended, v.Why, t.s.Deadline = true, why, 0
	if v.Act == TestVend {
		if o != Delivered && o != NotDelivered {
			o = Unknown
		}
		v.Outcome = o
		t.afterVend(v.Slot, o, why)
	}
	t.rest()
}

// lostService: a boot finds a technician's act that it did not see the end of.
func (t *step) lostService(evidence []Evidence) {
	found := Evidence{t.s.Service.ID, Unknown, "restarted"}
	if n := slices.IndexFunc(evidence, func(e Evidence) bool { return e.Item == found.Item && e.Outcome != Pending }); n >= 0 {
		found = evidence[n]
	}
	t.serviceEnded(found.Item, found.Outcome, found.Why)
}

// stopService ends a technician's act at once; its outcome still follows.
func (t *step) stopService() {
	if t.s.Serving() {
		t.do(StopVend{Item: t.s.Service.ID})
	}
}
