package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	pins "kioskd/hw/gpio"
	"kioskd/hw/wire"
	"kioskd/internal/config"
	"kioskd/internal/debug"
)

// Pins says how each pin of the config is now. When one moved is told by the present clock, now, so that a pin which
// moved before the clock was set does not tell 1970.
func Pins(cfg config.Config, read map[string]pins.Reading, now time.Time) []debug.Pin {
	wires := cfg.Wires()
	slices.SortStableFunc(wires, func(a, b wire.Wire) int { // the front first
		return cmp.Compare(min(len(a.Slot), 1), min(len(b.Slot), 1))
	})
	var all []debug.Pin
	for _, w := range wires {
		f, r := w.Role.Facts(), read[w.Pin]
		p := debug.Pin{Name: w.Pin, Role: strings.TrimPrefix(w.Slot+" "+f.Short, " "), Level: "low",
			Active: bool(r.Level) == f.High, Means: f.Off}
		if w.Row > 0 {
			p.Role += fmt.Sprint(" ", w.Row)
		}
		if r.Level {
			p.Level = "high"
		}
		if p.Active {
			p.Means = f.On
		}
		if r.Moved {
			p.Changed = now.Add(-r.Still).UTC()
		}
		all = append(all, p)
	}
	return all
}
