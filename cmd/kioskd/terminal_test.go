package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"kioskd/internal/debug/api"
)

// screenOf is a kioskd command on a terminal of its own, as an operator runs it.
type screenOf struct {
	keyboard *os.File
	command  *exec.Cmd

	mu   sync.Mutex
	text strings.Builder
	read chan struct{} // closed when all was read
}

func onTerminal(t *testing.T, env []string, args ...string) *screenOf {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(filepath.Join("/dev/pts", strconv.Itoa(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(filepath.Join(programs, "kioskd"), args...)
	c.Env = append(os.Environ(), env...)
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctrl-C is the terminal's own
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	term := &screenOf{keyboard: keyboard, command: c, read: make(chan struct{})}
	go func() {
		defer close(term.read)
		for r := bufio.NewReader(keyboard); ; {
			b, err := r.ReadByte()
			if err != nil { // the command has ended
				return
			}
			term.mu.Lock()
			term.text.WriteByte(b)
			term.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, unless the test failed
		keyboard.Close()
	})
	return term
}

func (t *screenOf) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// end waits for the command's end, and gives all that it said.
func (t *screenOf) end() (string, error) {
	err := t.command.Wait()
	<-t.read
	return strings.ReplaceAll(t.said(), "\r\n", "\n"), err
}

// TestATerminalIsInColourAndStraight: the same words in the same columns with colour and without, unless nobody wants
// colour.
func TestATerminalIsInColourAndStraight(t *testing.T) {
	r := newRig(t)
	r.world()
	sale := r.doubt()
	r.until("no finger is on a button", func() bool {
		out, _, _ := kioskd(t, "status", "--pins", "--config", r.config)
		return strings.Contains(out, "cancel button") && !strings.Contains(out, "pressed")
	})
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	// The time of the clock's row moves between two questions, and when a pin moved is counted back from it.
	clock := regexp.MustCompile(`(?m)^((?:Clock|GPIO|SIM).*), (?:changed )?\d{4}-.*$`)
	plainly := func(s string) string { return clock.ReplaceAllString(colour.ReplaceAllString(s, ""), "$1") }
	for _, args := range [][]string{{"status", "--pins"}, {"sales"}, {"sales", sale}} {
		args = append(args, "--config", r.config)
		piped, e, exit := kioskd(t, args...)
		if exit != 0 || strings.Contains(piped, "\x1b") || !strings.Contains(piped, "A1") {
			t.Errorf("%v into a pipe: exit %d, %q %q", args, exit, piped, e)
		}
		shown, err := onTerminal(t, []string{"NO_COLOR="}, args...).end()
		if err != nil || plainly(shown) != plainly(piped) {
			t.Errorf("%v on a terminal: %v\n%s\nand into a pipe\n%s", args, err, shown, piped)
		}
		if len(args) == 4 && args[1] == sale { // a story needs no colour
			continue
		}
		if !strings.Contains(shown, "\x1b[3") {
			t.Errorf("%v has no colour on a terminal", args)
		}
		if shown, err := onTerminal(t, []string{"NO_COLOR=1"}, args...).end(); err != nil ||
			strings.Contains(shown, "\x1b") {
			t.Errorf("%v with NO_COLOR: %v %q", args, err, shown)
		}
	}
	out, _, _ := kioskd(t, "status", "--pins", "--config", r.config)
	if !strings.HasPrefix(out, "Sale "+sale+" stands in doubt") {
		t.Errorf("a doubt is not on top:\n%s", out)
	}
	if !regexp.MustCompile(`(?m)^GPIO17 +off +A1 relay, low, changed \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`).
		MatchString(out) ||
		!regexp.MustCompile(`(?m)^GPIO22 +off +A2 relay, low$`).MatchString(out) {
		t.Errorf("the pins are\n%s", out)
	}
	var s standing
	if out, _, _ := kioskd(t, "status", "--pins", "--json", "--config", r.config); json.Unmarshal([]byte(out),
		&s) != nil || len(s.Pins) < 9 || len(s.Health) < 4 {
		t.Errorf("status --pins --json: %s", out)
	}
	if out, _, _ := kioskd(t, "sales", sale, "--config", r.config); !strings.Contains(out,
		"A1 chosen, Still water 50 cl for 15.00 SEK") || !strings.Contains(out, "the product was delivered") {
		t.Errorf("the sale's story:\n%s", out)
	}
	var lines []api.Line
	if out, _, _ := kioskd(t, "sales", sale, "--json", "--config", r.config); json.Unmarshal([]byte(out),
		&lines) != nil || len(lines) < 5 {
		t.Errorf("the sale's story in JSON: %s", out)
	}
	for _, id := range []string{"NONE", "../../healthz", "a/b", "?limit=1", "%2e%2e"} {
		if out, e, exit := kioskd(t, "sales", id, "--config", r.config); exit != 1 || out != "" || e == "" {
			t.Errorf("sales %s: exit %d, %q %q", id, exit, out, e)
		}
	}
}

// TestASaleIsFollowedToItsEnd: of all steps those of one sale, the last one too, and Ctrl-C at the keyboard is a good
// end.
func TestASaleIsFollowedToItsEnd(t *testing.T) {
	r := newRig(t)
	r.world()
	if out, e, exit := kioskd(t, "events", "--sale", "x", "--config", r.dir+"/none.toml"); exit == 0 {
		t.Errorf("without a config: %q %q", out, e)
	}
	all := onTerminal(t, []string{"NO_COLOR="}, "events", "--config", r.config)
	r.until("it follows", func() bool { // a door moves until the follower has seen it
		for _, step := range []string{"maintenance", "ready"} {
			r.post(r.debug+"/sim/press", `{"slot": "door"}`)
			r.until(step, func() bool { return r.step() == step })
		}
		return strings.Contains(all.said(), "FaultRaised")
	})
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	sale := r.lastSale()["id"].(string)
	follower := exec.Command(filepath.Join(programs, "kioskd"), "events", "--json", "--sale", sale, "--config",
		r.config)
	out, err := follower.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	defer follower.Process.Kill()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for steps := bufio.NewScanner(out); steps.Scan(); {
			lines <- steps.Text()
		}
	}()
	r.press("A1", func() bool { return len(lines) > 0 && r.lastSale()["items"] != nil && r.step() == "choosing" })
	r.press("cancel", func() bool { return r.lastSale()["state"] == "charged" })
	var last api.Event
	for l := range lines {
		last = api.Event{} // what a line leaves out is empty
		if err := json.Unmarshal([]byte(l), &last); err != nil || last.Sale != sale && last.Sale != "" {
			t.Fatalf("%v: %s", err, l)
		}
		if last.Sale == "" {
			break
		}
	}
	if last.Sale != "" || last.Phase != "idle" || last.Event != "StatusAnswered" {
		t.Errorf("the sale's end is %+v", last)
	}
	if err := follower.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for l := range lines {
		t.Errorf("after the sale's end: %s", l)
	}
	if err := follower.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	r.until("the last step is shown", func() bool { return strings.Contains(all.said(), "ReservationCommitted") })
	if _, err := all.keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	shown, err := all.end()
	if err != nil || !strings.Contains(shown, "\x1b[3") || !strings.Contains(shown, sale) {
		t.Errorf("Ctrl-C: %v\n%s", err, shown)
	}
}

// TestNothingThatGlaseSaidSteersATerminal: control characters, and the C1 ones that few think of.
func TestNothingThatGlaseSaidSteersATerminal(t *testing.T) {
	if got := printable("åäö\x1b[2J\r\n\u009b31m\u202e 15,00 kr"); got != "åäö [2J   31m  15,00 kr" {
		t.Errorf("%q", got)
	}
}
