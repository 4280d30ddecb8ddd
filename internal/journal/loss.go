package journal

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"kioskd/fsm"
	"kioskd/internal/chain"
	"kioskd/internal/reason"
)

// Lost says what is known to be gone from the end of the journal that was opened, in a sentence for a technician; "":
// nothing is. It stays the same until Close. The next start says it again until an entry records it: one whose state
// has reason.JournalLost with this sentence for a note, as the step of a fsm.Booted that carries it has.
func (j *Journal) Lost() string { return j.lost }

// missing compares what the witness knows with the entries that are there; "": nothing is gone.
func missing(ctx context.Context, tx querier, known mark) (string, error) {
	var anchor, last, wall int64
	if err := tx.QueryRowContext(ctx, selectAnchor).Scan(&anchor); err != nil {
		return "", err
	}
	err := tx.QueryRowContext(ctx, "SELECT seq, wall FROM entries ORDER BY seq DESC LIMIT 1").Scan(&last, &wall)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	newest := "there is no entry at all"
	if last > 0 {
		newest = fmt.Sprintf("the newest here is %d, of %s", last, time.UnixMilli(wall).UTC().
			Format("2006-01-02 15:04:05 UTC"))
	}
	switch {
	case known.seq == 0:
		return "", nil
	case known.seq > last:
		return fmt.Sprintf("entry %d (hash %.4x…) was recorded, and %s: %d entries are gone", known.seq, known.hash,
			newest, known.seq-last), nil
	case known.seq < anchor:
		return fmt.Sprintf(
			"the witness knows nothing since entry %d, and the oldest here is %d: whether entries are gone cannot be "+
				"known", known.seq, anchor), nil
	}
	var hash []byte
	if err := tx.QueryRowContext(ctx, "SELECT hash FROM entries WHERE seq = ?", known.seq).Scan(&hash); err != nil {
		return "", err
	}
	if !bytes.Equal(hash, known.hash) {
		return fmt.Sprintf(
			"entry %d was recorded with hash %.4x…, and here it is %.4x…: this is another history, and %s", known.seq,
			known.hash, hash, newest), nil
	}
	return "", nil
}

// attend finds what is gone since the witness was written. A journal that comes without its witness, or with one that
// cannot be read, may be an old copy.
func (j *Journal) attend(ctx context.Context, why error) error {
	var err error
	switch {
	case errors.Is(why, errBadWitness):
		j.lost = "the journal's witness cannot be read: whether the newest entries are gone cannot be known"
	case errors.Is(why, errNoWitness):
		j.lost = cmp.Or(restored(j.path),
			"the journal's witness is gone: whether the newest entries are gone cannot be known")
	case why == nil:
		if j.lost, err = missing(ctx, j.db, j.witness.last); err != nil {
			return fail(j.path, err)
		}
	}
	if j.unrecorded = j.lost != ""; j.unrecorded {
		return nil
	}
	os.Remove(j.path + restoredSuffix) // that it was put back is on record, or long past
	return j.witness.write(mark{j.end.seq, j.end.hash}, true)
}

// testify has the witness name the last entry. While a loss is not on record the witness is what still knows of it, and
// stays.
func (j *Journal) testify(sync bool) error {
	if j.unrecorded {
		return nil
	}
	j.behind = true
	if err := j.witness.write(mark{j.end.seq, j.end.hash}, sync); err != nil {
		return err
	}
	j.behind = false
	return nil
}

// records reports whether a state says what is lost.
func (j *Journal) records(s fsm.State) bool {
	for _, f := range s.Faults {
		if f.Name == reason.JournalLost && f.Note == j.lost {
			return true
		}
	}
	return false
}

// weighty reports whether an entry's loss must be noticed even after a power cut: the beginning of a sale, whose
// reservation would be forgotten; what moves a motor, or gives money back, and would do so twice; a slot that is
// closed, and a fault that waits for a person; a command, whose repeat would act again. That of any other entry is
// found by asking Glase again.
func weighty(e *entry, effects []fsm.Effect) bool {
	if _, begins := saleOf(e.After); begins || e.Whole == 1 {
		return true
	}
	changed := chain.Fields(e.After)
	if changed["closed"] != nil || changed["faults"] != nil || changed["commands"] != nil {
		return true
	}
	for _, effect := range effects {
		switch f := effect.(type) {
		case fsm.Vend, fsm.Serve:
			return true
		case fsm.Call:
			if f.Operation == fsm.RefundPayment {
				return true
			}
		}
	}
	return false
}
