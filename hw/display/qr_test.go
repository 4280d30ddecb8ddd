package display

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// pageQR is as the machine's page has it: 128 bits after the machine's address.
const pageQR = "https://kiosk-17.example.com/seqr/s/0123456789ABCDEFGHJKMNPQRS"

const invoiceQR = "HTTP://SEQR.SE/R13972227016931397222701693139722270169313972227016931397222701693"

// scan reads the QR code in a picture as a phone would.
func scan(img image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().
		Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

func TestThePhoneReadsTheQRCode(t *testing.T) {
	sizes := [][2]int{{80, 24}, {120, 40}, {160, 48}, {50, 40}, {240, 67}}
	for _, size := range sizes {
		for kind, text := range map[Kind]string{Idle: upsQR, Scan: invoiceQR} {
			s := Screen{Kind: kind, QR: text, Machine: "Snacks", Prices: shelf(), Amount: kr(15), Product: "Äpple"}
			for _, colour := range []bool{true, false} {
				v := on(t, s, size[0], size[1], colour)
				for _, light := range []bool{false, true} {
					if light && !colour {
						continue // documented: without colour a dark ground is assumed
					}
					if got, err := scan(v.photo(light)); err != nil || got != text {
						t.Errorf("%s at %v, colour %t, light terminal %t: %q, %v\n%s", kind, size, colour, light, got,
							err, v.text())
					}
				}
			}
		}
	}
}

func TestTheQRCodeHasItsQuietZone(t *testing.T) {
	v := on(t, story("en")["idle"], 80, 24, true)
	var area image.Rectangle
	for y, line := range v.cells {
		for x, c := range line {
			if c.fg == 16 && c.bg == 231 {
				area = area.Union(image.Rect(x, 2*y, x+1, 2*y+2))
			}
		}
	}
	if area.Dx() != 33+8 || area.Dy() != 33+8+1 {
		t.Fatalf("the QR code takes %v modules, want 41 by 42 (two to a cell)", area.Size())
	}
	img := v.photo(false)
	inner := image.Rect(area.Min.X+4, area.Min.Y+4, area.Min.X+4+33, area.Min.Y+4+33)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if !(image.Point{X: x, Y: y}.In(inner)) && img.GrayAt(x*unit, y*unit).Y != 255 {
				t.Fatalf("module %d,%d of the quiet zone is dark", x, y)
			}
		}
	}
}

func TestAnImpossibleQRCodeIsAnErrorAndTheOldPictureStays(t *testing.T) {
	v := newVT(t, 80, 24)
	d := NewTerminal(v, TerminalOptions{})
	if err := d.Show(story("en")["settling"]); err != nil {
		t.Fatal(err)
	}
	before := v.text()
	if err := d.Show(Screen{Kind: Idle, QR: strings.Repeat("x", qrMax+1)}); err == nil || v.text() != before {
		t.Errorf("%v; the terminal shows:\n%s", err, v.text())
	}
}

func TestThePhoneReadsTheQRCodeInLines(t *testing.T) {
	for _, colour := range []bool{true, false} {
		lines, err := QRLines(invoiceQR, colour)
		if err != nil {
			t.Fatal(err)
		}
		v := newVT(t, 80, 40)
		for n, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
			fmt.Fprintf(v, "\x1b[%d;1H%s", n+1, line)
		}
		if got, err := scan(v.photo(false)); err != nil || got != invoiceQR {
			t.Errorf("colour %t: %q, %v\n%s", colour, got, err, lines)
		}
	}
	if _, err := QRLines(strings.Repeat("x", qrMax+1), true); err == nil {
		t.Error("a code too large")
	}
}
