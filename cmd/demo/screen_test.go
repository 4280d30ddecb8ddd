package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKeysDoWhatTheyAreSaidToDo(t *testing.T) {
	for sent, want := range map[string][]keystroke{
		"s":        {{deed: scanQR}},
		"P":        {{deed: confirmPIN}},
		"x":        {{deed: cancelOnPhone}},
		"1":        {{pressProduct, 0}},
		"6":        {{pressProduct, 5}},
		"c":        {{deed: pressCancel}},
		"j2":       {{deed: toggleJam}, {pressProduct, 1}},
		"o":        {{deed: toggleDoor}},
		"h":        {{deed: toggleHelp}},
		"?":        {{deed: toggleHelp}},
		"q":        {{deed: quit}},
		"\x03":     {{deed: quit}},
		"\x04":     {{deed: quit}},
		"0":        nil,
		"7":        nil,
		"9":        nil,
		"\r\n\t k": nil,
		"ö":        nil,
		"\x1b[1~":  nil, // Home
		"\x1bOP":   nil, // F1
		"\x1b[A":   nil, // up
		"s\x1b[5~": {{deed: scanQR}},
	} {
		if got := keys([]byte(sent)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, want %v", sent, got, want)
		}
	}
}

func TestALineFillsItsWidthExactly(t *testing.T) {
	for _, says := range []string{"", "paid 15.00 SEK", "återbetalt", strings.Repeat("ö", 200)} {
		for _, width := range []int{columnsMin, 100, 200} {
			got := line("machine", "1-6 buy  c cancel  j jam  o door", says, width, false)
			if n := utf8.RuneCountInString(got); n != width {
				t.Errorf("%d cells, want %d: %q", n, width, got)
			}
			plain := line("machine", "1-6 buy  c cancel  j jam  o door", says, width, true)
			for { // without its colours the coloured line is the same
				from := strings.IndexByte(plain, escape)
				if from < 0 {
					break
				}
				plain = plain[:from] + plain[from+strings.IndexByte(plain[from:], 'm')+1:]
			}
			if plain != got {
				t.Errorf("coloured it reads %q, plain %q", plain, got)
			}
		}
	}
}

// FuzzNothingIsCutInThePictures: whatever the pieces in which the kiosk's pictures come, everything is passed on, and
// between two pieces other text may stand.
func FuzzNothingIsCutInThePictures(f *testing.F) {
	drawn := "\x1b[?25l\x1b[H\x1b[J" + pictureStart + "\x1b[0;1;38;5;231mKaffe à 5 kr █▀▄\x1b[0m\x1b[2;1H→ 漢\x1b[4Gx"
	for n := range 12 {
		f.Add([]byte(drawn), n)
	}
	f.Add([]byte("\x1b"), 1)
	f.Add([]byte("\xff\xe2\x96"), 2)
	f.Fuzz(func(t *testing.T, all []byte, n int) {
		n = max(1, n%64)
		var p picture
		var passed []byte
		for rest := all; len(rest) > 0; {
			piece := rest[:min(n, len(rest))]
			rest = rest[len(piece):]
			out := p.add(piece)
			passed = append(passed, out...)
			if !bytes.Equal(append(bytes.Clone(passed), p.rest...), all[:len(all)-len(rest)]) {
				t.Fatalf("passed %q and kept %q of %q", passed, p.rest, all[:len(all)-len(rest)])
			}
			// by the kiosk itself, which every terminal forgives
			broken := len(passed) < len(all) && all[len(passed)] == escape
			if i := bytes.LastIndexByte(passed, escape); i >= 0 && !finished(passed[i:]) && !broken {
				t.Fatalf("%q ends in a control sequence", passed)
			}
			if utf8.Valid(all) && !utf8.Valid(passed) {
				t.Fatalf("%q ends in a character", passed)
			}
		}
		if i := bytes.LastIndex(passed, []byte(pictureStart)); i >= 0 && n > len(all) &&
			!bytes.Equal(p.last, passed[i:]) {
			t.Fatalf("%q is kept to draw again, of %q", p.last, passed)
		}
	})
}

func TestTheLastPictureIsKeptWhole(t *testing.T) {
	first, second := pictureStart+"first\x1b[2;1Hrow", pictureStart+"second\x1b[2;1Hröw"
	for n := 1; n < len(first+second); n++ {
		var p picture
		for rest := []byte(first + second); len(rest) > 0; rest = rest[min(n, len(rest)):] {
			p.add(rest[:min(n, len(rest))])
		}
		if string(p.last) != second {
			t.Errorf("in pieces of %d: %q", n, p.last)
		}
	}
}
