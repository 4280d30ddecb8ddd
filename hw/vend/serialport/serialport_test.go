package serialport

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/hw/vend/vendtest"
)

func cable(t *testing.T) *vendtest.Pty {
	t.Helper()
	p, err := vendtest.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func opened(t *testing.T, device string) io.ReadWriteCloser {
	t.Helper()
	l, err := Open(device, 57600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// every byte once, those that a terminal would take for a command among them.
func alphabet() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestEveryByteGoesThroughAsItIs(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	for name, way := range map[string]struct {
		from io.Writer
		to   io.Reader
	}{"to the machine": {l, p}, "from the machine": {p, l}} {
		go func() { _, _ = way.from.Write(alphabet()) }()
		got := make([]byte, 256)
		if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, alphabet()) {
			t.Errorf("%s: %x (%v)", name, got, err)
		}
	}
}

// reading is a Read that goes on.
func reading(l io.Reader) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 16))
		ended <- err
	}()
	return ended
}

// within is how long a test waits for what must come at once, on a computer that has other things to do.
const within = 30 * time.Second

func ends(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(within):
		t.Fatal("the Read hangs")
		return nil
	}
}

func TestSilenceIsWaitedForAndIsNoError(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	ended := reading(l)
	select {
	case err := <-ended:
		t.Fatalf("the silent line ended a Read: %v", err)
	case <-time.After(3 * vtime): // tarm would have said io.EOF by now
	}
	if _, err := p.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := ends(t, ended); err != nil {
		t.Errorf("the byte after the silence: %v", err)
	}
}

func TestCloseEndsARead(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	ended := reading(l)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := ends(t, ended); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the Read ended with %v, want os.ErrClosed", err)
	}
	if _, err := l.Write([]byte{1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a Write after Close: %v, want os.ErrClosed", err)
	}
}

func TestAnUnpluggedCableIsAnErrorForReadAndWrite(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	ended := reading(l)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ends(t, ended); !errors.Is(err, ErrUnplugged) {
		t.Errorf("the Read that was on ended with %v", err)
	}
	if err := ends(t, reading(l)); !errors.Is(err, ErrUnplugged) {
		t.Errorf("the next Read ended with %v", err)
	}
	if _, err := l.Write([]byte{1}); !errors.Is(err, ErrUnplugged) {
		t.Errorf("a Write: %v", err)
	}
}

func TestAMachineThatTakesNoBytesDoesNotBlockForEver(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	wrote := make(chan error, 1)
	go func() {
		_, err := l.Write(make([]byte, 1<<20)) // nobody reads them
		wrote <- err
	}()
	if err := ends(t, wrote); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the Write ended with %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestAPortIsOneProgramsAlone(t *testing.T) {
	p := cable(t)
	l := opened(t, p.Name)
	link := filepath.Join(t.TempDir(), "board")
	if err := os.Symlink(p.Name, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{p.Name, link} {
		if second, err := Open(name, 57600); !errors.Is(err, ErrInUse) ||
			!strings.Contains(err.Error(), "another program") {
			t.Errorf("a second Open of %s: %v, %v", name, second, err)
		}
		if !Same(name, p.Name) || !Same(p.Name[:len(p.Name)-1]+"["+p.Name[len(p.Name)-1:]+"]", name) {
			t.Errorf("%s is not the same as %s", name, p.Name)
		}
	}
	other := cable(t)
	for _, name := range []string{other.Name, "/dev/null", link + "-that-is-not-there", filepath.Dir(link),
		"/dev/pts/*"} {
		if Same(p.Name, name) || Same(name, link) {
			t.Errorf("%s is the same as %s", name, p.Name)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, link)
}

func TestAPatternFindsThePortThatCameBackUnderAnotherName(t *testing.T) {
	dir := t.TempDir()
	pattern := filepath.Join(dir, "ttyUSB*")
	plug := func(name string) *vendtest.Pty {
		p := cable(t)
		if err := os.Symlink(p.Name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if _, err := Open(pattern, 57600); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing is plugged in: %v", err)
	}
	first := plug("ttyUSB0")
	l := opened(t, pattern)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ends(t, reading(l)); !errors.Is(err, ErrUnplugged) {
		t.Errorf("the Read ended with %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "ttyUSB0")); err != nil {
		t.Fatal(err)
	}
	second := plug("ttyUSB1")
	again := opened(t, pattern)
	if _, err := again.Write([]byte{7}); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	if _, err := io.ReadFull(second, got); err != nil || got[0] != 7 {
		t.Errorf("the port that came back got %x (%v)", got, err)
	}
	plug("ttyUSB2")
	if _, err := Open(pattern, 57600); err == nil || !strings.Contains(err.Error(), "2 ports match") {
		t.Errorf("two ports match: %v", err)
	}
}

func TestWhatArrivedBeforeIsNotRead(t *testing.T) {
	p := cable(t)
	if _, err := p.Write([]byte("old")); err != nil {
		t.Fatal(err)
	}
	l := opened(t, p.Name)
	if _, err := p.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(l, got); err != nil || string(got) != "new" {
		t.Errorf("read %q (%v), want what came after the opening", got, err)
	}
}

func TestWhatIsNoPortIsRefusedWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for device, want := range map[string]string{file: "is no serial port", filepath.Join(dir, "none"): "plugged in",
		"[": "syntax error"} {
		if l, err := Open(device, 57600); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", device, l, err, want)
		}
	}
	if l, err := Open(cable(t).Name, 12345); err == nil {
		t.Errorf("a baud rate that Linux does not know: %v", l)
	}
}
