package sticker

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const payload = "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456"

// read is what a phone reads from a picture.
func read(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("no code is read: %v", err)
	}
	return r.GetText()
}

func sticker(t *testing.T) Sticker {
	t.Helper()
	s, err := New(payload, "123456")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drawn paints rectangles of x, y from the top, and a width, all in modules.
func drawn(w, h int, bars [][3]int) image.Image {
	const scale = 8
	img := image.NewGray(image.Rect(0, 0, w*scale, h*scale))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	for _, b := range bars {
		r := image.Rect(b[0]*scale, b[1]*scale, (b[0]+b[2])*scale, (b[1]+1)*scale)
		draw.Draw(img, r, image.Black, image.Point{}, draw.Src)
	}
	return img
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPhoneReadsEachKindOfStickerAndAPersonItsID(t *testing.T) {
	s := sticker(t)
	w, h := s.size()

	var picture bytes.Buffer
	if err := s.PNG(&picture); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, img); got != payload {
		t.Errorf("the picture says %q", got)
	}
	ink := 0
	for y := (h - captionHeight) * modulePixels; y < h*modulePixels; y++ {
		for x := range w * modulePixels {
			if img.At(x, y) == color.Color(color.RGBA{A: 255}) || brightness(img.At(x, y)) < 128 {
				ink++
			}
		}
	}
	if ink < 1000 {
		t.Errorf("the id is %d dots", ink)
	}

	var drawing bytes.Buffer
	if err := s.SVG(&drawing); err != nil {
		t.Fatal(err)
	}
	var bars [][3]int
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`).FindAllStringSubmatch(drawing.String(), -1) {
		bars = append(bars, [3]int{number(t, m[1]), number(t, m[2]), number(t, m[3])})
	}
	if got := read(t, drawn(w, h, bars)); got != payload || !strings.Contains(drawing.String(), ">123456</text>") {
		t.Errorf("the drawing says %q", got)
	}

	var page bytes.Buffer
	if err := s.PDF(&page); err != nil {
		t.Fatal(err)
	}
	bars = nil
	for _, m := range regexp.MustCompile(`(?m)^(\d+) (\d+) (\d+) 1 re$`).FindAllStringSubmatch(page.String(), -1) {
		bars = append(bars, [3]int{number(t, m[1]), h - 1 - number(t, m[2]), number(t, m[3])})
	}
	if got := read(t, drawn(w, h, bars)); got != payload || !strings.Contains(page.String(), "(123456) Tj") {
		t.Errorf("the page says %q", got)
	}
}

func brightness(c color.Color) uint32 {
	r, _, _, _ := c.RGBA()
	return r >> 8
}

// TestAPagesTableOfContentsIsRight: readers of PDF find each object where the table says.
func TestAPagesTableOfContentsIsRight(t *testing.T) {
	var page bytes.Buffer
	if err := sticker(t).PDF(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	rows := regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`).FindAllStringSubmatch(text, -1)
	for n, m := range rows {
		if at := number(t, m[1]); !strings.HasPrefix(text[at:], fmt.Sprintf("%d 0 obj\n", n+1)) {
			t.Errorf("object %d is not at %d", n+1, at)
		}
	}
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindStringSubmatch(text)
	if len(rows) != 5 || start == nil || !strings.HasPrefix(text[number(t, start[1]):], "xref\n") {
		t.Errorf("%d objects, and the table is at %q", len(rows), start)
	}
	length := regexp.MustCompile(`/Length (\d+) >>\nstream\n`).FindStringSubmatchIndex(text)
	if body := text[length[1]:]; !strings.HasPrefix(body[number(t, text[length[2]:length[3]]):], "\nendstream") {
		t.Error("the page's length is wrong")
	}
}

func TestAnIDThatCannotBePrintedIsRefused(t *testing.T) {
	for _, id := range []string{"", "åäö", "a\nb", strings.Repeat("x", 65)} {
		if _, err := New(payload, id); err == nil {
			t.Errorf("%q is taken", id)
		}
	}
	long, err := New(payload, strings.Repeat("(W)", 21))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := long.size()
	if wide := letterWidth * long.letters() * float64(len(long.caption)); wide > float64(w) {
		t.Errorf("a long id is %.1f of %d modules wide", wide, w)
	}
}
