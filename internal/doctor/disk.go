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
	probeSize = 4 << 10 // bytes: a page of a card
	slowSync  = time.Second
)

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
