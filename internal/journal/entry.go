package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"time"

	"kioskd/internal/chain"
)

// entry is one row of the chain.
type entry = chain.Entry

const entryColumns = "seq, wall, whole, event, body, before, after, prev, hash"

// walkBatch is how many entries are read at once: about 200 KiB of memory, and a few milliseconds of a Pi's SD card.
const walkBatch = 100

func scanEntries(rows *sql.Rows) ([]entry, error) {
	defer rows.Close()
	var all []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.Seq, &e.Wall, &e.Whole, &e.Event, &e.Body, &e.Before, &e.After, &e.Prev,
			&e.Hash); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// walk gives every entry to each, oldest first.
func walk(ctx context.Context, tx *sql.Tx, each func(entry)) error {
	for after := int64(0); ; {
		rows, err := tx.QueryContext(ctx, selectAfter, after, walkBatch)
		if err != nil {
			return err
		}
		batch, err := scanEntries(rows)
		if err != nil {
			return err
		}
		for _, e := range batch {
			each(e)
			after = e.Seq
		}
		if len(batch) < walkBatch {
			return nil
		}
	}
}

// Entry is one step of a sale's story, for a technician.
type Entry struct {
	Seq    int64           `json:"seq"`
	Wall   time.Time       `json:"wall"`
	Event  string          `json:"event"` // an event of fsm
	Body   json.RawMessage `json:"body"`
	Before json.RawMessage `json:"before,omitempty"` // the volatile state that it met
	After  json.RawMessage `json:"after"`            // what it changed, or now and then the whole state
}

// of reports whether an entry is of a sale: a whole state says so itself, and so does the change that begins a sale;
// any other change is of the same sale as the entry before it.
func of(e entry, sale string, before bool) bool {
	if id, said := saleOf(e.After); said || e.Whole == 1 {
		return id == sale
	}
	return before
}

// saleOf is the sale that a state, or a change, names; false: it names none, so that a change is of the sale that it
// was.
func saleOf(doc []byte) (id string, said bool) {
	var state struct {
		Sale struct {
			ID *string `json:"id"`
		} `json:"sale"`
	}
	if json.Unmarshal(doc, &state) != nil || state.Sale.ID == nil {
		return "", false
	}
	return *state.Sale.ID, true
}

// entriesMax bounds a story: ten entries are usual, and a sale with a hundred products, each of them jammed, has some
// hundreds.
const entriesMax = 500

// Entries tells the story of a sale, oldest first, from at most 500 entries: those from its first on. It is
// empty for an unknown sale and for one whose entries are pruned.
func (j *Journal) Entries(ctx context.Context, sale string) (story []Entry, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		story, err = j.entries(ctx, tx, sale)
		return err
	})
	return story, err
}

func (j *Journal) entries(ctx context.Context, tx querier, sale string) ([]Entry, error) {
	var first, last int64
	err := tx.QueryRowContext(ctx, selectBounds, int64(math.MaxInt64), sale).Scan(&first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, selectBetween, first, last, entriesMax)
	if err != nil {
		return nil, err
	}
	found, err := scanEntries(rows)
	if err != nil {
		return nil, err
	}
	var story []Entry
	own := true
	for _, e := range found {
		if own = of(e, sale, own); !own { // another customer's, before a person decided on this one
			continue
		}
		if !bytes.Equal(e.Hash, e.Sum()) {
			return nil, corrupt(j.path, "entry %d is not as it was written", e.Seq)
		}
		story = append(story, Entry{Seq: e.Seq, Wall: time.UnixMilli(e.Wall).UTC(), Event: e.Event, Body: e.Body,
			Before: e.Before, After: e.After})
	}
	return story, nil
}
