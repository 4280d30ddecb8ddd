package planogram

import (
	"strings"
	"testing"
	"time"

	"kioskd/internal/money"
)

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// three slots, dearest first, so that neither the first nor the last is the cheapest.
func three(t *testing.T) Planogram {
	t.Helper()
	p, err := New([]Product{
		{Slot: "B1", Name: "Lunch", Price: sek(6500), MaxVend: time.Second},
		{Slot: "A1", Name: "Water", Price: sek(1500), MaxVend: time.Second},
		{Slot: "A2", Name: "Juice", Price: sek(2250), MaxVend: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func states(offers []Offer) string {
	var all []string
	for _, o := range offers {
		all = append(all, o.Slot+":"+o.State)
	}
	return strings.Join(all, " ")
}

func TestAClosedSlotIsNotOffered(t *testing.T) {
	p := three(t)
	full := map[string]int{"A1": 5, "A2": 5, "B1": 5}
	if got := states(p.Offers(full, map[string]string{"A1": "jam"})); got != "B1: A1:closed A2:" {
		t.Errorf("a jammed A1: %s", got)
	}
	if got := states(p.Offers(full, map[string]string{"A2": ""})); got != "B1: A1: A2:closed" {
		t.Errorf("A2 closed without a reason: %s", got)
	}
	if got := states(p.Offers(nil, map[string]string{"A1": "jam"})); got != "B1:sold_out A1:closed A2:sold_out" {
		t.Errorf("a closed slot that is also empty must stay closed: %s", got)
	}
}

func TestASoldOutSlotIsNotOffered(t *testing.T) {
	p := three(t)
	offers := p.Offers(map[string]int{"A1": 0, "A2": -3, "B1": 1}, nil)
	if got := states(offers); got != "B1: A1:sold_out A2:sold_out" {
		t.Errorf("A1 empty, A2 below zero: %s", got)
	}
	if offers[2].Stock != 0 {
		t.Errorf("a stock below zero is shown as %d", offers[2].Stock)
	}
	if got := states(p.Offers(map[string]int{"A1": 2, "A2": 2}, nil)); got != "B1:sold_out A1: A2:" {
		t.Errorf("a slot that was never counted: %s", got)
	}
}

func TestSlotsKeepTheirOrder(t *testing.T) {
	p := three(t)
	stock := map[string]int{"A1": 1, "A2": 1, "B1": 1}
	for range 20 { // a map's order would differ between rounds
		if got := states(p.Offers(stock, nil)); got != "B1: A1: A2:" {
			t.Fatal(got)
		}
	}
}

func TestTheCheapestIsOneThatCanBeSold(t *testing.T) {
	p := three(t)
	full := map[string]int{"A1": 5, "A2": 5, "B1": 5}
	for _, c := range []struct {
		what   string
		stock  map[string]int
		closed map[string]string
		want   money.Amount
		sells  bool
	}{
		{"all there", full, nil, sek(1500), true},
		{"the cheapest is closed", full, map[string]string{"A1": "jam"}, sek(2250), true},
		{"the cheapest is sold out", map[string]int{"A2": 1, "B1": 1}, nil, sek(2250), true},
		{"one closed, one sold out", map[string]int{"A2": 1, "B1": 1}, map[string]string{"A2": "jam"}, sek(6500), true},
		{"nothing left", nil, nil, money.Amount{}, false},
		{"everything closed", full, map[string]string{"A1": "", "A2": "", "B1": ""}, money.Amount{}, false},
	} {
		if got, ok := p.Cheapest(c.stock, c.closed); got != c.want || ok != c.sells {
			t.Errorf("%s: %v, %v; want %v, %v", c.what, got, ok, c.want, c.sells)
		}
	}
	if got, ok := (Planogram{}).Cheapest(full, nil); ok {
		t.Errorf("an empty machine sells for %v", got)
	}
}

func TestAnUnknownSlotHasNoProduct(t *testing.T) {
	p := three(t)
	if q, ok := p.Product("A2"); !ok || q.Name != "Juice" {
		t.Errorf("A2: %+v, %v", q, ok)
	}
	for _, slot := range []string{"", "a2", "C9"} {
		if q, ok := p.Product(slot); ok || q != (Product{}) {
			t.Errorf("%q: %+v, %v", slot, q, ok)
		}
	}
}

func TestThePlanogramDoesNotChangeWithItsSource(t *testing.T) {
	products := []Product{{Slot: "A1", Price: sek(1500), MaxVend: time.Second}}
	p, err := New(products)
	if err != nil {
		t.Fatal(err)
	}
	products[0].Price = sek(1)
	p.Offers(nil, nil)[0].Price = sek(2)
	if q, _ := p.Product("A1"); q.Price != sek(1500) {
		t.Errorf("the price became %v", q.Price)
	}
}

func TestNewRefusesWhatCouldNotBeSold(t *testing.T) {
	good := Product{Slot: "A1", Name: "Water", Price: sek(1500), MaxVend: time.Second}
	for _, c := range []struct {
		want   string
		change func(*Product)
	}{
		{`planogram: product 2 ("Juice") has no slot`, func(p *Product) { p.Slot = "" }},
		{"planogram: two products are in slot A1", func(p *Product) { p.Slot = "A1" }},
		{"planogram: slot A2: the price is 0.00 SEK, not above zero", func(p *Product) { p.Price = sek(0) }},
		{"planogram: slot A2: the price is -1.00 SEK, not above zero", func(p *Product) { p.Price = sek(-100) }},
		{"planogram: slot A2: the price is in EUR, the others' in SEK", func(p *Product) { p.Price.Currency = "EUR" }},
		{"planogram: slot A2: the longest vend is 0s", func(p *Product) { p.MaxVend = 0 }},
	} {
		bad := Product{Slot: "A2", Name: "Juice", Price: sek(2250), MaxVend: time.Second}
		c.change(&bad)
		if _, err := New([]Product{good, bad}); err == nil || err.Error() != c.want {
			t.Errorf("got %v; want %s", err, c.want)
		}
	}
}
