package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAQuickCheckFindsABadPageBesideARunningDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path, Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := QuickCheck(t.Context(), path); err != nil {
		t.Errorf("of a good one: %v", err)
	}
	over, end := context.WithCancel(t.Context())
	end()
	if err := QuickCheck(over, path); !errors.Is(err, context.Canceled) {
		t.Errorf("of one that nobody has time for: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(4096); at < info.Size(); at += 4096 { // every page but the first
		if _, err := f.WriteAt([]byte("not what SQLite has put here"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := QuickCheck(t.Context(), path); !errors.Is(err, ErrCorrupt) {
		t.Errorf("of a spoiled one: %v", err)
	}
	if err := QuickCheck(t.Context(), path+"x"); err == nil {
		t.Error("one that is not there is good")
	}
}
