package serialport

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// These stories are what an operator or a technician would suffer from a small mistake in this package.

// TestATerminalProgramCannotJoinIn: a technician who starts one would read half of what the board says. Root gets
// past it, so that it is the port that is asked.
func TestATerminalProgramCannotJoinIn(t *testing.T) {
	p := cable(t)
	before, err := os.OpenFile(p.Name, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = before.Close() })
	alone := func() bool {
		yes, err := unix.IoctlGetInt(int(before.Fd()), unix.TIOCGEXCL)
		if err != nil {
			t.Fatal(err)
		}
		return yes != 0
	}
	if alone() {
		t.Fatal("a port that nobody has opened is somebody's")
	}
	l := opened(t, p.Name)
	if !alone() {
		t.Error("others may open the port")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if alone() {
		t.Error("the port that was let go is still somebody's")
	}
}

// TestTheKernelsWordsAreSaidWithTheRemedy, also those that root never hears.
func TestTheKernelsWordsAreSaidWithTheRemedy(t *testing.T) {
	for kernel, c := range map[error]struct {
		is     error
		remedy string
	}{
		unix.ENOENT: {os.ErrNotExist, "is it plugged in?"},
		unix.EACCES: {os.ErrPermission, "group dialout"},
		unix.EBUSY:  {ErrInUse, "another program: end it"},
		unix.EIO:    {unix.EIO, "/dev/ttyUSB0"},
	} {
		err := explain("/dev/ttyUSB0", &os.PathError{Op: "open", Path: "/dev/ttyUSB0", Err: kernel})
		taken := errors.Is(err, ErrInUse)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.remedy) || taken != (c.is == ErrInUse) {
			t.Errorf("%v is said as: %v", kernel, err)
		}
	}
}

// TestAnAdapterThatIsPulledIsCalledSo in whatever way the kernel says it, and not a machine that is slow.
func TestAnAdapterThatIsPulledIsCalledSo(t *testing.T) {
	for _, kernel := range []error{unix.EIO, unix.ENXIO, unix.ENODEV} {
		if n, err := (&line{}).end(3, nil, kernel, "read"); n != 3 || !errors.Is(err, ErrUnplugged) {
			t.Errorf("%v is said as: %v", kernel, err)
		}
	}
	if _, err := (&line{}).end(0, nil, unix.EINVAL, "read"); errors.Is(err, ErrUnplugged) {
		t.Errorf("a mistake of ours is said as: %v", err)
	}
	p := cable(t)
	l := opened(t, p.Name)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Write([]byte{1}); !errors.Is(err, ErrUnplugged) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a Write: %v", err)
	}
}

// TestTwoNamesOfOneThingAreOneAndTwoThingsAreTwo: a config with one port for two machines is refused, and no other.
func TestTwoNamesOfOneThingAreOneAndTwoThingsAreTwo(t *testing.T) {
	dir := t.TempDir()
	a, b, link := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "link")
	for _, name := range []string{a, b} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(a, link); err != nil {
		t.Fatal(err)
	}
	if !Same(a, link) {
		t.Error("two names of a file are two")
	}
	if Same(a, b) {
		t.Error("two files are one")
	}
	if Same("/proc", "/sys") { // the first of all files on each of two file systems: both have the number 1
		t.Error("two files on two file systems are one")
	}
}

// TestASingleByteIsRead, and of no room nothing is made.
func TestASingleByteIsRead(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	if _, err := p.Write([]byte{7}); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(nil); n != 0 || err != nil {
		t.Errorf("without room %d bytes are read (%v)", n, err)
	}
	b := make([]byte, 1)
	if n, err := l.Read(b); n != 1 || err != nil || b[0] != 7 {
		t.Errorf("%d bytes are read: %x (%v)", n, b, err)
	}
}

// TestALineWhoseSessionEndedIsLetGo: its port is locked, and nobody could open it again before the program ends.
func TestALineWhoseSessionEndedIsLetGo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := cable(t)
	opens := 0
	Keep(ctx, func() (io.ReadWriteCloser, error) {
		if opens++; opens == 2 {
			defer cancel()
		}
		l, err := Open(p.Name, 57600)
		if err != nil {
			t.Errorf("the %d. time: %v", opens, err)
		}
		return l, err
	}, func(context.Context, io.ReadWriteCloser) error { return errors.New("the machine makes no sense") },
		func(error) {})
	if opens != 2 {
		t.Errorf("opened %d times", opens)
	}
}

// TestAPatternThatNothingMatchesIsNamed, so that the technician sees what was looked for.
func TestAPatternThatNothingMatchesIsNamed(t *testing.T) {
	pattern := filepath.Join(t.TempDir(), "ttyUSB*")
	if _, err := Open(pattern, 57600); err == nil || !strings.Contains(err.Error(), "no port matches "+pattern) {
		t.Error(err)
	}
}
