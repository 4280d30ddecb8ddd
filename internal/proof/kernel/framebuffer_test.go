package kernel

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/sys/unix"

	"kioskd/hw/display"
)

const (
	fb       = "/dev/fb0"
	fbSysfs  = "/sys/class/graphics/fb0"
	fbDriver = "/sys/bus/platform/drivers/vfb"
	idleQR   = "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456"
)

// framebuffer is the kernel's virtual one, in a mode. It is pulled out and put in as a display's driver is that goes
// and comes back.
func framebuffer(t *testing.T, bits int) {
	t.Helper()
	guest(t)
	if _, err := os.Stat(fb); err != nil {
		t.Skip("this kernel has no framebuffer: ", err)
	}
	attribute(t, "bits_per_pixel", strconv.Itoa(bits))
	attribute(t, "pan", "0,0")
	attribute(t, "virtual_size", "800,480")
}

func attribute(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(fbSysfs, name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// numbers are those in an attribute.
func numbers(t *testing.T, name string) (all []int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fbSysfs, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range regexp.MustCompile(`\d+`).FindAllString(string(b), -1) {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// photograph reads what the kernel shows, 800 by 480 pixels of it, by what sysfs says of it. Vfb's red is in the lowest
// bits.
func photograph(t *testing.T) *image.RGBA {
	t.Helper()
	b, err := os.ReadFile(fb)
	if err != nil {
		t.Fatal(err)
	}
	bits, stride, pan := numbers(t, "bits_per_pixel")[0], numbers(t, "stride")[0], numbers(t, "pan")
	img := image.NewRGBA(image.Rect(0, 0, 800, 480))
	for y := range 480 {
		for x := range 800 {
			p := b[(y+pan[1])*stride+(x+pan[0])*bits/8:]
			c := color.RGBA{p[0], p[1], 0, 255}
			if bits == 16 {
				v := int(p[0]) + int(p[1])<<8
				c.R, c.G, c.B = uint8(v<<3), uint8(v>>5<<2), uint8(v>>11<<3)
			} else {
				c.B = p[2]
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// kdGraphics is a console that leaves the framebuffer alone; kdGetMode asks for that (linux/kd.h).
const kdGraphics, kdGetMode = 1, 0x4b3b

func console(t *testing.T) int {
	t.Helper()
	f, err := os.Open("/dev/tty0")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mode, err := unix.IoctlGetInt(int(f.Fd()), kdGetMode)
	if err != nil {
		t.Fatal(err)
	}
	return mode
}

// scanned is what a phone reads in a picture, or why it does not.
func scanned(img image.Image) string {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return err.Error()
	}
	r, err := qrcode.NewQRCodeReader().Decode(bitmap,
		map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return err.Error()
	}
	return r.GetText()
}

func idle() display.Screen {
	return display.Screen{Kind: display.Idle, Language: "en", Machine: "Bench", QR: idleQR,
		Prices: []display.Price{{Slot: "A1", Name: "Water"}}}
}

// TestAPhoneReadsTheCodeInTheKernelsFramebuffer at every depth, on a virtual screen that is larger than the display and
// panned, turned.
func TestAPhoneReadsTheCodeInTheKernelsFramebuffer(t *testing.T) {
	for _, bits := range []int{16, 24, 32} {
		for _, rotation := range []int{0, 90, 180, 270} {
			framebuffer(t, bits)
			if rotation == 180 {
				attribute(t, "virtual_size", "813,500")
				attribute(t, "pan", "7,11")
			}
			d, err := display.NewFramebuffer(display.FramebufferOptions{Device: fb, Rotation: rotation,
				Open: display.OpenFrame})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			if err := d.Show(idle()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(begin)
			if got := console(t); got != kdGraphics {
				t.Errorf("the console draws beside: mode %d", got)
			}
			if got := scanned(photograph(t)); got != idleQR {
				t.Errorf("%d bits turned by %d: %s", bits, rotation, got)
			}
			t.Logf("%d bits turned by %d, stride %v, pan %v: %s", bits, rotation, numbers(t, "stride"),
				numbers(t, "pan"), took)
			if err := d.Close(); err != nil || console(t) == kdGraphics {
				t.Errorf("the end: %v, the console is in mode %d", err, console(t))
			}
			for n, v := range photograph(t).Pix {
				if v != 0 && n%4 != 3 {
					t.Fatalf("%d bits: the display is not black after the end", bits)
				}
			}
		}
	}
}

// pull takes the display's driver away from the device, put gives it back.
func pull(t *testing.T) { driver(t, "unbind") }
func put(t *testing.T)  { driver(t, "bind") }

func driver(t *testing.T, do string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(fbDriver, do), []byte("vfb.0"), 0); err != nil {
		t.Fatal(err)
	}
}

// TestAFramebufferThatIsPulledOutIsAnErrorAndComesBack, with the device held open meanwhile.
func TestAFramebufferThatIsPulledOutIsAnErrorAndComesBack(t *testing.T) {
	framebuffer(t, 32)
	d, err := display.NewFramebuffer(display.FramebufferOptions{Device: fb, Open: display.OpenFrame})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := d.Show(idle()); err != nil {
			t.Fatal(err)
		}
		pull(t)
		err := d.Show(display.Screen{Kind: display.Settling})
		again := d.Show(idle())
		t.Logf("%d: %v; again: %v", n, err, again)
		if err == nil || again == nil || errors.Is(err, syscall.EFAULT) {
			t.Errorf("pulled out: %v, %v", err, again)
		}
		put(t)
		attribute(t, "bits_per_pixel", "32")
	}
	if err := d.Show(idle()); err != nil {
		t.Fatal(err)
	}
	if got := scanned(photograph(t)); got != idleQR {
		t.Errorf("back: %s", got)
	}
}

// resident is what a process holds of the memory, in MiB, now and at its most.
func resident(t *testing.T, pid int) (now, most float64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	of := func(key string) float64 {
		_, rest, _ := strings.Cut(string(b), key+":")
		var kib float64
		if _, err := fmt.Sscan(rest, &kib); err != nil {
			t.Fatal(err)
		}
		return kib / 1024
	}
	return of("VmRSS"), of("VmHWM")
}

// TestADisplayThatIsPulledOutInASaleStopsNothing: the whole daemon, with the kernel's lines and the kernel's
// framebuffer. The sale ends as if nothing were; there is no other before the display is back.
func TestADisplayThatIsPulledOutInASaleStopsNothing(t *testing.T) {
	framebuffer(t, 16)
	w := newWorld(t)
	w.must(os.WriteFile(filepath.Join(w.dir, "kioskd.toml"),
		[]byte(config+"[display]\ndriver = \"framebuffer\"\ndevice = \"/dev/fb0\"\n"), 0o600))
	w.start()
	w.until("the code can be scanned", func() bool { return scanned(photograph(t)) == idleQR })
	w.reserve()
	pull(t)
	w.choose(a1, 1, w.falls(a1, 200*time.Millisecond, 5*time.Millisecond, 1))
	w.cancels()
	if s := w.ends(1); outcomes(s) != "A1 delivered" || s.State != "charged" || s.Charged != "15.00" {
		t.Errorf("without a display: %+v", s)
	}
	w.until("no sale is offered", func() bool { return w.step() == "out_of_service" })
	put(t)
	attribute(t, "bits_per_pixel", "16")
	w.until("the code can be scanned again", func() bool { return scanned(photograph(t)) == idleQR })
	w.reserve()
	w.choose(a1, 1, w.falls(a1, 200*time.Millisecond, 5*time.Millisecond, 1))
	now, most := resident(t, w.kiosk.Process.Pid)
	t.Logf("the daemon holds %.1f MiB of memory, at most %.1f", now, most)
	if most > 30 {
		t.Errorf("the daemon held %.1f MiB of memory, want at most 30", most)
	}
	w.cancels()
	w.ends(2)
}
