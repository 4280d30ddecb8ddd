package display

import (
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// face is a font's face in which a character that the font lacks is seen to be missing: a name in another script must
// not vanish.
type face struct {
	font.Face
	has      func(rune) bool
	outlines bool
}

// outlined is a face of outlines.
func outlined(f font.Face, of *opentype.Font) face {
	var buf sfnt.Buffer // a painter's, which one goroutine uses at a time
	return face{f, func(r rune) bool {
		n, err := of.GlyphIndex(&buf, r)
		return err == nil && n != 0
	}, true}
}

// dotted is a face of dots.
func dotted(f *basicfont.Face) face {
	return face{f, func(r rune) bool {
		for _, span := range f.Ranges {
			if r >= span.Low && r < span.High {
				return true
			}
		}
		return false
	}, false}
}

// seen is the character that stands for another one.
func (f face) seen(r rune) rune {
	switch {
	case f.has(r):
		return r
	case f.has(stand):
		return stand
	}
	return '?' // which every font has
}

// Glyph implements font.Face.
func (f face) Glyph(dot fixed.Point26_6, r rune) (image.Rectangle, image.Image, image.Point, fixed.Int26_6, bool) {
	return f.Face.Glyph(dot, f.seen(r))
}

// GlyphBounds implements font.Face.
func (f face) GlyphBounds(r rune) (fixed.Rectangle26_6, fixed.Int26_6, bool) {
	return f.Face.GlyphBounds(f.seen(r))
}

// GlyphAdvance implements font.Face.
func (f face) GlyphAdvance(r rune) (fixed.Int26_6, bool) { return f.Face.GlyphAdvance(f.seen(r)) }

// Kern implements font.Face.
func (f face) Kern(a, b rune) fixed.Int26_6 { return f.Face.Kern(f.seen(a), f.seen(b)) }

// Unseen finds the first character of a text that the painter's pictures do not show, and its place, counted from 1; 0:
// they show all.
func (p *Painter) Unseen(text string) (r rune, at int) {
	faces := []face{p.faces.face(monoBody, false), p.faces.face(monoBody, true)}
	return first(text, func(r rune) bool {
		if unseen(r) {
			return true
		}
		for _, f := range faces {
			if c := clean("x" + string(r) + "x"); !f.has([]rune(c)[1]) { // as it is drawn: every space is a plain one
				return true
			}
		}
		return false
	})
}
