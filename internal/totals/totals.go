// Package totals adds sales up for a bookkeeper: per day, per product and per rate of VAT.
package totals

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/money"
)

// Totals is what sales that are over add up to. Amounts are decimal strings in Currency.
type Totals struct {
	Currency string    `json:"currency"`
	Sales    int       `json:"sales"` // those that moved money
	Charged  string    `json:"charged"`
	Refunded string    `json:"refunded"`
	Paid     string    `json:"paid"`     // charged less refunded
	InDoubt  int       `json:"in_doubt"` // sales that wait for a person: they are in no sum
	Undated  int       `json:"undated"`  // made while the machine had no clock: they are in no day
	Days     []Day     `json:"days"`
	Products []Product `json:"products"`
	VAT      []Rate    `json:"vat"`
}

// Day is a day in the machine's time zone, by when its sales ended.
type Day struct {
	Day      string `json:"day"` // 2026-11-27; "" of the undated
	Sales    int    `json:"sales"`
	Charged  string `json:"charged"`
	Refunded string `json:"refunded"`
	Paid     string `json:"paid"`
}

// Product is what a slot sold under one name: at the prices of the moment, without what a person gave back later.
type Product struct {
	Slot   string `json:"slot"`
	Name   string `json:"name"`
	Number int    `json:"number"`
	Value  string `json:"value"`
}

// Rate is what was paid for products of one rate. The tax is in the price: gross times rate through 100 plus rate,
// rounded once, to the nearest minor unit.
type Rate struct {
	Rate  int    `json:"rate"` // whole percent; 0: none is declared
	Gross string `json:"gross"`
	Tax   string `json:"tax"`
	Net   string `json:"net"`
}

// clockless is before any sale was made: an earlier stamp is a machine without a clock.
var clockless = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Dated reports whether a sale's time can be believed.
func Dated(s api.Sale) bool { return s.Ended.After(clockless) }

// sum adds up one line.
type sum struct {
	sales             int
	charged, refunded int64
}

func (s sum) plus(charged, refunded int64) sum {
	return sum{s.sales + 1, s.charged + charged, s.refunded + refunded}
}

// adder adds up all lines.
type adder struct {
	currency string
	all      sum
	days     map[string]sum
	products map[[2]string]Product
	values   map[[2]string]int64
	rates    map[int]int64
}

// Of adds up the sales of one machine, in its time zone. Its error is an amount that no kioskd has written, or a sale
// in another currency.
func Of(currency string, sales []api.Sale, zone *time.Location) (Totals, error) {
	a := adder{currency: currency, days: map[string]sum{}, products: map[[2]string]Product{},
		values: map[[2]string]int64{}, rates: map[int]int64{}}
	t := Totals{Currency: currency, Days: []Day{}, Products: []Product{}, VAT: []Rate{}}
	for _, s := range sales {
		switch {
		case s.Ended.IsZero():
			continue
		case s.State == "in_doubt":
			t.InDoubt++
			continue
		case !Dated(s):
			t.Undated++
		}
		if err := a.add(s, zone); err != nil {
			return t, fmt.Errorf("sale %s: %w", s.ID, err)
		}
	}
	t.Sales, t.Charged, t.Refunded, t.Paid = a.all.sales, a.decimal(a.all.charged), a.decimal(a.all.refunded),
		a.decimal(a.all.charged-a.all.refunded)
	for _, day := range slices.Sorted(maps.Keys(a.days)) {
		d := a.days[day]
		t.Days = append(t.Days, Day{day, d.sales, a.decimal(d.charged), a.decimal(d.refunded),
			a.decimal(d.charged - d.refunded)})
	}
	for key, p := range a.products {
		p.Value = a.decimal(a.values[key])
		t.Products = append(t.Products, p)
	}
	slices.SortFunc(t.Products, func(p, q Product) int {
		return cmp.Or(len(p.Slot)-len(q.Slot), cmp.Compare(p.Slot, q.Slot), cmp.Compare(p.Name, q.Name))
	})
	for _, rate := range slices.Sorted(maps.Keys(a.rates)) {
		gross := a.rates[rate]
		tax := divide(gross*int64(rate), int64(100+rate))
		t.VAT = append(t.VAT, Rate{rate, a.decimal(gross), a.decimal(tax), a.decimal(gross - tax)})
	}
	return t, nil
}

// divide rounds to the nearest, halves away from zero.
func divide(n, by int64) int64 {
	if n < 0 {
		return -divide(-n, by)
	}
	return (n + by/2) / by
}

func (a *adder) decimal(minor int64) string {
	return money.Amount{Minor: minor, Currency: a.currency}.Decimal()
}

func (a *adder) add(s api.Sale, zone *time.Location) error {
	if s.Currency != a.currency {
		return fmt.Errorf("it is in %q, and the machine sells in %s: take the days of one currency (--from, --to)",
			s.Currency, a.currency)
	}
	charged, err := money.ParseXML(s.Charged, a.currency)
	if err != nil {
		return err
	}
	refunded, err := money.ParseXML(s.Refunded, a.currency)
	if err != nil {
		return err
	}
	if charged.Minor == 0 && refunded.Minor == 0 {
		return nil
	}
	day := ""
	if Dated(s) {
		day = s.Ended.In(zone).Format(time.DateOnly)
	}
	a.all = a.all.plus(charged.Minor, refunded.Minor)
	a.days[day] = a.days[day].plus(charged.Minor, refunded.Minor)
	return a.items(s, charged.Minor-refunded.Minor)
}

// items shares what was paid out over the products that were to be paid for, by their prices: to the öre what each
// costs, unless a person gave a part back.
func (a *adder) items(s api.Sale, paid int64) error {
	var prices, rates []int64
	total := int64(0)
	for _, i := range s.Items {
		price, err := money.ParseXML(i.Price, a.currency)
		if err != nil {
			return err
		}
		if !i.Charged {
			continue
		}
		key := [2]string{i.Slot, i.Name}
		p := a.products[key]
		p.Slot, p.Name, p.Number = i.Slot, i.Name, p.Number+1
		a.products[key], a.values[key] = p, a.values[key]+price.Minor
		prices, rates, total = append(prices, price.Minor), append(rates, int64(i.VAT)), total+price.Minor
	}
	if total == 0 {
		if paid != 0 {
			a.rates[0] += paid
		}
		return nil
	}
	given, seen := int64(0), int64(0)
	for n, price := range prices {
		seen += price
		share := divide(paid*seen, total) - given
		given += share
		a.rates[int(rates[n])] += share
	}
	return nil
}
