package fsm

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"kioskd/internal/money"
)

// StockMax is the most products that a slot may be said to hold.
const StockMax = 10000

// Slot is one slot of the machine and what it sells, as the config has it or as the desk wants it.
type Slot struct {
	ID    string       `json:"id"`   // unique in the machine: "A1"
	Name  string       `json:"name"` // as the customer reads it
	Price money.Amount `json:"price"`
	VAT   int          `json:"vat,omitzero"` // whole percent of the price that is tax; 0: not declared
	EAN   string       `json:"ean,omitzero"` // the bar code's digits

	// MaxVend is the longest that the dispenser may take for one vend: the motor, and then the wait for the product.
	MaxVend time.Duration `json:"max_vend"`

	// UnknownCharged is the dispenser's rule for a vend whose outcome nobody knows: true, the customer pays for it.
	UnknownCharged bool `json:"unknown_charged,omitzero"`

	// AtMachine: the product is chosen at a machine of its own, which says the price. Our buttons cannot choose it.
	AtMachine bool `json:"at_machine,omitzero"`
}

// CheckShelf refuses what could not be sold or told apart: a slot without an id or with another's, a price that is not
// above zero or in another currency than the first, no longest vend. Whoever makes a Booted asks it before.
func CheckShelf(shelf []Slot) error {
	for n, s := range shelf {
		switch {
		case s.ID == "":
			return fmt.Errorf("shelf: product %d (%q) has no slot", n+1, s.Name)
		case slices.ContainsFunc(shelf[:n], func(o Slot) bool { return o.ID == s.ID }):
			return fmt.Errorf("shelf: two products are in slot %s", s.ID)
		case s.Price.Minor <= 0:
			return fmt.Errorf("shelf: slot %s: the price is %v, not above zero", s.ID, s.Price)
		case s.Price.Currency != shelf[0].Price.Currency:
			return fmt.Errorf("shelf: slot %s: the price is in %s, the others' in %s",
				s.ID, s.Price.Currency, shelf[0].Price.Currency)
		case s.MaxVend <= 0:
			return fmt.Errorf("shelf: slot %s: the longest vend is %v", s.ID, s.MaxVend)
		}
	}
	return nil
}

// The states of a slot that cannot be sold. One that can has the empty state.
const (
	SlotSoldOut = "sold_out" // nothing is left in it
	SlotClosed  = "closed"   // a technician must look at it first, however many are left
)

// Offer is one slot as a customer should see it now.
type Offer struct {
	Slot
	Left  int    // products, 0 or more
	State string // "", SlotSoldOut or SlotClosed
}

// Sellable reports whether the slot can be sold now.
func (o Offer) Sellable() bool { return o.State == "" }

// Offers lists every slot in the config's order, with what is left in it and whether it can be sold. There are none
// before the first boot.
func (s State) Offers() []Offer {
	closed := s.ClosedSlots()
	offers := make([]Offer, 0, len(s.Shelf))
	for _, slot := range s.Shelf {
		o := Offer{Slot: slot, Left: s.Stock[slot.ID]}
		if _, shut := closed[slot.ID]; shut {
			o.State = SlotClosed
		} else if o.Left <= 0 {
			o.State = SlotSoldOut
		}
		offers = append(offers, o)
	}
	return offers
}

// cheapest is the lowest price among the slots that can be sold now; no amount when there are none.
func (s State) cheapest() (least money.Amount) {
	for _, o := range s.Offers() {
		if o.Sellable() && (least.IsZero() || o.Price.Less(least)) {
			least = o.Price
		}
	}
	return least
}

// affords reports whether something that can be sold now costs no more than that.
func (s State) affords(credit money.Amount) bool {
	least := s.cheapest()
	return !least.IsZero() && least.Currency == credit.Currency && !credit.Less(least)
}

// slot is what the shelf has under an id.
func (s State) slot(id string) (Slot, bool) {
	n := slices.IndexFunc(s.Shelf, func(o Slot) bool { return o.ID == id })
	if n < 0 {
		return Slot{}, false
	}
	return s.Shelf[n], true
}

// item makes a slot's product one that is chosen, at the price that holds from now on.
func (s Slot) item(id string, price money.Amount) Item {
	return Item{ID: id, Slot: s.ID, Name: s.Name, Price: price, VAT: s.VAT, EAN: s.EAN, MaxVend: s.MaxVend,
		UnknownCharged: s.UnknownCharged, Outcome: Pending}
}

// stocked takes the shelf that a boot brings. What is in the machine is known to the record and not to a config, so the
// config's word counts only for slots that the record never had, and for all when somebody says to have refilled them.
// A slot that is gone from the config keeps its stock: it may come back.
func (t *step) stocked(e Booted) {
	t.s.Shelf = labelled(e.Shelf, t.s.Planogram.Labels)
	for slot, n := range e.First {
		if _, known := t.s.Stock[slot]; !known || e.RefilledBy != "" {
			t.setStock(slot, n)
		}
	}
}

func (t *step) setStock(slot string, left int) {
	stock := maps.Clone(t.s.Stock)
	if stock == nil {
		stock = map[string]int{}
	}
	stock[slot] = left
	t.s.Stock = stock
}

// takeStock is one product less in a slot; none below none, and none of a slot that was never counted.
func (t *step) takeStock(slot string) {
	if left := t.s.Stock[slot]; left > 0 {
		t.setStock(slot, left-1)
	}
}

// stockCounted is a technician who has counted, or refilled, a slot.
func (t *step) stockCounted(e StockCounted) {
	was := t.s.Stock[e.Slot]
	left := e.Count
	if e.More {
		left += was
	}
	if why := t.unserviceable(e.ID, e.Slot, e.By); why != "" {
		t.do(Answer{Request: e.Request, Refusal: why})
		return
	}
	if left < 0 || left > StockMax {
		t.do(Answer{Request: e.Request, Refusal: BadCount})
		return
	}
	t.s.Service = Service{ID: e.ID, Act: CountStock, Slot: e.Slot, By: e.By, Was: was, Left: left, Ended: true}
	t.setStock(e.Slot, left)
	t.do(Answer{Request: e.Request, Reference: e.ID})
}
