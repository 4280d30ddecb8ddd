// Package sticker draws the code that hangs on a machine for a printer: a QR with its quiet zone, and under it the id
// that it is about, for whoever must tell it to somebody.
package sticker

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"rsc.io/qr"
)

const (
	// quiet is the white around a code, in modules (ISO/IEC 18004, 9.1).
	quiet = 4
	// captionHeight is the room for the id, and letterHeight its letters, in modules.
	captionHeight, letterHeight = 5, 3.2
	// letterWidth is a letter's width, of its height: of Courier exactly, and of the others' fonts nearly.
	letterWidth = 0.6
	// width is how wide the sticker is on paper, in millimetres.
	width = 60
	// modulePixels is how large a module is in a picture: 60 mm are printed with some 400 dots an inch.
	modulePixels = 24
	// captionMax is the longest id, in characters.
	captionMax = 64
)

// Sticker is a code and the id under it. Make it with New.
type Sticker struct {
	code    *qr.Code
	caption string
}

// New makes a sticker with error correction M: it is read when a seventh of it is scratched off. The caption is at
// most 64 printable ASCII characters.
func New(payload, caption string) (Sticker, error) {
	odd := strings.IndexFunc(caption, func(r rune) bool { return r < ' ' || r > '~' })
	if caption == "" || len(caption) > captionMax || odd >= 0 {
		return Sticker{}, fmt.Errorf("sticker: an id of 1 to %d letters and digits, and not %q", captionMax, caption)
	}
	code, err := qr.Encode(payload, qr.M)
	if err != nil {
		return Sticker{}, fmt.Errorf("sticker: %w", err)
	}
	return Sticker{code, caption}, nil
}

// size is how large the sticker is, in modules.
func (s Sticker) size() (w, h int) {
	return s.code.Size + 2*quiet, s.code.Size + 2*quiet + captionHeight
}

// letters is how high the caption's letters are, in modules: long ones are smaller, so that they fit.
func (s Sticker) letters() float64 {
	return min(letterHeight, float64(s.code.Size)/(letterWidth*float64(len(s.caption))))
}

// bars calls bar for each row of black modules that stand beside each other, in modules from the top left.
func (s Sticker) bars(bar func(x, y, n int)) {
	for y := range s.code.Size {
		for x := 0; x < s.code.Size; {
			n := 0
			for x+n < s.code.Size && s.code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				bar(x+quiet, y+quiet, n)
			}
			x += n + 1
		}
	}
}

// SVG writes the sticker as a drawing.
func (s Sticker) SVG(out io.Writer) error {
	var b bytes.Buffer
	w, h := s.size()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%dmm" height="%.2fmm" viewBox="0 0 %d %d">`+"\n",
		width, float64(width)*float64(h)/float64(w), w, h)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n"+`<path d="`, w, h)
	s.bars(func(x, y, n int) { fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, n, n) })
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s.caption)
	fmt.Fprintf(&b, `"/>`+"\n"+`<text x="%.1f" y="%.1f" font-family="Courier,monospace" font-size="%.2f" `+
		`text-anchor="middle">%s</text>`+"\n</svg>\n", float64(w)/2, float64(h)-2, s.letters(), escaped)
	_, err := out.Write(b.Bytes())
	return err
}

// PNG writes the sticker as a picture.
func (s Sticker) PNG(out io.Writer) error {
	w, h := s.size()
	img := image.NewPaletted(image.Rect(0, 0, w*modulePixels, h*modulePixels), color.Palette{color.White, color.Black})
	s.bars(func(x, y, n int) {
		for py := y * modulePixels; py < (y+1)*modulePixels; py++ {
			for px := x * modulePixels; px < (x+n)*modulePixels; px++ {
				img.SetColorIndex(px, py, 1)
			}
		}
	})
	f, err := opentype.Parse(gomono.TTF)
	if err != nil {
		return fmt.Errorf("sticker: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: s.letters() * modulePixels, DPI: 72})
	if err != nil {
		return fmt.Errorf("sticker: %w", err)
	}
	d := font.Drawer{Dst: img, Src: image.Black, Face: face}
	d.Dot = fixed.P(w*modulePixels/2, (h-2)*modulePixels)
	d.Dot.X -= d.MeasureString(s.caption) / 2
	d.DrawString(s.caption)
	return errors.Join(png.Encode(out, img), face.Close())
}

// PDF writes the sticker as a page of its own size, in lines and letters that any printer draws as finely as it can.
func (s Sticker) PDF(out io.Writer) error {
	const points = 72 / 25.4 // a millimetre
	w, h := s.size()
	module := width * points / float64(w)
	var page bytes.Buffer
	fmt.Fprintf(&page, "%.4f 0 0 %.4f 0 0 cm\n", module, module) // from here on in modules, from the bottom left
	s.bars(func(x, y, n int) { fmt.Fprintf(&page, "%d %d %d 1 re\n", x, h-y-1, n) })
	size := s.letters()
	left := (float64(w) - letterWidth*size*float64(len(s.caption))) / 2
	fmt.Fprintf(&page, "f\nBT /F %.3f Tf %.3f 2 Td (%s) Tj ET\n", size, left,
		strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s.caption))

	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	object := func(format string, args ...any) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n"+format+"\nendobj\n", append([]any{len(at)}, args...)...)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.3f %.3f] /Contents 4 0 R "+
		"/Resources << /Font << /F 5 0 R >> >> >>", float64(w)*module, float64(h)*module)
	object("<< /Length %d >>\nstream\n%s\nendstream", page.Len(), page.Bytes())
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, table)
	_, err := out.Write(b.Bytes())
	return err
}
