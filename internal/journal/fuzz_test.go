package journal

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/chain"
)

// FuzzDamagedFile changes bytes of a good journal, with and without a write-ahead log. Whatever is left, nothing
// panics, and a state that is given is one that was recorded. at and with tell where and to what; cut shortens the
// file.
func FuzzDamagedFile(f *testing.F) {
	j, path := fresh(f)
	m := newMachine(f, j)
	for range 2 {
		m.sell()
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	db, wal := read(path), read(path+"-wal")
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	whole := read(path)
	f.Add(uint32(0), []byte{}, uint16(0), false)
	f.Add(uint32(18), []byte{1, 1}, uint16(0), false)      // not a write-ahead log
	f.Add(uint32(60), []byte{0, 0, 0, 9}, uint16(0), true) // a newer format
	f.Add(uint32(100), []byte{5}, uint16(0), false)
	f.Add(uint32(1024), []byte{0, 0, 0, 0, 0, 0, 0, 0}, uint16(0), false)
	f.Add(uint32(len(whole)-40), []byte("delivered"), uint16(0), false)
	f.Add(uint32(3000), []byte{0xff}, uint16(1500), true)
	f.Fuzz(func(t *testing.T, at uint32, with []byte, cut uint16, live bool) {
		name := filepath.Join(t.TempDir(), "journal.db")
		damaged := append([]byte(nil), whole...)
		if live {
			damaged = append([]byte(nil), wal...)
		}
		damaged = damaged[:max(0, len(damaged)-int(cut))]
		if int(at) < len(damaged) {
			copy(damaged[at:], with)
		}
		var err error
		if live {
			err = errors.Join(os.WriteFile(name, db, 0o600), os.WriteFile(name+"-wal", damaged, 0o600))
		} else {
			err = os.WriteFile(name, damaged, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		Replay(t.Context(), name)
		j, err := Open(t.Context(), name, Options{Version: "fuzz"})
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		defer j.Close()
		s, err := j.Load(t.Context())
		if err == nil && which(m.states, s) < 0 {
			t.Errorf("a state that never was: %+v", s)
		}
		j.Sales(t.Context(), 10)
		j.Entries(t.Context(), "s1")
		j.Verify(t.Context())
		next := fsm.State{Stage: fsm.OutOfService, Reason: "fuzz"}
		if err := j.Append(t.Context(), Record{Event: fsm.Ticked{}, After: next}); err == nil {
			if s, err := j.Load(t.Context()); err != nil || !reflect.DeepEqual(s, next) {
				t.Errorf("appended, and then: %+v, %v", s, err)
			}
		}
		j.Prune(t.Context(), m.wall, math.MaxInt64)
	})
}

// FuzzPatch: what changed, added to what was, is what is.
func FuzzPatch(f *testing.F) {
	f.Add(`{"a":1}`, `{"a":2}`)
	f.Add(`{"a":{"b":1,"c":[1,2]}}`, `{"a":{"c":[2]},"d":{}}`)
	f.Add(`{"a":{"b":1}}`, `{"a":5}`)
	f.Add(`{"a":5}`, `{"a":{"b":{"c":1}}}`)
	f.Add(`{"a":5}`, `{"a":null}`)
	f.Add(`{}`, `{"a":{"b":null}}`)
	f.Add(`[]`, `{}`)
	f.Fuzz(func(t *testing.T, old, now string) {
		patch := chain.Diff(json.RawMessage(old), json.RawMessage(now))
		if patch == nil {
			return
		}
		got, err := chain.Merge(json.RawMessage(old), patch)
		if err != nil {
			t.Fatalf("%s + %s: %v", old, patch, err)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal([]byte(now), &b)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s + %s = %s, want %s", old, patch, got, now)
		}
	})
}

// FuzzMerge: a patch from a damaged file is an error or an object, and never a panic.
func FuzzMerge(f *testing.F) {
	f.Add(`{"a":{"b":1}}`, `{"a":{"b":null}}`)
	f.Add(`{}`, `null`)
	f.Add(`null`, `{"a":1}`)
	f.Add(``, `{}`)
	f.Fuzz(func(t *testing.T, doc, patch string) {
		e := entry{After: []byte(patch)}
		got, err := e.Take(json.RawMessage(doc))
		if err == nil && string(got) != doc && chain.Fields(got) == nil {
			t.Errorf("%s + %s = %s", doc, patch, got)
		}
	})
}
