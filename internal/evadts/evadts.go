// Package evadts writes a machine's audit in the vending industry's own format, for back offices: the European Vending
// Association's data transfer standard, EVA-DTS 6.
//
// An audit is lines of fields between asterisks. These are written, and all amounts are in minor units:
//
//	DXS, ST, G85, SE, DXE   the frame: where it begins and ends, its check sum, how many lines it has
//	ID1, ID4, ID5, CB1      which machine, which currency, when, which program
//	VA1                     what was sold: value and number, since the first reading and since the last
//	DA1, DA2                the same by the cashless device, which is Glase: it is all there is
//	PA1, PA2                each selection: its price and name; number and value, since the first and since the last
//	LA1                     each selection's price in the cashless price list, and how often it was sold at it
//	EA2, EA3                vends that failed; the readings
//
// A machine that takes no coins, notes or tokens has no CA, BA or TA. What a person gave back later is no vend less,
// and is not in an audit.
package evadts

import (
	"fmt"
	"io"
	"strings"
	"time"

	"kioskd/internal/money"
)

// Audit is what one reading says of a machine.
type Audit struct {
	Serial   string // of the machine; at most 20 characters count
	Name     string // of the machine
	Terminal string // at Glase
	Program  string // which kioskd
	Currency string // of ISO 4217
	Readings int    // with a reset, this one included: the closings of the books
	Read     time.Time
	Before   time.Time // the reading before; zero: there was none
	Slots    []Slot
}

// Slot is a selection.
type Slot struct {
	ID, Name      string
	Price         int64 // minor units, and so below
	Total, Since  Sold  // since the first reading, and since the one before
	Failed, Fails int   // vends that brought nothing: since the one before, and since the first
}

// Sold is a number of products and what they cost together.
type Sold struct {
	Number int
	Value  int64
}

// fieldMax is how long a field may be: the longest of those that are written here.
const fieldMax = 20

// Write writes the audit.
func (a Audit) Write(w io.Writer) error {
	numeric := money.Numeric(a.Currency)
	if numeric == "" {
		return fmt.Errorf("evadts: %q is not a currency of ISO 4217", a.Currency)
	}
	var all, since Sold
	failed, fails := 0, 0
	for _, s := range a.Slots {
		all.Number, all.Value = all.Number+s.Total.Number, all.Value+s.Total.Value
		since.Number, since.Value = since.Number+s.Since.Number, since.Value+s.Since.Value
		failed, fails = failed+s.Failed, fails+s.Fails
	}
	f := &file{}
	f.line("ST", "001", "0001")
	f.line("ID1", a.Serial, "kioskd", "", a.Name)
	f.line("ID4", money.Digits(a.Currency), "1"+numeric, a.Currency)
	f.line("ID5", day(a.Read), clock(a.Read))
	f.line("CB1", a.Serial, "kioskd", a.Program)
	f.line("VA1", all.Value, all.Number, since.Value, since.Number)
	f.line("DA1", a.Terminal, "Glase")
	f.line("DA2", all.Value, all.Number, since.Value, since.Number)
	for _, s := range a.Slots {
		f.line("PA1", s.ID, s.Price, s.Name)
		f.line("PA2", s.Total.Number, s.Total.Value, s.Since.Number, s.Since.Value)
	}
	for _, s := range a.Slots {
		f.line("LA1", 1, s.ID, s.Price, s.Total.Number) // the price list of the first cashless device
	}
	f.line("EA2", "EJL", failed, fails) // a product that did not drop
	f.line("EA3", a.Readings, day(a.Read), clock(a.Read), "", day(a.Before), clock(a.Before))
	f.line("G85", fmt.Sprintf("%04X", crc(f.text.String())))
	f.line("SE", f.lines+1, "0001")
	_, err := fmt.Fprintf(w, "DXS*%s*VA*V0/6*1\r\n%sDXE*1*1\r\n", field(a.Serial, 10), f.text.String())
	return err
}

// file is an audit's lines from ST on.
type file struct {
	text  strings.Builder
	lines int
}

// line writes a line; empty fields at its end are left out.
func (f *file) line(name string, fields ...any) {
	text := name
	for _, v := range fields {
		text += "*" + field(fmt.Sprint(v), fieldMax)
	}
	f.text.WriteString(strings.TrimRight(text, "*") + "\r\n")
	f.lines++
}

// letters are those of the languages that customers read which are no ASCII, as a back office writes them.
var letters = strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "Å", "A", "Ä", "A", "Ö", "O", "é", "e", "É", "E",
	"è", "e", "ü", "u", "Ü", "U", "ß", "ss", "ø", "o", "Ø", "O", "æ", "ae", "Æ", "AE", "ñ", "n", "ç", "c", "á", "a",
	"í", "i", "ó", "o", "ú", "u")

// field is a text as it may stand between two asterisks, cut to so many characters.
func field(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '*' || r < ' ' || r == 0x7f:
			return ' '
		case r > '~':
			return '?'
		}
		return r
	}, letters.Replace(s))
	return strings.TrimSpace(s[:min(len(s), most)])
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("20060102")
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("150405")
}

// crc is CRC-16 with the polynomial 0x8005, as DEX and DDCMP count it: over all lines from ST to the one before G85.
func crc(text string) (sum uint16) {
	for _, b := range []byte(text) {
		sum ^= uint16(b)
		for range 8 {
			if sum&1 == 1 {
				sum = sum>>1 ^ 0xA001
			} else {
				sum >>= 1
			}
		}
	}
	return sum
}
