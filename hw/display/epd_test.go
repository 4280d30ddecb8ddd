package display

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spitest"
)

// sheet is a panel of electronic paper with an SSD1675 or SSD1680, as their data sheets describe them, on its wires. It
// is 122 by 250 pixels upright.
type sheet struct {
	t testing.TB
	spitest.Record
	dc, busyPin *gpiotest.Pin
	absent      bool  // nothing is connected
	stuck       bool  // it stays busy
	fail        error // of the port
	closed      int

	asleep             bool
	window             [4]int // first and last byte of a row, first and last row
	column, row        int
	ram                [2][250][16]byte // black and white, and the other
	shown              [250][16]byte
	command            byte
	data               []byte
	refreshed          []string // "whole" or "part", of each refresh
	at                 []time.Duration
	begin              time.Time
	control, waveforms []byte
}

// refreshTime is about what a panel takes in a warm room.
const refreshTime = 2 * time.Second

func newSheet(t testing.TB) *sheet {
	return &sheet{t: t, dc: &gpiotest.Pin{N: "dc"}, busyPin: &gpiotest.Pin{N: "busy"}, begin: time.Now(), asleep: true}
}

func (p *sheet) opened() (EPDWires, error) {
	if p.fail != nil {
		return EPDWires{}, p.fail
	}
	p.Record.Initialized = false
	return EPDWires{Port: p, DC: p.dc, Reset: resetLine{&gpiotest.Pin{N: "reset"}, p}, Busy: p.busyPin,
		Close: func() error { p.closed++; return nil }}, nil
}

// resetLine wakes the panel.
type resetLine struct {
	*gpiotest.Pin
	p *sheet
}

func (l resetLine) Out(v gpio.Level) error {
	if v == gpio.Low {
		l.p.asleep, l.p.command = false, 0
	}
	return l.Pin.Out(v)
}

func (p *sheet) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	if f > 20*physic.MegaHertz || mode != spi.Mode0 || bits != 8 {
		p.t.Errorf("connected with %s, %s, %d bits", f, mode, bits)
	}
	c, err := p.Record.Connect(f, mode, bits)
	return sheetConn{c, p}, err
}

type sheetConn struct {
	spi.Conn
	p *sheet
}

func (c sheetConn) Duplex() conn.Duplex { return conn.Half }

func (c sheetConn) Tx(w, r []byte) error {
	p := c.p
	switch {
	case p.fail != nil:
		return p.fail
	case p.absent:
		return nil // nobody notices
	case p.asleep:
		p.t.Errorf("%#x while the panel sleeps", w)
	case p.dc.Read() == gpio.High:
		p.take(w)
	case p.busyPin.Read() == gpio.High && !p.stuck:
		p.t.Errorf("command %#x while the panel is busy", w)
	default:
		p.begun(w)
	}
	return c.Conn.Tx(w, r)
}

// begun is a command.
func (p *sheet) begun(w []byte) {
	if len(w) != 1 {
		p.t.Fatalf("a command of %d bytes", len(w))
	}
	p.command, p.data = w[0], nil
	switch p.command {
	case 0x12:
		p.window, p.column, p.row = [4]int{0, 15, 0, 249}, 0, 0
		p.busyFor(10 * time.Millisecond)
	case 0x20:
		if p.control[0]&0x04 == 0 {
			p.busyFor(50 * time.Millisecond) // only its clock and its voltages
			return
		}
		kind := "whole"
		if len(p.waveforms) > 0 && p.waveforms[0] == 0 { // periph's waveforms for a part
			kind = "part"
		}
		p.refreshed, p.at = append(p.refreshed, kind), append(p.at, time.Since(p.begin))
		p.shown = p.ram[0]
		p.busyFor(refreshTime)
	}
}

func (p *sheet) busyFor(d time.Duration) {
	set(p.busyPin, gpio.High)
	if !p.stuck {
		time.AfterFunc(d, func() { set(p.busyPin, gpio.Low) })
	}
}

func set(p *gpiotest.Pin, l gpio.Level) {
	p.Lock()
	defer p.Unlock()
	p.L = l
}

// take is what follows a command.
func (p *sheet) take(w []byte) {
	if p.command != 0x24 && p.command != 0x26 {
		p.data = append(p.data, w...)
	}
	word := func(n int) int { return int(p.data[n]) + int(p.data[n+1])<<8 }
	switch n := len(p.data); {
	case p.command == 0x10 && n == 1:
		p.asleep = true
	case p.command == 0x11 && n == 1 && p.data[0] != 3:
		p.t.Errorf("rows and columns that count down: %#x", p.data)
	case p.command == 0x22:
		p.control = p.data
	case p.command == 0x32:
		p.waveforms = p.data
	case p.command == 0x44 && n == 2:
		p.window[0], p.window[1] = int(p.data[0]), int(p.data[1])
	case p.command == 0x45 && n == 4:
		p.window[2], p.window[3] = word(0), word(2)
	case p.command == 0x4e && n == 1:
		p.column = int(p.data[0])
	case p.command == 0x4f && n == 2:
		p.row = word(0)
	case p.command == 0x24 || p.command == 0x26:
		for _, b := range w {
			p.ram[(p.command-0x24)/2][p.row][p.column] = b
			if p.column++; p.column > p.window[1] {
				p.column = p.window[0]
				if p.row++; p.row > p.window[3] {
					p.row = p.window[2]
				}
			}
		}
	}
}

// seen is the lying panel as a customer sees it, with its upper edge at the right of the upright one, or hung upside
// down.
func (p *sheet) seen(rotation int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 250, 122))
	for y := range 122 {
		for x := range 250 {
			column, row := 121-y, x
			if rotation == 180 {
				column, row = y, 249-x
			}
			if p.shown[row][column/8]&(0x80>>(column%8)) != 0 {
				img.SetGray(x, y, color.Gray{255})
			}
		}
	}
	return img
}

func epd(t testing.TB, p *sheet, panel string, rotation int) *EPD {
	t.Helper()
	d, err := NewEPD(EPDOptions{Panel: panel, Rotation: rotation, Open: p.opened})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAPhoneReadsTheCodeOnElectronicPaper: what the panel's memory holds after the bytes of the port is the painter's
// picture.
func TestAPhoneReadsTheCodeOnElectronicPaper(t *testing.T) {
	for _, panel := range EPDPanels() {
		for _, rotation := range []int{0, 180} {
			synctest.Test(t, func(t *testing.T) {
				p := newSheet(t)
				d := epd(t, p, panel, rotation)
				for _, name := range []string{"idle", "done", "scan", "in_doubt", "idle"} {
					s := story("sv")[name]
					s.Remaining = 0
					if err := d.Show(s); err != nil {
						t.Fatal(err)
					}
					img := p.seen(rotation)
					if got, err := scan(onAMachine(img)); s.QR != "" && (err != nil || got != s.QR) {
						t.Errorf("%s turned by %d: %q %v", panel, rotation, got, err)
					}
					want, err := d.painter.Paint(s)
					if err != nil {
						t.Fatal(err)
					}
					for n, v := range img.Pix {
						if (v == 255) != (want.Pix[n] == 0) {
							t.Fatalf("%s turned by %d, %s: the pixel at %d, %d is %d", panel, rotation, name, n%250,
								n/250, v)
						}
					}
					if !p.asleep {
						t.Errorf("%s does not sleep", panel)
					}
				}
				if want := []string{"whole", "whole", "whole", "whole", "whole"}; !slices.Equal(p.refreshed, want) {
					t.Errorf("%s: five kinds of screens refresh %q", panel, p.refreshed)
				}
				if err := d.Close(); err != nil || p.closed != 1 {
					t.Errorf("closed: %v, %d", err, p.closed)
				}
				if white := bytes.Count(p.seen(0).Pix, []byte{255}); white != 250*122 {
					t.Errorf("%s: %d pixels are white after the end", panel, white)
				}
			})
		}
	}
}

// TestElectronicPaperIsNotRefreshedEachSecond: a countdown of a minute, shown each second, refreshes a part four times,
// or nothing.
func TestElectronicPaperIsNotRefreshedEachSecond(t *testing.T) {
	for panel, want := range map[string][]string{
		"waveshare2in13v2": {"whole", "part", "part", "part", "part"}, // 60 s, 45 s, 30 s, 15 s, none
		"waveshare2in13v4": {"whole"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newSheet(t)
			d := epd(t, p, panel, 0)
			s := story("en")["confirm"]
			for s.Remaining = time.Minute; s.Remaining > 0; s.Remaining -= time.Second {
				if err := d.Show(s); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(p.refreshed, want) {
				t.Errorf("%s: %q, want %q", panel, p.refreshed, want)
			}
		})
	}
}

// TestElectronicPaperRestsBetweenRefreshes, and its shadows are wiped away by a whole refresh now and then.
func TestElectronicPaperRestsBetweenRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSheet(t)
		d := epd(t, p, "waveshare2in13v2", 0)
		s := story("en")["choose"]
		for n := range 2*epdPartsMax + 4 {
			s.Credit = kr(int64(n))
			if err := d.Show(s); err != nil {
				t.Fatal(err)
			}
		}
		for n, at := range p.at[1:] {
			if rest := at - p.at[n] - refreshTime; rest < epdRest {
				t.Errorf("refresh %d comes %s after the one before", n+1, rest)
			}
		}
		whole := 0
		for n, kind := range p.refreshed {
			if kind == "whole" {
				whole++
				if n%(epdPartsMax+1) != 0 {
					t.Errorf("refresh %d is whole", n)
				}
			}
		}
		if whole != 3 || len(p.refreshed) != 2*epdPartsMax+4 {
			t.Errorf("%d of %d refreshes are whole", whole, len(p.refreshed))
		}
	})
}

// TestABrokenPanelIsAnErrorInTime: one that is not there, one that stays busy, and one whose port fails; each of them
// comes back.
func TestABrokenPanelIsAnErrorInTime(t *testing.T) {
	gone := errors.New("the port is gone")
	for _, panel := range EPDPanels() {
		for name, c := range map[string]struct {
			spoil func(p *sheet)
			want  string
		}{
			"absent": {func(p *sheet) { p.absent = true }, "never busy"},
			"stuck":  {func(p *sheet) { p.stuck = true }, "stays busy"},
			"port":   {func(p *sheet) { p.fail = gone }, gone.Error()},
		} {
			synctest.Test(t, func(t *testing.T) {
				p := newSheet(t)
				d := epd(t, p, panel, 0)
				for range 2 {
					c.spoil(p)
					begin := time.Now()
					err := d.Show(story("en")["done"])
					if err == nil || !strings.Contains(err.Error(), c.want) || time.Since(begin) > 9*time.Second {
						t.Errorf("%s, %s: %v after %s", panel, name, err, time.Since(begin))
					}
					p.absent, p.stuck, p.fail = false, false, nil
					set(p.busyPin, gpio.Low)
					if err := d.Show(story("en")["idle"]); err != nil {
						t.Errorf("%s, %s: back: %v", panel, name, err)
					}
					if got, err := scan(onAMachine(p.seen(0))); err != nil || got != upsQR {
						t.Errorf("%s, %s: back: %q %v", panel, name, got, err)
					}
				}
			})
		}
	}
}

// TestTheSameScreenSaysTheSameOnThePort plays what was recorded back: every byte is as before, and none is left over.
func TestTheSameScreenSaysTheSameOnThePort(t *testing.T) {
	for _, panel := range EPDPanels() {
		synctest.Test(t, func(t *testing.T) {
			p := newSheet(t)
			d := epd(t, p, panel, 0)
			if err := d.Show(story("en")["idle"]); err != nil {
				t.Fatal(err)
			}
			back := &spitest.Playback{Playback: conntest.Playback{Ops: p.Ops, DontPanic: true}}
			pin := func(n string) *gpiotest.Pin { return &gpiotest.Pin{N: n} }
			busy := pin("busy")
			again, err := NewEPD(EPDOptions{Panel: panel, Open: func() (EPDWires, error) {
				return EPDWires{Port: back, DC: pin("dc"), Reset: pin("reset"), Busy: busy, Close: back.Close}, nil
			}})
			set(busy, gpio.High)
			time.AfterFunc(time.Second, func() { set(busy, gpio.Low) })
			if err == nil {
				err = again.Show(story("en")["idle"])
			}
			if err != nil || back.Count != len(p.Ops) {
				t.Errorf("%s: %v, %d of %d writes came again", panel, err, back.Count, len(p.Ops))
			}
		})
	}
}

func TestAnUnknownPanelIsRefused(t *testing.T) {
	for _, o := range []EPDOptions{{}, {Panel: "inky"}, {Panel: "waveshare2in13v2", Rotation: 90}} {
		if d, err := NewEPD(o); err == nil || d != nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
