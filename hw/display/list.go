package display

import (
	"fmt"
	"image"
	"slices"
)

// The picture of a list: what is said above it, the list in pages, and the hint below.

const (
	rowsLeast = 4  // of a list: where there is no room for as many, less is said above it
	pictured  = 5  // pages that a list with pictures may take; a longer one goes without
	pagesMax  = 10 // pages that one beside a code may take: who scans it is shown the list afterwards
)

// listed draws the words and a page of the list in an area: the words in the largest letters that leave the list three
// fifths of it. It tells besides whether the words are there whole. False: there is no room for
// a list here, which there always is but beside a code.
func (p *Painter) listed(c canvas, text Wording, area image.Rectangle, turn int, coded bool) (whole, ok bool) {
	drops := 3 // the hint, lines beyond the first, all lines
	if coded {
		drops = 1
	}
	largest, least := max(p.least(), p.shorter()/17), p.least()
	for drop := 0; drop <= drops; drop++ {
		for size := largest; size >= least; size = smaller(size) {
			h := p.heading(text, area, size, drop)
			last, small := smaller(size) < least, size <= least*5/4 // smaller than the list's own need not be
			enough := h.room.Dy() >= area.Dy()*3/5 || small && h.room.Dy() >= p.rowsAt(text, least)
			if final := last && drop == drops && !coded; (h.cut || !enough) && !final {
				continue
			}
			l := p.plan(text.List, h.room.Size(), h.marked)
			if coded && len(l.pages) > pagesMax {
				return false, false
			}
			h.draw(c)
			foot := h.room
			if h.marked {
				foot.Max.Y = h.area.Max.Y
			}
			p.page(c, text, l, h, foot, turn)
			return !h.cut, true
		}
	}
	return false, false
}

// heading is what is said around a list, and the room that it leaves.
type heading struct {
	head, foot []part
	area, room image.Rectangle
	gap        int
	aside      part            // what stands at the right of the title
	at         image.Rectangle // and where
	cut        bool
	marked     bool // there is room for the mark of the page in the last line
}

func (h heading) draw(c canvas) {
	c.parts(h.head, h.area, h.gap)
	c.parts(h.foot, image.Rect(h.area.Min.X, h.room.Max.Y+h.gap, h.area.Max.X, h.area.Max.Y), h.gap)
	if h.aside.draw != nil {
		h.aside.draw(c, h.at)
	}
}

// heading makes it with letters of a size.
func (p *Painter) heading(text Wording, area image.Rectangle, size, drop int) heading {
	h := heading{area: area, gap: size / 3}
	say := p.saying(&h.head, area.Dx())
	say(text.Title, size*7/5, 2, true, toneOf(text))
	lines := text.Lines
	if text.Lead { // it stands at the title's right, whole or its amount alone, or below
		title, lead := p.faces.face(size*7/5, true), p.faces.face(size, true)
		for _, says := range []string{lines[0], text.Left} {
			w := measure(lead)(says)
			if measure(title)(text.Title)+w+2*size > area.Dx() || drop < 2 && says != lines[0] {
				continue
			}
			h.at = image.Rect(area.Max.X-w, area.Min.Y+ascent(title)-ascent(lead), area.Max.X, area.Max.Y)
			h.aside, lines = p.paragraph(says, w, size, 1, true, onPaper), lines[1:]
			break
		}
	}
	for n, l := range lines {
		if drop < 2 || drop < 3 && n == 0 && h.aside.draw == nil {
			say(l, size, 4, n == 0 && text.Lead && h.aside.draw == nil, onPaper)
		}
	}
	if text.Notice != "" {
		h.head = append(h.head, p.notice(text.Notice, area.Dx(), size))
	}
	say = p.saying(&h.foot, area.Dx())
	say(text.Support, size, 4, true, onPaper)
	if h.marked = drop == 0 && text.Hint != ""; h.marked { // the mark of the page is at its right
		p.saying(&h.foot, area.Dx()-p.markWidth(area.Dx()))(text.Hint, max(p.least(), size*4/5), 3, false, dimOnPaper)
	}
	above, cut := heightOf(h.head, h.gap)
	below, cutToo := heightOf(h.foot, h.gap)
	if below > 0 {
		below += h.gap
	}
	h.cut = cut || cutToo
	h.room = image.Rectangle{Min: area.Min, Max: area.Max}
	h.room.Min.Y, h.room.Max.Y = area.Min.Y+above+size/2, area.Max.Y-below
	return h
}

// rowsAt is the height of the rows below which a list is too short.
func (p *Painter) rowsAt(text Wording, size int) int {
	m := p.measures(size, 0)
	return min(rowsLeast, len(text.List)) * (m.line + m.air)
}

// measures are those of a list in letters of a size.
func (p *Painter) measures(size, thumb int) measures {
	name := p.faces.face(size, false)
	if p.small {
		return measures{name: measure(name), price: measure(name), badge: measure(name), size: size,
			line: height(name) - 1, edge: 1, gap: 3} // as close as can be
	}
	m := measures{name: measure(name), price: measure(p.faces.face(size, true)),
		badge: measure(p.faces.face(size*9/10, true)), size: size, line: height(name), air: height(name) / 4,
		edge: size / 3, gap: size / 2, gutter: size * 3 / 2, thumb: thumb}
	if p.slim() {
		m.air, m.gap = 2, size/3
	}
	if thumb > 0 {
		m.air = max(m.air, thumb/8)
	}
	return m
}

// planned is a list that was laid out, since the next second of a countdown, and the next page, have the same.
type planned struct {
	list   []Entry
	size   image.Point
	plan   plan
	marked bool
	known  bool
}

// plan lays a list out in an area. One that takes more than a page leaves room below it for the mark of the page, unless
// that has its place elsewhere.
func (p *Painter) plan(list []Entry, size image.Point, marked bool) plan {
	if p.last.known && p.last.size == size && p.last.marked == marked && slices.Equal(p.last.list, list) {
		return p.last.plan
	}
	lay := func(thumb int) plan {
		var all []measures
		least := p.least()
		if p.slim() {
			least = slipLeast
		}
		for letters := max(p.least(), p.shorter()/13); letters >= least; letters = smaller(letters) {
			all = append(all, p.measures(letters, thumb))
		}
		l := best(list, all, size.X, size.Y)
		if len(l.pages) > 1 && !marked {
			l = best(list, all, size.X, size.Y-p.markHeight())
		}
		return l
	}
	l := lay(0)
	if p.shows(list) {
		if with := lay(p.thumb); len(with.pages) <= max(pictured, len(l.pages)) {
			l = with
		}
	}
	p.last = planned{list: slices.Clone(list), size: size, marked: marked, plan: l, known: true}
	return l
}

// shows reports whether there is a picture of anything in a list.
func (p *Painter) shows(list []Entry) bool {
	return slices.ContainsFunc(list, func(e Entry) bool { return p.thumbs[e.Picture] != nil })
}

// page draws the page of a list whose turn it is, and in the foot's lower right corner which of them it is.
func (p *Painter) page(c canvas, text Wording, l plan, h heading, foot image.Rectangle, turn int) {
	p.pages = len(l.pages)
	turn %= len(l.pages)
	for _, at := range l.pages[turn] {
		p.entry(c, l, text.List[at.entry], at, h.room.Min)
	}
	if len(l.pages) > 1 {
		p.mark(c, foot, turn, len(l.pages))
	}
}

// marksMax is up to how many pages a row of dashes says which of them it is.
const marksMax = 8

// mark says which page of how many it is, in figures, and where there is room as a row of dashes.
func (p *Painter) mark(c canvas, area image.Rectangle, turn, pages int) {
	f := p.faces.face(p.least(), true)
	says := fmt.Sprintf("%d/%d", turn+1, pages)
	x, y := area.Max.X-measure(f)(says), area.Max.Y-height(f)
	c.text(f, x, y, says, actOnPaper)
	if pages > marksMax || !p.dashed(area.Dx()) {
		return
	}
	tall, pitch := max(3, p.least()/5), p.least()
	y += (height(f) - tall) / 2
	for n := range pages {
		k := lineOnPaper
		if n == turn {
			k = actOnPaper
		}
		at := x - p.least()/3 - (pages-n)*pitch
		c.fill(image.Rect(at, y, at+pitch*2/3, y+tall), k, levels-1)
	}
}

func (p *Painter) dashed(width int) bool { return width > 40*p.least() }

// markWidth is the room that a mark takes in an area of a width.
func (p *Painter) markWidth(width int) int {
	w := measure(p.faces.face(p.least(), true))("00/00") + p.least()/2
	if p.dashed(width) {
		w += marksMax * p.least()
	}
	return w
}

func (p *Painter) markHeight() int { return height(p.faces.face(p.least(), true)) + p.least()/4 }

// entry is one product: its button's name on a badge, its picture, its name, and its price at the right or below.
func (p *Painter) entry(c canvas, l plan, e Entry, at spot, origin image.Point) {
	badge, name, price := p.faces.face(l.size*9/10, true), p.faces.face(l.size, false), p.faces.face(l.size, true)
	if p.small {
		badge, price = name, name
	}
	k, words := onAct, onPaper
	if e.Off {
		k, words, price = onDim, dimOnPaper, name
	}
	row := at.at.Add(origin)
	if !p.small { // leads the eye to the price
		c.fill(image.Rect(row.Min.X, row.Max.Y-1, row.Max.X, row.Max.Y), lineOnPaper, levels-1)
	}
	lines := len(at.name)
	if l.under {
		lines++
	}
	x, y := row.Min.X, row.Min.Y+l.pad
	if l.thumb > 0 {
		y = row.Min.Y + (row.Dy()-lines*l.line)/2
	}
	if e.Key != "" {
		side := l.line + l.air/2
		top := y - l.air/4
		if l.thumb > 0 {
			top = row.Min.Y + (row.Dy()-side)/2
		}
		c.fill(image.Rect(x, top, x+l.badgeWidth(), top+side), k, 0)
		label := measure(badge).truncate(e.Key, l.key)
		c.text(badge, x+l.edge+(l.key-measure(badge)(label))/2, top+(side-height(badge))/2, label, k)
	}
	if l.key > 0 {
		x += l.badgeWidth() + l.gap
	}
	if l.thumb > 0 {
		c.thumb(p.thumbs[e.Picture], image.Pt(x, row.Min.Y+(row.Dy()-l.thumb)/2))
		x += l.thumb + l.gap
	}
	for n, line := range at.name {
		c.text(name, x, y+n*l.line, line, words)
	}
	if l.under {
		c.text(price, x, y+len(at.name)*l.line, e.Price, words)
		return
	}
	c.text(price, row.Max.X-measure(price)(e.Price), y, e.Price, words)
}
