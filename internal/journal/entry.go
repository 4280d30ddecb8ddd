package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// entry is one row of the chain.
type entry struct {
	seq, wall           int64
	whole               int64 // 1: after is the whole state; 0: a merge patch to the one before
	event               string
	body, before, after []byte
	prev, hash          []byte
}

const entryColumns = "seq, wall, whole, event, body, before, after, prev, hash"

// walkBatch is how many entries are read at once: about 200 KiB of memory, and a few milliseconds of a Pi's SD card.
const walkBatch = 100

// hashFormat begins what is hashed, so that another encoding can never give the same hash.
const hashFormat = "kioskd journal entry 1\n"

// sum is the entry's hash: SHA-256 over the format's name; seq, wall and whole; and the previous hash and the texts
// with their lengths before them; all integers big-endian in 8 bytes.
func (e *entry) sum() []byte {
	b := []byte(hashFormat)
	for _, n := range []int64{e.seq, e.wall, e.whole} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, part := range [][]byte{e.prev, []byte(e.event), e.body, e.before, e.after} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	h := sha256.Sum256(b)
	return h[:]
}

// link is where the chain stands: the number of the next entry, and the hash that it must continue. No hash: the next
// entry is the anchor, whose own word for what came before is taken, except that entry 1 has nothing before it.
type link struct {
	next int64
	prev []byte
}

// check finds whether e is the entry that the chain goes on with.
func (l link) check(e entry) error {
	prev := l.prev
	if l.next == 1 {
		prev = make([]byte, sha256.Size)
	}
	switch {
	case e.seq != l.next:
		return fmt.Errorf("entry %d is missing: %d comes next", l.next, e.seq)
	case prev != nil && !bytes.Equal(e.prev, prev):
		return fmt.Errorf("entry %d does not continue the one before it", e.seq)
	case !bytes.Equal(e.hash, e.sum()):
		return fmt.Errorf("entry %d is not as it was written", e.seq)
	}
	return nil
}

// take adds the entry to the state that is recorded before it, as JSON.
func (e entry) take(doc json.RawMessage) (json.RawMessage, error) {
	if e.whole == 1 {
		return e.after, nil
	}
	doc, err := merge(doc, e.after)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.seq, err)
	}
	return doc, nil
}

func scanEntries(rows *sql.Rows) ([]entry, error) {
	defer rows.Close()
	var all []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.seq, &e.wall, &e.whole, &e.event, &e.body, &e.before, &e.after, &e.prev,
			&e.hash); err != nil {
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
			after = e.seq
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

// of reports whether the entry is of a sale: a whole state says so itself, and so does the change that begins a sale;
// any other change is of the same sale as the entry before it.
func (e entry) of(sale string, before bool) bool {
	if id, said := saleOf(e.after); said || e.whole == 1 {
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
		if own = e.of(sale, own); !own { // another customer's, before a person decided on this one
			continue
		}
		if !bytes.Equal(e.hash, e.sum()) {
			return nil, corrupt(j.path, "entry %d is not as it was written", e.seq)
		}
		story = append(story, Entry{Seq: e.seq, Wall: time.UnixMilli(e.wall).UTC(), Event: e.event, Body: e.body,
			Before: e.before, After: e.after})
	}
	return story, nil
}
