package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"kioskd/internal/plainfile"
)

// Written is what Finish did.
type Written struct {
	Backup  string   // where the config is that was there before; "": there was none, or it was the same
	Changes []string // the lines that are other ones now, with "-" and "+" before them; none of a new file
}

// Finish writes the config, passwords first, and takes the draft away. It may be repeated: a power cut in between
// leaves the old config or the new one, and the answers.
func (f *Files) Finish() (w Written, err error) {
	text, err := f.Text()
	if err != nil {
		return w, err
	}
	text = f.unwired(text)
	if _, err := f.parse(text); err != nil {
		return w, fmt.Errorf("the config would not be right, so nothing is written:\n%w\nWhat setup does not ask for, mend in "+
			"%s, and go on with kioskd setup; other answers: kioskd setup --anew", err, f.o.Path)
	}
	if err := f.same(text); err != nil {
		return w, err
	}
	for _, key := range []string{"glase.password", "glase.reseller_password"} {
		if !f.has(key) {
			continue
		}
		at := f.secretPath(key)
		if err := os.Rename(at+pending, at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return w, fmt.Errorf("the password cannot be put in its place: %w", err)
		}
	}
	mode, uid, gid := fs.FileMode(0o644), -1, -1
	if f.old != nil && string(f.old) != text {
		if info, err := os.Stat(f.o.Path); err == nil {
			mode = info.Mode().Perm()
			if sys, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
				uid, gid = int(sys.Uid), int(sys.Gid)
			}
		}
		if w.Backup, err = f.backup(mode); err != nil {
			return w, fmt.Errorf("the old config cannot be kept, so it stays: %w", err)
		}
		w.Changes = changes(string(f.old), text)
	}
	if f.old == nil || string(f.old) != text {
		if err := plainfile.ReplaceAs(f.o.Path, []byte(text), mode, uid, gid); err != nil {
			return w, fmt.Errorf("the config cannot be written: %w", err)
		}
	}
	f.old = []byte(text)
	if err := os.Remove(f.DraftFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return w, err
	}
	return w, nil
}

// same holds the file against the answers: it must say all of them back.
func (s *Setup) same(text string) error {
	said, err := flatten([]byte(text), s.o.Kinds)
	if err != nil {
		return fmt.Errorf("the file that was made cannot be read again: %w", err)
	}
	back := said.texts()
	for _, sec := range s.Sections() {
		for _, q := range sec.Questions {
			given, ok := s.given(q.Key)
			if !ok || q.Form == Secret || q.Key == "glase.account" || q.Key == "ups.reach" {
				continue
			}
			if back[q.Key] != given {
				return fmt.Errorf("%s: the file that was made says %q, and the answer was %q: nothing is written", q.Key,
					back[q.Key], given)
			}
		}
	}
	return nil
}

// backupsMax bounds how many old configs are kept beside the config.
const backupsMax = 1000

// backup keeps the old config beside the new one, whole or not at all.
func (f *Files) backup(mode fs.FileMode) (string, error) {
	for n := 1; n <= backupsMax; n++ {
		path := fmt.Sprint(f.o.Path, ".bak-", n)
		if b, _, err := plainfile.Read(path, fileMax); err == nil && string(b) == string(f.old) {
			return path, nil // it was kept before the power went
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, plainfile.ReplaceAs(path, f.old, mode, -1, -1)
		}
	}
	return "", fmt.Errorf("there are %d old ones: remove %s.bak-*", backupsMax, f.o.Path)
}
