package display

import (
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
)

// Frame is an open framebuffer. OpenFrame opens the kernel's; a test has its own, in memory.
type Frame interface {
	// Raster says how the pixels lie in memory now.
	Raster() (Raster, error)
	// WriteAt writes pixels at an offset from the memory's beginning, and fails at once when the display is gone.
	io.WriterAt
	// Blank switches the display's light off or on. Many displays cannot, which is an error that does not matter.
	Blank(off bool) error
	io.Closer
}

// FramebufferOptions say which framebuffer, and how to draw on it.
type FramebufferOptions struct {
	Device string // "/dev/fb0"
	// of the picture before it is turned, in pixels; 0: as large as the display
	Width, Height int
	Rotation      int                                // degrees clockwise that the picture is turned: 0, 90, 180 or 270
	Open          func(device string) (Frame, error) // OpenFrame, but in a test
}

// Framebuffer is the driver of a display that the Linux kernel gives as a framebuffer: 16, 24 or 32 bits a pixel in
// whichever order, any stride. It writes only what changed. It may be used by several goroutines at once.
//
// The pixels are written with write(2) and not through a memory map: a display that is pulled out is then an error from
// Show, and not a SIGBUS that ends the daemon in the middle of a sale.
type Framebuffer struct {
	o FramebufferOptions

	mu      sync.Mutex
	frame   Frame // nil: not open
	raster  Raster
	place   placement
	painter *Painter
	pixels  []byte          // the palette as the display has it, raster.Bits/8 bytes each
	shown   *image.Paletted // what is on the display; nil: not known
}

// NewFramebuffer makes a driver. It opens the display already, so that a mistake is told at the start; when that fails
// the driver is there all the same, and tries again at each Show.
func NewFramebuffer(o FramebufferOptions) (*Framebuffer, error) {
	d := &Framebuffer{o: o}
	if o.Rotation%90 != 0 || o.Rotation < 0 || o.Rotation > 270 {
		return nil, fmt.Errorf("display: a rotation of %d degrees: 0, 90, 180 and 270 are possible", o.Rotation)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d, d.ready()
}

// Show draws a screen. It fails when the framebuffer cannot be opened, described or written, or the QR code is none. A
// later Show opens the framebuffer again.
func (d *Framebuffer) Show(s Screen) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(); err != nil {
		return err
	}
	picture, err := d.painter.Paint(s)
	if err != nil {
		return err
	}
	for _, area := range Changes(d.shown, picture) {
		if err := d.write(picture, area); err != nil {
			return d.lost(err)
		}
	}
	d.shown = picture
	return nil
}

// Close makes the display dark and lets it go: nobody can be served any more.
func (d *Framebuffer) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frame == nil {
		return nil
	}
	err := d.clear()
	_ = d.frame.Blank(true) // where it cannot be done the display is black at least
	err = errors.Join(err, d.frame.Close())
	d.frame, d.shown = nil, nil
	if err != nil {
		return fmt.Errorf("display: framebuffer: %w", err)
	}
	return nil
}

// ready opens the framebuffer unless it is open, and looks whether it is still as it was: whoever else uses it may have
// set another mode.
func (d *Framebuffer) ready() error {
	if d.frame == nil {
		f, err := d.o.Open(d.o.Device)
		if err != nil {
			return fmt.Errorf("display: framebuffer: %w", err)
		}
		d.frame = f
		d.painter = nil
		_ = f.Blank(false) // a display that cannot be switched off is on
	}
	r, err := d.frame.Raster()
	if err != nil {
		return d.lost(err)
	}
	if d.painter != nil && r == d.raster {
		return nil
	}
	if err := r.check(); err != nil {
		return d.lost(err)
	}
	d.raster, d.shown = r, nil
	if d.place, err = layOut(r, d.o); err != nil {
		return d.lost(err)
	}
	if d.painter, err = NewPainter(d.place.picture.X, d.place.picture.Y); err != nil {
		return d.lost(err)
	}
	d.pixels = r.palette(d.painter.palette)
	if err := d.clear(); err != nil {
		return d.lost(err)
	}
	return nil
}

// lost lets a framebuffer go that does not work.
func (d *Framebuffer) lost(err error) error {
	_ = d.frame.Close() // the first error says what is wrong
	d.frame = nil
	return fmt.Errorf("display: framebuffer %s: %w", d.o.Device, err)
}

// clear makes all that can be seen black.
func (d *Framebuffer) clear() error {
	r := d.raster
	row := make([]byte, r.Width*r.bytes())
	for n := 0; n < len(row); n += r.bytes() {
		r.put(row[n:], r.value(black))
	}
	for y := range r.Height {
		if _, err := d.frame.WriteAt(row, r.offset(0, y)); err != nil {
			return err
		}
	}
	return nil
}

// write puts an area of the picture on the display, a row of the display at a time.
func (d *Framebuffer) write(picture *image.Paletted, area image.Rectangle) error {
	n := d.raster.bytes()
	to := d.place.turned(area)
	row := make([]byte, to.Dx()*n)
	for y := to.Min.Y; y < to.Max.Y; y++ {
		for x := to.Min.X; x < to.Max.X; x++ {
			from := d.place.source(x, y)
			index := int(picture.Pix[picture.PixOffset(from.X, from.Y)])
			copy(row[(x-to.Min.X)*n:][:n], d.pixels[index*n:])
		}
		if _, err := d.frame.WriteAt(row, d.raster.offset(d.place.at.X+to.Min.X, d.place.at.Y+y)); err != nil {
			return err
		}
	}
	return nil
}

// placement is where and how a picture lies on a display.
type placement struct {
	picture  image.Point // its size before it is turned
	turnedTo image.Point // its size on the display
	at       image.Point // its upper left corner on the display
	rotation int
}

// layOut puts a picture in the middle of a display.
func layOut(r Raster, o FramebufferOptions) (placement, error) {
	room := image.Pt(r.Width, r.Height)
	upright := room
	if o.Rotation%180 != 0 {
		upright = image.Pt(room.Y, room.X)
	}
	p := placement{picture: upright, rotation: o.Rotation}
	if o.Width != 0 {
		p.picture.X = o.Width
	}
	if o.Height != 0 {
		p.picture.Y = o.Height
	}
	if p.picture.X > upright.X || p.picture.Y > upright.Y {
		return p, fmt.Errorf(
			"a picture of %d by %d pixels on a display of %d by %d: leave width and height out for one that fits",
			p.picture.X, p.picture.Y, upright.X, upright.Y)
	}
	p.turnedTo = p.picture
	if o.Rotation%180 != 0 {
		p.turnedTo = image.Pt(p.picture.Y, p.picture.X)
	}
	p.at = room.Sub(p.turnedTo).Div(2)
	return p, nil
}

// source is the picture's pixel that stands at x, y of the turned picture.
func (p placement) source(x, y int) image.Point {
	switch p.rotation {
	case 90:
		return image.Pt(y, p.turnedTo.X-1-x)
	case 180:
		return image.Pt(p.turnedTo.X-1-x, p.turnedTo.Y-1-y)
	case 270:
		return image.Pt(p.turnedTo.Y-1-y, x)
	}
	return image.Pt(x, y)
}

// turned is where an area of the picture lies in the turned picture.
func (p placement) turned(a image.Rectangle) image.Rectangle {
	w, h := p.picture.X, p.picture.Y
	switch p.rotation {
	case 90:
		return image.Rect(h-a.Max.Y, a.Min.X, h-a.Min.Y, a.Max.X)
	case 180:
		return image.Rect(w-a.Max.X, h-a.Max.Y, w-a.Min.X, h-a.Min.Y)
	case 270:
		return image.Rect(a.Min.Y, w-a.Max.X, a.Max.Y, w-a.Min.X)
	}
	return a
}
