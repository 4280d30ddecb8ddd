package fsm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// fromTheDesk is what the desk could send next, the absurd included.
func fromTheDesk(s State, now Instant, n int) []Event {
	base, _ := everyShelf()
	label := func(slot string, minor int64) Label { return Label{Slot: slot, Name: "W", Price: inSEK(minor)} }
	euro := label("A1", 1700)
	euro.Price.Currency = "EUR"
	set := func(version, by string, stock map[string]int, labels ...Label) Event {
		return PlanogramSet{now, "w", Planogram{version, by, labels}, base, stock}
	}
	version := fmt.Sprint("v", n)
	faster := slices.Clone(base)
	faster[0].MaxVend++
	events := []Event{
		set(version, "t", nil, label("A1", 1700)), set(version, "t", nil), set(version, "", nil, label("A1", 1700)),
		set("", "t", nil, label("A1", 1700)), set(version, "t", nil, label("Z9", 1700)), set(version, "t", nil, euro),
		set(version, "t", nil, label("A4", 1700)), set(version, "t", nil, label("A1", 0)),
		set(version, "t", nil, label("A1", 1700), label("A1", 1800)),
		set(version, "t", map[string]int{"A3": 4}, label("A3", 100)),
		set(version, "t", map[string]int{"Z9": 4}), set(version, "t", map[string]int{"A3": -1}),
		set(s.Planogram.Version, "t", nil, label("A1", 1700)),
		PlanogramSet{now, "w", Planogram{version, "t", nil}, faster, nil},
		PlanogramSet{now, "w", Planogram{version, "t", nil}, base[:2], nil},
	}
	order := func(id string, o Order, why string, v Verdict) {
		events = append(events, Commanded{now, "k", Command{ID: id, Order: o, By: "t", Reason: why}, s.Sale, v})
	}
	id := fmt.Sprint("k", n)
	for _, o := range append(Orders(), "dance") {
		order(id, o, "r", Verdict{})
	}
	order(id, OutByOrder, "", Verdict{})
	order("", OutByOrder, "r", Verdict{})
	for _, d := range []Decision{Charge, Release, Refund} {
		order(id, ResolveSale, "r", Verdict{Decision: d})
		order(id, ResolveSale, "r", Verdict{Decision: d, ByHand: true})
	}
	order(id, RefundSale, "r", Verdict{Decision: Refund, Amount: inSEK(500)})
	order(id, RefundSale, "r", Verdict{Decision: Refund, Amount: inSEK(9900)})
	order(id, ResolveSale, "r", Verdict{Decision: Refund, Amount: inSEK(500)})
	if last := len(s.Commands) - 1; last >= 0 {
		order(s.Commands[last].ID, s.Commands[last].Order, "r", Verdict{Decision: Refund})
		order(s.Commands[last].ID, RestartDaemon, "r", Verdict{})
	}
	return events
}

// verdict is a person's decision on a sale, at the machine or at the desk.
func verdict(e Event) (SaleResolved, bool) {
	switch e := e.(type) {
	case SaleResolved:
		return e, true
	case Commanded:
		if o := e.Command.Order; o == ResolveSale || o == RefundSale {
			v := e.Verdict
			v.By, v.Reason = e.Command.By, e.Command.Reason
			return SaleResolved{e.At, e.Request, e.Sale, v}, true
		}
	}
	return SaleResolved{}, false
}

// desked holds what the desk may do against one transition.
func desked(s State, e Event, next State, effects []Effect, durable bool) error {
	set, wants := e.(PlanogramSet)
	_, boot := e.(Booted)
	_, later := e.(Remembered)
	relabelled := !reflect.DeepEqual(s.Shelf, next.Shelf) || !reflect.DeepEqual(s.Planogram, next.Planogram)
	switch {
	case later:
		return nil
	case boot && !reflect.DeepEqual(s.Planogram, next.Planogram):
		return fmt.Errorf("a boot forgets what the desk wants")
	case relabelled && !boot && !wants:
		return fmt.Errorf("%T changed what is sold", e)
	case relabelled && !boot && (s.Busy() || s.Serving() || !durable || set.Planogram.By == ""):
		return fmt.Errorf("what is sold changed in %s, durable %v", s.Stage, durable)
	case relabelled && !boot && !sameMachine(s.Shelf, next.Shelf):
		return fmt.Errorf("the desk changed the machine: %+v", next.Shelf)
	case wants && !reflect.DeepEqual(s.Sale, next.Sale):
		return fmt.Errorf("the desk's prices changed a sale")
	}
	if boot || relabelled {
		if err := asWanted(next); err != nil {
			return err
		}
	}
	if s.fault(reason.Operator) && !next.fault(reason.Operator) {
		c, ordered := e.(Commanded)
		cleared, byName := e.(FaultCleared) // of the alphabet, which clears every fault; no part of the program does
		if !(ordered && c.Command.Order == Back) && !(byName && cleared.Name == reason.Operator) {
			return fmt.Errorf("%T put a machine back into service that the desk took out", e)
		}
	}
	if c, ok := e.(Commanded); ok {
		return obeyed(s, c, next, effects, durable)
	}
	if !boot && !reflect.DeepEqual(s.Commands, next.Commands) {
		return fmt.Errorf("%T changed the commands on record", e)
	}
	return nil
}

// asWanted holds that each label that fits is on the shelf.
func asWanted(s State) error {
	for _, l := range s.Planogram.Labels {
		if slot, there := s.slot(l.Slot); there && l.fits(slot) && l.on(slot) != slot {
			return fmt.Errorf("%s is not sold as the desk wants: %+v", l.Slot, slot)
		}
	}
	return CheckShelf(s.Shelf)
}

// obeyed holds that a command acts once, is on record before, says why it does not, and moves nothing.
func obeyed(s State, c Commanded, next State, effects []Effect, durable bool) error {
	var said []Answer
	restarts := 0
	for _, f := range effects {
		switch f := f.(type) {
		case Vend, Serve, StopVend:
			return fmt.Errorf("a command moves something: %+v", f)
		case Answer:
			said = append(said, f)
		case Restart:
			restarts++
		case Call:
			if _, decides := verdict(c); !decides || f.Operation == CommitReservation || f.Operation == UpdateInvoice {
				return fmt.Errorf("a command began with %s", f.Operation)
			}
		}
	}
	if len(said) != 1 || said[0].Request != c.Request || (said[0].Reference == "") == (said[0].Refusal == "") {
		return fmt.Errorf("a command is answered with %+v", said)
	}
	was := slices.IndexFunc(s.Commands, func(o Obeyed) bool { return o.ID == c.Command.ID })
	if was >= 0 {
		o := s.Commands[was]
		same := said[0].Reference == o.Reference && said[0].Refusal == o.Refusal || o.Order != c.Command.Order &&
			said[0].Refusal == SaysTooLittle
		if !same || !reflect.DeepEqual(s, next) || len(effects) != 1 {
			return fmt.Errorf("a command that was obeyed acted again, or is answered otherwise: %+v", said)
		}
		return nil
	}
	if len(next.Commands) > commandsMax {
		return fmt.Errorf("%d commands are kept", len(next.Commands))
	}
	last := Obeyed{}
	if n := len(next.Commands); n > 0 {
		last = next.Commands[n-1]
	}
	recorded := durable && last == Obeyed{c.Command.ID, c.Command.Order, said[0].Refusal, said[0].Reference,
		c.Command.What}
	switch why := said[0].Refusal; {
	case why == NoRecord || why == SaysTooLittle && !recorded:
		if !reflect.DeepEqual(s, next) || len(effects) != 1 {
			return fmt.Errorf("a command without a record changed something")
		}
		return nil
	case !recorded:
		return fmt.Errorf("a command is not on record: %+v", last)
	case why != "":
		next.Commands = s.Commands
		if !reflect.DeepEqual(s, next) || len(effects) != 1 {
			return fmt.Errorf("a refused command changed something")
		}
		return nil
	}
	if restarts > 0 != (c.Command.Order == RestartDaemon) || restarts > 1 || restarts > 0 && (s.Serving() ||
		s.Busy() && !s.Helpless()) {
		return fmt.Errorf("%s restarts %d times in %s", c.Command.Order, restarts, s.Stage)
	}
	if c.Command.Order == OutByOrder && !next.fault(reason.Operator) {
		return fmt.Errorf("ordered out of service, and the faults are %v", next.Faults)
	}
	return nil
}

// TestAnOldCommandIsForgottenBeforeAnyNewerOne: the record is bounded, and the newest are those that are repeated.
func TestAnOldCommandIsForgottenBeforeAnyNewerOne(t *testing.T) {
	w, _ := told(t, "boot")
	s := w.s
	obey := func(id int) (Answer, bool) {
		next, effects, durable := Step(s, Commanded{At: w.now, Request: "q",
			Command: Command{ID: fmt.Sprint("c", id), Order: OutByOrder, By: "anna", Reason: "flood"}})
		s = next
		return effects[0].(Answer), durable
	}
	for n := range commandsMax + 1 {
		obey(n)
	}
	if a, again := obey(1); again || a.Reference != "c1" {
		t.Errorf("the oldest that is kept acts again: %+v, %v", a, again)
	}
	if _, again := obey(0); !again {
		t.Error("more commands are kept than fit")
	}
	if b, err := json.Marshal(s.Commands); err != nil || len(b) > 10<<10 {
		t.Errorf("they take %d bytes: %v", len(b), err)
	}
}

// TestAnIdIsGoodForOneActOnly: whoever repeats a refund of one sale with another's, or another amount, is not told that
// it is done.
func TestAnIdIsGoodForOneActOnly(t *testing.T) {
	w, _ := told(t, "boot")
	s := w.s
	obey := func(what string) Answer {
		next, effects, _ := Step(s, Commanded{At: w.now, Request: "q",
			Command: Command{ID: "c1", Order: OutByOrder, By: "anna", Reason: "flood", What: what}})
		s = next
		return effects[0].(Answer)
	}
	if a := obey("S1 5.00"); a.Refusal != "" {
		t.Fatalf("%+v", a)
	}
	if a := obey("S1 5.00"); a.Refusal != "" || a.Reference != "c1" {
		t.Errorf("the repeat is answered with %+v", a)
	}
	if a := obey("S2 5.00"); a.Refusal != SaysTooLittle || a.Reference != "" {
		t.Errorf("another act with its id is answered with %+v", a)
	}
}

// TestALabelOfAnotherCurrencyIsLeftOutByABoot: a config that was changed wins over what no longer fits it.
func TestALabelOfAnotherCurrencyIsLeftOutByABoot(t *testing.T) {
	w, _ := told(t, "boot\nwant v1 A1=@17.00 A2=@18.00")
	euro := []Slot{{ID: "A1", Name: "P", Price: money.Amount{Minor: 100, Currency: "EUR"}, MaxVend: 1}}
	next, _, _ := Step(w.s, Booted{At: w.now, Boot: "boot2", Rules: w.s.Rules, Shelf: euro})
	if !reflect.DeepEqual(next.Shelf, euro) || next.Planogram.Version != "v1" {
		t.Errorf("%+v, %+v", next.Shelf, next.Planogram)
	}
}
