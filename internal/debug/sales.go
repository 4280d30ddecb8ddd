package debug

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
)

const (
	salesDefault = 50
	salesMax     = 500 // rows in one answer: some 200 KiB of JSON
)

func (p *port) sales(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), strconv.Itoa(salesDefault)))
	if err != nil || limit < 1 {
		refuse(w, http.StatusBadRequest, "limit must be a whole number from 1 to "+strconv.Itoa(salesMax))
		return
	}
	state := r.URL.Query().Get("state")
	if state != "" && state != string(fsm.InDoubt) {
		refuse(w, http.StatusBadRequest, "state can only be "+string(fsm.InDoubt))
		return
	}
	before, err := strconv.ParseInt(cmp.Or(r.URL.Query().Get("before"), strconv.Itoa(math.MaxInt)), 10, 64)
	if err != nil || before < 1 {
		refuse(w, http.StatusBadRequest, "before must be the seq of a sale")
		return
	}
	told := []api.Sale{} // [] in JSON, not null
	err = p.read(r.Context(), func(ctx context.Context) error {
		if state == "" {
			sales, err := p.Sales.SalesBefore(ctx, before, min(limit, salesMax))
			for _, s := range sales {
				one := saleOf(s.Sale)
				one.Seq = s.First
				told = append(told, one)
			}
			return err
		}
		sales, err := p.Sales.InDoubt(ctx)
		for _, s := range sales[:min(limit, salesMax, len(sales))] {
			told = append(told, saleOf(s))
		}
		return err
	})
	if err != nil {
		p.Log.Warn().Err(err).Msg("a technician could not be shown the sales")
		refuse(w, http.StatusServiceUnavailable, "the sales cannot be read: "+err.Error())
		return
	}
	answer(w, http.StatusOK, told)
}

// noSale is what is said of an id that no sale has.
const noSale = "no sale with this id is known: kioskd sales lists them"

// saleOf is a sale of the journal as the outside is told of it.
func saleOf(s journal.Sale) api.Sale {
	told := api.Sale{
		ID: s.ID, Flow: s.Flow, State: s.State,
		Currency: s.Currency, Reserved: s.Reserved, Charged: s.Charged, Refunded: s.Refunded,
		InvoiceReference: s.InvoiceReference, ErsReference: s.ErsReference, Items: []api.Item{},
		Started: s.Started, Ended: s.Ended, Why: string(s.Why), Note: s.Note,
	}
	for _, i := range s.Items {
		told.Items = append(told.Items, api.Item(i))
	}
	return told
}
