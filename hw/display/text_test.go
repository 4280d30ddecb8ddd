package display

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/money"
)

func kinds() []Kind {
	return []Kind{Idle, Confirm, Scan, Choose, Asking, Dispensing, Settling, Done, NothingCharged, Refunded, OutOfService}
}

func TestEveryKindSpeaksBothLanguages(t *testing.T) {
	for _, k := range kinds() {
		s := Screen{Kind: k, Language: "en", Why: "jam", Amount: kr(15), QR: upsQR}
		en := Text(s)
		s.Language = "sv-SE"
		sv := Text(s)
		if en.Title == "" || sv.Title == "" || en.Title == sv.Title || len(en.Lines) == 0 || slices.Equal(en.Lines, sv.Lines) {
			t.Errorf("%s: en %q %q, sv %q %q", k, en.Title, en.Lines, sv.Title, sv.Lines)
		}
		s.Language = "fi"
		if other := Text(s); other.Title != en.Title {
			t.Errorf("%s in an unknown language: %q", k, other.Title)
		}
	}
}

// TestBothLanguagesSayTheSame holds the two tables against each other: each text there, with the same things to fill in.
func TestBothLanguagesSayTheSame(t *testing.T) {
	verbs := func(s string) string {
		return fmt.Sprint(strings.Count(s, "%s"), strings.Count(s, "%d"), strings.Count(s, "%"))
	}
	en, sv := reflect.ValueOf(english), reflect.ValueOf(swedish)
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		switch a, b := en.Field(i), sv.Field(i); a.Kind() {
		case reflect.String:
			if a.String() == "" || b.String() == "" || verbs(a.String()) != verbs(b.String()) {
				t.Errorf("%s: %q and %q", name, a, b)
			}
		case reflect.Array:
			for j := range a.Len() {
				if a.Index(j).String() == "" || b.Index(j).String() == "" {
					t.Errorf("%s %d is missing", name, j)
				}
			}
		}
	}
	for name, pair := range map[string][2]map[string]string{"why": {english.why, swedish.why}, "notice": {english.notice, swedish.notice}} {
		a, b := slices.Sorted(maps.Keys(pair[0])), slices.Sorted(maps.Keys(pair[1]))
		if !slices.Equal(a, b) {
			t.Errorf("%s: the languages know different words:\n%v\n%v", name, a, b)
		}
		for word := range pair[0] {
			if pair[0][word] == "" || pair[1][word] == "" {
				t.Errorf("%s %s is empty", name, word)
			}
		}
	}
}

func TestEveryReasonHasItsSentence(t *testing.T) {
	words := strings.Fields(`cancelled_by_customer cancelled_on_phone pin_timeout nothing_chosen walked_away jam empty unknown stopped
		stuck_sensor relay_fault not_delivered door_open reservation_expired payment_failed glase_unreachable invoicing_failed in_doubt
		starting resolving maintenance door journal display hardware sold_out stopping charge_refused technician foreign_cancel journal_lost
		machine_failed refused reset no_answer unplugged mdb`)
	seen := map[string]string{}
	for _, word := range words {
		line := Text(Screen{Kind: OutOfService, Why: word}).Lines[0]
		if line == english.whyGeneral || seen[line] != "" {
			t.Errorf("%s reads %q, as does %q", word, line, seen[line])
		}
		seen[line] = word
	}
	for _, word := range []string{"", "a_word_of_next_year"} {
		for _, k := range []Kind{NothingCharged, Refunded, OutOfService} {
			if c := Text(Screen{Kind: k, Why: word, Language: "sv"}); c.Lines[0] != swedish.whyGeneral {
				t.Errorf("%s, unknown reason %q: %q", k, word, c.Lines)
			}
		}
	}
	for word := range helpless {
		if english.why[word] == "" {
			t.Errorf("%s needs no help but has no sentence", word)
		}
	}
}

func TestADoubtfulSalePromisesNothingAboutMoney(t *testing.T) {
	for _, language := range []string{"en", "sv"} {
		for _, k := range []Kind{NothingCharged, Refunded} {
			c := Text(Screen{Kind: k, Why: "in_doubt", Language: language, Amount: kr(15), Support: "08-1", Code: "K7Q2"})
			w := wordsOf(language)
			if c.Title != w.doubtTitle || len(c.Lines) != 1 || strings.Contains(fmt.Sprint(c), "15") || !strings.Contains(c.Support, "K7Q2") {
				t.Errorf("%s in %s: %+v", k, language, c)
			}
		}
	}
}

func TestSupportIsShownWhenSomethingFailedAndOnlyThen(t *testing.T) {
	for why, want := range map[string]bool{"jam": true, "in_doubt": true, "a_new_word": true, "glase_unreachable": true, "hardware": true,
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
	s := Screen{Kind: Choose, Credit: kr(15), Prices: []Price{{"1", "a", kr(15), ""}, {"2", "b", kr(16), ""}, {"3", "c", kr(1), "melted"}}}
	list := Text(s).List
	if list[0].Off || !list[1].Off || !list[2].Off || list[2].Price != english.unavailable {
		t.Errorf("%+v", list)
	}
	s.Kind = Idle
	if list = Text(s).List; list[1].Off {
		t.Errorf("before a credit is known: %+v", list)
	}
}

func TestTheLastSecondIsStillShown(t *testing.T) {
	for left, want := range map[time.Duration]string{1: "0:01", time.Second: "0:01", time.Second + 1: "0:02", 90 * time.Second: "1:30", 0: "", -time.Second: ""} {
		if c := Text(Screen{Kind: Scan, Remaining: left}); !strings.HasSuffix(c.Time, want) || (want == "") != (c.Time == "") {
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
	return Screen{Kind: k, Language: evil, Machine: evil, Prices: p, Items: p, Product: evil, Reference: evil, Why: evil, Support: evil,
		Code: evil, Notice: evil, Credit: money.Amount{Minor: 5, Currency: evil}, Amount: money.Amount{Minor: 7, Currency: evil}, Remaining: time.Second, Test: true}
}

// FuzzShow draws any texts on any terminal: the strict terminal fails on a control character or a line that is too long.
func FuzzShow(f *testing.F) {
	f.Add("idle", "Räksmörgås", upsQR, "jam", int64(1500), 80, 24, true)
	f.Add("done", "\x1b[2J\u202e寿司\u0301", "", "in_doubt", int64(-1<<63), 7, 3, false)
	f.Add("choose", strings.Repeat("ä ", 500), "", "", int64(1<<63-1), 300, 100, true)
	f.Add("scan", "\xff\xfe", strings.Repeat("Q", 300), "x", int64(0), 1, 1, false)
	f.Fuzz(func(t *testing.T, kind, name, code, why string, minor int64, width, height int, colour bool) {
		width, height = 1+abs(width)%200, 1+abs(height)%80
		s := evilScreen(Kind(kind), name)
		s.Language, s.Why, s.QR = name[:min(len(name), 2)], why, code
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
