package protocol

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAConditionIsReadAsItWasWritten(t *testing.T) {
	at, doubts := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), 2
	want := Condition{Version: "1.2.3", Run: "x1", Hello: true, At: at, Synced: true, Started: at.Add(-time.Hour),
		Phase: "idle", Step: "out_of_service", Reason: "door", Doubts: &doubts, Last: 12, Held: 11, Currency: "SEK",
		Faults: []ConditionFault{{Name: "door", Since: at.Add(-time.Minute)}},
		Slots: []ConditionSlot{{Slot: "A1", Name: "Kaffe", Price: "15.00", Left: 3, Capacity: 9, State: "closed",
			Why: "jam"}},
		Books: &ConditionBooks{Number: 7, Ended: at, Verdicts: map[string]int{"settled": 2},
			Open: []ConditionVerdict{{Sale: "S", Verdict: "amount_differs", Note: "n"}}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadCondition(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestWhatIsNoConditionIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", `{"run":"a b"}`, `{"run":"x","last":-1}`, `{"run":"x","held":-1}`, `{"run":"x","at":"soon"}`,
		`{"run":"x","version":"` + strings.Repeat("v", ConditionMax) + `"}`,
	} {
		if s, err := ReadCondition([]byte(text)); err == nil {
			t.Errorf("%.40q was taken for %+v", text, s)
		}
	}
}

func FuzzReadCondition(f *testing.F) {
	f.Add([]byte(`{"run":"x1","phase":"idle","faults":[{"name":"door","since":"2027-01-02T03:04:05Z"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadCondition(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("%+v cannot be written again: %v", s, err)
		}
		if len(text) > ConditionMax {
			return // escapes may be longer than what they stand for
		}
		if again, err := ReadCondition(text); err != nil || again.Run != s.Run {
			t.Fatalf("%s is not read again: %v", text, err)
		}
	})
}
