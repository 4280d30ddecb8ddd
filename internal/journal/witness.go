package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The witness is a small file beside the journal that names the last entry. It stands outside of SQLite's write-ahead
// log, so that a journal that comes back without its log, or as an older copy, is found to be older than what was
// acknowledged.
//
// It is written after the entry is on the disk, so it never names one that is not. Each Append writes it; only weighty
// entries sync it as well (see weighty). What follows is this:
//
//   - After a kill, or a reboot in order, the witness is exact: any entry that is gone is noticed.
//   - After a power cut it may lag by the entries since the last synced one. The log gone as a whole is noticed all the
//     same: the first entry after each checkpoint is synced, so the witness is ahead of the journal's file whenever the
//     log holds anything. Of a log whose end alone is gone, the loss of any weighty entry is noticed; that of entries
//     after the last weighty one may not be, and each of these is found anew by asking Glase.
//   - Journal and witness taken back together, as a whole card's image is, is not noticed.
//
// The file has two slots of one disk sector each, in one page, which is what a write costs. The slot that was synced
// last is never changed before the other one is synced, so that a power cut leaves at least one that can be read: a
// witness that cannot be is damage.
const (
	witnessSuffix = ".witness"
	slotSize      = 512  // bytes: what a disk writes whole or not at all
	slotGap       = 2048 // bytes from one slot to the other
	witnessFormat = "kioskd journal witness 1"
)

// mark names an entry: the one that a witness knows as the last.
type mark struct {
	seq  int64
	hash []byte
}

// witness is the file. It is not there yet when file is nil.
type witness struct {
	path  string
	file  *os.File
	turn  int64 // counts the writes, so that the newer slot is known even where an entry's number went back
	slot  int64 // that may be written over
	dirty bool  // what was written last is not synced
	last  mark  // as written last
}

var (
	errNoWitness  = errors.New("there is no witness")
	errBadWitness = errors.New("neither slot can be read")
)

// openWitness gives the witness of a journal; with errNoWitness or errBadWitness it can be written, and knows nothing.
func openWitness(journal string) (*witness, error) {
	w := &witness{path: journal + witnessSuffix}
	file, err := os.OpenFile(w.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return w, errNoWitness
	}
	if err != nil {
		return nil, fail(w.path, err)
	}
	w.file = file
	text := make([]byte, slotGap+slotSize)
	if _, err := file.ReadAt(text[:slotSize], 0); err == nil {
		_, _ = file.ReadAt(text[slotGap:], slotGap) // a slot that cannot be read is a bad one
	}
	var n int64
	if w.last, w.turn, n, err = newest(text); err != nil {
		return w, err
	}
	w.slot = 1 - n
	return w, nil
}

// readWitness is what the witness of a journal knows, for whoever does not own it.
func readWitness(journal string) (mark, error) {
	text, err := os.ReadFile(journal + witnessSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, errNoWitness
	}
	if err != nil {
		return mark{}, err
	}
	last, _, _, err := newest(append(text, make([]byte, slotGap+slotSize)...))
	return last, err
}

// newest reads both slots of a file's text, and gives what the one that was written last says.
func newest(text []byte) (last mark, turn, slot int64, err error) {
	err = errBadWitness
	for n := range int64(2) {
		if m, t, ok := parseSlot(text[n*slotGap : n*slotGap+slotSize]); ok && (err != nil || t > turn) {
			last, turn, slot, err = m, t, n, nil
		}
	}
	return last, turn, slot, err
}

// slotText is a slot's content: readable, padded with spaces, with a checksum over all before it.
func slotText(turn int64, m mark) []byte {
	text := fmt.Appendf(nil, "%s\nwrite %d\nentry %d\nhash %x\n", witnessFormat, turn, m.seq, m.hash)
	text = fmt.Appendf(text, "sum %x\n", sha256.Sum256(text))
	return append(text, bytes.Repeat([]byte(" "), slotSize-len(text))...)
}

// parseSlot reads what slotText wrote; false: it is not that.
func parseSlot(text []byte) (m mark, turn int64, ok bool) {
	_, err := fmt.Sscanf(string(text), witnessFormat+"\nwrite %d\nentry %d\nhash %x\n", &turn, &m.seq, &m.hash)
	return m, turn, err == nil && turn > 0 && m.seq >= 0 && len(m.hash) == sha256.Size &&
		bytes.Equal(text, slotText(turn, m))
}

// write names an entry, and syncs the file when it must survive a power cut.
func (w *witness) write(m mark, sync bool) error {
	if w.file == nil {
		return w.create(m)
	}
	if w.last.seq == m.seq && bytes.Equal(w.last.hash, m.hash) && !(sync && w.dirty) {
		return nil
	}
	w.dirty = true
	if _, err := w.file.WriteAt(slotText(w.turn+1, m), w.slot*slotGap); err != nil {
		return fail(w.path, err)
	}
	w.turn, w.last = w.turn+1, m
	if !sync {
		return nil
	}
	// its time of change is nobody's business, and a write more
	if err := syscall.Fdatasync(int(w.file.Fd())); err != nil {
		w.last = mark{} // whatever the kernel still has of it: it is written again
		return fail(w.path, err)
	}
	w.dirty, w.slot = false, 1-w.slot
	return nil
}

// create makes the file with both slots, whole or not at all.
func (w *witness) create(m mark) (err error) {
	draft := w.path + ".new"
	file, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fail(w.path, err)
	}
	defer func() {
		if err != nil {
			file.Close()
			err = fail(w.path, err)
		}
	}()
	text := append(slotText(1, m), make([]byte, slotGap-slotSize)...)
	text = append(text, slotText(2, m)...)
	text = append(text, make([]byte, slotGap-slotSize)...) // room that no later write has to ask the disk for
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(draft, w.path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(w.path)); err != nil {
		return err
	}
	w.file, w.turn, w.slot, w.last, w.dirty = file, 2, 0, m, false
	return nil
}

func (w *witness) close() error {
	if w == nil || w.file == nil {
		return nil
	}
	return w.file.Close()
}
