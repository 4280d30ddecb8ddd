package display

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"sync"
)

// PNG is the driver whose display is a file: a picture that other programs show, a browser or a digital sign. Its file
// is replaced whole, so that nobody reads half a picture, and only when the picture changes. It may be used by several
// goroutines at once.
type PNG struct {
	file string

	mu      sync.Mutex
	painter *Painter
	shown   *image.Paletted // what is in the file; nil: not known
}

// NewPNG makes a driver that writes to file, in a directory that is there. Its sizes are NewPainter's. Nothing is
// written before the first Show.
func NewPNG(file string, width, height int) (*PNG, error) {
	p, err := NewPainter(width, height)
	if err != nil {
		return nil, err
	}
	return &PNG{file: file, painter: p}, nil
}

// Show writes a screen's picture unless it is in the file already. It fails when the file cannot be written, or the QR
// code is none, and leaves the earlier picture standing.
func (d *PNG) Show(s Screen) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	picture, err := d.painter.Paint(s)
	if err != nil {
		return err
	}
	if d.shown != nil && bytes.Equal(d.shown.Pix, picture.Pix) {
		return nil
	}
	d.shown = nil
	if err := replace(d.file, picture); err != nil {
		return fmt.Errorf("display: png: %w", err)
	}
	d.shown = picture
	return nil
}

// Close leaves the last picture standing.
func (d *PNG) Close() error { return nil }

// replace writes a picture beside the file, and puts it in its place. It is not synced: after a power cut the next
// start draws anew.
func replace(file string, picture *image.Paletted) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, picture)
	if e := f.Chmod(0o644); err == nil { // for the program that shows it
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says what is wrong
	}
	return err
}
