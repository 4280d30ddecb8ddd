package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
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

// TestOfTwoWhoChangeTheSameOneIsTold: neither overwrites what he has not seen.
func TestOfTwoWhoChangeTheSameOneIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		of := Scope{OfGroup, "nord"}
		plan := protocol.Plan{By: "anna", From: noon}
		first, err := s.ReplacePlan(t.Context(), of, 0, plan, noon)
		if err != nil {
			t.Fatal(err)
		}
		const both = 8
		errs := make(chan error, both)
		for range both {
			go func() {
				_, err := s.ReplacePlan(t.Context(), of, first, plan, noon)
				errs <- err
			}()
		}
		written := 0
		for range both {
			if err := <-errs; err == nil {
				written++
			} else if !errors.Is(err, ErrChanged) {
				t.Error(err)
			}
		}
		if written != 1 {
			t.Errorf("%d of %d who had seen the same were written", written, both)
		}
		if _, err := s.ReplacePlan(t.Context(), of, 0, plan, noon); !errors.Is(err, ErrChanged) {
			t.Errorf("who has seen nothing: %v", err)
		}
		w, newest, err := s.WantedOf(t.Context(), of, noon)
		if err != nil || newest.Version <= first || len(w.Plans) != 1 || w.Plans[0].Version != newest.Version {
			t.Errorf("%+v, %+v, %v", w, newest, err)
		}
	})
}

// TestWhatTheServersCannotHoldIsNotWrittenDown: one key too many, or too large, would keep all others from being told.
func TestWhatTheServersCannotHoldIsNotWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		of := Scope{OfAll, ""}
		name := strings.Repeat("x", 200)
		products := map[string]protocol.Product{}
		for n := range 1000 {
			products[fmt.Sprintf("%013d", n)] = protocol.Product{Name: &name}
		}
		large := protocol.Plan{By: "anna", From: noon, Products: products}
		if _, err := s.AddPlan(t.Context(), of, large, noon); err != nil {
			t.Fatal(err)
		}
		large.From = noon.Add(time.Hour)
		if _, err := s.AddPlan(t.Context(), of, large, noon); err == nil || !strings.Contains(err.Error(), "256 KiB") {
			t.Errorf("two of 220 KiB: %v", err)
		}
		small := protocol.Plan{By: "anna"}
		written := 0
		for n := range 30 {
			small.From = noon.Add(time.Duration(n) * time.Hour)
			if _, err := s.AddPlan(t.Context(), Scope{OfGroup, "nord"}, small, noon); err == nil {
				written++
			}
		}
		all, err := s.Wanted(t.Context(), noon)
		if w := all[Scope{OfGroup, "nord"}]; err != nil || written != 16 || w.Check() != nil {
			t.Errorf("%d plans, %v, %v", written, w.Check(), err)
		}
	})
}

func TestACommandIsOnRecordWithWhatBecameOfIt(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		c := protocol.Command{ID: "C1", Kiosk: "K1", Word: protocol.Back, At: noon, Reason: "repaired"}
		for n, want := range []bool{true, false} { // the second is a repeat
			if added, err := s.AddOrder(t.Context(), c, "anna", []byte("{}"), noon); err != nil || added != want {
				t.Fatalf("%d: %v, %v", n, added, err)
			}
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
		late := protocol.Outcome{ID: "C1", Refusal: protocol.Expired} // of the same, sent twice at once
		if err := s.EndOrder(t.Context(), late, noon); err != nil {
			t.Fatal(err)
		}
		if o, err = s.Orders(t.Context(), "K1", 10); err != nil || !o[0].Outcome.Done {
			t.Errorf("what was done is not done any more: %+v, %v", o, err)
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
		elsewhere := people.Person{Name: "bert", Role: people.Operate, By: "https://id.example", Mark: "42"}
		if err := s.KeepSession(t.Context(), []byte("x"), elsewhere, noon, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.PersonKey(t.Context(), "bert"); err == nil || errors.Is(err, ErrNoPerson) {
			t.Errorf("a file's user would sign as somebody else of the same name: %v", err)
		}
	})
}
