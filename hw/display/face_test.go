package display

import (
	"image"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/money"
	"kioskd/internal/words"
)

// foreign are names of whose letters the fonts have none, or not all, with the first one that they lack.
var foreign = []struct {
	name string
	r    rune
	at   int
}{
	{"شاي بالنعناع", 'ش', 1}, {"抹茶ラテ", '抹', 1}, {"Cola 🥤 Zero", '🥤', 6}, {"Cafe\u0301", '\u0301', 5},
	{"Tea\u202e", '\u202e', 4}, {"M\u200bilk", '\u200b', 2},
	{"\u200b\u200b", '\u200b', 1},
}

// TestNoNameVanishes: what cannot be drawn is seen to be missing, on every kind of picture.
func TestNoNameVanishes(t *testing.T) {
	for size, paint := range map[image.Point]func(int, int) (*Painter, error){{X: 800, Y: 480}: NewPainter,
		{X: 128, Y: 64}: NewPainter, {X: 250, Y: 122}: NewPaperPainter} {
		p, err := paint(size.X, size.Y)
		if err != nil {
			t.Fatal(err)
		}
		drawn := func(name string) (pixels []byte) {
			for _, s := range []Screen{
				{Kind: Choose, Credit: kr(100), Machine: "Lobby",
					Prices: []Price{{"A1", "Water", kr(15), ""}, {"A2", name, kr(22), ""}}},
				{Kind: Dispensing, Product: name}, // a display of 64 rows has no room for the list
			} {
				m, err := p.Paint(s)
				if err != nil {
					t.Fatal(err)
				}
				pixels = append(pixels, m.Pix...)
			}
			return pixels
		}
		nothing := drawn("")
		for _, c := range foreign {
			if slices.Equal(drawn(c.name), nothing) {
				t.Errorf("%v: of %q nothing is seen", size, c.name)
			}
			if r, at := p.Unseen(c.name); r != c.r || at != c.at {
				t.Errorf("%v: of %q the first that is not seen is %q, the %d., want %q, the %d.", size, c.name, r, at,
					c.r, c.at)
			}
		}
		if slices.Equal(drawn("Cola 🥤"), drawn("Cola")) || slices.Equal(drawn("A 🥤 B"), drawn("A   B")) {
			t.Errorf("%v: a hole is left where a character cannot be drawn", size)
		}
		for _, name := range []string{"Räksmörgås", "Crème brûlée", "Żubrówka ½ l", "Tea\u00a0&\u202fmilk", "",
			"5 € “well”"} {
			if r, at := p.Unseen(name); at != 0 {
				t.Errorf("%v: %q is not seen in %q", size, r, name)
			}
		}
	}
}

// TestATerminalIsTrustedWithAllThatTakesAPlace, since its font is not known here.
func TestATerminalIsTrustedWithAllThatTakesAPlace(t *testing.T) {
	for name, want := range map[string]int{"抹茶ラテ": 0, "Cola 🥤": 0, "Cafe\u0301": 5, "Tea\u202e": 4, "Rå": 0} {
		if _, at := Unseen(name); at != want {
			t.Errorf("%q: the %d. is not seen, want the %d.", name, at, want)
		}
	}
	list := Text(Screen{Kind: Choose, Prices: []Price{{"A1", "\u200b\u202e", kr(15), ""}}}).List
	if strings.TrimSpace(list[0].Name) == "" {
		t.Errorf("a name of nothing that can be seen is shown as %q", list[0].Name)
	}
}

// TestAPriceHasNoHoleForItsCurrency: signs that the fonts lack are written as the currency's code.
func TestAPriceHasNoHoleForItsCurrency(t *testing.T) {
	p, err := NewPainter(128, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"SEK", "EUR", "USD", "GBP", "JPY", "INR", "ILS", "TRY", "UAH", "KRW", "VND", "NGN",
		"PLN", "CZK"} {
		for _, language := range words.Languages() {
			price := wordsOf(language).amount(money.Amount{Minor: 1500, Currency: code})
			if r, at := p.Unseen(price); at != 0 {
				t.Errorf("%s in %s: %q is not seen in %q", code, language, r, price)
			}
		}
	}
}
