// Package money is an amount: a whole number of minor units (öre, cents) and its currency.
//
// It is the leaf of the import tree: every room may use it and it uses none of ours. Amounts are plain values,
// comparable with ==, and never floating point.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
)

// minorMax bounds an amount's size on either side of zero: a sum of 1,000 of them still fits an int64.
const minorMax = math.MaxInt64 / 1000

// textMax bounds the text that Parse and ParseXML look at; 18 digits, a sign and a point fit well.
const textMax = 40

// ErrAmount is what Parse and ParseXML answer, wrapped with the reason, for a text that is no amount of that currency.
var ErrAmount = errors.New("not an amount")

// Amount is Minor minor units of Currency: {1500, "SEK"} is 15 kronor. The zero Amount has no currency; it is "no
// amount", not zero kronor.
type Amount struct {
	Minor    int64  // minor units, see Digits; may be negative on a balancing row
	Currency string // ISO 4217 code, upper case
}

// Known reports whether code is an ISO 4217 currency, in upper case.
func Known(code string) bool { return code != "" && currency.IsValid(code) }

// Digits is the number of decimal places of a currency: 2 for SEK, 0 for JPY. It answers 2 for an unknown code.
func Digits(code string) int {
	d, ok := currency.GetDigits(code)
	if !ok {
		return 2
	}
	return int(d)
}

// Numeric is a currency's three digits in ISO 4217: "752" of SEK; "" for an unknown code.
func Numeric(code string) string {
	digits, ok := currency.GetNumericCode(code)
	if !ok {
		return ""
	}
	return digits
}

// Parse reads what a person writes in a config: digits, a point and at most the currency's decimal places ("15",
// "15.00"). No sign, exponent, comma or white space.
func Parse(text, code string) (Amount, error) {
	whole, frac, point := strings.Cut(text, ".")
	if point && frac == "" || len(frac) > Digits(code) {
		return Amount{}, fmt.Errorf("money: %q: %w in %s: write it like %q", clip(text), ErrAmount, code,
			Amount{1500, code}.Decimal())
	}
	return assemble(text, whole, frac, code, 1)
}

// ParseXML reads an xs:decimal as Glase writes it: a sign, a missing whole part and trailing zeros beyond the
// currency's places ("100.00000") are allowed; a value finer than the minor unit is not.
func ParseXML(text, code string) (Amount, error) {
	sign, rest := int64(1), text
	if t, ok := strings.CutPrefix(text, "-"); ok {
		sign, rest = -1, t
	} else if t, ok := strings.CutPrefix(text, "+"); ok {
		rest = t
	}
	whole, frac, _ := strings.Cut(rest, ".")
	if whole == "" && frac != "" {
		whole = "0"
	}
	for len(frac) > Digits(code) && strings.HasSuffix(frac, "0") {
		frac = frac[:len(frac)-1]
	}
	return assemble(text, whole, frac, code, sign)
}

// assemble makes the amount of a whole and a fraction part, which must be ASCII digits.
func assemble(text, whole, frac, code string, sign int64) (Amount, error) {
	if !Known(code) {
		return Amount{}, fmt.Errorf("money: %q is not a currency of ISO 4217", clip(code))
	}
	places := Digits(code)
	if whole == "" || len(text) > textMax || len(frac) > places || !digits(whole) || !digits(frac) {
		return Amount{}, fmt.Errorf("money: %q: %w in %s", clip(text), ErrAmount, code)
	}
	minor, err := strconv.ParseInt(whole+frac+strings.Repeat("0", places-len(frac)), 10, 64)
	if err != nil || minor > minorMax {
		return Amount{}, fmt.Errorf("money: %q: %w: too large", clip(text), ErrAmount)
	}
	return Amount{sign * minor, code}, nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func clip(s string) string {
	if len(s) > textMax {
		return s[:textMax] + "…"
	}
	return s
}

// Decimal writes the amount with its currency's decimal places and no currency: "15.00".
func (a Amount) Decimal() string {
	places := Digits(a.Currency)
	sign, minor := "", a.Minor
	if minor < 0 {
		sign, minor = "-", -minor
	}
	s := fmt.Sprintf("%0*d", places+1, minor)
	if places == 0 {
		return sign + s
	}
	return sign + s[:len(s)-places] + "." + s[len(s)-places:]
}

// String writes the amount for a log: "15.00 SEK".
func (a Amount) String() string { return strings.TrimSpace(a.Decimal() + " " + a.Currency) }

// Local writes the amount as people in a language spell it: "15,00 kr" in "sv". The language is an IETF tag.
func (a Amount) Local(language string) string {
	c, err := currency.NewAmount(a.Decimal(), a.Currency)
	if err != nil {
		return a.String()
	}
	f := currency.NewFormatter(currency.NewLocale(language))
	f.CurrencyDisplay = currency.DisplaySymbol
	return f.Format(c)
}

// IsZero reports whether the amount is nothing, with or without a currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Add is a + b. It panics when the currencies differ or the sum leaves the range: both are checked where amounts enter.
func (a Amount) Add(b Amount) Amount {
	a.must(b)
	return Amount{a.Minor + b.Minor, a.Currency}
}

// Sub is a − b, with Add's conditions.
func (a Amount) Sub(b Amount) Amount {
	a.must(b)
	return Amount{a.Minor - b.Minor, a.Currency}
}

// Less reports a < b, with Add's conditions.
func (a Amount) Less(b Amount) bool {
	a.must(b)
	return a.Minor < b.Minor
}

func (a Amount) must(b Amount) {
	if a.Currency != b.Currency {
		panic(fmt.Sprintf("money: %v and %v are of different currencies", a, b))
	}
}

// MarshalJSON writes the form that the journal keeps: "15.00 SEK", or "" for no amount.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a == (Amount{}) {
		return []byte(`""`), nil
	}
	return json.Marshal(a.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if s == "" {
		*a = Amount{}
		return nil
	}
	value, code, _ := strings.Cut(s, " ")
	v, err := ParseXML(value, code)
	*a = v
	return err
}
