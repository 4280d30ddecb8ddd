package store

import "testing"

// TestAnEntryOfAnotherHistoryIsAFork: it has the next number, is as it was written, and continues another entry than
// the last one that is here.
func TestAnEntryOfAnotherHistoryIsAFork(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		one, other := machineOf(t), machineOf(t)
		for range 2 {
			one.Sell()
			other.Sell()
		}
		here, foreign := copies(t, one, 0), copies(t, other, 0)
		n := len(here) / 2
		take(t, s, "K1", here[:n])
		held, fates, err := s.Take(t.Context(), "K1", foreign[n:n+1], noon)
		if err != nil || fates[0] != Refused || !held.Fork || held.Seq != int64(n) {
			t.Errorf("it is %v, and %+v is held, %v", fates, held, err)
		}
		held, fates, err = s.Take(t.Context(), "K1", here[n:], noon)
		if err != nil || fates[0] != Refused || !held.Fork {
			t.Errorf("before a person has decided, what comes is %v, and %+v is held, %v", fates, held, err)
		}
	})
}
