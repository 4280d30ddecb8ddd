package display

import (
	"errors"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/waveshare2in13v2"
	"periph.io/x/devices/v3/waveshare2in13v4"
)

// The panels' size lying, in pixels.
const epdWidth, epdHeight = 250, 122

// newEPDPanel makes the driver of a panel. The fields and waveforms are periph's.
func newEPDPanel(o EPDOptions, w EPDWires, busy gpio.PinIn) (epdPanel, error) {
	if o.Panel == "waveshare2in13v4" {
		opts := waveshare2in13v4.EPD2in13v4
		if opts.Origin = waveshare2in13v4.TopRight; o.Rotation == 180 {
			opts.Origin = waveshare2in13v4.BottomLeft
		}
		one := &once{PinOut: w.DC, Port: w.Port}
		return waveshare2in13v4.New(one, one, selected{}, w.Reset, busy, &opts)
	}
	opts := waveshare2in13v2.EPD2in13v2
	if opts.Origin = waveshare2in13v2.TopRight; o.Rotation == 180 {
		opts.Origin = waveshare2in13v2.BottomLeft
	}
	dev, err := waveshare2in13v2.New(w.Port, w.DC, selected{}, w.Reset, busy, &opts)
	if err != nil {
		return nil, err
	}
	return v2{dev}, nil
}

// v2 is the panel with periph's driver that can refresh without flicker.
type v2 struct{ *waveshare2in13v2.Dev }

func (d v2) gentle(on bool) error { return d.SetUpdateMode(waveshare2in13v2.PartialUpdate(on)) }

// selected is the chip select of periph's drivers: the kernel's SPI driver has the line already.
type selected struct{ gpio.PinOut }

func (selected) Out(gpio.Level) error { return nil }

// patient is a panel's busy line that gives up in the end: periph's drivers would wait for ever. It is read every
// epdPoll, since not every kernel tells of an edge that came early.
type patient struct {
	gpio.PinIn
	waited time.Duration
	seen   bool // it was busy
}

const (
	epdPoll = 10 * time.Millisecond
	// epdSettle is how long a panel may take to say that it is busy.
	epdSettle = 50 * time.Millisecond
)

func (p *patient) begin() { p.waited, p.seen = 0, false }

func (p *patient) In(gpio.Pull, gpio.Edge) error { return p.PinIn.In(gpio.PullDown, gpio.NoEdge) }

func (p *patient) Read() gpio.Level {
	for settle := epdSettle; !p.seen; settle -= epdPoll {
		if p.PinIn.Read() == gpio.High {
			p.seen = true
			break
		}
		if settle <= 0 {
			return gpio.Low
		}
		time.Sleep(epdPoll)
	}
	return gpio.Level(p.PinIn.Read() == gpio.High && p.waited < epdBusyMax)
}

func (p *patient) WaitForEdge(time.Duration) bool {
	time.Sleep(epdPoll)
	p.waited += epdPoll
	return false
}

// verdict is after a refresh what was wrong with the panel.
func (p *patient) verdict() error {
	switch {
	case !p.seen:
		return errors.New("the panel was never busy: is it connected, and are its pins those of the config?")
	case p.waited >= epdBusyMax:
		return errors.New("the panel stays busy: switch the machine off and on, and check the wires of busy and reset")
	}
	return nil
}

// once hands commands on to the panel but for a second refresh of the same picture: periph's driver of version 4 asks
// for two, the first as the maker does, and the second for nothing but two more seconds of flicker. It is the port, its
// connection and the line that tells commands from data.
type once struct {
	gpio.PinOut
	spi.Port
	command bool
	fresh   bool // a picture came after the last refresh
}

const (
	epdWrite    = 0x24 // the picture follows
	epdActivate = 0x20 // refresh
)

func (o *once) String() string { return o.PinOut.String() }

func (o *once) Out(l gpio.Level) error {
	o.command = l == gpio.Low
	return o.PinOut.Out(l)
}

func (o *once) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	c, err := o.Port.Connect(f, mode, bits)
	return onceConn{Conn: c, line: o}, err
}

type onceConn struct {
	spi.Conn
	line *once
}

func (c onceConn) Tx(w, r []byte) error {
	if c.line.command && len(w) == 1 {
		switch {
		case w[0] == epdWrite:
			c.line.fresh = true
		case w[0] == epdActivate && !c.line.fresh:
			return nil
		case w[0] == epdActivate:
			c.line.fresh = false
		}
	}
	return c.Conn.Tx(w, r)
}
