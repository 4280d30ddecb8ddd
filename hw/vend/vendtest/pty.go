// Package vendtest has the machines at the other end of a serial line, as honest and as faulty as real ones.
//
// They share no code with the drivers that talk to them: a mistake in a protocol must not be made twice alike.
package vendtest

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Pty is a cable with a real serial port of the kernel's at its other end. Reading and writing it is being the machine;
// closing it pulls the plug.
type Pty struct {
	*os.File
	Name string // of the port that a driver opens

	held *os.File // keeps the port there while no driver has it open
}

// OpenPty makes a cable with a port.
func OpenPty() (*Pty, error) {
	f, err := os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("vendtest: no pty: %w", err)
	}
	p := &Pty{File: f}
	raw, err := f.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) {
			var n uint32
			if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed != nil {
				return
			}
			n, failed = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
			p.Name = fmt.Sprintf("/dev/pts/%d", n)
		})
		err = errors.Join(err, failed)
	}
	if err == nil {
		p.held, err = os.OpenFile(p.Name, unix.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil {
		_, err = term.MakeRaw(int(p.held.Fd())) // a port that nobody has opened yet must not echo
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("vendtest: no pty: %w", err), p.Close())
	}
	return p, nil
}

// Close pulls the plug: whoever has the port open finds it gone.
func (p *Pty) Close() error {
	err := p.File.Close()
	if p.held != nil {
		err = errors.Join(err, p.held.Close())
	}
	return err
}
