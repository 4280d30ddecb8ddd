package display

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/money"
	"kioskd/internal/reason"
	"kioskd/internal/words"
)

func kinds() []Kind {
	return []Kind{Idle, Confirm, Scan, Choose, Asking, Dispensing, Settling, Done, NothingCharged, Refunded,
		OutOfService}
}

func TestEveryKindSpeaksEveryLanguage(t *testing.T) {
	for _, k := range kinds() {
		s := Screen{Kind: k, Language: "en", Why: reason.Jam, Amount: kr(15), QR: upsQR}
		en, said := Text(s), map[string]string{}
		for _, language := range words.Languages() {
			s.Language = language + "-XX"
			c := Text(s)
			if c.Title == "" || len(c.Lines) == 0 || said[c.Title+c.Lines[0]] != "" {
				t.Errorf("%s: %s says %q %q, as does %q", k, language, c.Title, c.Lines, said[c.Title+c.Lines[0]])
			}
			said[c.Title+c.Lines[0]] = language
		}
		s.Language = "tlh"
		if other := Text(s); other.Title != en.Title {
			t.Errorf("%s in an unknown language: %q", k, other.Title)
		}
	}
}

func TestEachReasonReadsItsOwnSentence(t *testing.T) {
	for _, language := range words.Languages() {
		w := words.In(language)
		for _, why := range reason.Ends() {
			if line := Text(Screen{Kind: OutOfService, Why: why, Language: language}).Lines[0]; line != w.Why[why] {
				t.Errorf("%s in %s reads %q", why, language, line)
			}
		}
		for _, word := range []reason.Why{"", "a_word_of_next_year"} {
			for _, k := range []Kind{NothingCharged, Refunded, OutOfService} {
				if c := Text(Screen{Kind: k, Why: word, Language: language}); c.Lines[0] != w.Any.Why {
					t.Errorf("%s, unknown reason %q: %q", k, word, c.Lines)
				}
			}
			if c := Text(Screen{Kind: Choose, Notice: word, Language: language}); word != "" &&
				c.Notice != w.Any.Notice {
				t.Errorf("unknown notice %q: %q", word, c.Notice)
			}
		}
	}
}

// anySentence is each language's sentences that stand on a screen for a reason, and the screens on which they stand.
func anySentence(language string) map[string]Screen {
	all := map[string]Screen{}
	for why := range words.In(language).Why {
		for _, k := range []Kind{OutOfService, NothingCharged, Refunded} {
			all[fmt.Sprint(k, " ", why)] = Screen{Kind: k, Why: why, Language: language, Machine: "Lobby",
				Amount: kr(15)}
		}
	}
	for why := range words.In(language).Notice {
		all["notice "+string(why)] = Screen{Kind: Choose, Notice: why, Language: language, Machine: "Lobby",
			Credit: kr(35)}
	}
	return all
}

// TestEachSentenceHasRoomOnEachDisplay in each language.
func TestEachSentenceHasRoomOnEachDisplay(t *testing.T) {
	for _, size := range sizes {
		if size.X > 800 {
			continue // it has the layout of 800 × 480, enlarged
		}
		p := painter(t, size)
		for _, language := range words.Languages() {
			for name, s := range anySentence(language) {
				if _, whole, err := p.paint(s); err != nil || !whole {
					t.Errorf("%v %s %s: whole %t, %v: %q %q", size, name, language, whole, err, Text(s).Lines, Text(s).
						Notice)
				}
			}
		}
	}
}

// TestEachLetterOfALanguageIsDrawn by each display's letters: one that is not there would be a box.
func TestEachLetterOfALanguageIsDrawn(t *testing.T) {
	for _, size := range []image.Point{{128, 64}, {800, 480}, slipSize} {
		p := painter(t, size)
		for _, language := range words.Languages() {
			for _, text := range texts(reflect.ValueOf(*words.In(language))) {
				if r, at := p.Unseen(text); at != 0 {
					t.Errorf("%v: %s: %q is not drawn, character %d of %q", size, language, r, at, text)
				}
				if r, at := Unseen(text); at != 0 {
					t.Errorf("terminal: %s: %q, character %d of %q", language, r, at, text)
				}
			}
		}
	}
}

// texts are all of a language's.
func texts(v reflect.Value) (all []string) {
	switch v.Kind() {
	case reflect.String:
		all = append(all, v.String())
	case reflect.Struct:
		for n := range v.NumField() {
			all = append(all, texts(v.Field(n))...)
		}
	case reflect.Array:
		for n := range v.Len() {
			all = append(all, texts(v.Index(n))...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			all = append(all, texts(v.MapIndex(k))...)
		}
	}
	return all
}

func TestADoubtfulSalePromisesNothingAboutMoney(t *testing.T) {
	for _, language := range words.Languages() {
		for _, k := range []Kind{NothingCharged, Refunded} {
			c := Text(Screen{Kind: k, Why: "in_doubt", Language: language, Amount: kr(15), Support: "08-1",
				Code: "K7Q2"})
			w := wordsOf(language)
			if c.Title != w.Doubt.Title || len(c.Lines) != 1 || strings.Contains(fmt.Sprint(c), "15") ||
				!strings.Contains(c.Support, "K7Q2") {
				t.Errorf("%s in %s: %+v", k, language, c)
			}
		}
	}
}

func TestSupportIsShownWhenSomethingFailedAndOnlyThen(t *testing.T) {
	for why, want := range map[reason.Why]bool{"jam": true, "in_doubt": true, "a_new_word": true,
		"invoicing_failed": true, "hardware": true,
		"cancelled_by_customer": false, "pin_timeout": false, "stopping": false, "sold_out": false} {
		for _, k := range []Kind{NothingCharged, Refunded, OutOfService, Done} {
			c := Text(Screen{Kind: k, Why: why, Support: "08-123", Code: "K7Q2"})
			if got := strings.Contains(c.Support, "08-123") && strings.Contains(c.Support, "K7Q2"); got != want {
				t.Errorf("%s because of %s: support line %q", k, why, c.Support)
			}
		}
	}
	if c := Text(Screen{Kind: Done, Support: "08-123", Code: "K7Q2"}); c.Support != "" {
		t.Errorf("a sale that went well shows %q", c.Support)
	}
}

func TestMoneyIsSpelledInTheCustomersLanguage(t *testing.T) {
	s := Screen{Kind: Done, Amount: kr(1234), Language: "sv"}
	if c := Text(s); c.Lines[0] != "Du betalade 1\u00a0234,00\u00a0kr." {
		t.Errorf("sv: %q", c.Lines[0])
	}
	s.Language = "en"
	if c := Text(s); c.Lines[0] != "You paid SEK\u00a01,234.00." {
		t.Errorf("en: %q", c.Lines[0])
	}
}

func TestAProductBeyondTheCreditIsOff(t *testing.T) {
	s := Screen{Kind: Choose, Credit: kr(15),
		Prices: []Price{{"1", "a", kr(15), ""}, {"2", "b", kr(16), ""}, {"3", "c", kr(1), "melted"}}}
	list := Text(s).List
	if list[0].Off || !list[1].Off || !list[2].Off || list[2].Price != words.In("en").Any.Unavailable {
		t.Errorf("%+v", list)
	}
	s.Kind = Idle
	if list = Text(s).List; list[1].Off {
		t.Errorf("before a credit is known: %+v", list)
	}
}

func TestTheLastSecondIsStillShown(t *testing.T) {
	for left, want := range map[time.Duration]string{1: "0:01", time.Second: "0:01", time.Second + 1: "0:02",
		90 * time.Second: "1:30", 0: "", -time.Second: ""} {
		if c := Text(Screen{Kind: Scan, Remaining: left}); !strings.HasSuffix(c.Time, want) ||
			(want == "") != (c.Time == "") {
			t.Errorf("%v reads %q, want %q", left, c.Time, want)
		}
	}
}

func TestNoNameSteersTheTerminal(t *testing.T) {
	evil := "\x1b]0;owned\a\x1b[2J\r\n\x00\u009b31m\u202eevil\u200bname\x7f\t\xff"
	for _, k := range kinds() {
		for _, colour := range []bool{false, true} {
			v := on(t, evilScreen(k, evil), 80, 24, colour) // the strict terminal refuses what it finds
			if !strings.Contains(v.text(), "evilname") {
				t.Errorf("%s: what is left of the name is not shown:\n%s", k, v.text())
			}
		}
	}
}

func evilScreen(k Kind, evil string) Screen {
	p := []Price{{evil, evil, money.Amount{Minor: 1, Currency: evil}, ""}, {evil, evil, kr(1), evil}}
	return Screen{Kind: k, Language: evil, Machine: evil, Prices: p, Items: p, Product: evil, Reference: evil,
		Why: reason.Why(evil), Support: evil,
		Code: evil, Notice: reason.Why(evil), Credit: money.Amount{Minor: 5, Currency: evil},
		Amount: money.Amount{Minor: 7, Currency: evil}, Remaining: time.Second, Test: true}
}

// FuzzShow draws any texts on any terminal: the strict terminal fails on a control character or a line that is too
// long.
func FuzzShow(f *testing.F) {
	f.Add("idle", "Räksmörgås", upsQR, "jam", int64(1500), 80, 24, true)
	f.Add("done", "\x1b[2J\u202e寿司\u0301", "", "in_doubt", int64(-1<<63), 7, 3, false)
	f.Add("choose", strings.Repeat("ä ", 500), "", "", int64(1<<63-1), 300, 100, true)
	f.Add("scan", "\xff\xfe", strings.Repeat("Q", 300), "x", int64(0), 1, 1, false)
	f.Fuzz(func(t *testing.T, kind, name, code, why string, minor int64, width, height int, colour bool) {
		width, height = 1+abs(width)%200, 1+abs(height)%80
		s := evilScreen(Kind(kind), name)
		s.Language, s.Why, s.QR = name[:min(len(name), 2)], reason.Why(why), code
		s.Amount, s.Credit = money.Amount{Minor: minor, Currency: "SEK"}, money.Amount{Minor: minor, Currency: "SEK"}
		s.Remaining = time.Duration(minor)
		v := newVT(t, width, height)
		if err := NewTerminal(v, TerminalOptions{width, height, colour}).Show(s); err != nil && len(code) <= qrMax {
			t.Fatal(err)
		}
		c := Text(s)
		for _, text := range append([]string{c.Machine, c.Title, c.Notice, c.Time, c.Hint, c.Support}, c.Lines...) {
			if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
				t.Fatalf("%q reaches a driver", text)
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		n = -n
	}
	return max(n, 0) // the least int is its own opposite
}
