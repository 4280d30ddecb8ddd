package journal

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"kioskd/fsm"
	"kioskd/internal/chain"
)

// What a stream of entries is made of: the first line, then each entry's text with its length before it, big-endian in
// 8 bytes.
const (
	streamHead = "kioskd journal entries 1\n"
	// entryMax bounds one entry, in bytes: a whole state of 64 slots has some ten KiB.
	entryMax = 4 << 20
	// extendBatch is how many entries are one transaction.
	extendBatch = 500
)

// WriteEntries writes entries for Extend; head begins the stream.
func WriteEntries(to io.Writer, head bool, entries []chain.Entry) error {
	var b []byte
	if head {
		b = append(b, streamHead...)
	}
	for _, e := range entries {
		text := e.Text()
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(text))), text...)
	}
	_, err := to.Write(b)
	return err
}

// readEntry reads the next entry of a stream; io.EOF when it ends with the one before.
func readEntry(from *bufio.Reader) (chain.Entry, error) {
	var length [8]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = errors.New("it is cut short")
		}
		return chain.Entry{}, err
	}
	n := binary.BigEndian.Uint64(length[:])
	if n > entryMax {
		return chain.Entry{}, errors.New("it is no stream of entries")
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(from, text); err != nil {
		return chain.Entry{}, errors.New("it is cut short")
	}
	return chain.Read(text)
}

// Extend adds to a journal, which nobody may own, those entries of a stream that follow its last one: the fleet's
// record of a machine, for a copy that is older than that. Each must continue the chain; entries that the journal has
// must be the same. It gives how many were added. After an error some may have been.
func Extend(ctx context.Context, path, version string, from io.Reader) (added int, err error) {
	in := bufio.NewReader(from)
	head := make([]byte, len(streamHead))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != streamHead {
		return 0, errors.New("it is no file that kioskhub entries has written")
	}
	if _, err := TipOf(ctx, path); err != nil { // Open would make one
		return 0, err
	}
	j, err := Open(ctx, path, Options{Version: version})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	j.mu.Lock()
	defer j.mu.Unlock()
	for done := false; !done; {
		was, had := j.end, added
		err := j.change(ctx, func(tx *sql.Tx) error {
			for range extendBatch {
				e, err := readEntry(in)
				if err == io.EOF {
					done = true
					return nil
				}
				if err != nil {
					return err
				}
				is, err := j.follow(ctx, tx, e)
				if err != nil {
					return err
				}
				if is {
					added++
				}
			}
			return nil
		})
		if err != nil {
			j.end = was
			return had, err
		}
	}
	return added, nil
}

// follow adds an entry that came from elsewhere; false: the journal has it.
func (j *Journal) follow(ctx context.Context, tx *sql.Tx, e chain.Entry) (bool, error) {
	if e.Seq <= j.end.seq {
		var hash []byte
		err := tx.QueryRowContext(ctx, "SELECT hash FROM entries WHERE seq = ?", e.Seq).Scan(&hash)
		if err == nil && string(hash) != string(e.Hash) {
			err = fmt.Errorf("entry %d is another one there: it is of another machine, or this journal has gone another way",
				e.Seq)
		}
		if errors.Is(err, sql.ErrNoRows) {
			err = nil // it was let go here
		}
		return false, err
	}
	at := chain.Link{Next: j.end.seq + 1, Prev: j.end.hash}
	if err := at.Check(e); err != nil {
		return false, err
	}
	doc, err := e.Take(j.end.doc)
	if err != nil {
		return false, err
	}
	var s fsm.State
	if err := json.Unmarshal(doc, &s); err != nil {
		return false, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM closed"); err != nil {
		return false, err
	}
	if _, err := tx.StmtContext(ctx, j.insert).
		ExecContext(ctx, e.Seq, e.Wall, e.Whole, e.Event, string(e.Body), string(e.Before), string(e.After), e.Prev,
			e.Hash); err != nil {
		return false, err
	}
	j.end = end{seq: e.Seq, hash: e.Hash, doc: doc, run: j.end.run + 1}
	if e.Whole == 1 {
		j.end.run = 0
	}
	return true, j.recordSale(ctx, tx, &e, s.Sale)
}
