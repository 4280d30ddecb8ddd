package board

import (
	"errors"
	"io"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

const driver, section = "board", "board" // in the config

// Config is the [slot.vend] of a slot with driver "board".
type Config struct {
	Motor int // its number on the board, 0 to MotorMax
}

// Settings are the config's [board].
type Settings struct {
	Device   string // path or pattern of its serial port; "" when no slot uses it
	Baud     int
	Resends  int  // of a command that the board does not acknowledge
	Elevator bool // products ride down in one
}

// Default are the settings of a config that says nothing.
func Default() Settings { return Settings{Baud: 57600, Resends: ResendsDefault} }

// Driver is how both are read.
func Driver() vend.Kind {
	return vend.Kind{Driver: driver, About: "a motor of a serial motor board, which has a sensor of its own",
		Read: read, Section: section, Board: readBoard}
}

func read(slot, t vend.Table, _ time.Duration) vend.Config {
	var c Config
	vend.ReadPart(t, section, "motor", &c.Motor, 0, MotorMax)
	t.Need("motor", "12", "its number on the board")
	slot.Need("max_on", `"5s"`, "how long the board runs the motor for one product")
	return c
}

func readBoard(t vend.Table, first string) vend.Board {
	s := Default()
	t.Port("device", &s.Device, nil)
	vend.ReadBaud(t, &s.Baud)
	t.Whole("resends", &s.Resends, 0, ResendsMax)
	t.Flag("elevator", &s.Elevator)
	vend.NeedDevice(t, first, driver)
	return s
}

// Board implements vend.Config.
func (c Config) Board() string { return section }

// Wires implements vend.Config: the board has them.
func (c Config) Wires(vend.Place) []wire.Wire { return nil }

// Open implements vend.Config.
func (c Config) Open(p vend.Place, m vend.Machine) (vend.Slot, error) {
	l, ok := m.Board.(*Line)
	if !ok {
		return nil, errors.New("board: a motor without a line: write [board] device")
	}
	return &Slot{Line: l, Motor: c.Motor, MaxOn: p.MaxOn}, nil
}

// Name implements vend.Board.
func (s Settings) Name() string { return "Motor board" }

// Line implements vend.Board.
func (s Settings) Line() (device string, baud int) { return s.Device, s.Baud }

// Open implements vend.Board.
func (s Settings) Open(line func() (io.ReadWriteCloser, error), state func(error)) vend.Runner {
	return &Line{Open: line, Resends: s.Resends, Elevator: s.Elevator, State: state}
}
