package display

import (
	"fmt"
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// vt is a strict terminal: it knows the few sequences that the driver may use and fails the test on any other control
// character, and on anything drawn beyond its edges. It is written from the sequences' definitions, not from the
// driver.
type vt struct {
	t             testing.TB
	width, height int
	cells         [][]vtCell
	x, y          int
	fg, bg        int // 256-colour indices; -1: the terminal's own
	hidden        bool
	wraps         bool
	writes        int
}

type vtCell struct {
	r      rune // 0: behind a wide rune
	fg, bg int
}

func newVT(t testing.TB, width, height int) *vt {
	v := &vt{t: t, width: width, height: height, fg: -1, bg: -1, wraps: true}
	for range height {
		v.cells = append(v.cells, make([]vtCell, width))
	}
	v.erase()
	return v
}

func (v *vt) erase() {
	for y := range v.cells {
		for x := range v.cells[y] {
			v.cells[y][x] = vtCell{' ', -1, -1}
		}
	}
}

var csi = regexp.MustCompile(`^\x1b\[(\??)([0-9;]*)([A-Za-z])`)

func (v *vt) Write(p []byte) (int, error) {
	v.t.Helper()
	v.writes++
	if !utf8.Valid(p) {
		v.t.Fatalf("not UTF-8: %q", p)
	}
	for s := string(p); s != ""; {
		if m := csi.FindStringSubmatch(s); m != nil {
			v.control(m[1], m[2], m[3])
			s = s[len(m[0]):]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case strings.HasPrefix(s, "\n") && r == '\r' && v.y == v.height-1 && s == "\n":
			s = "" // Close's last line break
		case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
			r >= 0x2066 && r <= 0x2069 || r == 0xfeff:
			v.t.Fatalf("control character %U before %q", r, s[:min(len(s), 20)])
		default:
			v.print(r)
		}
	}
	return len(p), nil
}

func (v *vt) print(r rune) {
	v.t.Helper()
	w := 1
	if wide(r) {
		w = 2
	}
	if v.x+w > v.width {
		v.t.Fatalf("%q at column %d of %d", r, v.x+1, v.width)
	}
	v.cells[v.y][v.x] = vtCell{r, v.fg, v.bg}
	if w == 2 {
		v.cells[v.y][v.x+1] = vtCell{0, v.fg, v.bg}
	}
	v.x += w
}

// wide is what a terminal draws in two columns for certain: the scripts of East Asia, halfwidth forms aside, and
// pictographs.
func wide(r rune) bool {
	if r >= 0xFF61 && r <= 0xFFDC {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0xAC00 && r <= 0xD7A3 ||
		r >= 0x1F300 && r <= 0x1FAFF
}

func (v *vt) control(private, args, final string) {
	v.t.Helper()
	var n []int
	for f := range strings.SplitSeq(args, ";") {
		i, _ := strconv.Atoi(f) // an absent number is 0
		n = append(n, i)
	}
	switch private + args + final {
	case "?25l", "?25h":
		v.hidden = final == "l"
		return
	case "?7l", "?7h":
		v.wraps = final == "h"
		return
	case "H":
		v.x, v.y = 0, 0
		return
	case "J":
		v.erase()
		return
	}
	switch {
	case private == "" && final == "H" && len(n) == 2 && n[0] >= 1 && n[0] <= v.height && n[1] == 1:
		v.x, v.y = 0, n[0]-1
	case private == "" && final == "G" && n[0] >= 1 && n[0] <= v.width+1:
		v.x = n[0] - 1
	case private == "" && final == "m":
		v.sgr(n)
	default:
		v.t.Fatalf("the terminal does not know ESC [ %s%s%s", private, args, final)
	}
}

func (v *vt) sgr(n []int) {
	for i := 0; i < len(n); i++ {
		switch {
		case n[i] == 0:
			v.fg, v.bg = -1, -1
		case n[i] == 1:
		case n[i] == 38 && i+2 < len(n) && n[i+1] == 5:
			v.fg = n[i+2]
			i += 2
		case n[i] == 48 && i+2 < len(n) && n[i+1] == 5:
			v.bg = n[i+2]
			i += 2
		default:
			v.t.Fatalf("the terminal does not know SGR %v", n)
		}
	}
}

// text is what stands on the terminal, without the blanks at the ends of lines.
func (v *vt) text() string {
	var b strings.Builder
	for _, line := range v.cells {
		var l strings.Builder
		for _, c := range line {
			if c.r != 0 {
				l.WriteRune(c.r)
			}
		}
		fmt.Fprintln(&b, strings.TrimRight(l.String(), " "))
	}
	return b.String()
}

// unit is the side in pixels of half a cell, which a terminal's usual font makes a square.
const unit = 4

// photo is the terminal as a camera sees it. A terminal whose own colours are light has dark text on a light ground.
func (v *vt) photo(light bool) *image.Gray {
	own := [2]uint8{230, 20} // text, ground
	if light {
		own = [2]uint8{20, 250}
	}
	img := image.NewGray(image.Rect(0, 0, v.width*unit, v.height*2*unit))
	for y, line := range v.cells {
		for x, c := range line {
			fg, bg := grey(c.fg, own[0]), grey(c.bg, own[1])
			for py := range 2 * unit {
				for px := range unit {
					shade := bg
					switch c.r {
					case ' ', 0:
					case '▀':
						if py < unit {
							shade = fg
						}
					case '▄':
						if py >= unit {
							shade = fg
						}
					case '█':
						shade = fg
					default: // a letter: something that is neither
						if px == 1 && py > 1 && py < 6 {
							shade = fg
						}
					}
					img.SetGray(x*unit+px, y*2*unit+py, color.Gray{Y: shade})
				}
			}
		}
	}
	return img
}

// grey is the brightness of a colour of the 256-colour cube or grey ramp; own for the terminal's own colour.
func grey(index int, own uint8) uint8 {
	levels := [6]int{0, 95, 135, 175, 215, 255}
	switch {
	case index < 0:
		return own
	case index >= 232:
		return uint8(8 + 10*(index-232))
	case index >= 16:
		i := index - 16
		return uint8((levels[i/36]*30 + levels[i/6%6]*59 + levels[i%6]*11) / 100)
	}
	return own // a theme may make anything of the first sixteen
}
