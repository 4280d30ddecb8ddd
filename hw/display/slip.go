package display

import (
	"image"

	"golang.org/x/image/font"
)

// slipRows is up to which height paper is a slip: a panel as wide as a thumb, with room for nothing but words and a
// code.
const slipRows = 160

// slip is the picture of a slip of paper: a QR code with its whole quiet zone and the words beside it, or the words
// alone, from above the title, what must be known, the explaining lines and what fits of the list, and below the time.
// It tells as paint does whether what must be known is there whole.
func (p *Painter) slip(c canvas, text Wording, payload string, coded bool) (whole bool, err error) {
	title, body := p.faces.face(p.bounds.Dy()/6, true), p.faces.face(max(14, p.bounds.Dy()/8), false)
	area := c.Rect
	if coded {
		if area, err = p.code(c, payload, area, true); err != nil {
			return false, err
		}
		area.Min.X -= 2 * p.margin() // the code's own quiet zone is enough
	}
	area = area.Inset(p.margin() / 2)
	if text.Time != "" || text.Test != "" {
		area.Max.Y -= height(body)
		mark := measure(body)(text.Test)
		c.text(body, area.Min.X, area.Max.Y, measure(body).truncate(text.Time, area.Dx()-mark), onPaper)
		c.fill(image.Rect(area.Max.X-mark, area.Max.Y, area.Max.X, area.Max.Y+height(body)), onMark, 0)
		c.text(body, area.Max.X-mark, area.Max.Y, text.Test, onMark)
	}
	head := measure(title).most(text.Title, area.Dx(), 3)
	if shortened(head) {
		title = p.faces.face(max(14, p.bounds.Dy()/8), true)
		head = measure(title).most(text.Title, area.Dx(), 4)
	}
	whole = !shortened(head) && len(head)*height(title) <= area.Dy()
	area.Min.Y = p.rows(c, area, height(title), head, title, onPaper) + p.margin()/2
	row := height(body)
	for _, must := range []string{text.Notice, text.Support} {
		if must == "" {
			continue
		}
		lines := measure(body).most(must, area.Dx()-p.margin(), max(1, area.Dy()/row))
		whole = whole && !shortened(lines)
		box := image.Rect(area.Min.X, area.Min.Y, area.Max.X, area.Min.Y+len(lines)*row)
		c.fill(box, onNotice, 0)
		box.Min.X += p.margin() / 2
		area.Min.Y = p.rows(c, box, row, lines, body, onNotice) + p.margin()/2
	}
	for _, l := range text.Lines {
		lines := measure(body).most(l, area.Dx(), max(1, area.Dy()/row))
		if len(lines)*row > area.Dy() || shortened(lines) {
			continue // half a sentence helps nobody
		}
		area.Min.Y = p.rows(c, area, row, lines, body, onPaper)
	}
	p.slipList(c, text, area, body)
	return whole, nil
}

// slipList is what fits of the list, a line each.
func (p *Painter) slipList(c canvas, text Wording, area image.Rectangle, f font.Face) {
	if area.Dx() < p.bounds.Dx()*2/3 {
		return // beside a code: no room for a name and its price
	}
	key := 0
	for _, e := range text.List {
		key = max(key, measure(f)(e.Key))
	}
	if key = min(key, area.Dx()/4); key > 0 {
		key += p.margin()
	}
	for _, e := range text.List {
		if area.Dy() < height(f) {
			return
		}
		cost := measure(f).truncate(e.Price, area.Dx()/2)
		right := area.Max.X - measure(f)(cost)
		c.text(f, area.Min.X, area.Min.Y, measure(f).truncate(e.Key, key), onPaper)
		c.text(f, area.Min.X+key, area.Min.Y, measure(f).truncate(e.Name, right-area.Min.X-key-p.margin()), onPaper)
		c.text(f, right, area.Min.Y, cost, onPaper)
		area.Min.Y += height(f)
	}
}
