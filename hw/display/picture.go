package display

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"rsc.io/qr"
)

// The sizes of a picture in pixels. One of up to monoRows rows has one bit a pixel, as the small displays have.
const (
	pictureWidthMin, pictureHeightMin = 128, 64
	pictureMax                        = 4096 // of a side: 16 MiB
	monoRows                          = 64
)

// Painter draws screens as pictures of one size: of colours, or of one bit a pixel. It may be used by one goroutine at
// a time.
//
// What must be understood comes first: the largest letters that hold everything; then, on a small display, without the
// hint, with fewer entries of the list, and at last without the explaining lines. The title, the notice, the countdown
// and the support line always stay. A countdown has its own strip, so that a tick changes little else.
type Painter struct {
	bounds  image.Rectangle
	faces   *typeface
	palette color.Palette
	mono    bool // one bit a pixel
	paper   bool // one bit a pixel, dark on light
	small   bool // so few rows that the layout is one of its own

	last   planned
	pages  int // of the list of the picture that was painted last
	said   func(text string, at image.Rectangle, k paint)
	thumbs map[string]*image.Paletted
	thumb  int // their side
}

// NewPainter makes a painter of pictures from 128 by 64 to 4096 by 4096 pixels.
func NewPainter(width, height int) (*Painter, error) { return newPainter(width, height, false) }

// NewPaperPainter is NewPainter for electronic paper: one bit a pixel at every size, dark on light.
func NewPaperPainter(width, height int) (*Painter, error) { return newPainter(width, height, true) }

func newPainter(width, height int, paper bool) (*Painter, error) {
	if width < pictureWidthMin || height < pictureHeightMin || width > pictureMax || height > pictureMax {
		return nil, fmt.Errorf("display: a picture of %d by %d pixels: from %d by %d to %d by %[5]d are possible",
			width, height, pictureWidthMin, pictureHeightMin, pictureMax)
	}
	small := height <= monoRows
	faces, err := newTypeface(small)
	if err != nil {
		return nil, fmt.Errorf("display: %w", err)
	}
	p := &Painter{bounds: image.Rect(0, 0, width, height), faces: faces, palette: colours(), mono: small || paper,
		paper: paper, small: small}
	switch {
	case paper:
		p.palette = color.Palette{white, black}
	case small:
		p.palette = color.Palette{black, white}
	}
	return p, nil
}

// Paint draws a screen. Its only error is a QR payload that no QR code can hold.
func (p *Painter) Paint(s Screen) (*image.Paletted, error) {
	picture, _, err := p.paint(s)
	return picture, err
}

// paint tells besides whether the title, the notice and the support line are there whole.
func (p *Painter) paint(s Screen) (picture *image.Paletted, whole bool, err error) {
	c := canvas{Paletted: image.NewPaletted(p.bounds, p.palette), mono: p.mono, paper: p.paper, said: p.said}
	p.pages = 1
	text := Text(s)
	c.fill(c.Rect, onPaper, 0)
	coded := s.QR != "" && (s.Kind == Idle || s.Kind == Scan)
	if p.small {
		whole, err = p.tiny(c, text, s, coded)
		return c.Paletted, whole, err
	}
	if p.slim() {
		whole, err = p.slip(c, text, s, coded)
		return c.Paletted, whole, err
	}
	area := p.frame(c, text)
	if text.Time != "" {
		area.Max.Y = p.countdown(c, text, s, area)
	}
	margin := p.margin()
	area = area.Inset(margin)
	i, signed := iconOf(s, text.Tone)
	switch wide := p.bounds.Dx() > p.bounds.Dy()*6/5; {
	case coded:
		rest, err := p.codes(c, s, text, area, wide, len(text.List) > 0)
		if err != nil {
			return nil, false, err
		}
		ok := false
		if len(text.List) > 0 {
			if whole, ok = p.listed(c, text, rest, s.Turn, true); !ok { // the code may be larger then
				c.fill(area, onPaper, 0)
				if rest, err = p.codes(c, s, text, area, wide, false); err != nil {
					return nil, false, err
				}
			}
		}
		if !ok {
			whole = p.words(c, text, rest, nil)
		}
	case signed && wide && len(text.List) == 0:
		size := min(area.Dy()*2/5, area.Dx()/4)
		c.sign(area.Min.X, area.Min.Y+(area.Dy()-size)/2, size, i)
		area.Min.X += size + 2*margin
		whole = p.words(c, text, area, nil)
	case signed:
		whole = p.say(c, text, area, &i, s.Turn)
	default:
		whole = p.say(c, text, area, nil, s.Turn)
	}
	return c.Paletted, whole, nil
}

// codes draws a screen's one or two codes, and gives the words' area.
func (p *Painter) codes(c canvas, s Screen, text Wording, area image.Rectangle, wide, list bool) (image.Rectangle,
	error) {
	rest, err := p.code(c, s.QR, area, wide, list)
	if err == nil && s.Page != "" && s.Kind == Idle && wide {
		return p.second(c, s.Page, text.Second, rest)
	}
	return rest, err
}

// say draws the words, with their list where there is one.
func (p *Painter) say(c canvas, text Wording, area image.Rectangle, i *icon, turn int) (whole bool) {
	if len(text.List) > 0 {
		whole, _ = p.listed(c, text, area, turn, false)
		return whole
	}
	return p.words(c, text, area, i)
}

func (p *Painter) shorter() int { return min(p.bounds.Dx(), p.bounds.Dy()) }

func (p *Painter) margin() int { return max(6, p.shorter()/24) }

// frame draws the machine's name above and the phases below, and gives what is between.
func (p *Painter) frame(c canvas, text Wording) image.Rectangle {
	area, margin := c.Rect, p.margin()
	top := max(20, p.shorter()/12)
	bar := image.Rect(0, 0, area.Dx(), top)
	c.fill(bar, onBar, 0)
	small := p.faces.face(top*11/20, false)
	right := area.Dx()
	if text.Test != "" {
		width := measure(small)(text.Test) + 2*margin
		right -= width
		c.fill(image.Rect(right, 0, area.Dx(), top), onMark, 0)
		c.text(small, right+margin, (top-height(small))/2, text.Test, onMark)
	}
	c.text(small, margin, (top-height(small))/2, measure(small).truncate(text.Machine, right-2*margin), onBar)
	area.Min.Y += top
	area.Max.Y -= p.phases(c, text, margin)
	return area
}

// phases draws the four phases at the lower edge with the current one lit, for technicians: small, and without words on
// small displays.
func (p *Painter) phases(c canvas, text Wording, margin int) int {
	f := p.faces.face(max(12, p.shorter()/36), false)
	worded := p.bounds.Dx() >= 400
	tall := max(4, p.shorter()/120)
	all := tall + margin/2
	if worded {
		all += height(f) + tall
	}
	y := p.bounds.Max.Y - all
	gap := margin / 2
	width := (p.bounds.Dx() - 2*margin - 3*gap) / 4
	for n, name := range text.Phases {
		k, word := lineOnPaper, dimOnPaper
		if n == text.Phase {
			k, word = actOnPaper, actOnPaper
		}
		x := margin + n*(width+gap)
		c.fill(image.Rect(x, y, x+width, y+tall), k, levels-1)
		if worded {
			c.text(f, x, y+2*tall, measure(f).truncate(name, width), word)
		}
	}
	return all + tall
}

// countdown draws what is left of a minute, or more as a whole one, as a bar with its words above. It gives the strip's
// upper edge.
func (p *Painter) countdown(c canvas, text Wording, s Screen, area image.Rectangle) int {
	const whole = 60
	f := p.faces.face(max(13, p.shorter()/18), true)
	margin, tall := p.margin(), max(4, p.shorter()/60)
	y := area.Max.Y - tall - margin/2
	seconds := min(whole, int((s.Remaining+999_999_999)/1_000_000_000))
	bar := image.Rect(margin, y, area.Max.X-margin, y+tall)
	c.fill(bar, lineOnPaper, levels-1)
	bar.Max.X = bar.Min.X + bar.Dx()*seconds/whole
	c.fill(bar, actOnPaper, levels-1)
	top := y - height(f) - margin/4
	c.text(f, margin, top, text.Time, actOnPaper)
	return top
}

// module is the size in pixels from which a code's modules are large enough to spend some on error correction.
const module = 4

// code draws a QR code as large as it can be beside the words, or above them and a list, and gives the words' area.
func (p *Painter) code(c canvas, payload string, area image.Rectangle, wide, list bool) (image.Rectangle, error) {
	room := min(area.Dy()*7/10, area.Dx())
	if list && p.bounds.Dy() > p.bounds.Dx()*6/5 {
		room = min(area.Dy()*9/20, area.Dx())
	}
	if wide {
		room = min(area.Dy(), area.Dx()/2)
	}
	code, err := encodeQR(payload, qr.M)
	if err == nil && room/(code.Size+2*quiet) < module {
		code, err = encodeQR(payload, qr.L)
	}
	if err != nil {
		return image.Rectangle{}, err
	}
	scale := max(1, room/(code.Size+2*quiet))
	size := scale * (code.Size + 2*quiet)
	at := image.Pt(area.Min.X+(area.Dx()-size)/2, area.Min.Y)
	words := image.Rect(area.Min.X, area.Min.Y+size+p.margin()/2, area.Max.X, area.Max.Y)
	if wide {
		at = image.Pt(area.Min.X, area.Min.Y+(area.Dy()-size)/2)
		words = image.Rect(area.Min.X+size+2*p.margin(), area.Min.Y, area.Max.X, area.Max.Y)
	}
	c.fill(image.Rect(at.X, at.Y, at.X+size, at.Y+size), onQR, 0)
	c.modules(code, at.Add(image.Pt(quiet*scale, quiet*scale)), scale)
	return words, nil
}

// secondMin is the size in pixels of a module of the second code: a phone that is held close reads it.
const secondMin = 3

// second draws another code below the words, with what it is for beside it, and gives what is left of the words' area.
// Where a module would be too small, or the words would have too little room, there is none.
func (p *Painter) second(c canvas, payload, caption string, area image.Rectangle) (image.Rectangle, error) {
	code, err := encodeQR(payload, qr.L)
	if err != nil {
		return area, err
	}
	modules := code.Size + 2*quiet
	scale := area.Dy() / 2 / modules
	if size := modules * scale; scale < secondMin || size > area.Dx()/2 {
		return area, nil
	}
	size := modules * scale
	at := image.Pt(area.Max.X-size, area.Max.Y-size)
	c.fill(image.Rect(at.X, at.Y, area.Max.X, area.Max.Y), onQR, 0)
	c.modules(code, at.Add(image.Pt(quiet*scale, quiet*scale)), scale)
	f := p.faces.face(max(13, p.shorter()/24), false)
	room := image.Rect(area.Min.X, at.Y, at.X-p.margin(), area.Max.Y)
	lines := measure(f).most(caption, room.Dx(), max(1, room.Dy()/height(f)))
	room.Min.Y += max(0, (room.Dy()-len(lines)*height(f))/2)
	p.rows(c, room, height(f), lines, f, onPaper)
	area.Max.Y = at.Y - p.margin()/2
	return area, nil
}

func (c canvas) modules(code *qr.Code, at image.Point, scale int) {
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				c.fill(image.Rect(x*scale, y*scale, (x+1)*scale, (y+1)*scale).Add(at), onQR, levels-1)
			}
		}
	}
}

// rows writes lines below each other, and gives where they end.
func (p *Painter) rows(c canvas, area image.Rectangle, row int, lines []string, f font.Face, k paint) int {
	y := area.Min.Y
	for _, l := range lines {
		if p.small && inverted[k] {
			c.fill(image.Rect(area.Min.X, y, area.Max.X, y+row), k, 0)
		}
		c.text(f, area.Min.X, y, l, k)
		y += row
	}
	return y
}
