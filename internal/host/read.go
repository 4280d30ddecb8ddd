package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// fileMax bounds what is read of one of the kernel's files, in bytes: the longest is a table of mounts.
const fileMax = 64 << 10

// strangeMax bounds how many values are told that were not understood.
const strangeMax = 8

// files reads the kernel's files, and remembers what it could not understand. What is not there is no trouble: each
// kernel and each card tells something else.
type files struct {
	fs.FS
	strange []string
}

// text gives a file's text without white space around it; false: it does not tell.
func (f *files) text(name string) (string, bool) {
	file, err := f.Open(name)
	if err != nil {
		f.refused(name, err)
		return "", false
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, fileMax))
	if err != nil {
		f.refused(name, err)
		return "", false
	}
	return strings.TrimSpace(string(b)), true
}

// refused notes an error that says more than that nothing is told here.
func (f *files) refused(name string, err error) {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		f.odd(fmt.Sprintf("/%s cannot be read: %v", name, bare(err)))
	}
}

// bare is an error without the path that it is about.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (f *files) odd(says string) {
	if len(f.strange) < strangeMax {
		f.strange = append(f.strange, says)
	}
}

// value reads a file with one of the parsers below; nil: it does not tell, or nothing that is understood.
func value[T any](f *files, name string, parse func(string) (T, error)) *T {
	text, ok := f.text(name)
	if !ok || text == "" {
		return nil
	}
	v, err := parse(text)
	if err != nil {
		f.odd(fmt.Sprintf("/%s says %.40q, which is not understood", name, text))
		return nil
	}
	return &v
}

func count(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }

// secondsMax is a moment that no card of today will see: the year 3000.
const secondsMax = 32_503_680_000

// moment reads seconds since 1970. 0 is what the kernel says of something that has not happened.
func moment(s string) (time.Time, error) {
	n, err := count(s)
	switch {
	case err != nil:
		return time.Time{}, err
	case n > secondsMax:
		return time.Time{}, errors.New("no year of ours")
	case n == 0:
		return time.Time{}, nil
	}
	return time.Unix(int64(n), 0).UTC(), nil
}

// celsius reads thousandths of a degree. What no working machine can have is no temperature.
func celsius(s string) (float64, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, err
	}
	if n < -60_000 || n > 150_000 {
		return 0, errors.New("no machine has it")
	}
	return float64(n) / 1000, nil
}

// hex reads a number as the kernel writes registers: "0x01", "50005".
func hex(s string) (uint32, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 32)
	return uint32(n), err
}

func yes(s string) (bool, error) {
	switch s {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, errors.New("neither 0 nor 1")
}

// lifeTimes reads the two estimates of an eMMC's EXT_CSD: "0x02 0x01". 0 is one that the card does not make.
func lifeTimes(s string) (worst uint32, err error) {
	f := strings.Fields(s)
	if len(f) != 2 {
		return 0, errors.New("not two estimates")
	}
	for _, text := range f {
		n, err := hex(text)
		if err != nil {
			return 0, err
		}
		if n > lifeOver {
			return 0, errors.New("JEDEC knows no such estimate")
		}
		worst = max(worst, n)
	}
	return worst, nil
}

// preEOL reads an eMMC's PRE_EOL_INFO: "0x01".
func preEOL(s string) (uint32, error) {
	n, err := hex(s)
	if err == nil && n > eolUrgent {
		err = errors.New("JEDEC knows no such word")
	}
	return n, err
}

// sectors reads how many sectors of 512 bytes were written, from a block device's statistics.
func sectors(s string) (uint64, error) {
	f := strings.Fields(s)
	if len(f) < 7 {
		return 0, errors.New("fewer than 7 numbers")
	}
	n, err := count(f[6])
	if err == nil && n > 1<<54 {
		err = errors.New("no card is that large")
	}
	return n, err
}

// mount is a line of /proc/self/mountinfo, as far as it is needed.
type mount struct {
	point    string // "/var/lib/kioskd"
	device   string // "179:2"
	kind     string // "ext4"
	readOnly bool   // this mount, or the whole file system
}

// mounts reads /proc/self/mountinfo. Lines that are none are left out.
func mounts(text string) (all []mount) {
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 3 {
			continue
		}
		all = append(all, mount{point: unescape(l[4]), device: l[2], kind: r[0],
			readOnly: has(l[5], "ro") || has(r[2], "ro")})
	}
	return all
}

func has(options, word string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == word {
			return true
		}
	}
	return false
}

// unescape reads a path of the table of mounts, in which spaces and their like are octal.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// under gives the mount that a folder is on: the last of those with the longest path above it.
func under(all []mount, folder string) (m mount, ok bool) {
	for _, one := range all {
		at := strings.TrimSuffix(one.point, "/")
		if (folder == one.point || strings.HasPrefix(folder, at+"/")) && len(one.point) >= len(m.point) {
			m, ok = one, true
		}
	}
	return m, ok
}
