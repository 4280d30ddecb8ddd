package simboard

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatIsDueTogetherHappensInTheOrderOfItsTime gives the board events whose timers all fire at once, as on a busy
// computer.
func TestWhatIsDueTogetherHappensInTheOrderOfItsTime(t *testing.T) {
	b, err := New(Wiring{Slots: []Slot{{ID: "A1", Relay: "R", Drop: "D"}}}, Physics{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // where no time passes between the calls
		for range 50 {
			var got []int
			var all sync.WaitGroup
			all.Add(10)
			b.mu.Lock()
			for _, n := range []int{7, 1, 9, 3, 0, 5, 2, 8, 6, 4} {
				b.after(time.Duration(n-20)*time.Millisecond, func() {
					got = append(got, n)
					all.Done()
				})
			}
			b.mu.Unlock()
			all.Wait()
			if !slices.IsSorted(got) {
				t.Fatalf("they happened in the order %v", got)
			}
		}
	})
}
