package health

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"

	pins "kioskd/hw/gpio"
	"kioskd/internal/config"
	"kioskd/internal/debug"
)

// Pins says how each pin of the config is now. When one moved is told by the present clock, now, so that a pin which moved before the
// clock was set does not tell 1970.
func Pins(cfg config.Config, read map[string]pins.Reading, now time.Time) []debug.Pin {
	var all []debug.Pin
	add := func(name, role string, active gpio.Level, on, off string) {
		if name == "" {
			return
		}
		r := read[name]
		p := debug.Pin{Name: name, Role: role, Level: "low", Active: r.Level == active, Means: off}
		if r.Level {
			p.Level = "high"
		}
		if p.Active {
			p.Means = on
		}
		if r.Moved {
			p.Changed = now.Add(-r.Still).UTC()
		}
		all = append(all, p)
	}
	add(cfg.GPIO.Door, "door", gpio.High, "open", "closed")
	add(cfg.GPIO.Tilt, "tilt", gpio.Low, "shaken", "still")
	add(cfg.GPIO.Cancel, "cancel button", gpio.Low, "pressed", "free")
	add(cfg.GPIO.Retry, "retry button", gpio.Low, "pressed", "free")
	for n, row := range cfg.Keypad.Rows {
		add(row, fmt.Sprint("keypad row ", n+1), gpio.Low, "rests", "scans")
	}
	for n, column := range cfg.Keypad.Columns {
		add(column, fmt.Sprint("keypad column ", n+1), gpio.Low, "a key is down", "free")
	}
	for _, s := range cfg.Slots {
		add(s.Vend.Relay, s.ID+" relay", gpio.High, "on", "off")
		add(s.Vend.Drop, s.ID+" drop sensor", gpio.Low, "covered", "free")
		add(s.Vend.Home, s.ID+" home switch", gpio.Low, "at home", "in a turn")
		add(s.Vend.Opened, s.ID+" door contact", gpio.High, "open", "closed")
		add(s.Button, s.ID+" button", gpio.Low, "pressed", "free")
	}
	return all
}
