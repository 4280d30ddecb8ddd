package config

import (
	"strings"
	"testing"

	"kioskd/hw/wire"
	"kioskd/internal/drivers"
)

// TestAnOutputBehindAMistakeIsStillNamed: what a config with mistakes names as a relay must go off like any other.
func TestAnOutputBehindAMistakeIsStillNamed(t *testing.T) {
	for _, driver := range []string{"coffee", "mdb", "board", "lock"} {
		content := strings.Replace(minimal, `driver = "relay"`, `driver = "`+driver+`"`, 1)
		c, err := Parse("k.toml", []byte(content), "/etc/kioskd", drivers.All())
		if w := wire.Find(c.Wires(), "A1", wire.Motor, wire.Bolt); err == nil || w.Pin != "GPIO17" || !w.Role.Facts().
			Output {
			t.Errorf("driver %q: %v and the wires %+v", driver, err, c.Wires())
		}
	}
}

// TestEachKindOfSlotCanBeToldFromTheOthers: by its driver, and where two have one, by a key.
func TestEachKindOfSlotCanBeToldFromTheOthers(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range drivers.All() {
		if name := k.Driver + "/" + k.Key; k.Driver == "" || seen[name] || k.Read == nil ||
			(k.Section == "") != (k.Board == nil) {
			t.Errorf("%+v", k)
		} else {
			seen[name] = true
		}
	}
}
