package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/store"
	"kioskd/internal/journal"
	"kioskd/internal/proof/till"
)

// TestTheRecordOfAMachineMakesItsCopyWhole: what the command writes is what kioskd restore --entries takes.
func TestTheRecordOfAMachineMakesItsCopyWhole(t *testing.T) {
	config := emptyHub(t, "")
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.db")
	m := till.New(t, path)
	m.Sell()
	copied := filepath.Join(dir, "copy.db")
	if _, err := journal.Export(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	for range 100 { // more than one reading has
		m.Sell()
	}
	s, err := store.Open("sqlite://" + filepath.Join(filepath.Dir(config), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	last := int64(0)
	for {
		some, err := m.Journal.Copies(t.Context(), last, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		var copies []store.Copy
		for _, e := range some {
			copies = append(copies, store.Copy{Entry: e, First: 1})
		}
		if _, _, err := s.Take(t.Context(), "K1", copies, time.Now()); err != nil {
			t.Fatal(err)
		}
		last = some[len(some)-1].Seq
	}
	if out, err := says(t, "entries", "K2", "--config", config); err == nil || !strings.Contains(out, "nobody knows") {
		t.Errorf("of a machine that nobody knows: %q, %v", out, err)
	}
	c := kioskhub(t, "entries", "K1", "--config", config)
	c.Stderr = nil
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "entries")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := journal.Extend(t.Context(), copied, "1.0.0", f); err != nil {
		t.Fatal(err)
	}
	if ahead, same, err := journal.Relate(t.Context(), path, copied); err != nil || !same || ahead != 0 {
		t.Errorf("it is behind by %d, same is %v, %v", ahead, same, err)
	}
}
