package vend

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/wire"
)

// OnMin is the shortest MaxOn that a config may say: nothing moves in less.
const OnMin = 50 * time.Millisecond

// Kind is one kind of slot: how its part of the config is read. What is read says the rest (see Config). Each kind is a
// package below this one.
type Kind struct {
	Driver string // [slot.vend] driver
	About  string // what it is, in a few words for somebody who chooses one
	// a key of [slot.vend] that tells this kind from the other of the same driver; "": it is the one without
	Key       string
	AtMachine bool // the customer chooses at the machine itself, after the payment is reserved
	// Read reads a slot from its [[slot]] and its [slot.vend], and tells the tables what is wrong.
	Read func(slot, vend Table, maxOn time.Duration) Config

	Section string // of the config, about the board that all slots of this kind share; "": they share none
	// Board reads that section. First is the id of the first slot that needs the board, "" when none does. Nil without
	// a Section.
	Board func(section Table, first string) Board
}

// Config is what the config says of one slot, as its kind has read it.
type Config interface {
	// Board is the section of the board that the slot needs; "": none.
	Board() string
	// Wires are the pins that it needs.
	Wires(p Place) []wire.Wire
	// Open makes the slot.
	Open(p Place, m Machine) (Slot, error)
}

// Board is what the config says of a board that slots share.
type Board interface {
	// Name is what a technician calls it.
	Name() string
	// Line is its serial line.
	Line() (device string, baud int)
	// Open makes the board. It opens no line before it runs; state is told, without waiting, why the board is not
	// there, and nil when it is.
	Open(line func() (io.ReadWriteCloser, error), state func(error)) Runner
}

// Runner is a board that slots share, at work.
type Runner interface {
	// Run keeps the line to it open until ctx ends.
	Run(ctx context.Context)
}

// Place is a slot of the machine, as far as every kind has it.
type Place struct {
	Slot  string        // its id
	MaxOn time.Duration // [[slot]] max_on
}

// Machine is what a slot is opened on.
type Machine struct {
	Pins interface {
		Output(name string) (gpio.PinOut, error)
		Input(name string) (gpio.PinIn, error)
	}
	Board Runner // of the slot's section; nil: it has none
}

// Table is a table of the config while it is read. What is wrong it notes itself, with the line.
type Table interface {
	// Has reports whether the key is there.
	Has(key string) bool
	// Need complains of a key that is not there. Example is its value as TOML, why may be empty.
	Need(key, example, why string)
	// Fail complains of a key.
	Fail(key, format string, args ...any)
	// Pin reads the name of a pin, which nothing else may use.
	Pin(key string, to *string)
	// Port reads the name of a serial port, or a pattern of one, which nothing else may use. The rule, which may be
	// nil, says what is wrong with a text and what to write instead, or "".
	Port(key string, to *string, rule func(string) string)
	// Duration reads a length of time.
	Duration(key string, to *time.Duration, least, most time.Duration)
	// Whole reads a whole number, and reports whether there was one in its range.
	Whole(key string, to *int, least, most int) bool
	// Flag reads true or false.
	Flag(key string, to *bool)
	// Choice reads one of the words.
	Choice(key string, to *string, words ...string)
	// Once notes that a part is this slot's, "motor 12", and answers which key had it before, and in which line; "":
	// none.
	Once(key, part string) (before string, line int)
}

// bauds are the speeds at which boards are sold.
func bauds() []int {
	return []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}
}

// ReadBaud reads the speed of a serial line at which boards are sold.
func ReadBaud(t Table, to *int) {
	v, all := *to, bauds()
	if t.Whole("baud", &v, all[0], all[len(all)-1]) && !slices.Contains(all, v) {
		t.Fail("baud", "%d is no usual speed: write one of %s", v,
			strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ", "), "[]"))
		return
	}
	*to = v
}

// ReadPart reads the number of a motor or a lock on the board of a section, which no two slots may have.
func ReadPart(t Table, section, key string, to *int, least, most int) {
	if t.Whole(key, to, least, most); !t.Has(key) {
		return
	}
	if before, line := t.Once(key, fmt.Sprint(section, " ", key, " ", *to)); before != "" {
		t.Fail(key, "%d is in line %d already: every slot needs a %s of its own", *to, line, key)
	}
}

// ReadClose reads how long a locker's door may stand open.
func ReadClose(t Table, to *time.Duration) {
	*to = CloseDefault
	t.Duration("close", to, closeMin, CloseMax)
}

// closeMin is the least that a customer gets to close a door.
const closeMin = time.Second

// NeedDevice has the board that a slot needs named.
func NeedDevice(section Table, first, driver string) {
	if first != "" {
		section.Need("device", `"/dev/serial/by-id/usb-…"`, fmt.Sprintf("slot %s has driver %q", first, driver))
	}
}
