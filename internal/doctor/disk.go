package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	freeLeast = 16 << 20  // bytes: below it SQLite's next checkpoint may not fit
	freeWish  = 200 << 20 // bytes: half a year of 100 sales a day
	filesWish = 200       // files that may still be made: the journal needs two, an update some dozens
	probeSize = 4 << 10   // bytes: a page of a card
	slowSync  = time.Second
)

// Free finds a disk that is full, or soon is.
func Free(folder string) []Finding {
	const area = "disk"
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return []Finding{Failed(area, fmt.Sprintf("%s: %v", folder, err),
			"make the folder, or set [journal] path to one that is there")}
	}
	free := uint64(s.Bavail) * uint64(s.Bsize)
	says := fmt.Sprintf("%d MB free in %s", free>>20, folder)
	clear := "make room: sudo journalctl --vacuum-size=50M; sudo apt-get clean; then df -h"
	switch {
	case s.Flags&unix.ST_RDONLY != 0:
		return []Finding{Failed(area, folder+" is on a file system that is read-only",
			"look at dmesg: a card that fails becomes read-only; else mount it for writing")}
	case free < freeLeast:
		return []Finding{Failed(area, says+": sales can soon not be recorded", clear)}
	case s.Files > 0 && s.Ffree < filesWish:
		return []Finding{Failed(area, fmt.Sprintf("only %d files can still be made in %s", s.Ffree, folder),
			"find the folder with too many files: sudo find / -xdev -type d -size +1M")}
	case free < freeWish:
		return []Finding{Warned(area, says, clear)}
	}
	return []Finding{Ok(area, says)}
}

// Writable writes a page beside the journal, has the disk keep it, and takes it away again. It finds a folder that
// takes no file, a disk that fails, one that is slow, and a journal that the kiosk's user could not write: uid is that
// user's, or below 0.
func Writable(journal string, uid int) []Finding {
	const area = "journal"
	folder := filepath.Dir(journal)
	f, err := os.CreateTemp(folder, ".kioskd-doctor-*")
	switch {
	case errors.Is(err, fs.ErrPermission):
		return []Finding{Warned(area, folder+" is not this user's to write in, so it was not tried",
			"run this as kioskd's user or as root: sudo kioskd doctor")}
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{Failed(area, folder+" does not exist",
			fmt.Sprintf("sudo install -d -m 0750 -o kioskd -g kioskd %s", folder))}
	case err != nil:
		return []Finding{Failed(area, fmt.Sprintf("nothing can be written in %s: %v", folder, cause(err)),
			"look at df and dmesg: is the disk full, or does the card fail?")}
	}
	began := time.Now()
	_, err = f.Write(make([]byte, probeSize))
	err = errors.Join(err, f.Sync())
	took := time.Since(began)
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return []Finding{Failed(area, fmt.Sprintf("%s does not keep what is written: %v", folder, err),
			"look at dmesg: the card fails; save the journal and replace the card")}
	}
	found := []Finding{Ok(area, fmt.Sprintf("a page was written to %s and kept within %v", folder,
		took.Round(100*time.Microsecond)))}
	if took > slowSync {
		found = []Finding{Warned(area, fmt.Sprintf(
			"the disk took %v to keep one page in %s: a sale has up to 12 of them", took.Round(10*time.Millisecond),
			folder), "replace the card by a faster one (A1 or A2), and look at dmesg")}
	}
	return append(found, owners(journal, uid)...)
}

// owners finds files of the journal that another user made, as a kioskd does that root has once started by hand.
func owners(journal string, uid int) []Finding {
	if uid <= 0 {
		return nil
	}
	for _, path := range []string{filepath.Dir(journal), journal, journal + "-wal", journal + "-shm", journal +
		".witness", filepath.Join(filepath.Dir(journal), "identity.json")} {
		var s unix.Stat_t
		if unix.Stat(path, &s) == nil && int(s.Uid) != uid {
			return []Finding{Failed("journal", fmt.Sprintf("%s belongs to user %d, and kioskd runs as user %d", path,
				s.Uid, uid), fmt.Sprintf("stop kioskd; sudo chown -R %d %s", uid, filepath.Dir(journal)))}
		}
	}
	return nil
}

// Held reports whether a program holds the journal, as every kioskd does that runs. It asks the kernel's list and takes
// no lock itself, which a kioskd that starts just then would stumble over.
func Held(r Root, journal string) bool {
	var s unix.Stat_t
	text, err := r.read("/proc/locks")
	if err != nil || unix.Stat(journal+".lock", &s) != nil {
		return false
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line) // "1: FLOCK ADVISORY WRITE 1234 08:01:123456 0 EOF"
		if len(f) >= 6 && f[1] == "FLOCK" && strings.HasSuffix(f[5], fmt.Sprintf(":%d", s.Ino)) {
			return true
		}
	}
	return false
}

// cause is an error without the path that it is about.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
