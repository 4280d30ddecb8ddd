package doctor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestTheJournalsFolderIsTriedAndLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	journal := filepath.Join(dir, "journal.db")
	told(t, Writable(journal, -1), "ok: was written")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the doctor left %v, %v", left, err)
	}
	told(t, Writable(filepath.Join(dir, "none", "journal.db"), -1), "fail: does not exist")
}

func TestAJournalOfAnotherUserIsFound(t *testing.T) {
	dir := t.TempDir()
	journal := filepath.Join(dir, "journal.db")
	if err := os.WriteFile(journal, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	told(t, Writable(journal, os.Getuid()+7), "ok: was written", "fail: sudo chown -R")
	told(t, Writable(journal, 0), "ok: was written") // root writes everywhere
}

func TestAHeldJournalIsSeenWithoutTakingItsLock(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal.db")
	if Held("/", journal) {
		t.Error("a journal that is not there is held")
	}
	lock, err := os.Create(journal + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if Held("/", journal) {
		t.Error("a journal that nobody holds is held")
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if !Held("/", journal) {
		t.Error("a held journal is not seen")
	}
}

func TestAClockThatNobodySetIsFound(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	told(t, Clock(now, true), "ok: 2026-11-21 09:00:00 UTC")
	told(t, Clock(now, false), "warn: time server")
	told(t, Clock(time.Unix(0, 0), true), "fail: 1970")
}
