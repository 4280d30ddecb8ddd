// Package receipt is what a customer is told in writing about a sale that was paid: as lines of text, which a printer
// or a terminal shows, and as an HTML page, which Glase's app does. Both say the same.
//
// Prices include the VAT, as customers read them. Of the rows with one rate the VAT is taken out of their sum, and
// rounded once, half a minor unit upwards: 12 % in 37.50 is 4.02. A row whose product declares no VAT is in no such
// sum.
package receipt

import (
	"errors"
	"maps"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
)

// Payment is how Glase's certification wants the way of paying named, in every language.
const Payment = "Glase payment"

// Why a sale has no receipt.
var (
	ErrOpen   = errors.New("the sale has not ended yet")
	ErrDoubt  = errors.New("the sale stands in doubt: what was paid for it is not known")
	ErrUnpaid = errors.New("nothing was paid for the sale")
)

// Head is what all receipts of a machine have.
type Head struct {
	Machine  string         // its name
	Language string         // IETF tag; package words has it
	Timezone *time.Location // of the time as people read it; nil: UTC
}

// Receipt is what it says. Amounts are of one currency.
type Receipt struct {
	Head
	Sale         string
	At           time.Time // when it was paid; zero: not known, as on a Pi before it has heard from a time server
	Rows         []Row
	Total        money.Amount // what was paid
	Refunded     money.Amount // what of it went back; zero: nothing
	ErsReference string       // Glase's, of the payment
	Copy         bool         // it was given out before, or may have been
}

// Row is a product that was paid for.
type Row struct {
	Name  string
	Price money.Amount // with its VAT
	VAT   int          // whole percent in the price; 0: none is declared
	Back  bool         // it did not come out, and its price went back
}

// VAT is what is in the rows of one rate.
type VAT struct {
	Rate int          // whole percent
	In   money.Amount // the rows' sum
	Tax  money.Amount // what of In is VAT
}

// Rows are the rows of a sale's items that are to be paid for.
func Rows(items []fsm.Item) (rows []Row) {
	for _, i := range items {
		rows = append(rows, Row{Name: i.Name, Price: i.Price, VAT: i.VAT, Back: !i.Charge()})
	}
	return rows
}

// clockless is before any moment that a clock which was once set shows: a Pi wakes up in 1970.
func clockless(t time.Time) bool { return t.Year() < 2000 }

// Of makes the receipt of a sale that has ended, and was paid at some time; zero when that is not known, nor is one
// believed that no clock which was ever set can have shown. The error says why there is none: ErrOpen, ErrDoubt or
// ErrUnpaid.
func (h Head) Of(sale fsm.Sale, at time.Time) (Receipt, error) {
	switch {
	case !sale.Ended:
		return Receipt{}, ErrOpen
	case sale.Doubtful():
		return Receipt{}, ErrDoubt
	case sale.Charged.Minor <= 0:
		return Receipt{}, ErrUnpaid
	}
	if clockless(at) {
		at = time.Time{}
	}
	r := Receipt{Head: h, Sale: sale.ID, At: at, Total: sale.Charged, Refunded: sale.Refunded,
		ErsReference: sale.ErsReference}
	sum := int64(0)
	for _, row := range Rows(sale.Items) {
		// what did not come out was paid for only where the payment comes first
		if !row.Back || sale.Flow != fsm.Reservation {
			r.Rows = append(r.Rows, row)
			sum += row.Price.Minor
		}
	}
	if sum != sale.Charged.Minor { // as after a doubt that a person decided: what was not charged for is no row
		r.Rows = slices.DeleteFunc(r.Rows, func(row Row) bool { return row.Back })
	}
	return r, nil
}

// Kept is what was paid and did not go back.
func (r Receipt) Kept() money.Amount {
	return money.Amount{Minor: r.Total.Minor - r.Refunded.Minor, Currency: r.Total.Currency}
}

// VAT is what is in the rows that came out, a rate each, the lowest first; none when all went back. A refund that is
// none of the rows', as a person makes it, leaves it as it is: whether that lowers the VAT is the operator's to say.
func (r Receipt) VAT() (all []VAT) {
	if r.Kept().Minor <= 0 {
		return nil
	}
	sums := map[int]int64{}
	for _, row := range r.Rows {
		if row.VAT > 0 && !row.Back {
			sums[row.VAT] += row.Price.Minor
		}
	}
	for _, rate := range slices.Sorted(maps.Keys(sums)) {
		in, whole := sums[rate], int64(100+rate)
		all = append(all, VAT{
			Rate: rate,
			In:   money.Amount{Minor: in, Currency: r.Total.Currency},
			Tax:  money.Amount{Minor: (2*in*int64(rate) + whole) / (2 * whole), Currency: r.Total.Currency},
		})
	}
	return all
}
