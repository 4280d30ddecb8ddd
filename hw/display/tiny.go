package display

import (
	"fmt"
	"image"
	"strings"

	"rsc.io/qr"
)

// tiny is the picture of few rows: a QR code and the title beside it, or the title, the most important line and the
// seconds; and in turn with it the pages of the price list. A code's modules take two pixels, which leaves it a quiet zone of two modules instead of four: smaller ones
// no phone could read.
func (p *Painter) tiny(c canvas, text Wording, s Screen, coded bool) (whole bool, err error) {
	area := c.Rect
	title, body := p.faces.face(0, true), p.faces.face(0, false)
	if coded {
		code, err := encodeQR(s.QR, qr.L)
		if err != nil {
			return false, err
		}
		side := area.Dy()
		scale := max(1, side/(code.Size+3))
		area.Min.X += side + 2*scale
		c.fill(image.Rect(0, 0, area.Min.X, side), onQR, 0)
		edge := (side - code.Size*scale) / 2
		c.modules(code, image.Pt(edge+scale, edge), scale)
		area.Min.X += 2
		f := title
		if shortened(measure(f).most(text.Title, area.Dx(), area.Dy()/height(f))) {
			f = body
		}
		lines := measure(f).most(text.Title, area.Dx(), area.Dy()/height(f))
		p.rows(c, area, height(f), lines, f, onPaper)
		return !shortened(lines), nil
	}
	if p.tinyList(c, text, s) {
		return true, nil
	}
	lines := measure(title).most(text.Title, area.Dx(), 2)
	area.Min.Y = p.rows(c, area, height(title), lines, title, onPaper)
	whole = !shortened(lines)
	if text.Time != "" {
		area.Max.Y -= height(title)
		c.text(title, 0, area.Max.Y, measure(title).truncate(text.Time, area.Dx()), onPaper)
	}
	left := area.Dy() / height(body)
	for _, must := range []string{text.Notice, text.Support} {
		if must != "" && left > 0 {
			lines := measure(body).most(must, area.Dx(), left)
			if sentence, _, more := strings.Cut(must, ". "); more && shortened(lines) {
				lines = measure(body).most(sentence+".", area.Dx(), left)
			}
			p.rows(c, area, height(body), lines, body, onNotice)
			return whole && !shortened(lines), nil
		}
	}
	for _, l := range text.Lines {
		lines := measure(body).most(l, area.Dx(), max(1, left))
		if len(lines) > left || shortened(lines) {
			continue // half a sentence helps nobody
		}
		area.Min.Y = p.rows(c, area, height(body), lines, body, onPaper)
		left -= len(lines)
	}
	return whole, nil
}

// tinyList draws a page of the price list under the credit, the page's number and the seconds; false: it is the other
// picture's turn, which is the first.
func (p *Painter) tinyList(c canvas, text Wording, s Screen) bool {
	if len(text.List) == 0 || s.Kind != Idle && s.Kind != Choose {
		return false
	}
	area, f := c.Rect, p.faces.face(0, false)
	area.Min.Y += height(f)
	l := p.plan(text.List, area.Size(), true)
	p.pages = 1 + len(l.pages)
	turn := s.Turn % p.pages
	if turn == 0 {
		return false
	}
	if page := l.pages[turn-1]; stack(page) > area.Dy() {
		area = c.Rect // for one of the longest names
	} else {
		c.fill(image.Rect(0, 0, area.Dx(), area.Min.Y), onBar, 0)
		c.text(f, 1, 0, text.Left, onBar)
		c.text(f, area.Max.X-measure(f)(text.Clock)-1, 0, text.Clock, onBar)
		number := fmt.Sprintf("%d/%d", turn, len(l.pages))
		c.text(f, area.Dx()*5/8-measure(f)(number)/2, 0, number, onBar)
	}
	for _, at := range l.pages[turn-1] {
		p.entry(c, l, text.List[at.entry], at, area.Min)
	}
	return true
}
