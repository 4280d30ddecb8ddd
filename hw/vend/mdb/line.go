package mdb

import (
	"fmt"
	"strconv"
	"strings"

	"kioskd/internal/money"
)

// Kind is what a line of the bridge is about.
type Kind int

// The kinds.
const (
	Bad     Kind = iota // not a line of this protocol, or a damaged one
	Other               // one that decides nothing here
	Status              // Line.Status, and for a request Line.Price and Line.Product
	Success             // the product came out
	Failed              // the machine's VEND command Line.Code: nothing came out
	Refused             // our command Line.Status ("VEND", "START", "STOP") was not taken
	Off                 // the bridge is not on the bus
)

// The statuses.
const (
	Inactive = "INACTIVE"
	Disabled = "DISABLED"
	Enabled  = "ENABLED"
	Idle     = "IDLE"
	Vend     = "VEND"
)

// Line is one line of the bridge.
type Line struct {
	Kind    Kind
	Status  string
	Price   money.Amount // of a request; no amount when it cannot be read: nobody can approve that
	Product int          // the machine's number, 0 to productMax
	Code    int

	Misplaced bool // a request's price has no amount because it has Places decimal places, and the currency has others
	Places    int
}

const (
	lineMax    = 128    // bytes of a line; the longest that decides something has 40
	productMax = 0xffff // MDB has two bytes for a product's number
)

// Parse reads a line without its end. A line that begins inside another one, whose end was lost, is read from its own
// beginning.
func Parse(text, currency string) Line {
	if len(text) > lineMax {
		return Line{}
	}
	if n := strings.LastIndex(text, "c,"); n > 0 {
		text = text[n:]
	}
	head, rest, _ := strings.Cut(text, ",")
	switch head {
	case "c":
		return cashless(rest, currency)
	case "v", "r", "x", "d", "p", "f": // version, reader, sniffer, master, peripheral, settings
		return Line{Kind: Other}
	}
	return Line{}
}

func cashless(rest, currency string) Line {
	word, rest, _ := strings.Cut(rest, ",")
	switch word {
	case "STATUS":
		return status(rest, currency)
	case "VEND":
		if rest == "SUCCESS" {
			return Line{Kind: Success}
		}
	case "ERR":
		return failure(rest)
	case "0", "1", "SET":
		return Line{Kind: Other}
	}
	return Line{}
}

func status(rest, currency string) Line {
	word, rest, more := strings.Cut(rest, ",")
	switch word {
	case Idle: // the credit is ours
		return Line{Kind: Status, Status: Idle}
	case Inactive, Disabled, Enabled:
		if !more {
			return Line{Kind: Status, Status: word}
		}
	case Vend:
		l := Line{Kind: Status, Status: Vend}
		price, product, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseUint(product, 10, 16)
		amount, bad := money.Parse(price, currency)
		// exactly: a lost digit is another price
		if err == nil && bad == nil && !amount.IsZero() && amount.Decimal() == price {
			l.Product, l.Price = int(n), amount
		} else if err == nil {
			l.Places, l.Misplaced = misplaced(price, currency)
		}
		return l
	case "ONLINE", "OFFLINE", "OFF", "RESET":
		return Line{Kind: Other}
	}
	return Line{}
}

// misplaced reports whether a price is one but for its decimal places, and how many it has. Such a price is never
// believed: it may as well have lost a digit on its way, or have another scale.
func misplaced(price, currency string) (places int, yes bool) {
	whole, fraction, point := strings.Cut(price, ".")
	isNumber := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !isNumber(whole) || point && !isNumber(fraction) || len(whole) > 1 && whole[0] == '0' ||
		len(fraction) == money.Digits(currency) {
		return 0, false
	}
	return len(fraction), true
}

// misread says why a request can be approved by nobody, and what to do; "": it is none, or it can.
func (l Line) misread(currency string) string {
	switch {
	case l.Kind != Status || l.Status != Vend || !l.Price.IsZero():
		return ""
	case l.Misplaced:
		return fmt.Sprintf(
			"requests arrive with %d decimal places, %s has %d: set the bridge's or the machine's decimal places",
			l.Places, currency, money.Digits(currency))
	}
	return "a request has no price or no product number that can be read: look at the bridge's version and settings, " +
		"at its cable and ground"
}

// failure reads what follows c,ERR: `VEND 3`, or a command and a negative number in quotes.
func failure(rest string) Line {
	switch rest {
	case `"cashless is off"`:
		return Line{Kind: Off}
	case `"cashless is on"`:
		return Line{Kind: Other}
	}
	command, number, _ := strings.Cut(strings.Trim(rest, `"`), " ")
	n, err := strconv.ParseInt(number, 10, 16)
	known := command == "VEND" || command == "START" || command == "STOP"
	switch {
	case err != nil || !known:
		return Line{}
	case n < 0:
		return Line{Kind: Refused, Status: command, Code: int(n)}
	case command == "VEND":
		return Line{Kind: Failed, Code: int(n)}
	}
	return Line{}
}

// splitter cuts the stream into lines. It knows no clock: its owner forgets what stands unfinished for too long.
type splitter struct {
	part []byte
	long bool // the line is too long: all of it is dropped
}

// feed takes bytes and gives each whole line to whole, which must not keep it.
func (s *splitter) feed(b []byte, whole func(string)) {
	for _, c := range b {
		switch {
		case c == '\n' || c == '\r':
			if s.long {
				whole("") // so that it counts as a bad one
			} else if len(s.part) > 0 {
				whole(string(s.part))
			}
			s.forget()
		case len(s.part) < lineMax:
			s.part = append(s.part, c)
		default:
			s.long = true
		}
	}
}

// forget drops what stands unfinished, and says whether there was anything.
func (s *splitter) forget() bool {
	something := len(s.part) > 0
	s.part, s.long = s.part[:0], false
	return something
}

// String is the line for a log: what it means, never what foreign bytes it had.
func (l Line) String() string {
	switch l.Kind {
	case Status:
		if l.Status == Vend {
			return fmt.Sprintf("request of product %d for %v", l.Product, l.Price)
		}
		return "status " + l.Status
	case Success:
		return "success"
	case Failed:
		return fmt.Sprintf("failure %d", l.Code)
	case Refused:
		return fmt.Sprintf("%s refused %d", l.Status, l.Code)
	case Off:
		return "off the bus"
	case Other:
		return "other"
	}
	return "bad line"
}
