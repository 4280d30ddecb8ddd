package lockboard

import (
	"errors"
	"io"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

const driver, section = "lock", "lock_board" // in the config

// Config is the [slot.vend] of a locker behind the lock board.
type Config struct {
	Lock  int           // its number on the board, 1 to LocksMax
	Close time.Duration // how long the door may stand open
}

// Settings are the config's [lock_board].
type Settings struct {
	Device  string // path or pattern of its serial port; "" when no slot uses it
	Baud    int
	Address int // on the line, 0 to AddressMax
	OpenBit int // what its status says of a door that is open: 0 or 1
	Bytes   int // of its status: 2 or 4
}

// Default are the settings of a config that says nothing.
func Default() Settings { return Settings{Baud: 19200, OpenBit: 1, Bytes: 4} }

// Driver is how both are read.
func Driver() vend.Kind {
	return vend.Kind{Driver: driver, About: "a locker of a serial lock board (RS-485)",
		Key: "lock", Read: read, Section: section, Board: readBoard}
}

func read(slot, t vend.Table, _ time.Duration) vend.Config {
	var c Config
	vend.ReadPart(t, section, "lock", &c.Lock, 1, LocksMax)
	vend.ReadClose(t, &c.Close)
	slot.Need("max_on", `"20s"`, "how long the customer has to open the door")
	return c
}

func readBoard(t vend.Table, first string) vend.Board {
	s := Default()
	t.Port("device", &s.Device, nil)
	vend.ReadBaud(t, &s.Baud)
	t.Whole("address", &s.Address, 0, AddressMax)
	t.Whole("open_bit", &s.OpenBit, 0, 1)
	if t.Whole("status_bytes", &s.Bytes, 2, 4); s.Bytes == 3 {
		t.Fail("status_bytes", "3 is neither 2 nor 4: write what the board's manual shows between the command and 03")
	}
	vend.NeedDevice(t, first, driver)
	return s
}

// Board implements vend.Config.
func (c Config) Board() string { return section }

// Wires implements vend.Config: the board has them.
func (c Config) Wires(vend.Place) []wire.Wire { return nil }

// Open implements vend.Config.
func (c Config) Open(p vend.Place, m vend.Machine) (vend.Slot, error) {
	b, ok := m.Board.(*Bus)
	if !ok {
		return nil, errors.New("lockboard: a lock without a line: write [lock_board] device")
	}
	return &Lock{Bus: b, Number: c.Lock, MaxOn: p.MaxOn, Close: c.Close}, nil
}

// Name implements vend.Board.
func (s Settings) Name() string { return "Lock board" }

// Line implements vend.Board.
func (s Settings) Line() (device string, baud int) { return s.Device, s.Baud }

// Open implements vend.Board.
func (s Settings) Open(line func() (io.ReadWriteCloser, error), state func(error)) vend.Runner {
	return &Bus{Open: line, Speaks: CU16{s.Address, s.OpenBit, s.Bytes}, State: state}
}
