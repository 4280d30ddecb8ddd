// Package printer prints lines of text on a receipt printer that understands ESC/POS, as Epson's do and most others.
//
// The printer is on a serial line, or a USB printer of the kernel's usblp driver ("/dev/usb/lp0"). It is opened for
// each piece of paper and let go after it, so that one which was pulled and plugged in again is found by the next.
// Before a piece it is asked whether it has paper, and after it whether it has printed: a printer that answers nothing,
// as some do on USB, is given the bytes all the same, and nobody knows what became of them.
//
// Nothing here waits for ever: a printer that takes no bytes, and a device that hangs in the kernel, are given up.
package printer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"kioskd/hw/vend/serialport"
)

// Why nothing was printed, or not all. Each says what helps; errors.Is finds them.
var (
	ErrPaperOut = errors.New("has no paper: put in a new roll")
	ErrCover    = errors.New("has its cover open: close it")
	ErrFault    = errors.New("reports an error: look at its cutter and head, then switch it off and on")
	ErrGone     = errors.New("is not there: is it plugged in and switched on?")
	ErrStuck    = errors.New("takes nothing: is it on-line, and are the cable and the baud rate right?")
	ErrInUse    = errors.New("is used by another program, such as CUPS: end it")
	ErrDenied   = errors.New("may not be used: add kioskd's user to the group lp, or dialout for a serial port")
)

const (
	// Patience is how long a piece of paper may take, from the opening on: at 1200 baud a long receipt needs ten
	// seconds, and the paper three.
	Patience = 20 * time.Second
	// CheckPatience is the same for a look at the printer.
	CheckPatience = 5 * time.Second

	statusWithin = time.Second     // a status comes at once, whatever the printer does
	finishWithin = 5 * time.Second // so long a printer that is well may keep from saying that it has printed
	lingerFor    = 2 * time.Second // usblp throws away what is on its way when it is closed
	closeWithin  = time.Second     // so long what was given up may take to end
	linesMax     = 200             // of one piece of paper: 85 cm
)

// Config is a printer.
type Config struct {
	Device   string                             // its name, for people
	Open     func() (io.ReadWriteCloser, error) // Close must end a Read and a Write that wait
	CodePage string                             // one of CodePages
}

// Printer is such a printer. Its methods may be called from any goroutine; one at a time has the device, and another is
// ErrStuck.
type Printer struct {
	cfg  Config
	page page
	busy chan struct{} // held by who has the device, also after it was given up
}

// New makes a printer of a config. It opens nothing.
func New(c Config) (*Printer, error) {
	page, err := pageOf(c.CodePage)
	if err != nil {
		return nil, err
	}
	return &Printer{cfg: c, page: page, busy: make(chan struct{}, 1)}, nil
}

// OpenUSB opens a printer of the kernel's usblp driver: its character device.
func OpenUSB(path string) (io.ReadWriteCloser, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode()&os.ModeCharDevice == 0 {
		err = fmt.Errorf("%s is no printer's device", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Print prints lines, feeds and cuts. An error means that the paper may have none of them, or the first ones; it takes
// at most a little longer than Patience. A line that is wider than the paper is broken by the printer.
func (p *Printer) Print(ctx context.Context, lines []string) error {
	return p.session(ctx, Patience, func(t *talk) error {
		if err := t.well(); err != nil {
			return err
		}
		for _, piece := range p.commands(lines[:min(len(lines), linesMax)]) {
			if err := t.write(piece); err != nil {
				return err
			}
		}
		return t.finish()
	})
}

// Check asks how the printer is and prints nothing; nil: well, or it does not say.
func (p *Printer) Check(ctx context.Context) error {
	return p.session(ctx, CheckPatience, (*talk).well)
}

// session opens the device, talks, and lets it go, all within so much time.
func (p *Printer) session(ctx context.Context, patience time.Duration, say func(*talk) error) error {
	select {
	case p.busy <- struct{}{}:
	default:
		return p.explain(ErrStuck)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := p.talk(ctx, say)
		<-p.busy // before it is told: who hears of it may begin the next
		ended <- err
	}()
	select {
	case err := <-ended:
		return p.explain(err)
	case <-ctx.Done():
	}
	late := time.NewTimer(closeWithin)
	defer late.Stop()
	select {
	case err := <-ended:
		return p.explain(err)
	case <-late.C:
		return p.explain(ErrStuck)
	}
}

// talk is a session on an open device. That ctx has ended shows as a device that is closed.
func (p *Printer) talk(ctx context.Context, say func(*talk) error) error {
	device, err := p.cfg.Open()
	if err != nil {
		return err
	}
	closed := sync.OnceValue(device.Close)
	defer func() { _ = closed() }()
	defer context.AfterFunc(ctx, func() { _ = closed() })()
	t := &talk{ctx: ctx, device: device, states: make(chan byte, 16), printed: make(chan struct{}, 1)}
	go t.listen()
	if err = say(t); err != nil && ctx.Err() != nil {
		err = ErrStuck
	}
	return err
}

// explain names the printer, and says what helps where the kernel only says what it sees.
func (p *Printer) explain(err error) error {
	if err == nil {
		return nil
	}
	is := func(all ...error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case is(ErrPaperOut, ErrCover, ErrFault, ErrStuck):
	case is(os.ErrNotExist, serialport.ErrUnplugged, syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESHUTDOWN,
		syscall.EPROTO):
		err = fmt.Errorf("%w (%w)", ErrGone, err)
	case is(syscall.EBUSY, serialport.ErrInUse):
		err = fmt.Errorf("%w (%w)", ErrInUse, err)
	case is(os.ErrPermission):
		err = fmt.Errorf("%w (%w)", ErrDenied, err)
	case is(syscall.ENOSPC): // what usblp says for it
		err = fmt.Errorf("%w (%w)", ErrPaperOut, err)
	case is(os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w (%w)", ErrStuck, err)
	default:
		err = fmt.Errorf("fails: %w", err)
	}
	return fmt.Errorf("the printer at %s %w", p.cfg.Device, err)
}
