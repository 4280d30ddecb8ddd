package protocol

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestWhatIsWantedHoldsFromItsMomentOn(t *testing.T) {
	w, err := ReadWant([]byte(`{"version":3,"plans":[
		{"version":1,"from":"0001-01-01T00:00:00Z","by":"anna"},
		{"version":3,"from":"2026-03-01T08:00:00+01:00","by":"anna","slots":{"A1":{"price":"17.00"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	moment := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	if p, next := w.Now(moment.Add(-1)); p.Version != 1 || !next.Equal(moment) || w.Timeless() {
		t.Errorf("before it plan %d holds until %v", p.Version, next)
	}
	if p, next := w.Now(moment); p.Version != 3 || !next.IsZero() || *p.Slots["A1"].Price != "17.00" {
		t.Errorf("from it on plan %d holds until %v", p.Version, next)
	}
}

func TestWhatCannotBeUnderstoodIsNotWanted(t *testing.T) {
	plan := func(s string) string { return `{"version":2,"plans":[` + s + `]}` }
	for name, text := range map[string]string{
		"no JSON":               "{",
		"two":                   `{"version":1,"plans":[]}{}`,
		"an unknown field":      `{"version":1,"plans":[],"colour":"red"}`,
		"an unknown wish":       plan(`{"version":1,"by":"a","slots":{"A1":{"colour":"red"}}}`),
		"no version":            `{"plans":[]}`,
		"a newer plan":          plan(`{"version":3,"by":"a"}`),
		"the same plan twice":   plan(`{"version":1,"by":"a"},{"version":1,"by":"a"}`),
		"nobody wants it":       plan(`{"version":1}`),
		"earlier ones later":    plan(`{"version":1,"by":"a","from":"2026-01-02T00:00:00Z"},{"version":2,"by":"a","from":"2026-01-01T00:00:00Z"}`),
		"a group in two words":  `{"version":1,"group":"a.b","plans":[]}`,
		"an EAN of an EAN":      plan(`{"version":1,"by":"a","products":{"12345678":{"ean":"87654321"}}}`),
		"a stock everywhere":    plan(`{"version":1,"by":"a","products":{"12345678":{"stock":4}}}`),
		"a name without end":    plan(`{"version":1,"by":"a","slots":{"A1":{"name":"` + strings.Repeat("x", 300) + `"}}}`),
		"a slot without a name": plan(`{"version":1,"by":"a","slots":{"":{"price":"1.00"}}}`),
		"too much":              `{"version":1,"plans":[` + strings.Repeat(" ", WantMax) + `]}`,
	} {
		if w, err := ReadWant([]byte(text)); err == nil || w.Version != 0 {
			t.Errorf("%s is read: %+v, %v", name, w, err)
		}
	}
}

func FuzzReadWant(f *testing.F) {
	f.Add([]byte(`{"version":3,"group":"nord","plans":[{"version":3,"from":"2026-03-01T08:00:00+01:00","by":"anna",` +
		`"slots":{"A1":{"price":"17.00","name":"T","vat":12,"ean":"","stock":3}},"products":{"12345678":{"price":"1"}}}]}`))
	f.Add([]byte(`{"version":-1,"plans":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := ReadWant(data)
		if err != nil || len(data) == 0 {
			return
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadWant(again); len(again) <= WantMax && err != nil {
			t.Errorf("%s is read once and not twice: %v", again, err)
		}
		w.Now(time.Now())
	})
}
