package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// sold is the path of a closed journal with some sales, and the states that it went through.
func sold(t testing.TB, sales int) (string, []fsm.State) {
	t.Helper()
	j, path := fresh(t)
	m := newMachine(t, j)
	for range sales {
		m.sell()
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, m.states
}

// alter runs SQL on a closed journal.
func alter(t testing.TB, path, sql string) {
	t.Helper()
	db, err := connect(path, ownerSettings)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(sql)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// clone copies a closed journal.
func clone(t testing.TB, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func edit(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatCannotBeUsedIsRefusedWithItsRemedy(t *testing.T) {
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	good, _ := sold(t, 3)
	damage := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) { edit(t, clone(t, good, path), change) }
	}
	altered := func(sql string) func(*testing.T, string) {
		return func(t *testing.T, path string) { alter(t, clone(t, good, path), sql) }
	}
	for name, c := range map[string]struct {
		make func(*testing.T, string)
		want error
		says string
	}{
		"a folder": {func(t *testing.T, path string) { os.Mkdir(path, 0o755) }, ErrIsFolder, "journal.db"},
		"a pipe": {func(t *testing.T, path string) { syscall.Mkfifo(path, 0o600) }, ErrCorrupt,
			"not a regular file"},
		"empty":             {write(""), ErrCorrupt, "it is empty"},
		"short":             {write("SQLite format 3\x00"), ErrCorrupt, "only 16 bytes"},
		"rubbish":           {write(strings.Repeat("rubbish ", 1000)), ErrCorrupt, "not an SQLite file"},
		"another program's": {altered("PRAGMA application_id = 1"), ErrCorrupt, "another program"},
		"a newer format":    {altered("PRAGMA user_version = 4"), ErrNewer, "install that version"},
		"an older format":   {altered("PRAGMA user_version = 1"), ErrOlder, "with that version"},
		"no format":         {altered("PRAGMA user_version = 0"), ErrCorrupt, "format is 0"},
		"other page size": {altered("PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM"), ErrCorrupt,
			"page size is 4096"},
		"cut in half":     {damage(func(b []byte) []byte { return b[:len(b)/2] }), ErrCorrupt, "move it"},
		"a page of zeros": {damage(func(b []byte) []byte { clear(b[3072:4096]); return b }), ErrCorrupt, "move it"},
		"an old page of zeros": {damage(func(b []byte) []byte {
			page := bytes.LastIndex(b, []byte("Booted")) / pageSize // far from what Load reads
			clear(b[page*pageSize : (page+1)*pageSize])
			return b
		}), ErrCorrupt, "move it"},
		"no entries": {altered("DELETE FROM entries; UPDATE anchor SET seq = 9"), ErrCorrupt,
			"a row is missing"},
		"no anchor":     {altered("DELETE FROM anchor"), ErrCorrupt, "a row is missing"},
		"no table":      {altered("DROP TABLE entries"), ErrCorrupt, "no such table"},
		"a column less": {altered("ALTER TABLE sales DROP COLUMN note"), ErrCorrupt, "no such column"},
		"the last entry wrong": {
			altered(`UPDATE entries SET body = '{"at":7}' WHERE seq = (SELECT max(seq) FROM entries)`), ErrCorrupt,
			"not as it was written"},
		"a wrong order": {
			altered("UPDATE entries SET seq = seq + 1 WHERE seq = (SELECT max(seq) FROM entries)"), ErrCorrupt,
			"is missing"},
		"a -wal without a file": {func(t *testing.T, path string) { write("frames")(t, path+"-wal") }, ErrCorrupt,
			"-wal is there"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			c.make(t, path)
			read := func() string {
				if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
					return ""
				}
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			before := read()
			j, err := Open(t.Context(), path, Options{})
			if err == nil {
				j.Close()
			}
			if !errors.Is(err, c.want) || err != nil &&
				(!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path)) {
				t.Errorf("got %v\nwant %q saying %q and the path", err, c.want, c.says)
			}
			if read() != before {
				t.Errorf("the refused file was changed")
			}
		})
	}
	dir := t.TempDir()
	for path, want := range map[string]error{"": ErrNoPath, filepath.Join(dir, "none", "journal.db"): ErrNoFolder} {
		if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", path, err, want)
		}
		if _, err := Replay(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("Replay %q: %v, want %v", path, err, want)
		}
	}
	if _, err := Replay(t.Context(), filepath.Join(dir, "none.db")); !errors.Is(err, ErrMissing) {
		t.Errorf("Replay of nothing: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestAJournalHasOneOwner(t *testing.T) {
	j, path := fresh(t)
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrLocked) ||
		!strings.Contains(err.Error(), "stop the other kioskd") {
		t.Errorf("a second Open: %v", err)
	}
	newMachine(t, j).sell() // the refused one disturbs nothing
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestAnyPathWorks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50% of what? #1 & mode=memory ü.db")
	j := open(t, path)
	newMachine(t, j).sell()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if r, err := Replay(t.Context(), path); err != nil || r.Difference != nil || r.Chain.Entries != 12 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestALeftoverOfAnUnfinishedCreationIsNoHindrance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	for _, suffix := range []string{".new", ".new-wal", ".new-journal"} {
		if err := os.WriteFile(path+suffix, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path)
	if left, _ := filepath.Glob(path + ".new*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// TestALogCutShortIsAnEarlierState: what a power loss can leave of the write-ahead log.
func TestALogCutShortIsAnEarlierState(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	db, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]bool{}
	for cut := len(wal); cut >= 0; cut -= 700 {
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := errors.Join(os.WriteFile(copied, db, 0o600),
			os.WriteFile(copied+"-wal", wal[:cut], 0o600)); err != nil {
			t.Fatal(err)
		}
		c := open(t, copied)
		s, err := c.Load(t.Context())
		if err != nil {
			t.Fatalf("log cut to %d of %d bytes: %v", cut, len(wal), err)
		}
		n := which(m.states, s)
		if n < 0 {
			t.Fatalf("log cut to %d of %d bytes: a state that never was: %+v", cut, len(wal), s)
		}
		found[n] = true
		if chain, err := c.Verify(t.Context()); err != nil || chain.Entries != n {
			t.Fatalf("%+v, %v, want %d entries", chain, err, n)
		}
		c.Close()
	}
	if len(found) != len(m.states) { // the first state is in the file itself: there was a checkpoint after it
		t.Errorf("the cuts found %d of the %d states", len(found), len(m.states))
	}
}

// which finds a loaded state: n for the one after the nth append, 0 for the zero State, -1 for one that never was.
func which(states []fsm.State, s fsm.State) int {
	if reflect.DeepEqual(s, fsm.State{}) {
		return 0
	}
	for n, old := range states {
		old.Live = fsm.Live{}
		if reflect.DeepEqual(s, old) {
			return n + 1
		}
	}
	return -1
}

func TestAFullDiskIsSurvived(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	before, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := pragma(t.Context(), j.db, "page_count", &pages); err != nil {
		t.Fatal(err)
	}
	if _, err := j.db.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	refused(t, j, m, before)
	if _, err := j.db.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	recovered(t, j, m, path)
}

func TestAFullFileSystemIsSurvived(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	path := filepath.Join(dir, "journal.db")
	j := open(t, path)
	t.Cleanup(func() { j.Close() })
	m := newMachine(t, j)
	m.sell()
	before, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = ballast.Write(make([]byte, 4096))
	}
	ballast.Close()
	refused(t, j, m, before)
	if _, err := Open(t.Context(), filepath.Join(dir, "second.db"), Options{}); !errors.Is(err, ErrFull) {
		t.Errorf("a new journal on a full disk: %v", err)
	}
	if err := os.Remove(ballast.Name()); err != nil {
		t.Fatal(err)
	}
	recovered(t, j, m, path)
}

// refused appends until the disk is full, and holds that the failing step left no trace.
func refused(t *testing.T, j *Journal, m *machine, before fsm.State) {
	t.Helper()
	for n := range 100 {
		after := before
		after.Reason = reason.Why(fmt.Sprint(n, strings.Repeat("x", 900)))
		err := j.Append(t.Context(), Record{Event: fsm.Ticked{}, After: after})
		if err == nil {
			before = after
			continue
		}
		if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "free some space") {
			t.Fatalf("Append: %v", err)
		}
		got, err := j.Load(t.Context())
		if err != nil || !reflect.DeepEqual(got, before) {
			t.Fatalf("after a refused step: %+v, %v\nwant %+v", got, err, before)
		}
		return
	}
	t.Fatal("the disk never fills")
}

func recovered(t *testing.T, j *Journal, m *machine, path string) {
	t.Helper()
	s, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.state, m.j = s, j
	m.state.Reason = ""
	m.sell()
	if _, err := j.Verify(t.Context()); err != nil {
		t.Errorf("after the disk has room again: %v", err)
	}
}

func TestAReadOnlyFileSystemIsRefused(t *testing.T) {
	path, _ := sold(t, 1)
	dir := filepath.Dir(path)
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("a read-only mount needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrReadOnly) ||
		!strings.Contains(err.Error(), "mounted read-only") {
		t.Errorf("Open: %v", err)
	}
	if r, err := Replay(t.Context(), path); err != nil || r.Difference != nil || r.Chain.Entries != 12 {
		t.Errorf("Replay: %+v, %v", r, err)
	}
}

func TestAReadOnlyFileIsRefused(t *testing.T) {
	path, _ := sold(t, 1)
	if os.Getuid() == 0 { // modes mean nothing to root: mount the file itself read-only
		if err := syscall.Mount(path, path, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("no read-only file for root here: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(path, 0); err != nil {
				t.Errorf("unmount: %v", err)
			}
		})
		if err := syscall.Mount(path, path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if j, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrReadOnly) {
		if err == nil {
			j.Close()
		}
		t.Errorf("Open: %v", err)
	}
}

func TestSomebodyElsesLongWriteIsNamed(t *testing.T) {
	j, path := fresh(t)
	if _, err := j.db.Exec("PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, ownerSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin() // a technician's shell that forgot to commit
	if err != nil {
		t.Fatal(err)
	}
	rec := Record{Event: fsm.Ticked{}, After: fsm.State{Stage: fsm.Ready}}
	if err := j.Append(t.Context(), rec); !errors.Is(err, ErrLocked) {
		t.Errorf("Append: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), rec); err != nil {
		t.Errorf("Append afterwards: %v", err)
	}
}

func TestInUseIsSaidOfAnOwnedJournalOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if InUse(path) {
		t.Error("a journal that nobody made is in use")
	}
	j, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !InUse(path) {
		t.Error("an open journal is not in use")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if InUse(path) || InUse(filepath.Join(path, "none")) {
		t.Error("a closed journal, or no journal, is in use")
	}
}
