package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The reasons that a caller tells apart with errors.Is. The error around them names the file and says what to do.
var (
	ErrCorrupt  = errors.New("damaged, or not a journal")
	ErrNewer    = errors.New("made by a newer kioskd")
	ErrOlder    = errors.New("made by an older kioskd, in a format that this one does not know")
	ErrReadOnly = errors.New("cannot be written")
	ErrFull     = errors.New("the disk is full")
	ErrLocked   = errors.New("in use by another process")
	ErrNoFolder = errors.New("its folder does not exist")
	ErrIsFolder = errors.New("is a folder, not a file")
	ErrNoPath   = errors.New("no path is given")
	ErrNoDoubt  = errors.New("no sale with this id stands in doubt")
	ErrNoCharge = errors.New("no sale with this id was charged and is over")
	ErrNoSale   = errors.New("no sale with this id is known")
	ErrMissing  = errors.New("does not exist") // reading only: Open makes a new journal
	ErrExists   = errors.New("exists already") // exporting only: nothing is written over
)

// Error is what this package answers for a file that cannot be used: Kind is one of the reasons above, or nil when the
// cause has no remedy of its own.
type Error struct {
	Path  string
	Kind  error
	Cause error // what the system or SQLite said; may be nil
}

func (e *Error) Error() string {
	s := "journal: " + e.Path
	if e.Kind != nil {
		s += ": " + e.Kind.Error()
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if r := e.remedy(); r != "" {
		s += " (" + r + ")"
	}
	return s
}

// Unwrap gives the reason and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// remedy is one sentence for the person who has to put it right.
func (e *Error) remedy() string {
	switch e.Kind {
	case ErrCorrupt:
		return "keep it for the technician: move it, its -wal and its -shm away together, then start with an empty " +
			"journal or a restored copy, " +
			"and accept what is gone with kioskd accept; a sale that was open must be settled by hand"
	case ErrNewer:
		return "install that version or a newer one"
	case ErrOlder:
		return "settle what is open with that version, then move it, its -wal and its -shm away together and start " +
			"with an empty journal"
	case ErrReadOnly:
		return "check the owner and the mode of the file and its folder, and that the disk is not mounted read-only"
	case ErrFull:
		return "free some space on its disk, or prune the journal"
	case ErrLocked:
		return "stop the other kioskd, or close the other program that has the file open"
	case ErrNoFolder:
		return "make it: mkdir -p the folder, and give it to the user that kioskd runs as"
	case ErrIsFolder:
		return "name a file in it, such as journal.db"
	case ErrExists:
		return "name a file that is not there yet"
	case ErrNoPath:
		return "set [journal] path in the config"
	}
	return ""
}

// fail gives an error of the system or of SQLite its reason. An *Error and nil pass as they are.
func fail(path string, err error) error {
	if err == nil {
		return nil
	}
	if known := (*Error)(nil); errors.As(err, &known) {
		return err
	}
	return &Error{Path: path, Kind: kind(err), Cause: err}
}

func kind(err error) error {
	if se := (*sqlite.Error)(nil); errors.As(err, &se) {
		switch se.Code() & 0xff { // the rest says where, in SQLite's code
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return ErrCorrupt
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
			return ErrReadOnly
		case sqlite3.SQLITE_FULL:
			return ErrFull
		case sqlite3.SQLITE_BUSY:
			return ErrLocked
		}
		return nil
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrReadOnly
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ErrFull
	}
	return nil
}

// corrupt is an ErrCorrupt found by us rather than by SQLite.
func corrupt(path, format string, args ...any) error {
	return &Error{Path: path, Kind: ErrCorrupt, Cause: fmt.Errorf(format, args...)}
}
