package fsm

import (
	"slices"

	"kioskd/internal/reason"
)

// faultRaised takes the machine out of service, and ends a sale that has begun when the fault is a hard one.
func (t *step) faultRaised(f Fault) {
	t.addFault(f)
	if f.Hard && len(f.Slots) == 0 {
		t.endSoon(f.Name, f.Name != reason.Journal) // what moves already may end by itself when it cannot be recorded
	}
	t.settleIdle()
}

// addFault takes a fault once. Newer facts about one that stands already are taken in the place of the older.
func (t *step) addFault(f Fault) {
	n := slices.IndexFunc(t.s.Faults, func(old Fault) bool { return old.Name == f.Name })
	switch {
	case n < 0:
		t.s.Faults = append(slices.Clip(t.s.Faults), f)
	case f.Note != "":
		t.s.Faults = slices.Clone(t.s.Faults)
		t.s.Faults[n].Note = f.Note
	}
}

// lossAccepted puts a machine whose record lost its newest part back into service. A door that was opened, or a refill,
// does not: what may be forgotten stands in Glase's books and not in the machine.
func (t *step) lossAccepted(e LossAccepted) {
	switch {
	case t.s.fault(reason.Journal):
		t.do(Answer{Request: e.Request, Refusal: NoRecord})
	case !t.s.fault(reason.JournalLost):
		t.do(Answer{Request: e.Request, Refusal: NothingToDo})
	case e.By == "" || e.Reason == "":
		t.do(Answer{Request: e.Request, Refusal: SaysTooLittle})
	default:
		t.do(Answer{Request: e.Request, Reference: string(reason.JournalLost)})
		t.faultCleared(reason.JournalLost)
	}
}

func (t *step) faultCleared(name reason.Why) {
	if !t.s.fault(name) {
		return
	}
	t.s.Faults = slices.DeleteFunc(slices.Clone(t.s.Faults), func(f Fault) bool { return f.Name == name })
	if len(t.s.Faults) == 0 {
		t.s.Faults = nil
	}
	if name == reason.Door {
		t.serviced()
	}
	t.settleIdle()
}

// serviced: a technician has been there, so that slots, and what needed a person, get a new chance.
func (t *step) serviced() {
	t.openSlots(nil)
	t.s.CanceledAt, t.s.Unpaid = 0, 0
	t.faultCleared(reason.ChargeRefused)
	t.faultCleared(reason.ForeignCancel)
}

func (t *step) openSlots(slots []string) {
	t.s.Closed = slices.DeleteFunc(slices.Clone(t.s.Closed), func(c Closure) bool {
		if len(slots) == 0 { // a door that closes does not undo what a person ordered
			return c.Why != reason.Operator
		}
		return slices.Contains(slots, c.Slot)
	})
	if len(t.s.Closed) == 0 {
		t.s.Closed = nil
	}
}

// endSoon ends the sale that is on as soon as its money can be settled. motors: also what moves now.
func (t *step) endSoon(why reason.Why, motors bool) {
	switch t.s.Stage {
	case Invoicing:
		t.s.Sale.EndReason = why
	case Awaiting, Asking:
		t.release(why)
	case Choosing:
		t.settle(why)
	case Vending:
		t.s.Sale.EndReason = why
		if motors {
			t.do(StopVend{t.s.Sale.ID, t.pending().ID})
		}
	case Maintenance:
		if motors {
			t.stopService()
		}
	}
}

// settleIdle puts a machine without a sale where its faults say.
func (t *step) settleIdle() {
	if t.s.Busy() {
		return
	}
	t.s.Stage, t.s.Reason = Ready, ""
	if t.s.Serving() {
		t.s.Stage, t.s.Reason = Maintenance, reason.Technician
		return
	}
	whole := t.s.machineFaults()
	if len(whole) == 0 {
		return
	}
	t.s.Stage, t.s.Reason = OutOfService, whole[0].Name
	// whoever works on the machine knows what else is wrong
	for _, name := range []reason.Why{reason.Technician, reason.Door} {
		if t.s.fault(name) {
			t.s.Stage, t.s.Reason = Maintenance, name
		}
	}
}
