package chain

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"testing"
)

func example() Entry {
	e := Entry{Seq: 7, Wall: 1764234000000, Event: "DoorOpened", Body: []byte(`{}`), After: []byte(`{"stage":"ready"}`),
		Prev: bytes.Repeat([]byte{5}, sha256.Size)}
	e.Hash = e.Sum()
	return e
}

// TestACopyIsProvenByItsOwnBytes: what is sent is what is hashed, and any other byte of it is another hash or no entry.
func TestACopyIsProvenByItsOwnBytes(t *testing.T) {
	e := example()
	text := e.Text()
	got, err := Read(text)
	if got.Before != nil && len(got.Before) == 0 {
		got.Before = nil
	}
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Fatalf("read %+v, %v, want %+v", got, err, e)
	}
	if err := (Link{Next: 7, Prev: e.Prev}).Check(got); err != nil {
		t.Error(err)
	}
	for n := range text {
		spoilt := bytes.Clone(text)
		spoilt[n] ^= 1
		if got, err := Read(spoilt); err == nil && bytes.Equal(got.Hash, e.Hash) {
			t.Errorf("byte %d may be another one", n)
		}
		if _, err := Read(text[:n]); err == nil {
			t.Errorf("%d bytes are an entry", n)
		}
	}
	if _, err := Read(append(text, 0)); err == nil {
		t.Error("a byte more is an entry")
	}
}

// FuzzRead: what comes over a network is no entry or exactly one, which gives the same bytes again.
func FuzzRead(f *testing.F) {
	e := example()
	f.Add(e.Text())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Read(text)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Text(), text) || !bytes.Equal(e.Hash, e.Sum()) {
			t.Errorf("%x was read as %x", text, e.Text())
		}
	})
}
