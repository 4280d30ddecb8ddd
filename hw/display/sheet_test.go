package display

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	xdraw "golang.org/x/image/draw"

	"kioskd/internal/words"
)

var sheetDir = flag.String("sheet", "", "the folder into which TestContactSheet draws what a person looks at")

// fronts are the displays that a machine may have, from a panel like a stamp to a poster.
var fronts = []image.Point{{128, 64}, slipSize, {320, 240}, {480, 320}, {800, 480}, {480, 800}, {1024, 600},
	{1920, 1080}, {1080, 1920}}

// counts are how many slots machines have.
var counts = []int{12, 30, 60}

// products are such as a machine sells, in each language.
var products = map[string][]string{
	"en": {"Still water 50 cl", "Sparkling water with lemon 50 cl", "Apple juice 33 cl", "Salted almonds 60 g",
		"Cardamom bun", "Dark chocolate with sea salt and caramel 100 g", "Cheese sandwich on rye", "Banana",
		"Charging cable USB-C 1 m", "Chicken wrap with sweet chilli and coriander", "Crisps", "Chewing gum"},
	"sv": {"Kanelbulle med pärlsocker och extra kardemumma", "Laktosfri mellanmjölkschoklad 25 cl", "Räksmörgås",
		"Mineralvatten citron 50 cl", "Äpple", "Kexchoklad", "Ost- och skinkfralla", "Långpannekaka",
		"Grönsakswrap med hummus och rostad paprika", "Salta mandlar 60 g", "Proteinbar jordnöt", "Tuggummi"},
	"de": {"Schwarzwälder Kirschtorte im Glas", "Apfelschorle 50 cl", "Käsebrötchen", "Laktosefreie Vollmilch 25 cl",
		"Studentenfutter 60 g", "Vollkornbrot mit Frischkäse und Schnittlauch", "Brezel", "Banane",
		"Ladekabel USB-C 1 m", "Mineralwasser still 50 cl", "Zartbitterschokolade 100 g", "Kaugummi"},
	"fi": {"Karjalanpiirakka munavoilla", "Laktoositon maitosuklaajuoma 25 cl", "Korvapuusti", "Ruisleipä juustolla",
		"Kivennäisvesi sitruuna 50 cl", "Mansikkajogurtti ja mysli", "Omena", "Suolapähkinät 60 g",
		"Kanawrap makealla chilikastikkeella", "Tumma suklaa 100 g", "Salmiakki", "Purukumi"},
}

// front is a machine's price list of so many slots: each eleventh is sold out, and each fourteenth closed.
func front(language string, slots int) []Price {
	var list []Price
	names := products[language]
	for n := range slots {
		p := Price{Slot: fmt.Sprintf("%c%d", 'A'+n/6, 1+n%6), Name: names[(n+n/len(names))%len(names)],
			Amount: kr(int64(8 + 7*n%60))}
		p.Amount.Minor += 50 * int64(n%2)
		switch {
		case n%12 == 8:
			p.Amount.Minor = 123450
		case n%11 == 5:
			p.State = SoldOut
		case n%14 == 10:
			p.State = Closed
		}
		list = append(list, p)
	}
	return list
}

// tours are the screens that have a list, with the machine's.
func tours(language string, slots int) map[string]Screen {
	all := map[string]Screen{}
	for name, s := range story(language) {
		if len(s.Prices) == 0 {
			continue
		}
		s.Prices, s.Test = front(language, slots), true
		if s.Kind == Choose {
			s.Credit, s.Remaining = kr(50), 49*time.Second
		}
		all[name] = s
	}
	quiet := all["choose"]
	quiet.Notice = ""
	all["choose_quiet"] = quiet
	return all
}

// TestContactSheet draws all that a person should look at into the folder of -sheet: every screen at every size, with
// 12, 30 and 60 slots, all pages.
func TestContactSheet(t *testing.T) {
	if *sheetDir == "" {
		t.Skip("go test ./hw/display -run ContactSheet -sheet DIR draws it")
	}
	if err := os.MkdirAll(*sheetDir, 0o755); err != nil {
		t.Fatal(err)
	}
	languages := words.Languages()
	for n, size := range fronts {
		var pictures []image.Image
		for _, name := range []string{"confirm", "scan", "scan_sticker", "asking", "dispensing", "settling", "done",
			"nothing_charged", "in_doubt", "refunded", "out_of_service"} {
			s := story(languages[n%len(languages)])[name]
			s.Test = true
			pictures = append(pictures, painted(t, s, size))
		}
		contactSheet(t, fmt.Sprintf("%dx%d-words", size.X, size.Y), pictures)
		for k, slots := range counts {
			pictures = nil
			for m, name := range []string{"idle", "idle_both", "idle_choose", "choose", "choose_quiet"} {
				p := painter(t, size)
				s := tours(languages[(n+k+m)%len(languages)], slots)[name]
				for pages := 1; s.Turn < pages && s.Turn < 3; s.Turn++ {
					picture, err := p.Paint(s)
					if err != nil {
						t.Fatal(err)
					}
					pages = p.pages
					pictures = append(pictures, picture)
				}
			}
			contactSheet(t, fmt.Sprintf("%dx%d-%d", size.X, size.Y, slots), pictures)
		}
	}
}

// contactSheet puts pictures beside and below each other into a file.
func contactSheet(t *testing.T, name string, pictures []image.Image) {
	const room = 2400 // pixels of width
	size := pictures[0].Bounds().Size()
	shown := size
	for shown.X > 800 {
		shown = shown.Div(2)
	}
	if shown.X < 300 {
		shown = shown.Mul(2)
	}
	across := min(len(pictures), max(1, room/(shown.X+12)))
	rows := (len(pictures) + across - 1) / across
	m := image.NewRGBA(image.Rect(0, 0, across*(shown.X+12)+12, rows*(shown.Y+12)+12))
	xdraw.Draw(m, m.Rect, image.NewUniform(color.Gray{120}), image.Point{}, xdraw.Src)
	for n, picture := range pictures {
		at := image.Pt(12+n%across*(shown.X+12), 12+n/across*(shown.Y+12))
		xdraw.ApproxBiLinear.Scale(m, image.Rectangle{at, at.Add(shown)}, picture, picture.Bounds(), xdraw.Src, nil)
	}
	f, err := os.Create(filepath.Join(*sheetDir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
}
