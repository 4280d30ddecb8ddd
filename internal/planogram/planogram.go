// Package planogram knows which product is in which slot and says what can be sold now.
//
// A Planogram never changes: it is the list of slots as the config has it. How many are left and which slots are closed
// changes with every sale, is owned by others, and is handed in with each question. A slot is in one of three states:
//
//	""          it can be sold
//	"sold_out"  nothing is left in it, or nobody ever said how many there are
//	"closed"    a technician must look at it first, however many are left
//
// All functions are pure and safe to call from any goroutine.
package planogram

import (
	"fmt"
	"slices"
	"time"

	"kioskd/internal/money"
)

// The states of a slot that cannot be sold. One that can has the empty state.
const (
	SoldOut = "sold_out"
	Closed  = "closed"
)

// Product is what one slot holds.
type Product struct {
	Slot  string // the slot's id, unique in the machine: "A1"
	Name  string // as the customer reads it
	Price money.Amount
	VAT   *int   // whole percent of the price that is tax; nil when not declared. Never written to
	EAN   string // the bar code's digits, or ""

	// MaxVend is the longest that the dispenser may take for one vend: the motor, and then the wait for the product to fall.
	MaxVend time.Duration

	// UnknownCharged is the dispenser's rule for a vend whose outcome nobody knows: true, the customer pays for it.
	UnknownCharged bool

	// AtMachine: the product is chosen at a machine of its own, which says the price. Our buttons and pages cannot choose it.
	AtMachine bool
}

// Planogram is the slots of one machine in the order of its config. The zero Planogram has no slot and sells nothing.
type Planogram struct{ products []Product }

// Offer is one slot as a customer should see it now.
type Offer struct {
	Product
	Stock int    // products left, 0 or more
	State string // "", SoldOut or Closed
}

// Sellable reports whether the slot can be sold now.
func (o Offer) Sellable() bool { return o.State == "" }

// New makes a planogram of the products in their order. It refuses what could not be sold or told apart: a slot without an
// id or with another's, a price that is not above zero or in another currency than the first, no longest vend.
func New(products []Product) (Planogram, error) {
	for i, p := range products {
		switch {
		case p.Slot == "":
			return Planogram{}, fmt.Errorf("planogram: product %d (%q) has no slot", i+1, p.Name)
		case slices.ContainsFunc(products[:i], func(q Product) bool { return q.Slot == p.Slot }):
			return Planogram{}, fmt.Errorf("planogram: two products are in slot %s", p.Slot)
		case p.Price.Minor <= 0:
			return Planogram{}, fmt.Errorf("planogram: slot %s: the price is %v, not above zero", p.Slot, p.Price)
		case p.Price.Currency != products[0].Price.Currency:
			return Planogram{}, fmt.Errorf("planogram: slot %s: the price is in %s, the others' in %s",
				p.Slot, p.Price.Currency, products[0].Price.Currency)
		case p.MaxVend <= 0:
			return Planogram{}, fmt.Errorf("planogram: slot %s: the longest vend is %v", p.Slot, p.MaxVend)
		}
	}
	return Planogram{slices.Clone(products)}, nil
}

// Product answers what is in the slot, sellable or not; false when the machine has no such slot.
func (p Planogram) Product(slot string) (Product, bool) {
	i := slices.IndexFunc(p.products, func(q Product) bool { return q.Slot == slot })
	if i < 0 {
		return Product{}, false
	}
	return p.products[i], true
}

// Offers lists every slot in its order with what is left in it and whether it can be sold. Stock counts the products per
// slot id, and a slot that is not in it has none. Closed holds the ids of the closed slots with the reason; being in it
// closes a slot, even without a reason.
func (p Planogram) Offers(stock map[string]int, closed map[string]string) []Offer {
	offers := make([]Offer, 0, len(p.products))
	for _, q := range p.products {
		o := Offer{Product: q, Stock: max(0, stock[q.Slot])}
		if _, shut := closed[q.Slot]; shut {
			o.State = Closed
		} else if o.Stock == 0 {
			o.State = SoldOut
		}
		offers = append(offers, o)
	}
	return offers
}

// Cheapest is the lowest price among the slots that can be sold now; false when there are none. A customer whose credit is
// below it is refused before anything is reserved: createPurchase answers INSUFFICIENT_FUNDS.
func (p Planogram) Cheapest(stock map[string]int, closed map[string]string) (money.Amount, bool) {
	var least money.Amount
	found := false
	for _, o := range p.Offers(stock, closed) {
		if o.Sellable() && (!found || o.Price.Less(least)) {
			least, found = o.Price, true
		}
	}
	return least, found
}
