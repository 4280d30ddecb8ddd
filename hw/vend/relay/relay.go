// Package relay is the kind of slot whose motor is behind a relay, with a drop sensor, and perhaps a home switch:
// driver "relay".
package relay

import (
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// Config is such a slot's [slot.vend].
type Config struct {
	Relay     string // pin of the motor's relay
	Drop      string // pin of the sensor that sees the product fall
	Home      string // pin of the switch that the spiral closes once a turn, or ""
	RetryTurn bool   // with Home: one more turn when a whole one pushed nothing out
}

// Driver is how it is read.
func Driver() vend.Kind {
	return vend.Kind{Driver: "relay", About: "a motor behind a relay, and a sensor that sees the product fall", Read: read}
}

func read(slot, t vend.Table, _ time.Duration) vend.Config {
	var c Config
	t.Pin("relay", &c.Relay)
	t.Pin("drop", &c.Drop)
	t.Pin("home", &c.Home)
	if t.Flag("retry_turn", &c.RetryTurn); c.RetryTurn {
		t.Need("home", `"GPIO4"`, "retry_turn = true needs the switch that says that there was a whole turn")
	}
	t.Need("relay", `"GPIO17"`, "")
	t.Need("drop", `"GPIO27"`, "without a sensor nobody knows what came out")
	slot.Need("max_on", `"3s"`, "the longest that the motor may run for one product")
	return c
}

// Board implements vend.Config.
func (c Config) Board() string { return "" }

// Wires implements vend.Config.
func (c Config) Wires(p vend.Place) []wire.Wire {
	return []wire.Wire{
		{Pin: c.Relay, Slot: p.Slot, Role: wire.Motor, MaxOn: p.MaxOn},
		{Pin: c.Drop, Slot: p.Slot, Role: wire.Drop},
		{Pin: c.Home, Slot: p.Slot, Role: wire.Home},
	}
}

// Open implements vend.Config.
func (c Config) Open(p vend.Place, m vend.Machine) (vend.Slot, error) {
	r := &vend.Relay{MaxOn: p.MaxOn, RetryTurn: c.RetryTurn}
	var err error
	if r.Motor, err = m.Pins.Output(c.Relay); err != nil {
		return nil, err
	}
	if r.Drop, err = m.Pins.Input(c.Drop); err != nil {
		return nil, err
	}
	if c.Home != "" {
		if r.Home, err = m.Pins.Input(c.Home); err != nil {
			return nil, err
		}
	}
	return r, nil
}
