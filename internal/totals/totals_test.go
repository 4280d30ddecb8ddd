package totals

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/money"
)

var stockholm = time.FixedZone("CET", 3600)

func sale(state, charged, refunded string, ended time.Time, items ...api.Item) api.Sale {
	return api.Sale{ID: "x", State: state, Currency: "SEK", Charged: charged, Refunded: refunded, Ended: ended,
		Items: items}
}

func item(slot, price string, vat int) api.Item {
	return api.Item{Slot: slot, Name: "Cola", Price: price, Outcome: "delivered", VAT: vat, Charged: true}
}

func TestSalesAddUpPerDayProductAndRate(t *testing.T) {
	at := time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC) // the next day in Stockholm
	jammed := item("A1", "22.50", 12)
	jammed.Charged, jammed.Outcome = false, "not_delivered"
	got, err := Of("SEK", []api.Sale{
		sale("charged", "37.50", "0.00", at, item("A1", "15.00", 12), item("A10", "22.50", 25)),
		sale("charged", "15.00", "5.00", at.Add(-time.Hour), item("A1", "15.00", 12)), // a person gave a part back
		sale("refunded", "22.50", "22.50", at, jammed),
		sale("released", "0.00", "0.00", at),
		sale("in_doubt", "15.00", "0.00", at, item("A2", "15.00", 12)),
		sale("open", "0.00", "0.00", time.Time{}),
		sale("charged", "10.00", "0.00", time.Unix(90, 0), item("A2", "10.00", 0)), // before the clock was set
	}, stockholm)
	if err != nil {
		t.Fatal(err)
	}
	want := Totals{
		Currency: "SEK", Sales: 4, Charged: "85.00", Refunded: "27.50", Paid: "57.50", InDoubt: 1, Undated: 1,
		Days: []Day{
			{"", 1, "10.00", "0.00", "10.00"}, {"2026-11-26", 1, "15.00", "5.00", "10.00"},
			{"2026-11-27", 2, "60.00", "22.50", "37.50"},
		},
		Products: []Product{{"A1", "Cola", 2, "30.00"}, {"A2", "Cola", 1, "10.00"}, {"A10", "Cola", 1, "22.50"}},
		VAT:      []Rate{{0, "10.00", "0.00", "10.00"}, {12, "25.00", "2.68", "22.32"}, {25, "22.50", "4.50", "18.00"}},
	}
	if !reflect.DeepEqual(got, want) {
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		t.Errorf("\n%s, want\n%s", a, b)
	}
}

// TestEveryOreIsInADayAndInARate: whatever the sales are.
func TestEveryOreIsInADayAndInARate(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var sales []api.Sale
		paid := int64(0)
		for range r.IntN(30) {
			charged, items := int64(0), []api.Item{}
			for range 1 + r.IntN(4) {
				price := 1 + r.Int64N(9999)
				charged += price
				rate := []int{0, 6, 12, 25}[r.IntN(4)]
				items = append(items, item(fmt.Sprint("A", r.IntN(12)), decimalOf(price), rate))
			}
			refunded := r.Int64N(charged + 1)
			if r.IntN(2) == 0 {
				refunded = 0
			}
			paid += charged - refunded
			sales = append(sales, sale("charged", decimalOf(charged), decimalOf(refunded),
				time.Unix(1790000000+r.Int64N(1e6), 0), items...))
		}
		got, err := Of("SEK", sales, stockholm)
		if err != nil {
			t.Fatal(err)
		}
		days, rates := int64(0), int64(0)
		for _, d := range got.Days {
			days += minorOf(t, d.Paid)
		}
		for _, v := range got.VAT {
			gross := minorOf(t, v.Gross)
			if rates += gross; minorOf(t, v.Tax)+minorOf(t, v.Net) != gross {
				t.Errorf("seed %d: %+v", seed, v)
			}
		}
		if days != paid || rates != paid || minorOf(t, got.Paid) != paid {
			t.Fatalf("seed %d: %s paid, %s in days, %s in rates", seed, decimalOf(paid), decimalOf(days),
				decimalOf(rates))
		}
	}
}

func decimalOf(minor int64) string { return money.Amount{Minor: minor, Currency: "SEK"}.Decimal() }

func minorOf(t *testing.T, s string) int64 {
	t.Helper()
	a, err := money.ParseXML(s, "SEK")
	if err != nil {
		t.Fatal(err)
	}
	return a.Minor
}

func TestASaleInAnotherCurrencyIsNotAddedUp(t *testing.T) {
	other := sale("charged", "15.00", "0.00", time.Unix(1790000000, 0))
	other.Currency = "EUR"
	if _, err := Of("SEK", []api.Sale{other}, stockholm); err == nil || !strings.Contains(err.Error(), "EUR") {
		t.Error(err)
	}
}
