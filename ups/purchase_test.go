package ups

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kioskd/internal/money"
)

func TestAPurchaseIsAnsweredWithItsInvoice(t *testing.T) {
	m := &machine{}
	r := purchase(t, serve(t, m, nil), `{
    "token": "29834231890234",
    "amount": 20.00,
    "currency": "EUR",
    "msisdn": "483344323423"
}`)
	if r.status != 200 || !r.isReference() {
		t.Errorf("answered %d %s", r.status, r.body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json;charset=UTF-8",
		"Cache-Control": "no-store", "Content-Length": "42"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if want := (Purchase{money.Amount{Minor: 2000, Currency: "EUR"}, msisdn}); len(m.asked) != 1 || m.asked[0] != want {
		t.Errorf("the kiosk was asked for %v", m.asked)
	}
}

func TestEachErrorCodeIsReachedByItsCause(t *testing.T) {
	for code, c := range map[ErrorCode]struct {
		kiosk *machine
		body  string
	}{
		InsufficientFunds: {&machine{}, wish("14.99", msisdn)},
		DeviceInUse:       {&machine{customer: "46700000001"}, wish("20.00", msisdn)},
		DeviceUnavailable: {&machine{outOf: true}, wish("20.00", msisdn)},
		InvoicingError:    {&machine{noInvoices: true}, wish("20.00", msisdn)},
		SystemError:       {&machine{}, strings.Replace(wish("20.00", msisdn), token, "1", 1)},
	} {
		r := purchase(t, serve(t, c.kiosk, nil), c.body)
		if r.status != 200 || !r.isCode(code) || r.header.Get("Content-Type") != "application/json;charset=UTF-8" {
			t.Errorf("%s: answered %d %s", code, r.status, r.body)
		}
	}
}

func TestAnAmountIsReadExactlyAndNeverAboveTheMaximum(t *testing.T) {
	for said, cents := range map[string]int64{
		`20`: 2000, `20.00`: 2000, `"20.00"`: 2000, `"20"`: 2000, `20.5`: 2050, `0.01`: 1, `"007"`: 700,
		`2e1`: 2000, `2E+1`: 2000, `"2e1"`: 2000, `2000e-2`: 2000, `2.0005e3`: 200050, `1e-2`: 1, `15e-1`: 150,
		`0.00002e6`: 2000,
		`1e0`:       100, `12.5e1`: 12500, `0e5`: 0, `1e-3`: 0, `0.009`: 0,
		`19.999`: 1999, `0.019`: 1, `1234567.8949999999999999999`: 123456789, `90071992547409.93`: 9007199254740993,
		`0`: 0, `0.00`: 0, `-0`: 0, `-20`: 0, `"-20"`: 0, `"NaN"`: 0, `"Infinity"`: 0, `1e309`: 0, `"1e309"`: 0,
		`1e99`: 0, `1e-99`: 0,
		`99999999999999999999`: 0, `100000000000000000`: 0, `"20,00"`: 0, `"+20"`: 0, `"20."`: 0, `".5"`: 0, `" 20"`: 0,
		`"20 "`:       0,
		`"20.00 EUR"`: 0, `"0x14"`: 0, `"٢٠"`: 0, `"1_000"`: 0, `""`: 0, `[20]`: 0, `{"value": 20}`: 0, `true`: 0,
		`null`:                          0,
		`20.` + strings.Repeat("0", 41): 0,
	} {
		m := &machine{instead: func(context.Context, Purchase) (string, ErrorCode) { return "20170315072260070", "" }}
		r := purchase(t, serve(t, m, nil), wish(said, msisdn))
		switch {
		case r.status != 200:
			t.Errorf("%s: status %d", said, r.status)
		case cents == 0 && (!r.isCode(SystemError) || m.calls() != 0):
			t.Errorf("%s: answered %s after asking for %v", said, r.body, m.asked)
		case cents != 0 && (!r.isReference() || m.asked[0].Amount != money.Amount{Minor: cents, Currency: "EUR"}):
			t.Errorf("%s: asked for %v, want %d cents", said, m.asked, cents)
		}
	}
}

func TestBothReleasesOfThePageAreUnderstood(t *testing.T) {
	for body, good := range map[string]bool{
		`{"reservationToken":"29834231890234","reservationAmount":"20.00","currency":"EUR","msisdn":"483344323423"}`:                           true,
		`{"token":"29834231890234","reservationAmount":20,"currency":"EUR","msisdn":"483344323423"}`:                                           true,
		`{"token":29834231890234,"amount":20,"currency":"EUR","msisdn":483344323423}`:                                                          true,
		`{"token":"29834231890234","reservationToken":"29834231890234","amount":20,"reservationAmount":"20.00","currency":"EUR","msisdn":"1"}`: true,
		`{"token":"29834231890234","reservationToken":null,"amount":20,"reservationAmount":null,"currency":"EUR","msisdn":"1"}`:                true,
		`{"token":"29834231890234","amount":20,"currency":"EUR","msisdn":"1","new":{"a":[1]},"Token":"x","AMOUNT":7,"":null}`:                  true,
		`{"token":"29834231890234","amount":20,"amount":"20.0","currency":"EUR","currency":"EUR","msisdn":"1"}`:                                true,

		`{"token":"29834231890234","reservationToken":"1","amount":20,"currency":"EUR","msisdn":"1"}`:   false,
		`{"reservationToken":"1","token":"29834231890234","amount":20,"currency":"EUR","msisdn":"1"}`:   false,
		`{"token":"29834231890234","amount":20,"reservationAmount":"30","currency":"EUR","msisdn":"1"}`: false,
		`{"token":"29834231890234","amount":0,"reservationAmount":"20","currency":"EUR","msisdn":"1"}`:  false,
		`{"token":"29834231890234","amount":20,"amount":30,"currency":"EUR","msisdn":"1"}`:              false,
		`{"token":"29834231890234","amount":20,"reservationAmount":{},"currency":"EUR","msisdn":"1"}`:   false,
		`{"token":"29834231890234","amount":20,"currency":"SEK","msisdn":"1"}`:                          false,
		`{"token":"29834231890234","amount":20,"currency":"eur","msisdn":"1"}`:                          false,
		`{"token":"29834231890234","amount":20,"currency":"EUR","currency":"SEK","msisdn":"1"}`:         false,
		`{"token":"29834231890234","amount":20,"msisdn":"1"}`:                                           false,
		`{"token":"29834231890234","currency":"EUR","msisdn":"1"}`:                                      false,
		`{"amount":20,"currency":"EUR","msisdn":"1"}`:                                                   false,
		`{"TOKEN":"29834231890234","amount":20,"currency":"EUR","msisdn":"1"}`:                          false,
		`{"token":"","amount":20,"currency":"EUR","msisdn":"1"}`:                                        false,
		`{"token":["29834231890234"],"amount":20,"currency":"EUR","msisdn":"1"}`:                        false,
		`{"token":"29834231890234","amount":20,"currency":"EUR"}`:                                       false,
		`{"token":"29834231890234","amount":20,"currency":"EUR","msisdn":""}`:                           false,
		`{"token":"29834231890234","amount":20,"currency":"EUR","msisdn":"1","msisdn":"2"}`:             false,
		`{"token":"29834231890234","amount":20,"currency":"EUR","msisdn":"` + strings.Repeat("4", payerMax+1) +
			`"}`: false,
		`{}`: false,
	} {
		m := &machine{}
		r := purchase(t, serve(t, m, nil), body)
		if r.status != 200 || good && !r.isReference() || !good && (!r.isCode(SystemError) || m.calls() != 0) {
			t.Errorf("%s\nanswered %d %s, kiosk asked %d times", body, r.status, r.body, m.calls())
		}
	}
}

func TestWhatIsNoCreatePurchaseIsRefusedAsJSONAndNeverReachesTheKiosk(t *testing.T) {
	good := wish("20.00", msisdn)
	const utf8 = "application/json;charset=UTF-8"
	m := &machine{}
	url := serve(t, m, nil) + "/seqr/createPurchase"
	for _, c := range []struct {
		name, method, contentType, body string
		status                          int
	}{
		{"empty", "POST", utf8, "", 400},
		{"no JSON", "POST", utf8, "token=29834231890234&amount=20", 400},
		{"cut short", "POST", utf8, good[:len(good)-1], 400},
		{"an array", "POST", utf8, "[" + good + "]", 400},
		{"null", "POST", utf8, "null", 400},
		{"a string", "POST", utf8, `"createPurchase"`, 400},
		{"a second value", "POST", utf8, good + good, 400},
		{"garbage behind", "POST", utf8, good + "x", 400},
		{"NaN", "POST", utf8, wish("NaN", msisdn), 400},
		{"a plus", "POST", utf8, wish("+20", msisdn), 400},
		{"a leading zero", "POST", utf8, wish("020", msisdn), 400},
		{"not UTF-8", "POST", utf8, strings.Replace(good, msisdn, "\xff", 1), 400},
		{"deep nesting", "POST", utf8, strings.Repeat("[", bodyMax), 400},
		{"deep nesting, closed", "POST", utf8, `{"a":` + strings.Repeat("[", bodyMax/2-8) +
			strings.Repeat("]", bodyMax/2-8) + "}", 200},
		{"one byte too large", "POST", utf8, good + strings.Repeat(" ", bodyMax-len(good)+1), 413},
		{"1 MiB", "POST", utf8, `{"a":"` + strings.Repeat("a", 1<<20) + `"}`, 413},
		{"Latin-1", "POST", "application/json; charset=ISO-8859-1", strings.Replace(good, msisdn, "\xe5", 1), 415},
		{"GET", "GET", "", "", 405},
		{"PUT", "PUT", utf8, good, 405},
		{"DELETE", "DELETE", "", "", 405},
		{"OPTIONS", "OPTIONS", "", "", 405},
	} {
		r := send(t, c.method, url, c.contentType, c.body)
		if r.status != c.status || !r.isCode(SystemError) {
			t.Errorf("%s: answered %d %s, want %d", c.name, r.status, r.body, c.status)
		}
		if allow := r.header.Get("Allow"); (allow == "POST") != (c.status == 405) {
			t.Errorf("%s: Allow: %q", c.name, allow)
		}
	}
	if r := send(t, "HEAD", url, "", ""); r.status != 405 {
		t.Errorf("HEAD: %d", r.status)
	}
	if m.calls() != 0 {
		t.Errorf("the kiosk was asked for %v", m.asked)
	}
}

// TestTheTokenIsReadAsTheMachineReadsIt, for who stands before many machines.
func TestTheTokenIsReadAsTheMachineReadsIt(t *testing.T) {
	for body, want := range map[string]string{
		wish("20.00", msisdn):                       token,
		"\ufeff" + wish("20.00", msisdn):            token,
		`{"reservationToken": "K1", "token": "K1"}`: "K1",
		`{"token": "K1", "token": "K2"}`:            "",
		`{"token": "K1", "reservationToken": "K2"}`: "",
		`{"Token": "K1"}`:                           "",
		`{"token": null}`:                           "",
		`{"token": ["K1"]}`:                         "",
		`{"token": 29834231890234}`:                 token,
	} {
		if got, status := TokenOf("application/json", []byte(body)); got != want || status != 200 {
			t.Errorf("%s: %q, %d, want %q", body, got, status, want)
		}
	}
	for body, want := range map[string]int{"": 400, "[]": 400, `{"token": "K1"} x`: 400, "{\"token\": \"\xff\"}": 400} {
		if got, status := TokenOf("", []byte(body)); got != "" || status != want {
			t.Errorf("%q: %q, %d, want %d", body, got, status, want)
		}
	}
	const umlaut = `{"token": "K1", "x": "ä"}`
	if got, status := TokenOf("text/plain; charset=ISO-8859-1", []byte(umlaut)); got != "" || status != 415 {
		t.Errorf("%q, %d of a charset that cannot be read", got, status)
	}
}

func TestAnyContentTypeIsTakenForJSON(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "text/plain", "application/json; charset=utf-8",
		`application/json;charset="UTF-8"`, "application/json;;", "json"} {
		body := wish("20.00", msisdn)
		if len(body) < bodyMax { // the largest body that is still read
			body += strings.Repeat(" ", bodyMax-len(body))
		}
		if r := send(t, "POST", serve(t, &machine{}, nil)+"/seqr/createPurchase", contentType, body); r.status != 200 ||
			!r.isReference() {
			t.Errorf("%q: answered %d %s", contentType, r.status, r.body)
		}
	}
}

func TestPathsAreExact(t *testing.T) {
	for prefix, known := range map[string]string{"": "/createPurchase", "/seqr": "/seqr/createPurchase",
		"/a/b-1": "/a/b-1/createPurchase"} {
		m := &machine{secrets: map[string]bool{secret: true}}
		h, err := New(Config{Token: token, PathPrefix: prefix, Currency: "EUR"}, m)
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(t, h)
		if r := send(t, "POST", s+known, "", wish("20", msisdn)); !r.isReference() {
			t.Errorf("prefix %q: %d %s", prefix, r.status, r.body)
		}
		if r := send(t, "POST", NotificationURL(s+prefix+"/", secret), "", ""); r.status != 200 {
			t.Errorf("prefix %q: notification: %d", prefix, r.status)
		}
		for _, path := range []string{"", "/", "/createPurchase/", "//createPurchase", "/./createPurchase",
			"/x/../createPurchase", "/createpurchase",
			"/notify", "/notify/", "/notify/" + secret + "/", "/notify//" + secret, "/notify/%2F" + secret, "/notify/" +
				strings.Repeat("a", secretMax+1)} {
			if r := send(t, "POST", s+prefix+path, "", wish("20", msisdn)); r.status != http.StatusNotFound {
				t.Errorf("prefix %q: POST %s: %d", prefix, path, r.status)
			}
		}
		if m.hints != 1 || m.calls() != 1 {
			t.Errorf("prefix %q: a path that is none reached the kiosk: %d hints, %d purchases", prefix, m.hints,
				m.calls())
		}
	}
}

func TestAnUnusableConfigIsRefused(t *testing.T) {
	good := Config{Token: token, Currency: "EUR"}
	if _, err := New(good, nil); err == nil {
		t.Error("no kiosk was accepted")
	}
	for name, change := range map[string]func(*Config){
		"currency":    func(c *Config) { c.Currency = "KRONOR" },
		"slow":        func(c *Config) { c.AnswerWithin = answerWithinMax + 1 },
		"negative":    func(c *Config) { c.AnswerWithin = -1 },
		"slash":       func(c *Config) { c.PathPrefix = "/" },
		"unrooted":    func(c *Config) { c.PathPrefix = "seqr" },
		"slash after": func(c *Config) { c.PathPrefix = "/seqr/" },
		"dots":        func(c *Config) { c.PathPrefix = "/seqr/../x" },
		"escape":      func(c *Config) { c.PathPrefix = "/se%71r" },
		"query":       func(c *Config) { c.PathPrefix = "/seqr?x" },
	} {
		c := good
		change(&c)
		if _, err := New(c, &machine{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestAMachineWithoutATokenIsAskedForNoPurchase: one that sells by stickers or on a page is only notified.
func TestAMachineWithoutATokenIsAskedForNoPurchase(t *testing.T) {
	for _, said := range []string{`"token":"",`, `"token":null,`, ``, `"token":"29834231890234",`} {
		m := &machine{}
		h, err := New(Config{Currency: "EUR"}, m)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/createPurchase",
			strings.NewReader(`{`+said+`"amount":20,"currency":"EUR","msisdn":"1"}`)))
		if !strings.Contains(w.Body.String(), string(SystemError)) || m.calls() != 0 {
			t.Errorf("asked with %s: %s, and %d purchases", said, w.Body, m.calls())
		}
	}
}

func TestAPurchaseIsPrintedWithoutItsPhoneNumber(t *testing.T) {
	p := Purchase{cheapest, msisdn}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, p); strings.Contains(s, msisdn) || !strings.Contains(s, "15.00 EUR") {
			t.Errorf("%s: %s", format, s)
		}
	}
}
