package simboard

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"periph.io/x/conn/v3/gpio"
)

// Keypad is how a matrix of keys is wired.
type Keypad struct {
	Rows    []string // outputs: Low pulls the row down, High lets it go
	Columns []string // inputs: Low while a key connects the column to a row that is pulled down
	Keys    []string // what is printed on the keys: a text per row, a character per column
}

// keyPrefix begins the name of a key's button: "key 5".
const keyPrefix = "key "

// matrix is the keypad. Its field down is guarded by board.mu.
type matrix struct {
	rows, columns []*pin
	down          [][]bool // by row and column
}

func (b *Board) addKeypad(k Keypad) error {
	if len(k.Keys) != len(k.Rows) {
		return fmt.Errorf("simboard: a keypad of %d rows has keys for %d: write a text for each", len(k.Rows),
			len(k.Keys))
	}
	if slices.Contains(slices.Concat(k.Rows, k.Columns), "") {
		return errors.New("simboard: a wire of the keypad has no pin")
	}
	m := &b.keypad
	for _, name := range k.Columns {
		p, err := b.addPin(name, "keypad's column")
		if err != nil {
			return err
		}
		m.columns = append(m.columns, p)
	}
	for r, name := range k.Rows {
		p, err := b.addPin(name, "keypad's row")
		if err != nil {
			return err
		}
		if n := utf8.RuneCountInString(k.Keys[r]); n != len(k.Columns) {
			return fmt.Errorf("simboard: the keypad's row %q has %d keys: %d columns are wired", k.Keys[r], n,
				len(k.Columns))
		}
		p.row = true
		m.rows, m.down = append(m.rows, p), append(m.down, make([]bool, len(k.Columns)))
		for c, key := range []rune(k.Keys[r]) {
			name := keyPrefix + string(key)
			if b.buttons[name] != nil {
				return fmt.Errorf("simboard: the keypad has two keys %q", key)
			}
			b.buttons[name] = &button{set: func(l gpio.Level) {
				m.down[r][c] = l == gpio.Low
				b.scan()
			}}
		}
	}
	return nil
}

// scan sets the columns as the keys and the rows stand. Called with the board locked.
func (b *Board) scan() {
	m := &b.keypad
	row, column := make([]bool, len(m.rows)), make([]bool, len(m.columns)) // pulled down
	for r, p := range m.rows {
		row[r] = p.out && p.level == gpio.Low
	}
	for more := true; more; { // through the keys, from rows to columns and back
		more = false
		for r, keys := range m.down {
			for c, down := range keys {
				if down && row[r] != column[c] {
					row[r], column[c], more = true, true, true
				}
			}
		}
	}
	for c, p := range m.columns {
		p.contact(gpio.Level(!column[c]))
	}
}
