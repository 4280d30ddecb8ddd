package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// crashed copies what a SIGKILL leaves of an open journal: its file, its log and its witness.
func crashed(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "journal.db")
	for _, suffix := range []string{"", "-wal", witnessSuffix} {
		b, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := errors.Join(err, os.WriteFile(to+suffix, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// boot is the first step of a start, which takes down what is lost.
func boot(t testing.TB, j *Journal) fsm.State {
	t.Helper()
	s, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := fsm.Booted{At: 1, Boot: "after", Rules: s.Rules, Shelf: s.Shelf, Lost: j.Lost()}
	next, effects, _ := fsm.Step(s, e)
	if err := j.Append(t.Context(), Record{Event: e, After: next, Effects: effects}); err != nil {
		t.Fatal(err)
	}
	return next
}

func TestALostLogIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string) error
		says  string
	}{
		"gone":  {func(path string) error { return os.Remove(path + "-wal") }, "entries are gone"},
		"empty": {func(path string) error { return os.Truncate(path+"-wal", 0) }, "entries are gone"},
		"garbage": {func(path string) error {
			return os.WriteFile(path+"-wal", bytes.Repeat([]byte("rubbish "), 5000), 0o600)
		}, "entries are gone"},
		"zeros": {func(path string) error {
			return os.WriteFile(path+"-wal", make([]byte, 40000), 0o600)
		}, "entries are gone"},
		"its end": {func(path string) error { return os.Truncate(path+"-wal", 20000) },
			"entries are gone"},
		"all of it": {func(path string) error {
			return errors.Join(os.Remove(path), os.Remove(path+"-wal"))
		}, "there is no entry at all: 1"},
		"the witness": {func(path string) error { return os.Remove(path + witnessSuffix) },
			"the journal's witness is gone"},
		"the witness's text": {func(path string) error {
			return os.WriteFile(path+witnessSuffix, []byte("x"), 0o600)
		}, "cannot be read"},
		"the witness's sectors": {func(path string) error {
			return os.WriteFile(path+witnessSuffix, make([]byte, 2*slotGap), 0o600)
		}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			j, path := fresh(t)
			m := newMachine(t, j)
			m.sell()
			m.reserve()
			left := crashed(t, path)
			if err := c.spoil(left); err != nil {
				t.Fatal(err)
			}
			for range 2 { // opened and not recorded, as when the first step could not be: the next start says it again
				lost := open(t, left)
				if !strings.Contains(lost.Lost(), c.says) {
					t.Fatalf("%q does not say %q", lost.Lost(), c.says)
				}
				if err := lost.Close(); err != nil {
					t.Fatal(err)
				}
			}
			lost := open(t, left)
			said := lost.Lost()
			boot(t, lost)
			if err := lost.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, left)
			if again.Lost() != "" {
				t.Errorf("recorded, and said again: %s", again.Lost())
			}
			s, err := again.Load(t.Context())
			if err != nil || len(s.Faults) != 1 || s.Faults[0].Name != reason.JournalLost || s.Faults[0].Note != said {
				t.Errorf("%+v, %v", s.Faults, err)
			}
			r, err := Replay(t.Context(), left)
			if err != nil || r.Difference != nil || len(r.Losses) != 1 || r.Losses[0].What != said || r.Missing != "" {
				t.Errorf("the fork does not show in the replay: %s, %v", mustJSON(t, r), err)
			}
		})
	}
}

// TestNoCrashIsTakenForALoss: a kill after any entry leaves a journal that lost nothing, whatever a power cut leaves of
// the witness.
func TestNoCrashIsTakenForALoss(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	var witnesses [][]byte
	for range 3 {
		m.sell()
		text, err := os.ReadFile(path + witnessSuffix)
		if err != nil {
			t.Fatal(err)
		}
		witnesses = append(witnesses, text)
	}
	for n, text := range witnesses { // whichever state the kernel had written
		for _, torn := range []int{-1, 0, 1} { // and with a slot that is half written
			left := crashed(t, path)
			text := bytes.Clone(text)
			if torn >= 0 {
				copy(text[torn*slotGap+100:], "torn torn torn")
			}
			if err := os.WriteFile(left+witnessSuffix, text, 0o600); err != nil {
				t.Fatal(err)
			}
			c := open(t, left)
			if c.Lost() != "" {
				t.Errorf("witness %d, slot %d torn: %s", n, torn, c.Lost())
			}
			c.Close()
		}
	}
}

// TestAPowerCutForgetsNoWeightyEntry: what is synced of the witness alone, with the log gone as a whole at any entry,
// or cut after it.
func TestAPowerCutForgetsNoWeightyEntry(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	for range 3 {
		m.sell()
	}
	for n := range 2 * checkpointEvery { // over some checkpoints
		m.happen(fsm.Booted{At: m.now, Boot: string(rune('a' + n%20)), Rules: m.state.Rules, Shelf: m.state.Shelf})
		if n%29 == 0 {
			m.reserve()
			m.happen(fsm.CancelPressed{At: m.now})
		}
		if n%7 != 0 {
			continue
		}
		left := crashed(t, path)
		synced := synced(t, j)
		if err := errors.Join(os.Remove(left+"-wal"), os.WriteFile(left+witnessSuffix, synced, 0o600)); err != nil {
			t.Fatal(err)
		}
		c := open(t, left)
		if c.end.seq < j.end.seq && c.Lost() == "" {
			t.Fatalf("entries %d to %d are gone, and nobody noticed", c.end.seq+1, j.end.seq)
		}
		c.Close()
	}
	for _, c := range []struct {
		name string
		act  func()
	}{
		{"a sale begins", func() { m.reserve() }},
		{"a motor starts", func() { m.choose("A1") }},
		{"a slot closes", func() { m.outcome = fsm.NotDelivered; m.choose("B2") }},
	} {
		before := j.end.seq
		c.act()
		if w := witnessOf(t, synced(t, j)); w.seq <= before {
			t.Errorf("%s: the synced witness knows entry %d, and nothing of those since %d", c.name, w.seq, before)
		}
	}
}

// synced is the witness as a power cut leaves it at the worst: without the slot that was written since the last sync.
func synced(t testing.TB, j *Journal) []byte {
	t.Helper()
	text, err := os.ReadFile(j.witness.path)
	if err != nil {
		t.Fatal(err)
	}
	if j.witness.dirty {
		clear(text[j.witness.slot*slotGap : j.witness.slot*slotGap+slotSize])
	}
	return text
}

func witnessOf(t testing.TB, text []byte) mark {
	t.Helper()
	m, _, _, err := newest(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAnotherHistoryIsNoticed(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	old := crashed(t, path)
	m.sell()
	witness, err := os.ReadFile(path + witnessSuffix)
	if err != nil {
		t.Fatal(err)
	}
	fork := open(t, old) // the old copy goes on in another machine, for longer
	f := newMachine(t, fork)
	for range 3 {
		f.sell()
	}
	fork.Close()
	if err := os.WriteFile(old+witnessSuffix, witness, 0o600); err != nil {
		t.Fatal(err)
	}
	if back := open(t, old); !strings.Contains(back.Lost(), "this is another history") {
		t.Errorf("%q", back.Lost())
	}
}

// TestNothingIsRecordedThatTheWitnessCannotFollow: the disk refuses the witness's file alone.
func TestNothingIsRecordedThatTheWitnessCannotFollow(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.sell()
	good := j.witness.file
	broken, err := os.Open(j.witness.path) // it can be read only
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	j.witness.file = broken
	rec := Record{Event: fsm.Ticked{}, After: fsm.State{Reason: "one"}}
	if err := j.Append(t.Context(), rec); err != nil { // it is on the disk before the witness is
		t.Fatal(err)
	}
	for range 2 {
		rec.After.Reason = "two"
		if err := j.Append(t.Context(), rec); err == nil || !strings.Contains(err.Error(), witnessSuffix) {
			t.Fatalf("an entry too far: %v", err)
		}
	}
	if s, err := j.Load(t.Context()); err != nil || s.Reason != "one" {
		t.Errorf("%q, %v", s.Reason, err)
	}
	j.witness.file = good
	if err := j.Append(t.Context(), rec); err != nil {
		t.Error(err)
	}
	if j.witness.last.seq != j.end.seq {
		t.Errorf("the witness knows entry %d of %d", j.witness.last.seq, j.end.seq)
	}
}

func TestACopyAloneSaysThatItsEndMayBeMissing(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	alone := func() Report {
		t.Helper()
		r, err := Replay(t.Context(), clone(t, path, filepath.Join(t.TempDir(), "copy.db")))
		if err != nil || r.Difference != nil || r.Chain.Broken != "" || r.Missing != "" {
			t.Fatalf("%s, %v", mustJSON(t, r), err)
		}
		return r
	}
	if !alone().MayEndLate {
		t.Error("a copy of a journal in use, right after its start, says nothing")
	}
	m.sell()
	if !alone().MayEndLate {
		t.Error("a copy of a journal in use says nothing")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if alone().MayEndLate {
		t.Error("a copy of a journal that was closed in order is suspected")
	}
	j = open(t, path) // closed in order, used again, and killed
	newMachine(t, j).sell()
	if !alone().MayEndLate {
		t.Error("a copy of a journal in use again says nothing")
	}
	left := crashed(t, path)
	if r, err := Replay(t.Context(), left); err != nil || r.MayEndLate || r.Missing != "" {
		t.Errorf("with its log: %s, %v", mustJSON(t, r), err)
	}
	if err := os.Remove(left + "-wal"); err != nil {
		t.Fatal(err)
	}
	if r, err := Replay(t.Context(), left); err != nil || !strings.Contains(r.Missing, "entries are gone") {
		t.Errorf("with its witness and without its log: %s, %v", mustJSON(t, r), err)
	}
}

func TestTheWitnessSurvivesItsOwnPowerCuts(t *testing.T) {
	w := &witness{path: filepath.Join(t.TempDir(), "x"+witnessSuffix)}
	at := func(n int64) mark { h := sha256.Sum256([]byte{byte(n)}); return mark{n, h[:]} }
	if err := w.write(at(1), true); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	last := int64(1) // as synced
	for n := int64(2); n < 40; n++ {
		sync := n%3 == 0
		if err := w.write(at(n), sync); err != nil {
			t.Fatal(err)
		}
		if sync {
			last = n
		}
		text, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		if m := witnessOf(t, text); m.seq != n {
			t.Errorf("after entry %d it knows %d", n, m.seq)
		}
		if w.dirty { // the write may have come to the disk by halves, or not at all
			clear(text[w.slot*slotGap+40 : w.slot*slotGap+90])
		}
		if m := witnessOf(t, text); m.seq < last {
			t.Errorf("a power cut after entry %d leaves it at %d, synced at %d", n, m.seq, last)
		}
	}
	reopened, err := openWitness(strings.TrimSuffix(w.path, witnessSuffix))
	if err != nil || reopened.last.seq != 39 || reopened.turn != w.turn {
		t.Errorf("%+v, %v", reopened, err)
	}
	defer reopened.close()
	if err := reopened.write(at(7), true); err != nil { // a number may go back: after a loss that was accepted
		t.Fatal(err)
	}
	if m, err := readWitness(strings.TrimSuffix(w.path, witnessSuffix)); err != nil || m.seq != 7 {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzWitness(f *testing.F) {
	hash := sha256.Sum256(nil)
	f.Add(slotText(1, mark{1, hash[:]}))
	f.Add(slotText(1<<62, mark{1 << 62, hash[:]}))
	f.Add([]byte(witnessFormat + "\nwrite 1\nentry -1\nhash 00\nsum 00\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, turn, ok := parseSlot(text)
		if ok && !bytes.Equal(slotText(turn, m), text) {
			t.Errorf("%q is taken for %d, %+v", text, turn, m)
		}
		newest(append(text, make([]byte, slotGap+slotSize)...))
	})
}

// TestEndedContextsLoseNothing: a look that is told to end leaves no view open.
func TestEndedContextsLoseNothing(t *testing.T) {
	j, _ := fresh(t)
	newMachine(t, j).sell()
	j.readers.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(t.Context())
	err := j.look(ctx, func(ctx context.Context, tx querier) error {
		cancel()
		var n int
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM entries").Scan(&n)
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// database/sql rolls an ended look back in a goroutine of its own: the only connection is free when that is done.
	soon, stop := context.WithTimeout(t.Context(), lookWithin)
	defer stop()
	again, err := j.readers.Conn(soon)
	if err != nil {
		t.Fatalf("the view stays open: %v", err)
	}
	again.Close()
}
