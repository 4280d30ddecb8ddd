package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"kioskd/internal/money"
)

// The books of a demo in which all went well, as the two programs word them.
const (
	salesJSON = `[
 {"id":"S1","flow":"reservation","state":"charged","currency":"SEK","reserved":"50.00","charged":"15.00","refunded":"0.00","invoice_reference":"101","ers_reference":"E1",
  "items":[{"slot":"A1","price":"15.00","outcome":"delivered"}],"started":"2026-01-02T03:04:05Z","ended":"2026-01-02T03:04:06Z"},
 {"id":"S2","flow":"reservation","state":"released","currency":"SEK","reserved":"50.00","charged":"0.00","refunded":"0.00","invoice_reference":"102","ers_reference":"",
  "items":[{"slot":"A2","price":"22.50","outcome":"not_delivered"}],"started":"2026-01-02T03:05:05Z","ended":"2026-01-02T03:05:06Z"},
 {"id":"S3","flow":"reservation","state":"cancelled","currency":"SEK","reserved":"50.00","charged":"0.00","refunded":"0.00","invoice_reference":"103","ers_reference":"",
  "items":[],"started":"2026-01-02T03:06:05Z","ended":"2026-01-02T03:06:06Z"}]`
	ledgerJSON = `[
 {"seq":1,"invoiceReference":"101","kind":"reserve","amount":"50.00","currency":"SEK","why":"the customer confirmed"},
 {"seq":2,"invoiceReference":"101","ersReference":"E1","kind":"charge","amount":"15.00","currency":"SEK","why":"committed"},
 {"seq":3,"invoiceReference":"101","kind":"release","amount":"35.00","currency":"SEK","why":"the rest"},
 {"seq":4,"invoiceReference":"102","kind":"reserve","amount":"50.00","currency":"SEK","why":"the customer confirmed"},
 {"seq":5,"invoiceReference":"102","kind":"release","amount":"50.00","currency":"SEK","why":"cancelled"}]`
	boardJSON = `{"slots":[{"slot":"A1","relay":false,"pulses":1,"dropped":1},{"slot":"A2","relay":false,"pulses":1,"dropped":0}],"door":"closed"}`
	phoneJSON = `{"101":"PAID","102":"CANCELED","103":"CANCELED"}`
)

func TestEveryOreIsAccountedForOrItsAbsenceIsTold(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new string // in the JSON of whoever says it
		said     string // by the audit; "" when it adds up
	}{
		{"all went well", "", "", ""},
		{"an öre is missing at Glase", `"kind":"charge","amount":"15.00"`, `"kind":"charge","amount":"14.99"`,
			"Glase's ledger says 14.99 SEK"},
		{"an öre too much at Glase", `"kind":"charge","amount":"15.00"`, `"kind":"charge","amount":"15.01"`,
			"the customer paid 15.01 SEK in all"},
		{"an öre too much is charged", `"charged":"15.00"`, `"charged":"15.01"`,
			"15.00 SEK came out and 15.01 SEK was charged"},
		{"an öre is left reserved", `"kind":"release","amount":"35.00"`, `"kind":"release","amount":"34.99"`,
			"0.01 SEK of invoice 101 is still reserved"},
		{"a reservation is left", `"kind":"release","amount":"50.00"`, `"kind":"release","amount":"0.00"`,
			"50.00 SEK of invoice 102 is still reserved"},
		{"too much was released", `"kind":"release","amount":"50.00"`, `"kind":"release","amount":"50.01"`,
			"-0.01 SEK of invoice 102 is still reserved"},
		{"the payment was reversed", `"kind":"release","amount":"35.00"`, `"kind":"reversal","amount":"15.00"`,
			"Glase's ledger says 0.00 SEK"},
		{"a second product fell", `"pulses":1,"dropped":1`, `"pulses":1,"dropped":2`,
			"slot A1: 2 products fell, the sales have 1"},
		{"nothing fell", `"pulses":1,"dropped":1`, `"pulses":1,"dropped":0`,
			"slot A1: 0 products fell, the sales have 1"},
		{"what jammed fell after all", `"pulses":1,"dropped":0`, `"pulses":1,"dropped":1`,
			"what came out is worth 37.50 SEK in all"},
		{"a relay is on", `{"slot":"A2","relay":false`, `{"slot":"A2","relay":true`, "slot A2: the relay is on"},
		{"something fell out of nowhere", `"slot":"A1","price"`, `"slot":"Z9","price"`,
			"slot Z9: the sales have 1 products of a slot that the machine has not"},
		{"a sale is open", `"started":"2026-01-02T03:05:05Z","ended":"2026-01-02T03:05:06Z"`,
			`"started":"2026-01-02T03:05:05Z"`, "sale S2 has not ended"},
		{"Glase has no payment", `"101":"PAID"`, `"101":"RESERVED"`, "its invoice is RESERVED, not PAID"},
		{"Glase has a payment", `"102":"CANCELED"`, `"102":"PAID"`, "its invoice is PAID, not CANCELED"},
		{"Glase does not know a sale", `"invoice_reference":"101"`, `"invoice_reference":"999"`,
			"Glase's ledger says 0.00 SEK"},
		{"the kiosk does not know a payment", `"invoice_reference":"101"`, `"invoice_reference":"999"`,
			"Glase moved money for invoice 101"},
		{"another currency", `"kind":"charge","amount":"15.00","currency":"SEK"`,
			`"kind":"charge","amount":"15.00","currency":"EUR"`, `"15.00" "EUR" is no amount in SEK`},
		{"not a number", `"charged":"15.00"`, `"charged":"1e1"`, `sale S1: "1e1" "SEK" is no amount in SEK`},
		{"a price of another product", `"price":"15.00"`, `"price":"22.50"`,
			"22.50 SEK came out and 15.00 SEK was charged"},
		{"a movement that nobody knows", `"kind":"charge"`, `"kind":"tip"`, `unknown kind: "tip"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := booksOf(t, tc.old, tc.new)
			b.charged = money.Amount{Minor: 1500, Currency: currency}
			sums, problems := b.audit()
			b.print(io.Discard, sums) // whatever the books say, they can be shown
			all := strings.Join(problems, "\n")
			switch {
			case tc.said == "" && all != "":
				t.Errorf("what adds up is told to differ:\n%s", all)
			case !strings.Contains(all, tc.said):
				t.Errorf("%q is not among\n%s", tc.said, all)
			}
		})
	}
}

// TestConsistentButWrongSumsDiffer is for books that agree with each other, and not with what was sold.
func TestConsistentButWrongSumsDiffer(t *testing.T) {
	b := booksOf(t, "", "")
	b.charged = money.Amount{Minor: 1499, Currency: currency}
	if _, problems := b.audit(); len(problems) != 3 {
		t.Errorf("three sums are 15.00, not 14.99: %q", problems)
	}
}

func TestTheLedgerAloneTellsWhatIsPaidAndReserved(t *testing.T) {
	b := booksOf(t, "", "")
	for n, want := range []string{"0.00 SEK paid, and nothing", "0.00 SEK paid, and 50.00 SEK is still",
		"15.00 SEK paid, and 35.00 SEK is still", "15.00 SEK paid, and nothing"} {
		if got := ledgerSays(b.ledger[:n]); !strings.Contains(got, want) {
			t.Errorf("after %d movements: %q, want %q", n, got, want)
		}
	}
}

// booksOf are the books with one text of the JSON replaced.
func booksOf(t *testing.T, old, new string) (b books) {
	t.Helper()
	found := old == ""
	for text, into := range map[string]any{salesJSON: &b.sales, ledgerJSON: &b.ledger, boardJSON: &b.board,
		phoneJSON: &b.phone} {
		if old != "" && strings.Contains(text, old) {
			found, text = true, strings.Replace(text, old, new, 1)
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(fmt.Errorf("%w in %s", err, text))
		}
	}
	if !found {
		t.Fatalf("the books do not say %q", old)
	}
	return b
}
