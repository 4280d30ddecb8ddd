package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// guest skips a test that is not run in the virtual machine.
func guest(t *testing.T) {
	t.Helper()
	if os.Getenv("KIOSKD_GUEST") == "" {
		t.Skip("needs the virtual machine that make test-hw starts")
	}
}

const (
	configfs = "/sys/kernel/config/gpio-sim"
	tracefs  = "/sys/kernel/tracing"
)

// chip is a simulated GPIO chip of the kernel.
type chip struct {
	t     *testing.T
	dir   string // in configfs
	sysfs string // where its lines are pulled and read
	name  string // "gpiochip0"
	base  int    // the number that the kernel's trace has for line 0
	gone  bool
}

// newChip makes a chip whose lines have the names; "" is a line without.
func newChip(t *testing.T, label string, names ...string) *chip {
	t.Helper()
	guest(t)
	if _, isPi := piModel(); isPi {
		t.Skip("the kernel of a Raspberry Pi's model has no simulated chips")
	}
	c := &chip{t: t, dir: filepath.Join(configfs, strings.ReplaceAll(t.Name(), "/", "_"))}
	bank := filepath.Join(c.dir, "bank0")
	c.must(os.MkdirAll(bank, 0o755))
	c.write(filepath.Join(bank, "num_lines"), strconv.Itoa(len(names)))
	c.write(filepath.Join(bank, "label"), label)
	for n, name := range names {
		if name != "" {
			line := filepath.Join(bank, fmt.Sprintf("line%d", n))
			c.must(os.Mkdir(line, 0o755))
			c.write(filepath.Join(line, "name"), name)
		}
	}
	c.write(filepath.Join(c.dir, "live"), "1")
	t.Cleanup(func() {
		c.vanish()
		for n, name := range names {
			if name != "" {
				c.must(os.Remove(filepath.Join(bank, fmt.Sprintf("line%d", n))))
			}
		}
		c.must(os.Remove(bank))
		c.must(os.Remove(c.dir))
	})
	c.name = c.read(filepath.Join(bank, "chip_name"))
	c.sysfs = filepath.Join("/sys/devices/platform", c.read(filepath.Join(c.dir, "dev_name")), c.name)
	all := c.read("/sys/kernel/debug/gpio")
	at := regexp.MustCompile(c.name + `: GPIOs (\d+)-`).FindStringSubmatch(all)
	if at == nil {
		t.Fatalf("no %s in:\n%s", c.name, all)
	}
	c.base, _ = strconv.Atoi(at[1])
	return c
}

func (c *chip) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *chip) write(path, text string) {
	c.t.Helper()
	c.must(os.WriteFile(path, []byte(text), 0))
}

func (c *chip) read(path string) string {
	c.t.Helper()
	b, err := os.ReadFile(path)
	c.must(err)
	return strings.TrimSpace(string(b))
}

// vanish takes the chip away, as a cable does that is pulled out.
func (c *chip) vanish() {
	if !c.gone {
		c.gone = true
		c.write(filepath.Join(c.dir, "live"), "0")
	}
}

func (c *chip) line(n int, what string) string {
	return filepath.Join(c.sysfs, fmt.Sprintf("sim_gpio%d", n), what)
}

// pull is what stands on an input's wire from outside: 1 or 0.
func (c *chip) pull(n, level int) {
	c.t.Helper()
	c.write(c.line(n, "pull"), map[int]string{0: "pull-down", 1: "pull-up"}[level])
}

// level is what is on a wire; a chip that is gone has 0 on all of them.
func (c *chip) level(n int) int {
	b, err := os.ReadFile(c.line(n, "value"))
	if err == nil && strings.TrimSpace(string(b)) == "1" {
		return 1
	}
	return 0
}

// change is a level that the kernel put on a wire, and when, by the monotonic clock.
type change struct {
	level int
	at    time.Duration
}

// watch begins the kernel's trace of every level that is put on a wire.
func (c *chip) watch() {
	c.write(tracefs+"/trace_clock", "mono")
	c.write(tracefs+"/trace", "")
	c.write(tracefs+"/events/gpio/gpio_value/enable", "1")
	c.t.Cleanup(func() { c.write(tracefs+"/events/gpio/gpio_value/enable", "0") })
}

var traced = regexp.MustCompile(`(?m)\s(\d+)\.(\d{6}): gpio_value: (\d+) set (\d)$`)

// changes are those of a wire since watch.
func (c *chip) changes(n int) (all []change) {
	b, err := os.ReadFile(tracefs + "/trace")
	c.must(err)
	for _, m := range traced.FindAllStringSubmatch(string(b), -1) {
		if m[3] == strconv.Itoa(c.base+n) {
			s, _ := strconv.Atoi(m[1])
			us, _ := strconv.Atoi(m[2])
			level, _ := strconv.Atoi(m[4])
			all = append(all, change{level, time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond})
		}
	}
	return all
}

// mono is the clock of the trace.
func mono(t *testing.T) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// header are the names that Debian's kernel gives to the lines of a Raspberry Pi 3.
func header() []string {
	all := []string{"ID_SDA", "ID_SCL", "SDA1", "SCL1", "GPIO_GCLK"}
	for n := 5; n < 28; n++ {
		all = append(all, fmt.Sprintf("GPIO%d", n))
	}
	all[14], all[15] = "TXD1", "RXD1"
	return all
}

// cpuTicks is the processor time in a /proc/*/stat, in ticks of 10 ms.
func cpuTicks(t *testing.T, stat []byte) (ticks int) {
	t.Helper()
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may have spaces
	f := strings.Fields(rest)
	for _, s := range f[11:13] { // utime and stime
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return ticks
}

// seen waits until the kernel has looked at a line because of an edge, for the n-th time since watch: the next edge is
// then another one to it, and not the same as two edges before it. The line must be watched for both edges, and read by
// nobody.
func (c *chip) seen(line, n int) {
	look := fmt.Sprintf("gpio_value: %d get ", c.base+line)
	for strings.Count(c.read(tracefs+"/trace"), look) < n {
		time.Sleep(50 * time.Microsecond) // the trace cannot be waited for
	}
}
