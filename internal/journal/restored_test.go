package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/chain"
)

func own0(string) error { return nil }

// copyOf is an export.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := Export(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// stream is all that a journal holds, for Extend.
func stream(t *testing.T, j *Journal) []byte {
	t.Helper()
	var b bytes.Buffer
	for after := int64(0); ; {
		some, err := j.Copies(t.Context(), after, 100)
		if err := errors.Join(err, WriteEntries(&b, after == 0, some)); err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return b.Bytes()
		}
		after = some[len(some)-1].Seq
	}
}

func TestTwoJournalsOfOneMachineAreCompared(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	older, at := copyOf(t, path), m.steps
	m.sell()
	other, otherPath := fresh(t)
	boot(t, other)
	_, empty := fresh(t)
	for name, c := range map[string]struct {
		here, copied string
		ahead        int
		same         bool
	}{
		"a copy of it":        {path, copyOf(t, path), 0, true},
		"an older copy":       {path, older, m.steps - at, true},
		"the copy has more":   {older, path, at - m.steps, true},
		"of another machine":  {path, otherPath, m.steps - 1, false},
		"nothing is here yet": {empty, path, -m.steps, true},
	} {
		if ahead, same, err := Relate(t.Context(), c.here, c.copied); err != nil || same != c.same ||
			ahead != int64(c.ahead) {
			t.Errorf("%s: ahead by %d, same is %v, %v; want %+v", name, ahead, same, err, c)
		}
	}
}

// TestAJournalThatWasPutBackSaysSoUntilThatIsOnRecord, and the one that was there is kept with its log.
func TestAJournalThatWasPutBackSaysSoUntilThatIsOnRecord(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	copied := copyOf(t, path)
	m.sell()
	card := crashed(t, path) // whose newest entries are in its log alone
	if err := PutBack(t.Context(), copied, card, "two\nlines", own0); err == nil {
		t.Error("a note of two lines was taken")
	}
	const note = "this is a copy of yesterday"
	for n := range 3 { // again after a cut, and later over itself
		again := filepath.Join(filepath.Dir(card), "again.db")
		b, err := os.ReadFile(copied)
		if err := errors.Join(err, os.WriteFile(again, b, 0o600)); err != nil {
			t.Fatal(err)
		}
		if n == 1 { // the power went between the journal and what belongs to it
			if err := os.Rename(card, card+".replaced-2"); err != nil {
				t.Fatal(err)
			}
		}
		if err := PutBack(t.Context(), again, card, note, own0); err != nil {
			t.Fatal(err)
		}
		if WasRestored(card) != note {
			t.Errorf("it says %q", WasRestored(card))
		}
	}
	if tip, err := TipOf(t.Context(), card+".replaced-1"); err != nil || tip.Last != int64(m.steps) {
		t.Errorf("what was there has lost its log: %+v, %v", tip, err)
	}
	for range 2 { // the second start finds no entry that says it
		back := open(t, card)
		if back.Lost() != note {
			t.Errorf("it has lost %q", back.Lost())
		}
		if err := back.Close(); err != nil {
			t.Fatal(err)
		}
	}
	back := open(t, card)
	boot(t, back)
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	if back = open(t, card); back.Lost() != "" || WasRestored(card) != "" {
		t.Errorf("it is on record, and said again: %q", back.Lost())
	}
	if _, err := os.Stat(card + restoredSuffix); err == nil {
		t.Error("the note stays for ever")
	}
}

func TestACopyIsExtendedByExactlyWhatFollows(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	older, at := copyOf(t, path), m.steps
	m.sell()
	m.reserve()
	whole := stream(t, j)
	other, _ := fresh(t)
	boot(t, other)
	for name, c := range map[string]struct {
		stream []byte
		says   string
	}{
		"nothing":           {nil, "kioskhub entries"},
		"another file":      {[]byte("SQLite format 3\x00 and so on, and so on"), "kioskhub entries"},
		"cut":               {whole[:len(whole)-3], "cut short"},
		"another machine's": {stream(t, other), "another one there"},
		"a huge entry":      {[]byte(streamHead + "\xff\xff\xff\xff\xff\xff\xff\xff"), "no stream"},
	} {
		card := copyOf(t, older)
		if _, err := Extend(t.Context(), card, "1", bytes.NewReader(c.stream)); err == nil ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gap, err := j.Copies(t.Context(), int64(at)+1, 5)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteEntries(&b, true, gap); err != nil {
		t.Fatal(err)
	}
	if _, err := Extend(t.Context(), copyOf(t, older), "1", &b); err == nil ||
		!strings.Contains(err.Error(), "is missing") {
		t.Errorf("with a gap: %v", err)
	}

	n, err := Extend(t.Context(), older, "1", bytes.NewReader(whole))
	if err != nil || n != m.steps-at {
		t.Fatalf("%d were added, want %d: %v", n, m.steps-at, err)
	}
	if n, err := Extend(t.Context(), older, "1", bytes.NewReader(whole)); err != nil || n != 0 {
		t.Errorf("again: %d, %v", n, err)
	}
	back := open(t, older)
	was, err1 := j.Sales(t.Context(), 10)
	is, err2 := back.Sales(t.Context(), 10)
	if mustJSON(t, was) != mustJSON(t, is) || err1 != nil || err2 != nil {
		t.Errorf("the sales are\n%s, want\n%s (%v, %v)", mustJSON(t, is), mustJSON(t, was), err1, err2)
	}
	if r, err := Replay(t.Context(), older); err != nil || r.Chain.Broken != "" || r.Difference != nil ||
		r.Chain.Entries != m.steps {
		t.Errorf("%s, %v", mustJSON(t, r), err)
	}
}

func FuzzEntries(f *testing.F) {
	var b bytes.Buffer
	e := chain.Entry{Seq: 1, Whole: 1, Event: "e", After: []byte("{}"), Prev: make([]byte, 32)}
	if err := WriteEntries(&b, true, []chain.Entry{e}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		j, path := fresh(t)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		n, err := Extend(t.Context(), path, "1", bytes.NewReader(text))
		if tip, err2 := TipOf(t.Context(), path); err2 != nil || tip.Last != int64(n) {
			t.Errorf("%d were added (%v), and the last is %+v, %v", n, err, tip, err2)
		}
	})
}
