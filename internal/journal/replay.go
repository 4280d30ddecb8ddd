package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/reason"
)

// Chain is what a walk along the hash chain found.
type Chain struct {
	First   int64  `json:"first"` // number of the oldest entry that is kept, the anchor; 0: there are none
	Last    int64  `json:"last"`
	Entries int    `json:"entries"`
	Broken  string `json:"broken,omitempty"` // the first place where it does not hold; empty: it is whole
}

// Report is what a replay found.
type Report struct {
	Chain Chain `json:"chain"`
	// entries whose state came out the same; the anchor of a pruned journal cannot be replayed
	Replayed   int         `json:"replayed"`
	Difference *Difference `json:"difference,omitempty"`
	// where entries that had been recorded are not the ones that are here
	Losses  []Loss `json:"losses,omitempty"`
	Missing string `json:"missing,omitempty"` // what the witness beside it knows to be gone from its end
	// it was copied in use and without its -wal: newer entries may be missing
	MayEndLate bool `json:"may_end_late,omitzero"`
}

// Loss is an entry that says what was gone when it was recorded: up to it this is not the history that was
// acknowledged.
type Loss struct {
	Seq  int64     `json:"seq"`
	Wall time.Time `json:"wall"`
	What string    `json:"what"`
}

// Difference is the first entry whose state the state machine does not give again.
type Difference struct {
	Seq     int64     `json:"seq"`
	Wall    time.Time `json:"wall"`
	Event   string    `json:"event"`
	Version string    `json:"version"` // of the program that recorded it
	Lines   []string  `json:"lines"`   // `sale.state: recorded "open", now "charged"`
}

// Verify walks the hash chain from the anchor, and has SQLite check the whole file. It reads through a connection of
// its own, so that Append does not wait. A chain that is broken is ErrCorrupt.
func (j *Journal) Verify(ctx context.Context) (Chain, error) {
	r, err := read(ctx, j.path, false)
	if err != nil {
		return Chain{}, err
	}
	if r.Chain.Broken != "" {
		return r.Chain, corrupt(j.path, "%s", r.Chain.Broken)
	}
	return r.Chain, nil
}

// Replay reads the journal at path, or a copy of one, and takes each event through fsm.Step again, from the recorded
// state before it. It stops at the first difference, and reports it; an error means that the file could not be read at
// all.
//
// It writes nothing into the journal, and may run while a daemon owns it, for at most walkWithin. A copy without its
// -wal is read as far as it goes, and the report says when newer entries may be missing; with a -wal, the folder must
// be writable for SQLite's -shm.
func Replay(ctx context.Context, path string) (Report, error) { return read(ctx, path, true) }

func read(ctx context.Context, path string, replay bool) (Report, error) {
	path, err := checkPath(path)
	if err != nil {
		return Report{}, err
	}
	known, unknown := readWitness(path) // before the journal, which only grows meanwhile
	db, alone, err := attach(path)
	if err != nil {
		return Report{}, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, walkWithin)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil) // one view of the file, whatever a daemon does meanwhile
	if err != nil {
		return Report{}, fail(path, err)
	}
	defer tx.Rollback()
	r, err := follow(ctx, tx, path, replay)
	if err != nil {
		return r, fail(path, err)
	}
	if unknown == nil && r.Chain.Broken == "" {
		if r.Missing, err = missing(ctx, tx, known); err != nil {
			return r, fail(path, err)
		}
	}
	if alone && unknown != nil {
		r.MayEndLate, err = endsLate(ctx, tx, path, r.Chain.Last)
	}
	return r, fail(path, err)
}

// walkWithin bounds a walk through a whole journal. While it lasts the write-ahead log of a running daemon grows, by
// some 60 KiB for each sale.
const walkWithin = 30 * time.Minute

// attach opens a journal that somebody else may own, to read. alone: it has no -wal beside it.
func attach(path string) (db *sql.DB, alone bool, err error) {
	settings := readerSettings
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, false, &Error{Path: path, Kind: ErrMissing}
	}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		settings += "&immutable=1" // nobody has it open; this way no -wal and -shm are made beside it
		alone = true
	}
	db, err = connect(path, settings)
	return db, alone, fail(path, err)
}

// endsLate reports whether a journal without its -wal may have had one that held newer entries: it was open, or has not
// been closed in order since. An export never had one.
func endsLate(ctx context.Context, tx querier, path string, last int64) (bool, error) {
	wal, err := writesAhead(path)
	if err != nil || !wal {
		return false, err
	}
	var whole bool
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM closed WHERE seq = ?", last).Scan(&whole)
	return !whole, err
}

// writesAhead reads in a file's header whether SQLite keeps a write-ahead log beside it. It must not be asked of a
// journal that this process has open, whose locks would be lost: one without a -wal nobody has.
func writesAhead(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	version := make([]byte, 1)
	if _, err := f.ReadAt(version, 18); err != nil { // SQLite's file format, section 1.3
		return false, err
	}
	return version[0] == 2, nil
}

func follow(ctx context.Context, tx *sql.Tx, path string, replay bool) (Report, error) {
	var application, format uint32
	err := errors.Join(tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application),
		tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&format))
	if err != nil {
		return Report{}, err
	}
	if err := checkFormat(path, application, format); err != nil {
		return Report{}, err
	}
	r := reader{replay: replay}
	var verdict string
	if err := tx.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return Report{}, err
	}
	if verdict != "ok" {
		r.broken(errors.New(verdict))
	}
	if err := tx.QueryRowContext(ctx, selectAnchor).Scan(&r.at.Next); err != nil {
		return Report{}, err
	}
	if r.at.Next == 1 {
		r.doc = json.RawMessage("{}")
	}
	err = walk(ctx, tx, r.entry)
	if r.Chain.Entries == 0 && r.at.Next != 1 {
		r.broken(fmt.Errorf("the entries are gone: entry %d should be there", r.at.Next))
	}
	if d := r.Difference; err == nil && d != nil {
		err = tx.QueryRowContext(ctx, "SELECT version FROM programs WHERE seq <= ? ORDER BY seq DESC LIMIT 1", d.Seq).
			Scan(&d.Version)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
	}
	return r.Report, err
}

// reader is a walk in progress.
type reader struct {
	Report
	replay bool
	at     chain.Link
	doc    json.RawMessage // the recorded state; nil: not known until the next whole one
}

func (r *reader) broken(why error) {
	if r.Chain.Broken == "" {
		r.Chain.Broken = why.Error()
	}
}

func (r *reader) entry(e entry) {
	if r.Chain.Entries == 0 {
		r.Chain.First = e.Seq
	}
	r.Chain.Entries++
	r.Chain.Last = e.Seq
	if what := lossIn(e); what != "" && (len(r.Losses) == 0 || r.Losses[len(r.Losses)-1].What != what) &&
		len(r.Losses) < lossesMax {
		r.Losses = append(r.Losses, Loss{e.Seq, time.UnixMilli(e.Wall).UTC(), what})
	}
	before := r.doc
	if err := r.at.Check(e); err != nil {
		r.broken(err)
		before, r.doc = nil, nil
	}
	r.at = chain.Link{Next: e.Seq + 1, Prev: e.Hash}
	if !r.replay || e.Whole == 0 && r.doc == nil {
		return
	}
	doc, err := e.Take(r.doc)
	if r.doc = doc; err != nil {
		r.broken(err)
		return
	}
	if before == nil || r.Difference != nil {
		return
	}
	if lines := again(before, doc, e); lines != nil {
		r.Difference = &Difference{Seq: e.Seq, Wall: time.UnixMilli(e.Wall).UTC(), Event: e.Event, Lines: lines}
		return
	}
	r.Replayed++
}

// lossesMax bounds a report: a card that loses more than this many times has lost its story anyway.
const lossesMax = 100

// lossIn is what an entry says of entries that were gone when it was recorded: a boot, or what was remembered of one
// while the journal could not be written.
func lossIn(e entry) string {
	switch e.Event {
	case "Booted":
		var boot fsm.Booted
		if json.Unmarshal(e.Body, &boot) == nil {
			return boot.Lost
		}
	case "Remembered":
		var r fsm.Remembered
		if json.Unmarshal(e.Body, &r) == nil {
			for _, f := range r.State.Faults {
				if f.Name == reason.JournalLost {
					return f.Note
				}
			}
		}
	}
	return ""
}

// again takes an entry's event through the state machine, and tells how the state differs from the recorded one; nil:
// it does not. A panic of the state machine is such a difference: finding it is what a replay is for.
func again(before, after json.RawMessage, e entry) (lines []string) {
	defer func() {
		if p := recover(); p != nil {
			lines = []string{fmt.Sprintf("the state machine panics: %v", p)}
		}
	}()
	var state, recorded fsm.State
	if err := errors.Join(json.Unmarshal(before, &state), json.Unmarshal(after, &recorded)); err != nil {
		return []string{"a recorded state cannot be read: " + err.Error()}
	}
	if len(e.Before) > 0 {
		if err := json.Unmarshal(e.Before, &state.Live); err != nil {
			return []string{"the volatile state before it cannot be read: " + err.Error()}
		}
	}
	event, err := fsm.DecodeEvent(e.Event, e.Body)
	if err != nil {
		return []string{err.Error()}
	}
	next, _, _ := fsm.Step(state, event)
	// The recorded state is written anew, so that an older version's way of writing the same state is no difference.
	was, err1 := json.Marshal(recorded)
	now, err2 := json.Marshal(next)
	if err := errors.Join(err1, err2); err != nil {
		return []string{err.Error()}
	}
	if bytes.Equal(was, now) {
		return nil
	}
	return compare(was, now)
}

// compare lists the paths at which two JSON documents differ.
func compare(was, now []byte) []string {
	a, b := map[string]string{}, map[string]string{}
	flatten(a, "", was)
	flatten(b, "", now)
	lines := []string{}
	for path, value := range a {
		if b[path] != value {
			lines = append(lines, fmt.Sprintf("%s: recorded %s, now %s", path, value, orNone(b[path])))
		}
	}
	for path, value := range b {
		if a[path] == "" {
			lines = append(lines, fmt.Sprintf("%s: recorded nothing, now %s", path, value))
		}
	}
	slices.Sort(lines)
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// flatten writes each leaf of a document under its path: "sale.items[0].outcome".
func flatten(into map[string]string, path string, doc json.RawMessage) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(doc, &fields) == nil && fields != nil {
		for name, value := range fields {
			if path != "" {
				name = path + "." + name
			}
			flatten(into, name, value)
		}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(doc, &list) == nil && list != nil {
		for i, value := range list {
			flatten(into, fmt.Sprintf("%s[%d]", path, i), value)
		}
		return
	}
	into[path] = string(doc)
}
