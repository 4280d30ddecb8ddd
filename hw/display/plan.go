package display

import (
	"image"
	"strings"
)

// The rules of a list. No name and no price in it is ever cut: a name goes on in further lines, then the letters get
// smaller, and what still does not fit is on a further page.
const columnsMax = 6

// linesMax is how many lines a name may have: more only where there is no other way.
func linesMax() []int { return []int{2, 3, 9} }

// measures are what a list is laid out with, in a driver's own units: pixels, or a terminal's cells.
type measures struct {
	name, price, badge ruler

	size   int // which letters they are
	line   int // height of a line of a name
	air    int // above and below an entry, together
	edge   int // of a badge, on each side of its key
	gap    int // between badge, picture, name and price
	gutter int // between two columns
	thumb  int // side of the pictures; 0: there are none
}

// plan is how a list lies in an area: columns of one width, rows as high as their highest entry, read down each column,
// and the pages that it takes.
type plan struct {
	measures
	columns int
	under   bool // a price stands below its name, and not beside it
	key     int  // width of the widest key, without its edges; 0: there are none
	cost    int  // width of the widest price
	column  int  // width of a column
	pad     int  // above the first line of each name
	pages   [][]spot
}

// spot is one entry's place on a page, and its name in lines.
type spot struct {
	entry int
	at    image.Rectangle // from the list's upper left corner
	name  []string
}

// best lays a list out in an area with the first of the measures, the largest, with which it takes no more pages than
// it must. There is one page at least. Nothing stands outside of the area, unless an entry alone is higher.
func best(list []Entry, all []measures, width, height int) plan {
	var chosen plan
	for _, lines := range linesMax() {
		var p plan
		for _, m := range all {
			q, ok := fewest(list, m, width, height, lines)
			if ok && (p.pages == nil || len(q.pages) < len(p.pages)) {
				p = q
			}
			if ok && len(q.pages) == 1 {
				break
			}
		}
		if p.pages != nil && (chosen.pages == nil || 4*len(p.pages) < 3*len(chosen.pages)) {
			chosen = p // names of many lines are read less well, and many pages as well
		}
	}
	if chosen.pages == nil { // a word is wider than the display, or a name higher
		chosen = listing(list, all[len(all)-1], width, 1, true)
		chosen.turn(list, height, textMax)
	}
	return chosen
}

// fewest lays a list out with the fewest columns with which it takes the fewest pages; false: with these letters it
// cannot be. Prices stand beside the names; under them where there is no room, or beside pictures.
func fewest(list []Entry, m measures, width, height, lines int) (chosen plan, ok bool) {
	for _, under := range []bool{false, true} {
		for columns := 1; columns <= columnsMax && (!under || !ok || m.thumb > 0); columns++ {
			p := listing(list, m, width, columns, under)
			if p.room() < p.longest(list) {
				break
			}
			if !p.turn(list, height, lines) || ok && len(p.pages) >= len(chosen.pages) {
				continue
			}
			if chosen, ok = p, true; len(p.pages) == 1 {
				return chosen, true
			}
		}
	}
	return chosen, ok
}

// listing measures a list that shall stand in so many columns.
func listing(list []Entry, m measures, width, columns int, under bool) plan {
	p := plan{measures: m, under: under, columns: columns, column: (width+m.gutter)/columns - m.gutter}
	for _, e := range list {
		p.key, p.cost = max(p.key, m.badge(e.Key)), max(p.cost, m.price(e.Price))
	}
	p.key = min(p.key, p.column/3)
	return p
}

// badgeWidth is the width of the badges with their edges; 0: there are none.
func (p plan) badgeWidth() int {
	if p.key == 0 {
		return 0
	}
	return p.key + 2*p.edge
}

// lead is how far a name stands from its column's left: behind the badge and the picture.
func (p plan) lead() int {
	lead := 0
	for _, w := range []int{p.badgeWidth(), p.thumb} {
		if w > 0 {
			lead += w + p.gap
		}
	}
	return lead
}

// room is the width that is left for a name.
func (p plan) room() int {
	if p.under {
		return p.column - p.lead()
	}
	return p.column - p.lead() - p.cost - p.gap
}

// longest is the width of what is not broken: the longest word, and a price that stands below.
func (p plan) longest(list []Entry) int {
	longest := 1
	if p.under {
		longest = p.cost
	}
	for _, e := range list {
		for word := range strings.SplitSeq(bound(e.Name), " ") {
			longest = max(longest, p.name(word))
		}
	}
	return longest
}

// turn breaks the list into pages of a height. False: a name has more lines than may be, or is higher than a page, which
// is taken when any number may be.
func (p *plan) turn(list []Entry, height, most int) bool {
	cells := make([]spot, len(list))
	for n, e := range list {
		lines := p.name.whole(bound(e.Name), max(1, p.room()))
		tall := len(lines) * p.line
		if p.under {
			tall += p.line
		}
		tall = max(tall, p.thumb) + p.air
		if len(lines) > most || tall > height && most < textMax {
			return false
		}
		cells[n] = spot{entry: n, name: lines, at: image.Rect(0, 0, p.column, tall)}
	}
	p.pages = nil
	for from := 0; from < len(cells); {
		rows := 1
		for rows*p.columns < len(cells)-from && stack(p.page(cells, from, rows+1)) <= height {
			rows++
		}
		p.pages = append(p.pages, p.page(cells, from, rows))
		from += len(p.pages[len(p.pages)-1])
	}
	p.even(cells, height)
	p.spread(height)
	return true
}

// bound holds the last word of a name to a figure before it, if it is a unit: "50 cl".
func bound(name string) string {
	at := strings.LastIndexByte(name, ' ')
	if at <= 0 || len(name)-at > len(" Stk") || !strings.ContainsAny(name[at-1:at], "0123456789") {
		return name
	}
	return name[:at] + string(noBreak) + name[at+1:]
}

// page places the entries from one on in so many rows.
func (p *plan) page(cells []spot, from, rows int) []spot {
	page := make([]spot, min(len(cells)-from, rows*p.columns))
	copy(page, cells[from:])
	y := 0
	for row := range min(rows, len(page)) {
		tall := 0
		for n := row; n < len(page); n += rows {
			tall = max(tall, page[n].at.Dy())
		}
		for n := row; n < len(page); n += rows {
			x := n / rows * (p.column + p.gutter)
			page[n].at = image.Rect(x, y, x+p.column, y+tall)
		}
		y += tall
	}
	return page
}

// stack is how high a page is.
func stack(page []spot) int {
	tall := 0
	for _, c := range page {
		tall = max(tall, c.at.Max.Y)
	}
	return tall
}

// even gives all pages as many rows as the others, if they fit so: the last one would be nearly empty.
func (p *plan) even(cells []spot, height int) {
	each := (len(cells) + len(p.pages) - 1) / len(p.pages)
	rows := (each + p.columns - 1) / p.columns
	var pages [][]spot
	for from := 0; from < len(cells); from += rows * p.columns {
		pages = append(pages, p.page(cells, from, rows))
		if stack(pages[len(pages)-1]) > height {
			return
		}
	}
	if len(pages) <= len(p.pages) {
		p.pages = pages
	}
}

// spread gives the rows what height is left, up to some of a line each, and on each page the same.
func (p *plan) spread(height int) {
	more := p.line * 2 / 3
	for _, page := range p.pages {
		more = max(0, min(more, (height-stack(page))/rowsOf(page)))
	}
	p.pad = (p.air + more) / 2
	for _, page := range p.pages {
		for n, rows := 0, rowsOf(page); n < len(page) && more > 0; n++ {
			page[n].at.Min.Y += n % rows * more
			page[n].at.Max.Y += (n%rows + 1) * more
		}
	}
}

// rowsOf is how many rows a page has: as many as entries in its first column.
func rowsOf(page []spot) int {
	rows := 0
	for _, c := range page {
		if c.at.Min.X == 0 {
			rows++
		}
	}
	return max(1, rows)
}
