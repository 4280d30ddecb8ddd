// Package plainfile reads the files that a person names: a config, a password, a certificate. A name may lead anywhere,
// so nothing here waits for somebody to write into a pipe, touches a device, or fills the memory. And it replaces the
// daemon's own small files, so that a power cut leaves the old or the new one.
package plainfile

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// KindError says that a name leads to something that is no regular file.
type KindError struct {
	Path string
	Mode fs.FileMode
}

// Error names what it is instead, as in "/etc/kioskd.toml is a named pipe and no regular file".
func (e *KindError) Error() string { return e.Path + " " + e.What() }

// What is Error without the path.
func (e *KindError) What() string { return "is " + kind(e.Mode) + " and no regular file" }

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// Read gives the content of a regular file, or of one that a link leads to, and what kind of file it is. It reads
// most+1 bytes at the utmost, so that a longer answer than most is a file that is too large. The error is a *KindError
// or the system's.
func Read(path string, most int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path) // opening a device can do something, as with a watchdog's
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &KindError{path, info.Mode()}
	}
	// it may have become a pipe meanwhile
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &KindError{path, info.Mode()}
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, nil, err
	}
	return b, info, nil
}

// pairMax bounds a certificate with its chain, and a key, in bytes each: the longest chains have some ten KiB.
const pairMax = 1 << 20

// KeyPair is tls.LoadX509KeyPair for names that a person wrote.
func KeyPair(cert, key string) (tls.Certificate, error) {
	var pem [2][]byte
	for n, path := range []string{cert, key} {
		b, _, err := Read(path, pairMax)
		if err != nil {
			return tls.Certificate{}, err
		}
		if len(b) > pairMax {
			return tls.Certificate{}, fmt.Errorf(
				"%s is larger than %d KiB: it shall hold a certificate with its chain, or a key", path, pairMax>>10)
		}
		pem[n] = b
	}
	return tls.X509KeyPair(pem[0], pem[1])
}

// Replace writes a file, whole or not at all, whatever happens meanwhile: when it returns without an error the power
// may go. Only its owner can read it.
func Replace(path string, content []byte) error { return ReplaceAs(path, content, 0o600, -1, -1) }

// ReplaceAs is Replace for a file of this mode that belongs to this user and group; -1: to whoever runs this program.
func ReplaceAs(path string, content []byte, mode fs.FileMode, uid, gid int) error {
	folder := filepath.Dir(path)
	draft, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) // nothing is there any more after the rename
	_, err = draft.Write(content)
	if uid >= 0 || gid >= 0 {
		err = errors.Join(err, draft.Chown(uid, gid))
	}
	if mode != 0o600 {
		err = errors.Join(err, draft.Chmod(mode))
	}
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
