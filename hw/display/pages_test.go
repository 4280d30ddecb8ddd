package display

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"kioskd/internal/words"
)

// said is a line of words on a picture.
type said struct {
	text string
	at   image.Rectangle
	k    paint
}

// tour paints all pages of a screen, and gives the lines of each.
func tour(t *testing.T, p *Painter, s Screen) (pages [][]said, whole bool) {
	t.Helper()
	whole = true
	for s.Turn = 0; ; s.Turn++ {
		var lines []said
		p.said = func(text string, at image.Rectangle, k paint) { lines = append(lines, said{text, at, k}) }
		_, all, err := p.paint(s)
		if err != nil {
			t.Fatal(err)
		}
		pages, whole = append(pages, lines), whole && all
		if s.Turn+1 >= p.pages {
			return pages, whole
		}
	}
}

// has reports whether an entry is on a page: its button's name, and then its name in lines and its price, uncut.
func has(page []said, e Entry) bool {
	for n, l := range page {
		if l.text != e.Key || n+1 >= len(page) {
			continue
		}
		name, rest := "", page[n+1:]
		for len(rest) > 0 && len(name) < len(e.Name) {
			name = strings.TrimSpace(name + " " + strings.ReplaceAll(rest[0].text, string(noBreak), " "))
			rest = rest[1:]
		}
		if strings.ReplaceAll(name, " ", "") == strings.ReplaceAll(e.Name, " ", "") && len(rest) > 0 &&
			rest[0].text == e.Price {
			return true
		}
	}
	return false
}

// TestNoNameAndNoPriceIsCut: on every display each product is there whole on one of the pages, and nothing of it where
// a code leaves no room for all; the rest is there whole too. Nothing lies over something else, or outside.
func TestNoNameAndNoPriceIsCut(t *testing.T) {
	for _, size := range fronts {
		p := painter(t, size)
		for _, language := range words.Languages() {
			for _, slots := range counts {
				for name, s := range tours(language, slots) {
					pages, whole := tour(t, p, s)
					if !whole && !(p.small || p.slim()) { // on those the first page has what must be known
						t.Errorf("%v %s %s: a text is cut", size, language, name)
					}
					list, there := Text(s).List, 0
					for _, e := range list {
						for _, page := range pages {
							if has(page, e) {
								there++
								break
							}
						}
					}
					if there != len(list) && (s.QR == "" || there > 0) {
						t.Errorf("%v %s %s: %d of %d products on %d pages", size, language, name, there, len(list),
							len(pages))
					}
					for n, page := range pages {
						apart(t, fmt.Sprintf("%v %s %s %d slots, page %d", size, language, name, slots, n+1), page,
							image.Rectangle{Max: size})
					}
				}
			}
		}
	}
}

// apart complains of lines that lie over each other or outside.
func apart(t *testing.T, where string, page []said, bounds image.Rectangle) {
	t.Helper()
	for n, a := range page {
		if !a.at.In(bounds) {
			t.Errorf("%s: %q at %v is not within %v", where, a.text, a.at, bounds)
		}
		for _, b := range page[:n] {
			if over := a.at.Intersect(b.at); over.Dx() > 1 && over.Dy() > 2 { // lines may touch
				t.Errorf("%s: %q at %v lies over %q at %v", where, a.text, a.at, b.text, b.at)
			}
		}
	}
}

// TestARealMachineIsShownSoon: 30 slots take few pages of the usual displays, and their letters are large enough.
func TestARealMachineIsShownSoon(t *testing.T) {
	for size, most := range map[image.Point]int{{800, 480}: 3, {480, 800}: 3, {1024, 600}: 3, {1920, 1080}: 2,
		{1080, 1920}: 2} {
		p := painter(t, size)
		for _, language := range words.Languages() {
			for name, s := range tours(language, 30) {
				if s.QR != "" {
					continue
				}
				pages, _ := tour(t, p, s)
				if len(pages) > most {
					t.Errorf("%v %s %s: %d pages, want %d at most", size, language, name, len(pages), most)
				}
				if letters := p.last.plan.size; letters*40 < min(size.X, size.Y) || letters < 16 {
					t.Errorf("%v %s %s: letters of %d pixels", size, language, name, letters)
				}
			}
		}
	}
}

// TestTheLongestNamesAreThereWhole that the config allows, of 60 characters, in words and in one.
func TestTheLongestNamesAreThereWhole(t *testing.T) {
	for _, size := range fronts {
		p := painter(t, size)
		for _, name := range []string{strings.Repeat("Ab ", 19) + "Abc", strings.Repeat("Kardemumma", 6)} {
			s := tours("sv", 12)["choose_quiet"]
			s.Prices[3].Name, s.Prices[3].State = name, ""
			pages, _ := tour(t, p, s)
			there := false
			for _, page := range pages {
				there = there || has(page, Text(s).List[3])
			}
			if !there {
				t.Errorf("%v: %q is cut", size, name)
			}
		}
	}
}

// TestATurnChangesNothingButThePage: the words and the code stay where they are.
func TestATurnChangesNothingButThePage(t *testing.T) {
	p := painter(t, image.Pt(800, 480))
	for name, s := range tours("sv", 30) {
		pages, _ := tour(t, p, s)
		if len(pages) < 2 {
			continue
		}
		for n, l := range pages[0][:4] {
			if pages[1][n] != l {
				t.Errorf("%s: %v becomes %v", name, l, pages[1][n])
			}
		}
		s.Turn = len(pages)
		again, err := p.Paint(s)
		if err != nil {
			t.Fatal(err)
		}
		s.Turn = 0
		if first := painted(t, s, p.bounds.Size()); string(first.Pix) != string(again.Pix) {
			t.Errorf("%s: after the last page the first one does not come again", name)
		}
	}
}

// TestATerminalShowsEachProductWhole on one of its pages.
func TestATerminalShowsEachProductWhole(t *testing.T) {
	for _, size := range []image.Point{{80, 24}, {120, 40}, {60, 50}, {200, 60}} {
		for _, language := range words.Languages() {
			for name, s := range tours(language, 30) {
				if name == "idle_page" && size.Y == 24 { // the code is larger
					continue
				}
				var pages []string
				for s.Turn = range 40 {
					pages = append(pages, on(t, s, size.X, size.Y, true).text())
				}
				for _, e := range Text(s).List {
					if !shown(pages, e) {
						t.Errorf("%v %s %s: %q for %q is not there:\n%s", size, language, name, e.Name, e.Price,
							pages[0])
						break
					}
				}
			}
		}
	}
}

// shown reports whether a terminal's page has all of an entry.
func shown(pages []string, e Entry) bool {
	for _, page := range pages {
		all := strings.Contains(page, e.Key+"  ") && !strings.Contains(page, "…") &&
			strings.Contains(page, strings.ReplaceAll(e.Price, string(noBreak), " "))
		for word := range strings.FieldsSeq(e.Name) {
			all = all && strings.Contains(page, word)
		}
		if all {
			return true
		}
	}
	return false
}

// TestALongNameGoesOnInTheNextLine of a terminal, by its width in cells.
func TestALongNameGoesOnInTheNextLine(t *testing.T) {
	s := story("sv")["idle_choose"]
	s.Prices = []Price{{"A1", strings.TrimSpace(strings.Repeat("Räksmörgåsar ", 4)), kr(65), ""},
		{"A2", strings.Repeat("寿司🍣", 10), kr(99), ""}}
	text := on(t, s, 80, 24, true).text()
	if strings.Contains(text, "…") || strings.Count(text, "Räksmörgåsar") != 4 || strings.Count(text, "寿司") != 10 ||
		!strings.Contains(text, "65,00 kr") || !strings.Contains(text, "99,00 kr") {
		t.Errorf("got:\n%s", text)
	}
}

// TestEveryTextHasContrast as WCAG 2.2 asks for at level AA, whatever its size: on pictures and on a terminal.
func TestEveryTextHasContrast(t *testing.T) {
	for k, pair := range ground {
		if paint(k) == lineOnPaper {
			continue // no text
		}
		if c := contrast(pair[0], pair[1]); c < 4.5 {
			t.Errorf("paint %d: %v on %v has a contrast of %.2f", k, pair[0], pair[1], c)
		}
	}
	used := map[paint]bool{}
	p := painter(t, image.Pt(800, 480))
	for _, s := range story("sv") {
		s.Test = true
		pages, _ := tour(t, p, s)
		for _, page := range pages {
			for _, l := range page {
				used[l.k] = true
			}
		}
	}
	if used[lineOnPaper] || len(used) < 8 {
		t.Errorf("text is drawn with the paints %v", used)
	}
	for k, code := range sgr {
		var full, none int
		code = code[strings.Index(code, "38;5;"):]
		if _, err := fmt.Sscanf(code, "38;5;%d;48;5;%dm", &full, &none); err != nil {
			t.Fatal(err)
		}
		if c := contrast(xterm(full), xterm(none)); c < 4.5 {
			t.Errorf("ink %d: colour %d on %d has a contrast of %.2f", k, full, none, c)
		}
	}
}
