package wiring

import (
	"cmp"
	_ "embed"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// The drawing's measures, in SVG units: a page of 1200 prints on A4 in landscape with letters that can be read.
const (
	pageWidth = 1200
	boxWidth  = 370
	boxHeight = 46
	boxStep   = 54
	rowHeight = 26
	rowWidth  = 84
	top       = 90
)

// detail is the part of the drawing that is the same on every machine: one relay and one contact, with what keeps them
// safe.
//
//go:embed detail.svg
var detail string

// detailHeight is how much of the page the detail takes.
const detailHeight = 400

// Draw writes the machine's wiring as an SVG drawing: the header as seen from above, pin 1 in the upper left corner,
// its left row's wires to the left and its right row's to the right.
func Draw(w io.Writer, title string, parts []Part) error {
	left, right, off := sides(parts)
	height := top + max(len(left)*boxStep, len(right)*boxStep, headerPins/2*rowHeight) + 20
	page := height + len(off)*20 + detailHeight
	p := &pen{}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="DejaVu Sans, Arial, sans-serif" font-size="13">`, pageWidth, page)
	p.printf(`<rect width="%d" height="%d" fill="#fff"/>`, pageWidth, page)
	p.text(24, 40, `font-size="24" font-weight="bold"`, title)
	p.text(24, 64, `fill="#555"`,
		"Raspberry Pi, 40-pin header seen from above, pin 1 at the corner with the square pad")
	p.header(parts, height)
	p.side(left, 24, false, height)
	p.side(right, pageWidth-24-boxWidth, true, height)
	for n, part := range off {
		p.text(24, float64(height+n*20), "", fmt.Sprintf("Not on the header: %s, %s", part.Pin, part.Title()))
	}
	p.printf(`<g transform="translate(0 %d)">%s</g></svg>`, page-detailHeight, detail)
	_, err := io.WriteString(w, p.String())
	return err
}

// sides sorts the parts by the row of the header that they are connected to, from top to bottom: so no two wires cross.
func sides(parts []Part) (left, right, off []Part) {
	for _, p := range parts {
		switch {
		case p.Position == 0:
			off = append(off, p)
		case p.Position%2 == 1:
			left = append(left, p)
		default:
			right = append(right, p)
		}
	}
	for _, side := range [][]Part{left, right} {
		slices.SortStableFunc(side, func(a, b Part) int { return cmp.Compare(a.Position, b.Position) })
	}
	return left, right, off
}

// pen collects the drawing.
type pen struct{ strings.Builder }

func (p *pen) printf(format string, a ...any) { fmt.Fprintf(p, format+"\n", a...) }

func (p *pen) text(x, y float64, attributes, s string) {
	p.printf(`<text x="%g" y="%g" %s>%s</text>`, x, y, attributes, html.EscapeString(s))
}

// rowY is the middle of a header pin's row; the header stands in the middle of the space above the page's detail.
func rowY(position, height int) float64 {
	first := float64(top) + (float64(height-top-20)-headerPins/2*rowHeight)/2
	return first + float64((position-1)/2)*rowHeight + rowHeight/2
}

func (p *pen) header(parts []Part, height int) {
	used := map[int]Kind{}
	for _, part := range parts {
		used[part.Position] = part.Kind
	}
	for n := range headerPins {
		position := n + 1
		name := label(position)
		x, y := float64(pageWidth/2-rowWidth), rowY(position, height)-rowHeight/2
		numberX, nameX, anchor := x+rowWidth-13, x+8, "start"
		if position%2 == 0 {
			x = pageWidth / 2
			numberX, nameX, anchor = x+13, x+rowWidth-8, "end"
		}
		fill, ink := "#f2f2f2", "#999"
		switch kind, ok := used[position]; {
		case ok:
			fill, ink = kind.colour(), "#fff"
		case name == "GND":
			fill, ink = "#333", "#fff"
		case name == "5 V":
			fill, ink = "#b03030", "#fff"
		case name == "3.3 V":
			fill, ink = "#c77d2b", "#fff"
		}
		p.printf(`<rect x="%g" y="%g" width="%d" height="%d" fill="%s" stroke="#fff"/>`, x, y, rowWidth, rowHeight,
			fill)
		p.text(nameX, y+17, fmt.Sprintf(`fill="%s" text-anchor="%s"`, ink, anchor), name)
		p.text(numberX, y+17, fmt.Sprintf(`fill="%s" text-anchor="middle" font-size="10"`, ink), fmt.Sprint(position))
	}
}

// side draws the parts of one side and their wires.
func (p *pen) side(parts []Part, x float64, right bool, height int) {
	first := float64(top) + (float64(height-top-20)-float64(len(parts)*boxStep))/2
	for n, part := range parts {
		y := first + float64(n*boxStep)
		colour := part.Kind.colour()
		from, to, out := float64(pageWidth/2-rowWidth), x+boxWidth, -14.0
		if right {
			from, to, out = pageWidth/2+rowWidth, x, 14
		}
		pinY, boxY := rowY(part.Position, height), y+boxHeight/2
		p.printf(`<path d="M%g %g h%g L%g %g H%g" fill="none" stroke="%s" stroke-width="2"/>`, from, pinY, out, to-out,
			boxY, to, colour)
		p.printf(`<rect x="%g" y="%g" width="%d" height="%d" rx="6" fill="#fafafa" stroke="%s" stroke-width="2"/>`, x,
			y, boxWidth, boxHeight, colour)
		p.text(x+12, y+19, `font-weight="bold"`, part.Title())
		p.text(x+boxWidth-12, y+19, fmt.Sprintf(`text-anchor="end" fill="%s"`, colour),
			fmt.Sprintf("%s, pin %d", part.Line, part.Position))
		p.text(x+12, y+37, `fill="#555" font-size="12"`, part.line())
		if part.Warning != "" {
			p.printf(`<path d="M%g %g l9 -16 l9 16 z" fill="#d00"/>`, x+boxWidth-30, y+40)
			p.text(x+boxWidth-21, y+38, `fill="#fff" text-anchor="middle" font-weight="bold" font-size="11"`, "!")
		}
	}
}

// Title names the part: "A1 motor relay".
func (p Part) Title() string {
	if p.Slot == "" {
		return strings.ToUpper(p.Name[:1]) + p.Name[1:]
	}
	return p.Slot + " " + p.Name
}

// line is what a box says below its title.
func (p Part) line() string {
	if p.Add != "" {
		return p.Does + "; " + p.Add
	}
	return p.Does
}

func (k Kind) colour() string {
	switch k {
	case Motor:
		return "#b3541e"
	case Sensor:
		return "#1b6f8a"
	case Keypad:
		return "#8a1b5f"
	case Display:
		return "#6a3d9a"
	case Bus:
		return "#8a7a1b"
	}
	return "#3a7d34"
}
