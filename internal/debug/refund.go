package debug

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
)

// Refund begins to give back a part of a sale that was charged, or with no amount all that is left of it.
type Refund func(ctx context.Context, sale, amount string, v fsm.Verdict) error

// ErrAmount is an amount that cannot be given back.
var ErrAmount = errors.New("not refunded")

// RefundOf is how much of a sale goes back: an amount as a person writes it, in the sale's currency, or with none all
// that is left. An error is ErrAmount.
func RefundOf(sale fsm.Sale, amount string) (money.Amount, error) {
	left := sale.Charged
	if !sale.Refunded.IsZero() {
		left = left.Sub(sale.Refunded)
	}
	if amount == "" {
		return left, nil
	}
	back, err := money.Parse(amount, left.Currency)
	if err != nil || back.Minor <= 0 {
		return back, fmt.Errorf("%w: %q is no amount in %s: write it like \"15.00\"", ErrAmount, amount, left.Currency)
	}
	if left.Less(back) {
		return back, fmt.Errorf("%w: %v is more than the %v that is left of what was charged", ErrAmount, back, left)
	}
	return back, nil
}

// refund answers 202 {"sale"} once it is on record; how it went shows in the sales. 400 is an amount that is none or
// too much, or a request that says too little, 404 a sale that was not charged, 409 a machine that is serving a
// customer, 503 one that cannot record.
func (p *port) refund(w http.ResponseWriter, r *http.Request) {
	var said api.Refund
	if !readSaid(w, r, `"amount", "by", "reason"`, &said, &said.Amount, &said.By, &said.Reason) {
		return
	}
	if !signed(w, said.By, "who gives it back", said.Reason, "why") {
		return
	}
	id := r.PathValue("id")
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	v := fsm.Verdict{Decision: fsm.Refund, By: said.By, Reason: said.Reason}
	switch err := p.Refund(ctx, id, said.Amount, v); {
	case err == nil:
		p.Log.Info().Str("sale", id).Str("by", said.By).Msg("a person gives back what a sale was charged")
		answer(w, http.StatusAccepted, map[string]string{"sale": id})
	case errors.Is(err, ErrAmount):
		refuse(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, journal.ErrNoCharge):
		refuse(w, http.StatusNotFound, "no sale with this id was charged and is over")
	case errors.Is(err, kiosk.ErrBusy), errors.Is(err, kiosk.ErrServing):
		refuse(w, http.StatusConflict, err.Error())
	default:
		p.Log.Warn().Err(err).Str("sale", id).Msg("a refund could not begin")
		refuse(w, http.StatusServiceUnavailable, "it is not refunded: "+err.Error())
	}
}
