package upgrade

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/proof/ask"
	"kioskd/internal/proof/audit"
	"kioskd/internal/proof/child"
	"kioskd/internal/proof/phone"
	"kioskd/internal/proof/port"
)

const (
	patience = 3 * time.Minute // for a fact that must come: longer than any pause of kioskd's or of the unit's
	between  = 20 * time.Millisecond
)

var trials = flag.Int("trial", 2, "`seconds` that a version is watched")

// world is a Glase and a board, and a machine with a disk, which may lose its power.
type world struct {
	t     *testing.T
	room  string // made by run
	dir   string // of this world, which the machine sees as /world
	mount string
	disk  string
	init  int // the machine's first process; 0: it is off
	power *child.Child
	glase phone.Phone
	port  string // the technicians', at its address
	debug *client.Client
	board *simboard.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	room := os.Getenv("KIOSKD_UPGRADE")
	if room == "" {
		t.Skip("needs a disk, packages and root: run internal/proof/upgrade/run")
	}
	dir, err := os.MkdirTemp("/var/tmp", "kioskd-upgrade") // a short path, for the board's socket
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // kioskd's user of the machine writes there
		t.Fatal(err)
	}
	w := &world{t: t, room: room, dir: dir, mount: filepath.Join(dir, "mnt"), disk: filepath.Join(dir, "disk")}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w.must(exec.Command("cp", "--sparse=always", filepath.Join(room, "disk"), w.disk))
	if err := os.Mkdir(w.mount, 0o755); err != nil {
		t.Fatal(err)
	}
	glaseAt, debugAt, upsAt := port.Free(), port.Free(), port.Free()
	w.glase, w.port = phone.Phone("http://"+glaseAt), "http://"+debugAt
	w.debug = client.At(w.port, "", nil)
	example, err := exec.Command(filepath.Join(room, "kioskd"), "check", "--example").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"http://127.0.0.1:8080", string(w.glase), "127.0.0.1:8082", upsAt, "127.0.0.1:8081", debugAt,
		`driver = "terminal"`, `driver = "none"`, `driver = "sim"`, `driver = "sim"`+"\ndevice = \"/world/board\"",
		`choose_timeout = "60s"`, `choose_timeout = "20s"`,
	).Replace(string(example))
	text = regexp.MustCompile(`(?m)^stock = \d+`).ReplaceAllString(text, "stock = 9999") // nobody refills it
	w.attach()
	t.Cleanup(w.cut)
	w.write("etc/kioskd/kioskd.toml", text, 0o644)
	w.write("etc/kioskd/glase.password", "12345678\n", 0o600)
	w.must(exec.Command("chroot", w.mount, "chown", "kioskd", "/etc/kioskd/glase.password"))
	w.write("etc/systemd/system/kioskd-upgrade.service.d/test.conf", fmt.Sprintf(`[Service]
RestartSec=1s
Environment=PATH=/shim:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TRIAL_SECONDS=%d
`, *trials), 0o644)
	// a config for what runs beside the machine
	w.put("kioskd.toml", strings.NewReplacer("/world/", dir+"/").Replace(text))
	if err := os.WriteFile(filepath.Join(dir, "glase.password"), []byte("12345678\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.trap("")
	w.begin("glasesim", "--listen", glaseAt, "--ups", "123456=http://"+upsAt+"/seqr/createPurchase")
	w.begin("kioskd", "sim-board", "--config", filepath.Join(dir, "kioskd.toml"))
	w.until("the board is there", func() bool {
		w.board, err = simboard.Dial(dir + "/board")
		return err == nil
	})
	t.Cleanup(func() { w.board.Close() })
	if err := os.Chmod(dir+"/board", 0o777); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	w.until("Glase is there", func() bool { _, err := w.glase.Ledger(t.Context()); return err == nil })
	w.boot()
	t.Cleanup(w.tell)
	return w
}

// tell is what a failed world has to say.
func (w *world) tell() {
	if !w.t.Failed() || w.init == 0 {
		return
	}
	links, _ := exec.Command("ls", "-l", filepath.Join(w.mount, "usr/lib/kioskd")).CombinedOutput()
	log, _ := w.command("journalctl", "--no-pager", "-n", "80").CombinedOutput()
	w.t.Logf("%s\n%s", links, log)
}

func (w *world) must(c *exec.Cmd) string {
	w.t.Helper()
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	return string(out)
}

func (w *world) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil { //nolint:gosec // the machine's users write it
		w.t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil { //nolint:gosec // whatever the umask is
		w.t.Fatal(err)
	}
}

// write makes a file on the machine's disk.
func (w *world) write(name, text string, mode os.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.mount, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		w.t.Fatal(err)
	}
}

// begin starts a program of the world's, which ends with it.
func (w *world) begin(name string, args ...string) {
	w.t.Helper()
	c := exec.Command(filepath.Join(w.room, name), args...)
	log, err := os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	started, err := child.Start(c, syscall.SIGKILL)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(started.Kill)
}

func (w *world) attach() { w.t.Helper(); w.must(exec.Command("mount", "-o", "loop", w.disk, w.mount)) }

// boot switches the machine on.
func (w *world) boot() {
	w.t.Helper()
	console, err := os.OpenFile(filepath.Join(w.dir, "console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer console.Close()
	c := exec.Command("systemd-nspawn", "-q", "-D", w.mount, "--boot", "--register=no", "--keep-unit",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe", "--bind="+w.dir+":/world",
		"--bind-ro="+filepath.Join(w.room, "shim")+":/shim", "--bind-ro="+filepath.Join(w.room, "debs")+":/debs")
	c.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	c.Stdout, c.Stderr = console, console
	// a cgroup of its own, below whichever hierarchies this machine has
	c.SysProcAttr = &syscall.SysProcAttr{}
	if w.power, err = child.Start(c, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	w.until("the machine is on", func() bool {
		select {
		case <-w.power.Ended():
			w.t.Fatal(w.power.Died("the machine", filepath.Join(w.dir, "console")))
		default:
		}
		w.init = firstChild(w.power.PID())
		return w.init != 0 && w.command("systemctl", "show", "-P", "Version").Run() == nil
	})
}

// firstChild is a process's child; 0: it has none.
func firstChild(pid int) int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		text, _ := os.ReadFile(t) // a process that has ended has no children
		if f := strings.Fields(string(text)); len(f) > 0 {
			n, _ := strconv.Atoi(f[0])
			return n
		}
	}
	return 0
}

// shutdown is EXT4_IOC_SHUTDOWN, and discard its flag that forgets what is not on the disk yet: what a power cut does.
const (
	shutdown = 0x8004587d
	discard  = 2
)

// cut pulls the plug: what was not synced is lost, and nothing that runs in the machine notices.
func (w *world) cut() {
	if w.power == nil {
		_ = exec.Command("umount", w.mount).Run() // it may never have been mounted
		return
	}
	if f, err := os.Open(w.mount); err == nil {
		if err := unix.IoctlSetPointerInt(int(f.Fd()), shutdown, discard); err != nil {
			w.t.Errorf("the disk cannot be cut off: %v", err)
		}
		f.Close()
	}
	if w.init != 0 {
		_ = syscall.Kill(w.init, syscall.SIGKILL) // its whole process namespace with it
	}
	w.power.Kill()
	w.power, w.init = nil, 0
	w.until("the disk is let go", func() bool { return exec.Command("umount", w.mount).Run() == nil })
}

// again switches the machine on after a cut.
func (w *world) again() {
	w.t.Helper()
	w.attach()
	w.boot()
}

// command is one in the machine.
func (w *world) command(args ...string) *exec.Cmd {
	c := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(w.init), "-m", "-u", "-i", "-p", "-r", "-w", "--"},
		args...)...)
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"}
	return c
}

// install lays a package beside what runs, through the shims.
func (w *world) install(deb string) *exec.Cmd {
	c := w.command("dpkg", "--force-downgrade", "-i", "/debs/"+deb+".deb")
	c.Env[0] = "PATH=/shim:" + strings.TrimPrefix(c.Env[0], "PATH=")
	return c
}

// trap stops the machine's script at a step: "before 7", "after 7", or "" at none. Steps are counted from here.
func (w *world) trap(at string) {
	w.t.Helper()
	_ = os.Remove(filepath.Join(w.dir, "now")) // there may be none
	w.put("count", "0\n")
	w.put("steps", "")
	w.put("at", at+"\n")
}

// trapped reports whether it has been stopped there.
func (w *world) trapped() bool { _, err := os.Stat(filepath.Join(w.dir, "now")); return err == nil }

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(between) {
		if time.Now().After(end) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

func (w *world) status() (s api.Status, err error) { return w.debug.Status(w.t.Context()) }

func (w *world) step() string { s, _ := w.status(); return s.Step } // no answer is no step

func (w *world) sales() []api.Sale {
	all, _ := w.debug.Sales(w.t.Context(), client.SalesMax) // no answer is no sale
	return all
}

// stands is how the last change of versions stands, as the unit wrote it down.
func (w *world) stands() (u api.Upgrade) {
	text, _ := os.ReadFile(filepath.Join(w.mount, "var/lib/kioskd-upgrade/state.json"))
	_ = json.Unmarshal(text, &u) // nothing yet
	return u
}

// runs is the version that the link leads to, without what keeps it apart.
func (w *world) runs() string {
	to, err := os.Readlink(filepath.Join(w.mount, "usr/lib/kioskd/current"))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(to, "kept/")
}

// answers is the version that the running daemon says it is; "": none answers.
func (w *world) answers() string {
	var m struct{ Version string }
	_ = ask.Get(w.t.Context(), w.port+"/api/machine", &m) // none answers
	return m.Version
}

var errRefused = errors.New("the machine takes no customer now")

// buy is a customer who takes one product and says that this is all.
func (w *world) buy() (api.Sale, error) {
	invoice, err := w.glase.Scan(w.t.Context(), phone.Shop, "50.00")
	if err != nil {
		return api.Sale{}, errRefused
	}
	if err := w.glase.Confirm(w.t.Context(), invoice); err != nil {
		return api.Sale{}, err
	}
	mine := func() (sale api.Sale, known bool) {
		for _, s := range w.sales() {
			if s.InvoiceReference == invoice {
				return s, true
			}
		}
		return sale, false
	}
	w.until("it may be chosen", func() bool {
		s, known := mine()
		return known && s.State != "open" || w.step() == "choosing"
	})
	var pressed time.Time
	w.until("it comes out", func() bool { // a busy computer may see no finger that is as quick as this one
		s, known := mine()
		if known && (s.State != "open" || len(s.Items) > 0 && w.step() == "choosing") {
			return true
		}
		if w.step() == "choosing" && time.Since(pressed) > 2*time.Second {
			pressed = time.Now()
			if err := w.board.Press("A1"); err != nil {
				w.t.Fatal(err)
			}
		}
		return false
	})
	if err := w.board.Press("cancel"); err != nil {
		return api.Sale{}, err
	}
	var sale api.Sale
	w.until("the sale ends", func() (ended bool) {
		sale, ended = mine()
		return ended && sale.State != "open"
	})
	return sale, nil
}

// honest is a customer who comes back until the machine sells, and gets what was paid for.
func (w *world) honest() {
	w.t.Helper()
	var sale api.Sale
	w.until("the machine sells", func() bool {
		var err error
		if sale, err = w.buy(); err != nil && !errors.Is(err, errRefused) {
			w.t.Fatal(err)
		}
		return err == nil
	})
	w.whole(sale)
}

// whole holds that nothing has come between a customer and the product.
func (w *world) whole(s api.Sale) {
	w.t.Helper()
	if s.State != "charged" || s.Charged != "15.00" || len(s.Items) != 1 || s.Items[0].Outcome != "delivered" || s.Why != "" {
		w.t.Errorf("a sale was interrupted: %+v", s)
	}
}

// audit compares the three records.
func (w *world) audit() {
	w.t.Helper()
	ledger, err := w.glase.Ledger(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	board, err := w.board.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	if broken := audit.Books(w.sales(), ledger, board); broken != nil {
		w.t.Errorf("%q", broken)
	}
}
