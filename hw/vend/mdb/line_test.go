package mdb

import (
	"strings"
	"testing"

	"kioskd/internal/money"
)

func TestLinesAreReadStrictly(t *testing.T) {
	request := func(minor int64, product int) Line {
		return Line{Kind: Status, Status: Vend, Price: money.Amount{Minor: minor, Currency: "SEK"}, Product: product}
	}
	for text, want := range map[string]Line{
		"c,STATUS,INACTIVE":         {Kind: Status, Status: Inactive},
		"c,STATUS,DISABLED":         {Kind: Status, Status: Disabled},
		"c,STATUS,ENABLED":          {Kind: Status, Status: Enabled},
		"c,STATUS,IDLE":             {Kind: Status, Status: Idle},
		"c,STATUS,IDLE,50.00":       {Kind: Status, Status: Idle},
		"c,STATUS,VEND,15.00,10":    request(1500, 10),
		"c,STATUS,VEND,0.50,65535":  request(50, 65535),
		"c,VEND,SUCCESS":            {Kind: Success},
		"c,ERR,VEND 3":              {Kind: Failed, Code: 3},
		`c,ERR,"VEND -3"`:           {Kind: Refused, Status: "VEND", Code: -3},
		`c,ERR,"START -3"`:          {Kind: Refused, Status: "START", Code: -3},
		`c,ERR,"STOP -3"`:           {Kind: Refused, Status: "STOP", Code: -3},
		`c,ERR,"cashless is off"`:   {Kind: Off},
		`c,ERR,"cashless is on"`:    {Kind: Other},
		"v,4.0.2.0,00112233":        {Kind: Other},
		"r,ACK":                     {Kind: Other},
		"c,1":                       {Kind: Other},
		"c,STATUS,VEc,VEND,SUCCESS": {Kind: Success}, // the end of the first was lost
		"c,STATUS,VEND,15,10":       {Kind: Status, Status: Vend, Misplaced: true},
		// or a digit was lost
		"c,STATUS,VEND,15.0,10":         {Kind: Status, Status: Vend, Misplaced: true, Places: 1},
		"c,STATUS,VEND,15.000,10":       {Kind: Status, Status: Vend, Misplaced: true, Places: 3},
		"c,STATUS,VEND,0,10":            {Kind: Status, Status: Vend, Misplaced: true},
		"c,STATUS,VEND,15.,10":          {Kind: Status, Status: Vend},
		"c,STATUS,VEND,.50,10":          {Kind: Status, Status: Vend},
		"c,STATUS,VEND,15,":             {Kind: Status, Status: Vend},
		"c,STATUS,VEND,,10":             {Kind: Status, Status: Vend},
		"c,STATUS,VEND,015.00,10":       {Kind: Status, Status: Vend},
		"c,STATUS,VEND,-15.00,10":       {Kind: Status, Status: Vend},
		"c,STATUS,VEND,1e2,10":          {Kind: Status, Status: Vend},
		"c,STATUS,VEND,0.00,10":         {Kind: Status, Status: Vend},
		"c,STATUS,VEND,15.00":           {Kind: Status, Status: Vend},
		"c,STATUS,VEND,15.00,":          {Kind: Status, Status: Vend},
		"c,STATUS,VEND,15.00,65536":     {Kind: Status, Status: Vend},
		"c,STATUS,VEND,15.00,10,":       {Kind: Status, Status: Vend},
		"c,STATUS,ENABLED,1":            {},
		"c,STATUS,EN":                   {},
		"c,STATUS":                      {},
		"c,VEND,SUCCES":                 {},
		"c,VEND,SUCCESS,1":              {},
		"c,ERR,VEND":                    {},
		"c,ERR,VEND 99999":              {},
		"C,VEND,15.00":                  {}, // our own word, echoed
		"":                              {},
		"c," + strings.Repeat("x", 999): {},
	} {
		if got := Parse(text, "SEK"); got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

func TestLinesEndInAnyWayAndComeInAnyPieces(t *testing.T) {
	stream := "c,STATUS,IDLE\r\n\r\nc,VEND,SUCCESS\nr,ACK\r" + strings.Repeat("z", 5*lineMax) +
		"\nc,STATUS,ENABLED\r\nhalf"
	want := "c,STATUS,IDLE|c,VEND,SUCCESS|r,ACK||c,STATUS,ENABLED"
	for piece := 1; piece < 40; piece++ {
		var s splitter
		var got []string
		for rest := []byte(stream); len(rest) > 0; {
			n := min(piece, len(rest))
			s.feed(rest[:n], func(line string) { got = append(got, line) })
			rest = rest[n:]
		}
		if text := strings.Join(got, "|"); text != want {
			t.Fatalf("in pieces of %d: %q", piece, text)
		}
		if !s.forget() || s.forget() {
			t.Error("half a line is not forgotten")
		}
	}
}

// FuzzStream feeds any bytes: nothing is kept for ever, and what is read means what it says.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{"c,STATUS,VEND,15.00,10\r\nc,VEND,SUCCESS\r\n", "c,ERR,\"VEND -3\"\n",
		"c,ERR,VEND 3\rc,STATUS,IDLE,50.00\r", "\x00\xffc,c,c,,\n"} {
		f.Add([]byte(seed), "SEK")
	}
	f.Fuzz(func(t *testing.T, b []byte, currency string) {
		var s splitter
		s.feed(b, func(text string) {
			l := Parse(text, currency)
			if l.Kind == Status && l.Status == Vend && !l.Price.IsZero() {
				if l.Price.Minor < 0 || l.Product < 0 || l.Product > productMax ||
					!strings.Contains(text, ","+l.Price.Decimal()+",") {
					t.Errorf("%q is read as %+v", text, l)
				}
			} else if l.Price != (money.Amount{}) || l.Product != 0 {
				t.Errorf("%q is read as %+v", text, l)
			}
			if l.Misplaced && (l.Kind != Status || l.Price != (money.Amount{}) || l.Places == money.Digits(currency) ||
				l.Places < 0 || l.Places > lineMax) {
				t.Errorf("%q is read as %+v", text, l)
			}
			if l.Kind == Success && !strings.HasSuffix(text, "c,VEND,SUCCESS") {
				t.Errorf("%q is read as a success", text)
			}
			_ = l.String()
		})
		if len(s.part) > lineMax {
			t.Errorf("%d bytes are kept", len(s.part))
		}
	})
}
