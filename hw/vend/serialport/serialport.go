// Package serialport opens serial lines that can be lost and found again.
//
// A line is 8N1 without flow control, raw in both directions, and one program's alone. Reading waits as long as it
// must; an unplugged cable, which the kernel shows as an endless "nothing", is ErrUnplugged; Close ends whatever waits.
//
// # The name of a port
//
// A USB adapter that is pulled and plugged in while its port is open comes back under another name: ttyUSB0 as ttyUSB1.
// So name it by what it is, /dev/serial/by-id/usb-FTDI_…-port0, or by where it is plugged in, /dev/serial/by-path/…,
// which udev keeps right; or give a pattern like /dev/ttyUSB*, of which exactly one port may be there. The Pi's own
// port is /dev/serial0; take the login from it (raspi-config, "Serial Port") before anything else uses it.
//
// # Exclusive use
//
// The port is locked with flock(2) on the device itself: it goes with the process, however that ends, holds for every
// name of the same device, and needs no folder that must be there and writable as a lock file in /run/lock does.
// Terminal programs that know how to behave ask for the same lock. TIOCEXCL is set besides for those that do not; root
// gets past it.
package serialport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// ErrUnplugged is in the error of a Read or Write when the port is gone. Only a new Open can help.
var ErrUnplugged = errors.New("the port is gone: is its cable pulled?")

// ErrInUse is in the error of an Open whose port somebody has: another program, or this one under another name.
var ErrInUse = errors.New("is used by another program: end it")

const (
	// vtime is tarm's shortest read timeout. A Read is made only when there is something to read, so it should never be
	// waited for; with no timeout at all a Read that finds nothing would hang in the kernel, out of Close's reach.
	vtime = 100 * time.Millisecond

	// writePatience is how long a port may take to accept bytes: at 9600 baud a second is a thousand of them, and no
	// frame has more than three hundred.
	writePatience = time.Second

	// chunkMax is what is written at a time: what a port that is ready takes without blocking.
	chunkMax = 64
)

// line is an open port. Tarm's port reads and writes; it hides its file, so that a second file of the same port, which
// holds the lock, waits for both and sees the hang-up.
type line struct {
	port  *serial.Port
	guard *os.File
	wait  syscall.RawConn

	closed atomic.Bool
}

// Open opens a serial port: a path, or a pattern that one path matches. The baud rate is one of Linux's, 50 to 4000000.
// Read and Write may be called from two goroutines, Close from a third. What arrived before is thrown away.
func Open(device string, baud int) (io.ReadWriteCloser, error) {
	path, err := find(device)
	if err != nil {
		return nil, err
	}
	guard, err := os.OpenFile(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain(path, err)
	}
	l := &line{guard: guard}
	if l.wait, err = guard.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("serialport: %s: %w", path, err), guard.Close())
	}
	if err := l.open(path, baud); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *line) open(path string, baud int) error {
	if err := l.control(func(fd int) error {
		_,
			err := unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	}); err != nil {
		return fmt.Errorf("serialport: %s is no serial port: %w", path, err)
	}
	if err := l.control(func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return fmt.Errorf("serialport: %s %w: %w", path, ErrInUse, err)
	}
	port, err := serial.OpenPort(&serial.Config{Name: path, Baud: baud, ReadTimeout: vtime})
	if err != nil {
		return explain(path, err)
	}
	l.port = port
	// Only now: the port that has it is opened no more, not even by us.
	if err := l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) }); err != nil {
		return fmt.Errorf("serialport: %s cannot be had alone: %w", path, err)
	}
	if err := l.port.Flush(); err != nil {
		return explain(path, err)
	}
	return nil
}

// find answers the one path that a name or pattern stands for.
func find(device string) (string, error) {
	if !strings.ContainsAny(device, "*?[") {
		return device, nil
	}
	paths, err := filepath.Glob(device)
	switch {
	case err != nil:
		return "", fmt.Errorf("serialport: %s: %w", device, err)
	case len(paths) == 0:
		return "", fmt.Errorf("serialport: no port matches %s: is it plugged in?: %w", device, os.ErrNotExist)
	case len(paths) > 1:
		return "", fmt.Errorf("serialport: %d ports match %s: name the one, see /dev/serial/by-id", len(paths), device)
	}
	return paths[0], nil
}

// Same reports whether two names, or patterns that one path matches each, lead to one device. It opens none.
func Same(a, b string) bool {
	var device [2]unix.Stat_t
	for n, name := range []string{a, b} {
		path, err := find(name)
		if err != nil || unix.Stat(path, &device[n]) != nil {
			return false
		}
	}
	if device[0].Mode&unix.S_IFMT == unix.S_IFCHR {
		return device[1].Mode&unix.S_IFMT == unix.S_IFCHR && device[0].Rdev == device[1].Rdev
	}
	return device[0].Dev == device[1].Dev && device[0].Ino == device[1].Ino
}

func explain(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("serialport: %s is not there: is it plugged in?: %w", path, os.ErrNotExist)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("serialport: %s: add kioskd's user to the group dialout: %w", path, os.ErrPermission)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("serialport: %s %w: %w", path, ErrInUse, unix.EBUSY)
	}
	return fmt.Errorf("serialport: %s: %w", path, err)
}

// control asks the kernel something about the port.
func (l *line) control(f func(fd int) error) error {
	var failed error
	if err := l.wait.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// ready asks without waiting what a port is ready for. Gone is a hang-up: then it is ready for everything, and gives
// nothing.
func ready(fd uintptr, events int16) (now, gone bool) {
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		if _, err := unix.Poll(p, 0); !errors.Is(err, unix.EINTR) {
			return p[0].Revents&events != 0, p[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 || err != nil
		}
	}
}

// Read waits for at least one byte.
func (l *line) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	waited := l.wait.Read(func(fd uintptr) bool {
		some, gone := ready(fd, unix.POLLIN)
		if some {
			n, err = l.port.Read(b)
		}
		switch {
		case n > 0:
			err = nil
			return true
		case gone:
			err = ErrUnplugged
			return true
		}
		if errors.Is(err, io.EOF) { // tarm's word for its timeout
			err = nil
		}
		return err != nil
	})
	return l.end(n, waited, err, "read")
}

// Write waits until the port has taken all bytes.
func (l *line) Write(b []byte) (n int, err error) {
	if err := l.guard.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return l.end(0, err, nil, "write")
	}
	waited := l.wait.Write(func(fd uintptr) bool {
		for n < len(b) && err == nil {
			room, gone := ready(fd, unix.POLLOUT)
			if gone {
				err = ErrUnplugged
				return true
			}
			if !room {
				return false
			}
			var k int
			k, err = l.port.Write(b[n:min(len(b), n+chunkMax)])
			n += k
		}
		return true
	})
	return l.end(n, waited, err, "write")
}

func (l *line) end(n int, waited, err error, what string) (int, error) {
	if err = errors.Join(waited, err); err == nil {
		return n, nil
	}
	if l.closed.Load() { // of which a raw connection says only "use of closed file"
		err = os.ErrClosed
	} else if errors.Is(err, unix.EIO) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV) {
		err = ErrUnplugged
	}
	return n, fmt.Errorf("serialport: %s: %w", what, err)
}

// Close lets the port go, once; whoever waits in Read or Write gets an error that is os.ErrClosed.
func (l *line) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	_ = l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) }) // one that is gone needs none
	err := l.guard.Close()
	if l.port != nil {
		err = errors.Join(err, l.port.Close())
	}
	return err
}
