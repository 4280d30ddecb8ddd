package money

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestAPriceIsReadStrictly(t *testing.T) {
	good := map[string]int64{"15": 1500, "15.0": 1500, "15.00": 1500, "0.05": 5, "0": 0, "007": 700}
	for text, want := range good {
		if a, err := Parse(text, "SEK"); err != nil || a != (Amount{want, "SEK"}) {
			t.Errorf("Parse(%q) = %v, %v; want %d öre", text, a, err, want)
		}
	}
	for _, text := range []string{"", "1,50", "-1", "+1", "1.", ".5", "1.505", "1e2", "NaN", "Inf", "0x10", " 1", "1 ",
		"١", "99999999999999999999", "1.0.0"} {
		if a, err := Parse(text, "SEK"); !errors.Is(err, ErrAmount) {
			t.Errorf("Parse(%q) = %v, %v; want ErrAmount", text, a, err)
		}
	}
	for _, code := range []string{"KRONOR", "sek", ""} {
		if _, err := Parse("1.00", code); err == nil {
			t.Errorf("the currency %q was accepted", code)
		}
	}
}

func TestADecimalOfGlaseIsReadLeniently(t *testing.T) {
	for text, want := range map[string]int64{"100.00000": 10000, "-10.5": -1050, "+1": 100, ".5": 50, "10.": 1000,
		"500": 50000} {
		if a, err := ParseXML(text, "SEK"); err != nil || a.Minor != want {
			t.Errorf("ParseXML(%q) = %v, %v; want %d", text, a, err, want)
		}
	}
	for _, text := range []string{"", ".", "-", "--1", "1.005", "1e3", "INF", "1 0"} {
		if a, err := ParseXML(text, "SEK"); !errors.Is(err, ErrAmount) {
			t.Errorf("ParseXML(%q) = %v, %v; want ErrAmount", text, a, err)
		}
	}
}

func TestCurrenciesHaveTheirOwnDecimalPlaces(t *testing.T) {
	for _, a := range []struct {
		Amount
		text string
	}{{Amount{1500, "SEK"}, "15.00"}, {Amount{15, "JPY"}, "15"}, {Amount{1500, "KWD"}, "1.500"},
		{Amount{-5, "SEK"}, "-0.05"}} {
		if a.Decimal() != a.text {
			t.Errorf("%d of %s is written %s, want %s", a.Minor, a.Currency, a.Decimal(), a.text)
		}
	}
	if _, err := Parse("1.5", "JPY"); err == nil {
		t.Error("half a yen was accepted")
	}
}

func TestACurrencyHasItsNumber(t *testing.T) {
	for code, want := range map[string]string{"SEK": "752", "EUR": "978", "XYZ": "", "": ""} {
		if got := Numeric(code); got != want {
			t.Errorf("%q has %q, want %q", code, got, want)
		}
	}
}

func TestMoneyIsSpelledLocally(t *testing.T) {
	if got := (Amount{1500, "SEK"}).Local("sv"); got != "15,00\u00a0kr" {
		t.Errorf("sv: %q", got)
	}
}

func TestAnAmountSurvivesTheJournal(t *testing.T) {
	for _, a := range []Amount{{}, {1500, "SEK"}, {-5, "SEK"}, {7, "JPY"}, {0, "EUR"}} {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back Amount
		if err := json.Unmarshal(b, &back); err != nil || back != a {
			t.Errorf("%v became %s became %v, %v", a, b, back, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"15.00", "1e309", "-0", "+.5", "1,50"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := Parse(s, "SEK"); err == nil {
			if b, err := Parse(a.Decimal(), "SEK"); err != nil || b != a {
				t.Errorf("%q → %v → %v, %v", s, a, b, err)
			}
		}
		if a, err := ParseXML(s, "SEK"); err == nil {
			if b, err := ParseXML(a.Decimal(), "SEK"); err != nil || b != a {
				t.Errorf("%q → %v → %v, %v", s, a, b, err)
			}
		}
	})
}
