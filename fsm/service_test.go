package fsm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"kioskd/internal/reason"
)

// serviced holds what a technician's act may do against one transition: it moves something once, recorded with who does
// it, while nobody is being served, and touches no money.
func serviced(s State, e Event, next State, effects []Effect, durable bool) error {
	began, asked := e.(ServiceBegan)
	by := began.Service.By
	if c, counts := e.(StockCounted); counts {
		asked, by = true, c.By
	}
	taken := asked && s.Service != next.Service
	if next.Serving() && (next.Busy() || next.Stage != Maintenance) {
		return fmt.Errorf("a technician's act in %s, and a sale %q", next.Stage, next.Sale.State)
	}
	if _, wakes := next.Wake(); next.Serving() && !wakes {
		return fmt.Errorf("a technician's act could go on for ever")
	}
	if taken && (s.Busy() || s.Serving() || !durable || by == "" || s.fault(reason.Journal) ||
		s.fault(reason.Stopping)) {
		return fmt.Errorf("a technician's act was taken in %s, durable %v, with faults %v: %+v", s.Stage, durable,
			s.Faults, e)
	}
	if asked && !taken && (!reflect.DeepEqual(s, next) || len(effects) != 1 || effects[0].(Answer).Refusal == "") {
		return fmt.Errorf("a technician's act was refused, with %+v", effects)
	}
	if s.Serving() && next.Serving() && s.Service != next.Service || asked && s.Sale.ID != next.Sale.ID {
		return fmt.Errorf("a technician's act changed into another")
	}
	// a boot sets the sale's clock
	if _, boot := e.(Booted); (s.Serving() || asked) && !boot && !reflect.DeepEqual(s.Sale, next.Sale) {
		return fmt.Errorf("a technician's act changed a sale")
	}
	takes, there := 0, s.Stock[s.Service.Slot]
	if boot, ok := e.(Booted); ok && boot.RefilledBy != "" {
		there = boot.First[s.Service.Slot]
	}
	if s.Serving() {
		takes = there - next.Stock[s.Service.Slot]
	}
	for _, f := range effects {
		switch f := f.(type) {
		case Serve:
			if !taken || f.Service != next.Service || !next.Serving() || f.Service.Act == CountStock {
				return fmt.Errorf("something moves that no technician's act is good for: %+v", f)
			}
		case Vend:
			if s.Serving() || asked {
				return fmt.Errorf("a technician's act became a sale's vend")
			}
		case Call:
			if (s.Serving() || asked) && f.Operation != AskStatus && f.Operation != CancelInvoice {
				return fmt.Errorf("a technician's act became %s", f.Operation)
			}
		}
	}
	out := s.Serving() && next.Service.Ended && next.Service.ID == s.Service.ID && next.Service.Act == TestVend &&
		next.Service.Outcome != NotDelivered
	if s.Serving() && (takes == 1) != (out && there > 0) || takes > 1 {
		return fmt.Errorf("%d products taken from the stock for a technician's vend that ended %q", takes,
			next.Service.Outcome)
	}
	return nil
}

// TestAnOlderStateHasNoTechniciansAct: a state that an older version recorded reads and is written as it was, so its
// journal replays.
func TestAnOlderStateHasNoTechniciansAct(t *testing.T) {
	const old = `{"stage":"ready","boot":"b1","rules":{"flow":"reservation","pin_timeout":1,"choose_timeout":1,"reservation_timeout":1}}`
	var s State
	if err := json.Unmarshal([]byte(old), &s); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(s); err != nil || string(b) != old || s.Serving() {
		t.Errorf("%v: %s, want %s", err, b, old)
	}
	s, _, _ = Step(s, Booted{At: 1, Boot: "b1", Rules: s.Rules,
		Shelf: []Slot{{ID: "A1", Price: inSEK(1500), MaxVend: 1}}, First: map[string]int{"A1": 1}})
	next, effects, durable := Step(s, PurchaseRequested{At: 1, Request: "q", New: NewSale{"S1", "I1", "x"},
		Amount: inSEK(5000)})
	if next.Stage != Invoicing || len(effects) != 1 || !durable {
		t.Errorf("%s, %v", next.Stage, effects)
	}
}
