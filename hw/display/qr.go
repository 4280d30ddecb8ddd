package display

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

const (
	quiet    = 4   // modules of light border that ISO/IEC 18004 asks for around a QR code
	qrMax    = 300 // bytes in a QR code: Glase's are about 50, and a longer one would not fit a usual terminal
	scaleMax = 4   // cells per module, on the largest terminals
)

// encodeQR gives the QR code of a text, with the quiet zone still to be drawn around it.
func encodeQR(text string, level qr.Level) (*qr.Code, error) {
	if len(text) > qrMax {
		return nil, fmt.Errorf("display: a QR code of %d bytes, want at most %d", len(text), qrMax)
	}
	code, err := qr.Encode(text, level)
	if err != nil {
		return nil, fmt.Errorf("display: QR code: %w", err)
	}
	return code, nil
}

// qrCells is the size of a QR code of size modules in cells, each of which holds two modules one above the other.
func qrCells(size, scale int) (width, height int) {
	n := (size + 2*quiet) * scale
	return n, (n + 1) / 2
}

// putQR draws a QR code with half blocks. With colour they are black ink on white. Without colour nothing can be set,
// and the usual terminal is light on dark: there the light modules are drawn and the dark ones left out. On a terminal
// that is dark on light such a code comes out inverted, and not every phone reads it: use colour there.
func (g *grid) putQR(x, y int, code *qr.Code, scale int, colour bool) {
	glyphs := [4]string{" ", "▀", "▄", "█"} // by which half is inked: 1 the upper, 2 the lower
	width, height := qrCells(code.Size, scale)
	for row := range height {
		for col := range width {
			inked := 0
			for half := range 2 {
				// Outside of its modules a Code is white, which makes the quiet zone.
				if code.Black(col/scale-quiet, (2*row+half)/scale-quiet) == colour {
					inked |= 1 << half
				}
			}
			g.put(x+col, y+row, glyphs[inked], inkQR)
		}
	}
}

// QRLines draws a QR code in lines, for a terminal that scrolls: the cursor is not addressed. With colour it is black
// on white on every terminal; without, a terminal with light text on a dark background is assumed.
func QRLines(text string, colour bool) (string, error) {
	code, err := encodeQR(text, qr.M)
	if err != nil {
		return "", err
	}
	width, height := qrCells(code.Size, 1)
	g := newGrid(width, height)
	g.putQR(0, 0, code, 1, colour)
	var b strings.Builder
	for y := range height {
		if colour {
			b.WriteString(sgr[inkQR])
		}
		for _, c := range g.cells[y*width : (y+1)*width] {
			b.WriteRune(c.r)
		}
		if colour {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
