package mdb

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

const driver, section = "mdb", "mdb" // in the config

const (
	longestMin = 2 * time.Second // no machine delivers in less
	baudMin    = 1200
	baudMax    = 1000000
)

// Config is the [slot.vend] of a slot that the machine on the bus sells.
type Config struct {
	Product int // the machine's number of it, 0 to 65535
}

// Settings are the config's [mdb].
type Settings struct {
	Device  string        // of the bridge on the machine's bus; "" when no slot uses it
	Baud    int           // of the line
	Deny    string        // how a request is denied: DenyStop or DenyMinus
	Longest time.Duration // that the machine takes to deliver
}

// Default are the settings of a config that says nothing.
func Default() Settings { return Settings{Baud: 115200, Deny: DenyStop, Longest: time.Minute} }

// Driver is how both are read.
func Driver() vend.Kind {
	return vend.Kind{Driver: driver, About: "a product of a vending machine on its MDB bus, where the customer chooses",
		AtMachine: true, Read: read, Section: section, Board: readBoard}
}

func read(slot, t vend.Table, _ time.Duration) vend.Config {
	var c Config
	if t.Whole("product", &c.Product, 0, productMax) {
		if before, line := t.Once("product", fmt.Sprint("product ", c.Product)); before != "" {
			t.Fail("product", "%d is %s in line %d already: the machine has one product for each number", c.Product,
				before, line)
		}
	}
	t.Need("product", "10", "the machine's number of what it sells here")
	for _, key := range []string{"button", "max_on"} {
		if slot.Has(key) {
			slot.Fail(key, "is not for driver \"mdb\": the machine has its own keys, and stops its motors itself: "+
				"leave it out")
		}
	}
	return c
}

func readBoard(t vend.Table, first string) vend.Board {
	s := Default()
	t.Port("device", &s.Device, isDevice)
	t.Whole("baud", &s.Baud, baudMin, baudMax)
	t.Choice("deny", &s.Deny, DenyStop, DenyMinus)
	t.Duration("longest", &s.Longest, longestMin, LongestMax)
	if first != "" {
		t.Need("device", `"/dev/serial/by-id/usb-…"`,
			fmt.Sprintf("slot %s is sold by the machine at its other end", first))
	}
	return s
}

// isDevice is the rule of a serial device. The names under /dev/serial stay the same when something else is plugged in.
func isDevice(s string) string {
	if !strings.HasPrefix(s, "/dev/") || strings.HasSuffix(s, "/") {
		return fmt.Sprintf(
			"%.60q is no device: write its path, like \"/dev/serial/by-id/usb-…\" (ls -l /dev/serial/by-id shows them)",
			s)
	}
	return ""
}

// Board implements vend.Config.
func (c Config) Board() string { return section }

// Wires implements vend.Config: the machine has them.
func (c Config) Wires(vend.Place) []wire.Wire { return nil }

// Open implements vend.Config.
func (c Config) Open(_ vend.Place, m vend.Machine) (vend.Slot, error) {
	b, ok := m.Board.(*Bridge)
	if !ok {
		return nil, errors.New("mdb: a product without a bridge: write [mdb] device")
	}
	return b.Product(c.Product), nil
}

// Name implements vend.Board.
func (s Settings) Name() string { return "MDB machine" }

// Line implements vend.Board.
func (s Settings) Line() (device string, baud int) { return s.Device, s.Baud }

// Open implements vend.Board.
func (s Settings) Open(line func() (io.ReadWriteCloser, error), state func(error)) vend.Runner {
	return s.Bridge(line, state)
}

// Bridge is the bridge that Open makes. Who has it fills in the rest: what it sells in, and who is told of requests.
func (s Settings) Bridge(line func() (io.ReadWriteCloser, error), state func(error)) *Bridge {
	return &Bridge{Open: line, Deny: s.Deny, Longest: s.Longest, State: state}
}
