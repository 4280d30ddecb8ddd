package world

import (
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/vend"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/vendtest"
	"kioskd/internal/config"
)

// A world in ten has lockers behind a lock board on a serial line, which holds a door free for a while and says which
// doors are open.

const (
	lockOn   = 4100 * time.Millisecond // how long the board holds a bolt back: less than the customer has
	lockSlow = 7137 * time.Microsecond // from the command to the coil
)

func lockered(cfg config.Config) config.Config {
	cfg.Slots = append([]config.Slot(nil), cfg.Slots...)
	for n := range cfg.Slots {
		cfg.Slots[n].MaxOn, cfg.Slots[n].Driver = 5*time.Second, "lock"
		cfg.Slots[n].Vend = lockboard.Config{Lock: 3 + n, Close: 3 * time.Second}
	}
	settings := lockboard.Default()
	settings.Device = "locks"
	cfg.Boards = map[string]vend.Board{"lock_board": settings}
	return cfg
}

// lockBoard is the board and its cable.
type lockBoard struct {
	*vendtest.LockBoard
	boardLine
}

// lockPins names the wires of a slot's locker behind the board.
func lockPins(slot string) (coil, contact string) { return "lock coil " + slot, "lock contact " + slot }

// newLockBoard wires the board to the world's lockers, if the machine has some.
func newLockBoard(w *world) *lockBoard {
	b := &lockBoard{}
	lockers := map[int]vendtest.Locker{}
	for _, s := range w.cfg.Slots {
		c, behind := s.Vend.(lockboard.Config)
		if !behind {
			continue
		}
		coil, contact := lockPins(s.ID)
		bolted, err := w.board.Pin(coil)
		if err != nil {
			panic(err) // the board was built from the same config
		}
		d, err := w.board.Pin(contact)
		if err != nil {
			panic(err)
		}
		bolt := boardPin{bolted, w, &b.boardLine}
		out := func(l gpio.Level) func() {
			return func() {
				if err := bolt.Out(l); err != nil {
					panic(err) // a simulated output never fails
				}
			}
		}
		lockers[c.Lock] = vendtest.Locker{
			Unlock: func() {
				time.AfterFunc(lockSlow, out(gpio.High))
				time.AfterFunc(lockSlow+lockOn, out(gpio.Low))
			},
			Open: func() bool { return d.Read() == gpio.High },
		}
	}
	if len(lockers) == 0 {
		return nil
	}
	b.LockBoard = vendtest.NewLockBoard(lockers)
	b.peer = b.LockBoard
	return b
}

// troubleAtTheLocks happens to the lock board and its line, for some time that a vend may well meet.
func (w *world) troubleAtTheLocks(visit string) {
	if w.locks != nil {
		w.troubleOnTheCable(visit, "locks", w.locks.LockBoard, &w.locks.boardLine)
	}
}

// calm is the end of the board's troubles.
func (b *lockBoard) calm() {
	if b == nil {
		return
	}
	b.plug(true)
	for _, kind := range vendtest.Troubles() {
		b.Trouble(kind, 0)
	}
}

// end pulls the cable for good.
func (b *lockBoard) end() {
	if b != nil {
		b.plug(false)
	}
}
