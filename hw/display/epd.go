package display

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/spi"
)

const (
	// epdRest is the least time between two refreshes: the charged particles need it, or the picture gets pale.
	epdRest = time.Second
	// epdBusyMax is longer than any refresh takes, in the cold as well, and with epdRest below what the kiosk waits for
	// a picture.
	epdBusyMax = 7 * time.Second
	// epdStep is how the countdown moves on a panel that can refresh a part: anything finer would flicker without end.
	epdStep = 15 * time.Second
	// epdPartsMax is after how many refreshes of a part the whole is refreshed: each of them leaves a shadow.
	epdPartsMax = 10
)

// EPDPanels are the panels that EPD can drive.
func EPDPanels() []string { return []string{"waveshare2in13v2", "waveshare2in13v4"} }

// EPDWires are what a panel hangs on. High is the voltage, on Busy too.
type EPDWires struct {
	Port      spi.Port // the kernel drives its chip select
	DC, Reset gpio.PinOut
	Busy      gpio.PinIn
	Close     func() error
}

// EPDOptions say which panel, and how it hangs.
type EPDOptions struct {
	Panel    string                   // of EPDPanels
	Rotation int                      // 0: lying, as the words on the board do; 180: upside down
	Open     func() (EPDWires, error) // claims the wires
}

// EPD is the driver of a panel of electronic paper. It may be used by several goroutines at once.
//
// Such a panel takes seconds for a picture and flickers meanwhile, so it is refreshed only when something changed, at
// most once in epdRest, and sleeps between. Another kind of screen refreshes the whole panel. Within one the panel
// refreshes without flicker, if it can, and then a countdown moves in steps of epdStep, rounded down: a customer has
// rather more time than is shown. If it cannot, no countdown is shown.
//
// A panel answers nothing but that it is busy. One that never is, is not there; one that always is, is broken. Both are
// errors from Show.
type EPD struct {
	o EPDOptions

	mu      sync.Mutex
	painter *Painter
	wires   EPDWires
	panel   epdPanel // nil: not open
	busy    *patient
	kind    Kind            // of what is on the panel
	shown   *image.Paletted // what is on the panel; nil: not known
	parts   int             // refreshes of a part since the last of the whole
	rested  <-chan time.Time
}

// epdPanel is a panel's driver.
type epdPanel interface {
	Init() error
	Draw(image.Rectangle, image.Image, image.Point) error
	Sleep() error
}

// gentlePanel is one that can refresh without flicker.
type gentlePanel interface{ gentle(bool) error }

// NewEPD makes a driver. It claims the wires already, so that a mistake is told at the start; when that fails the
// driver is there all the same, and tries again at each Show.
func NewEPD(o EPDOptions) (*EPD, error) {
	if !slices.Contains(EPDPanels(), o.Panel) {
		return nil, fmt.Errorf("display: epd: no panel is called %.40q: there are %q", o.Panel, EPDPanels())
	}
	if o.Rotation != 0 && o.Rotation != 180 {
		return nil, fmt.Errorf(
			"display: epd: a rotation of %d degrees: 0 and 180 are possible, upright it is too narrow for a QR code",
			o.Rotation)
	}
	p, err := NewPaperPainter(epdWidth, epdHeight)
	if err != nil {
		return nil, err
	}
	rested := make(chan time.Time)
	close(rested)
	d := &EPD{o: o, painter: p, rested: rested}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d, d.ready()
}

// Show draws a screen, which takes some seconds. It fails when a wire does, when the panel does not react or does not
// end, or the QR code is none. A later Show begins anew.
func (d *EPD) Show(s Screen) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(); err != nil {
		return err
	}
	gentle, canGentle := d.panel.(gentlePanel)
	s.Remaining -= s.Remaining % epdStep
	if !canGentle {
		s.Remaining = 0
	}
	picture, err := d.painter.Paint(s)
	if err != nil {
		return err
	}
	if d.shown != nil && Changes(d.shown, picture) == nil {
		return nil
	}
	whole := !canGentle || d.shown == nil || s.Kind != d.kind || d.parts >= epdPartsMax
	if err := d.refresh(picture, gentle, whole); err != nil {
		return d.lost(err)
	}
	d.shown, d.kind = picture, s.Kind
	if d.parts++; whole {
		d.parts = 0
	}
	return nil
}

// Close makes the paper white, since it would show its last picture for ever, and lets the wires go.
func (d *EPD) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panel == nil {
		return nil
	}
	gentle, _ := d.panel.(gentlePanel)
	err := d.refresh(image.NewPaletted(d.painter.bounds, d.painter.palette), gentle, true)
	err = errors.Join(err, d.wires.Close())
	d.panel, d.shown = nil, nil
	if err != nil {
		return fmt.Errorf("display: epd: %w", err)
	}
	return nil
}

// refresh wakes the panel, gives it a picture, and lets it sleep.
func (d *EPD) refresh(picture *image.Paletted, gentle gentlePanel, whole bool) error {
	<-d.rested
	d.busy.begin()
	err := d.panel.Init()
	if err == nil && gentle != nil {
		err = gentle.gentle(!whole)
	}
	if err == nil {
		err = d.panel.Draw(picture.Rect, picture, image.Point{})
	}
	if err == nil {
		err = d.busy.verdict()
	}
	if err == nil {
		err = d.panel.Sleep()
	}
	d.rested = time.After(epdRest)
	return err
}

func (d *EPD) ready() error {
	if d.panel != nil {
		return nil
	}
	w, err := d.o.Open()
	if err != nil {
		return fmt.Errorf("display: epd: %w", err)
	}
	d.wires, d.busy = w, &patient{PinIn: w.Busy}
	if d.panel, err = newEPDPanel(d.o, w, d.busy); err != nil {
		return d.lost(err)
	}
	return nil
}

// lost lets a panel go that does not work.
func (d *EPD) lost(err error) error {
	_ = d.wires.Close() // the first error says what is wrong
	d.panel, d.shown = nil, nil
	return fmt.Errorf("display: epd %s: %w", d.o.Panel, err)
}
