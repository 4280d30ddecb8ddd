package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
)

// piModel is the Raspberry Pi that this is.
func piModel() (model string, isPi bool) {
	b, err := os.ReadFile("/proc/device-tree/model")
	return strings.TrimRight(string(b), "\x00"), err == nil
}

// onPi skips a test that is not run on a Raspberry Pi's model.
func onPi(t *testing.T) {
	t.Helper()
	guest(t)
	model, isPi := piModel()
	if !isPi {
		t.Skip("this is no Raspberry Pi")
	}
	t.Log(model)
}

// wire is what the kernel says about a line: who has it, its direction and the level that is on it: `kioskd out hi
// ACTIVE LOW`.
func wire(t *testing.T, line int) string {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/debug/gpio")
	if err != nil {
		t.Fatal(err)
	}
	chip := regexp.MustCompile(`gpiochip0: GPIOs (\d+)-`).FindStringSubmatch(string(b))
	if chip == nil {
		t.Fatalf("no gpiochip0 in:\n%s", b)
	}
	var base int
	if _, err := fmt.Sscan(chip[1], &base); err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(fmt.Sprintf(`(?m)^ gpio-%d +\([^|]*\|([^)]*)\) (.*)$`, base+line)).
		FindStringSubmatch(string(b))
	if m == nil {
		return ""
	}
	return strings.Join(append([]string{strings.TrimSpace(m[1])}, strings.Fields(m[2])...), " ")
}

// TestARaspberryPiDrivesItsHeader: by the chip's number, by the header's position, and by a line whose name is another.
func TestARaspberryPiDrivesItsHeader(t *testing.T) {
	onPi(t)
	low := true
	var outputs []gpio.Output
	for _, name := range []string{"GPIO17", "P1_15", "GPIO2"} {
		outputs = append(outputs, gpio.Output{Pin: name, MaxOn: 30 * time.Second})
	}
	p := open(t, host{Outputs: outputs, Inputs: []string{"P1_13"},
		Wires: []hostpin.Wire{{Pin: "GPIO22", ActiveLow: &low}}})
	want := func(when string, levels map[int]string) {
		t.Helper()
		for line, is := range levels {
			if got := wire(t, line); got != is {
				t.Errorf("%s line %d is %q, want %q", when, line, got, is)
			}
		}
	}
	want("at the start", map[int]string{17: "kioskd out lo", 22: "kioskd out hi ACTIVE LOW", 2: "kioskd out lo"})
	for _, name := range []string{"GPIO17", "P1_15", "GPIO2"} {
		out, err := p.Output(name)
		if err == nil {
			err = out.Out(periph.High)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want("when on", map[int]string{17: "kioskd out hi", 22: "kioskd out lo ACTIVE LOW", 2: "kioskd out hi"})
	if in, err := p.Input("P1_13"); err != nil {
		t.Error(err)
	} else if err := in.In(periph.PullUp, periph.BothEdges); err != nil || in.WaitForEdge(10*time.Millisecond) {
		t.Errorf("an input that nothing moves: %v", err)
	}
	if !strings.HasPrefix(wire(t, 27), "kioskd in ") {
		t.Errorf("the input is %q", wire(t, 27))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if got := wire(t, 17); strings.Contains(got, "hi") {
		t.Errorf("after Close line 17 is %q", got)
	}
}

// TestTheKioskStartsOnARaspberryPi: the built program, with nothing to pay at: it stands, says so, and has its relays
// off.
func TestTheKioskStartsOnARaspberryPi(t *testing.T) {
	onPi(t)
	dir := t.TempDir()
	for file, text := range map[string]string{"kioskd.toml": config, "glase.password": "12345678"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "kioskd.toml")
	said := func(command string) (string, error) {
		out, err := exec.Command("/kioskd", command, "--config", path).CombinedOutput()
		return string(out), err
	}
	if out, err := said("outputs-off"); err != nil || !strings.Contains(out, "2 outputs are inactive") {
		t.Fatalf("outputs-off: %v, %s", err, out)
	}
	kiosk := exec.Command("/kioskd", "run", "--config", path)
	kiosk.Stdout, kiosk.Stderr = os.Stdout, os.Stderr
	if err := kiosk.Start(); err != nil {
		t.Fatal(err)
	}
	began, dead := time.Now(), make(chan error, 1)
	go func() { dead <- kiosk.Wait() }()
	var status string
	for err := errors.New("not asked"); err != nil; {
		select {
		case err := <-dead:
			t.Fatalf("the kiosk ended: %v", err)
		case <-time.After(200 * time.Millisecond): // between two questions
		}
		if status, err = said("status"); time.Since(began) > patience {
			t.Fatalf("status: %v, %s", err, status)
		}
	}
	t.Logf("it stands after %s (emulated):\n%s", time.Since(began), status)
	for line, want := range map[int]string{17: "kioskd out hi ACTIVE LOW", 22: "kioskd out lo"} {
		if got := wire(t, line); got != want {
			t.Errorf("line %d is %q, want %q", line, got, want)
		}
	}
	for _, line := range []int{27, 23, 5, 6, 2, 16} {
		if got := wire(t, line); !strings.HasPrefix(got, "kioskd in ") {
			t.Errorf("line %d is %q, want an input", line, got)
		}
	}
	if out, err := said("outputs-off"); err == nil || !strings.Contains(out, `in use by "kioskd"`) {
		t.Errorf("outputs-off beside a running kiosk: %v, %s", err, out)
	}
	if err := kiosk.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-dead; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if got := wire(t, 17) + wire(t, 22); strings.Contains(got, "kioskd") {
		t.Errorf("after its end its lines are %q", got)
	}
}
