package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Tip is where a journal ends.
type Tip struct {
	First, Last int64  // numbers of the oldest entry that is kept and of the last one; 0, 0: there is none
	Hash        []byte // of the last one
}

// TipOf reads where the journal at path ends, as far as its chain is not looked at. A daemon may own it, or nobody.
func TipOf(ctx context.Context, path string) (t Tip, err error) {
	err = peek(ctx, path, func(db *sql.DB) error {
		if err := db.QueryRowContext(ctx, selectSpan).Scan(&t.First, &t.Last); err != nil || t.Last == 0 {
			return err
		}
		t.Hash, err = hashAt(ctx, db, t.Last)
		return err
	})
	return t, err
}

// Relate compares the journal that is here with a copy: same is whether the shorter of the two is the beginning of the
// other, and ahead how many entries more are here, below 0 when the copy has more. Where the entries that would have to
// be compared were let go, they are not the same.
func Relate(ctx context.Context, here, copied string) (ahead int64, same bool, err error) {
	mine, err := TipOf(ctx, here)
	if err != nil {
		return 0, false, err
	}
	its, err := TipOf(ctx, copied)
	if err != nil {
		return 0, false, err
	}
	short, long := mine, copied
	if mine.Last > its.Last {
		short, long = its, here
	}
	if short.Last == 0 {
		return mine.Last - its.Last, true, nil
	}
	err = peek(ctx, long, func(db *sql.DB) error {
		hash, err := hashAt(ctx, db, short.Last)
		same = err == nil && bytes.Equal(hash, short.Hash)
		return err
	})
	return mine.Last - its.Last, same, err
}

// hashAt is an entry's hash; nil: there is no such entry.
func hashAt(ctx context.Context, db *sql.DB, seq int64) (hash []byte, err error) {
	err = db.QueryRowContext(ctx, "SELECT hash FROM entries WHERE seq = ?", seq).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return hash, err
}

// peek reads in a journal that somebody else may own.
func peek(ctx context.Context, path string, look func(*sql.DB) error) error {
	path, err := checkPath(path)
	if err != nil {
		return err
	}
	db, _, err := attach(path)
	if err != nil {
		return err
	}
	defer db.Close()
	var application, format uint32
	if err := errors.Join(pragma(ctx, db, "application_id", &application),
		pragma(ctx, db, "user_version", &format)); err != nil {
		return fail(path, err)
	}
	if err := checkFormat(path, application, format); err != nil {
		return err
	}
	return fail(path, look(db))
}

const (
	// restoredSuffix is of the file beside a journal that was put back from a copy: a sentence that says so.
	restoredSuffix = ".restored"
	// restoredMax bounds that sentence, in bytes.
	restoredMax = 500
	// asideMax bounds how many earlier journals may lie beside one.
	asideMax = 100
)

// PutBack puts a copy, which must be on the same disk, in the place of the journal at path. Nobody may own either. The
// journal that is there, with its log and its witness, is kept as path.replaced-N, and never written over.
//
// What the machine recorded after the copy was made is gone, and its next start says so, in the words of note, one line
// of at most 500 bytes: it sells nothing before a person has accepted that. A power cut leaves the old journal, or
// none, or the new one that says so; PutBack may be called again then. own is told of each file that is made.
func PutBack(ctx context.Context, copied, path, note string, own func(string) error) error {
	if note == "" || readable(note) != note {
		return fmt.Errorf("journal: put back: %q says in no single line of %d bytes that it was", note, restoredMax)
	}
	path, err := checkPath(path)
	if err != nil {
		return err
	}
	lock, err := lockAs(path, own)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := setAside(path); err != nil {
		return fail(path, err)
	}
	folder := filepath.Dir(path)
	if err := writeSynced(path+restoredSuffix, note); err != nil {
		return fail(path, err)
	}
	if err := errors.Join(own(path+restoredSuffix), syncFolder(folder)); err != nil {
		return fail(path, err)
	}
	if err := errors.Join(os.Chmod(copied, fileMode), own(copied)); err != nil {
		return fail(path, err)
	}
	if err := os.Rename(copied, path); err != nil {
		return fail(path, err)
	}
	return fail(path, syncFolder(folder))
}

// lockAs takes the lock, whose file is the owner's.
func lockAs(path string, chown func(string) error) (*os.File, error) {
	lock, err := own(path)
	if err != nil {
		return nil, err
	}
	if err := chown(path + ".lock"); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// setAside moves the journal with what belongs to it to a name that is free. The journal goes first: what a power cut
// has left of the others then follows it.
func setAside(path string) error {
	n := 1
	for ; n <= asideMax; n++ {
		if _, err := os.Lstat(aside(path, n)); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if n > asideMax {
		return fmt.Errorf("%d earlier journals lie beside it: take some away", asideMax)
	}
	err := os.Rename(path, aside(path, n))
	if errors.Is(err, fs.ErrNotExist) {
		n, err = max(1, n-1), nil // it was moved already
	}
	if err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm", witnessSuffix, restoredSuffix} {
		if err := os.Rename(path+suffix, aside(path, n)+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncFolder(filepath.Dir(path))
}

func aside(path string, n int) string { return fmt.Sprintf("%s.replaced-%d", path, n) }

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// restored is what the file beside the journal at path says of its being put back; "": nothing.
func restored(path string) string {
	b, err := os.ReadFile(path + restoredSuffix)
	if err != nil {
		return ""
	}
	return readable(string(b))
}

// readable is a text as far as it fits into one line for a technician.
func readable(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), restoredMax)], "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}

// WasRestored says of a journal that it was put back from a copy and has not been opened by a machine since, in the
// words of its note; "": it was not.
func WasRestored(path string) string {
	if _, err := os.Stat(path + witnessSuffix); err == nil {
		return ""
	}
	return restored(path)
}
