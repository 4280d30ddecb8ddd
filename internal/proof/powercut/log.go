package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// recording is a writer's life as strace told it: strace -f -y -xx of the calls that change files.
type recording struct {
	disk    disk
	dir     string
	offset  map[string]int // of descriptors that use write; appends: after the end
	acked   int64
	pending map[string]string // the first halves of calls that strace split, by thread
}

const appends = -1

var (
	whole   = regexp.MustCompile(`^(?:\[pid +)?(\d+)\]? +(\w+)\((.*)\) += (-?\d+|\?)`)
	half    = regexp.MustCompile(`^(?:\[pid +)?(\d+)\]? +(\w+\(.*) <unfinished \.\.\.>$`)
	resumed = regexp.MustCompile(`^(?:\[pid +)?(\d+)\]? +<\.\.\. \w+ resumed>(.*)$`)
	fdArg   = regexp.MustCompile(`^(\d+)<([^>]*)>`)
	text    = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?`)
	hex     = regexp.MustCompile(`\\x[0-9a-f]{2}`)
)

// line plays a line of the log, and reports whether anything changed.
func (r *recording) line(l string) (bool, error) {
	if m := half.FindStringSubmatch(l); m != nil {
		r.pending[m[1]] = m[2]
		return false, nil
	}
	if m := resumed.FindStringSubmatch(l); m != nil {
		l = m[1] + " " + r.pending[m[1]] + m[2]
	}
	m := whole.FindStringSubmatch(l)
	if m == nil {
		return false, nil
	}
	result, err := strconv.Atoi(m[4])
	if err != nil || result < 0 {
		return false, nil // it failed, or the process ended in it
	}
	return r.call(m[2], m[3], result)
}

func (r *recording) call(name, args string, result int) (bool, error) {
	var texts []string
	for _, m := range text.FindAllStringSubmatch(args, -1) {
		if m[2] != "" {
			return false, errors.New("strace cut a text short: raise its -s")
		}
		texts = append(texts, unhex(m[1]))
	}
	switch name {
	case "openat", "open", "creat":
		return r.open(args, texts[0], strconv.Itoa(result)), nil
	case "rename", "renameat", "renameat2":
		from, in1 := r.name(texts[0])
		to, in2 := r.name(texts[1])
		if in1 != in2 {
			return false, fmt.Errorf("%s between folders is not modelled", name)
		}
		if in1 {
			r.disk.rename(func(n names) { n[to] = n[from]; delete(n, from) })
		}
		return in1, nil
	case "link", "linkat":
		from, in1 := r.name(texts[0])
		to, in2 := r.name(texts[1])
		if in1 != in2 {
			return false, fmt.Errorf("%s between folders is not modelled", name)
		}
		if in1 {
			r.disk.rename(func(n names) { n[to] = n[from] })
		}
		return in1, nil
	case "unlink", "unlinkat":
		base, in := r.name(texts[0])
		if in {
			r.disk.rename(func(n names) { delete(n, base) })
		}
		return in, nil
	}
	m := fdArg.FindStringSubmatch(args)
	if m == nil {
		return false, fmt.Errorf("%s(%.100s) is not modelled", name, args)
	}
	return r.onFile(name, args, m[1], unhex(m[2]), texts, result)
}

// name is a path's name in the folder. SQLite's index of the log is shared memory: it is made anew after a cut.
func (r *recording) name(path string) (string, bool) {
	return filepath.Base(path), filepath.Dir(path) == r.dir && !strings.HasSuffix(path, "-shm")
}

func (r *recording) open(args, path, fd string) bool {
	base, in := r.name(path)
	if !in {
		return false
	}
	r.offset[fd] = 0
	if strings.Contains(args, "O_APPEND") {
		r.offset[fd] = appends
	}
	f := r.disk.now()[base]
	switch {
	case f == nil && strings.Contains(args, "O_CREAT"):
		r.disk.rename(func(n names) { n[base] = &file{} })
		return true
	case f != nil && strings.Contains(args, "O_TRUNC"):
		f.truncate(0)
		return true
	}
	return false
}

func (r *recording) onFile(name, args, fd, path string, texts []string, result int) (bool, error) {
	synced := name == "fsync" || name == "fdatasync"
	if path == r.dir && synced {
		r.disk.sync()
		return true, nil
	}
	if fd == "1" && name == "write" {
		for l := range strings.Lines(texts[0]) {
			if n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(l, "C ")), 10, 64); err == nil {
				r.acked = n
			}
		}
		return true, nil
	}
	base, in := r.name(path)
	f := r.disk.now()[base]
	if !in || f == nil {
		return false, nil
	}
	last, _ := strconv.Atoi(args[strings.LastIndex(args, " ")+1:]) // the length or offset of those calls that have one
	switch {
	case synced:
		f.sync()
	case name == "pwrite64":
		f.write([]byte(texts[0])[:result], last)
	case name == "write":
		at := r.offset[fd]
		if at == appends {
			at = len(f.now())
		} else {
			r.offset[fd] += result
		}
		f.write([]byte(texts[0])[:result], at)
	case name == "ftruncate":
		f.truncate(last)
	case name == "lseek":
		r.offset[fd] = result
		return false, nil
	default:
		return false, fmt.Errorf("%s on %s is not modelled", name, base)
	}
	return true, nil
}

// unhex undoes strace's -xx.
func unhex(s string) string {
	return hex.ReplaceAllStringFunc(s, func(h string) string {
		n, _ := strconv.ParseUint(h[2:], 16, 8) // the pattern lets only digits through
		return string([]byte{byte(n)})
	})
}

// cutAll cuts after every call of a log, with nothing, everything, and some of what was not synced, and checks what is
// left.
func cutAll(log, dir, work string, chances int) error {
	in, err := os.Open(log)
	if err != nil {
		return err
	}
	defer in.Close()
	rec := recording{dir: dir, offset: map[string]int{}, pending: map[string]string{}}
	chance := rand.New(rand.NewPCG(1, 1))
	lines := bufio.NewReader(in)
	var calls, cuts, wrong int
	told := time.Now()
	for {
		l, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		changed, err := rec.line(strings.TrimSuffix(l, "\n"))
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		calls++
		for k := range byChance + kind(chances) {
			cuts++
			at := filepath.Join(work, "cut")
			if err := rec.disk.cut(at, k, chance); err != nil {
				return err
			}
			if why := judge(at, rec.acked); why != "" {
				wrong++
				if wrong <= 3 {
					fmt.Printf("cut %d, after call %d, kind %d: %s\n", cuts, calls, k, why)
				}
			}
			if err := os.RemoveAll(at); err != nil {
				return err
			}
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "  %d cuts, entry %d …\n", cuts, rec.acked)
		}
	}
	fmt.Printf("%d calls, %d entries acknowledged, %d cuts: %d lost something\n", calls, rec.acked, cuts, wrong)
	if calls == 0 || rec.acked == 0 {
		return errors.New("the log holds nothing of the writer")
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d cuts lost something", wrong, cuts)
	}
	return nil
}

// judge opens what a cut left. An entry may be there that was not acknowledged yet: the one on its way.
func judge(dir string, acked int64) string {
	n, err := found(dir)
	switch {
	case err != nil:
		return "damaged: " + err.Error()
	case n < acked:
		return fmt.Sprintf("%d entries were acknowledged, and %d are there", acked, n)
	case n > acked+1:
		return fmt.Sprintf("%d entries were acknowledged, and %d are there already", acked, n)
	}
	return ""
}
