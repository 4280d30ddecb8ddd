package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/config"
)

// fileMode is for the owner alone. A stick's file system may not know it.
const fileMode = 0o600

// stayAlways is how many copies are never taken away to make room for another.
const stayAlways = 2

// The reasons why nothing can be copied, for errors.Is.
var (
	ErrNoStick = errors.New("the stick is not there")
	ErrRuns    = errors.New("another copy is being made: wait for it")
)

// place is the folder that a copy goes to.
type place struct {
	folder, machine string
	lock            *os.File
	copies          []numbered // of this machine, the oldest first
}

// numbered is a copy in the folder. They are counted, since a machine's clock may go back, and a journal begin anew.
type numbered struct {
	n    int
	name string
}

var copyName = regexp.MustCompile(`^kioskd-([0-9A-Za-z]+)-([0-9]{6})-[0-9]{8}T[0-9]{6}Z\.backup$`)

// openPlace looks at the folder, and clears away what a copy that was cut short has left there.
func openPlace(folder, machine string, cfg config.Config) (*place, error) {
	dir, err := os.Open(folder) // which has an automounted stick mounted
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV):
		return nil, fmt.Errorf("%s: %w: %w: plug it in, or make the folder", folder, ErrNoStick, err)
	case err != nil:
		return nil, err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", folder)
	}
	if err != nil {
		return nil, err
	}
	if home, err := os.Stat(filepath.Dir(cfg.Journal.Path)); cfg.Backup.Stick && err == nil && sameDisk(info, home) {
		return nil, fmt.Errorf("%s: %w: what is there is the machine's own card, and a copy on it would die with it: plug "+
			"the stick in, and look at mount", folder, ErrNoStick)
	}
	p := &place{folder: folder, machine: machine}
	lockName := filepath.Join(filepath.Dir(cfg.Journal.Path), "backup.lock")
	if p.lock, err = os.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o640); err != nil {
		return nil, err
	}
	if err := errors.Join(ownLike(lockName, filepath.Dir(lockName)), unix.Flock(int(p.lock.Fd()),
		unix.LOCK_EX|unix.LOCK_NB)); err != nil {
		p.lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrRuns
		}
		return nil, err
	}
	return p, p.look()
}

func sameDisk(a, b fs.FileInfo) bool {
	one, ok1 := a.Sys().(*syscall.Stat_t)
	other, ok2 := b.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && one.Dev == other.Dev
}

// look lists the copies.
func (p *place) look() error {
	files, err := os.ReadDir(p.folder)
	if err != nil {
		return errors.Join(err, p.close())
	}
	for _, f := range files {
		m := copyName.FindStringSubmatch(f.Name())
		if m == nil || m[1] != p.machine {
			continue
		}
		n, _ := strconv.Atoi(m[2])
		p.copies = append(p.copies, numbered{n, f.Name()})
	}
	slices.SortFunc(p.copies, func(a, b numbered) int { return a.n - b.n })
	if err := p.clear(); err != nil {
		return errors.Join(err, p.close())
	}
	return nil
}

// clear takes away what was not finished.
func (p *place) clear() error {
	for _, name := range []string{journalName, "copy"} {
		for _, suffix := range []string{"", ".part", ".part-journal"} { // an export's, and SQLite's beside it
			if err := os.Remove(p.draft(name) + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("what an earlier copy has left cannot be taken away: %w", err)
			}
		}
	}
	return nil
}

func (p *place) close() error { return p.lock.Close() }

// draft is the name of a file that has not got its own yet.
func (p *place) draft(name string) string {
	return filepath.Join(p.folder, fmt.Sprintf(".kioskd-%s-%s.unfinished", p.machine, name))
}

// write has a copy written, on the disk, read back, and named.
func (p *place) write(ctx context.Context, now time.Time, content func(io.Writer) error) (name string, size int64,
	err error) {
	draft := p.draft("copy")
	f, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if err != nil {
			os.Remove(draft)
		}
	}()
	defer f.Close()
	// root makes it for the folder's owner; a stick without owners knows none
	_ = ownLike(draft, p.folder)
	sum := sha256.New()
	if err := content(io.MultiWriter(cancellable{ctx, f}, sum)); err != nil {
		return "", 0, err
	}
	if err := f.Sync(); err != nil {
		return "", 0, err
	}
	if size, err = readBack(ctx, f, sum); err != nil {
		return "", 0, err
	}
	if err := f.Close(); err != nil {
		return "", 0, err
	}
	n := 1
	if len(p.copies) > 0 {
		n = p.copies[len(p.copies)-1].n + 1
	}
	name = fmt.Sprintf("kioskd-%s-%06d-%s.backup", p.machine, n%1e6, now.UTC().Format("20060102T150405Z"))
	if err := os.Rename(draft, filepath.Join(p.folder, name)); err != nil {
		return "", 0, err
	}
	p.copies = append(p.copies, numbered{n, name})
	return filepath.Join(p.folder, name), size, syncFolder(p.folder)
}

// readBack reads the file from its disk, as far as the kernel lets go of what it remembers of it.
func readBack(ctx context.Context, f *os.File, want hash.Hash) (int64, error) {
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, cancelled{ctx, f})
	if err != nil {
		return 0, err
	}
	if string(sum.Sum(nil)) != string(want.Sum(nil)) {
		return 0, fmt.Errorf("%s gives back something else than was written: the stick, or the card, is broken", f.Name())
	}
	return size, nil
}

// prune takes the oldest copies away until keep of them stay.
func (p *place) prune(keep int) (gone []string, err error) {
	for len(p.copies) > max(keep, 1) {
		name := p.copies[0].name
		if err := p.remove(name); err != nil {
			return gone, fmt.Errorf("an older copy cannot be taken away: %w", err)
		}
		gone = append(gone, name)
	}
	return gone, nil
}

// oldest is a copy that may go to make room for a new one.
func (p *place) oldest() (name string, is bool) {
	if len(p.copies) <= stayAlways {
		return "", false
	}
	return p.copies[0].name, true
}

func (p *place) remove(name string) error {
	p.copies = p.copies[1:]
	if err := os.Remove(filepath.Join(p.folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// cancellable is a file that can be written no more once ctx has ended.
type cancellable struct {
	ctx context.Context
	to  io.Writer
}

func (c cancellable) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.to.Write(b)
}

// syncFolder puts a folder's names on its disk. Some sticks' file systems cannot be asked to, and do it by themselves.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// ownLike gives a file to whoever owns another one, when this program may: root makes files for the daemon's user.
func ownLike(path, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(is.Uid), int(is.Gid))
}
