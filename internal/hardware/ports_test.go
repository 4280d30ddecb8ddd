package hardware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kioskd/hw/vend/serialport"
	"kioskd/hw/vend/vendtest"
)

// TestAPortThatOurOwnBoardHasIsNotCalledAnotherPrograms: the message names the section that has it, whatever the port
// is called there.
func TestAPortThatOurOwnBoardHasIsNotCalledAnotherPrograms(t *testing.T) {
	pty, err := vendtest.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	byID := filepath.Join(t.TempDir(), "usb-FTDI-port0")
	if err := os.Symlink(pty.Name, byID); err != nil {
		t.Fatal(err)
	}
	p := NewPorts(serialport.Open)
	motors, err := p.Opener("board", byID, 57600)()
	if err != nil {
		t.Fatal(err)
	}
	locks := p.Opener("lock_board", pty.Name, 19200)
	if _, err := locks(); err == nil || !strings.Contains(err.Error(), "[board]") ||
		!strings.Contains(err.Error(), byID) ||
		!strings.Contains(err.Error(), "[lock_board]") || strings.Contains(err.Error(), "another program") {
		t.Errorf("the second board: %v", err)
	}
	if err := motors.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(pty.Name, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := locks(); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("with another program there: %v", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	l, err := locks()
	if err != nil {
		t.Fatalf("nobody has it any more: %v", err)
	}
	_ = l.Close()
}
