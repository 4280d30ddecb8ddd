package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
)

// Copy is an entry as it came, and the number of the oldest that its kiosk still has. Its Hash is its Sum: whoever
// received it has compared it with the hash that the kiosk said.
type Copy struct {
	chain.Entry
	First int64
}

// CheckCopy refuses an entry that the database cannot hold byte for byte. No kioskd writes such a one.
func CheckCopy(e chain.Entry) error {
	for _, text := range []string{e.Event, string(e.Body), string(e.Before), string(e.After)} {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return fmt.Errorf("store: entry %d holds what is no text", e.Seq)
		}
	}
	return nil
}

// Fate is what became of a copy that was to be written.
type Fate string

// The fates.
const (
	Written Fate = "written"
	Known   Fate = "known"   // it is here already
	Gap     Fate = "gap"     // one before it is missing: not written
	Refused Fate = "refused" // its kiosk has a fork: nothing is written until a person has decided
)

// Take writes a kiosk's entries in one transaction, each of them once and none after a gap, with all that follows from
// them. What it answers is true only without an error: what the database holds now, and each copy's fate. The copies
// are in the order of their numbers. A kiosk that nobody knows yet is noted.
func (s *Store) Take(ctx context.Context, kiosk string, copies []Copy, now time.Time) (protocol.Held, []Fate, error) {
	month, err := s.month(ctx, now)
	if err != nil {
		return protocol.Held{}, nil, err
	}
	var t *taking
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t = &taking{s: s, tx: tx, kiosk: kiosk, month: month, now: now}
		return t.all(ctx, copies)
	})
	if err != nil {
		s.forget()
		return protocol.Held{}, nil, err
	}
	if t.doc != nil {
		s.docs.put(doc{machine: t.id, seq: t.seq, hash: t.hash, text: t.doc})
	}
	return t.held(), t.fates, nil
}

// taking is one transaction of Take.
type taking struct {
	s     *Store
	tx    *sql.Tx
	kiosk string
	month int
	now   time.Time

	machine
	fates   []Fate
	entries []chain.Entry // to be written
	projection
}

// machine is the row that stands for a journal, while it is locked.
type machine struct {
	id, seq, first int64
	hash           []byte
	forked         bool
}

func (m machine) held() protocol.Held {
	return protocol.Held{Seq: m.seq, Hash: hex.EncodeToString(m.hash), Fork: m.forked}
}

func (t *taking) all(ctx context.Context, copies []Copy) error {
	var err error
	if t.machine, err = t.s.lock(ctx, t.tx, t.kiosk, t.now); err != nil {
		return err
	}
	was := t.machine
	known, err := t.hashes(ctx, copies)
	if err != nil {
		return err
	}
	for _, c := range copies {
		fate, err := t.one(ctx, c, known)
		if err != nil {
			return err
		}
		t.fates = append(t.fates, fate)
	}
	if err := t.insert(ctx); err != nil {
		return err
	}
	if len(t.entries) == 0 && was.forked == t.forked {
		return nil
	}
	if err := t.project(ctx, was); err != nil {
		return err
	}
	return t.update(ctx, was)
}

// lock gives a kiosk's row, which nobody else changes until the transaction ends.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, kiosk string, now time.Time) (m machine, err error) {
	for range 2 {
		err = tx.QueryRowContext(ctx, "SELECT machine, seq, first, hash, forked IS NOT NULL FROM machines WHERE kiosk = $1 "+
			"AND retired IS NULL"+s.locked(), kiosk).Scan(&m.id, &m.seq, &m.first, &m.hash, &m.forked)
		if !errors.Is(err, sql.ErrNoRows) {
			return m, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO machines (kiosk, made) VALUES ($1, $2) "+
			"ON CONFLICT (kiosk) WHERE retired IS NULL DO NOTHING", kiosk, now.UnixMilli()); err != nil {
			return m, err
		}
	}
	return m, err
}

// hashes gives those of the copies' numbers that are here.
func (t *taking) hashes(ctx context.Context, copies []Copy) (map[int64][]byte, error) {
	known := map[int64][]byte{}
	if len(copies) == 0 || copies[0].Seq > t.seq {
		return known, nil
	}
	rows, err := t.tx.QueryContext(ctx, "SELECT seq, hash FROM entries WHERE machine = $1 AND seq BETWEEN $2 AND $3",
		t.id, copies[0].Seq, min(copies[len(copies)-1].Seq, t.seq))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var hash []byte
		if err := rows.Scan(&seq, &hash); err != nil {
			return nil, err
		}
		known[seq] = hash
	}
	return known, rows.Err()
}

// one decides on one copy, and remembers what of it is to be written.
func (t *taking) one(ctx context.Context, c Copy, known map[int64][]byte) (Fate, error) {
	if t.forked {
		return Refused, nil
	}
	if c.Seq <= t.seq {
		hash := known[c.Seq]
		if hash != nil && !bytes.Equal(hash, c.Hash) {
			return Refused, t.fork(ctx, fmt.Sprintf("entry %d came again and is another one than the one that is here", c.Seq))
		}
		return Known, nil // what is not here was lost by its kiosk before it came, and is on record as that
	}
	link := chain.Link{Next: t.seq + 1, Prev: t.hash}
	if c.Seq > link.Next {
		if c.Seq != c.First || c.Whole != 1 {
			return Gap, nil
		}
		// nobody has what is missing: the kiosk let it go when the database, which was restored since, had it
		if err := t.s.alarm(ctx, t.tx, t.kiosk, EntriesLost, fmt.Sprintf(
			"entries %d to %d are neither here nor at the kiosk any more", link.Next, c.Seq-1), t.now); err != nil {
			return "", err
		}
		link = chain.Link{Next: c.Seq}
		t.first = c.Seq
	}
	if err := link.Check(c.Entry); err != nil {
		return Refused, t.fork(ctx, err.Error())
	}
	if t.first == 0 {
		t.first = c.Seq
	}
	t.seq, t.hash = c.Seq, c.Hash
	t.entries = append(t.entries, c.Entry)
	known[c.Seq] = c.Hash
	return Written, nil
}

// fork stops all writing of this kiosk's entries: there are two histories, and which is true is not decided here.
func (t *taking) fork(ctx context.Context, note string) error {
	t.forked = true
	return t.s.alarm(ctx, t.tx, t.kiosk, Forked, note, t.now)
}

// insertMax is how many entries one statement writes.
const insertMax = 64

func (t *taking) insert(ctx context.Context) error {
	const columns = 12
	for at := 0; at < len(t.entries); at += insertMax {
		part := t.entries[at:min(at+insertMax, len(t.entries))]
		args := make([]any, 0, len(part)*columns)
		for _, e := range part {
			args = append(args, t.month, t.id, e.Seq, e.Wall, e.Whole, e.Event, string(e.Body), string(e.Before),
				string(e.After), e.Prev, e.Hash, t.now.UnixMilli())
		}
		if _, err := t.tx.ExecContext(ctx, "INSERT INTO entries (month, machine, seq, wall, whole, event, body, before, "+
			"after, prev, hash, taken) VALUES "+values(len(part), columns), args...); err != nil {
			return err
		}
	}
	return nil
}

// update moves the machine's row on from where it was when it was locked.
func (t *taking) update(ctx context.Context, was machine) error {
	forked := sql.NullInt64{Int64: t.now.UnixMilli(), Valid: t.forked}
	args := []any{t.seq, t.hash, t.first, forked, t.now.UnixMilli(), t.id, was.seq}
	stands, more := t.stands(len(args))
	res, err := t.tx.ExecContext(ctx, "UPDATE machines SET seq = $1, hash = $2, first = $3, forked = $4, taken = $5, "+
		"seen = $5"+stands+" WHERE machine = $6 AND seq = $7", append(args, more...)...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("kiosk %s: its row was changed by somebody who had not locked it: %w", t.kiosk,
			errors.Join(err, errors.New("nothing is written")))
	}
	return nil
}

// stateOf gives the state after the entry that the machine's row names; nil: it is not known, and there is an alarm.
func (t *taking) stateOf(ctx context.Context, m machine) (json.RawMessage, error) {
	if m.seq == 0 {
		return nil, nil
	}
	if text, ok := t.s.docs.get(m.id, m.seq, m.hash); ok {
		return text, nil
	}
	rows, err := t.tx.QueryContext(ctx, "SELECT seq, whole, after FROM entries WHERE machine = $1 AND seq <= $2 "+
		"ORDER BY seq DESC LIMIT $3", m.id, m.seq, runMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var run []chain.Entry
	for rows.Next() {
		var e chain.Entry
		if err := rows.Scan(&e.Seq, &e.Whole, &e.After); err != nil {
			return nil, err
		}
		if run = append(run, e); e.Whole == 1 {
			break
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var text json.RawMessage
	for n := len(run) - 1; n >= 0; n-- {
		if text == nil && run[n].Whole == 0 {
			if len(t.entries) == 0 || t.entries[0].Whole == 1 {
				return nil, nil // nothing depends on it
			}
			return nil, t.s.alarm(ctx, t.tx, t.kiosk, Unfollowed, fmt.Sprintf(
				"none of the %d entries up to %d has the whole state", len(run), m.seq), t.now)
		}
		if text, err = run[n].Take(text); err != nil {
			return nil, nil // it was noted when it came
		}
	}
	return text, nil
}

// runMax bounds what is read back to a whole state: a journal writes one at least each 50 entries.
const runMax = 100
