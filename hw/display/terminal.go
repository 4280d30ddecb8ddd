package display

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"rsc.io/qr"
)

// The size of a terminal: what a fresh one has, and a bound on the memory that a picture takes.
const (
	widthDefault, heightDefault = 80, 24
	widthMax, heightMax         = 1000, 400
)

// TerminalOptions say what a terminal can do. A size of zero is 80 columns and 24 rows.
type TerminalOptions struct {
	Width, Height int // columns and rows
	Colour        bool
}

// Terminal draws screens on a text terminal that knows UTF-8 and the VT100's cursor addressing, in place: it neither
// scrolls nor flickers, and writes nothing while the picture stays as it is. It needs the terminal for itself and hides
// its cursor, so Close belongs to every Terminal. With colour the QR code is black on white on every terminal; without,
// a terminal with light text on a dark background is assumed. Terminal may be used by several goroutines at once.
type Terminal struct {
	w io.Writer

	mu            sync.Mutex
	width, height int
	colour        bool
	screen        Screen // shown last, for Resize
	frame         []byte // what is on the terminal; nil: not known
	open          bool   // the terminal's modes are ours
}

// NewTerminal makes a driver that writes to w, each picture with one Write. Nothing is written before the first Show.
func NewTerminal(w io.Writer, o TerminalOptions) *Terminal {
	t := &Terminal{w: w, colour: o.Colour}
	t.setSize(o.Width, o.Height)
	return t
}

// Show draws a screen unless the picture is on the terminal already. A terminal too small for the screen is asked, in
// the customer's language, to be made larger, which is no error. It fails when w does or when the QR code is no QR
// code, and leaves the earlier picture standing in the latter case. After a failed write the next Show draws everything
// anew.
func (t *Terminal) Show(s Screen) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.show(s)
}

func (t *Terminal) show(s Screen) error {
	g, err := draw(s, t.width, t.height, t.colour)
	if err != nil {
		return err
	}
	frame := g.frame(t.colour)
	t.screen = s
	if bytes.Equal(frame, t.frame) {
		return nil
	}
	out := frame
	if !t.open {
		out = append([]byte(enter), frame...)
	}
	t.open, t.frame = true, frame
	if _, err := t.w.Write(out); err != nil {
		t.open, t.frame = false, nil
		return fmt.Errorf("display: terminal: %w", err)
	}
	return nil
}

// Resize says that the terminal has another size now (SIGWINCH), and draws the last screen anew. Its errors are Show's.
func (t *Terminal) Resize(width, height int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	shown := t.open
	t.setSize(width, height)
	t.open, t.frame = false, nil // clear: what the terminal made of the old picture is not known
	if !shown {
		return nil
	}
	return t.show(t.screen)
}

// Close gives the cursor, the wrapping and the colours back and leaves the last picture standing, so that a customer
// still reads it; the cursor ends on the line below. A Show after Close starts again.
func (t *Terminal) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return nil
	}
	t.open, t.frame = false, nil
	if _, err := fmt.Fprintf(t.w, "\x1b[%d;1H%s\r\n", t.height, leave); err != nil {
		return fmt.Errorf("display: terminal: %w", err)
	}
	return nil
}

func (t *Terminal) setSize(width, height int) {
	if width <= 0 || height <= 0 {
		width, height = widthDefault, heightDefault
	}
	t.width, t.height = min(width, widthMax), min(height, heightMax)
}

// draw makes the picture of a screen.
func draw(s Screen, width, height int, colour bool) (*grid, error) {
	c, g := Text(s), newGrid(width, height)
	g.header(c)
	g.footer(c, colour)
	if s.QR == "" || s.Kind != Idle && s.Kind != Scan {
		if width < columnsMin || height < rowsMin {
			return tooSmall(s.Language, width, height, columnsMin, rowsMin), nil
		}
		g.box(c, s.Turn)
		return g, nil
	}
	p, err := place(s.QR, width, height-2)
	if err != nil {
		return nil, err
	}
	if p.scale == 0 {
		return tooSmall(s.Language, width, height, p.width+panelMin+2*gap, p.height+2), nil
	}
	g.picture(c, p, s.Turn, colour)
	return g, nil
}

// tooSmall asks to make the terminal larger.
func tooSmall(language string, width, height, columns, rows int) *grid {
	g := newGrid(width, height)
	lines := wrap(fmt.Sprintf(wordsOf(language).Any.TooSmall, columns, rows), width)
	for i, line := range lines {
		g.put(0, max(0, height-len(lines))/2+i, line, inkTitle)
	}
	return g
}

// placed is a QR code and where it goes: beside the words or above them. With scale 0 there is no room for it; width
// and height are then those of its smallest form.
type placed struct {
	code          *qr.Code
	scale         int
	width, height int // cells
	beside        bool
}

// place finds the largest form of a QR code that leaves room for words in an area of cells: beside them if possible,
// and with more error correction (M) rather than less (L).
func place(text string, width, height int) (placed, error) {
	var p placed
	for _, beside := range []bool{true, false} {
		for _, level := range []qr.Level{qr.M, qr.L} {
			code, err := encodeQR(text, level)
			if err != nil {
				return placed{}, err
			}
			for scale := scaleMax; scale > 0; scale-- {
				w, h := qrCells(code.Size, scale)
				p = placed{code, scale, w, h, beside}
				if beside && w+panelMin+2*gap <= width && h <= height || !beside && w <= width && h+underMin <= height {
					return p, nil
				}
			}
		}
	}
	p.scale = 0
	return p, nil
}
