package ups

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCreatePurchase holds what every body gets, and that a purchase which reaches the kiosk is what the body says by
// another reading of it: exact fractions of math/big.
func FuzzCreatePurchase(f *testing.F) {
	for _, s := range []string{wish("20.00", msisdn), wish(`"19.999"`, msisdn), wish("2e1", msisdn),
		wish("1e309", msisdn), wish("-1", msisdn), "[]", "null", "", "\ufeff" + wish("1", msisdn),
		`{"reservationToken":"29834231890234","reservationAmount":"20.00","currency":"EUR","msisdn":483344323423}`,
		`{"token":29834231890234,"amount":2000e-2,"amount":20,"currency":"EUR","msisdn":"1"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var log lockedBuffer
		m := &machine{}
		r := direct(newHandler(t, m, &log), string(body))
		if !r.isJSON() || r.status != 200 && (r.status != 400 && r.status != 413 || !r.isCode(SystemError)) {
			t.Fatalf("answered %d %s", r.status, r.body)
		}
		named, status := TokenOf("", body) // 413 comes before the body is read
		if r.status != 413 && status != r.status || len(m.asked) > 0 && named != token {
			t.Errorf("who stands before many reads %q, %d; the machine says %d", named, status, r.status)
		}
		if len(m.asked) == 0 {
			return
		}
		p := m.asked[0]
		if r.status != 200 || p.Amount.Minor <= 0 || p.Amount.Currency != "EUR" || strings.TrimSpace(p.Payer) == "" ||
			len(p.Payer) > payerMax {
			t.Errorf("asked for %v of %q", p, p.Payer)
		}
		if len(p.Payer) > 8 && strings.Contains(log.String(), p.Payer) { // shorter ones are in the log's own words
			t.Errorf("the log holds %q: %s", p.Payer, log.String())
		}
		var said map[string]any
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
		d.UseNumber()
		if err := d.Decode(&said); err != nil {
			t.Fatalf("a purchase was read from no JSON: %v", err)
		}
		for _, name := range []string{"amount", "reservationAmount"} {
			var number string
			switch v := said[name].(type) {
			case string:
				number = v
			case json.Number:
				number = v.String()
			default:
				continue
			}
			exact, ok := new(big.Rat).SetString(number)
			if !ok {
				t.Fatalf("%v was read from %q", p.Amount, number)
			}
			short := exact.Sub(exact, big.NewRat(p.Amount.Minor, 100))
			if short.Sign() < 0 || short.Cmp(big.NewRat(1, 100)) >= 0 {
				t.Errorf("%q was read as %v", number, p.Amount)
			}
		}
	})
}

// decodeSlowly is decode by encoding/json's own steps.
func decodeSlowly(body []byte) (v values, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	v = values{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		f, known := fieldNamed(fmt.Sprint(name))
		if !known || raw[0] == 'n' {
			continue
		}
		said := ""
		if json.Unmarshal(raw, &said) != nil && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
			said = string(raw)
		}
		v[f] = append(v[f], said)
	}
	return v, true
}

// FuzzABodyIsReadAsJSON: what walks it finds what encoding/json finds.
func FuzzABodyIsReadAsJSON(f *testing.F) {
	for _, s := range []string{wish("20.00", msisdn), ` { "tok\u0065n" : "a\\"b" , "amount" : [ 1 , { "a" : "}" } ] } `,
		`{"token":"\ud800","amount":null,"amount":true,"currency":{},"msisdn":[]}`, `{"x":{"token":"1"},"token":1e2}`,
		"{}", " {\n} ", `{"a":"\\","token":"]"}`, `{"token":-1
}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := decode(body)
		want, wantOK := decodeSlowly(body)
		if ok != wantOK || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, %v; encoding/json says %v, %v", body, got, ok, want, wantOK)
		}
	})
}
