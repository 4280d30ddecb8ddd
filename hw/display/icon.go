package display

import (
	"math"

	"golang.org/x/image/vector"

	"kioskd/internal/reason"
)

// icon is a sign that says the title once more, to those who do not read it: a disc in the screen's colour, and on it
// some strokes and dots, in hundredths of the disc.
type icon struct {
	disc    paint // on paper
	on      paint // the strokes' colour on the disc
	strokes [][]point
	dots    []point
}

type point struct{ x, y float32 }

// iconOf is the sign of a screen; false: it has none, since what it shows is to be read.
func iconOf(s Screen, tone Tone) (icon, bool) {
	i := icon{disc: actOnPaper, on: onAct}
	switch tone {
	case Good:
		i.disc, i.on = goodOnPaper, onGood
	case Failed:
		i.disc, i.on = badOnPaper, onBad
	case Plain:
		i.disc, i.on = dimOnPaper, onDim
	}
	switch {
	case s.Kind == Idle || s.Kind == Choose:
		return icon{}, false
	case s.Kind == Confirm || s.Kind == Scan: // a phone
		i.strokes, i.dots = [][]point{{{36, 22}, {64, 22}, {64, 78}, {36, 78}, {36, 22}}}, []point{{50, 68}}
	case s.Kind == Asking || s.Why == reason.InDoubt: // a question
		i.strokes = [][]point{{{38, 40}, {39, 31}, {45, 26}, {53, 26}, {60, 31}, {61, 39}, {57, 45}, {51, 50},
			{50, 58}}}
		i.dots = []point{{50, 72}}
	case s.Kind == Dispensing: // down, into the tray
		i.strokes = [][]point{{{50, 20}, {50, 58}}, {{36, 45}, {50, 59}, {64, 45}},
			{{28, 62}, {28, 76}, {72, 76}, {72, 62}}}
	case s.Kind == Settling, tone == Plain && s.Kind == OutOfService: // a moment
		i.dots = []point{{30, 50}, {50, 50}, {70, 50}}
	case s.Kind == Done: // a tick
		i.strokes = [][]point{{{27, 52}, {44, 68}, {74, 34}}}
	case s.Kind == Refunded: // back
		i.strokes = [][]point{{{42, 28}, {28, 42}, {42, 56}},
			{{28, 42}, {62, 42}, {72, 50}, {72, 62}, {62, 70}, {44, 70}}}
	case tone == Failed && s.Kind == NothingCharged:
		i.strokes, i.dots = [][]point{{{50, 24}, {50, 58}}}, []point{{50, 74}}
	default: // nothing happens here
		i.strokes = [][]point{{{26, 50}, {74, 50}}}
	}
	return i, true
}

const strokeWidth = 4.5 // of each side of a stroke, in hundredths

// sign draws an icon in a square.
func (c canvas) sign(x, y, size int, i icon) {
	scale := float32(size) / 100
	c.shape(x, y, size, i.disc, func(z *vector.Rasterizer) { disc(z, point{50, 50}, 50, scale) })
	c.shape(x, y, size, i.on, func(z *vector.Rasterizer) {
		for _, s := range i.strokes {
			for n := range s {
				disc(z, s[n], strokeWidth, scale)
				if n > 0 {
					bar(z, s[n-1], s[n], strokeWidth, scale)
				}
			}
		}
		for _, d := range i.dots {
			disc(z, d, 1.4*strokeWidth, scale)
		}
	})
}

// disc adds a circle, always in the same direction, so that what overlaps stays filled.
func disc(z *vector.Rasterizer, centre point, radius, scale float32) {
	const corners = 48
	for n := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / corners)
		x, y := (centre.x+radius*float32(cos))*scale, (centre.y+radius*float32(sin))*scale
		if n == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
}

// bar adds a straight stroke from a to b, in the same direction.
func bar(z *vector.Rasterizer, a, b point, half, scale float32) {
	dx, dy := b.x-a.x, b.y-a.y
	length := float32(math.Hypot(float64(dx), float64(dy)))
	nx, ny := -dy/length*half, dx/length*half
	z.MoveTo((a.x-nx)*scale, (a.y-ny)*scale)
	z.LineTo((b.x-nx)*scale, (b.y-ny)*scale)
	z.LineTo((b.x+nx)*scale, (b.y+ny)*scale)
	z.LineTo((a.x+nx)*scale, (a.y+ny)*scale)
	z.ClosePath()
}
