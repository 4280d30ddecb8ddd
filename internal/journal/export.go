package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// exportMode is for its owner alone: there is no secret in a journal, but an export leaves the machine on a stick or in
// a mail.
const exportMode = 0o600

// exportWithin bounds an export; 300 MB from an SD card take some minutes.
const exportWithin = 15 * time.Minute

// Export writes a whole copy of the journal at path into one new file, as it is at one moment: what is in the
// write-ahead log as well. A daemon may own the journal, or nobody; no sale waits for it. The copy's chain is walked,
// and what that found is the report: a damaged journal is exported as far as it can be read, and the report says so.
//
// The file never replaces another one, which is ErrExists. It is on the disk when Export returns nil; after an error,
// and after a ctx that ends, there is nothing of it. ErrFull says that its disk has no room.
func Export(ctx context.Context, path, to string) (Report, error) {
	path, err := checkPath(path)
	if err != nil {
		return Report{}, err
	}
	if to, err = filepath.Abs(to); err != nil {
		return Report{}, fail(to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, exportWithin)
	defer cancel()
	place, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, exportMode) // nobody else takes the name meanwhile
	switch {
	case errors.Is(err, fs.ErrExist):
		return Report{}, &Error{Path: to, Kind: ErrExists}
	case errors.Is(err, fs.ErrNotExist):
		return Report{}, &Error{Path: to, Kind: ErrNoFolder}
	case err != nil:
		return Report{}, fail(to, err)
	}
	place.Close()
	draft := to + ".part"
	report, err := draw(ctx, path, draft)
	if err == nil {
		err = settle(draft, to)
	}
	if err != nil {
		os.Remove(draft)
		os.Remove(to)
		if ctx.Err() != nil {
			err = fmt.Errorf("journal: export: %w", context.Cause(ctx))
		}
		return Report{}, err
	}
	return report, nil
}

// draw makes the copy. A journal that nobody has open is read as a file that does not change; when a daemon has begun
// to write it meanwhile, the copy is made anew.
func draw(ctx context.Context, path, draft string) (Report, error) {
	for {
		db, alone, err := attach(path)
		if err != nil {
			return Report{}, err
		}
		err = errors.Join(vacuum(ctx, db, path, draft), db.Close())
		if _, begun := os.Stat(path + "-wal"); alone && begun == nil {
			continue
		}
		if err != nil {
			return Report{}, err
		}
		return read(ctx, draft, false)
	}
}

// vacuum has SQLite write all that a connection sees into a file of its own.
func vacuum(ctx context.Context, db *sql.DB, path, draft string) error {
	// SQLite would make it readable for others
	file, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, exportMode)
	if err != nil {
		return fail(draft, err)
	}
	file.Close()
	var application, format uint32
	if err := errors.Join(pragma(ctx, db, "application_id", &application),
		pragma(ctx, db, "user_version", &format)); err != nil {
		return fail(path, err)
	}
	if err := checkFormat(path, application, format); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", draft); err != nil {
		if k := kind(err); k == ErrFull || k == ErrReadOnly {
			return &Error{Path: draft, Kind: k, Cause: err}
		}
		return fail(path, err)
	}
	return nil
}

// settle puts the finished copy in its place, on the disk.
func settle(draft, to string) error {
	file, err := os.OpenFile(draft, os.O_RDWR, 0)
	if err != nil {
		return fail(to, err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fail(to, err)
	}
	if err := os.Rename(draft, to); err != nil {
		return fail(to, err)
	}
	return fail(to, syncFolder(filepath.Dir(to)))
}
