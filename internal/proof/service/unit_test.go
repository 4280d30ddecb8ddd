package service

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/debug/client"
)

// offMax is how long a relay may stay on after its daemon has died.
const offMax = time.Second

// kernels are the two kinds: what becomes of an output whose owner has died.
func kernels() map[string]string {
	return map[string]string{"a kernel that lets released outputs go": "gpio-sim.ko",
		"a kernel that keeps released outputs": "gpio-sim-keeps.ko"}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("KIOSKD_UNIT_TEST"); dir != "" {
		out, err := run("dpkg", "-i", filepath.Join(dir, "kioskd.deb"))
		fmt.Printf("%s", out)
		if err != nil {
			fmt.Println("dpkg:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// death waits until a process is dead.
func death(t *testing.T, pid int) <-chan time.Time {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	died := make(chan time.Time, 1)
	go func() {
		defer unix.Close(fd)
		for {
			if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); n == 1 ||
				err != unix.EINTR {
				died <- time.Now()
				return
			}
		}
	}()
	return died
}

// monotonic is the clock of systemd's own moments.
func monotonic(t *testing.T) time.Duration {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

// off samples the relay's line until it is Low.
func off(t *testing.T, c chip) time.Time {
	t.Helper()
	// before max_on ends it
	for end := time.Now().Add(25 * time.Second); c.on(t, relay); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the relay stays on")
		}
	}
	return time.Now()
}

// settled says whether no sale is open.
func (c chip) settled(t *testing.T) bool {
	sales, err := c.kiosk.Sales(t.Context(), client.SalesMax)
	return err == nil && len(sales) == 1 && sales[0].State == "released" && sales[0].Charged == "0.00"
}

func mainPID(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(property(t, "MainPID"))
	if err != nil || pid == 0 {
		t.Fatalf("MainPID: %d, %v", pid, err)
	}
	return pid
}

func TestNoRelayStaysOnHoweverTheDaemonEnds(t *testing.T) {
	broken := "ExecStart=\nExecStart=" + home(t) + "/breakable run --config " + conf
	for kernel, module := range kernels() {
		t.Run(kernel, func(t *testing.T) {
			c := plug(t, module)
			for _, end := range []struct {
				name, dropIn string
				signal       unix.Signal
				journal      string // what is found in it afterwards
			}{
				{"killed", "", unix.SIGKILL, "status=9/KILL"},
				{"panic", broken, unix.SIGUSR1, "the test wanted it"},
				{"wedged loop", broken, unix.SIGUSR2, "Watchdog timeout"},
				{"frozen", "", unix.SIGSTOP, "Watchdog timeout"},
			} {
				t.Run(end.name, func(t *testing.T) {
					rig(t, c, end.dropIn)
					vend(t, c)
					pid := mainPID(t)
					died := death(t, pid)
					asked := time.Now()
					if err := unix.Kill(pid, end.signal); err != nil {
						t.Fatal(err)
					}
					dark := off(t, c)
					dead := <-died
					t.Logf("died %s after the signal; its relay was off %s later", dead.Sub(asked).
						Round(time.Millisecond), dark.Sub(dead).Round(100*time.Microsecond))
					if d := dark.Sub(dead); d > offMax || d < -offMax { // off long before: something else was measured
						t.Errorf("the relay went off %s after the death, at most %s is allowed", d, offMax)
					}
					until(t, "systemd starts it again", func() bool {
						return property(t, "NRestarts") == "1" &&
							property(t, "ActiveState") == "active"
					})
					until(t, "the sale is settled", func() bool { return c.settled(t) })
					if log := command(t, "journalctl", "--no-pager", "-u", "kioskd",
						fmt.Sprintf("--since=@%d", asked.Unix())); !strings.Contains(log, end.journal) {
						t.Errorf("%q is not in the journal:\n%s", end.journal, log)
					}
					if c.on(t, relay) {
						t.Error("the relay is on again")
					}
				})
			}
			t.Run("stopped", func(t *testing.T) {
				rig(t, c, "")
				vend(t, c)
				stopped := make(chan string, 1)
				go func() {
					out, err := run("systemctl", "stop", "kioskd")
					stopped <- fmt.Sprint(string(out), err)
				}()
				off(t, c)
				dark := monotonic(t)
				told, err := strconv.ParseInt(property(t, "ActiveExitTimestampMonotonic"), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				d := dark - time.Duration(told)*time.Microsecond
				t.Logf("its relay was off %s after systemd began to stop it", d.Round(100*time.Microsecond))
				if d > offMax || d < -offMax { // a little before: systemd notes the moment after its signal
					t.Errorf("the relay went off %s after the stop, at most %s is allowed", d, offMax)
				}
				if said := <-stopped; said != "<nil>" || property(t, "Result") != "success" {
					t.Errorf("systemctl stop said %s, the unit's result is %s", said, property(t, "Result"))
				}
			})
		})
	}
}

// TestWithoutTheUnitsOutputsOffARelayWouldStayOn shows that the test above can fail, and that a start then helps.
func TestWithoutTheUnitsOutputsOffARelayWouldStayOn(t *testing.T) {
	const without = "ExecStopPost=\nRestart=no"
	c := plug(t, kernels()["a kernel that keeps released outputs"])
	rig(t, c, without)
	leave := func(t *testing.T) { // a relay on, and nobody there
		setDropIn(t, without)
		vend(t, c)
		if err := unix.Kill(mainPID(t), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "systemd has given it up", func() bool { return property(t, "ActiveState") == "failed" })
		if !c.on(t, relay) {
			t.Fatal("the relay is off without ExecStopPost: this kernel does not keep outputs, and the test of the " +
				"unit proves nothing")
		}
		setDropIn(t, "")
	}
	t.Run("the next start makes it inactive before it is ready", func(t *testing.T) {
		leave(t)
		command(t, "systemctl", "start", "kioskd") // returns when it is ready
		if c.on(t, relay) {
			t.Error("the relay is on in a kiosk that is ready")
		}
		until(t, "the sale is settled", func() bool { return c.settled(t) })
		c.pull(t, door, "pull-up") // a technician looks at the slot
		until(t, "the door is open", func() bool { return c.status(t).Reason == "door" })
		c.pull(t, door, "pull-down") // closing it lets the slot sell again
		until(t, "the kiosk sells", func() bool { return c.status(t).Step == "ready" })
		command(t, "systemctl", "stop", "kioskd")
	})
	t.Run("a start that fails does, and a mended config is found without anybody", func(t *testing.T) {
		leave(t)
		good, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		write(t, conf, strings.Replace(string(good), "[gpio]", "[gpio]\nnonsense = 1", 1))
		if out, err := run("systemctl", "start", "kioskd"); err == nil {
			t.Errorf("a start with a bad config: %s", out)
		}
		off(t, c)
		until(t, "systemd tries again and again",
			func() bool { n, _ := strconv.Atoi(property(t, "NRestarts")); return n >= 3 })
		write(t, conf, string(good))
		until(t, "the kiosk is back", func() bool { return property(t, "ActiveState") == "active" })
	})
}

func TestASecretThatIsHandedInIsUsedAndItsLossKeepsNoRelayOn(t *testing.T) {
	const file = "/etc/kioskd/handed-in"
	c := plug(t, kernels()["a kernel that keeps released outputs"])
	rig(t, c, "LoadCredential=glase.password:"+file)
	if err := os.Rename("/etc/kioskd/glase.password", file); err != nil {
		t.Fatal(err)
	}
	command(t, "chown", "root:root", file) // the daemon's user cannot read it there
	write(t, conf, fmt.Sprintf(jammed, "/run/credentials/kioskd.service/glase.password"))
	vend(t, c)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(mainPID(t), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	off(t, c)
}

func TestSystemdKnowsHowTheKioskIs(t *testing.T) {
	c := plug(t, kernels()["a kernel that lets released outputs go"])
	rig(t, c, "")
	command(t, "systemctl", "start", "kioskd")
	until(t, "it is ready, in words", func() bool { return property(t, "StatusText") == "idle: ready" })
	pid := mainPID(t)
	command(t, "systemctl", "reload", "kioskd") // for a new certificate
	if now := mainPID(t); now != pid {
		t.Errorf("a reload made process %d into %d", pid, now)
	}
	c.pull(t, door, "pull-up")
	until(t, "the open door is in its words",
		func() bool { return property(t, "StatusText") == "idle: maintenance (door)" })
	if user := command(t, "stat", "-c", "%U", "/proc/"+property(t, "MainPID")); user != "kioskd" {
		t.Errorf("it runs as %s", user)
	}
}

func TestTheUnitIsSoundAndShutIn(t *testing.T) {
	home(t)
	const unit = "/usr/lib/systemd/system/kioskd.service"
	if said := command(t, "systemd-analyze", "verify", unit); said != "" {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	shutIn(t, unit)
}
