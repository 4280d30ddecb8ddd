package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
)

// wholeEvery bounds the changes between two whole states, and thereby what Load reads. A whole state holds the shelf,
// which is some 8 KiB for 64 slots, so not every sale begins with one; from wholeSoon on the next sale does, so that
// few have one in their middle.
const (
	wholeEvery = 50
	wholeSoon  = 25
)

// Options are the settings of a journal.
type Options struct {
	Version string // of this program, kept with the entries that it writes
}

// Journal is an open journal. Its methods may be called from any goroutine. Whatever writes takes turns on one
// connection; whatever reads has connections of its own, so that an Append never waits for a reader.
type Journal struct {
	path    string
	db      *sql.DB // writes
	readers *sql.DB // read only; see look
	lock    *os.File
	file    os.FileInfo // of the file that was opened, to see that it is still the one at path

	tail, insert, newest, sale *sql.Stmt

	lost string // what is gone since it was open last; see Lost

	mu         sync.Mutex // one Append at a time, and what is below
	end        end        // as of the last Append, so that the next one need not read it
	unmoved    int        // entries written since the last checkpoint
	witness    *witness
	used       bool // it was appended to since it was opened
	fresh      bool // the log is empty: its first entry makes the witness newer than the file
	behind     bool // the witness could not be written since the last entry
	unrecorded bool // no entry says yet what is lost
}

// Record is one durable step of the state machine.
type Record struct {
	Wall    time.Time    // a label: never used to order anything
	Before  fsm.Live     // the volatile part of the state that Event met, so that a replay is exact
	Event   fsm.Event    // what happened
	After   fsm.State    // what is true now; its Live is not recorded
	Effects []fsm.Effect // what follows from it; not recorded, they tell which entry must not be missing
}

// Close lets go of the file, and notes in it that nothing is missing. What was appended stays, whether Close is called
// or not.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := errors.Join(j.readers.Close(), j.testify(true)) // before SQLite moves the log into the file
	// a failure leaves the journal as after a kill: a copy of it alone is then said to be perhaps incomplete
	if !j.unrecorded {
		j.db.Exec(markClosed)
	}
	return errors.Join(err, j.db.Close(), j.witness.close(), j.lock.Close())
}

// Load gives the last recorded state, or the zero State of a new journal; its Live is zero. A state that an older
// version of the program recorded decodes as well: what it did not know is zero. It answers ErrCorrupt rather than a
// state that does not verify.
func (j *Journal) Load(ctx context.Context) (s fsm.State, err error) {
	err = j.look(ctx, func(ctx context.Context, tx querier) error {
		s, err = j.load(ctx, tx)
		return err
	})
	return s, err
}

func (j *Journal) load(ctx context.Context, tx querier) (fsm.State, error) {
	end, err := j.readEnd(ctx, tx)
	if err != nil {
		return fsm.State{}, err
	}
	var s fsm.State
	if err := json.Unmarshal(end.doc, &s); err != nil {
		return fsm.State{}, corrupt(j.path, "entry %d: %w", end.seq, err)
	}
	return s, nil
}

// end is where the journal ends: the number and hash of the last entry and the whole state after it, as JSON.
type end struct {
	seq  int64
	hash []byte
	doc  json.RawMessage
	run  int // entries since the last whole one
}

// readEnd reads the last whole state and the changes since, and checks their chain.
func (j *Journal) readEnd(ctx context.Context, tx querier) (end, error) {
	var anchor, whole int64
	if err := tx.QueryRowContext(ctx, selectAnchor).Scan(&anchor); err != nil {
		return end{}, j.damaged(err)
	}
	err := tx.QueryRowContext(ctx, selectLastWhole, wholeEvery).Scan(&whole)
	if errors.Is(err, sql.ErrNoRows) && anchor == 1 {
		var entries bool
		if err := tx.QueryRowContext(ctx, selectAny).Scan(&entries); err != nil {
			return end{}, fail(j.path, err)
		}
		if !entries {
			return end{hash: make([]byte, sha256.Size), doc: json.RawMessage("{}")}, nil
		}
	}
	if err != nil {
		return end{}, j.damaged(err)
	}
	rows, err := tx.QueryContext(ctx, selectFrom, whole-1, wholeEvery+2)
	if err != nil {
		return end{}, fail(j.path, err)
	}
	tail, err := scanEntries(rows)
	if err != nil {
		return end{}, fail(j.path, err)
	}
	at := chain.Link{Next: anchor}
	if len(tail) > 0 && tail[0].Seq == whole-1 {
		at = chain.Link{Next: whole, Prev: tail[0].Hash}
		tail = tail[1:]
	}
	var last end
	for n, e := range tail {
		if err := at.Check(e); err != nil {
			return end{}, corrupt(j.path, "%w", err)
		}
		at = chain.Link{Next: e.Seq + 1, Prev: e.Hash}
		doc, err := e.Take(last.doc)
		if err != nil {
			return end{}, corrupt(j.path, "%w", err)
		}
		last = end{seq: e.Seq, hash: e.Hash, doc: doc, run: n}
	}
	return last, nil
}

// damaged is fail for a query that finds its row in every journal.
func (j *Journal) damaged(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return corrupt(j.path, "a row is missing")
	}
	return fail(j.path, err)
}
