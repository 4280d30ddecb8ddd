package service

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/proof/phone"
)

// The machine's lines, by their place on the chip.
const (
	relay = iota
	drop
	button
	door
)

func lineNames() []string {
	return []string{relay: "GPIO17", drop: "GPIO27", button: "GPIO5", door: "GPIO26"}
}

const (
	glase    = "http://127.0.0.1:8080"
	customer = phone.Phone(glase)
	dropIns  = "/run/systemd/system/kioskd.service.d"
	conf     = "/etc/kioskd/kioskd.toml"
	jammed   = `
[machine]
name = "Test machine"
token = "123456"
currency = "SEK"
[glase]
endpoint = "` + glase + `/soap/merchant/cashregister-2"
merchant_id = "public_test_shop"
terminal_id = "public_test_shop_terminal"
password_file = "%s"
client_id = "Test AB"
[ups]
listen = "127.0.0.1:8082"
public_url = "http://127.0.0.1:8082/seqr"
path_prefix = "/seqr"
[payment]
flow = "reservation"
reserve_max = "200.00"
[journal]
path = "/var/lib/kioskd/journal.db"
[display]
driver = "none"
[gpio]
driver = "host"
chip = "gpio-sim-kiosk"
door = "GPIO26"
[[pin]]
name = "GPIO26"
pull = "none" # the test closes the door before the daemon begins
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 9
button = "GPIO5"
max_on = "30s" # nobody pulls the drop line: the motor turns until then
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
`
)

// home is where the machine's tests find what they need; on any other machine there is nothing to test.
func home(t *testing.T) string {
	dir := os.Getenv("KIOSKD_UNIT_TEST")
	if dir == "" {
		t.Skip("this test is for a whole machine: make service starts it there")
	}
	return dir
}

// run runs a program; one that hangs must not hang the machine.
func run(name string, args ...string) ([]byte, error) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	return exec.CommandContext(ctx, name, args...).CombinedOutput()
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// property is what systemd says of the unit.
func property(t *testing.T, name string) string {
	t.Helper()
	return command(t, "systemctl", "show", "-P", name, "kioskd.service")
}

// until asks again and again; only the test's own deadline ends it.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, _ := t.Deadline()
	patience := min(time.Until(deadline)-20*time.Second, time.Minute)
	for end := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			out, _ := run("journalctl", "--no-pager", "-b", "-u", "kioskd", "-n", "60")
			t.Fatalf("never: %s\n%s", what, out)
		}
	}
}

// chip is a GPIO chip whose lines the test holds in its hands, and who asks the kiosk that is wired to it.
type chip struct {
	dir   string
	kiosk *client.Client
}

// plug loads a module and makes the machine's chip of it, until the test's end.
func plug(t *testing.T, module string) chip {
	dir := home(t)
	const made = "/sys/kernel/config/gpio-sim/kiosk"
	load := func(name string) { command(t, "insmod", filepath.Join(dir, name)) }
	if _, err := os.Stat("/sys/kernel/config"); err != nil {
		load("configfs.ko")
		load("irq_sim.ko")
		if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	load(module)
	mkdir(t, made+"/bank0")
	write(t, made+"/bank0/num_lines", strconv.Itoa(len(lineNames())))
	write(t, made+"/bank0/label", "gpio-sim-kiosk")
	for n, name := range lineNames() {
		mkdir(t, fmt.Sprintf("%s/bank0/line%d", made, n))
		write(t, fmt.Sprintf("%s/bank0/line%d/name", made, n), name)
	}
	write(t, made+"/live", "1")
	t.Cleanup(func() {
		write(t, made+"/live", "0")
		for n := range lineNames() {
			os.Remove(fmt.Sprintf("%s/bank0/line%d", made, n))
		}
		os.Remove(made + "/bank0")
		os.Remove(made)
		command(t, "rmmod", strings.TrimSuffix(module, ".ko"))
	})
	command(t, "udevadm", "settle")
	found, _ := filepath.Glob("/sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio0")
	if len(found) != 1 {
		t.Fatalf("the chip's lines are at %q", found)
	}
	c := chip{filepath.Dir(found[0]), client.At("http://127.0.0.1:8081", "", nil)}
	c.pull(t, door, "pull-down") // closed
	return c
}

func (c chip) pull(t *testing.T, line int, to string) {
	t.Helper()
	write(t, fmt.Sprintf("%s/sim_gpio%d/pull", c.dir, line), to)
}

// on says whether a line is High.
func (c chip) on(t *testing.T, line int) bool {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("%s/sim_gpio%d/value", c.dir, line))
	if err != nil {
		t.Fatal(err)
	}
	return string(b) == "1\n"
}

// status is how the kiosk stands; no answer is no step.
func (c chip) status(t *testing.T) api.Status {
	s, _ := c.kiosk.Status(t.Context())
	return s
}

// rig is a machine with a new journal, the unit in the state that a test wants, and a Glase, until the test's end.
func rig(t *testing.T, c chip, dropIn string) {
	dir := home(t)
	t.Cleanup(func() {
		command(t, "systemctl", "stop", "kioskd")
		os.RemoveAll(dropIns)
		os.RemoveAll("/var/lib/kioskd")
		command(t, "systemctl", "daemon-reload")
		if t.Failed() {
			out, _ := run("journalctl", "--no-pager", "-b", "-u", "kioskd", "-n", "60")
			t.Logf("%s", out)
		}
	})
	write(t, conf, fmt.Sprintf(jammed, "/etc/kioskd/glase.password"))
	write(t, "/etc/kioskd/glase.password", "12345678")
	command(t, "chown", "kioskd", "/etc/kioskd/glase.password")
	command(t, "chmod", "600", "/etc/kioskd/glase.password")
	setDropIn(t, dropIn)
	sim := exec.Command(filepath.Join(dir, "glasesim"), "--listen", strings.TrimPrefix(glase, "http://"), "--ups",
		"123456=http://127.0.0.1:8082/seqr/createPurchase")
	var log bytes.Buffer
	sim.Stdout, sim.Stderr = &log, &log
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Process.Kill(); _ = sim.Wait() }) // it was told to die
	until(t, "Glase is there", func() bool { _, err := customer.Ledger(t.Context()); return err == nil })
}

// setDropIn changes the unit; "" is the unit as it is installed.
func setDropIn(t *testing.T, text string) {
	t.Helper()
	if err := os.RemoveAll(dropIns); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		mkdir(t, dropIns)
		write(t, dropIns+"/test.conf", "[Service]\n"+text+"\n")
	}
	command(t, "systemctl", "daemon-reload")
}

// vend starts the unit, reserves a customer's money and lets them choose: the motor is on when it returns, and the
// product jams.
func vend(t *testing.T, c chip) {
	t.Helper()
	command(t, "systemctl", "start", "kioskd")
	until(t, "the kiosk is ready", func() bool { return c.status(t).Step == "ready" })
	invoice, err := customer.Scan(t.Context(), phone.Shop, "50.00")
	if err == nil {
		err = customer.Confirm(t.Context(), invoice)
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, "a product may be chosen", func() bool { return c.status(t).Step == "choosing" })
	if c.on(t, relay) {
		t.Fatal("the relay is on before anybody has chosen")
	}
	c.pull(t, button, "pull-down")
	until(t, "the relay is on", func() bool { return c.on(t, relay) })
	c.pull(t, button, "pull-up")
}
