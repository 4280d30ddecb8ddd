package lockplate

import (
	"errors"
	"io"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/wire"
)

const driver, section = "lock_plate", "lock_plate" // in the config

// Config is the [slot.vend] of a locker behind such a board.
type Config struct {
	Lock  int           // its number on the board, 1 to LocksMax
	Close time.Duration // how long the door may stand open
}

// Settings are the config's [lock_plate].
type Settings struct {
	Device   string // path or pattern of its serial port; "" when no slot uses it
	Baud     int
	Address  int           // on the line, 1 to AddressMax
	OpenWord string        // what its status says of a door that is open: "11" or "00"
	Deaf     time.Duration // how long it says nothing after an unlock
}

// Default are the settings of a config that says nothing.
func Default() Settings { return Settings{Baud: 9600, Address: 1, OpenWord: "11", Deaf: time.Second} }

// Driver is how both are read.
func Driver() vend.Kind {
	return vend.Kind{Driver: driver, About: "a locker of a lock board whose commands begin with 8A",
		Read: read, Section: section, Board: readBoard}
}

func read(slot, t vend.Table, _ time.Duration) vend.Config {
	var c Config
	vend.ReadPart(t, section, "lock", &c.Lock, 1, LocksMax)
	vend.ReadClose(t, &c.Close)
	t.Need("lock", "3", "its number on the board")
	slot.Need("max_on", `"20s"`, "how long the customer has to open the door")
	return c
}

func readBoard(t vend.Table, first string) vend.Board {
	s := Default()
	t.Port("device", &s.Device, nil)
	vend.ReadBaud(t, &s.Baud)
	t.Whole("address", &s.Address, 1, AddressMax)
	t.Choice("open_word", &s.OpenWord, "11", "00")
	t.Duration("deaf", &s.Deaf, 0, DeafMax)
	vend.NeedDevice(t, first, driver)
	return s
}

// Board implements vend.Config.
func (c Config) Board() string { return section }

// Wires implements vend.Config: the board has them.
func (c Config) Wires(vend.Place) []wire.Wire { return nil }

// Open implements vend.Config.
func (c Config) Open(p vend.Place, m vend.Machine) (vend.Slot, error) {
	b, ok := m.Board.(*lockboard.Bus)
	if !ok {
		return nil, errors.New("lockplate: a lock without a line: write [lock_plate] device")
	}
	return &lockboard.Lock{Bus: b, Number: c.Lock, MaxOn: p.MaxOn, Close: c.Close}, nil
}

// Name implements vend.Board.
func (s Settings) Name() string { return "Lock plate" }

// Line implements vend.Board.
func (s Settings) Line() (device string, baud int) { return s.Device, s.Baud }

// Open implements vend.Board.
func (s Settings) Open(line func() (io.ReadWriteCloser, error), told func(error)) vend.Runner {
	return &lockboard.Bus{Open: line, Speaks: s.plate(), State: told}
}

func (s Settings) plate() Plate {
	p := Plate{Address: s.Address, Open: one, Silent: s.Deaf}
	if s.OpenWord == "00" {
		p.Open = other
	}
	return p
}
