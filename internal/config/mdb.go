package config

import (
	"fmt"
	"strings"
	"time"
)

// MDB is the serial line to a vending machine that chooses and delivers by itself. It is empty when no slot has the driver "mdb".
type MDB struct {
	Device  string        // of the bridge on the machine's bus
	Baud    int           // of the line
	Deny    string        // how a request is denied: "stop" or "-1"
	Longest time.Duration // that the machine takes to deliver
}

// mdb reads [mdb].
func (t *table) mdb(m *MDB) {
	t.port("device", &m.Device, isDevice)
	t.whole("baud", &m.Baud, 1200, 1000000)
	t.choice("deny", &m.Deny, []string{"stop", "-1"}, nil)
	t.duration("longest", &m.Longest, 2*time.Second, 3*time.Minute)
}

// isDevice is the rule of a serial device. The names under /dev/serial stay the same when something else is plugged in.
func isDevice(s string) string {
	if !strings.HasPrefix(s, "/dev/") || strings.HasSuffix(s, "/") {
		return fmt.Sprintf("%s is no device: write its path, like \"/dev/serial/by-id/usb-…\" (ls -l /dev/serial/by-id shows them)", quote(s))
	}
	return ""
}

// product reads the machine's number of a slot whose driver is "mdb".
func (t *table) product(v *Vend) {
	if !t.whole("product", &v.Product, 0, 65535) || v.Driver != "mdb" {
		return
	}
	number := fmt.Sprintf("product %d", v.Product)
	here := place{dotted(t.path, "product"), t.lineOf("product")}
	if first, used := t.doc.wires[number]; used {
		t.fail("product", "%d is %s in line %d already: the machine has one product for each number", v.Product, first.key, first.line)
		return
	}
	t.doc.wires[number] = here
}

// atMachine holds what a slot needs that the machine itself sells.
func (t *table) atMachine(vend *table) {
	vend.need("product", "10", "the machine's number of what it sells here")
	for _, key := range []string{"button", "max_on"} {
		if t.has(key) {
			t.fail(key, "is not for driver \"mdb\": the machine has its own keys, and stops its motors itself: leave it out")
		}
	}
	vend.leaveOut("relay", "drop", "home", "retry_turn", "opened", "pulse", "close", "motor", "lock")
}

// machines holds what a config needs whose products a machine on the bus sells.
func (t *table) machines(c *Config, slots *table) {
	for _, s := range c.Slots {
		if s.Vend.Driver != "mdb" {
			continue
		}
		t.need("device", `"/dev/serial/by-id/usb-…"`, fmt.Sprintf("slot %s is sold by the machine at its other end", s.ID))
		if c.Payment.Flow != Reservation {
			slots.fail("slot", "%s has driver \"mdb\", with which the customer chooses after the payment is reserved: write payment.flow = %q", s.ID, Reservation)
		}
		return
	}
}
