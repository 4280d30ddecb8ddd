package fsm

import (
	"fmt"
	"testing"
	"time"
)

// TestAForgedCallCostsAtMostOnePINTimeAndFromTheFourthOnTheShortOne plays a caller who asks for an invoice whenever
// the machine is free and pays for none.
func TestAForgedCallCostsAtMostOnePINTimeAndFromTheFourthOnTheShortOne(t *testing.T) {
	w := &teller{t: t, now: Instant(time.Hour), known: map[string]Sale{}}
	w.tell("> boot\n")
	rules := w.s.Rules
	for n := range 20 {
		began := w.now
		w.tell(fmt.Sprintf("> scan 50.00 payer=forged%d\n> sent\n", n))
		for w.s.Stage == Awaiting {
			w.tell("> tick\n")
			if w.s.Live.Waiting != 0 && w.s.Stage == Awaiting {
				w.tell("> status ISSUED\n")
			}
		}
		w.tell("> canceled\n> status CANCELED\n")
		most := rules.PinTimeout
		if n >= hurryAfter {
			most = rules.PinHurry
		}
		if lost := w.now.Since(began); lost != most || w.s.Stage != Ready || w.s.Unpaid != min(n+1, hurryAfter) {
			t.Fatalf("forged call %d took %v of the machine, want %v; now %s, %d unpaid", n+1, lost, most, w.s.Stage,
				w.s.Unpaid)
		}
	}
}

// TestAShortPINTimeNeverLengthensTheConfigs: who has configured less than the short time keeps it.
func TestAShortPINTimeNeverLengthensTheConfigs(t *testing.T) {
	s := State{Rules: Rules{PinTimeout: 5 * time.Second, PinHurry: 20 * time.Second}, Unpaid: hurryAfter}
	if got := s.PinTime(); got != 5*time.Second {
		t.Errorf("the PIN time is %v", got)
	}
	s.Rules.PinHurry = 0 // a journal of an earlier version
	if s.Hurried() || s.PinTime() != 5*time.Second {
		t.Error("without a rule for it the time was shortened")
	}
}
