package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of what may be wanted under one key.
const (
	WantMax     = 256 << 10 // bytes of its JSON
	plansMax    = 16
	slotsMax    = 64   // of a plan: more than any machine has
	productsMax = 1000 // of a plan, by EAN: an operator's assortment
	wantTextMax = 200  // bytes of a name, a price, an EAN, a person
)

// Want is the value of a key in the bucket Wanted: what is wanted of a machine, of a group's, or of all. The machine's
// own key goes before its group's, and that before everybody's, field by field. What none of them names stays as the
// machine's config has it.
type Want struct {
	Version int64  `json:"version"`         // grows with each change of the key
	Group   string `json:"group,omitempty"` // in a machine's own key: the group whose key it looks at; letters and digits
	// Plans have the earliest moment first. The last one whose moment has come holds, whole: what an earlier one wanted
	// is over then.
	Plans []Plan `json:"plans"`
}

// Plan is what is wanted from a moment on.
type Plan struct {
	Version int64     `json:"version"` // of the key, when the plan was made; each has another
	From    time.Time `json:"from"`    // the zero time: at once
	By      string    `json:"by"`      // who wants it
	// Slots are by their ids, and Products wherever the slot's EAN is the key; a slot's own wish goes before its EAN's.
	Slots    map[string]Product `json:"slots,omitempty"`
	Products map[string]Product `json:"products,omitempty"`
}

// Product is what is wanted of a slot; nil is nothing.
type Product struct {
	Name  *string `json:"name,omitempty"`
	Price *string `json:"price,omitempty"` // decimal, in the machine's currency
	VAT   *int    `json:"vat,omitempty"`   // whole percent
	EAN   *string `json:"ean,omitempty"`   // only in Slots; "": none
	// Stock is how many are in the slot, as who has filled it says; only in the Slots of a machine's own key. It is
	// counted once, when the plan is applied.
	Stock *int `json:"stock,omitempty"`
}

// ReadWant reads a key's value. An empty one wants nothing. Unknown fields are refused: a kiosk that does not know a
// wish must not say that it has fulfilled it.
func ReadWant(data []byte) (Want, error) {
	var w Want
	if len(data) == 0 {
		return w, nil
	}
	if len(data) > WantMax {
		return w, fmt.Errorf("fleet: %d bytes are wanted: at most %d are read", len(data), WantMax)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return Want{}, fmt.Errorf("fleet: what is wanted cannot be read: %w", err)
	}
	if d.More() {
		return Want{}, errors.New("fleet: what is wanted cannot be read: something follows it")
	}
	if err := w.Check(); err != nil {
		return Want{}, err
	}
	return w, nil
}

// Check finds whether it can be put under a key. Whether a machine can sell so is for the machine to say.
func (w Want) Check() error {
	if w.Version <= 0 || len(w.Plans) > plansMax {
		return fmt.Errorf("fleet: wanted are version %d with %d plans: at most %d", w.Version, len(w.Plans), plansMax)
	}
	if w.Group != "" && CheckID(w.Group) != nil {
		return fmt.Errorf("fleet: %q is no group: 1 to %d letters and digits", w.Group, idMax)
	}
	seen := map[int64]bool{}
	for n, p := range w.Plans {
		switch {
		case p.Version <= 0 || p.Version > w.Version || seen[p.Version]:
			return fmt.Errorf("fleet: plan %d has version %d", n+1, p.Version)
		case n > 0 && p.From.Before(w.Plans[n-1].From):
			return fmt.Errorf("fleet: plan %d begins before the one before it", n+1)
		case p.By == "" || len(p.By) > wantTextMax:
			return fmt.Errorf("fleet: plan %d does not say who wants it", n+1)
		}
		seen[p.Version] = true
		if err := p.check(); err != nil {
			return fmt.Errorf("fleet: plan %d: %w", n+1, err)
		}
	}
	return nil
}

func (p Plan) check() error {
	if len(p.Slots) > slotsMax || len(p.Products) > productsMax {
		return fmt.Errorf("wanted are %d slots and %d products: at most %d and %d", len(p.Slots), len(p.Products),
			slotsMax, productsMax)
	}
	for _, all := range []map[string]Product{p.Slots, p.Products} {
		for key, product := range all {
			texts := []*string{&key, product.Name, product.Price, product.EAN}
			long := func(s *string) bool { return s != nil && len(*s) > wantTextMax }
			if key == "" || slices.ContainsFunc(texts, long) {
				return fmt.Errorf("%.60q: a text is empty, or longer than %d bytes", key, wantTextMax)
			}
		}
	}
	for ean, product := range p.Products {
		if product.EAN != nil || product.Stock != nil {
			return fmt.Errorf("product %.60q: what is by EAN has neither another one nor a stock: say it of the slot", ean)
		}
	}
	return nil
}

// Now is the plan that holds at a moment, and when another will; the zero time: none is known. Without a plan that
// holds, nothing is wanted yet.
func (w Want) Now(at time.Time) (holds Plan, next time.Time) {
	for _, p := range w.Plans {
		if p.From.After(at) {
			return holds, p.From
		}
		holds = p
	}
	return holds, time.Time{}
}

// Timeless reports whether Now is the same at any moment: whoever knows no time can say it too.
func (w Want) Timeless() bool {
	return !slices.ContainsFunc(w.Plans, func(p Plan) bool { return !p.From.IsZero() })
}

// WantedSubject is the subject that a key's value is stored under.
func WantedSubject(key string) string { return "$KV." + Wanted + "." + key }

// WantState is how far a kiosk is with what is wanted of it; a part of its condition.
type WantState struct {
	Holds  string `json:"holds,omitempty"`  // the versions whose products it sells: "machine 7, group nord 3"
	Wanted string `json:"wanted,omitempty"` // those that are wanted now; "": not known
	Why    string `json:"why,omitempty"`    // why they do not hold yet
	// Refused: they never will, since the machine cannot sell so
	Refused bool `json:"refused,omitzero"`
}
