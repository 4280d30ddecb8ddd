package display

import (
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// paint is a colour on the ground that it stands on. Each has levels steps in the palette, from the ground to the full
// colour, so that the soft edges of letters need no other colours.
type paint int

const (
	onPaper     paint = iota // words
	dimOnPaper               // words that matter less
	actOnPaper               // what to do now
	goodOnPaper              // it went well
	badOnPaper               // it did not
	onBar                    // the machine's name
	onMark                   // the test mark
	onAct                    // white on the three above
	onGood
	onBad
	onNotice // why the last choice was not taken
	lineOnPaper
	onDim
	onQR // black on white, and nothing between
	paints
)

const levels = 16

var (
	paper  = color.RGBA{0xfa, 0xfa, 0xf7, 0xff}
	dark   = color.RGBA{0x1b, 0x24, 0x30, 0xff}
	dim    = color.RGBA{0x5d, 0x67, 0x73, 0xff}
	act    = color.RGBA{0x0b, 0x6e, 0x69, 0xff}
	good   = color.RGBA{0x15, 0x80, 0x3d, 0xff}
	bad    = color.RGBA{0xb4, 0x23, 0x18, 0xff}
	amber  = color.RGBA{0xff, 0xd9, 0x7a, 0xff}
	line   = color.RGBA{0xd9, 0xdc, 0xda, 0xff}
	white  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	black  = color.RGBA{0x00, 0x00, 0x00, 0xff}
	ground = [paints][2]color.RGBA{ // colour, ground
		onPaper: {dark, paper}, dimOnPaper: {dim, paper}, actOnPaper: {act, paper}, goodOnPaper: {good, paper},
		badOnPaper: {bad, paper},
		onBar:      {white, dark}, onMark: {dark, amber}, onAct: {white, act}, onGood: {white, good},
		onBad:    {white, bad},
		onNotice: {dark, amber}, lineOnPaper: {line, paper}, onDim: {white, dim}, onQR: {black, white},
	}
)

// inverted are the paints that a display of one bit shows with its ground and colour exchanged. The ground is dark on a
// display that shines and light on paper, so that there a QR code is as it should be by itself.
var inverted = [paints]bool{onMark: true, onNotice: true, onQR: true, onAct: true, onGood: true, onBad: true,
	onDim: true, onBar: true}

// colours is the palette of all paints.
func colours() color.Palette {
	p := make(color.Palette, 0, int(paints)*levels)
	for _, g := range ground {
		for l := range levels {
			mix := func(full, none uint8) uint8 { return uint8((int(full)*l + int(none)*(levels-1-l)) / (levels - 1)) }
			p = append(p, color.RGBA{mix(g[0].R, g[1].R), mix(g[0].G, g[1].G), mix(g[0].B, g[1].B), 0xff})
		}
	}
	return p
}

// canvas is a picture in the making.
type canvas struct {
	*image.Paletted
	mono, paper bool
	said        func(text string, at image.Rectangle, k paint) // is told of each line of words; nil: nobody is
}

// index is the palette's entry of a paint at a level.
func (c canvas) index(k paint, level int) uint8 {
	if !c.mono {
		return uint8(int(k)*levels + level)
	}
	if (level > 0) != (inverted[k] && !(c.paper && k == onQR)) {
		return 1
	}
	return 0
}

// fill covers an area with a paint's ground (level 0) or its colour.
func (c canvas) fill(r image.Rectangle, k paint, level int) {
	r = r.Intersect(c.Rect)
	i := c.index(k, level)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.Pix[c.PixOffset(r.Min.X, y):c.PixOffset(r.Max.X, y)]
		for x := range row {
			row[x] = i
		}
	}
}

// stamp puts a mask's shape on the picture; of one bit, from its least level on.
func (c canvas) stamp(at image.Rectangle, mask image.Image, from image.Point, k paint, least int) {
	at = at.Intersect(c.Rect)
	alpha, ok := mask.(*image.Alpha)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			mx, my := from.X+x-at.Min.X, from.Y+y-at.Min.Y
			var a uint32
			if ok {
				a = uint32(alpha.AlphaAt(mx, my).A)
			} else {
				_, _, _, a = mask.At(mx, my).RGBA()
				a >>= 8
			}
			if level := int(a) * (levels - 1) / 0xff; level > 0 && (!c.mono || level >= least) {
				c.Pix[c.PixOffset(x, y)] = c.index(k, level)
			}
		}
	}
}

// text writes a line of words with its upper left corner at x, y.
func (c canvas) text(f font.Face, x, y int, s string, k paint) {
	if c.said != nil {
		c.said(s, image.Rect(x, y, x+measure(f)(s), y+height(f)), k)
	}
	least := levels / 2
	if drawn, ok := f.(face); ok && drawn.outlines {
		least = levels / 3 // or the dots of å, ä and ö would be lost
	}
	dot := fixed.P(x, y+f.Metrics().Ascent.Ceil())
	previous := rune(-1)
	for _, r := range s {
		if previous >= 0 {
			dot.X += f.Kern(previous, r)
		}
		at, mask, from, advance, ok := f.Glyph(dot, r)
		if ok {
			if visible := at.Intersect(c.Rect); visible != at {
				from = from.Add(visible.Min.Sub(at.Min))
				at = visible
			}
			c.stamp(at, mask, from, k, least)
		}
		dot.X += advance
		previous = r
	}
}

// shape fills a path within a square of some size at x, y.
func (c canvas) shape(x, y, size int, k paint, path func(*vector.Rasterizer)) {
	z := vector.NewRasterizer(size, size)
	path(z)
	mask := image.NewAlpha(image.Rect(0, 0, size, size))
	z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	c.stamp(image.Rect(x, y, x+size, y+size), mask, image.Point{}, k, levels/2)
}

// typeface gives faces by their size in pixels, each made once.
type typeface struct {
	regular, bold *opentype.Font
	made          map[faceKey]face
	mono          bool
}

type faceKey struct {
	pixels int
	bold   bool
}

func newTypeface(mono bool) (*typeface, error) {
	t := &typeface{made: map[faceKey]face{}, mono: mono}
	var err error
	if t.regular, err = opentype.Parse(goregular.TTF); err != nil {
		return nil, err
	}
	t.bold, err = opentype.Parse(gobold.TTF)
	return t, err
}

// monoBody is the size of the small words of a picture of one bit.
const monoBody = 11

// face is a face of a size. One bit has one size of each: what is drawn for 8 by 16 pixels is sharper than any outline.
func (t *typeface) face(pixels int, bold bool) face {
	switch {
	case t.mono && bold:
		return dotted(inconsolata.Bold8x16)
	case t.mono:
		pixels = monoBody
	}
	key := faceKey{pixels, bold}
	if f, ok := t.made[key]; ok {
		return f
	}
	outlines := t.regular
	if bold {
		outlines = t.bold
	}
	f, err := opentype.NewFace(outlines,
		&opentype.FaceOptions{Size: float64(pixels), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("display: " + err.Error()) // only options that are not set here fail
	}
	t.made[key] = outlined(f, outlines)
	return t.made[key]
}

func ascent(f font.Face) int { return f.Metrics().Ascent.Ceil() }

func height(f font.Face) int { m := f.Metrics(); return m.Ascent.Ceil() + m.Descent.Ceil() }

// measure is the ruler of a face.
func measure(f font.Face) ruler {
	return func(s string) int { return font.MeasureString(f, s).Ceil() }
}
