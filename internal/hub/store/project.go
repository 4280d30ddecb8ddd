package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/journal"
)

// projection is what follows from the entries of one transaction.
type projection struct {
	doc   json.RawMessage // the state after the last entry, as JSON; nil: it is not known until the next whole one
	state *fsm.State      // the same, read; nil: it is not known, or cannot be read
	old   *fsm.State      // the one before these entries
	since int64           // when its stage or reason last changed; 0: not in these entries
	sales map[string]*sale
	order []string // of sales: as they were first met
	story []standing
	wall  int64 // of the last entry
}

// sale is a sale's row.
type sale struct {
	first, last, started int64
	ended                sql.NullInt64
	fsm.Sale
}

// standing is what stood against selling from a moment on.
type standing struct {
	wall   int64
	faults map[faultKey]fsm.Fault
}

type faultKey struct{ name, slots string }

// project follows the entries, and writes what they say. An entry whose state cannot be read is written all the same:
// a newer version's kiosk must not be cut off by an older hub.
func (t *taking) project(ctx context.Context, was machine) error {
	var err error
	if t.doc, err = t.stateOf(ctx, was); err != nil {
		return err
	}
	t.sales = map[string]*sale{}
	if t.doc != nil {
		var state fsm.State
		if json.Unmarshal(t.doc, &state) == nil {
			t.old, t.state = &state, &state
		}
	}
	for _, e := range t.entries {
		if err := t.entry(ctx, e); err != nil {
			return err
		}
	}
	if err := t.writeSales(ctx); err != nil {
		return err
	}
	if err := t.writeFaults(ctx); err != nil {
		return err
	}
	return t.writeStock(ctx)
}

func (t *taking) entry(ctx context.Context, e chain.Entry) error {
	t.wall = e.Wall
	if t.doc == nil && e.Whole == 0 {
		return nil
	}
	before := t.state
	text, err := e.Take(t.doc)
	var state fsm.State
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if t.doc = text; err != nil {
		t.state = nil
		return t.s.alarm(ctx, t.tx, t.kiosk, Unreadable, fmt.Sprintf("entry %d: %v", e.Seq, err), t.now)
	}
	t.state = &state
	if before == nil || before.Stage != state.Stage || before.Reason != state.Reason {
		t.since = e.Wall
	}
	if faults := against(state); before == nil || !reflect.DeepEqual(faults, against(*before)) {
		t.story = append(t.story, standing{e.Wall, faults})
	}
	return t.sale(ctx, e, before, state.Sale)
}

// sale follows a sale from entry to entry, as the journal does in its own table: a row names the entry that changed it
// last.
func (t *taking) sale(ctx context.Context, e chain.Entry, before *fsm.State, s fsm.Sale) error {
	if s.ID == "" || before != nil && before.Sale.ID == s.ID && before.Sale.Ended == s.Ended &&
		reflect.DeepEqual(journal.Summary(before.Sale), journal.Summary(s)) {
		return nil
	}
	row := t.sales[s.ID]
	if row == nil {
		row = &sale{first: e.Seq, started: e.Wall}
		err := t.tx.QueryRowContext(ctx, "SELECT first, started, ended FROM sales WHERE machine = $1 AND sale = $2", t.id,
			clip(s.ID)).Scan(&row.first, &row.started, &row.ended)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		t.sales[s.ID] = row
		t.order = append(t.order, s.ID)
	}
	switch {
	case !s.Ended: // it goes on, or a person opened it again
		row.ended = sql.NullInt64{}
	case !row.ended.Valid:
		row.ended = sql.NullInt64{Int64: e.Wall, Valid: true}
	}
	row.last, row.Sale = e.Seq, s
	return nil
}

const saleColumns = "machine, sale, first, last, flow, state, why, note, currency, reserved, charged, refunded, " +
	"invoice, ers, started, ended, taken"

func (t *taking) writeSales(ctx context.Context) error {
	for _, id := range t.order {
		row := t.sales[id]
		sum := journal.Summary(row.Sale)
		_, err := t.tx.ExecContext(ctx, "INSERT INTO sales ("+saleColumns+") VALUES "+values(1, 17)+
			" ON CONFLICT (machine, sale) DO UPDATE SET "+
			"first = excluded.first, last = excluded.last, flow = excluded.flow, state = excluded.state, "+
			"why = excluded.why, note = excluded.note, currency = excluded.currency, reserved = excluded.reserved, "+
			"charged = excluded.charged, refunded = excluded.refunded, invoice = excluded.invoice, ers = excluded.ers, "+
			"started = excluded.started, ended = excluded.ended, taken = excluded.taken", t.id, clip(id), row.first,
			row.last, clip(sum.Flow), clip(sum.State), clip(string(sum.Why)), clip(sum.Note), clip(sum.Currency),
			row.Reserved.Minor, row.Charged.Minor, row.Refunded.Minor, clip(sum.InvoiceReference),
			clip(sum.ErsReference), row.started, row.ended, t.now.UnixMilli())
		if err != nil {
			return err
		}
		if err := t.writeItems(ctx, clip(id), sum, row.Items); err != nil {
			return err
		}
	}
	return nil
}

// writeItems writes a sale's items. A sale never loses one.
func (t *taking) writeItems(ctx context.Context, id string, sum journal.Sale, items []fsm.Item) error {
	const columns = 9
	for at := 0; at < len(items); at += insertMax {
		part := items[at:min(at+insertMax, len(items))]
		args := make([]any, 0, len(part)*columns)
		for n, i := range part {
			charged := 0
			if i.Charge() {
				charged = 1
			}
			args = append(args, t.id, id, at+n+1, clip(i.Slot), clip(i.Name), i.Price.Minor, i.VAT,
				clip(string(i.Outcome)), charged)
		}
		if _, err := t.tx.ExecContext(ctx, "INSERT INTO items (machine, sale, n, slot, name, price, vat, outcome, charged) "+
			"VALUES "+values(len(part), columns)+" ON CONFLICT (machine, sale, n) DO UPDATE SET slot = excluded.slot, "+
			"name = excluded.name, price = excluded.price, vat = excluded.vat, outcome = excluded.outcome, "+
			"charged = excluded.charged", args...); err != nil {
			return err
		}
	}
	return nil
}

// stands is what is set in the machine's row of how it stands, with its arguments after so many others; nothing when
// that is not known.
func (t *taking) stands(after int) (set string, args []any) {
	s := t.state
	if s == nil {
		return "", nil
	}
	open, currency := "", ""
	if s.Busy() {
		open = s.Sale.ID
	}
	if len(s.Shelf) > 0 {
		currency = s.Shelf[0].Price.Currency
	}
	set = fmt.Sprintf(", stage = $%d, reason = $%d, sale = $%d, currency = $%d", after+1, after+2, after+3, after+4)
	args = []any{clip(string(s.Stage)), clip(string(s.Reason)), clip(open), clip(currency)}
	if t.since != 0 {
		set += fmt.Sprintf(", stage_since = $%d", after+5)
		args = append(args, t.since)
	}
	return set, args
}

// textMax bounds a text in the tables that follow from the entries, in bytes: a key must fit into an index.
const textMax = 500

// plain is a text as both databases take it.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// clip is a text that is short besides.
func clip(s string) string {
	s = plain(s)
	if len(s) > textMax {
		s = strings.ToValidUTF8(s[:textMax], "")
	}
	return s
}
