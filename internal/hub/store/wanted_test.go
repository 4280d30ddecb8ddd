package store

import (
	"testing"
	"time"

	"kioskd/internal/fleet/protocol"
)

// TestOnlyPlansWhoseMomentCanComeAreWanted: the newest version whose moment has come counts.
func TestOnlyPlansWhoseMomentCanComeAreWanted(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		day := 24 * time.Hour
		price := "17.00"
		add := func(from time.Time, now time.Time) int64 {
			t.Helper()
			v, err := s.AddPlan(t.Context(), Scope{OfAll, ""}, protocol.Plan{From: from, By: "anna",
				Slots: map[string]protocol.Product{"A1": {Price: &price}}}, now)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		want := func(now time.Time, versions ...int64) {
			t.Helper()
			all, err := s.Wanted(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			w := all[Scope{OfAll, ""}]
			if len(w.Plans) != len(versions) || w.Check() != nil {
				t.Fatalf("%+v, want %v: %v", w, versions, w.Check())
			}
			for n, v := range versions {
				if w.Plans[n].Version != v {
					t.Errorf("plan %d is %d, want %v", n, w.Plans[n].Version, versions)
				}
			}
		}
		first := add(noon.Add(-day), noon)
		second := add(noon.Add(-time.Hour), noon)
		want(noon, second)
		later := add(noon.Add(2*day), noon)
		want(noon, second, later)
		sooner := add(noon.Add(day), noon) // it is newer, so the later one is never
		want(noon, second, sooner)
		want(noon.Add(36*time.Hour), sooner)
		back := add(noon, noon.Add(-day)) // a clock that was put back makes no version twice
		if back <= sooner || first >= second {
			t.Errorf("versions %d, %d, …, %d", first, second, back)
		}
		want(noon, back)
		if _, err := s.AddPlan(t.Context(), Scope{OfKiosk, "a.b"}, protocol.Plan{By: "anna"}, noon); err == nil {
			t.Error("a subject is no kiosk")
		}
	})
}

func TestACommandIsOnRecordWithWhatBecameOfIt(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		c := protocol.Command{ID: "C1", Kiosk: "K1", Word: protocol.Back, At: noon, Reason: "repaired"}
		if err := s.AddOrder(t.Context(), c, "anna", []byte("{}"), noon); err != nil {
			t.Fatal(err)
		}
		o, err := s.Orders(t.Context(), "K1", 10)
		if err != nil || len(o) != 1 || o[0].Ended || o[0].By != "anna" || o[0].Word != protocol.Back {
			t.Fatalf("%+v, %v", o, err)
		}
		if err := s.EndOrder(t.Context(), protocol.Outcome{ID: "C1", Done: true}, noon); err != nil {
			t.Fatal(err)
		}
		if o, err = s.Orders(t.Context(), "K1", 10); err != nil || !o[0].Ended || !o[0].Outcome.Done {
			t.Errorf("%+v, %v", o, err)
		}
		if _, _, err := s.PersonKey(t.Context(), "anna"); err == nil {
			t.Error("nobody has a key")
		}
		if err := s.KeepPersonKey(t.Context(), "anna", "operate", "UKEY", []byte("sealed"), noon); err != nil {
			t.Fatal(err)
		}
		if key, sealed, err := s.PersonKey(t.Context(), "anna"); err != nil || key != "UKEY" ||
			string(sealed) != "sealed" {
			t.Errorf("%s, %s, %v", key, sealed, err)
		}
	})
}
