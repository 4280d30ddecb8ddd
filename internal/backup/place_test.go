package backup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/config"
)

// small mounts a file system of so many KiB; without root the test is skipped.
func small(t *testing.T, kib string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+kib+"k"); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// names are the files in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func TestOnlyTheNewestCopiesStayAndOthersFilesAreLeftAlone(t *testing.T) {
	c, _, _ := machine(t)
	stick := t.TempDir()
	for _, name := range []string{"holiday.jpg", "kioskd-999-000001-20200101T000000Z.backup",
		".kioskd-123456-copy.unfinished"} {
		if err := os.WriteFile(filepath.Join(stick, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := c.machine()
	for n := range 5 {
		m.Now = noon.Add(-time.Duration(n) * 24 * 365 * time.Hour) // a clock that goes back
		made, err := Make(t.Context(), m, stick, 2)
		if err != nil || len(made.Gone) != min(1, max(0, n-1)) {
			t.Fatalf("%d: %+v, %v", n, made, err)
		}
	}
	want := "holiday.jpg kioskd-123456-000004-20231128T120000Z.backup kioskd-123456-000005-20221128T120000Z.backup " +
		"kioskd-999-000001-20200101T000000Z.backup"
	if got := strings.Join(names(t, stick), " "); got != want {
		t.Errorf("there are\n%s, want\n%s", got, want)
	}
}

// TestAFullStickKeepsItsNewestCopies: the older ones make room, and when that is not enough nothing half is left.
func TestAFullStickKeepsItsNewestCopies(t *testing.T) {
	c, _, _ := machine(t)
	stick := small(t, "200")
	m := c.machine()
	for n := range 20 {
		made, err := Make(t.Context(), m, stick, 100)
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if _, err := os.Stat(made.File); err != nil {
			t.Fatal(err)
		}
	}
	all := names(t, stick)
	if len(all) < stayAlways || len(all) > 15 {
		t.Fatalf("%v", all)
	}
	for _, name := range all[:len(all)-stayAlways] {
		if err := os.Remove(filepath.Join(stick, name)); err != nil {
			t.Fatal(err)
		}
	}
	filler, err := os.Create(filepath.Join(stick, "holiday.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	was := names(t, stick)
	if _, err = Make(t.Context(), m, stick, 100); err == nil || !full(err) ||
		!strings.Contains(err.Error(), "is full") {
		t.Error(err)
	}
	if left := names(t, stick); !slices.Equal(left, was) {
		t.Errorf("there were %v, and are %v", was, left)
	}
}

func TestWithoutTheStickNothingIsWrittenToTheCard(t *testing.T) {
	c, _, _ := machine(t)
	m := c.machine()
	m.Config.Backup.Stick = true
	bare := filepath.Join(c.root, "stick")
	if _, err := Make(t.Context(), m, bare, 3); !errors.Is(err, ErrNoStick) {
		t.Errorf("no folder: %v", err)
	}
	if err := os.Mkdir(bare, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(t.Context(), m, bare, 3); !errors.Is(err, ErrNoStick) ||
		!strings.Contains(err.Error(), "own card") {
		t.Errorf("the bare folder: %v", err)
	}
	if left := names(t, bare); len(left) > 0 {
		t.Errorf("%v was written", left)
	}
	if _, err := Make(t.Context(), m, small(t, "1000"), 3); err != nil {
		t.Errorf("another disk: %v", err)
	}
}

// TestAStickThatVanishesIsSaid: half way, its file system goes read-only, as the kernel makes one that fails.
func TestAStickThatVanishesIsSaid(t *testing.T) {
	c, _, _ := machine(t)
	stick := small(t, "1000")
	m := c.machine()
	if _, err := Make(t.Context(), m, stick, 3); err != nil {
		t.Fatal(err)
	}
	was := names(t, stick)
	m.Tell = func(what string) {
		if strings.HasPrefix(what, "Writing") {
			if err := unix.Mount("", stick, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := Make(t.Context(), m, stick, 1); !errors.Is(err, unix.EROFS) {
		t.Errorf("%v", err)
	}
	for _, name := range was {
		if _, err := os.Stat(filepath.Join(stick, name)); err != nil {
			t.Errorf("the copy before is gone: %v", err)
		}
	}
	if _, err := Make(t.Context(), m, stick, 1); !errors.Is(err, unix.EROFS) {
		t.Errorf("a stick that is read-only: %v", err)
	}
}

func TestACopyThatIsEndedLeavesNothing(t *testing.T) {
	c, _, _ := machine(t)
	stick := t.TempDir()
	m := c.machine()
	ctx, end := context.WithCancel(t.Context())
	m.Tell = func(what string) {
		if strings.HasPrefix(what, "Writing") {
			end()
		}
	}
	if _, err := Make(ctx, m, stick, 3); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left := names(t, stick); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestAStickThatGivesBackSomethingElseIsFound, before any older copy is taken away.
func TestAStickThatGivesBackSomethingElseIsFound(t *testing.T) {
	c, _, _ := machine(t)
	p, err := openPlace(t.TempDir(), "123456", c.config())
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	_, _, err = p.write(t.Context(), noon, func(to io.Writer) error {
		_, err := to.Write([]byte("all sales"))
		return errors.Join(err, os.WriteFile(p.draft("copy"), []byte("old sales"), 0o600))
	})
	if err == nil || !strings.Contains(err.Error(), "gives back something else") {
		t.Error(err)
	}
	if left := names(t, p.folder); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestTwoCopiesAreNotMadeAtOnce(t *testing.T) {
	c, _, _ := machine(t)
	m := c.machine()
	second := errors.New("not tried")
	m.Tell = func(string) { _, second = Make(t.Context(), c.machine(), t.TempDir(), 3) }
	if _, err := Make(t.Context(), m, t.TempDir(), 3); err != nil {
		t.Error(err)
	}
	if !errors.Is(second, ErrRuns) {
		t.Error(second)
	}
}

func TestOnlyFilesBesideTheConfigAndTheJournalAreCopied(t *testing.T) {
	c, _, _ := machine(t)
	away := t.TempDir()
	if err := os.Symlink(away, filepath.Join(c.root, "etc", "link")); err != nil {
		t.Fatal(err)
	}
	cfg := c.config()
	cfg.UPS.TLSCert, cfg.UPS.TLSKey = "/etc/letsencrypt/live/k/fullchain.pem", filepath.Join(c.root, "etc", "link", "k")
	ours, elsewhere := filesOf(cfg, c.file)
	var keys []string
	for _, f := range ours {
		keys = append(keys, f.key)
	}
	if got := strings.Join(keys, " "); got != "identity.json glase.password_file" {
		t.Errorf("ours are %s", got)
	}
	if got := strings.Join(elsewhere, " "); got != "ups.tls_key ups.tls_cert" {
		t.Errorf("elsewhere are %s", got)
	}
}

func TestACopyIsDueOnceANight(t *testing.T) {
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		moment, err := time.ParseInLocation("2006-01-02 15:04", text, stockholm)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	half := config.Backup{At: 2*time.Hour + 30*time.Minute}
	for name, c := range map[string]struct {
		made, now string
		synced    bool
		boot      string
		up, since time.Duration
		due       bool
	}{
		"never":                       {"", "2026-11-27 12:00", true, "a", time.Hour, 0, true},
		"this night":                  {"2026-11-27 02:31", "2026-11-27 23:00", true, "a", time.Hour, 0, false},
		"before the hour":             {"2026-11-26 02:31", "2026-11-27 02:29", true, "a", time.Hour, 0, false},
		"at the hour":                 {"2026-11-26 02:31", "2026-11-27 02:30", true, "a", time.Hour, 0, true},
		"by hand in the evening":      {"2026-11-26 20:00", "2026-11-27 02:30", true, "a", time.Hour, 0, true},
		"off for a week":              {"2026-11-20 02:31", "2026-11-27 12:00", true, "a", time.Hour, 0, true},
		"the night without that hour": {"2026-03-28 02:31", "2026-03-29 04:00", true, "a", time.Hour, 0, true},
		"and once in it":              {"2026-03-29 03:31", "2026-03-29 23:00", true, "a", time.Hour, 0, false},
		"by a clock that was ahead":   {"2031-01-01 02:31", "2026-11-27 12:00", true, "a", time.Hour, 0, true},
		"in 1970, after a start":      {"2026-11-26 02:31", "1970-01-01 01:30", false, "b", 30 * time.Minute, 0, false},
		"in 1970, an hour later":      {"2026-11-26 02:31", "1970-01-01 02:00", false, "b", time.Hour, 0, true},
		"in 1970, made in this boot": {"1970-01-01 02:00", "1970-01-02 01:00", false, "a", 24 * time.Hour, time.Hour,
			false},
		"in 1970, a day after the last": {"1970-01-01 02:00", "1970-01-02 02:00", false, "a", 25 * time.Hour, time.Hour,
			true},
	} {
		s := State{Boot: "a", Up: c.since}
		if c.made != "" {
			s.Made = at(c.made)
		}
		if due := s.Due(half, stockholm, Moment{at(c.now), c.synced, c.boot, c.up}); due != c.due {
			t.Errorf("%s: due is %v", name, due)
		}
	}
}

func TestATechnicianIsToldOfOldAndFailedCopies(t *testing.T) {
	c, _, _ := machine(t)
	cfg := c.config()
	told := func(now time.Time) string {
		p := Health(cfg, now, true)
		return p[0].What + " / " + p[0].Do
	}
	if got := told(noon); !strings.Contains(got, "no copy of this machine has been made yet") ||
		!strings.Contains(got, "sudo kioskd backup") {
		t.Error(got)
	}
	at := Moment{Now: noon, Synced: true, Boot: "b", Up: time.Hour}
	if err := Note(StateFile(cfg), State{}, at, Made{File: "f", Last: 7, Secrets: true}, nil); err != nil {
		t.Fatal(err)
	}
	if got := told(noon.Add(47 * time.Hour)); got != "the last copy holds everything up to entry 7 / " {
		t.Error(got)
	}
	if got := told(noon.Add(73 * time.Hour)); !strings.Contains(got, "3 days old") {
		t.Error(got)
	}
	s, err := ReadState(StateFile(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if err := Note(StateFile(cfg), s, at, Made{}, errors.New("the stick is not there")); err != nil {
		t.Fatal(err)
	}
	if got := told(noon); !strings.Contains(got, "entry 7; the last attempt came to nothing: the stick is not there") {
		t.Error(got)
	}
	if err := os.WriteFile(StateFile(cfg), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := Health(cfg, noon, true); p[0].OK {
		t.Error("what cannot be read is well")
	}
	if cfg.Backup.Folder = ""; Health(cfg, noon, true) != nil {
		t.Error("a machine that makes none has a part for it")
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"made":"2026-11-27T12:00:00Z","up":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseState(b); err == nil {
			s.Due(config.Backup{At: time.Hour}, time.UTC, Moment{Now: noon, Synced: true})
		}
	})
}
