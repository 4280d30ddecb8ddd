package display

import (
	"errors"
	"image"
	"image/color"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
)

// oled is an SSD1306 as its data sheet describes it (Solomon Systech, rev 1.1): commands and pixels arrive, and
// somebody looks at it.
type oled struct {
	ram             [8][128]byte
	page, column    int
	first, last     int  // the columns that data fill
	segment, common bool // remapped: the panels that are sold show it upright with both
	on, inverse     bool
	multiplex       int
	command         []byte
}

// lengths are the commands with arguments, and how many they have.
var lengths = map[byte]int{0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8d: 1, 0xa8: 1, 0xd3: 1, 0xd5: 1, 0xd9: 1, 0xda: 1,
	0xdb: 1}

// take reads one write of the bus: a control byte, then commands or data.
func (o *oled) take(t testing.TB, w []byte) {
	t.Helper()
	switch w[0] {
	case 0x40:
		for _, b := range w[1:] {
			o.ram[o.page][o.column] = b
			if o.column++; o.column > o.last {
				o.column, o.page = o.first, (o.page+1)%8
			}
		}
	case 0x00:
		for _, b := range w[1:] {
			if o.command = append(o.command, b); len(o.command) <= lengths[o.command[0]] {
				continue
			}
			o.run(t, o.command)
			o.command = nil
		}
	default:
		t.Fatalf("control byte %#x", w[0])
	}
}

func (o *oled) run(t testing.TB, c []byte) {
	switch b := c[0]; {
	case b < 0x10:
		o.column = o.column&0xf0 | int(b)
	case b < 0x20:
		o.column = o.column&0x0f | int(b&0xf)<<4
	case b == 0x21:
		o.first, o.last, o.column = int(c[1]), int(c[2]), int(c[1])
	case b == 0x22:
		o.page = int(c[1])
	case b&0xf8 == 0xb0:
		o.page = int(b & 7)
	case b&0xfe == 0xa0:
		o.segment = b&1 == 1
	case b == 0xc0 || b == 0xc8:
		o.common = b == 0xc8
	case b == 0xa6 || b == 0xa7:
		o.inverse = b == 0xa7
	case b == 0xae || b == 0xaf:
		o.on = b == 0xaf
	case b == 0xa8:
		o.multiplex = int(c[1]) + 1
	case b == 0x20, b == 0x81, b == 0x8d, b == 0xd3, b == 0xd5, b == 0xd9, b == 0xda, b == 0xdb, b == 0xa4, b == 0x2e,
		b&0xc0 == 0x40:
	default:
		t.Fatalf("no such command: %#x", b)
	}
}

// seen is what somebody sees in front of the panel.
func (o *oled) seen() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 128, 64))
	for y := range 64 {
		for x := range 128 {
			column, row := x, y
			if !o.segment {
				column = 127 - x
			}
			if !o.common {
				row = 63 - y
			}
			if lit := o.ram[row/8][column]>>(row%8)&1 == 1; o.on && lit != o.inverse {
				img.SetGray(x, y, color.Gray{255})
			}
		}
	}
	return img
}

// wire is a bus that can fail, with a recorder on it.
type wire struct {
	i2ctest.Record
	fail   error
	closed int
}

func (w *wire) Tx(addr uint16, b, r []byte) error {
	if w.fail != nil {
		return w.fail
	}
	return w.Record.Tx(addr, b, r)
}

func (w *wire) SetSpeed(physic.Frequency) error { return nil }
func (w *wire) Close() error                    { w.closed++; return nil }

func (w *wire) opened(string) (i2c.BusCloser, error) { return w, w.fail }

// panel plays what was recorded to a panel.
func (w *wire) panel(t testing.TB, address uint16) *oled {
	t.Helper()
	o := &oled{last: 127}
	for _, op := range w.Ops {
		if op.Addr != address || len(op.R) != 0 {
			t.Fatalf("%+v is not for the panel at %#x", op, address)
		}
		o.take(t, op.W)
	}
	return o
}

// TestAPhoneReadsTheCodeOnAnSSD1306: the bytes of the bus are the painter's picture, at each address and hung either
// way.
func TestAPhoneReadsTheCodeOnAnSSD1306(t *testing.T) {
	for _, o := range []SSD1306Options{{}, {Address: 0x3d}, {Rotation: 180}} {
		var w wire
		o.Open = w.opened
		d, err := NewSSD1306(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"done", "confirm", "idle"} {
			if err := d.Show(story("sv")[name]); err != nil {
				t.Fatal(err)
			}
		}
		panel := w.panel(t, max(o.Address, 0x3c))
		if !panel.on || panel.multiplex != 64 {
			t.Errorf("%+v: on %t, %d rows", o, panel.on, panel.multiplex)
		}
		img := panel.seen()
		if o.Rotation == 180 {
			img = panel.seen()
			for n, m := 0, len(img.Pix)-1; n < m; n, m = n+1, m-1 {
				img.Pix[n], img.Pix[m] = img.Pix[m], img.Pix[n]
			}
		}
		if got, err := scan(onAMachine(img)); err != nil || got != upsQR {
			t.Errorf("%+v: %q %v", o, got, err)
		}
		want := painted(t, story("sv")["idle"], img.Rect.Size())
		for n, v := range img.Pix {
			if (v == 255) != (want.Pix[n] == 1) {
				t.Fatalf("%+v: the pixel at %d, %d is %d", o, n%128, n/128, v)
			}
		}
		if err := d.Close(); err != nil || w.closed != 1 || w.panel(t, max(o.Address, 0x3c)).on {
			t.Errorf("closed: %v, %d times, on %t", err, w.closed, w.panel(t, max(o.Address, 0x3c)).on)
		}
	}
}

// TestTheSameScreenSaysTheSameOnTheBus plays what was recorded back: every byte is as before, and none is left over.
func TestTheSameScreenSaysTheSameOnTheBus(t *testing.T) {
	var w wire
	show := func(open func(string) (i2c.BusCloser, error)) {
		d, err := NewSSD1306(SSD1306Options{Open: open})
		if err == nil {
			err = errors.Join(d.Show(story("en")["idle"]), d.Show(story("en")["choose"]), d.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}
	show(w.opened)
	p := &i2ctest.Playback{Ops: w.Ops, DontPanic: true}
	show(func(string) (i2c.BusCloser, error) { return p, nil })
	if p.Count != len(w.Ops) || p.Count < 4 {
		t.Errorf("%d of %d writes came again", p.Count, len(w.Ops))
	}
}

// TestATickIsQuickOnASlowBus: an I²C bus of 100 kHz takes 90 µs a byte, and a whole picture a tenth of a second.
func TestATickIsQuickOnASlowBus(t *testing.T) {
	var w wire
	d, err := NewSSD1306(SSD1306Options{Open: w.opened})
	if err != nil {
		t.Fatal(err)
	}
	s := story("sv")["scan_sticker"]
	var sent []int
	for n := range 3 {
		w.Ops = nil
		if err := d.Show(s); err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, op := range w.Ops {
			bytes += len(op.W)
		}
		sent = append(sent, bytes)
		if n == 1 {
			s.Remaining -= time.Second
		}
	}
	if sent[0] < 1024 || sent[1] != 0 || sent[2] == 0 || sent[2] > 128 {
		t.Errorf("a picture, the same again, and a tick send %v bytes", sent)
	}
}

// TestAPanelThatComesBackIsSetUpAndDrawnWhole: its memory is lost with its power.
func TestAPanelThatComesBackIsSetUpAndDrawnWhole(t *testing.T) {
	gone := errors.New("remote I/O error")
	w := &wire{fail: gone}
	d, err := NewSSD1306(SSD1306Options{Open: w.opened})
	if d == nil || !errors.Is(err, gone) {
		t.Fatalf("%v, %v", d, err)
	}
	for range 3 {
		w.fail = gone
		if err := d.Show(story("en")["choose"]); !errors.Is(err, gone) {
			t.Errorf("gone: %v", err)
		}
		w.fail, w.Ops = nil, nil
		if err := d.Show(story("en")["idle"]); err != nil {
			t.Errorf("back: %v", err)
		}
		if got, err := scan(onAMachine(w.panel(t, 0x3c).seen())); err != nil || got != upsQR {
			t.Errorf("back: %q %v", got, err)
		}
	}
	if w.closed == 0 {
		t.Error("the bus of a lost panel is never let go")
	}
	for _, rotation := range []int{90, 270, 1} {
		if d, err := NewSSD1306(SSD1306Options{Rotation: rotation}); err == nil || d != nil {
			t.Errorf("a rotation of %d is taken", rotation)
		}
	}
}
