package display

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/money"
)

var update = flag.Bool("update", false, "write testdata anew")

const upsQR = "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456"

func kr(n int64) money.Amount { return money.Amount{Minor: n * 100, Currency: "SEK"} }

func shelf() []Price {
	return []Price{
		{"A1", "Kexchoklad", kr(15), ""},
		{"A2", "Mineralvatten citron 50 cl", kr(18), SoldOut},
		{"B1", "Räksmörgås", kr(65), ""},
		{"B2", "Äpple", kr(8), Closed},
	}
}

// story is one screen of each kind, in the order in which a customer may meet them, and some more turns of it.
func story(language string) map[string]Screen {
	s := map[string]Screen{
		"idle":        {Kind: Idle, QR: upsQR, Prices: shelf()},
		"idle_page":   {Kind: Idle, QR: pageQR, OnPage: true, Prices: shelf()},
		"idle_both":   {Kind: Idle, QR: upsQR, Page: pageQR, Prices: shelf()},
		"idle_choose": {Kind: Idle, Prices: shelf(), Notice: "sold_out"},
		"confirm":     {Kind: Confirm, Amount: kr(50), Remaining: 45 * time.Second},
		"scan": {Kind: Scan, QR: "HTTP://SEQR.SE/R1397222701693", Product: "Kexchoklad", Amount: kr(15),
			Remaining: 30 * time.Second},
		"scan_sticker": {Kind: Scan, Product: "Kexchoklad", Amount: kr(15), Remaining: 30 * time.Second},
		"choose": {Kind: Choose, Credit: kr(35), Amount: kr(15), Prices: shelf(), Remaining: 89 * time.Second,
			Notice: "too_expensive"},
		"asking":     {Kind: Asking, Product: "Kexchoklad", Amount: kr(15), Remaining: 20 * time.Second},
		"dispensing": {Kind: Dispensing, Product: "Räksmörgås"},
		"settling":   {Kind: Settling, Amount: kr(80)},
		"done": {Kind: Done, Amount: kr(80), Reference: "1397222701693",
			Items: []Price{shelf()[0], shelf()[2]}},
		"nothing_charged": {Kind: NothingCharged, Why: "jam", Support: "08-123 45 67", Code: "K7Q2"},
		"cancelled":       {Kind: NothingCharged, Why: "cancelled_by_customer", Support: "08-123 45 67", Code: "K7Q2"},
		"in_doubt":        {Kind: NothingCharged, Why: "in_doubt", Support: "08-123 45 67", Code: "K7Q2"},
		"refunded":        {Kind: Refunded, Amount: kr(15), Why: "empty", Support: "08-123 45 67", Code: "K7Q2"},
		"out_of_service":  {Kind: OutOfService, Why: "hardware", Support: "08-123 45 67"},
	}
	for name, v := range s {
		v.Language, v.Machine = language, "Snacks, Centralen plan 2"
		s[name] = v
	}
	return s
}

// on shows a screen on a strict terminal of a size.
func on(t testing.TB, s Screen, width, height int, colour bool) *vt {
	t.Helper()
	v := newVT(t, width, height)
	if err := NewTerminal(v, TerminalOptions{width, height, colour}).Show(s); err != nil {
		t.Fatal(err)
	}
	return v
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, got)
	}
}

func TestEveryScreenLooksAsInItsPicture(t *testing.T) {
	for _, language := range []string{"en", "sv"} {
		for name, s := range story(language) {
			golden(t, name+"."+language, on(t, s, 80, 24, false).text())
		}
	}
}

func TestTheColoursAreAsInTheirPicture(t *testing.T) {
	var b strings.Builder
	s := story("sv")["choose"]
	s.Test = true
	if err := NewTerminal(&b, TerminalOptions{Width: 60, Height: 20, Colour: true}).Show(s); err != nil {
		t.Fatal(err)
	}
	readable := strings.NewReplacer("\x1b[", "\nESC[").Replace(b.String())
	golden(t, "choose.sv.colour", readable)
}

func TestColourChangesNoWord(t *testing.T) {
	for name, s := range story("sv") {
		if s.QR != "" {
			continue // without colour the blocks of a QR code are the other way round
		}
		plain := strings.NewReplacer("[", "", "]", "").Replace(on(t, s, 80, 24, false).text())
		if colour := on(t, s, 80, 24, true).text(); colour != plain {
			t.Errorf("%s: with colour:\n%s\nwithout:\n%s", name, colour, plain)
		}
	}
}

func TestAnUnchangedScreenWritesNothing(t *testing.T) {
	v := newVT(t, 80, 24)
	d := NewTerminal(v, TerminalOptions{Colour: true})
	s := story("en")["choose"]
	for _, left := range []time.Duration{89 * time.Second, 88500 * time.Millisecond, 88001 * time.Millisecond} {
		s.Remaining = left // all of them read 1:29
		if err := d.Show(s); err != nil {
			t.Fatal(err)
		}
	}
	if v.writes != 1 {
		t.Errorf("%d writes for one picture, want 1", v.writes)
	}
	s.Remaining = 88 * time.Second
	if err := d.Show(s); err != nil {
		t.Fatal(err)
	}
	if v.writes != 2 || !strings.Contains(v.text(), "1:28") || strings.Contains(v.text(), "1:29") {
		t.Errorf("after %d writes the terminal shows:\n%s", v.writes, v.text())
	}
}

func TestANewPictureLeavesNothingOfTheOldOne(t *testing.T) {
	v := newVT(t, 80, 24)
	d := NewTerminal(v, TerminalOptions{})
	screens := story("sv")
	for name, s := range screens {
		if err := d.Show(s); err != nil {
			t.Fatal(err)
		}
		if want := on(t, s, 80, 24, false).text(); v.text() != want {
			t.Errorf("%s is drawn over an older picture as:\n%s", name, v.text())
		}
	}
}

func TestCloseGivesTheTerminalBack(t *testing.T) {
	v := newVT(t, 80, 24)
	d := NewTerminal(v, TerminalOptions{Colour: true})
	if err := d.Close(); err != nil || v.writes != 0 {
		t.Errorf("Close before Show: %v, %d writes", err, v.writes)
	}
	if err := d.Show(story("en")["idle"]); err != nil {
		t.Fatal(err)
	}
	if !v.hidden || v.wraps {
		t.Error("while shown: the cursor is to be hidden and lines not to wrap")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if v.hidden || !v.wraps || v.fg != -1 || v.bg != -1 || v.y != 23 {
		t.Errorf("after Close: hidden %t, wraps %t, colours %d on %d, row %d", v.hidden, v.wraps, v.fg, v.bg, v.y)
	}
	writes := v.writes
	if err := d.Close(); err != nil || v.writes != writes {
		t.Errorf("a second Close: %v, %d writes", err, v.writes-writes)
	}
}

// broken is a terminal that fails while err is set.
type broken struct {
	vt  *vt
	err error
}

func (b *broken) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.vt.Write(p)
}

func TestAFailedWriteIsToldAndDrawnAnew(t *testing.T) {
	b := &broken{newVT(t, 80, 24), errors.New("unplugged")}
	d, s := NewTerminal(b, TerminalOptions{}), story("en")["idle"]
	if err := d.Show(s); !errors.Is(err, b.err) {
		t.Errorf("got %v", err)
	}
	b.err = nil
	if err := d.Show(s); err != nil || b.vt.writes != 1 {
		t.Errorf("afterwards: %v, %d writes", err, b.vt.writes)
	}
}

func TestATerminalTooSmallAsksToBeMadeLarger(t *testing.T) {
	for language, want := range map[string]string{"en": "make the window larger", "sv": "Gör fönstret större"} {
		for _, size := range [][2]int{{44, 15}, {80, 20}, {50, 28}, {36, 60}} {
			v := on(t, story(language)["idle"], size[0], size[1], true)
			if !strings.Contains(v.text(), want) || strings.ContainsAny(v.text(), "▀▄█") {
				t.Errorf("%v shows:\n%s", size, v.text())
			}
		}
	}
	// What it asks for is enough.
	for name, s := range story("en") {
		var width, height int
		text := strings.Join(strings.Fields(on(t, s, 20, 8, false).text()), " ")
		if _, err := fmt.Sscanf(text, "Please make the window larger: at least %d columns and %d rows.", &width,
			&height); err != nil {
			t.Errorf("%s at 20x8: %v in\n%s", name, err, text)
			continue
		}
		if v := on(t, s, width, height, false); strings.Contains(v.text(), "window") {
			t.Errorf("%s does not fit the %dx%d that it asks for:\n%s", name, width, height, v.text())
		}
	}
}

func TestALargerWindowIsUsedAtOnce(t *testing.T) {
	v := newVT(t, 80, 24)
	d := NewTerminal(v, TerminalOptions{Width: 40, Height: 10})
	if err := d.Resize(40, 11); err != nil || v.writes != 0 {
		t.Errorf("before the first Show: %v, %d writes", err, v.writes)
	}
	if err := d.Show(story("en")["idle"]); err != nil {
		t.Fatal(err)
	}
	if err := d.Resize(80, 24); err != nil {
		t.Fatal(err)
	}
	if want := on(t, story("en")["idle"], 80, 24, false).text(); v.text() != want {
		t.Errorf("after Resize:\n%s", v.text())
	}
}
