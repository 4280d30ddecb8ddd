package display

import (
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

// least is the height in pixels of the smallest letters: a fortieth of the display's shorter side, but 16 where that is
// 480 or more, and 13 on the smallest. Larger ones are taken where there is room.
func (p *Painter) least() int { return max(13, p.shorter()/40, min(16, p.shorter()/30)) }

// slipLeast is the same of a list on a slip of paper, which is as sharp as print.
const slipLeast = 11

// smaller is the next size of letters to try.
func smaller(size int) int { return size - max(1, size/10) }

// words lays the words out in an area: the largest letters that hold everything; where even the smallest do not, less
// is said. It tells whether what is said is there whole.
func (p *Painter) words(c canvas, text Wording, area image.Rectangle, i *icon) bool {
	largest, least := min(p.bounds.Dy()/10, p.bounds.Dx()/9), p.least()
	for drop := 0; drop <= dropsMax; drop++ {
		for size := largest; size >= least; size = smaller(size) {
			parts := p.compose(text, area.Dx(), area.Dy(), size, drop, i)
			tall, cut := heightOf(parts, size/2)
			if (cut || tall > area.Dy()) && (drop < dropsMax || smaller(size) >= least) {
				continue
			}
			area.Min.Y += max(0, area.Dy()-tall) / 2
			c.parts(parts, area, size/2)
			return !cut && tall <= area.Dy()
		}
	}
	return false
}

// heightOf is how high parts are with gaps between them, and whether one of them is cut.
func heightOf(parts []part, gap int) (tall int, cut bool) {
	for n, q := range parts {
		if n > 0 {
			tall += gap
		}
		tall, cut = tall+q.height, cut || q.cut
	}
	return tall, cut
}

// parts draws parts below each other, and gives where they end.
func (c canvas) parts(parts []part, area image.Rectangle, gap int) int {
	for n, q := range parts {
		if n > 0 {
			area.Min.Y += gap
		}
		q.draw(c, image.Rect(area.Min.X, area.Min.Y, area.Max.X, area.Min.Y+q.height))
		area.Min.Y += q.height
	}
	return area.Min.Y
}

// dropsMax is how much can be left unsaid, in this order: the hint, the sign, lines beyond the first, all lines.
const dropsMax = 4

// compose makes the parts of a picture without a list, with letters of a size.
func (p *Painter) compose(text Wording, width, tall, size, drop int, i *icon) []part {
	var parts []part
	if i != nil && drop < 2 {
		side := max(tall/4, 2*size)
		parts = append(parts, part{side, false,
			func(c canvas, at image.Rectangle) { c.sign(at.Min.X, at.Min.Y, side, *i) }})
	}
	say := p.saying(&parts, width)
	say(text.Title, size*17/10, 3, true, toneOf(text))
	for n, l := range text.Lines {
		if drop < 3 || drop < dropsMax && n == 0 {
			say(l, size, 4, false, onPaper)
		}
	}
	if text.Notice != "" {
		parts = append(parts, p.notice(text.Notice, width, size))
	}
	say(text.Support, size, 4, true, onPaper)
	if drop == 0 {
		say(text.Hint, size*4/5, 3, false, dimOnPaper)
	}
	return parts
}

// saying adds paragraphs of a width to parts; an empty one is none.
func (p *Painter) saying(parts *[]part, width int) func(s string, size, most int, bold bool, k paint) {
	return func(s string, size, most int, bold bool, k paint) {
		if s != "" {
			*parts = append(*parts, p.paragraph(s, width, size, most, bold, k))
		}
	}
}

// toneOf is the paint of a title.
func toneOf(text Wording) paint {
	return [...]paint{Plain: onPaper, Act: onPaper, Good: goodOnPaper, Failed: badOnPaper}[text.Tone]
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
