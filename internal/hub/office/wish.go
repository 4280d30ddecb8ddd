package office

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/money"
)

// Reach is of whom something is wanted.
type Reach struct {
	Of       store.Scope
	Machines []store.MachineRow // in use; none is known of a machine that has not come yet
}

// ReachOf looks for the machines that a scope means.
func ReachOf(ctx context.Context, s *store.Store, of store.Scope) (Reach, error) {
	all, err := s.Machines(ctx)
	r := Reach{Of: of}
	for _, m := range all {
		if of.Kind == store.OfAll || of.Kind == store.OfGroup && m.Group == of.Key ||
			of.Kind == store.OfKiosk && m.Kiosk == of.Key {
			r.Machines = append(r.Machines, m)
		}
	}
	return r, err
}

// anyCurrency stands for a machine that has not said its own yet: none that people pay with has more decimals.
const anyCurrency = "KWD"

// currencies are those of the machines.
func (r Reach) currencies() []string {
	all := map[string]bool{}
	for _, m := range r.Machines {
		if money.Known(m.Currency) {
			all[m.Currency] = true
		}
	}
	if len(all) == 0 {
		return []string{anyCurrency}
	}
	return slices.Sorted(maps.Keys(all))
}

// Mistake is what is wrong with a field of what is wanted of a slot, or of a product.
type Mistake struct {
	Slot  bool   // Key is a slot's id, and not an EAN
	Key   string // as it was written
	Field string // of protocol.Product in JSON; "": the key itself
	Why   string // and what to write instead
}

func (m *Mistake) Error() string {
	return strings.TrimPrefix(fmt.Sprintf("%s: %s", m.Field, m.Why), ": ")
}

// Mistakes are all of them, by slot and then by EAN.
type Mistakes []*Mistake

func (all Mistakes) Error() string {
	var lines []string
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("%.60q: %s", m.Key, m.Error()))
	}
	return strings.Join(lines, "\n")
}

const (
	textMax  = 200  // bytes of a name or a slot's id
	stockMax = 9999 // no slot of any machine holds as many
)

// Check finds whether a plan can be wanted of them; its error is of type Mistakes. It looks at what is certain to be
// wrong. Whether a machine can sell so, by the rules of its own config file, is for the machine to say.
func (r Reach) Check(p protocol.Plan, now time.Time) error {
	var all Mistakes
	currencies := r.currencies()
	for _, slot := range []bool{true, false} {
		products := p.Products
		if slot {
			products = p.Slots
		}
		for _, key := range slices.Sorted(maps.Keys(products)) {
			note := func(field, why string) {
				if why != "" {
					all = append(all, &Mistake{slot, key, field, why})
				}
			}
			product := products[key]
			if slot {
				note("", text(key))
			} else {
				note("", isEAN(key))
			}
			if product.Price != nil {
				note("price", price(*product.Price, currencies))
			}
			if product.Name != nil {
				note("name", text(*product.Name))
			}
			if product.VAT != nil && (*product.VAT < 0 || *product.VAT > 100) {
				note("vat", "write whole percent, 0 to 100")
			}
			if product.EAN != nil && *product.EAN != "" {
				note("ean", isEAN(*product.EAN))
			}
			switch {
			case product.Stock == nil:
			case r.Of.Kind != store.OfKiosk:
				note("stock", "a stock is one machine's: leave it out, or want it of the machine")
			case p.From.After(now):
				note("stock", "a stock is counted and said at once: leave it out, or leave the moment out")
			case *product.Stock < 0 || *product.Stock > stockMax:
				note("stock", fmt.Sprintf("write how many are in the slot, 0 to %d", stockMax))
			}
		}
	}
	if all == nil {
		return nil
	}
	return all
}

func price(written string, currencies []string) string {
	for _, code := range currencies {
		amount, err := money.Parse(written, code)
		if err == nil && amount.IsZero() {
			return "that is nothing, and a machine refuses all of a plan for it: write a price above zero"
		}
		if err != nil {
			example := money.Amount{Minor: 1700, Currency: code}.Decimal()
			if code == anyCurrency {
				example = "17.00"
			}
			if len(currencies) > 1 {
				example += " in " + code + ", which one of these machines has"
			}
			return "write digits and a point, as " + example
		}
	}
	return ""
}

func isEAN(s string) string {
	const least, most = 8, 14
	if len(s) < least || len(s) > most || strings.Trim(s, "0123456789") != "" {
		return "an EAN has the 8 to 14 digits below the bar code"
	}
	return ""
}

func text(s string) string {
	if strings.TrimSpace(s) == "" || len(s) > textMax || !utf8.ValidString(s) ||
		strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Sprintf("write one line of 1 to %d bytes", textMax)
	}
	return ""
}

// ReadPlan reads what is wanted as JSON.
func ReadPlan(b []byte) (p protocol.Plan, err error) {
	var said struct {
		Slots    map[string]protocol.Product `json:"slots"`
		Products map[string]protocol.Product `json:"products"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&said); err != nil {
		return p, err
	}
	if d.More() {
		return p, errors.New("something follows what is wanted")
	}
	p.Slots, p.Products = said.Slots, said.Products
	if len(p.Slots)+len(p.Products) == 0 {
		return p, ErrNothing
	}
	return p, nil
}

// ErrNothing is of a plan that wants nothing.
var ErrNothing = errors.New("it wants nothing: to withdraw what is wanted, say so")

// Prices reads what is wanted as SLOT=PRICE and EAN=PRICE.
func Prices(args []string) (p protocol.Plan, err error) {
	p.Slots, p.Products = map[string]protocol.Product{}, map[string]protocol.Product{}
	for _, arg := range args {
		key, price, ok := strings.Cut(arg, "=")
		if !ok || key == "" || price == "" {
			return p, fmt.Errorf("%s: write SLOT=PRICE or EAN=PRICE, as A1=17.00", arg)
		}
		to := p.Slots
		if isEAN(key) == "" {
			to = p.Products
		}
		if _, twice := to[key]; twice {
			return p, fmt.Errorf("%s is said twice", key)
		}
		to[key] = protocol.Product{Price: &price}
	}
	return p, nil
}

// Now is the moment of what is wanted at once.
func Now(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }

// Want writes down what somebody wants, after Check. known is the newest version that he has seen, 0 for none; nil: it
// does not matter to him.
func (r Reach) Want(ctx context.Context, s *store.Store, p protocol.Plan, known *int64, now time.Time) (version int64,
	err error) {
	if p.By = strings.TrimSpace(p.By); p.By == "" {
		return 0, errors.New("say who wants it")
	}
	if err := r.Check(p, now); err != nil {
		return 0, err
	}
	if known == nil {
		return s.AddPlan(ctx, r.Of, p, now)
	}
	return s.ReplacePlan(ctx, r.Of, *known, p, now)
}

// Name is a scope for people: "kiosk 123456", "group nord" or "all".
func Name(of store.Scope) string { return strings.TrimSpace(of.Kind + " " + of.Key) }
