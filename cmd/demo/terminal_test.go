package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal of a size; what the demo writes there is what it says.
func (d *demo) terminal(columns, rows uint16) (keyboard, tty *os.File) {
	d.t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = errors.Join(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
			unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}))
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if tty, err = os.OpenFile(filepath.Join("/dev/pts", strconv.Itoa(n)), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { tty.Close() })
	go func() { _, _ = io.Copy(d, keyboard) }() // until the test closes it
	return keyboard, tty
}

func byKeys(t *testing.T, d *demo) {
	keyboard, tty := d.terminal(100, 32)
	before := modes(t, tty)
	d.start(tty, "--terminal")
	press := func(key, then string) {
		t.Helper()
		if _, err := keyboard.WriteString(key); err != nil {
			t.Fatal(err)
		}
		d.says(then)
	}
	d.says("idle / ready")
	if modes(t, tty) == before {
		t.Error("the terminal gives whole lines while the demo wants keys")
	}
	press("h", "/sim/press")
	press("x", "Scan to start") // any key goes back
	press("s", "up to 50.00 SEK?")
	press("p", "reserved / choosing")
	press("j", "the next one jams")
	press("2", "dispensing / vending · pressed A2, which jams")
	d.until("the jam's end", func() bool {
		out := d.output()
		return strings.LastIndex(out, "reserved / choosing") > strings.LastIndex(out, "dispensing / vending")
	})
	press("1", "dispensing / vending · pressed A1")
	d.until("the product", func() bool {
		out := d.output()
		return strings.LastIndex(out, "reserved / choosing") > strings.LastIndex(out, "dispensing / vending")
	})
	press("c", "paid 15.00 SEK")
	if _, err := keyboard.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	d.ends(0)
	d.leavesNothing()
	d.says("Glase has 15.00 SEK paid, and nothing is left reserved.")
	d.givenBack(tty, before)
}

func terminalGivenBack(t *testing.T, d *demo) {
	_, tty := d.terminal(80, 24)
	before := modes(t, tty)
	d.start(tty, "--terminal")
	d.says("idle / ready")
	d.signal("glasesim", syscall.SIGKILL)
	d.ends(1)
	d.leavesNothing()
	d.says("glasesim ended by itself (signal: killed)")
	d.givenBack(tty, before)
}

// givenBack checks that the terminal is as it was.
func (d *demo) givenBack(tty *os.File, before unix.Termios) {
	d.t.Helper()
	if modes(d.t, tty) != before {
		d.t.Error("the terminal is not as it was")
	}
	d.until("the cursor and the first screen to be back", func() bool {
		out := d.output()
		return strings.LastIndex(out, "\x1b[?25h") > strings.LastIndex(out, "\x1b[?25l") &&
			strings.LastIndex(out, "\x1b[?1049l") > strings.LastIndex(out, "\x1b[?1049h")
	})
}

func modes(t *testing.T, tty *os.File) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

func tooSmall(t *testing.T, d *demo) {
	_, tty := d.terminal(79, 24)
	d.start(tty, "--terminal")
	d.ends(1)
	d.leavesNothing()
	d.says("79 columns and 24 rows; the kiosk's screen and the lines under it need 80 and 24")
}
