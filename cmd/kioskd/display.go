package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"kioskd/hw/display"
	"kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
	"kioskd/internal/app"
	"kioskd/internal/config"
)

// openDisplay makes the driver of the configured display. With an error there may be a driver all the same: it tries
// again at each picture, so a display that is connected later, or ready later than this program, works then.
func openDisplay(cfg config.Config) (app.Driver, error) {
	c := cfg.Display
	switch c.Driver {
	case "none":
		return display.None{}, nil
	case "png":
		return driver(display.NewPNG(c.Device, c.Width, c.Height))
	case "framebuffer":
		return driver(display.NewFramebuffer(display.FramebufferOptions{
			Device: c.Device, Width: c.Width, Height: c.Height, Rotation: c.Rotation, Open: display.OpenFrame,
		}))
	case "ssd1306":
		return driver(display.NewSSD1306(display.SSD1306Options{Bus: c.Device, Address: uint16(c.Address),
			Rotation: c.Rotation, Open: gpio.I2C}))
	case "epd":
		return driver(display.NewEPD(display.EPDOptions{
			Panel: c.Panel, Rotation: c.Rotation, Open: func() (display.EPDWires, error) { return epdWires(cfg) },
		}))
	}
	return openTerminal(c)
}

// driver is a driver, or none: a nil pointer in an interface would be one.
func driver[D interface {
	*T
	app.Driver
}, T any](d D, err error) (app.Driver, error) {
	if d == nil {
		return nil, err
	}
	return d, err
}

// openTerminal opens a terminal: the standard output, or the device (a tty) that the config names.
func openTerminal(c config.Display) (app.Driver, error) {
	out := os.Stdout
	if c.Device != "" {
		// a pipe that nobody reads must not hang the start
		f, err := os.OpenFile(c.Device, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("[display] device: %w", err)
		}
		out = f
	}
	o := display.TerminalOptions{Width: c.Width, Height: c.Height}
	onTerminal := term.IsTerminal(int(out.Fd()))
	o.Colour = os.Getenv("NO_COLOR") == "" && (onTerminal || os.Getenv("CLICOLOR_FORCE") != "")
	if w, h, err := term.GetSize(int(out.Fd())); err == nil {
		o.Width, o.Height = w, h
	}
	t := display.NewTerminal(out, o)
	if onTerminal {
		resized := make(chan os.Signal, 1)
		signal.Notify(resized, syscall.SIGWINCH)
		go func() { // as long as the process
			for range resized {
				if w, h, err := term.GetSize(int(out.Fd())); err == nil {
					_ = t.Resize(w, h) // a display that cannot be drawn on says so at the next Show
				}
			}
		}()
	}
	return t, nil
}

// missing is a display that could not be opened. The machine says so to technicians, and offers no sale.
type missing struct{ err error }

func (m missing) Show(display.Screen) error { return m.err }
func (m missing) Close() error              { return nil }

// epdWires claims what a panel of electronic paper hangs on: the kernel's port, and lines that no slot has.
func epdWires(cfg config.Config) (w display.EPDWires, err error) {
	c := cfg.Display
	port, err := gpio.SPI(c.Device)
	if err != nil {
		return w, err
	}
	var wires []hostpin.Wire
	for _, p := range cfg.Pins {
		wires = append(wires, hostpin.Wire{Pin: p.Name, ActiveLow: p.ActiveLow, Pull: p.Pull, Debounce: p.Debounce})
	}
	lines, err := hostpin.Open(cfg.GPIO.Chip, wires)
	if err != nil {
		return w, errors.Join(err, port.Close())
	}
	w = display.EPDWires{Port: port, Close: func() error { return errors.Join(lines.Close(), port.Close()) }}
	dc, e1 := lines.Pin(c.DC)
	reset, e2 := lines.Pin(c.Reset)
	busy, e3 := lines.Pin(c.Busy)
	if err := errors.Join(e1, e2, e3); err != nil {
		return w, errors.Join(err, w.Close())
	}
	w.DC, w.Reset, w.Busy = dc, reset, busy
	return w, nil
}
