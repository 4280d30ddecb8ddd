package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Board is the serial board whose motors push products out (driver "board").
type Board struct {
	Device   string // path or pattern of its serial port; "" when no slot uses it
	Baud     int
	Resends  int  // of a command that the board does not acknowledge
	Elevator bool // products ride down in one
}

// LockBoard is the board on an RS-485 line whose locks free the doors of lockers (driver "lock").
type LockBoard struct {
	Device  string // path or pattern of its serial port; "" when no slot uses it
	Baud    int
	Address int // on the line, 0 to 15
	OpenBit int // what its status says of a door that is open: 0 or 1
	Bytes   int // of its status: 2 or 4
}

const (
	motorsMax  = 0xFFFF // the highest number that the board's protocol has room for
	locksMax   = 16     // locks of one lock board
	resendsMax = 20     // each takes a fifth of a second, for which a customer waits
)

// bauds are the speeds at which boards are sold.
var bauds = []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}

// baud reads the speed of a serial line.
func (t *table) baud(to *int) {
	v := *to
	if t.whole("baud", &v, bauds[0], bauds[len(bauds)-1]) && !slices.Contains(bauds, v) {
		t.fail("baud", "%d is no usual speed: write one of %s", v, strings.Trim(strings.ReplaceAll(fmt.Sprint(bauds), " ", ", "), "[]"))
		return
	}
	*to = v
}

// port reads the name of a serial port, or a pattern of one.
func (t *table) port(key string, to *string, r rule) {
	t.text(key, to, r)
	t.alone(key, *to)
}

// alone notes that a serial port is used, which nothing else may: by the same name, or by a pattern that fits it.
func (t *table) alone(key, device string) {
	if device == "" {
		return
	}
	for _, first := range t.doc.ports {
		if onePort(first.device, device) {
			t.fail(key, "%s is %s in line %d already: every board needs a port of its own (ls -l /dev/serial/by-id)", quote(device), first.key, first.line)
			return
		}
	}
	t.doc.ports = append(t.doc.ports, usedPort{place{dotted(t.path, key), t.lineOf(key)}, device})
}

// onePort reports whether two names or patterns can be read to mean one port. Links are not followed: the file may be checked on
// another computer.
func onePort(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	fits, _ := filepath.Match(a, b)
	back, _ := filepath.Match(b, a)
	return a == b || fits || back
}

func (t *table) board(b *Board) {
	t.port("device", &b.Device, isPath)
	t.baud(&b.Baud)
	t.whole("resends", &b.Resends, 0, resendsMax)
	t.flag("elevator", &b.Elevator)
}

func (t *table) lockBoard(b *LockBoard) {
	t.port("device", &b.Device, isPath)
	t.baud(&b.Baud)
	t.whole("address", &b.Address, 0, 15)
	t.whole("open_bit", &b.OpenBit, 0, 1)
	if t.whole("status_bytes", &b.Bytes, 2, 4); b.Bytes == 3 {
		t.fail("status_bytes", "3 is neither 2 nor 4: write what the board's manual shows between the command and 03")
	}
}

// boardSlot reads which part of a serial board a slot is.
func (t *table) boardSlot(v *Vend) {
	t.whole("motor", &v.Motor, 0, motorsMax)
	t.once("motor", v.Motor)
	t.whole("lock", &v.Lock, 1, locksMax)
	t.once("lock", v.Lock)
}

// once is a part of a board that no two slots may have.
func (t *table) once(key string, n int) {
	if !t.has(key) {
		return
	}
	part := fmt.Sprint(key, " ", n)
	if first, used := t.doc.wires[part]; used {
		t.fail(key, "%d is in line %d already: every slot needs a %s of its own", n, first.line, key)
		return
	}
	t.doc.wires[part] = place{dotted(t.path, key), t.lineOf(key)}
}

// boardsFor has each board that a slot uses named.
func boardsFor(slots []Slot, board, lockBoard *table) {
	need := func(section *table, uses func(v Vend) bool) {
		if i := slices.IndexFunc(slots, func(s Slot) bool { return uses(s.Vend) }); i >= 0 {
			section.need("device", `"/dev/serial/by-id/usb-…"`, fmt.Sprintf("slot %s has driver %q", slots[i].ID, slots[i].Vend.Driver))
		}
	}
	need(board, func(v Vend) bool { return v.Driver == "board" })
	need(lockBoard, func(v Vend) bool { return v.Lock > 0 })
}
