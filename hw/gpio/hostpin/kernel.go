package hostpin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/warthog618/go-gpiocdev/uapi"
	"golang.org/x/sys/unix"
)

const (
	consumer   = "kioskd" // who holds a line, as gpioinfo shows it
	eventBytes = 48       // sizeof(struct gpio_v2_line_event)

	// queueMax is how many edges of a line the kernel keeps for us; it allows 1024. A contact that bounces makes some
	// tens.
	queueMax = 1024
	// chipsMax and linesMax bound what is looked at; a Raspberry Pi has 5 chips and at most 58 lines on one.
	chipsMax, linesMax = 64, 1024
)

// kernel is what hands out lines; the tests have another.
type kernel interface {
	// chips answers those that can be looked at, and why others cannot.
	chips() ([]chip, error)
	// request makes a line ours.
	request(at spot, s setup) (line, error)
}

// line is a line that is ours. File delivers its edges, eventBytes each, and is closed to let it go.
type line interface {
	file() *os.File
	configure(s setup) error
	set(high bool) error
	get() (high bool, err error)
	now() (time.Duration, error) // by the clock of the edges
}

// setup is how a line is set up.
type setup struct {
	flags uapi.LineFlagV2
	high  bool // an output's level to begin with
}

func (s setup) config() (c uapi.LineConfig) {
	c.Flags = s.flags
	if s.flags.IsOutput() {
		level := uapi.OutputValues(0)
		if s.high {
			level = 1
		}
		c.AddAttribute(uapi.LineConfigAttribute{Attr: level.Encode(), Mask: 1})
	}
	return c
}

// devices is the kernel itself, by the devices in a folder.
type devices struct{ dir string }

func (d devices) chips() (all []chip, err error) {
	paths, links := d.names()
	for _, path := range paths {
		c, bad := look(path)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		c.links = links[path]
		all = append(all, c)
	}
	return all, err
}

// names are the chips' devices, and the names of the links that lead to each: a Raspberry Pi 5 has one, and an update
// moves it.
func (d devices) names() (paths []string, links map[string][]string) {
	links = map[string][]string{}
	found, _ := filepath.Glob(filepath.Join(d.dir, "gpiochip*"))
	for _, path := range found[:min(len(found), chipsMax)] {
		if info, err := os.Lstat(path); err != nil {
			continue
		} else if info.Mode().Type() != fs.ModeSymlink {
			paths = append(paths, path)
		} else if to, err := filepath.EvalSymlinks(path); err == nil {
			links[to] = append(links[to], filepath.Base(path))
		}
	}
	return paths, links
}

func look(path string) (chip, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return chip{}, cannotOpen(path, err)
	}
	defer f.Close()
	info, err := uapi.GetChipInfo(f.Fd())
	if err != nil {
		return chip{}, fmt.Errorf("%s is no GPIO chip: %w", path, err)
	}
	c := chip{path: path, name: filepath.Base(path), label: uapi.BytesToString(info.Label[:])}
	for n := range min(int(info.Lines), linesMax) {
		l, err := uapi.GetLineInfoV2(f.Fd(), n)
		if err != nil {
			return chip{}, fmt.Errorf("%s: line %d cannot be looked at (the kernel must be 5.10 or newer): %w", path, n,
				err)
		}
		c.lines = append(c.lines, uapi.BytesToString(l.Name[:]))
	}
	return c, nil
}

func cannotOpen(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf(
			"%s may not be opened: add kioskd's user to the group gpio, or allow the device in its unit "+
				"(DeviceAllow=%s rw): %w", path, path, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%s is gone: check the chip's connection: %w", path, err)
	}
	return fmt.Errorf("%s cannot be opened: %w", path, err)
}

func (d devices) request(at spot, s setup) (line, error) {
	f, err := os.OpenFile(at.path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot be had: %w", cannotOpen(at.path, err))
	}
	defer f.Close()
	r := uapi.LineRequest{Lines: 1, Config: s.config(), EventBufferSize: queueMax}
	r.Offsets[0] = uint32(at.line)
	copy(r.Consumer[:], consumer)
	if err := uapi.GetLine(f.Fd(), &r); err != nil {
		return nil, refused(f, at, err)
	}
	unix.CloseOnExec(int(r.Fd))
	// Without blocking, the file belongs to Go's poller: waiting for an edge costs no thread, and its end has a
	// deadline.
	if err := unix.SetNonblock(int(r.Fd), true); err != nil {
		return nil, errors.Join(err, unix.Close(int(r.Fd)))
	}
	l := requested{os.NewFile(uintptr(r.Fd), at.String())}
	if err := l.f.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("its edges cannot be waited for: %w", err), l.f.Close())
	}
	return l, nil
}

// refused says why the kernel did not give us a line.
func refused(f *os.File, at spot, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		by := "another program or a device tree overlay"
		if info, e := uapi.GetLineInfoV2(f.Fd(), at.line); e == nil && info.Consumer[0] != 0 {
			by = fmt.Sprintf("%q", uapi.BytesToString(info.Consumer[:]))
		}
		return fmt.Errorf(
			"is in use by %s: stop that (a running kioskd: systemctl stop kioskd), or wire the part to another pin: %w",
			by, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("may not be used: the kernel keeps it for itself: wire the part to another pin: %w", err)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("is gone: check the chip's connection: %w", err)
	}
	return fmt.Errorf("cannot be requested: %w", err)
}

// requested is a line that the kernel gave us.
type requested struct{ f *os.File }

func (r requested) file() *os.File { return r.f }

// do calls f with the line's descriptor, also while somebody waits for an edge.
func (r requested) do(f func(fd uintptr) error) error {
	c, err := r.f.SyscallConn()
	if err != nil {
		return err
	}
	return errors.Join(c.Control(func(fd uintptr) { err = f(fd) }), err)
}

func (r requested) configure(s setup) error {
	c := s.config()
	return r.do(func(fd uintptr) error { return uapi.SetLineConfigV2(fd, &c) })
}

func (r requested) set(high bool) error {
	v := uapi.LineValues{Mask: 1}
	if high {
		v.Bits = 1
	}
	return r.do(func(fd uintptr) error { return uapi.SetLineValuesV2(fd, v) })
}

func (r requested) get() (bool, error) {
	v := uapi.LineValues{Mask: 1}
	err := r.do(func(fd uintptr) error { return uapi.GetLineValuesV2(fd, &v) })
	return v.Bits&1 != 0, err
}

func (requested) now() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano()), err
}
