package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/fsm"
)

func TestAStoryReplaysToTheSameStates(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	m.outcome = fsm.Unknown
	m.reserve()
	m.choose("A1")
	m.outcome = fsm.Delivered
	m.choose("B2")
	m.happen(fsm.Booted{At: 5, Boot: "b2", Rules: m.state.Rules, Shelf: m.state.Shelf})
	m.happen(fsm.Ticked{At: 1e12})
	m.sell()
	// while the daemon has it open, twice, for the reader leaves nothing behind that disturbs
	for range 2 {
		r, err := Replay(t.Context(), path)
		if err != nil || r.Difference != nil || r.Replayed != m.steps ||
			r.Chain != (Chain{First: 1, Last: int64(m.steps), Entries: m.steps}) {
			t.Fatalf("%s, %v; want %d entries", mustJSON(t, r), err, m.steps)
		}
	}
}

// forge changes the entry seq and makes the chain good again, so that only a replay can find it.
func forge(t *testing.T, path string, seq int64, change func(*entry)) {
	t.Helper()
	db, err := connect(path, ownerSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT "+entryColumns+" FROM entries WHERE seq >= ? ORDER BY seq", seq)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := scanEntries(rows)
	if err != nil {
		t.Fatal(err)
	}
	change(&tail[0])
	for n := range tail {
		if n > 0 {
			tail[n].Prev = tail[n-1].Hash
		}
		e := &tail[n]
		e.Hash = e.Sum()
		if _, err := db.Exec("UPDATE entries SET event = ?, body = ?, after = ?, prev = ?, hash = ? WHERE seq = ?",
			e.Event, string(e.Body), string(e.After),
			e.Prev, e.Hash, e.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheFirstDifferenceIsReported(t *testing.T) {
	good, _ := sold(t, 2)
	for name, c := range map[string]struct {
		change func(*entry)
		lines  string
	}{
		"another outcome": {func(e *entry) {
			e.After = []byte(strings.Replace(string(e.After), `"outcome":"delivered"`, `"outcome":"not_delivered"`, 1))
		}, `sale.items[0].outcome: recorded "not_delivered", now "delivered"`},
		"something more": {func(e *entry) { e.After = []byte(`{"reason":"x",` + string(e.After[1:])) },
			`reason: recorded "x", now nothing`},
		"something less": {func(e *entry) { e.After = []byte(`{"boot":null,` + string(e.After[1:])) },
			`boot: recorded nothing, now "b1"`},
		"an event of tomorrow":     {func(e *entry) { e.Event = "Teleported" }, `fsm: no event is named "Teleported"`},
		"an event unlike its name": {func(e *entry) { e.Body = []byte(`[]`) }, "json: cannot unmarshal array"},
		"a state unlike a state": {func(e *entry) { e.After = []byte(`{"stage":5}`) },
			"a recorded state cannot be read"},
		"a panic": {func(e *entry) { // two currencies in one sale
			e.Body = []byte(strings.Replace(string(e.Body), `"reserve_max":"100.00 SEK"`, `"reserve_max":"1.00 EUR"`,
				1))
			e.After = []byte(strings.Replace(string(e.After), `"reserve_max":"100.00 SEK"`, `"reserve_max":"1.00 EUR"`,
				1))
		}, "the state machine panics"},
	} {
		t.Run(name, func(t *testing.T) {
			path := clone(t, good, filepath.Join(t.TempDir(), "journal.db"))
			forged, first := int64(6), int64(5)
			if name == "a panic" { // of the first sale's request, by the rules that the boot brought
				forged, first = 1, 2
			}
			forge(t, path, forged, c.change)
			r, err := Replay(t.Context(), path)
			if err != nil || r.Chain.Broken != "" || r.Chain.Entries != 23 {
				t.Fatalf("%s, %v", mustJSON(t, r), err)
			}
			d := r.Difference
			if d == nil || d.Seq < first || d.Seq > max(first, forged) || d.Version != "1.0.0" ||
				!strings.Contains(strings.Join(d.Lines, "\n"), c.lines) {
				t.Fatalf("got %s\nwant %s", mustJSON(t, d), c.lines)
			}
			if r.Replayed != int(d.Seq)-1 {
				t.Errorf("%d replayed before entry %d", r.Replayed, d.Seq)
			}
		})
	}
}

func TestADifferenceNamesTheProgramThatRecordedIt(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	m.sell()
	for _, version := range []string{"1.1.0", "2.0.0", "2.0.0"} {
		j.Close()
		var err error
		if j, err = Open(t.Context(), path, Options{Version: version}); err != nil {
			t.Fatal(err)
		}
	}
	m.j = j
	m.sell()
	j.Close()
	for _, c := range []struct {
		seq  int64
		want string
	}{{30, "2.0.0"}, {20, "1.0.0"}} { // the later first: a replay finds the earlier
		forge(t, path, c.seq, func(e *entry) { e.After = []byte(`{"reason":"x"}`) })
		r, err := Replay(t.Context(), path)
		if err != nil || r.Difference == nil || r.Difference.Version != c.want {
			t.Errorf("entry %d: %s, %v, want %s", c.seq, mustJSON(t, r), err, c.want)
		}
	}
}

func TestABrokenChainIsFound(t *testing.T) {
	good, _ := sold(t, 6) // so that Open does not need what is broken
	for name, c := range map[string]struct{ sql, want string }{
		"an entry changed": {`UPDATE entries SET wall = wall + 1 WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"the state changed": {`UPDATE entries SET after = '{}' WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"what it met changed": {`UPDATE entries SET before = '{"calls":99}' WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"the event changed": {`UPDATE entries SET event = 'Ticked' WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"the kind changed": {`UPDATE entries SET whole = 1 - whole WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"a byte moved over a border": {
			`UPDATE entries SET body = body || substr(before, 1, 1), before = substr(before, 2) WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"an entry gone":  {`DELETE FROM entries WHERE seq = 7`, "entry 7 is missing"},
		"the first gone": {`DELETE FROM entries WHERE seq = 1`, "entry 1 is missing"},
		"a hash changed": {`UPDATE entries SET hash = zeroblob(32) WHERE seq = 7`,
			"entry 7 is not as it was written"},
		"another history": {`UPDATE entries SET prev = zeroblob(32) WHERE seq = 7`,
			"entry 7 does not continue"},
	} {
		t.Run(name, func(t *testing.T) {
			path := clone(t, good, filepath.Join(t.TempDir(), "journal.db"))
			alter(t, path, c.sql)
			j := open(t, path)
			if chain, err := j.Verify(t.Context()); !errors.Is(err, ErrCorrupt) ||
				!strings.Contains(chain.Broken, c.want) {
				t.Errorf("Verify: %+v, %v, want %s", chain, err, c.want)
			}
			r, err := Replay(t.Context(), path)
			if err != nil || !strings.Contains(r.Chain.Broken, c.want) || r.Chain.Last != 67 {
				t.Errorf("Replay: %s, %v, want %s", mustJSON(t, r), err, c.want)
			}
		})
	}
}

func TestReplayReadsACopyAndChangesNothing(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	if _, err := j.db.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		t.Fatal(err)
	}
	m.sell()
	for name, c := range map[string]struct {
		suffixes []string
		entries  int
	}{
		"with its -wal":    {[]string{"", "-wal"}, 23},
		"without its -wal": {[]string{""}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy.db")
			content := map[string]string{}
			for _, suffix := range c.suffixes {
				b, err := os.ReadFile(path + suffix)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(copied+suffix, b, 0o400); err != nil {
					t.Fatal(err)
				}
				content[suffix] = string(b)
			}
			r, err := Replay(t.Context(), copied)
			if err != nil || r.Difference != nil || r.Chain.Broken != "" || r.Replayed != c.entries {
				t.Errorf("%s, %v, want %d entries", mustJSON(t, r), err, c.entries)
			}
			for suffix, before := range content {
				if b, err := os.ReadFile(copied + suffix); err != nil || string(b) != before {
					t.Errorf("Replay changed copy.db%s: %v", suffix, err)
				}
			}
			if _, err := os.Stat(copied + "-wal"); len(c.suffixes) == 1 && !os.IsNotExist(err) {
				t.Errorf("Replay made a -wal: %v", err)
			}
		})
	}
}

func TestWhatIsNoJournalIsNotReplayed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for content, want := range map[string]error{"": ErrCorrupt, strings.Repeat("rubbish ", 1000): ErrCorrupt} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := Replay(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("%.10q: %+v, %v", content, r, err)
		}
	}
	newer, _ := sold(t, 1)
	alter(t, newer, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion+1))
	if _, err := Replay(t.Context(), newer); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format: %v", err)
	}
}
