package fsm

import (
	"slices"
	"testing"

	"kioskd/internal/reason"
)

// TestASlotThatAPersonClosedIsOpenedByAPersonAlone, and neither while a customer is being served nor by the door.
func TestASlotThatAPersonClosedIsOpenedByAPersonAlone(t *testing.T) {
	w, _ := told(t, "boot")
	s, id := w.s, 'a'
	order := func(o Order, slot string) Refusal {
		t.Helper()
		id++
		next, effects, _ := Step(s, Commanded{At: w.now, Request: "q",
			Command: Command{ID: string(id), Order: o, By: "anna", Reason: "sticky", AtMachine: true, Slot: slot}})
		s = next
		return effects[len(effects)-1].(Answer).Refusal
	}
	state := func() string {
		for _, o := range s.Offers() {
			if o.ID == "A1" {
				return o.State
			}
		}
		return "?"
	}
	got := []Refusal{order(OpenSlot, "A1"), order(CloseSlot, "Z9"), order(CloseSlot, "A1"), order(CloseSlot, "A1")}
	if !slices.Equal(got, []Refusal{NothingToDo, NoSuchSlot, "", NothingToDo}) {
		t.Fatalf("the orders are answered with %q", got)
	}
	s, _, _ = Step(s, FaultRaised{At: w.now, Fault: Fault{Name: reason.Door, Hard: true}})
	s, _, _ = Step(s, FaultCleared{At: w.now, Name: reason.Door})
	s, _, _ = Step(s, SlotsOpened{At: w.now, By: "the start"})
	if state() != SlotClosed {
		t.Error("the door, or a start, opened a slot that a person closed")
	}
	if why := order(OpenSlot, "A1"); why != "" || state() != "" {
		t.Errorf("opened again: %q, and the slot is %q", why, state())
	}
	s.Closed = []Closure{{"A1", reason.Jam}}
	if order(OpenSlot, "A1") != "" || state() != "" {
		t.Error("a slot that jammed is not opened by who has looked at it")
	}
	s.Service = Service{ID: "x", Act: TestVend}
	if order(CloseSlot, "A1") != ActIsOn || order(OutByOrder, "") != ActIsOn {
		t.Error("a technician's act is on, and another is taken")
	}
}
