package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/chain"
)

// FuzzTake: whatever states a kiosk's entries hold, they are written, since their chain is whole: an entry that the
// database refuses would be sent for ever.
func FuzzTake(f *testing.F) {
	long := strings.Repeat("x", 3000)
	for _, after := range []string{
		`{"stage":"ready"}`, `{"stage":7}`, `[]`, `null`, `{`, `"x"`, "",
		`{"sale":{"id":"a\u0000b","items":[{"id":"i","slot":"A1","vat":9000000000000000000,"price":{}}]}}`,
		`{"sale":{"id":"` + long + `","note":"` + long + `"},"closed":[{"slot":"` + long + `","why":"jam"}]}`,
		`{"shelf":[{"id":"A1"},{"id":"A1"},{"id":""}],"stock":{"A1":-5},"faults":[{"name":"door","slots":["A1","A1"]},` +
			`{"name":"door","slots":["A1 A1"]}]}`,
	} {
		f.Add([]byte(after), []byte(after), true)
		f.Add([]byte(`{"stage":"ready"}`), []byte(after), false)
	}
	s, err := Open("sqlite://" + filepath.Join(f.TempDir(), "hub.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	if _, _, err := s.Migrate(f.Context()); err != nil {
		f.Fatal(err)
	}
	n := 0
	f.Fuzz(func(t *testing.T, first, second []byte, whole bool) {
		one := chain.Entry{Seq: 1, Whole: 1, Event: "x", After: first, Prev: make([]byte, 32)}
		one.Hash = one.Sum()
		two := chain.Entry{Seq: 2, Event: "x", After: second, Prev: one.Hash}
		if whole {
			two.Whole = 1
		}
		two.Hash = two.Sum()
		if CheckCopy(one) != nil || CheckCopy(two) != nil {
			return
		}
		n++
		id := fmt.Sprintf("K%d", n)
		for _, e := range []chain.Entry{one, two} {
			if _, fates, err := s.Take(t.Context(), id, []Copy{{e, 1}}, noon); err != nil || fates[0] != Written {
				t.Fatalf("%q, %q: %v, %v", first, second, fates, err)
			}
		}
	})
}

// TestWhatAHostileKioskSaysIsWrittenByPostgreSQLToo: the same states, which it would have other reasons to refuse.
func TestWhatAHostileKioskSaysIsWrittenByPostgreSQLToo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		long := strings.Repeat("å", 3000)
		prev := make([]byte, 32)
		for n, after := range []string{
			`{"sale":{"id":"a\u0000b","items":[{"id":"i","slot":"A1","vat":9000000000000000000,"price":{}}]}}`,
			`{"sale":{"id":"` + long + `","note":"` + long + `"},"closed":[{"slot":"` + long + `","why":"jam"}]}`,
			`{"shelf":[{"id":"A1"},{"id":"A1"},{"id":""}],"stock":{"A1":-9000000000000000000}}`, `[]`, "",
			`{"stage":"` + long + `","faults":[{"name":"` + long + `"},{"name":"d","slots":["A","B"]}]}`,
		} {
			e := chain.Entry{Seq: int64(n) + 1, Whole: 1, Wall: -1 << 62, Event: long, After: []byte(after), Prev: prev}
			e.Hash = e.Sum()
			prev = e.Hash
			if f := take(t, s, "K1", []Copy{{e, 1}}); f[Written] != 1 {
				t.Errorf("%.80s: %v", after, f)
			}
		}
	})
}
