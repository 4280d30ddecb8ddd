package watch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"kioskd/internal/hub/store"
)

// How long what was added up is believed: sales of older days come only from machines that were cut off.
const (
	moneyDays = 14
	freshFor  = 10 * time.Second
	oldFor    = 30 * time.Minute
	daysKept  = 2000 // of groups and days; beyond them all is added up again
)

// money remembers days.
type money struct {
	mu   sync.Mutex // held while the database is asked: those who want the same wait for it
	days map[dayKey]day
}

type dayKey struct {
	group string
	from  int64
}

type day struct {
	all, products []store.MoneyRow
	at            time.Time
}

// Day is what was sold in one day, a row a currency.
type Day struct {
	From time.Time
	Rows []store.MoneyRow
}

// Money is what a group, or ("") all, sold in the last two weeks: the days with the newest first, and the products.
type Money struct {
	Days     []Day
	Products []store.MoneyRow
}

// Money adds up.
func (w *Watch) Money(ctx context.Context, group string) (Money, error) {
	w.money.mu.Lock()
	defer w.money.mu.Unlock()
	if len(w.money.days) > daysKept {
		clear(w.money.days)
	}
	var m Money
	type name struct{ product, currency string }
	sums := map[name]store.MoneyRow{}
	now := w.Now()
	y, month, d := now.In(w.Zone).Date()
	for n := range moneyDays {
		from, to := time.Date(y, month, d-n, 0, 0, 0, 0, w.Zone), time.Date(y, month, d-n+1, 0, 0, 0, 0, w.Zone)
		key := dayKey{group, from.UnixMilli()}
		fresh := freshFor
		if n > 1 {
			fresh = oldFor
		}
		one, known := w.money.days[key]
		if !known || now.Sub(one.at) > fresh {
			all, products, err := w.Store.Money(ctx, from, to, group)
			if err != nil {
				return Money{}, err
			}
			one = day{all, products, now}
			w.money.days[key] = one
		}
		m.Days = append(m.Days, Day{from, one.all})
		for _, p := range one.products {
			sum := sums[name{p.Product, p.Currency}]
			sum.Product, sum.Currency = p.Product, p.Currency
			sum.Number, sum.Charged = sum.Number+p.Number, sum.Charged+p.Charged
			sums[name{p.Product, p.Currency}] = sum
		}
	}
	m.Products = slices.SortedFunc(maps.Values(sums), func(a, b store.MoneyRow) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(b.Charged, a.Charged),
			cmp.Compare(a.Product, b.Product))
	})
	return m, nil
}
