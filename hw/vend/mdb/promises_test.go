package mdb

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"kioskd/hw/vend"
	"kioskd/internal/money"
)

// TestALineThatBreaksBeforeTheApprovalIsWrittenApprovesNothing, also when it is back: the machine asks for something
// else by then.
func TestALineThatBreaksBeforeTheApprovalIsWrittenApprovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{
			Open: func() (io.ReadWriteCloser, error) { return nil, io.EOF }, Currency: "SEK",
			Requested: func(Request) {}, State: func(error) {}, Log: func(string) {},
		}
		b.begin()
		b.Sell(money.Amount{Minor: 5000, Currency: "SEK"})
		b.line(Parse("c,STATUS,VEND,15.00,10", "SEK"))
		result := make(chan vend.Result, 1)
		go func() { result <- b.Product(10).Vend(context.Background()) }()
		synctest.Wait()
		b.lost(errors.New("pulled"))
		began := b.begin()
		if command, _, err := b.next(began); err != nil || command == "C,VEND,15.00" {
			t.Errorf("the new line is written %q (%v)", command, err)
		}
		if got := <-result; got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped {
			t.Errorf("the vend ended %+v", got)
		}
	})
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
	for echo, want := range map[string]string{"c,STATUS,VEND,15.00,10": "C,VEND,15.00", "c,STATUS,VEND,15.00,11": ""} {
		synctest.Test(t, func(t *testing.T) {
			b := &Bridge{
				Open: func() (io.ReadWriteCloser, error) { return nil, io.EOF }, Currency: "SEK",
				Requested: func(Request) {}, State: func(error) {}, Log: func(string) {},
			}
			began := b.begin()
			b.Sell(money.Amount{Minor: 5000, Currency: "SEK"})
			b.line(Parse("c,STATUS,VEND,15.00,10", "SEK"))
			result := make(chan vend.Result, 1)
			go func() { result <- b.Product(10).Vend(context.Background()) }()
			synctest.Wait()
			b.line(Parse(echo, "SEK"))
			if command, _, err := b.next(began); err != nil || (command == "C,VEND,15.00") != (want != "") {
				t.Errorf("after %q %q is written, want %q (%v)", echo, command, want, err)
			}
			b.line(Line{Kind: Success})
			if got := <-result; (got.Outcome == vend.Delivered) != (want != "") {
				t.Errorf("after %q the vend ended %+v", echo, got)
			}
		})
	}
}
