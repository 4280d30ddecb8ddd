package store

import (
	"fmt"
	"testing"

	"kioskd/internal/chain"
)

// TestAHubThatCannotFollowAKioskSaysSo, as after a start, when no entry near has the whole state; it keeps the entries
// all the same, and goes on at the next whole one.
func TestAHubThatCannotFollowAKioskSaysSo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		prev, seq := make([]byte, 32), int64(0)
		happen := func(whole int64, after string) {
			seq++
			e := chain.Entry{Seq: seq, Whole: whole, Event: "x", After: []byte(after), Prev: prev}
			e.Hash = e.Sum()
			prev = e.Hash
			if f := take(t, s, "K1", []Copy{{e, 1}}); f[Written] != 1 {
				t.Fatalf("entry %d: %v", seq, f)
			}
		}
		is := func(stage string, want ...string) {
			t.Helper()
			var there string
			if err := s.db.QueryRow("SELECT stage FROM machines").Scan(&there); err != nil || there != stage {
				t.Errorf("after entry %d it is %q, %v, want %q", seq, there, err, stage)
			}
			alarms, err := s.Alarms(t.Context())
			if err != nil || len(alarms) != len(want) {
				t.Fatalf("after entry %d: %+v, %v", seq, alarms, err)
			}
			for n, a := range alarms {
				if a.Kiosk != "K1" || a.Kind != Unfollowed || a.Note != want[n] {
					t.Errorf("after entry %d: %+v", seq, a)
				}
			}
		}
		happen(1, `{"stage":"ready"}`)
		for range runMax - 1 {
			happen(0, `{}`)
		}
		s.docs = newDocs() // the whole one is the last that is looked at
		happen(0, `{"stage":"vending"}`)
		is("vending")
		s.docs = newDocs()
		happen(0, `{"stage":"ready"}`)
		said := fmt.Sprintf("none of the 100 entries up to %d has the whole state", seq-1)
		is("vending", said)
		happen(1, `{"stage":"ready"}`)
		happen(0, `{"stage":"maintenance"}`)
		is("maintenance", said)
	})
}
