package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	_ "modernc.org/sqlite" // the driver named "sqlite"
)

const (
	// pageSize, in bytes, is SQLite's: small, since a step changes a few hundred bytes and writes whole pages.
	pageSize = 1024
	// fileMode lets the group read: a technician replays a journal without being root. There is no secret in it.
	fileMode = 0o640
	// quickCheckMax is the largest file, in bytes, that Open looks through for damage: half a second of reading from an
	// SD card. Of a larger one it looks at what it needs; Verify and Replay read all of it.
	quickCheckMax = 16 << 20
)

// The connections' settings. The page size takes effect only when it is set before the journal mode, which the driver
// sees to if the journal mode is not a _pragma; ready asserts all three. The busy timeout, in milliseconds, is for a
// technician's own SQLite: no kioskd shares the file. SQLite makes no checkpoint by itself: the witness must be synced
// before each, see checkpoint. A -wal file that grew while somebody was reading is cut to 4 MiB when it is begun anew.
const (
	ownerSettings = "_pragma=page_size(1024)&_journal_mode=WAL&_pragma=synchronous(FULL)&_pragma=busy_timeout(2000)" +
		"&_pragma=wal_autocheckpoint(0)&_pragma=journal_size_limit(4194304)&_txlock=immediate"
	readerSettings = "mode=ro&_pragma=busy_timeout(2000)"
)

// Open opens the journal at path, or makes an empty one where there is no file, and owns it until Close: a second Open
// of the same path is refused with ErrLocked, from whatever process. Ownership is an flock on the file path.lock, which
// the kernel ends with the process; that file stays, and is empty.
//
// What Open cannot use it leaves as it is, with an *Error that says which of ErrCorrupt, ErrNewer, ErrOlder,
// ErrReadOnly, ErrFull, ErrLocked, ErrNoFolder, ErrIsFolder and ErrNoPath it is and what to do. A -wal file cut short
// by a power loss is no damage. A journal that is older than its witness is opened: Lost says what is gone, and its
// owner must not go on as if nothing were.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	path, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	lock, err := own(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, lock: lock, fresh: true}
	if err := j.open(ctx, o); err != nil {
		if j.db != nil {
			j.db.Close()
		}
		if j.readers != nil {
			j.readers.Close()
		}
		j.witness.close()
		lock.Close()
		return nil, err
	}
	if j.file, err = os.Stat(path); err != nil {
		return nil, errors.Join(fail(path, err), j.Close())
	}
	return j, nil
}

func (j *Journal) open(ctx context.Context, o Options) error {
	var none error
	if j.witness, none = openWitness(j.path); j.witness == nil {
		return none
	}
	info, err := os.Stat(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		if errors.Is(none, errNoWitness) { // first, so that no journal ever has to be without
			if none = j.witness.write(mark{0, make([]byte, sha256.Size)}, true); none != nil {
				return none
			}
		}
		if err := create(ctx, j.path); err != nil {
			return err
		}
		info, err = os.Stat(j.path)
	}
	if err != nil {
		return fail(j.path, err)
	}
	if err := checkHeader(j.path); err != nil {
		return err
	}
	if j.db, err = connect(j.path, ownerSettings); err != nil {
		return fail(j.path, err)
	}
	if err := ready(ctx, j.db, j.path); err != nil {
		return err
	}
	if info.Size() <= quickCheckMax {
		var verdict string
		if err := j.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
			return fail(j.path, err)
		}
		if verdict != "ok" {
			return corrupt(j.path, "%s", verdict)
		}
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	if j.end, err = j.readEnd(ctx, j.db); err != nil {
		return err
	}
	if err := j.attend(ctx, none); err != nil {
		return err
	}
	if err := j.sign(ctx, o.Version); err != nil {
		return err
	}
	j.readers, err = connect(j.path, readerSettings)
	if err == nil {
		j.readers.SetMaxOpenConns(lookers)
		j.readers.SetMaxIdleConns(lookers)
	}
	return fail(j.path, err)
}

// InUse reports whether another process owns the journal at path: whoever asks should then leave that process's machine
// alone. It reads and writes nothing but the lock, for a moment, and says false for a path that Open will refuse for
// another reason.
func InUse(path string) bool {
	path, err := checkPath(path)
	if err != nil {
		return false
	}
	lock, err := own(path)
	if err == nil {
		lock.Close()
	}
	return errors.Is(err, ErrLocked)
}

// checkPath gives the absolute path, if a file can be there.
func checkPath(path string) (string, error) {
	if path == "" {
		return "", &Error{Path: `""`, Kind: ErrNoPath}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fail(path, err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), err == nil && !folder.IsDir():
		return "", &Error{Path: path, Kind: ErrNoFolder}
	case err != nil:
		return "", fail(path, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", fail(path, err)
	case info.IsDir():
		return "", &Error{Path: path, Kind: ErrIsFolder}
	case !info.Mode().IsRegular():
		return "", corrupt(path, "it is not a regular file")
	}
	return path, nil
}

// own takes the lock. It is not taken on the journal itself: closing any descriptor of that one would drop SQLite's own
// locks.
func own(path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fail(path, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return lock, nil
	}
	lock.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &Error{Path: path, Kind: ErrLocked}
	}
	return nil, fail(path, err)
}

// create makes an empty journal under another name and renames it, so that a power cut leaves a whole journal or none:
// SQLite throws away the -wal file of an empty file, and what was acknowledged with it.
func create(ctx context.Context, path string) error {
	if _, err := os.Stat(path + "-wal"); err == nil {
		return corrupt(path, "the file is gone, but its -wal is there")
	}
	draft := path + ".new"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(draft + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fail(path, err)
		}
	}
	f, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fail(path, err)
	}
	f.Close()
	db, err := connect(draft, ownerSettings)
	if err != nil {
		return fail(path, err)
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf(
		"BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT",
		applicationID, schemaVersion, schema))
	if err := errors.Join(err, db.Close()); err != nil { // closing moves the -wal into the file, synced
		return fail(path, err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fail(path, err)
	}
	return fail(path, syncFolder(filepath.Dir(path)))
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkHeader refuses a file that is not ours before SQLite may write to it.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fail(path, err)
	}
	defer f.Close()
	header := make([]byte, 100) // SQLite's file format, section 1.3
	switch n, err := io.ReadFull(f, header); {
	case n == 0 && err == io.EOF:
		return corrupt(path, "it is empty")
	case err == io.ErrUnexpectedEOF:
		return corrupt(path, "it is only %d bytes long", n)
	case err != nil:
		return fail(path, err)
	case !bytes.HasPrefix(header, []byte("SQLite format 3\x00")):
		return corrupt(path, "it is not an SQLite file")
	}
	if err := checkFormat(path, binary.BigEndian.Uint32(header[68:]),
		binary.BigEndian.Uint32(header[60:])); err != nil {
		return err
	}
	if size := binary.BigEndian.Uint16(header[16:]); size != pageSize {
		return corrupt(path, "its page size is %d, not %d", size, pageSize)
	}
	return nil
}

func checkFormat(path string, application, format uint32) error {
	if application != applicationID {
		return corrupt(path, "it is an SQLite file of another program")
	}
	if format > schemaVersion {
		return &Error{Path: path, Kind: ErrNewer,
			Cause: fmt.Errorf("its format is %d, this program knows %d", format, schemaVersion)}
	}
	if format < 1 {
		return corrupt(path, "its format is %d", format)
	}
	if format < schemaVersion {
		return &Error{Path: path, Kind: ErrOlder,
			Cause: fmt.Errorf("its format is %d, this program knows %d", format, schemaVersion)}
	}
	return nil
}

func connect(path, settings string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: settings}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// ready asserts that the connection is what its settings ask for, and that it can write.
func ready(ctx context.Context, db *sql.DB, path string) error {
	var application, format uint32
	if err := errors.Join(pragma(ctx, db, "application_id", &application),
		pragma(ctx, db, "user_version", &format)); err != nil {
		return fail(path, err)
	}
	if err := checkFormat(path, application, format); err != nil {
		return err
	}
	var size, synchronous int
	var mode string
	if err := errors.Join(pragma(ctx, db, "page_size", &size), pragma(ctx, db, "synchronous", &synchronous),
		pragma(ctx, db, "journal_mode", &mode)); err != nil {
		return fail(path, err)
	}
	if size != pageSize || synchronous != 2 || mode != "wal" {
		return fmt.Errorf("journal: %s: SQLite made it page size %d, synchronous %d, journal mode %s, not %d, 2, wal",
			path, size, synchronous, mode, pageSize)
	}
	tx, err := db.BeginTx(ctx, nil) // BEGIN IMMEDIATE: takes the right to write, and writes nothing
	if err != nil {
		return fail(path, err)
	}
	return fail(path, tx.Rollback())
}

func pragma(ctx context.Context, db *sql.DB, name string, value any) error {
	return db.QueryRowContext(ctx, "PRAGMA "+name).Scan(value)
}
