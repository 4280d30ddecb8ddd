// Package lock is the kind of slot that is a locker with its bolt behind a relay and a contact at its door: driver
// "lock".
package lock

import (
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// Config is such a locker's [slot.vend].
type Config struct {
	Relay  string        // pin of the relay of the lock's coil
	Opened string        // pin of the door's contact, Low while the door is closed
	Pulse  time.Duration // how long the coil is on; 0 for as long as the customer has, which is the slot's max_on
	Close  time.Duration // how long the door may stand open
}

const (
	pulseMin = 50 * time.Millisecond // no bolt is faster
	pulseMax = 5 * time.Second       // what needs longer is no pulse
)

// Driver is how it is read.
func Driver() vend.Kind {
	return vend.Kind{Driver: "lock", About: "a locker, with its bolt behind a relay and a contact at its door", Read: read}
}

func read(slot, t vend.Table, maxOn time.Duration) vend.Config {
	var c Config
	t.Pin("relay", &c.Relay)
	t.Pin("opened", &c.Opened)
	t.Duration("pulse", &c.Pulse, pulseMin, pulseMax)
	if c.Pulse >= maxOn && c.Pulse > 0 && maxOn > 0 {
		t.Fail("pulse", "%q is not less than the slot's max_on, %q, which is how long the customer has to open the "+
			"door: "+
			"lower the one or raise the other", c.Pulse.String(), maxOn.String())
	}
	vend.ReadClose(t, &c.Close)
	slot.Need("max_on", `"20s"`, "how long the customer has to open the door")
	t.Need("relay", `"GPIO17"`, "")
	t.Need("opened", `"GPIO27"`, "without a contact at the door nobody knows whether it was opened")
	return c
}

// Board implements vend.Config.
func (c Config) Board() string { return "" }

// Wires implements vend.Config.
func (c Config) Wires(p vend.Place) []wire.Wire {
	bolt := wire.Wire{Pin: c.Relay, Slot: p.Slot, Role: wire.Bolt, MaxOn: p.MaxOn}
	if c.Pulse > 0 {
		bolt.Role, bolt.MaxOn = wire.Latch, c.Pulse
	}
	return []wire.Wire{bolt, {Pin: c.Opened, Slot: p.Slot, Role: wire.DoorContact}}
}

// Open implements vend.Config.
func (c Config) Open(p vend.Place, m vend.Machine) (vend.Slot, error) {
	l := &vend.Lock{MaxOn: p.MaxOn, Pulse: c.Pulse, Close: c.Close}
	var err error
	if l.Coil, err = m.Pins.Output(c.Relay); err != nil {
		return nil, err
	}
	if l.Opened, err = m.Pins.Input(c.Opened); err != nil {
		return nil, err
	}
	return l, nil
}
