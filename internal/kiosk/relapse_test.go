package kiosk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

func (w *world) tried() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.appends
}

// startedWithoutRecord counts the motor starts that no record says were to be.
func (w *world) startedWithoutRecord() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	motors := 0
	for _, line := range w.diary {
		if strings.HasPrefix(line, "motor") {
			motors++
		}
	}
	recorded := map[string]bool{}
	for _, r := range w.records {
		for _, i := range r.After.Sale.Items {
			if i.Started {
				recorded[i.ID] = true
			}
		}
	}
	return motors - len(recorded)
}

// TestAJournalThatTakesAFewRecordsAndFailsAgainServesNobody is a disk whose last pages are used up: one record fails,
// up to three are taken, and then none is. The customer who comes then is refused, and no motor starts without a
// record.
func TestAJournalThatTakesAFewRecordsAndFailsAgainServesNobody(t *testing.T) {
	for fails := 1; fails <= 12; fails++ {
		for taken := 1; taken <= 3; taken++ {
			t.Run(fmt.Sprintf("record %d fails, %d are taken", fails, taken), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.refuses = func(n int) bool { return n == fails || n > fails+taken }
					k, stop, ended := w.start(t, fsm.State{})
					sell(t, w, k)
					time.Sleep(5 * time.Minute)
					if w.tried() <= fails+taken { // the sale needed fewer: the next one meets the failure
						sell(t, w, k)
						time.Sleep(5 * time.Minute)
					}
					ref, code := k.CreatePurchase(t.Context(), "p", sek(5000))
					if s := k.State(); ref != "" || code != fsm.DeviceUnavailable || s.Reason != reason.Journal {
						t.Errorf("the next customer is answered %q %q in %s (%s)", ref, code, s.Stage, s.Reason)
					}
					w.confirm()
					k.Choose("A1")
					time.Sleep(time.Minute)
					stop()
					<-ended
					if n := w.startedWithoutRecord(); n != 0 {
						t.Errorf("%d motors started without a record: %q", n, w.diary)
					}
				})
			})
		}
	}
}

// TestAMachineGoesBackIntoServiceOnlyOverRecords holds that the way back is itself on the disk: the last record before
// a machine is ready again says so, and several before it were taken with nothing refused between them.
func TestAMachineGoesBackIntoServiceOnlyOverRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.refuses = func(n int) bool { return n == 2 || n == 5 || n == 7 } // each time after one or two that were taken
		k, stop, ended := w.start(t, fsm.State{})
		k.CreatePurchase(t.Context(), "payer", sek(5000)) // is refused: it cannot be recorded
		time.Sleep(10 * time.Minute)
		if s := k.State(); s.Stage != fsm.Ready {
			t.Fatalf("%s (%s) although the disk has taken everything for minutes", s.Stage, s.Reason)
		}
		w.mu.Lock()
		last := w.records[len(w.records)-1]
		w.mu.Unlock()
		if c, ok := last.Event.(fsm.FaultCleared); !ok || c.Name != reason.Journal || last.After.Stage != fsm.Ready {
			t.Errorf("the last record is %s, and leaves the machine %s", fsm.Name(last.Event), last.After.Stage)
		}
		stop()
		<-ended
		if w.appends-7 < provenBy+1 {
			t.Errorf("only %d records were taken after the last one that was refused: %q", w.appends-7, w.diary)
		}
		if slices.Contains(w.diary, "motor A1 on") {
			t.Errorf("a motor moved meanwhile: %q", w.diary)
		}
	})
}
