package printer

import (
	"errors"
	"testing"
)

// FuzzAnAnswerIsReadAsOneThing: whatever byte comes, it is a status, the word that all is printed, or nothing, and a
// status that says that something is wrong has a remedy.
func FuzzAnAnswerIsReadAsOneThing(f *testing.F) {
	for _, b := range []byte{0x12, 0x16, 0x32, 0x36, 0x52, 0x72, 0x1e, 0x00, 0x0c, 0x11, 0x13, 0xff} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b byte) {
		if isStatus(b) && isPrinted(b) {
			t.Fatalf("%#x is both", b)
		}
		if (b == 0x11 || b == 0x13) && (isStatus(b) || isPrinted(b)) {
			t.Fatalf("XON or XOFF, %#x, is an answer", b)
		}
		if !isStatus(b) {
			return
		}
		if err := status(b).offline(); (err != nil) != (b&0x64 != 0) || b&0x04 != 0 && !errors.Is(err, ErrCover) {
			t.Fatalf("off-line %#x: %v", b, err)
		}
		if err := status(b).paper(); (err != nil) != (b&0x60 != 0) {
			t.Fatalf("paper %#x: %v", b, err)
		}
	})
}

// FuzzALineIsOneByteForEachCharacter, and none of them steers the printer.
func FuzzALineIsOneByteForEachCharacter(f *testing.F) {
	f.Add("Smörgås 15,00 kr \x1b@\n\x10\x04\x01 €龍")
	f.Fuzz(func(t *testing.T, line string) {
		for _, p := range pages() {
			b := p.encode(line)
			if len(b) != len([]rune(line)) {
				t.Fatalf("%s: %q is %d bytes", p.name, line, len(b))
			}
			for _, c := range b {
				if c < ' ' || c == 0x7f {
					t.Fatalf("%s: %q has %#x", p.name, line, c)
				}
			}
		}
	})
}

// TestEachPageIsWhole: 128 letters, none of them twice.
func TestEachPageIsWhole(t *testing.T) {
	for _, p := range pages() {
		seen := map[rune]bool{}
		n := 0
		for _, r := range p.high {
			if n++; seen[r] && r != '\ufffd' {
				t.Errorf("%s has %q twice", p.name, r)
			}
			seen[r] = true
		}
		if n != 128 {
			t.Errorf("%s has %d letters", p.name, n)
		}
	}
}
