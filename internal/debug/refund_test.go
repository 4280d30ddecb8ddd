package debug

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
)

func TestARefundIsTakenWholeOrRefused(t *testing.T) {
	var asked []string
	var result error
	s := serve(t, Config{Refund: func(_ context.Context, sale, amount string, v fsm.Verdict) error {
		asked = append(asked, sale+" "+amount+" "+string(v.Decision)+" "+v.By+": "+v.Reason)
		return result
	}})
	const good, path = `{"amount":" 5.00 ","by":" anna ","reason":"it was warm"}`, "/api/sales/7G/refund"
	for _, c := range []struct {
		name, method, body string
		result             error
		code               int
		want               string
	}{
		{"a refund", "POST", good, nil, 202, `{"sale":"7G"}`},
		{"all of it", "POST", `{"by":"anna","reason":"it was warm"}`, nil, 202, `{"sale":"7G"}`},
		{"another sale", "POST", good, journal.ErrNoCharge, 404, "was charged"},
		{"too much", "POST", good, ErrAmount, 400, "not refunded"},
		{"a customer", "POST", good, kiosk.ErrBusy, 409, "a sale is on"},
		{"a full disk", "POST", good, errors.New("disk"), 503, "not refunded: disk"},
		{"a question", "GET", "", nil, 405, "answers only POST"},
		{"no body", "POST", "", nil, 400, "the body must be"},
		{"nobody", "POST", `{"amount":"5.00","by":" ","reason":"r"}`, nil, 400, "who gives it back"},
		{"no reason", "POST", `{"amount":"5.00","by":"a"}`, nil, 400, "say why"},
		{"two lines", "POST", `{"by":"a","reason":"r\ns"}`, nil, 400, "one line"},
		{"an unknown field", "POST", `{"by":"a","reason":"r","sum":"1.00"}`, nil, 400, "sum"},
	} {
		asked, result = nil, c.result
		r := ask(t, s, c.method, path, c.body, "Content-Type", "application/json")
		if r.code != c.code || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.code, r.body, c.code, c.want)
		}
		if c.body == good && (len(asked) != 1 || asked[0] != "7G 5.00 refund anna: it was warm") {
			t.Errorf("%s: it became %q", c.name, asked)
		}
		if c.body != good && c.code != 202 && len(asked) != 0 {
			t.Errorf("%s: %q came through", c.name, asked)
		}
	}
	closed := serve(t, Config{})
	if r := ask(t, closed, "POST", path, good, "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("a port that gives nothing back: %d %s", r.code, r.body)
	}
}

func TestNeverMoreGoesBackThanIsLeft(t *testing.T) {
	sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	for refunded, cases := range map[int64]map[string]int64{
		0:    {"": 1500, "15.00": 1500, "0.01": 1, "15.01": -1, "0": -1, "-1.00": -1, "1e1": -1, "5.001": -1, "x": -1},
		500:  {"": 1000, "10.00": 1000, "10.01": -1},
		1500: {"": 0, "0.01": -1},
	} {
		sale := fsm.Sale{Payment: fsm.Payment{Charged: sek(1500)}}
		if refunded > 0 {
			sale.Refunded = sek(refunded)
		}
		for amount, want := range cases {
			got, err := RefundOf(sale, amount)
			if want < 0 != errors.Is(err, ErrAmount) || err == nil && got != sek(want) {
				t.Errorf("%q of what is left after %d: %v, %v", amount, refunded, got, err)
			}
		}
	}
}
