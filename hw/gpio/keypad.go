package gpio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	periph "periph.io/x/conn/v3/gpio"
)

const (
	// KeypadMax is the most rows, and the most columns, of a keypad: twice the usual 4 by 4.
	KeypadMax = 8
	// until a column that was let go is High again: a pull-up of 50 kΩ and some metres of cable
	rowSettle = time.Millisecond
)

// Keypad is a matrix of keys. Its rows rest at Low, so that any key pulls its column down and wakes the scan; while it
// scans one row is Low and the others are let go. It sleeps while nothing moves, also while a key is held.
//
// Rows must be open drain (High lets the wire go): two keys at once connect two rows with each other.
type Keypad struct {
	Rows    []periph.PinOut // Low selects the row
	Columns []periph.PinIn  // Low while a key connects the column to a selected row
	Keys    []string        // what is printed on the keys: a text per row, a character per column
	Hold    time.Duration   // how long a column must stand still to count: 20 to 50 ms
}

// Check says what is wrong with the fields, with the remedy.
func (k *Keypad) Check() error {
	switch {
	case len(k.Rows) == 0 || len(k.Rows) > KeypadMax || len(k.Columns) == 0 || len(k.Columns) > KeypadMax:
		return fmt.Errorf("gpio: a keypad of %d rows and %d columns: name 1 to %d pins of each", len(k.Rows),
			len(k.Columns), KeypadMax)
	case len(k.Keys) != len(k.Rows):
		return fmt.Errorf("gpio: a keypad of %d rows has keys for %d: write a text for each row", len(k.Rows),
			len(k.Keys))
	case k.Hold <= 2*rowSettle*KeypadMax: // a scan must be no change of a column
		return fmt.Errorf("gpio: a keypad that holds still for %s: write 20ms to 50ms", k.Hold)
	}
	for _, keys := range k.Keys {
		if n := utf8.RuneCountInString(keys); n != len(k.Columns) {
			return fmt.Errorf("gpio: a keypad of %d columns has %d keys in the row %.40q: write a character for each",
				len(k.Columns), n, keys)
		}
	}
	return nil
}

// column is what a column says.
type column struct {
	n     int
	level periph.Level
}

// Follow tells each key that goes down while no other is, once, however long it stays there, until ctx ends or a pin
// fails. A key that is down at the start is no press, and a stuck one silences the others. It owns the pins while it
// runs, and tell is called from its goroutine alone. It returns ctx's error, or why the keypad can be followed no
// longer.
func (k *Keypad) Follow(ctx context.Context, tell func(key rune)) error {
	if err := k.Check(); err != nil {
		return err
	}
	if err := k.rest(); err != nil {
		return err
	}
	watching, stop := context.WithCancelCause(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer stop(nil)
	moved := make(chan column)
	for n, pin := range k.Columns {
		watchers.Go(func() {
			err := Watch(watching, pin, k.Hold, func(l periph.Level) {
				select {
				case moved <- column{n, l}:
				case <-watching.Done():
				}
			})
			stop(err) // the first one counts
		})
	}
	known := make([]bool, len(k.Columns)) // each column tells first how it stands
	for {
		select {
		case c := <-moved:
			if first := !known[c.n]; first || c.level == periph.High {
				known[c.n] = true
				continue
			}
			key, err := k.scan(c.n)
			if err != nil {
				return err
			}
			if key != 0 {
				tell(key)
			}
		case <-watching.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return context.Cause(watching)
		}
	}
}

// scan finds the one key that is down, in that column; 0: there is none, or more than one.
func (k *Keypad) scan(column int) (key rune, err error) {
	defer func() { err = errors.Join(err, k.rest()) }()
	if err := k.set(periph.High, k.Rows...); err != nil {
		return 0, err
	}
	keys := 0
	for r, row := range k.Rows {
		if err := k.set(periph.Low, row); err != nil {
			return 0, err
		}
		time.Sleep(rowSettle)
		for c, pin := range k.Columns {
			if pin.Read() == periph.Low {
				if keys++; c == column {
					key = []rune(k.Keys[r])[c]
				}
			}
		}
		if err := k.set(periph.High, row); err != nil {
			return 0, err
		}
		time.Sleep(rowSettle)
	}
	if keys != 1 {
		return 0, nil
	}
	return key, nil
}

// rest selects all rows.
func (k *Keypad) rest() error { return k.set(periph.Low, k.Rows...) }

func (k *Keypad) set(l periph.Level, rows ...periph.PinOut) error {
	for _, row := range rows {
		if err := row.Out(l); err != nil {
			return fmt.Errorf("gpio: keypad's row %s: %w", row.Name(), err)
		}
	}
	return nil
}
