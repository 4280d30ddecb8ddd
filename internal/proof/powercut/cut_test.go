package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestACutDropsKeepsTearsAndReordersWhatWasNotSynced: a model that leaves everything in place would prove nothing.
func TestACutDropsKeepsTearsAndReordersWhatWasNotSynced(t *testing.T) {
	f := &file{}
	f.write(bytes.Repeat([]byte{'s'}, 2*sector), 0)
	f.sync()
	f.write(bytes.Repeat([]byte{'1'}, sector), 0)
	f.write(bytes.Repeat([]byte{'2'}, sector), sector)
	f.write(bytes.Repeat([]byte{'3'}, 2*sector), 2*sector)
	d := disk{synced: names{"kept": f}}
	d.rename(func(n names) { n["moved"] = n["kept"]; delete(n, "kept") })
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		k := min(kind(n), byChance)
		dir := t.TempDir()
		if err := d.cut(dir, k, r); err != nil {
			t.Fatal(err)
		}
		name := "kept"
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			name = "moved"
			if b, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		story := name + " "
		for at := 0; at < len(b); at += sector {
			story += string(b[at])
			if bytes.Count(b[at:at+sector], b[at:at+1]) != sector && b[at] != 's' && at < 2*sector {
				t.Fatalf("sector %d is torn within", at/sector)
			}
		}
		seen[story] = true
	}
	for _, want := range []string{"kept ss", "moved 1233", "kept s2", "moved 1s", "kept 12"} {
		if !seen[want] {
			t.Errorf("no cut left %q", want)
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %d kinds of ruin: %v", len(seen), seen)
	}
}

// hexed is a text as strace -xx writes it.
func hexed(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

// story is a log of a writer that writes a file under another name, perhaps syncs it, and renames it.
func story(dir string, syncs bool) string {
	at := func(name string) string { return hexed(dir + "/" + name) }
	lines := []string{
		fmt.Sprintf(`7 openat(AT_FDCWD, "%s", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 3<%s>`, at("state.tmp"),
			at("state.tmp")),
		fmt.Sprintf(`7 write(3<%s>, "%s", 1 <unfinished ...>`, at("state.tmp"), hexed("1")),
		`8 write(9</dev/null>, "\x00", 1) = 1`,
		`7 <... write resumed>) = 1`,
	}
	if syncs {
		lines = append(lines, fmt.Sprintf(`7 fsync(3<%s>) = 0`, at("state.tmp")))
	}
	lines = append(lines, fmt.Sprintf(`7 renameat(AT_FDCWD, "%s", AT_FDCWD, "%s") = 0`, at("state.tmp"), at("state")))
	if syncs {
		lines = append(lines, fmt.Sprintf(`7 fsync(4<%s>) = 0`, hexed(dir)))
	}
	return strings.Join(append(lines, fmt.Sprintf(`7 write(1<pipe:[1]>, "%s", 4) = 4`, hexed("C 1\n"))), "\n") + "\n"
}

func TestAWriterThatDoesNotSyncIsCaughtAndOneThatDoesIsNot(t *testing.T) {
	for _, syncs := range []bool{false, true} {
		work := t.TempDir()
		log := filepath.Join(work, "log")
		if err := os.WriteFile(log, []byte(story("/store", syncs)), 0o600); err != nil {
			t.Fatal(err)
		}
		err := cutAll(log, "/store", work, 3)
		if caught := err != nil && strings.Contains(err.Error(), "lost something"); caught == syncs {
			t.Errorf("syncs=%v: %v", syncs, err)
		}
	}
}

func TestACallThatIsNotModelledFails(t *testing.T) {
	for _, l := range []string{
		`7 pwritev2(3<` + hexed("/store/state") + `>, [], 1, 0, 0) = 1`,
		`7 fallocate(3<` + hexed("/store/state") + `>, 0, 0, 4096) = 0`,
		`7 rename("` + hexed("/store/state") + `", "` + hexed("/elsewhere/state") + `") = 0`,
		`7 pwrite64(3<` + hexed("/store/state") + `>, "\x31"..., 4096, 0) = 4096`,
		`7 sendfile(nowhere) = 1`,
	} {
		r := recording{dir: "/store", offset: map[string]int{}, pending: map[string]string{},
			disk: disk{synced: names{"state": {}}}}
		if changed, err := r.line(l); err == nil {
			t.Errorf("changed=%v, and no complaint about %s", changed, l)
		}
	}
}

// TestTheJournalIsFoundAsItWasWritten runs writer and checker once without a cut.
func TestTheJournalIsFoundAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir, 40); err != nil {
		t.Fatal(err)
	}
	n, err := found(dir)
	if err != nil || n < 40 {
		t.Fatalf("%d entries, %v", n, err)
	}
	if err := write(dir, 20); err != nil { // goes on after a start
		t.Fatal(err)
	}
	if m, err := found(dir); err != nil || m < n+20 {
		t.Fatalf("%d entries after %d, %v", m, n, err)
	}
}
