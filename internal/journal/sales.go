package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// Sale is a sale's summary, in the words that the technicians' port shows. Amounts are decimal strings in Currency.
type Sale struct {
	ID               string
	Flow             string
	State            string // of fsm.SaleState
	Currency         string
	Reserved         string
	Charged          string
	Refunded         string
	InvoiceReference string
	ErsReference     string
	Items            []Item
	Started          time.Time // UTC, by the machine's clock of that moment
	Ended            time.Time // absent while it is open
	Why              reason.Why
	Note             string // for a technician
}

// Item is one product of a sale; its JSON is the journal's own. Older records have neither its name nor its tax, nor
// whether it is paid for.
type Item struct {
	Slot    string `json:"slot"`
	Price   string `json:"price"`
	Outcome string `json:"outcome"` // of fsm.ItemOutcome
	Name    string `json:"name,omitempty"`
	VAT     int    `json:"vat,omitempty"`     // whole percent of the price that is tax; 0: none is declared
	Charged bool   `json:"charged,omitempty"` // it is to be paid for: it came out, or its dispenser's rule says so
}

// salesMax bounds one answer of Sales: some hundred KiB of JSON.
const salesMax = 1000

const saleColumns = "first, last, id, flow, state, why, note, currency, reserved, charged, refunded, invoice, ers, " +
	"items, started, ended"

// Numbered is a Sale with its place among the entries.
type Numbered struct {
	First int64 // its first entry: newer sales have greater ones
	Last  int64 // the entry that it ended with, the last time that it did; First while it is open
	Sale
}

// Sales gives the newest sales, newest first: limit of them, at most 1000. It never gives nil without an error.
func (j *Journal) Sales(ctx context.Context, limit int) (sales []Sale, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		sales, err = j.sales(ctx, tx, limit)
		return err
	})
	return sales, err
}

// SalesBefore gives the newest of the sales that began before an entry, newest first: limit of them, at most 1000. The
// last one's First leads to those before it, so that whoever wants all of them never keeps the journal for long.
func (j *Journal) SalesBefore(ctx context.Context, entry int64, limit int) (sales []Numbered, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		sales, err = j.before(ctx, tx, entry, limit)
		return err
	})
	return sales, err
}

func (j *Journal) sales(ctx context.Context, tx querier, limit int) ([]Sale, error) {
	all, err := j.before(ctx, tx, math.MaxInt64, limit)
	if err != nil {
		return nil, err
	}
	sales := []Sale{}
	for _, s := range all {
		sales = append(sales, s.Sale)
	}
	return sales, nil
}

// before reads them in one transaction.
func (j *Journal) before(ctx context.Context, tx querier, entry int64, limit int) (sales []Numbered, err error) {
	state, err := j.load(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, selectSalesBefore, entry, max(0, min(limit, salesMax)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanSale(rows)
		if err != nil {
			return nil, err
		}
		if row.Ended.IsZero() && row.ID == state.Sale.ID && !state.Sale.Ended {
			started := row.Started
			row.Sale = Summary(state.Sale)
			row.Started = started
		}
		sales = append(sales, row)
	}
	return sales, rows.Err()
}

// InDoubt gives the sales that stand in doubt, newest first, at most 1000.
func (j *Journal) InDoubt(ctx context.Context) (sales []Sale, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		rows, err := tx.QueryContext(ctx, selectDoubts, salesMax)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scanSale(rows)
			if err != nil {
				return err
			}
			sales = append(sales, row.Sale)
		}
		return rows.Err()
	})
	return sales, err
}

// Doubt gives a sale that stands in doubt as its last record has it, to be settled; ErrNoDoubt when no such sale does.
func (j *Journal) Doubt(ctx context.Context, id string) (sale fsm.Sale, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		sale, err = j.lastOf(ctx, tx, id, selectDoubt, ErrNoDoubt)
		return err
	})
	return sale, err
}

// Charged gives a sale that was charged as its last record has it, to give something of it back; ErrNoCharge when no
// such sale is known.
func (j *Journal) Charged(ctx context.Context, id string) (sale fsm.Sale, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		sale, err = j.lastOf(ctx, tx, id, selectCharged, ErrNoCharge)
		return err
	})
	return sale, err
}

// Find gives a sale as its last record has it, in whatever state, and its summary. Of one that is open both are as it
// began. ErrNoSale when no such sale is known.
func (j *Journal) Find(ctx context.Context, id string) (sale fsm.Sale, told Sale, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		row, err := scanSale(tx.QueryRowContext(ctx, selectSale, id))
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("journal: %q: %w", id, ErrNoSale)
		}
		if err != nil {
			return fail(j.path, err)
		}
		told = row.Sale
		sale, err = j.saleAt(ctx, tx, id, row.Last)
		return err
	})
	return sale, told, err
}

// lastOf is the sale of the entry that a query finds; none is the error when it finds none.
func (j *Journal) lastOf(ctx context.Context, tx querier, id, query string, none error) (fsm.Sale, error) {
	var last int64
	err := tx.QueryRowContext(ctx, query, id).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return fsm.Sale{}, fmt.Errorf("journal: %q: %w", id, none)
	}
	if err != nil {
		return fsm.Sale{}, fail(j.path, err)
	}
	return j.saleAt(ctx, tx, id, last)
}

// saleAt is a sale as an entry of its left it.
func (j *Journal) saleAt(ctx context.Context, tx querier, id string, last int64) (fsm.Sale, error) {
	doc, err := j.stateAt(ctx, tx, last)
	if err != nil {
		return fsm.Sale{}, fail(j.path, err)
	}
	var state fsm.State
	if err := json.Unmarshal(doc, &state); err != nil {
		return fsm.Sale{}, corrupt(j.path, "entry %d: %w", last, err)
	}
	if state.Sale.ID != id {
		return fsm.Sale{}, corrupt(j.path, "entry %d is of sale %q and not of %q", last, state.Sale.ID, id)
	}
	return state.Sale, nil
}

// stateAt is the state that an entry left, as JSON.
func (j *Journal) stateAt(ctx context.Context, tx querier, seq int64) (json.RawMessage, error) {
	rows, err := tx.QueryContext(ctx, selectRunTo, seq, wholeEvery)
	if err != nil {
		return nil, err
	}
	found, err := scanEntries(rows)
	if err != nil {
		return nil, err
	}
	var doc json.RawMessage
	for _, e := range found {
		if doc, err = e.Take(doc); err != nil {
			return nil, err
		}
	}
	if doc == nil {
		return nil, corrupt(j.path, "entry %d is not there", seq)
	}
	return doc, nil
}

// recordSale writes the sale's row when it begins, when it ends, and when a person opens it again. What happens between
// is in the last state: a row that followed it would be a page more in half of all transactions. There is one sale at a
// time, so it is the newest row or a new one, but for a sale that was in doubt.
func (j *Journal) recordSale(ctx context.Context, tx *sql.Tx, e *entry, s fsm.Sale) error {
	if s.ID == "" {
		return nil
	}
	row := Numbered{First: e.Seq, Last: e.Seq, Sale: Summary(s)}
	row.Started = time.UnixMilli(e.Wall).UTC()
	old, err := scanSale(tx.StmtContext(ctx, j.newest).QueryRowContext(ctx))
	if err == nil && old.ID != s.ID && s.Verdict != (fsm.Verdict{}) {
		old, err = scanSale(tx.QueryRowContext(ctx, selectSale, s.ID))
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case old.ID == s.ID:
		row.First, row.Started, row.Ended = old.First, old.Started, old.Ended
	}
	opened := !s.Ended && !row.Ended.IsZero()
	switch {
	case opened:
		row.Ended = time.Time{}
	case s.Ended && row.Ended.IsZero():
		row.Ended = time.UnixMilli(e.Wall).UTC()
	}
	if row.First != e.Seq && !opened && (!s.Ended || reflect.DeepEqual(old.Sale, row.Sale)) {
		return nil
	}
	items, err := json.Marshal(row.Items)
	if err != nil {
		return err
	}
	ended := sql.NullInt64{Int64: row.Ended.UnixMilli(), Valid: !row.Ended.IsZero()}
	_, err = tx.StmtContext(ctx, j.sale).
		ExecContext(ctx, row.First, row.Last, row.ID, row.Flow, row.State, row.Why, row.Note, row.Currency,
			row.Reserved, row.Charged, row.Refunded, row.InvoiceReference, row.ErsReference, string(items),
			row.Started.UnixMilli(), ended)
	return err
}

// Summary is a sale as the journal shows it, but for when it started and ended.
func Summary(s fsm.Sale) Sale {
	currency := s.Reserved.Currency
	if currency == "" {
		currency = s.Requested.Currency
	}
	decimal := func(a money.Amount) string { return money.Amount{Minor: a.Minor, Currency: currency}.Decimal() }
	sum := Sale{
		ID: s.ID, Flow: string(s.Flow), State: string(s.State), Currency: currency,
		Reserved: decimal(s.Reserved), Charged: decimal(s.Charged), Refunded: decimal(s.Refunded),
		InvoiceReference: s.Reference, ErsReference: s.ErsReference, Items: []Item{}, Why: s.Why, Note: s.Note,
	}
	for _, i := range s.Items {
		sum.Items = append(sum.Items, Item{Slot: i.Slot, Price: i.Price.Decimal(), Outcome: string(i.Outcome),
			Name: i.Name, VAT: i.VAT, Charged: i.Charge()})
	}
	return sum
}

func scanSale(row interface{ Scan(...any) error }) (Numbered, error) {
	var r Numbered
	var items []byte
	var started int64
	var ended sql.NullInt64
	err := row.Scan(&r.First, &r.Last, &r.ID, &r.Flow, &r.State, &r.Why, &r.Note, &r.Currency, &r.Reserved, &r.Charged,
		&r.Refunded,
		&r.InvoiceReference, &r.ErsReference, &items, &started, &ended)
	if err != nil {
		return r, err
	}
	r.Started = time.UnixMilli(started).UTC()
	if ended.Valid {
		r.Ended = time.UnixMilli(ended.Int64).UTC()
	}
	return r, json.Unmarshal(items, &r.Items)
}
