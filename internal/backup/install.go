package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kioskd/internal/identity"
	"kioskd/internal/journal"
	"kioskd/internal/plainfile"
)

// adopt is a small file as it is written: the identity of a dead board is this board's from now on.
func (r Restore) adopt(s staged, f named, text []byte) []byte {
	if f.key != identityName || !r.NewBoard || r.Serial == "" {
		return text
	}
	id, err := s.identity(text)
	if err != nil {
		return text // which was looked at already
	}
	id.Serial = r.Serial
	path := filepath.Join(s.folder, identityName)
	if err := identity.Save(path, id); err != nil {
		return text
	}
	if adopted, err := readSmall(path); err == nil {
		return adopted
	}
	return text
}

// install changes this machine.
func (r Restore) install(ctx context.Context, s staged, done *Restored) error {
	home := filepath.Dir(s.cfg.Journal.Path)
	if err := r.away(r.File, done); err != nil {
		return err
	}
	files, _ := filesOf(s.cfg, r.File)
	for _, f := range files {
		text, is := s.small[f.key]
		if !is {
			if _, err := os.Stat(f.path); err != nil && f.key != identityName {
				done.Missing = append(done.Missing, f.path)
			}
			continue
		}
		text = r.adopt(s, f, text)
		if here, err := readSmall(f.path); err == nil && bytes.Equal(here, text) {
			if err := ownLike(f.path, home); err != nil {
				return err
			}
			continue
		}
		if err := r.away(f.path, done); err != nil {
			return err
		}
		if err := r.put(f.path, text, f.mode, home, done); err != nil {
			return err
		}
	}
	if s.journal != "" {
		if err := r.journal(ctx, s, done); err != nil {
			return err
		}
	}
	done.Last = s.Last
	return r.put(r.File, s.text, openMode, filepath.Dir(r.File), done)
}

// away keeps what is here, by another name.
func (r Restore) away(path string, done *Restored) error {
	if _, err := os.Lstat(path); err != nil {
		return nil
	}
	to := path + ".replaced"
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); err != nil {
			break
		}
		to = fmt.Sprintf("%s.replaced-%d", path, n)
	}
	if err := r.step("away " + path); err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		return err
	}
	done.Kept = append(done.Kept, to)
	return syncFolder(filepath.Dir(path))
}

// put writes a file, whole or not at all.
func (r Restore) put(path string, text []byte, mode os.FileMode, like string, done *Restored) error {
	if err := r.step("put " + path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	draft := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".restore")
	if err := plainfile.Replace(draft, text); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(draft, mode), ownLike(draft, like)); err != nil {
		return err
	}
	if err := r.step("name " + path); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	done.Written = append(done.Written, path)
	return syncFolder(filepath.Dir(path))
}

// journal puts the journal back, unless a power cut came just after that.
func (r Restore) journal(ctx context.Context, s staged, done *Restored) error {
	path, home := s.cfg.Journal.Path, filepath.Dir(s.cfg.Journal.Path)
	if journal.WasRestored(path) != "" {
		if ahead, same, err := journal.Relate(ctx, path, s.journal); err == nil && same && ahead == 0 {
			done.Written = append(done.Written, path)
			return nil
		}
	}
	if err := r.step("journal " + path); err != nil {
		return err
	}
	note := fmt.Sprintf("this is a copy of %s, put back on %s: what was recorded after entry %d is gone",
		s.Made.UTC().Format("2006-01-02 15:04 UTC"), r.Now.UTC().Format("2006-01-02 15:04 UTC"), s.Last)
	err := journal.PutBack(ctx, s.journal, path, note, func(file string) error {
		return errors.Join(r.step("own "+file), ownLike(file, home))
	})
	if err != nil {
		return err
	}
	done.Written = append(done.Written, path)
	return nil
}
