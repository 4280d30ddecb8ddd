package display

import (
	"errors"
	"fmt"
	"image"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/devices/v3/ssd1306"
)

// The SSD1306's only size that holds a QR code, in pixels.
const ssd1306Width, ssd1306Height = 128, 64

// ssd1306Address is the one that periph's driver speaks to; a panel with its jumper moved is at the next.
const ssd1306Address = 0x3c

// SSD1306Options say which panel, and how it hangs.
type SSD1306Options struct {
	Bus      string                                  // as Open takes it: "/dev/i2c-1"
	Address  uint16                                  // 0x3c, or 0x3d; 0 is 0x3c
	Rotation int                                     // 0, or 180 for a panel that hangs upside down
	Open     func(bus string) (i2c.BusCloser, error) // gpio.I2C, but in a test
}

// SSD1306 is the driver of an OLED panel of 128 by 64 pixels on an I²C bus. It sends only what changed. It may be used
// by several goroutines at once.
type SSD1306 struct {
	o SSD1306Options

	mu      sync.Mutex
	painter *Painter
	bus     i2c.BusCloser // nil: not open
	panel   *ssd1306.Dev
}

// NewSSD1306 makes a driver. It opens the panel already, so that a mistake is told at the start; when that fails the
// driver is there all the same, and tries again at each Show.
func NewSSD1306(o SSD1306Options) (*SSD1306, error) {
	if o.Rotation != 0 && o.Rotation != 180 {
		return nil, fmt.Errorf(
			"display: ssd1306: a rotation of %d degrees: 0 and 180 are possible, upright it is too narrow for a QR code", o.Rotation)
	}
	if o.Address == 0 {
		o.Address = ssd1306Address
	}
	p, err := NewPainter(ssd1306Width, ssd1306Height)
	if err != nil {
		return nil, err
	}
	d := &SSD1306{o: o, painter: p}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d, d.ready()
}

// Show draws a screen. It fails when the panel does not answer, or the QR code is none. A later Show opens the bus
// again and sets the panel up anew.
func (d *SSD1306) Show(s Screen) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	picture, err := d.painter.Paint(s)
	if err != nil {
		return err
	}
	if err := d.ready(); err != nil {
		return err
	}
	if err := d.panel.Draw(picture.Rect, picture, image.Point{}); err != nil {
		return d.lost(err)
	}
	return nil
}

// Close switches the panel off: nobody can be served any more.
func (d *SSD1306) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panel == nil {
		return nil
	}
	err := errors.Join(d.panel.Halt(), d.bus.Close())
	d.panel, d.bus = nil, nil
	if err != nil {
		return fmt.Errorf("display: ssd1306: %w", err)
	}
	return nil
}

func (d *SSD1306) ready() error {
	if d.panel != nil {
		return nil
	}
	bus, err := d.o.Open(d.o.Bus)
	if err != nil {
		return fmt.Errorf("display: ssd1306: %w", err)
	}
	d.bus = bus
	o := ssd1306.Opts{W: ssd1306Width, H: ssd1306Height, MirrorVertical: d.o.Rotation == 180,
		MirrorHorizontal: d.o.Rotation == 180}
	if d.panel, err = ssd1306.NewI2C(readdressed{bus, d.o.Address}, &o); err != nil {
		return d.lost(err)
	}
	return nil
}

// lost lets a panel go that does not work.
func (d *SSD1306) lost(err error) error {
	_ = d.bus.Close() // the first error says what is wrong
	d.panel, d.bus = nil, nil
	return fmt.Errorf("display: ssd1306 at %#x of %s: is it connected, and is this its address (i2cdetect -y)? %w",
		d.o.Address, d.o.Bus, err)
}

// readdressed is a bus on which periph's driver finds the panel at another address than its own.
type readdressed struct {
	i2c.Bus
	address uint16
}

func (b readdressed) Tx(_ uint16, w, r []byte) error { return b.Bus.Tx(b.address, w, r) }
