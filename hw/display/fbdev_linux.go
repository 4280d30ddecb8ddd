package display

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/fb.h and linux/kd.h; package unix has none of them.
const (
	fbioGetVScreenInfo = 0x4600
	fbioGetFScreenInfo = 0x4602
	fbioBlank          = 0x4611
	blankOff           = 0 // FB_BLANK_UNBLANK
	blankOn            = 4 // FB_BLANK_POWERDOWN
	kdSetMode          = 0x4b3a
	kdText             = 0
	kdGraphics         = 1

	visualTrueColor, visualDirectColor = 2, 4
)

// fbField is struct fb_bitfield.
type fbField struct{ Offset, Length, Right uint32 }

// fbVar is struct fb_var_screeninfo.
type fbVar struct {
	X, Y, XVirtual, YVirtual, XOffset, YOffset uint32
	Bits, Grey                                 uint32
	Red, Green, Blue, Alpha                    fbField
	NonStandard, Activate, HeightMM, WidthMM   uint32
	Accel                                      uint32
	Timings                                    [9]uint32
	Rotate, ColourSpace                        uint32
	Reserved                                   [4]uint32
}

// fbFix is struct fb_fix_screeninfo.
type fbFix struct {
	ID                                 [16]byte
	Start                              uintptr
	Len, Type, TypeAux, Visual         uint32
	XPan, YPan, YWrap                  uint16
	Line                               uint32
	MMIO                               uintptr
	MMIOLen, Accel                     uint32
	Capabilities, Reserved0, Reserved1 uint16
}

// fbdev is the kernel's framebuffer, and the console whose cursor would blink on it.
type fbdev struct {
	*os.File
	console *os.File // nil: none, or none that this process may hush
}

// consoleNow is the virtual terminal that is seen.
const consoleNow = "/dev/tty0"

// OpenFrame opens a framebuffer of the kernel, and stops the console that draws on it too, where this process may
// (CAP_SYS_TTY_CONFIG, or when it is its own terminal). Close lets the console draw again.
func OpenFrame(device string) (Frame, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%w: add kioskd's user to the group video", err)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: is the display connected, and its driver loaded (ls /dev/fb*)?", err)
	case err != nil:
		return nil, err
	}
	d := &fbdev{File: f}
	if _, err := d.Raster(); err != nil {
		_ = f.Close() // the first error says what is wrong
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	if tty, err := os.OpenFile(consoleNow, os.O_WRONLY|unix.O_NOCTTY, 0); err == nil {
		if err := control(tty, kdSetMode, kdGraphics); err == nil {
			d.console = tty
		} else {
			_ = tty.Close()
		}
	}
	return d, nil
}

func (d *fbdev) Raster() (Raster, error) {
	var v fbVar
	var f fbFix
	err := ask(d.File, fbioGetVScreenInfo, unsafe.Pointer(&v))
	if err == nil {
		err = ask(d.File, fbioGetFScreenInfo, unsafe.Pointer(&f))
	}
	if err != nil {
		return Raster{}, fmt.Errorf("this is no framebuffer, or it is gone: %w", err)
	}
	if v.Grey != 0 || f.Type != 0 || f.Visual != visualTrueColor && f.Visual != visualDirectColor {
		return Raster{},
			fmt.Errorf("its pixels have no colour of their own (type %d, visual %d, %d bits): set a mode of 16, 24 "+
				"or 32 bits", f.Type, f.Visual, v.Bits)
	}
	field := func(f fbField) Field { return Field{Offset: bounded(f.Offset), Length: bounded(f.Length)} }
	return Raster{
		Width: bounded(v.X), Height: bounded(v.Y), X: bounded(v.XOffset), Y: bounded(v.YOffset),
		Stride: bounded(f.Line), Bits: bounded(v.Bits),
		Size: bounded(f.Len), Red: field(v.Red), Green: field(v.Green), Blue: field(v.Blue), Alpha: field(v.Alpha),
	}, nil
}

// bounded is a number of the kernel's as an int of 32 bits, too.
func bounded(n uint32) int { return int(min(n, 1<<31-1)) }

func (d *fbdev) Blank(off bool) error {
	if off {
		return control(d.File, fbioBlank, blankOn)
	}
	return control(d.File, fbioBlank, blankOff)
}

func (d *fbdev) Close() error {
	if d.console != nil {
		_ = errors.Join(control(d.console, kdSetMode, kdText), d.console.Close())
	}
	return d.File.Close()
}

// control is an ioctl that takes a number.
func control(f *os.File, request, argument uintptr) error {
	return onFD(f, func(fd uintptr) error {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, fd, request, argument); e != 0 {
			return e
		}
		return nil
	})
}

// ask is an ioctl that fills what to points at.
func ask(f *os.File, request uintptr, to unsafe.Pointer) error {
	return onFD(f, func(fd uintptr) error {
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(to)); e != 0 {
			return e
		}
		return nil
	})
}

func onFD(f *os.File, do func(fd uintptr) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(fd) }); err != nil {
		return err
	}
	return failed
}
