package fsm

import (
	"slices"
	"time"

	"kioskd/internal/reason"
)

// Act is what a technician does to the machine.
type Act string

// The acts.
const (
	TestVend   Act = "vend"  // one product comes out, which nobody pays for
	PulseRelay Act = "relay" // a slot's relay is on for a while
	CountStock Act = "stock" // somebody has counted, or refilled, a slot
)

// Service is a technician's act: the one that is on, or the last one. No sale is on while it is, and none of it is ever
// charged.
type Service struct {
	ID   string `json:"id,omitzero"`
	Act  Act    `json:"act,omitzero"`
	Slot string `json:"slot,omitzero"`
	By   string `json:"by,omitzero"`
	// vend and relay: the longest that it takes; then its end is not waited for any more
	Longest time.Duration `json:"longest,omitzero"`
	On      time.Duration `json:"on,omitzero"`   // relay: how long it is to be on
	Was     int           `json:"was,omitzero"`  // stock: before it
	Left    int           `json:"left,omitzero"` // stock: after it
	Ended   bool          `json:"ended,omitzero"`
	Outcome ItemOutcome   `json:"outcome,omitzero"` // vend
	Why     reason.Why    `json:"why,omitzero"`     // the dispenser's word; "": nothing is wrong
}

// Serving reports whether a technician's act is on: something may move.
func (s State) Serving() bool { return s.Service.ID != "" && !s.Service.Ended }

// serviceBegan lets a technician act on a machine that serves nobody: never while a sale is open or being settled, nor
// during another act, nor when it could not be recorded.
func (t *step) serviceBegan(e ServiceBegan) {
	v := e.Service
	slot, _ := t.s.slot(v.Slot)
	v.Longest = slot.MaxVend
	if v.Act == PulseRelay {
		v.Longest = v.On
	}
	why := t.unserviceable(v.ID, v.Slot, v.By)
	if why == "" && (v.Act != TestVend && v.Act != PulseRelay || v.Longest <= 0) {
		why = SaysTooLittle
	}
	if why != "" {
		t.do(Answer{Request: e.Request, Refusal: why})
		return
	}
	v.Ended, v.Outcome, v.Why, v.Was, v.Left = false, "", "", 0, 0
	if v.Act == TestVend {
		v.Outcome, v.On = Pending, 0
	}
	t.s.Service = v
	t.do(Answer{Request: e.Request, Reference: v.ID})
	t.s.Live.ShowTill = 0
	t.s.Deadline = t.now.add(v.Longest + vendGrace)
	t.settleIdle()
	t.do(Serve{v})
}

// unserviceable is why no technician may act on a slot now; "": one may.
func (t *step) unserviceable(id, slot, by string) Refusal {
	_, known := t.s.slot(slot)
	switch {
	case !known:
		return NoSuchSlot
	case t.s.Busy():
		return SaleIsOn
	case t.s.Serving():
		return ActIsOn
	case t.s.fault(reason.Journal) || t.s.fault(reason.Stopping):
		return NoRecord
	case id == "" || id == t.s.Service.ID || by == "":
		return SaysTooLittle
	}
	return ""
}

// serviceEnded is the dispenser's word on a technician's act.
func (t *step) serviceEnded(id string, o ItemOutcome, why reason.Why) {
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
	t.settleIdle()
}

// lostService: a boot finds a technician's act that it did not see the end of.
func (t *step) lostService(evidence []Evidence) {
	found := Evidence{t.s.Service.ID, Unknown, reason.Restarted}
	if n := slices.IndexFunc(evidence, func(e Evidence) bool {
		return e.Item == found.Item &&
			e.Outcome != Pending
	}); n >= 0 {
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
