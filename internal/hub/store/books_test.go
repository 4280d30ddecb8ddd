package store

import (
	"testing"
	"time"

	"kioskd/internal/fleet/protocol"
)

func TestWhatTheBooksSayIsKeptByPeriodAndTheLastOneIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		tell := func(kiosk string, b *protocol.ConditionBooks, at time.Time) {
			t.Helper()
			c := protocol.Condition{Run: "r", Books: b}
			if err := s.Conditions(t.Context(), map[string]protocol.Condition{kiosk: c}, at); err != nil {
				t.Fatal(err)
			}
		}
		shown := func(want ...VerdictRow) {
			t.Helper()
			got, err := s.Verdicts(t.Context(), 10)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%+v, %v", got, err)
			}
			for n := range want {
				if got[n] != want[n] {
					t.Errorf("%+v, want %+v", got[n], want[n])
				}
			}
		}
		tell("k1", &protocol.ConditionBooks{Number: 1, Verdicts: map[string]int{"settled": 61, "in_doubt": 1,
			"missing_here": 2}, Open: []protocol.ConditionVerdict{{Sale: "S", Verdict: "in_doubt", Note: "n"},
			{Verdict: "missing_here"}, {Verdict: "missing_here"}}}, noon)
		tell("k2", &protocol.ConditionBooks{Number: 4, Verdicts: map[string]int{"settled": 9}}, noon.Add(time.Second))
		first := []VerdictRow{{"k1", "report 1", "", Unsettled, "61 of 64 settled, 1 in doubt, 2 missing here", noon},
			{"k1", "report 1", " (2)", "missing_here", "", noon}, {"k1", "report 1", " (3)", "missing_here", "", noon},
			{"k1", "report 1", "S", "in_doubt", "n", noon}}
		settled := VerdictRow{"k2", "report 4", "", Settled, "9 of 9 settled", noon.Add(time.Second)}
		shown(append(first, settled)...)
		tell("k1", nil, noon.Add(time.Minute)) // as last told
		shown(append(first, settled)...)
		later := noon.Add(time.Hour)
		tell("k1", &protocol.ConditionBooks{Number: 2, Verdicts: map[string]int{"settled": 3}}, later)
		shown(VerdictRow{"k1", "report 2", "", Settled, "3 of 3 settled", later}, settled)
		tell("k1", &protocol.ConditionBooks{Number: 2, Problem: "no answer"}, later.Add(time.Second)) // told again
		shown(VerdictRow{"k1", "report 2", "", Unbalanced, "no answer", later.Add(time.Second)}, settled)
	})
}
