package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"kioskd/internal/identity"
	"kioskd/internal/journal"
)

func TestAMachineIsMadeAgainOfItsCopy(t *testing.T) {
	dead, m, key := machine(t)
	file := dead.copied()
	for _, secret := range []string{"opensesame", "hunter2", "Still water"} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("%q can be read in it", secret)
		}
	}
	fresh := blank(t)
	done, err := fresh.restore(file, key).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	was, is := dead.content(), fresh.content()
	for _, name := range []string{"etc/kioskd.toml", "etc/glase.password", "lib/identity.json"} {
		if is[name] == "" || is[name] != was[name] {
			t.Errorf("%s is not as it was", name)
		}
	}
	for name, mode := range map[string]os.FileMode{"etc/kioskd.toml": 0o640, "etc/glase.password": 0o600,
		"lib/identity.json": 0o600, "lib/journal.db": 0o640} {
		if info, err := os.Stat(filepath.Join(fresh.root, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	_, last, err := m.Journal.Span(t.Context())
	if err != nil || done.Last != last || len(done.Missing)+len(done.Kept) > 0 {
		t.Errorf("%+v, %v, want entry %d", done, err, last)
	}
	j, err := journal.Open(t.Context(), filepath.Join(fresh.root, "lib", "journal.db"),
		journal.Options{Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	sales, err := j.Sales(t.Context(), 10)
	if err != nil || len(sales) != 1 || sales[0].State != "charged" {
		t.Errorf("%+v, %v", sales, err)
	}
	if lost := j.Lost(); !strings.Contains(lost,
		"this is a copy of 2026-11-27 12:00 UTC, put back on 2026-11-27 13:00 UTC") {
		t.Errorf("it does not know that it is a copy: %q", lost)
	}
	for name := range is {
		if strings.Contains(name, ".restore") && name != "lib/journal.db.restored" {
			t.Errorf("%s is left", name)
		}
	}
}

func TestWithoutAKeyNoSecretIsCopied(t *testing.T) {
	dead, _, _ := machine(t)
	file := dead.copied(unsealed)
	fresh := blank(t)
	done, err := fresh.restore(file).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is := fresh.content()
	if is["lib/identity.json"] != "" || is["etc/glase.password"] != "" || done.Manifest.Secrets {
		t.Errorf("a secret came through: %v", done)
	}
	if len(done.Missing) != 1 || !strings.HasSuffix(done.Missing[0], "glase.password") {
		t.Errorf("what has to be put there by hand is not said: %v", done.Missing)
	}
}

// TestNothingIsChangedByAFileThatIsNotWhole: cut short anywhere, or with any bit the other way, sealed or not.
func TestNothingIsChangedByAFileThatIsNotWhole(t *testing.T) {
	dead, _, key := machine(t)
	for name, c := range map[string]struct {
		file []byte
		keys []age.Identity
	}{"sealed": {dead.copied(), []age.Identity{key}}, "plain": {dead.copied(unsealed), nil}} {
		fresh := blank(t)
		was := fresh.content()
		refused := func(what string, at int, file []byte) {
			t.Helper()
			if _, err := fresh.restore(file, c.keys...).Run(t.Context()); err == nil {
				t.Fatalf("%s: %s %d: it was put back", name, what, at)
			} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrSealed) && !errors.Is(err, ErrNewer) {
				t.Fatalf("%s: %s %d: %v", name, what, at, err)
			}
			if is := fresh.content(); !maps.Equal(is, was) {
				t.Fatalf("%s: %s %d: the card is changed: %v", name, what, at, is)
			}
		}
		step := max(1, len(c.file)/400) // all of the beginning and the end, and some between
		for n := 0; n < len(c.file); {
			refused("cut at", n, c.file[:n])
			flipped := bytes.Clone(c.file)
			flipped[n] ^= 1 << (n % 8)
			refused("flipped", n, flipped)
			if n < 200 || n > len(c.file)-200 {
				n++
			} else {
				n += step
			}
		}
		refused("longer by", 1, append(bytes.Clone(c.file), '\n'))
		refused("twice", 2, append(bytes.Clone(c.file), c.file...))
	}
}

// TestAJournalThatWasChangedIsNotPutBack: whoever made the copy, its hashes and its manifest are right.
func TestAJournalThatWasChangedIsNotPutBack(t *testing.T) {
	dead, _, _ := machine(t)
	exported := filepath.Join(t.TempDir(), "copy.db")
	if _, err := journal.Export(t.Context(), filepath.Join(dead.root, "lib", "journal.db"), exported); err != nil {
		t.Fatal(err)
	}
	tip, err := journal.TipOf(t.Context(), exported)
	if err != nil {
		t.Fatal(err)
	}
	content, err1 := os.ReadFile(exported)
	text, err2 := os.ReadFile(dead.file)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for change, works := range map[string]bool{"Mineral water": true, "Mineral wafer": false} {
		changed := bytes.ReplaceAll(content, []byte("Mineral water"), []byte(change))
		manifest := Manifest{Format: 1, Machine: "123456", Made: noon, First: tip.First, Last: tip.Last,
			Hash: hex.EncodeToString(tip.Hash)}
		var file bytes.Buffer
		parts := []source{held(configName, text), held(journalName, changed)}
		if err := write(&file, manifest, parts, nil); err != nil {
			t.Fatal(err)
		}
		fresh := blank(t)
		_, err := fresh.restore(file.Bytes()).Run(t.Context())
		if works != (err == nil) || !works && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestWhoHasNotTheKeyIsTold(t *testing.T) {
	dead, _, _ := machine(t)
	file := dead.copied()
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blank(t).restore(file).Run(t.Context()); !errors.Is(err, ErrSealed) ||
		!strings.Contains(err.Error(), "--key") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := blank(t).restore(file, other).Run(t.Context()); !errors.Is(err, ErrSealed) ||
		!strings.Contains(err.Error(), "another key") {
		t.Errorf("with another key: %v", err)
	}
}

func TestANewerFormatIsNotGuessed(t *testing.T) {
	newer := strings.NewReader("kioskd backup 2\n" + strings.Repeat("x", 200))
	if _, err := openCopy(newer, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("the file's: %v", err)
	}
	if _, err := readManifest([]byte(`{"format":2,"machine":"1","new":true}`)); !errors.Is(err, ErrNewer) {
		t.Errorf("the manifest's: %v", err)
	}
}

func TestACardThatIsNotBlankIsNotWrittenOver(t *testing.T) {
	dead, m, key := machine(t)
	file := dead.copied()

	// the machine itself, which has sold since
	before := tipOf(t, dead)
	m.Sell()
	newer := tipOf(t, dead)
	if err := m.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	was := dead.content()
	if _, err := dead.restore(file, key).Run(t.Context()); !errors.Is(err, ErrInUse) ||
		!strings.Contains(err.Error(), "is newer") || !strings.Contains(err.Error(), "--replace 123456") {
		t.Errorf("a newer journal: %v", err)
	}
	if !maps.Equal(dead.content(), was) {
		t.Error("and something was changed")
	}
	// another machine
	other, om, _ := machine(t)
	if err := om.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	r := other.restore(file, key)
	if _, err := r.Run(t.Context()); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "another machine's") {
		t.Errorf("another's: %v", err)
	}
	// with a person's word what was there stays beside it
	r = dead.restore(file, key)
	r.Replace = "999"
	if _, err := r.Run(t.Context()); err == nil {
		t.Error("for the word of another machine")
	}
	r = dead.restore(file, key)
	r.Replace = "123456"
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dead.root, "lib", "journal.db.replaced-1")
	if tip, err := journal.TipOf(t.Context(), kept); err != nil || tip.Last != newer ||
		tipOf(t, dead) != before {
		t.Errorf("the newer journal is not kept: %+v, %v", tip, err)
	}
}

func tipOf(t *testing.T, c *card) int64 {
	t.Helper()
	tip, err := journal.TipOf(t.Context(), filepath.Join(c.root, "lib", "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	return tip.Last
}

func TestARunningMachineIsLeftAlone(t *testing.T) {
	dead, _, key := machine(t) // whose journal is open
	if _, err := dead.restore(dead.copied(), key).Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Error(err)
	}
}

func TestAnotherBoardTakesTheTerminalOnlyByName(t *testing.T) {
	dead, _, key := machine(t)
	file := dead.copied()
	fresh := blank(t)
	r := fresh.restore(file, key)
	r.Serial = "serial-2"
	if _, err := r.Run(t.Context()); !errors.Is(err, ErrBoard) || !strings.Contains(err.Error(), "--new-board") {
		t.Fatal(err)
	}
	r = fresh.restore(file, key)
	r.Serial, r.NewBoard = "serial-2", true
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Load(filepath.Join(fresh.root, "lib", "identity.json"))
	if err != nil || id.Serial != "serial-2" || id.Password.Reveal() != "hunter2" {
		t.Errorf("%v, %v", id, err)
	}
}

// TestAPowerCutLeavesNoHalfMachine: after any step that was cut short there is the old config, or none, with which no
// kioskd starts, or all of the new machine; and the same command then makes it whole.
func TestAPowerCutLeavesNoHalfMachine(t *testing.T) {
	dead, m, key := machine(t)
	file := dead.copied()
	whole := blank(t)
	steps := 0
	r := whole.restore(file, key)
	r.step = func(string) error { steps++; return nil }
	if _, err := r.Run(t.Context()); err != nil || steps < 8 {
		t.Fatalf("%d steps, %v", steps, err)
	}
	want := whole.content()
	m.Sell()
	if err := m.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	cut := errors.New("cut")
	for _, replaced := range []bool{false, true} {
		for n := range steps + 4 {
			c := blank(t)
			if replaced { // a card with the machine's own newer past
				for name, text := range dead.content() {
					c.write(name, text)
				}
			}
			run := func(at int) error {
				r := c.restore(file, key)
				if replaced {
					r.Replace = "123456"
				}
				count := 0
				r.step = func(string) error {
					if count++; count == at {
						return cut
					}
					return nil
				}
				_, err := r.Run(t.Context())
				return err
			}
			was := c.content()
			if err := run(n + 1); err != nil && !errors.Is(err, cut) {
				t.Fatal(err)
			}
			is := c.content()
			_, some := is["etc/kioskd.toml"]
			switch {
			case some && is["etc/kioskd.toml"] == was["etc/kioskd.toml"] &&
				is["lib/journal.db"] == was["lib/journal.db"]:
			case some:
				for name, text := range want {
					if is[name] != text && !strings.HasPrefix(name, "lib/journal.db") {
						t.Fatalf("cut at step %d: the config is there, and %s is not as it should be", n, name)
					}
				}
				if is["lib/journal.db"] == "" || is["lib/journal.db.restored"] == "" ||
					is["lib/journal.db-wal"] != "" ||
					is["lib/journal.db.witness"] != "" {
					t.Fatalf("cut at step %d: the config is there, and the journal knows nothing", n)
				}
			}
			if err := run(0); err != nil {
				t.Fatalf("again after a cut at step %d: %v", n, err)
			}
			is = c.content()
			for name, text := range want {
				if is[name] != text && !strings.HasPrefix(name, "lib/journal.db") {
					t.Fatalf("again after a cut at step %d: %s is not as it should be", n, name)
				}
			}
			if tip, at := tipOf(t, c), tipOf(t, whole); tip != at {
				t.Fatalf("again after a cut at step %d: entry %d, want %d", n, tip, at)
			}
			if _, kept := is["lib/journal.db.replaced-1"]; kept != replaced {
				t.Fatalf("again after a cut at step %d: an older journal is kept: %v", n, kept)
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	good := Manifest{Format: 1, Machine: "1", First: 1, Last: 2, Hash: "00",
		Parts: []Part{held(configName, []byte("x")).Part, held(journalName, nil).Part}}
	text, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":1,"parts":[{"name":"config.toml","size":-1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := readManifest(text)
		if err != nil {
			return
		}
		for _, p := range m.Parts {
			if p.Size < 0 || p.Size > journalMax || p.Name == "" {
				t.Errorf("%+v", p)
			}
		}
		if again, err := json.Marshal(m); err != nil {
			t.Error(err)
		} else if _, err := readManifest(again); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}

func FuzzCopy(f *testing.F) {
	f.Add([]byte("kioskd backup 1\n"))
	var b bytes.Buffer
	if err := write(&b, Manifest{Format: 1, Machine: "1", Made: noon}, []source{held(configName, []byte("x"))},
		nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		o, err := openCopy(bytes.NewReader(file), nil)
		if err == nil {
			_ = o.end()
		}
	})
}

// TestWithTheFleetsEntriesNothingIsGone: the copy is of before a sale that the fleet has.
func TestWithTheFleetsEntriesNothingIsGone(t *testing.T) {
	dead, m, key := machine(t)
	file := dead.copied()
	m.Sell()
	all, err := m.Journal.Copies(t.Context(), 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	if err := journal.WriteEntries(&stream, true, all); err != nil {
		t.Fatal(err)
	}
	fresh := blank(t)
	r := fresh.restore(file, key)
	r.Entries = bytes.NewReader(stream.Bytes()[:stream.Len()-1])
	if _, err := r.Run(t.Context()); err == nil || len(fresh.content()) > 0 {
		t.Errorf("entries that are cut short: %v", err)
	}
	r = fresh.restore(file, key)
	r.Entries = &stream
	done, err := r.Run(t.Context())
	if err != nil || done.Last != all[len(all)-1].Seq || tipOf(t, fresh) != done.Last {
		t.Errorf("%+v, %v", done, err)
	}
}
