package display

import "image"

// slipRows is up to which height paper is a slip: a panel as wide as a thumb, with room for nothing but words and a
// code.
const slipRows = 160

// slim reports whether the pictures are slips.
func (p *Painter) slim() bool { return p.paper && p.bounds.Dy() <= slipRows }

// slip is the picture of a slip of paper: a QR code with its whole quiet zone and the words beside it, or the words
// alone, from above the title, what must be known and the explaining lines, and below the time.
// It tells as paint does whether what must be known is there whole.
func (p *Painter) slip(c canvas, text Wording, s Screen, coded bool) (whole bool, err error) {
	title, body := p.faces.face(p.bounds.Dy()/6, true), p.faces.face(max(14, p.bounds.Dy()/8), false)
	area := c.Rect
	if coded {
		if area, err = p.code(c, s.QR, area, true, false); err != nil {
			return false, err
		}
		area.Min.X -= 2 * p.margin() // the code's own quiet zone is enough
	}
	area = area.Inset(p.margin() / 2)
	foot := area
	if listed := len(text.List) > 0 && !coded; text.Time != "" || text.Test != "" || listed {
		area.Max.Y -= height(body)
		mark := measure(body)(text.Test)
		c.text(body, area.Min.X, area.Max.Y, measure(body).truncate(text.Time, area.Dx()-mark), onPaper)
		c.fill(image.Rect(area.Max.X-mark, area.Max.Y, area.Max.X, area.Max.Y+height(body)), onMark, 0)
		c.text(body, area.Max.X-mark, area.Max.Y, text.Test, onMark)
		foot.Max.X -= mark + p.margin()
	}
	if len(text.List) > 0 && !coded {
		if whole, ok := p.slipList(c, text, area, foot, s.Turn); ok {
			return whole, nil
		}
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
	return whole, nil
}

// slipList is a slip with a page of a list under its title, and under the explaining lines where all of the list has
// room below them. A notice has the first turn, and then the whole slip but the foot: that is false.
func (p *Painter) slipList(c canvas, text Wording, area, foot image.Rectangle, turn int) (whole, ok bool) {
	noticed := text.Notice != ""
	text.Notice = ""
	for drop := 1; ; drop++ {
		size := p.least()
		if drop == 3 {
			size = slipLeast
		}
		h := p.heading(text, area, size, drop)
		l := p.plan(text.List, h.room.Size(), true)
		if drop < 3 && (len(l.pages) > 1 || h.cut) {
			continue
		}
		if noticed {
			if turn %= len(l.pages) + 1; turn == 0 {
				p.pages = len(l.pages) + 1
				return false, false
			}
			turn--
		}
		h.draw(c)
		p.page(c, text, l, h, foot, turn)
		if noticed {
			p.pages++
		}
		return !h.cut, true
	}
}
