package ups

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"kioskd/internal/money"
)

// payerMax bounds the phone number, bytes: E.164 has 15 digits, and nothing else is known of how Glase writes it.
const payerMax = 64

type field int

const (
	fieldToken field = iota
	fieldAmount
	fieldCurrency
	fieldPayer
)

// fieldNamed knows the spellings of the fields; the reservation… ones are of an earlier release of Glase's page.
func fieldNamed(name string) (field, bool) {
	switch name {
	case "token", "reservationToken":
		return fieldToken, true
	case "amount", "reservationAmount":
		return fieldAmount, true
	case "currency":
		return fieldCurrency, true
	case "msisdn":
		return fieldPayer, true
	}
	return 0, false
}

// values is what a createPurchase says: of each field every value, as the text of a string or the literal of a number.
// Something that is neither is "", which no field accepts.
type values map[field][]string

// decode reads one JSON object and nothing after it; ok is false for anything else. It walks the names itself because
// encoding/json would match them in any case and keep the last of two, and its own steps cost a gateway's purchase a
// tenth.
func decode(body []byte) (v values, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	b := unspaced(body)
	if b[0] != '{' {
		return nil, false
	}
	v = values{}
	for b = unspaced(b[1:]); b[0] != '}'; {
		var name, raw []byte
		name, b = value(b)
		raw, b = value(unspaced(unspaced(b)[1:])) // after the colon
		if b = unspaced(b); b[0] == ',' {
			b = unspaced(b[1:])
		}
		f, known := fieldNamed(text(name))
		if !known || raw[0] == 'n' { // null, since the JSON is valid
			continue
		}
		v[f] = append(v[f], text(raw))
	}
	return v, true
}

// unspaced is b without the white space in front.
func unspaced(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// value cuts off the value that a valid JSON text begins with.
func value(b []byte) (raw, rest []byte) {
	depth, n := 0, 0
	for {
		switch b[n] {
		case '"':
			for n++; b[n] != '"'; n++ {
				if b[n] == '\\' {
					n++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		n++
		if depth == 0 && (b[0] == '"' || b[0] == '{' || b[0] == '[' || bytes.IndexByte(ends, b[n]) >= 0) {
			return b[:n], b[n:]
		}
	}
}

// ends are what may come after a number or a word in an object.
var ends = []byte(",} \t\r\n")

// text is a string's text, or a number's literal.
func text(raw []byte) string {
	var s string
	switch c := raw[0]; {
	case c == '"' && bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1])
	case c == '"' && json.Unmarshal(raw, &s) == nil:
		return s
	case c == '-' || '0' <= c && c <= '9':
		return string(raw)
	}
	return ""
}

// one is a field's value when it was said and was the same each time.
func (v values) one(f field) (string, bool) {
	said := v[f]
	if len(said) == 0 {
		return "", false
	}
	for _, s := range said {
		if s != said[0] {
			return "", false
		}
	}
	return said[0], true
}

// purchase makes a purchase in the currency of the machine; why is the name of the field that cannot be, or "".
func (v values) purchase(currency string) (p Purchase, why string) {
	if said, ok := v.one(fieldCurrency); !ok || said != currency {
		return Purchase{}, "currency"
	}
	for _, said := range v[fieldAmount] {
		a, ok := maximum(said, currency)
		if !ok || !p.Amount.IsZero() && a != p.Amount { // 20 and "20.00" agree
			return Purchase{}, "amount"
		}
		p.Amount = a
	}
	if p.Amount.IsZero() {
		return Purchase{}, "amount"
	}
	payer, ok := v.one(fieldPayer)
	if !ok || strings.TrimSpace(payer) == "" || len(payer) > payerMax {
		return Purchase{}, "msisdn"
	}
	p.Payer = payer
	return p, ""
}

// decimal is a JSON number of no sign, in its parts; zeros in front are harmless, as a string may have them.
var decimal = regexp.MustCompile(`^([0-9]{1,40})(?:\.([0-9]{1,40}))?(?:[eE]([+-]?[0-9]{1,2}))?$`)

// maximum reads the amount exactly by moving the decimal point in its text, and cuts off what is finer than the minor
// unit. ok is false when it is no amount above zero.
func maximum(said, currency string) (a money.Amount, ok bool) {
	part := decimal.FindStringSubmatch(said)
	if part == nil {
		return money.Amount{}, false
	}
	whole, fraction := part[1], part[2]
	switch exponent, _ := strconv.Atoi(part[3]); { // "" is 0
	case exponent > 0:
		fraction += strings.Repeat("0", max(0, exponent-len(fraction)))
		whole, fraction = whole+fraction[:exponent], fraction[exponent:]
	case exponent < 0:
		whole = strings.Repeat("0", max(0, 1-exponent-len(whole))) + whole // one digit stays in front of the point
		point := len(whole) + exponent
		whole, fraction = whole[:point], whole[point:]+fraction
	}
	if fraction = fraction[:min(len(fraction), money.Digits(currency))]; fraction != "" {
		whole += "." + fraction
	}
	a, err := money.Parse(whole, currency)
	return a, err == nil && !a.IsZero()
}
