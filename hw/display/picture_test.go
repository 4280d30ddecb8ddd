package display

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"kioskd/internal/words"
)

// sizes are displays that one can buy; slipSize is electronic paper.
var (
	sizes    = []image.Point{{128, 64}, {240, 240}, {320, 240}, {800, 480}, {1920, 1080}, slipSize}
	slipSize = image.Pt(epdWidth, epdHeight)
)

func painter(t testing.TB, size image.Point) *Painter {
	t.Helper()
	p, err := NewPainter(size.X, size.Y)
	if size == slipSize {
		p, err = NewPaperPainter(size.X, size.Y)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func painted(t testing.TB, s Screen, size image.Point) *image.Paletted {
	t.Helper()
	picture, err := painter(t, size).Paint(s)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func pictureFile(name, language string, size image.Point) string {
	return filepath.Join("testdata", "pictures", fmt.Sprintf("%dx%d", size.X, size.Y), name+"."+language+".png")
}

func readPicture(t *testing.T, file string) image.Image {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: go test ./hw/display -update draws it", err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lookedAt are the screens at one size of a language whose pictures are in testdata: all of them in the languages that
// this program was made in, and one in each other, whose words have room as the other tests hold.
func lookedAt(language string, size image.Point) map[string]Screen {
	all := story(language)
	switch {
	case language == "en" || language == "sv":
		return all
	case size == image.Pt(800, 480):
		return map[string]Screen{"confirm": all["confirm"]}
	}
	return nil
}

// TestEveryPictureIsTheOneThatWasLookedAt compares all screens at all sizes with the pictures in testdata.
func TestEveryPictureIsTheOneThatWasLookedAt(t *testing.T) {
	for _, size := range sizes {
		for _, language := range words.Languages() {
			for name, s := range lookedAt(language, size) {
				got, file := painted(t, s, size), pictureFile(name, language, size)
				if *update {
					var b bytes.Buffer
					if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, got); err != nil {
						t.Fatal(err)
					}
					if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755),
						os.WriteFile(file, b.Bytes(), 0o644)); err != nil {
						t.Fatal(err)
					}
				}
				if want, ok := readPicture(t, file).(*image.Paletted); !ok || !bytes.Equal(got.Pix, want.Pix) ||
					!sameColours(got.Palette, want.Palette) {
					t.Errorf("%s looks different now: go test ./hw/display -update, and look at it", file)
				}
			}
		}
	}
}

func sameColours(a, b color.Palette) bool {
	for n := range max(len(a), len(b)) {
		if n >= len(a) || n >= len(b) || color.RGBAModel.Convert(a[n]) != color.RGBAModel.Convert(b[n]) {
			return false
		}
	}
	return true
}

// TestAPhoneReadsEveryPicturesCode reads each code from its file in testdata with a decoder that is not ours: as it is,
// blurred, with less contrast, and turned, each photographed on a dark machine.
func TestAPhoneReadsEveryPicturesCode(t *testing.T) {
	for _, size := range sizes {
		for _, language := range []string{"en", "sv"} {
			for name, s := range story(language) {
				if s.QR == "" {
					continue
				}
				file := pictureFile(name, language, size)
				m := readPicture(t, file)
				for photo, img := range photos(besides(m, s)) {
					if got, err := scan(img); err != nil || got != s.QR {
						t.Errorf("%s, %s: %q %v", file, photo, got, err)
					}
				}
				if s.Page == "" || size.X < 800 { // too small for a second one
					continue
				}
				right := m.Bounds()
				right.Min.X = right.Dx() / 2
				for photo, img := range photos(m.(*image.Paletted).SubImage(right)) {
					if got, err := scan(img); err != nil || got != s.Page {
						t.Errorf("%s, its second code, %s: %q %v", file, photo, got, err)
					}
				}
			}
		}
	}
}

// besides is the part of a screen's picture that has its first code, as a phone is held before it.
func besides(m image.Image, s Screen) image.Image {
	left := m.Bounds()
	if s.Page != "" && left.Dx() >= 320 && left.Dx() > left.Dy() {
		left.Max.X = left.Dx() / 2
	}
	return m.(*image.Paletted).SubImage(left)
}

// onAMachine is a display as a camera sees it: some 700 pixels wide, within a dark edge.
func onAMachine(m image.Image) *image.RGBA {
	width, height := 700, 700*m.Bounds().Dy()/m.Bounds().Dx()
	seen := image.NewRGBA(image.Rect(0, 0, width+40, height+40))
	xdraw.Draw(seen, seen.Rect, image.NewUniform(color.Gray{40}), image.Point{}, xdraw.Src)
	xdraw.ApproxBiLinear.Scale(seen, image.Rect(20, 20, width+20, height+20), m, m.Bounds(), xdraw.Src, nil)
	return seen
}

// photos are what else a camera may make of it.
func photos(m image.Image) map[string]image.Image {
	large := onAMachine(m)
	half := image.NewRGBA(image.Rect(0, 0, large.Rect.Dx()/2, large.Rect.Dy()/2))
	xdraw.ApproxBiLinear.Scale(half, half.Rect, large, large.Rect, xdraw.Src, nil)
	blurred := image.NewRGBA(large.Rect)
	xdraw.BiLinear.Scale(blurred, large.Rect, half, half.Rect, xdraw.Src, nil)
	pale := image.NewRGBA(large.Rect)
	for n, v := range large.Pix {
		pale.Pix[n] = uint8(128 + (int(v)-128)*7/10)
	}
	sin, cos := math.Sincos(15 * math.Pi / 180)
	w, h := float64(large.Rect.Dx()), float64(large.Rect.Dy())
	turned := image.NewRGBA(image.Rect(0, 0, int(w*cos+h*sin)+1, int(w*sin+h*cos)+1))
	xdraw.Draw(turned, turned.Rect, image.NewUniform(color.Gray{40}), image.Point{}, xdraw.Src)
	xdraw.BiLinear.Transform(turned, f64.Aff3{cos, -sin, h * sin, sin, cos, 0}, large, large.Rect, xdraw.Over, nil)
	return map[string]image.Image{"as it is": large, "blurred": blurred, "with less contrast": pale, "turned": turned}
}

// TestACodeStandsFree: nothing is within four modules of a code, but on a display of 64 rows, where two must do.
func TestACodeStandsFree(t *testing.T) {
	for _, size := range sizes {
		m := painted(t, story("sv")["scan"], size)
		var code image.Rectangle
		dark := canvas{Paletted: m, mono: size.Y <= monoRows || size == slipSize, paper: size == slipSize}.index(onQR,
			levels-1)
		light := canvas{Paletted: m, mono: size.Y <= monoRows || size == slipSize, paper: size == slipSize}.index(onQR,
			0)
		side := m.Rect
		if size.Y <= monoRows || size == slipSize { // the words are as dark
			side.Max.X = side.Min.X + min(size.Y+2, 99)
		}
		for y := side.Min.Y; y < side.Max.Y; y++ {
			for x := side.Min.X; x < side.Max.X; x++ {
				if m.ColorIndexAt(x, y) == dark {
					code = code.Union(image.Rect(x, y, x+1, y+1))
				}
			}
		}
		const modules = 25 // of this payload
		free := 4 * code.Dx() / modules
		if size.Y <= monoRows {
			free /= 2
		}
		zone := code.Inset(-free)
		for y := zone.Min.Y; y < zone.Max.Y; y++ {
			for x := zone.Min.X; x < zone.Max.X; x++ {
				if !image.Pt(x, y).In(code) && m.ColorIndexAt(x, y) != light {
					t.Fatalf("%v: the code is at %v, and at %d, %d its quiet zone is not free", size, code, x, y)
				}
			}
		}
	}
}

// TestWhatMustBeKnownIsThereWhole: no title, no notice and no support line is cut on any display.
func TestWhatMustBeKnownIsThereWhole(t *testing.T) {
	for _, size := range sizes {
		p := painter(t, size)
		for _, language := range words.Languages() {
			for name, s := range story(language) {
				if _, whole, err := p.paint(s); err != nil || !whole {
					t.Errorf("%v %s %s: whole %t, %v", size, name, language, whole, err)
				}
			}
		}
	}
}

// TestNothingLeavesItsPicture: names of any length and strange letters stay within, and the code stays readable.
func TestNothingLeavesItsPicture(t *testing.T) {
	long := strings.Repeat("Långpannekaksräksmörgås ", 8)
	for _, size := range append([]image.Point{sizes[0], sizes[1], sizes[2], sizes[3], slipSize}, image.Pt(480, 800),
		image.Pt(129, 65), image.Pt(900, 64), image.Pt(128, 900)) {
		for name, s := range story("sv") {
			s.Machine, s.Product, s.Support, s.Code, s.Test = long, long+"\x1b[2J\u202e", long, long, true
			for range 12 {
				s.Prices = append(s.Prices, Price{strings.Repeat("X", 30), long, kr(123456789), ""})
				s.Items = append(s.Items, Price{"", long, kr(123456789), ""})
			}
			m := painted(t, s, size) // the canvas refuses nothing and draws nothing outside: it would panic
			if s.QR == "" {
				continue
			}
			if s.OnPage && size.Y == monoRows { // the config refuses a page on so few rows
				continue
			}
			if got, err := scan(onAMachine(besides(m, s))); err != nil || got != s.QR {
				t.Errorf("%v %s: %q %v", size, name, got, err)
			}
		}
	}
}

// TestATickChangesLittle: what a countdown changes is a small part of the picture, and drawing the changes over the old
// picture gives the new one.
func TestATickChangesLittle(t *testing.T) {
	for _, size := range sizes {
		s := story("sv")["scan_sticker"]
		before := painted(t, s, size)
		s.Remaining -= time.Second
		after := painted(t, s, size)
		changed := 0
		for _, r := range Changes(before, after) {
			changed += r.Dx() * r.Dy()
			patch(before, after, r)
		}
		if !bytes.Equal(before.Pix, after.Pix) {
			t.Errorf("%v: the changes are not all", size)
		}
		if all := size.X * size.Y; changed == 0 || changed > all/8 {
			t.Errorf("%v: a tick changes %d of %d pixels", size, changed, all)
		}
	}
	a, b := painted(t, story("sv")["idle"], sizes[3]), painted(t, story("sv")["done"], sizes[3])
	for _, r := range Changes(a, b) {
		patch(a, b, r)
	}
	if !bytes.Equal(a.Pix, b.Pix) || Changes(a, b) != nil || len(Changes(nil, b)) != 1 {
		t.Error("the changes between two screens are not all, or none are some")
	}
}

// patch sends an area to a display.
func patch(shown, picture *image.Paletted, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(shown.Pix[shown.PixOffset(r.Min.X, y):shown.PixOffset(r.Max.X, y)],
			picture.Pix[picture.PixOffset(r.Min.X, y):])
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for _, size := range []image.Point{{0, 0}, {127, 64}, {128, 63}, {4097, 480}, {800, 4097}, {-800, 480}} {
		if _, err := NewPainter(size.X, size.Y); err == nil {
			t.Errorf("%v is taken", size)
		}
	}
}

// TestThePictureFileIsAlwaysWhole: it is replaced by another, left alone while nothing changes, and stays when the disk
// refuses.
func TestThePictureFileIsAlwaysWhole(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "screen.png")
	d, err := NewPNG(file, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	show := func(name string) os.FileInfo {
		t.Helper()
		if err := d.Show(story("sv")[name]); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		readPicture(t, file)
		return info
	}
	first := show("idle")
	if again := show("idle"); !os.SameFile(first, again) {
		t.Error("the same picture was written again")
	}
	if other := show("done"); os.SameFile(first, other) {
		t.Error("the file was written over, and not replaced")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files are left over: %v %v", left, err)
	}
	d.file = filepath.Join(dir, "gone", "screen.png")
	if err := d.Show(story("sv")["asking"]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory gives %v", err)
	}
	d.file = file
	show("done") // it is drawn again, since nobody knows what became of it
}

func BenchmarkPaint(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			p := painter(b, size)
			s := story("sv")["choose"]
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Paint(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
