package journal

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// These stories are what a customer or an operator would suffer from a small mistake in this package.

// TestAJournalThatAPowerCutWouldTakeBackIsNotSoldWith: each of its settings alone decides whether a sale that was
// acknowledged is still there after the plug was pulled, or how much of an SD card it wears out.
func TestAJournalThatAPowerCutWouldTakeBackIsNotSoldWith(t *testing.T) {
	instead := func(was, is string) string { return strings.Replace(ownerSettings, was, is, 1) }
	for name, c := range map[string]struct{ settings, says string }{
		"it does not wait for the disk": {instead("synchronous(FULL)", "synchronous(NORMAL)"), "synchronous 1"},
		"it never waits for the disk":   {instead("synchronous(FULL)", "synchronous(OFF)"), "synchronous 0"},
		"it has no write-ahead log":     {instead("_journal_mode=WAL", "_journal_mode=DELETE"), "journal mode delete"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := sold(t, 1)
			if c.settings == ownerSettings {
				t.Fatal("the settings have other words now: change this test")
			}
			db, err := connect(path, c.settings)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := ready(t.Context(), db, path); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want one that says %q", err, c.says)
			}
		})
	}
	t.Run("its pages are large", func(t *testing.T) {
		path, _ := sold(t, 1)
		alter(t, path, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM; PRAGMA journal_mode = WAL")
		db, err := connect(path, ownerSettings)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := ready(t.Context(), db, path); err == nil || !strings.Contains(err.Error(), "page size 4096") {
			t.Errorf("%v, want one that says the page size", err)
		}
	})
}

// TestAReplaySaysWhatItCannotRead: "no difference" would be a false word about somebody's money.
func TestAReplaySaysWhatItCannotRead(t *testing.T) {
	state, event := []byte(`{}`), []byte(`{"at":1}`)
	good := entry{Seq: 7, Event: "CancelPressed", Body: event}
	for name, c := range map[string]struct {
		before, after []byte
		e             entry
		says          string
	}{
		"the state before": {[]byte(`[]`), state, good, "a recorded state"},
		"the state after":  {state, []byte(`{"stage":7}`), good, "a recorded state"},
		"the volatile": {state, state, entry{Event: "CancelPressed", Body: event, Before: []byte(`{"calls":"x"`)},
			"volatile"},
		"the event":        {state, state, entry{Event: "CancelPressed", Body: []byte(`[]`)}, ""},
		"an unknown event": {state, state, entry{Event: "Danced", Body: event}, "Danced"},
	} {
		lines := again(c.before, c.after, c.e)
		if len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), c.says) {
			t.Errorf("%s: %q, want a difference that says %q", name, lines, c.says)
		}
	}
	patch := entry{Seq: 7, After: []byte(`{"a":`)}
	if doc, err := patch.Take(state); err == nil || doc != nil || !strings.Contains(err.Error(), "entry 7") {
		t.Errorf("a patch that is none: %s, %v", doc, err)
	}
	if _, err := (entry{Seq: 7, After: []byte(`{"a":1}`)}).Take([]byte(`[`)); err == nil {
		t.Error("a patch on a state that is none was taken")
	}
}

// TestAnErrorNamesTheFileTheReasonAndTheRemedy: an operator reads it in the middle of the night.
func TestAnErrorNamesTheFileTheReasonAndTheRemedy(t *testing.T) {
	for _, kind := range []error{ErrCorrupt, ErrNewer, ErrOlder, ErrReadOnly, ErrFull, ErrLocked, ErrNoFolder,
		ErrIsFolder, ErrNoPath} {
		err := &Error{Path: "/var/lib/j.db", Kind: kind, Cause: errors.New("SQLite's words")}
		text := err.Error()
		for _, part := range []string{"/var/lib/j.db", kind.Error(), "SQLite's words", "("} {
			if !strings.Contains(text, part) {
				t.Errorf("%q lacks %q", text, part)
			}
		}
		if !errors.Is(err, kind) {
			t.Errorf("%q is not its kind", text)
		}
	}
}

// TestARefusedOwnerLeavesNothingOpen: a service that is started again and again beside another one would run out of
// files.
func TestARefusedOwnerLeavesNothingOpen(t *testing.T) {
	_, path := fresh(t)
	open := func() int {
		t.Helper()
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skipf("the open files cannot be counted: %v", err)
		}
		n := 0
		for _, f := range files {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && to == path+".lock" {
				n++
			}
		}
		return n
	}
	before := open()
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	if !InUse(path) {
		t.Error("a journal that is in use is said to be free")
	}
	if after := open(); before != 1 || after != before {
		t.Errorf("%d locks are open, and were %d", after, before)
	}
}
