package display

import (
	"fmt"
	"image"
	"slices"
	"strings"
)

// part is some words of a picture, with the height that they take.
type part struct {
	height int
	cut    bool // not all of the text is there
	draw   func(c canvas, at image.Rectangle)
}

// words lays the words out in an area: the largest letters that hold everything; where even the smallest do not, less
// is said. It tells whether what is said is there whole.
func (p *Painter) words(c canvas, text Wording, area image.Rectangle, i *icon) bool {
	largest, least := p.bounds.Dy()/10, max(13, p.bounds.Dy()/26)
	for drop := 0; drop <= dropsMax; drop++ {
		if drop > 0 && len(text.List) > 0 { // more products rather than larger letters
			largest = least
		}
		for size := largest; size >= least; size -= max(1, size/10) {
			parts := p.compose(text, area.Dx(), area.Dy(), size, drop, i)
			gap := size / 2
			if len(text.List) > 0 {
				gap = size / 3
			}
			tall, cut := -gap, false
			for _, q := range parts {
				tall, cut = tall+q.height+gap, cut || q.cut
			}
			if (cut || tall > area.Dy()) && (drop < dropsMax || size-max(1, size/10) >= least) {
				continue
			}
			y := area.Min.Y + max(0, area.Dy()-tall)/2
			for _, q := range parts {
				q.draw(c, image.Rect(area.Min.X, y, area.Max.X, y+q.height))
				y += q.height + gap
			}
			return !cut && tall <= area.Dy()
		}
	}
	return false
}

// dropsMax is how much can be left unsaid, in this order: the hint, the sign and entries of the list beyond two, lines
// beyond the first, all of the list, all lines.
const dropsMax = 5

// compose makes the parts of a picture with letters of a size.
func (p *Painter) compose(text Wording, width, tall, size, drop int, i *icon) []part {
	var parts []part
	if i != nil && drop < 2 {
		side := max(tall/4, 2*size)
		parts = append(parts, part{side, false,
			func(c canvas, at image.Rectangle) { c.sign(at.Min.X, at.Min.Y, side, *i) }})
	}
	tone := [...]paint{Plain: onPaper, Act: onPaper, Good: goodOnPaper, Failed: badOnPaper}[text.Tone]
	say := func(s string, size, most int, bold bool, k paint) {
		if s != "" {
			parts = append(parts, p.paragraph(s, width, size, most, bold, k))
		}
	}
	if len(text.List) > 0 {
		say(text.Title, size*3/2, 2, true, tone)
	} else {
		say(text.Title, size*17/10, 3, true, tone)
	}
	for n, l := range text.Lines {
		if drop < 3 || drop < 5 && n == 0 {
			say(l, size, 4, false, onPaper)
		}
	}
	if text.Notice != "" {
		parts = append(parts, p.notice(text.Notice, width, size))
	}
	if n := len(text.List); n > 0 && drop < 4 {
		rest := tall
		for _, q := range parts {
			rest -= q.height + size/2
		}
		if text.Hint != "" && drop == 0 {
			rest -= 3 * size
		}
		if text.Support != "" {
			rest -= 4 * size // some lines
		}
		rows := max(min(n, 2), rest/p.rowHeight(size))
		if drop == 0 {
			rows = n
			if p.columns(width, size) > 1 && n > 4 {
				rows = (n + 1) / 2
			}
		}
		parts = append(parts, p.list(text, width, size, rows))
	}
	say(text.Support, size, 4, true, onPaper)
	if drop == 0 {
		say(text.Hint, size*4/5, 3, false, dimOnPaper)
	}
	return parts
}

// paragraph is a text, broken into at most so many lines.
func (p *Painter) paragraph(text string, width, size, most int, bold bool, k paint) part {
	f := p.faces.face(size, bold)
	lines := measure(f).most(text, width, most)
	return part{len(lines) * height(f), shortened(lines),
		func(c canvas, at image.Rectangle) { p.rows(c, at, height(f), lines, f, k) }}
}

// notice is a text on a ground of its own, that nobody overlooks.
func (p *Painter) notice(text string, width, size int) part {
	f, edge := p.faces.face(size, true), size/3
	lines := measure(f).most(text, width-2*edge, 3)
	return part{len(lines)*height(f) + 2*edge, shortened(lines), func(c canvas, at image.Rectangle) {
		c.fill(at, onNotice, 0)
		p.rows(c, at.Inset(edge), height(f), lines, f, onNotice)
	}}
}

// shortened reports whether a line had to be cut.
func shortened(lines []string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, "…") })
}

func (p *Painter) rowHeight(size int) int { return height(p.faces.face(size, true)) * 6 / 5 }

// columns is how many price lists find room beside each other.
func (p *Painter) columns(width, size int) int { return min(2, max(1, width/(22*size))) }

// list is the price list in so many rows; what does not fit is counted in the last place.
func (p *Painter) list(text Wording, width, size, rows int) part {
	row, columns := p.rowHeight(size), p.columns(width, size)
	if len(text.List) <= rows {
		columns = 1
	}
	rows = min(rows, (len(text.List)+columns-1)/columns)
	shown := len(text.List)
	if shown > rows*columns {
		shown = rows*columns - 1
	}
	key := 0
	for _, e := range text.List {
		key = max(key, measure(p.faces.face(size*9/10, true))(e.Key))
	}
	return part{rows * row, false, func(c canvas, at image.Rectangle) {
		gutter := 2 * size
		column := (width+gutter)/columns - gutter
		for n := range min(len(text.List), rows*columns) {
			x, y := at.Min.X+n/rows*(column+gutter), at.Min.Y+n%rows*row
			if n == shown {
				f := p.faces.face(size, false)
				c.text(f, x, y, measure(f).truncate(fmt.Sprintf(text.More, len(text.List)-shown), column), dimOnPaper)
				break
			}
			p.entry(c, text.List[n], image.Rect(x, y, x+column, y+row), min(key, column/4), size)
		}
	}}
}

// entry is one product: its button's name on a badge, its name, and its price at the right.
func (p *Painter) entry(c canvas, e Entry, at image.Rectangle, key, size int) {
	badge, name, price := p.faces.face(size*9/10, true), p.faces.face(size, false), p.faces.face(size, true)
	k, words := onAct, onPaper
	if e.Off {
		k, words, price = onDim, dimOnPaper, name
	}
	c.fill(image.Rect(at.Min.X, at.Max.Y-1, at.Max.X, at.Max.Y), lineOnPaper, levels-1) // leads the eye to the price
	y := at.Min.Y + (at.Dy()-height(name))/2
	if e.Key != "" {
		edge := size / 3
		box := image.Rect(at.Min.X, at.Min.Y+at.Dy()/12, at.Min.X+key+2*edge, at.Max.Y-at.Dy()/12)
		c.fill(box, k, 0)
		label := measure(badge).truncate(e.Key, key)
		c.text(badge, box.Min.X+edge+(key-measure(badge)(label))/2, at.Min.Y+(at.Dy()-height(badge))/2, label, k)
		at.Min.X = box.Max.X + size/2
	}
	cost := measure(price).truncate(e.Price, at.Dx()/2)
	right := at.Max.X - measure(price)(cost)
	c.text(price, right, y, cost, words)
	c.text(name, at.Min.X, y, measure(name).truncate(e.Name, right-at.Min.X-size/2), words)
}
