package display

import (
	"bytes"
	"fmt"
)

// ink is what a cell is drawn with.
type ink uint8

const (
	inkText  ink = iota
	inkTitle     // what to do
	inkDim       // what matters less
	inkKey       // slots, the countdown, the current phase: what the eye should find
	inkGood
	inkFailed
	inkBar  // the header
	inkMark // the test mark
	inkQR   // black on white, whatever the terminal's own colours are
	inks    // their number
)

// sgr gives each ink's escape sequence. Foreground and background are both set, from the 256-colour cube that no
// terminal's theme changes, so that the screen looks the same, and its QR code scans, on a dark and on a light
// terminal.
var sgr = [inks]string{
	inkText:   "\x1b[0;38;5;254;48;5;234m",
	inkTitle:  "\x1b[0;1;38;5;231;48;5;234m",
	inkDim:    "\x1b[0;38;5;246;48;5;234m",
	inkKey:    "\x1b[0;1;38;5;221;48;5;234m",
	inkGood:   "\x1b[0;1;38;5;120;48;5;234m",
	inkFailed: "\x1b[0;1;38;5;216;48;5;234m",
	inkBar:    "\x1b[0;1;38;5;231;48;5;24m",
	inkMark:   "\x1b[0;1;38;5;16;48;5;221m",
	inkQR:     "\x1b[0;38;5;16;48;5;231m",
}

// The control sequences that a terminal is given besides sgr; all of them are in ECMA-48 or as old as the VT100.
const (
	enter = "\x1b[?25l\x1b[?7l\x1b[H\x1b[J" // cursor hidden, no wrapping at the right edge, home, clear to the end
	leave = "\x1b[0m\x1b[?7h\x1b[?25h"      // the reverse
)

// grid is the picture of one screen, in character cells.
type grid struct {
	width, height int
	cells         []cell // row by row
}

type cell struct {
	r   rune // 0 behind a wide rune
	ink ink
}

func newGrid(width, height int) *grid {
	g := &grid{width, height, make([]cell, width*height)}
	for i := range g.cells {
		g.cells[i].r = ' '
	}
	return g
}

// put writes a clean text from column x of row y on, and gives the column after it. What does not fit in the row is
// left out.
func (g *grid) put(x, y int, text string, k ink) int {
	if y < 0 || y >= g.height {
		return x
	}
	for _, r := range text {
		if r == noBreak {
			r = ' ' // a console's font may lack it
		}
		w := runeWidth(r)
		if x < 0 || x+w > g.width {
			break
		}
		g.cells[y*g.width+x] = cell{r, k}
		if w == 2 {
			g.cells[y*g.width+x+1] = cell{0, k}
		}
		x += w
	}
	return x
}

// fill gives a whole row one ink.
func (g *grid) fill(y int, k ink) {
	for x := range g.width {
		g.put(x, y, " ", k)
	}
}

// frame is what repaints the whole picture in place. Each row is addressed and painted to its end, so nothing scrolls
// and nothing is erased before it is painted.
func (g *grid) frame(colour bool) []byte {
	var b bytes.Buffer
	for y := range g.height {
		fmt.Fprintf(&b, "\x1b[%d;1H", y+1)
		last := inks
		for x, c := range g.cells[y*g.width : (y+1)*g.width] {
			if colour && c.ink != last {
				b.WriteString(sgr[c.ink])
				last = c.ink
			}
			if c.r == 0 {
				fmt.Fprintf(&b, "\x1b[%dG", x+2) // a terminal may think otherwise of the wide rune's width
				continue
			}
			b.WriteRune(c.r)
		}
		if colour {
			b.WriteString("\x1b[0m")
		}
	}
	return b.Bytes()
}
