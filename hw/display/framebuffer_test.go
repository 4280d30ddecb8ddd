package display

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a framebuffer without a display. What lies outside of what can be seen must stay untouched.
type memory struct {
	raster Raster
	bytes  []byte

	mu      sync.Mutex
	fail    error // of every call
	written int
	dark    bool
	open    int // how often it is open
}

const untouched = 0xa5

func newMemory(r Raster) *memory {
	return &memory{raster: r, bytes: bytes.Repeat([]byte{untouched}, r.Size)}
}

func (m *memory) opened(string) (Frame, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.open++
	}
	return m, m.fail
}

func (m *memory) Raster() (Raster, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raster, m.fail
}

func (m *memory) WriteAt(b []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	if at < 0 || at+int64(len(b)) > int64(len(m.bytes)) {
		panic(fmt.Sprintf("%d bytes at %d of %d", len(b), at, len(m.bytes)))
	}
	m.written += len(b)
	return copy(m.bytes[at:], b), nil
}

func (m *memory) Blank(off bool) error {
	m.dark = off
	return errors.New("this display has no light to switch")
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
	return nil
}

// seen is what somebody in front of the display sees, with the display turned back counterclockwise by the quarters. It
// reads the bytes bit by bit, and not with the functions that wrote them.
func (m *memory) seen(quarters int) *image.RGBA {
	r := m.raster
	bits := make([]bool, r.Bits)
	pixel := func(x, y int) []bool {
		at := (r.Y+y)*r.Stride + (r.X+x)*r.Bits/8
		for n := range bits {
			bits[n] = m.bytes[at+n/8]>>(n%8)&1 == 1
		}
		return bits
	}
	part := func(bits []bool, f Field) uint8 {
		v := 0
		for n := f.Length - 1; n >= 0; n-- {
			v *= 2
			if bits[f.Offset+n] {
				v++
			}
		}
		return uint8(v * 255 / (1<<f.Length - 1))
	}
	img := image.NewRGBA(image.Rect(0, 0, r.Width, r.Height))
	for y := range r.Height {
		for x := range r.Width {
			bits := pixel(x, y)
			img.SetRGBA(x, y, color.RGBA{part(bits, r.Red), part(bits, r.Green), part(bits, r.Blue), 255})
			if r.Alpha.Length > 0 && part(bits, r.Alpha) != 255 {
				img.SetRGBA(x, y, color.RGBA{255, 0, 255, 255}) // a see-through pixel shows what is behind
			}
		}
	}
	for range quarters {
		back := image.NewRGBA(image.Rect(0, 0, img.Rect.Dy(), img.Rect.Dx()))
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				back.SetRGBA(y, img.Rect.Dx()-1-x, img.RGBAAt(x, y))
			}
		}
		img = back
	}
	return img
}

// rasters are how displays lay out their pixels: the usual ones, and one that none has.
func rasters(width, height int) map[string]Raster {
	of := func(bits, stride, x, y int, red, green, blue, alpha Field) Raster {
		stride += (x + width) * bits / 8
		return Raster{Width: width, Height: height, X: x, Y: y, Stride: stride, Bits: bits,
			Size: (y+height)*stride + 13,
			Red:  red, Green: green, Blue: blue, Alpha: alpha}
	}
	return map[string]Raster{
		"RGB565":               of(16, 0, 0, 0, Field{11, 5}, Field{5, 6}, Field{0, 5}, Field{}),
		"BGR565, a long row":   of(16, 7, 0, 0, Field{0, 5}, Field{5, 6}, Field{11, 5}, Field{}),
		"ARGB1555, panned":     of(16, 2, 3, 5, Field{10, 5}, Field{5, 5}, Field{0, 5}, Field{15, 1}),
		"RGB888":               of(24, 0, 0, 0, Field{16, 8}, Field{8, 8}, Field{0, 8}, Field{}),
		"BGR888, an odd row":   of(24, 1, 1, 0, Field{0, 8}, Field{8, 8}, Field{16, 8}, Field{}),
		"XRGB8888":             of(32, 0, 0, 0, Field{16, 8}, Field{8, 8}, Field{0, 8}, Field{}),
		"RGBA8888, a long row": of(32, 64, 0, 0, Field{24, 8}, Field{16, 8}, Field{8, 8}, Field{0, 8}),
		"ARGB2101010, panned":  of(32, 5, 2, 1, Field{20, 10}, Field{10, 10}, Field{0, 10}, Field{30, 2}),
	}
}

func framebuffer(t testing.TB, m *memory, rotation int) *Framebuffer {
	t.Helper()
	d, err := NewFramebuffer(FramebufferOptions{Device: "fb", Rotation: rotation, Open: m.opened})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAPhoneReadsTheCodeInTheFramebuffersBytes: on every layout, turned every way, what is seen is the painter's
// picture.
func TestAPhoneReadsTheCodeInTheFramebuffersBytes(t *testing.T) {
	for name, r := range rasters(320, 240) {
		for _, rotation := range []int{0, 90, 180, 270} {
			m := newMemory(r)
			d := framebuffer(t, m, rotation)
			for _, name := range []string{"choose", "idle"} { // the second over the first
				if err := d.Show(story("sv")[name]); err != nil {
					t.Fatal(err)
				}
			}
			img := m.seen(rotation / 90)
			if got, err := scan(onAMachine(img)); err != nil || got != upsQR {
				t.Errorf("%s turned by %d: %q %v", name, rotation, got, err)
			}
			want := painted(t, story("sv")["idle"], img.Rect.Size())
			worst := 0
			for y := range img.Rect.Dy() {
				for x := range img.Rect.Dx() {
					a, b := img.RGBAAt(x, y), want.Palette[want.ColorIndexAt(x, y)].(color.RGBA)
					for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
						worst = max(worst, d, -d)
					}
				}
			}
			if worst > 8 { // what five bits leave out
				t.Errorf("%s turned by %d: a colour is off by %d of 255", name, rotation, worst)
			}
		}
	}
}

// TestNothingIsWrittenBesideWhatIsSeen: neither between the rows nor before or after them.
func TestNothingIsWrittenBesideWhatIsSeen(t *testing.T) {
	for name, r := range rasters(200, 100) {
		m := newMemory(r)
		d := framebuffer(t, m, 180)
		for _, s := range story("en") {
			if err := d.Show(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil || m.open != 0 || !m.dark {
			t.Errorf("%s: closed: %v, open %d, dark %t", name, err, m.open, m.dark)
		}
		for at, b := range m.bytes {
			y, x := at/r.Stride-r.Y, at%r.Stride*8/r.Bits-r.X
			visible := y >= 0 && y < r.Height && at%r.Stride >= r.X*r.Bits/8 && x < r.Width
			if !visible && b != untouched {
				t.Fatalf("%s: byte %d, at %d, %d, was written", name, at, x, y)
			}
			if visible && r.Alpha.Length == 0 && b != 0 {
				t.Fatalf("%s: byte %d, at %d, %d, is not black after the end", name, at, x, y)
			}
		}
	}
}

// TestASmallerPictureStandsInTheMiddle of a black display.
func TestASmallerPictureStandsInTheMiddle(t *testing.T) {
	m := newMemory(rasters(400, 300)["XRGB8888"])
	d, err := NewFramebuffer(FramebufferOptions{Width: 240, Height: 320, Rotation: 90, Open: m.opened})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Show(story("en")["scan"]); err != nil {
		t.Fatal(err)
	}
	img := m.seen(1)
	at := image.Rect(30, 40, 270, 360)
	for y := range 400 {
		for x := range 300 {
			if c := img.RGBAAt(x, y); !image.Pt(x, y).In(at) && c != black {
				t.Fatalf("%v at %d, %d is not black", c, x, y)
			}
		}
	}
	if got, err := scan(onAMachine(img.SubImage(at))); err != nil || got != story("en")["scan"].QR {
		t.Errorf("%q %v", got, err)
	}
	for _, o := range []FramebufferOptions{{Width: 401}, {Width: 320, Height: 320}, {Width: 320, Rotation: 90}} {
		o.Open = m.opened
		if _, err := NewFramebuffer(o); err == nil || !strings.Contains(err.Error(), "leave width and height out") {
			t.Errorf("%+v on 400 by 300: %v", o, err)
		}
	}
}

// TestATickWritesLittle: a second of a countdown is a small part of the bytes, and the same picture is none.
func TestATickWritesLittle(t *testing.T) {
	m := newMemory(rasters(800, 480)["RGB565"])
	d := framebuffer(t, m, 0)
	s := story("sv")["scan"]
	var bytes []int
	for range 3 {
		m.written = 0
		if err := d.Show(s); err != nil {
			t.Fatal(err)
		}
		bytes = append(bytes, m.written)
		if len(bytes) == 2 {
			s.Remaining -= time.Second
		}
	}
	if all := 800 * 480 * 2; bytes[0] != all || bytes[1] != 0 || bytes[2] == 0 || bytes[2] > all/8 {
		t.Errorf("a picture, the same again, and a tick write %d bytes", bytes)
	}
}

// TestADisplayThatComesBackIsDrawnWhole: what fails is an error each time, and nothing of it is left open or believed
// to be shown.
func TestADisplayThatComesBackIsDrawnWhole(t *testing.T) {
	m := newMemory(rasters(320, 240)["XRGB8888"])
	gone := errors.New("no such device")
	m.fail = gone
	d, err := NewFramebuffer(FramebufferOptions{Open: m.opened})
	if d == nil || !errors.Is(err, gone) {
		t.Fatalf("%v, %v", d, err)
	}
	for n := range 3 {
		m.fail = gone
		if err := d.Show(story("sv")["choose"]); !errors.Is(err, gone) || m.open != 0 {
			t.Errorf("%d: gone: %v, open %d", n, err, m.open)
		}
		m.fail = nil
		clear(m.bytes) // nobody knows what it shows when it comes back
		if err := d.Show(story("sv")["idle"]); err != nil || m.open != 1 {
			t.Errorf("%d: back: %v, open %d", n, err, m.open)
		}
		if got, err := scan(onAMachine(m.seen(0))); err != nil || got != upsQR {
			t.Errorf("%d: back: %q %v", n, got, err)
		}
	}
}

// TestAnotherModeIsAnotherPicture: whoever sets a mode while the kiosk runs gets a picture of the new size.
func TestAnotherModeIsAnotherPicture(t *testing.T) {
	m := newMemory(rasters(320, 240)["XRGB8888"])
	m.bytes = append(m.bytes, make([]byte, 1<<20)...)
	d := framebuffer(t, m, 0)
	for _, size := range []image.Point{{320, 240}, {240, 320}, {320, 240}} {
		m.raster = rasters(size.X, size.Y)["RGB565"]
		if err := d.Show(story("sv")["idle"]); err != nil {
			t.Fatal(err)
		}
		if got, err := scan(onAMachine(m.seen(0))); err != nil || got != upsQR {
			t.Errorf("%v: %q %v", size, got, err)
		}
	}
}

func TestAnImpossibleFramebufferIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Raster){
		"8 bits":             func(r *Raster) { r.Bits = 8 },
		"no pixels":          func(r *Raster) { r.Width = 0 },
		"too many":           func(r *Raster) { r.Height = 5000 },
		"too few":            func(r *Raster) { r.Height = 40 },
		"short rows":         func(r *Raster) { r.Stride-- },
		"endless rows":       func(r *Raster) { r.Stride = 1<<31 - 1 },
		"panned past":        func(r *Raster) { r.X = 1 },
		"panned far past":    func(r *Raster) { r.Y = 1<<31 - 1 },
		"short memory":       func(r *Raster) { r.Size = r.Height*r.Stride - 1 },
		"no red":             func(r *Raster) { r.Red.Length = 0 },
		"a red outside":      func(r *Raster) { r.Red.Offset = 28 },
		"an alpha outside":   func(r *Raster) { r.Alpha = Field{30, 8} },
		"a colour too large": func(r *Raster) { r.Blue.Length = 17 },
	} {
		r := rasters(320, 240)["XRGB8888"]
		change(&r)
		m := &memory{raster: r}
		if _, err := NewFramebuffer(FramebufferOptions{Open: m.opened}); err == nil || m.open != 0 {
			t.Errorf("%s: %v, open %d", name, err, m.open)
		}
	}
	for _, rotation := range []int{-90, 45, 360} {
		if d, err := NewFramebuffer(FramebufferOptions{Rotation: rotation}); err == nil || d != nil {
			t.Errorf("a rotation of %d is taken", rotation)
		}
	}
}

// FuzzRaster: whatever a kernel says of its framebuffer, it is refused, or nothing is written outside of its memory.
func FuzzRaster(f *testing.F) {
	for _, r := range rasters(130, 70) {
		f.Add(r.Width, r.Height, r.X, r.Y, r.Stride, r.Bits, r.Size,
			uint64(r.Red.Offset)|uint64(r.Red.Length)<<8|uint64(r.Green.Offset)<<16|uint64(r.Green.Length)<<24|
				uint64(r.Blue.Offset)<<32|uint64(r.Blue.Length)<<40|uint64(r.Alpha.Offset)<<48|uint64(
				r.Alpha.Length)<<56,
			90)
	}
	f.Fuzz(func(t *testing.T, width, height, x, y, stride, bits, size int, fields uint64, rotation int) {
		field := func(n int) Field { return Field{int(fields >> (16 * n) & 0xff), int(fields >> (16*n + 8) & 0xff)} }
		r := Raster{Width: width, Height: height, X: x, Y: y, Stride: stride, Bits: bits, Size: size, Red: field(0),
			Green: field(1), Blue: field(2), Alpha: field(3)}
		m := &memory{raster: r}
		if size > 0 && size < 1<<20 {
			m.bytes = make([]byte, size)
		}
		if r.check() == nil && m.bytes == nil {
			return // a real display, too large for a fuzzer
		}
		d, err := NewFramebuffer(FramebufferOptions{Rotation: rotation, Open: m.opened})
		if err == nil {
			err = errors.Join(d.Show(story("en")["idle"]), d.Close())
		}
		if err == nil != (m.written > 0) || m.open != 0 {
			t.Errorf("%+v: %v, %d bytes written, open %d", r, err, m.written, m.open)
		}
	})
}

// BenchmarkFramebuffer is one picture on a display that is sold with kiosks, with the memory that the process holds.
func BenchmarkFramebuffer(b *testing.B) {
	for _, layout := range []string{"RGB565", "XRGB8888"} {
		b.Run(layout, func(b *testing.B) {
			d := framebuffer(b, newMemory(rasters(800, 480)[layout]), 0)
			both := [2]Screen{story("sv")["choose"], story("sv")["idle"]}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := d.Show(both[n%2]); err != nil {
					b.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
		})
	}
}
