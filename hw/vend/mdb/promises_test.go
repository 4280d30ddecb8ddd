package mdb

import (
	"errors"
	"testing"

	"kioskd/hw/vend"
)

// TestALineThatBreaksBeforeTheApprovalIsWrittenApprovesNothing, also when it is back: the machine asks for something
// else by then.
func TestALineThatBreaksBeforeTheApprovalIsWrittenApprovesNothing(t *testing.T) {
	for name, since := range map[string][]event{
		"away":                {lost{errors.New("pulled")}},
		"back":                {lost{errors.New("pulled")}, opened{}},
		"back, and idle":      {lost{errors.New("pulled")}, opened{}, heard{[]Line{{Kind: Status, Status: Idle}}}},
		"silent for too long": {seconds(16)},
	} {
		m := newMachine(t)
		m.request()
		m.step(since...)
		m.step(approve{call: 1, product: 10})
		if got := m.end; got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped || m.approvals() != 0 {
			t.Errorf("%s: the vend ended %+v, and %q was written", name, got, m.wrote)
		}
	}
}

// TestAByteOfNoiseBeforeALineCostsNobody: an adapter that is plugged in begins with one. A success that is not read
// is an item that ends unknown, and a slot that is closed.
func TestAByteOfNoiseBeforeALineCostsNobody(t *testing.T) {
	for _, noise := range []string{"\x00", "\xff", "c", "zz", "c,STATUS,"} {
		if got := Parse(noise+"c,VEND,SUCCESS", "SEK"); got.Kind != Success {
			t.Errorf("behind %q it is read as %v", noise, got)
		}
	}
}

// TestAProductsNumberIsDecimal: a machine that fills it up with noughts does not ask for another product.
func TestAProductsNumberIsDecimal(t *testing.T) {
	for text, want := range map[string]int{"10": 10, "010": 10, "00010": 10, "0": 0} {
		if got := Parse("c,STATUS,VEND,15.00,"+text, "SEK"); got.Product != want || got.Price.IsZero() {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	for _, text := range []string{"0x0A", "0b10", "0o12", "1_0", "+10"} {
		if got := Parse("c,STATUS,VEND,15.00,"+text, "SEK"); !got.Price.IsZero() {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// TestALineIsShownByItsMeaningAndWithoutForeignBytes: what a machine writes may be anything, and a log is read by
// people.
func TestALineIsShownByItsMeaningAndWithoutForeignBytes(t *testing.T) {
	for text, want := range map[string]string{
		"c,STATUS,VEND,15.00,10":  "request of product 10 for 15.00 SEK",
		"c,STATUS,IDLE,+46701234": "status IDLE",
		"c,VEND,SUCCESS":          "success",
		"c,ERR,VEND 3":            "failure 3",
		`c,ERR,"START -3"`:        "START refused -3",
		`c,ERR,"cashless is off"`: "off the bus",
		"v,4.0.2.0,+46701234":     "other",
		"+46701234\x1b[2J":        "bad line",
	} {
		if got := Parse(text, "SEK").String(); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// TestAnEchoJustBeforeTheApprovalIsNoOtherRequest: the customer who stands before it gets the product. Another
// request is one.
func TestAnEchoJustBeforeTheApprovalIsNoOtherRequest(t *testing.T) {
	for echo, want := range map[string]int{
		"c,STATUS,VEND,15.00,10": 1, "c,STATUS,VEND,15.00,11": 0, "c,STATUS,VEND,15.50,10": 0,
	} {
		m := newMachine(t)
		m.request()
		m.hear(echo)
		m.step(approve{call: 1, product: 10})
		if n := m.approvals(); n != want || (m.end == pending) != (want == 1) {
			t.Errorf("after %q %d approvals are written, want %d; the vend ended %+v", echo, n, want, m.end)
		}
	}
}
