package store

import (
	"errors"
	"testing"
	"time"
)

// codes and keys of the tests; the store takes any text.
const (
	code1, code2 = "0123456789ABCDEF", "ZYXWVTSRQPNMKJHG"
	code3, code4 = "1111111111111111", "2222222222222222"
	key1, key2   = "UKEYONE", "UKEYTWO"
)

func added(t *testing.T, s *Store, code string, e Enrolment, at time.Time) {
	t.Helper()
	if err := s.AddEnrolment(t.Context(), code, e, at, at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
}

func revoked(t *testing.T, s *Store) map[string]time.Time {
	t.Helper()
	all, err := s.Revoked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestACodeGivesOneKeyOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		added(t, s, code1, Enrolment{Kiosk: "K1", Group: "north", Name: "lobby", By: "anna"}, noon)
		for _, c := range []struct {
			name, code, key, id string
			at                  time.Time
			want                error
		}{
			{"a wrong code", code2, key1, "", noon, ErrCode},
			{"no code", "", key1, "", noon, ErrCode},
			{"too late", code1, key1, "", noon.Add(time.Hour), ErrCodeExpired},
			{"another machine", code1, key1, "K2", noon, ErrCodeOther},
			{"in time", code1, key1, "K1", noon.Add(59 * time.Minute), nil},
			{"its answer was lost", code1, key1, "", noon.Add(59 * time.Minute), nil},
			{"somebody else", code1, key2, "", noon.Add(59 * time.Minute), ErrCodeUsed},
			{"an hour later", code1, key1, "", noon.Add(time.Hour), ErrCodeExpired},
		} {
			e, err := s.Enrol(t.Context(), c.code, c.key, c.id, c.at)
			if !errors.Is(err, c.want) || err == nil && e.Kiosk != "K1" {
				t.Errorf("%s: %+v, %v; want %v", c.name, e, err, c.want)
			}
		}
		k, err := s.Standing(t.Context(), "K1")
		if err != nil || k != (Standing{Known: true, Name: "lobby", Group: "north", Key: true}) {
			t.Errorf("%+v, %v", k, err)
		}
		if all := revoked(t, s); len(all) != 0 {
			t.Errorf("shut out: %v", all)
		}
		if k, err := s.Standing(t.Context(), "K9"); err != nil || k.Known {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

func TestANewerCodeMakesTheOlderVoid(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		added(t, s, code1, Enrolment{Kiosk: "K1"}, noon)
		added(t, s, code2, Enrolment{Kiosk: "K1"}, noon)
		if _, err := s.Enrol(t.Context(), code1, key1, "", noon); !errors.Is(err, ErrCode) {
			t.Error(err)
		}
		if _, err := s.Enrol(t.Context(), code2, key1, "", noon); err != nil {
			t.Error(err)
		}
	})
}

// TestANewKeyShutsTheOldOneOut: and what the machine sold stays with it, since its journal goes on.
func TestANewKeyShutsTheOldOneOut(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		added(t, s, code1, Enrolment{Kiosk: "K1", Name: "lobby", Group: "north"}, noon)
		if _, err := s.Enrol(t.Context(), code1, key1, "", noon); err != nil {
			t.Fatal(err)
		}
		m := machineOf(t)
		for range 3 {
			m.Sell()
		}
		all := copies(t, m, 0)
		take(t, s, "K1", all)
		before, err := s.Standing(t.Context(), "K1")
		if err != nil || before.Entries == 0 {
			t.Fatalf("%+v, %v", before, err)
		}
		added(t, s, code2, Enrolment{Kiosk: "K1"}, noon)
		if _, err := s.Enrol(t.Context(), code2, key2, "", noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if at := revoked(t, s); len(at) != 1 || !at[key1].Equal(noon.Add(time.Minute)) {
			t.Errorf("shut out: %v", at)
		}
		if after, err := s.Standing(t.Context(), "K1"); err != nil || after != before {
			t.Errorf("%+v, %v", after, err)
		}
		added(t, s, code3, Enrolment{Kiosk: "K1"}, noon.Add(time.Minute))
		if _, err := s.Enrol(t.Context(), code3, key1, "", noon.Add(time.Minute)); !errors.Is(err, ErrKeyRevoked) {
			t.Errorf("a key that was shut out comes back: %v", err)
		}
		added(t, s, code4, Enrolment{Kiosk: "K2"}, noon.Add(time.Minute))
		if _, err := s.Enrol(t.Context(), code4, key2, "", noon.Add(time.Minute)); !errors.Is(err, ErrKeyTaken) {
			t.Errorf("two machines have one key: %v", err)
		}
	})
}

// TestAnotherCardBeginsARowOfItsOwn: its journal begins anew, and what the old one sold stays under the old row.
func TestAnotherCardBeginsARowOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		added(t, s, code1, Enrolment{Kiosk: "K1", Name: "lobby", Group: "north"}, noon)
		if _, err := s.Enrol(t.Context(), code1, key1, "", noon); err != nil {
			t.Fatal(err)
		}
		m := machineOf(t)
		for range 2 {
			m.Sell()
		}
		take(t, s, "K1", copies(t, m, 0))
		added(t, s, code2, Enrolment{Kiosk: "K1", Anew: true}, noon)
		if _, err := s.Enrol(t.Context(), code2, key2, "", noon); err != nil {
			t.Fatal(err)
		}
		k, err := s.Standing(t.Context(), "K1")
		if err != nil || k != (Standing{Known: true, Name: "lobby", Group: "north", Key: true}) {
			t.Errorf("%+v, %v", k, err)
		}
		if at := revoked(t, s); len(at) != 1 || at[key1].IsZero() {
			t.Errorf("shut out: %v", at)
		}
		var rows, sales int
		if err := s.db.QueryRowContext(t.Context(), "SELECT (SELECT COUNT(*) FROM machines WHERE kiosk = 'K1'), "+
			"(SELECT COUNT(*) FROM sales)").Scan(&rows, &sales); err != nil || rows != 2 || sales != 2 {
			t.Errorf("%d rows, %d sales, %v", rows, sales, err)
		}
		second := machineOf(t)
		for range 1 {
			second.Sell()
		}
		if fates := take(t, s, "K1", copies(t, second, 0)); fates[Written] == 0 || len(fates) != 1 {
			t.Errorf("the new card's journal: %v", fates)
		}
	})
}

func TestWhoIsRevokedIsWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		if known, err := s.Revoke(t.Context(), "K1", "anna", noon); known || err != nil {
			t.Errorf("a kiosk that nobody knows: %v, %v", known, err)
		}
		added(t, s, code1, Enrolment{Kiosk: "K1"}, noon)
		if _, err := s.Enrol(t.Context(), code1, key1, "", noon); err != nil {
			t.Fatal(err)
		}
		added(t, s, code2, Enrolment{Kiosk: "K1"}, noon)
		for range 2 {
			if known, err := s.Revoke(t.Context(), "K1", "anna", noon); !known || err != nil {
				t.Errorf("%v, %v", known, err)
			}
		}
		if at := revoked(t, s); len(at) != 1 || !at[key1].Equal(noon) {
			t.Errorf("shut out: %v", at)
		}
		if _, err := s.Enrol(t.Context(), code2, key2, "", noon); !errors.Is(err, ErrCode) {
			t.Errorf("a code of before: %v", err)
		}
		if _, err := s.Enrol(t.Context(), code1, key1, "", noon); !errors.Is(err, ErrKeyRevoked) {
			t.Errorf("its own code again: %v", err)
		}
		if k, err := s.Standing(t.Context(), "K1"); err != nil || k.Key || !k.Known {
			t.Errorf("%+v, %v", k, err)
		}
	})
}
