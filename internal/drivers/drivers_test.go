package drivers

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/hw/vend"
)

// silent is a table of a config in which nothing stands.
type silent struct{}

func (silent) Has(string) bool                                               { return false }
func (silent) Need(string, string, string)                                   {}
func (silent) Fail(string, string, ...any)                                   {}
func (silent) Pin(string, *string)                                           {}
func (silent) Port(string, *string, func(string) string)                     {}
func (silent) Duration(string, *time.Duration, time.Duration, time.Duration) {}
func (silent) Whole(string, *int, int, int) bool                             { return false }
func (silent) Flag(string, *bool)                                            {}
func (silent) Choice(string, *string, ...string)                             {}
func (silent) Once(string, string) (string, int)                             { return "", 0 }

// TestEveryKindOfSlotIsHeldToItsPromises: each kind's folder has a test that calls slottest.Conform.
func TestEveryKindOfSlotIsHeldToItsPromises(t *testing.T) {
	for _, k := range All() {
		c := k.Read(silent{}, silent{}, 0)
		folder := strings.TrimPrefix(reflect.TypeOf(c).PkgPath(), "kioskd/")
		tests, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		held := false
		for _, path := range tests {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			held = held || bytes.Contains(text, []byte("slottest.Conform(t, "))
		}
		if !held {
			t.Errorf("driver %q: no test of %s calls slottest.Conform", k.Driver, folder)
		}
		if (c.Board() == "") != (k.Section == "") || c.Board() != k.Section {
			t.Errorf("driver %q: its board is %q, and its section %q", k.Driver, c.Board(), k.Section)
		}
	}
}

// TestASlotWithoutItsBoardIsToldSo, and does not panic.
func TestASlotWithoutItsBoardIsToldSo(t *testing.T) {
	for _, k := range All() {
		if c := k.Read(silent{}, silent{}, 0); c.Board() != "" {
			if slot, err := c.Open(vend.Place{Slot: "A1"}, vend.Machine{}); err == nil ||
				!strings.Contains(err.Error(), "["+k.Section+"]") {
				t.Errorf("driver %q: %v, %v", k.Driver, slot, err)
			}
		}
	}
}
