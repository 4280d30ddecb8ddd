package display

import (
	"fmt"
	"strings"
)

// Measures of the layout, in cells. The least sizes hold what compose never leaves out, whatever the texts are.
const (
	gap        = 2  // columns between the QR code, the words and the edges
	panelMin   = 24 // columns of words beside a QR code
	panelMax   = 60 // the same at most: longer lines are hard to read
	underMin   = 9  // rows of words under a QR code
	columnsMin = 40 // of a terminal, for a screen without a QR code
	rowsMin    = 14
	boxMax     = 64 // columns of a box
	entryMin   = 27 // columns of a price list's column
	listMin    = 3  // rows of a price list, below which blank lines go first
)

// row is one line of words, in pieces of an ink each.
type row []piece

type piece struct {
	text string
	ink  ink
}

// header draws the machine's name, and the test mark at the right.
func (g *grid) header(c Wording) {
	g.fill(0, inkBar)
	right := g.width - 1
	if c.Test != "" {
		mark := " " + c.Test + " "
		right = max(0, g.width-textWidth(mark))
		g.put(right, 0, mark, inkMark)
	}
	g.put(1, 0, truncate(c.Machine, right-2), inkBar)
}

// footer draws the four phases with the current one lit, small: it is for technicians. Where there is no room for all
// of them it draws the current one.
func (g *grid) footer(c Wording, colour bool) {
	const arrow = " → "
	var line row
	width := 2
	for i, name := range c.Phases {
		k := inkDim
		if i == c.Phase {
			k = inkKey
			if !colour {
				name = "[" + name + "]"
			}
		}
		if i > 0 {
			line = append(line, piece{arrow, inkDim})
			width += textWidth(arrow)
		}
		line = append(line, piece{name, k})
		width += textWidth(name)
	}
	if width > g.width {
		line = row{{truncate(c.Phases[c.Phase], g.width-2), inkKey}}
	}
	g.write(1, g.height-1, line)
}

func (g *grid) write(x, y int, r row) {
	for _, p := range r {
		x = g.put(x, y, p.text, p.ink)
	}
}

// picture draws a QR code and the words beside or below it.
func (g *grid) picture(c Wording, p placed, colour bool) {
	qrX, qrY := (g.width-p.width)/2, 1
	x, y := gap, 1+p.height
	width, height := min(g.width-2*gap, panelMax), g.height-2-p.height
	if p.beside {
		width, height = min(g.width-p.width-2*gap, panelMax), g.height-2
		qrX = (g.width - p.width - gap - width) / 2
		qrY = 1 + (height-p.height)/2
		x = qrX + p.width + gap
	}
	rows := compose(c, width, height)
	if p.beside {
		y = 1 + (height-len(rows))/2
	}
	g.putQR(qrX, qrY, p.code, p.scale, colour)
	for i, r := range rows {
		g.write(x, y+i, r)
	}
}

// box draws the words in a box in the middle.
func (g *grid) box(c Wording) {
	width := min(g.width-2, boxMax)
	rows := compose(c, width-6, g.height-4)
	pad := 0
	if g.height-4 >= len(rows)+2 {
		pad = 1
	}
	k := toneInk(c.Tone)
	x, y := (g.width-width)/2, (g.height-len(rows)-2-2*pad)/2
	bar := strings.Repeat("─", width-2)
	g.put(x, y, "┌"+bar+"┐", k)
	bottom := y + len(rows) + 2*pad + 1
	for i := y + 1; i < bottom; i++ {
		g.put(x, i, "│", k)
		g.put(x+width-1, i, "│", k)
	}
	g.put(x, bottom, "└"+bar+"┘", k)
	for i, r := range rows {
		g.write(x+3, y+1+pad+i, r)
	}
}

func toneInk(t Tone) ink {
	switch t {
	case Good:
		return inkGood
	case Failed:
		return inkFailed
	}
	return inkTitle
}

// compose lays the words out in an area. When room is short, blank lines go first, then the hint, the list, and at last
// the explaining lines; the title, the notice, the countdown and the support line always stay, cut to a few rows each.
func compose(c Wording, width, height int) []row {
	title := paragraph(c.Title, width, 2, toneInk(c.Tone))
	var lines []row
	for _, l := range c.Lines {
		lines = append(lines, paragraph(l, width, 4, inkText)...)
	}
	notice, left := paragraph(c.Notice, width, 3, inkFailed), paragraph(c.Time, width, 1, inkKey)
	hint, support := paragraph(c.Hint, width, 3, inkDim), paragraph(c.Support, width, 3, inkKey)

	listLeast := make([]row, min(len(c.List), listMin))
	for _, blank := range []bool{true, false} {
		tail := join(false, notice, left, hint, support)
		if rest := height - len(join(blank, title, lines, listLeast, tail)); rest >= 0 {
			return join(blank, title, lines, entries(c, width, len(listLeast)+rest), tail)
		}
	}
	tail := join(false, notice, left, support)
	if rest := height - len(join(false, title, lines, listLeast, tail)); rest >= 0 {
		return join(false, title, lines, entries(c, width, len(listLeast)+rest), tail)
	}
	if rows := join(false, title, lines, tail); len(rows) <= height {
		return rows
	}
	return join(false, title, tail)
}

// join puts parts that are not empty below each other, with a blank row between them.
func join(blank bool, parts ...[]row) []row {
	var rows []row
	for _, part := range parts {
		if blank && len(rows) > 0 && len(part) > 0 {
			rows = append(rows, nil)
		}
		rows = append(rows, part...)
	}
	return rows
}

// paragraph breaks a text into at most most rows.
func paragraph(text string, width, most int, k ink) []row {
	var rows []row
	for _, l := range ruler(textWidth).most(text, width, most) {
		rows = append(rows, row{{l, k}})
	}
	return rows
}

// entries lays the list out in at most height rows, in as many columns as it needs and the width allows; what still
// does not fit is counted in the last place.
func entries(c Wording, width, height int) []row {
	count := len(c.List)
	if count == 0 {
		return nil
	}
	columns := max(1, min((count+height-1)/height, (width+gap)/(entryMin+gap)))
	height = min(height, (count+columns-1)/columns)
	column := (width+gap)/columns - gap
	shown := count
	if shown > columns*height {
		shown = columns*height - 1
	}
	key := 0
	for _, e := range c.List {
		key = max(key, min(textWidth(e.Key), column/4))
	}
	rows := make([]row, height)
	for i := range min(count, columns*height) {
		r := &rows[i%height]
		if i >= height {
			*r = append(*r, piece{strings.Repeat(" ", gap), inkText})
		}
		if i == shown {
			*r = append(*r, piece{truncate(fmt.Sprintf(c.More, count-shown), column), inkDim})
		} else {
			*r = append(*r, c.List[i].row(key, column)...)
		}
	}
	return rows
}

// row writes an entry in exactly width columns: key, name, leader, price.
func (e Entry) row(keyWidth, width int) row {
	inks := [4]ink{inkKey, inkText, inkDim, inkTitle}
	if e.Off {
		inks = [4]ink{inkDim, inkDim, inkDim, inkDim}
	}
	var r row
	if keyWidth > 0 {
		r = append(r, piece{pad(truncate(e.Key, keyWidth), keyWidth) + "  ", inks[0]})
		width -= keyWidth + 2
	}
	price := truncate(e.Price, max(1, width/2))
	name := truncate(e.Name, max(1, width-textWidth(price)-2))
	dots := max(0, width-textWidth(name)-textWidth(price)-2)
	return append(r, piece{name + " ", inks[1]}, piece{strings.Repeat("·", dots), inks[2]}, piece{" " + price, inks[3]})
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-textWidth(s))) }
