package debug

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kioskd/internal/journal"
	"kioskd/internal/money"
	"kioskd/internal/receipt"
)

func TestAReceiptIsToldPrintedOrRefused(t *testing.T) {
	var result, printing error
	var printed []string
	price := money.Amount{Minor: 1500, Currency: "SEK"}
	c := Config{
		Receipt: func(_ context.Context, sale string) (receipt.Receipt, error) {
			return receipt.Receipt{Sale: sale, Head: receipt.Head{Machine: "Lobby <b>"}, Total: price,
				ErsReference: "E1", Rows: []receipt.Row{{Name: "Water", Price: price, VAT: 12}}}, result
		},
		Print: func(_ context.Context, r receipt.Receipt) error {
			printed = append(printed, r.Sale)
			return printing
		},
	}
	s := serve(t, c)
	const path, print = "/api/sales/7G/receipt", "/api/sales/7G/print"
	for _, c := range []struct {
		name, method, path, body string
		result, printing         error
		code                     int
		want                     string
	}{
		{"text", "GET", path, "", nil, nil, 200, "VAT 12% in SEK 15.00"},
		{"text by name", "GET", path + "?as=text", "", nil, nil, 200, "Lobby <b>\n"},
		{"a page", "GET", path + "?as=html", "", nil, nil, 200, "<h1>Lobby &lt;b&gt;</h1>"},
		{"what it cannot be", "GET", path + "?as=pdf", "", nil, nil, 400, "text or html"},
		{"no such sale", "GET", path, "", journal.ErrNoSale, nil, 404, "no sale with this id is known"},
		{"an open sale", "GET", path, "", receipt.ErrOpen, nil, 409, "not ended"},
		{"a doubt", "GET", path, "", receipt.ErrDoubt, nil, 409, "in doubt"},
		{"nothing paid", "GET", path, "", receipt.ErrUnpaid, nil, 409, "nothing was paid"},
		{"a bad disk", "GET", path, "", errors.New("disk"), nil, 503, "disk"},
		{"a wish", "POST", path, "{}", nil, nil, 405, "answers only GET"},
		{"a copy", "POST", print, "{}", nil, nil, 200, `{"sale":"7G"}`},
		{"a copy of nothing", "POST", print, "{}", receipt.ErrUnpaid, nil, 409, "nothing was paid"},
		{"no paper", "POST", print, "{}", nil, errors.New("no paper"), 503, "not printed: no paper"},
		{"a copy that is read", "GET", print, "", nil, nil, 405, "answers only POST"},
		{"a copy with a wish", "POST", print, `{"copies":2}`, nil, nil, 400, "copies"},
	} {
		result, printing, printed = c.result, c.printing, nil
		r := ask(t, s, c.method, c.path, c.body, "Content-Type", "application/json")
		if r.code != c.code || !strings.Contains(r.body, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.code, r.body, c.code, c.want)
		}
		if wanted := c.path == print && c.method == "POST" && c.result == nil && c.code != 400; (len(printed) == 1) !=
			wanted {
			t.Errorf("%s: printed %q", c.name, printed)
		}
	}
	c.Print = nil
	if r := ask(t, serve(t, c), "POST", print, "{}", "Content-Type", "application/json"); r.code != 404 {
		t.Errorf("without a printer: %d %s", r.code, r.body)
	}
	if r := ask(t, serve(t, Config{}), "GET", path, ""); r.code != 404 {
		t.Errorf("a port that tells none: %d %s", r.code, r.body)
	}
	c.Token = "secret"
	if r := ask(t, serve(t, c), "GET", path, ""); r.code != 401 {
		t.Errorf("without the token: %d %s", r.code, r.body)
	}
}
