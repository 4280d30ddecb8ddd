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
func (g *grid) picture(c Wording, p placed, turn int, colour bool) {
	qrX, qrY := (g.width-p.width)/2, 1
	x, y := gap, 1+p.height
	width, height := min(g.width-2*gap, panelMax), g.height-2-p.height
	if p.beside {
		width, height = min(g.width-p.width-2*gap, panelMax), g.height-2
		qrX = (g.width - p.width - gap - width) / 2
		qrY = 1 + (height-p.height)/2
		x = qrX + p.width + gap
	}
	rows := compose(c, width, height, turn)
	if p.beside {
		y = 1 + (height-len(rows))/2
	}
	g.putQR(qrX, qrY, p.code, p.scale, colour)
	for i, r := range rows {
		g.write(x, y+i, r)
	}
}

// box draws the words in a box in the middle.
func (g *grid) box(c Wording, turn int) {
	width := min(g.width-2, boxMax)
	rows := compose(c, width-6, g.height-4, turn)
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

// compose lays the words out in an area. When room is short, blank lines go first, then the hint, then the explaining
// lines, and at last the list, which never goes in part: it has pages. The title, the notice, the countdown and the
// support line always stay, cut to a few rows each.
func compose(c Wording, width, height, turn int) []row {
	title := paragraph(c.Title, width, 2, toneInk(c.Tone))
	var lines []row
	for _, l := range c.Lines {
		lines = append(lines, paragraph(l, width, 4, inkText)...)
	}
	notice, left := paragraph(c.Notice, width, 3, inkFailed), paragraph(c.Time, width, 1, inkKey)
	hint, support := paragraph(c.Hint, width, 3, inkDim), paragraph(c.Support, width, 3, inkKey)

	least := make([]row, leastRows(c.List, width))
	short, tail := join(false, notice, left, support), join(false, notice, left, hint, support)
	for _, say := range []struct {
		blank       bool
		lines, tail []row
	}{{true, lines, tail}, {false, lines, tail}, {false, lines, short}, {false, nil, short}} {
		if rest := height - len(join(say.blank, title, say.lines, least, say.tail)); rest >= 0 && len(c.List) > 0 {
			return join(say.blank, title, say.lines, entries(c, width, len(least)+rest, turn), say.tail)
		}
		if rows := join(say.blank, title, say.lines, say.tail); len(c.List) == 0 && len(rows) <= height {
			return rows
		}
	}
	if rows := join(false, title, lines, short); len(rows) <= height {
		return rows
	}
	return join(false, title, short)
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

// ruled are a list's measures in cells.
func ruled() measures {
	return measures{name: textWidth, price: textWidth, badge: textWidth, line: 1, gap: 2, gutter: gap}
}

// leastRows is the least height of a list: some entries, or the highest of them, and the number of the page.
func leastRows(list []Entry, width int) int {
	if len(list) == 0 {
		return 0
	}
	p := listing(list, ruled(), width, 1, false)
	under := p.room() < p.longest(list)
	if under {
		p = listing(list, ruled(), width, 1, true)
	}
	p.turn(list, 1, textMax)
	tallest := 0
	for _, page := range p.pages {
		tallest = max(tallest, stack(page))
	}
	if len(list) <= listMin && tallest == 1 {
		return len(list)
	}
	return max(listMin, tallest) + 1
}

// entries is a page of the list, in as many columns as the width allows, with its number below when there are several.
func entries(c Wording, width, height, turn int) []row {
	p := best(c.List, []measures{ruled()}, width, height)
	if len(p.pages) > 1 {
		p = best(c.List, []measures{ruled()}, width, max(1, height-1))
	}
	turn %= len(p.pages)
	page := p.pages[turn]
	rows := make([]row, stack(page))
	for y := range rows {
		for _, at := range page {
			if y >= at.at.Min.Y && y < at.at.Max.Y {
				rows[y].fill(at.at.Min.X)
				rows[y] = append(rows[y], c.List[at.entry].row(p, at, y-at.at.Min.Y)...)
			}
		}
	}
	if number := fmt.Sprintf("%d/%d", turn+1, len(p.pages)); len(p.pages) > 1 {
		rows = append(rows, row{{strings.Repeat(" ", max(0, width-textWidth(number))) + number, inkDim}})
	}
	return rows[:min(len(rows), height)]
}

// fill makes a row as wide as where the next column begins.
func (r *row) fill(width int) {
	for _, p := range *r {
		width -= textWidth(p.text)
	}
	if width > 0 {
		*r = append(*r, piece{strings.Repeat(" ", width), inkText})
	}
}

// row writes a line of an entry in exactly its column's width: the first has its key and, after a leader, its price,
// which may also have the last for itself.
func (e Entry) row(p plan, at spot, line int) row {
	inks := [4]ink{inkKey, inkText, inkDim, inkTitle}
	if e.Off {
		inks = [4]ink{inkDim, inkDim, inkDim, inkDim}
	}
	key, name, price := "", "", ""
	if line == 0 {
		key = truncate(e.Key, p.key)
	}
	if line < len(at.name) {
		name = at.name[line]
	}
	var r row
	if p.key > 0 {
		r = append(r, piece{pad(key, p.lead()), inks[0]})
	}
	switch {
	case p.under && line == len(at.name):
		name, inks[1] = e.Price, inks[3]
	case !p.under && line == 0:
		price = e.Price
		dots := max(0, p.column-p.lead()-textWidth(name)-textWidth(price)-2)
		return append(r, piece{name + " ", inks[1]}, piece{strings.Repeat("·", dots), inks[2]},
			piece{" " + price, inks[3]})
	}
	return append(r, piece{pad(name, p.column-p.lead()), inks[1]})
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-textWidth(s))) }
