package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long these tests wait for anything, on a machine that does much else.
const patience = 60 * time.Second

// TestAWholeKiosk runs the programs as make demo does.
func TestAWholeKiosk(t *testing.T) {
	if testing.Short() {
		t.Skip("this builds three programs and runs whole kiosks with them for a quarter of a minute: not with -short")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, ".", "../kioskd", "../glasesim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	for name, test := range map[string]func(*testing.T, *demo){
		"AutoAccountsForEveryOre":              autoAccounts,
		"AutoSellsByASticker":                  func(t *testing.T, d *demo) { autoSells(t, d, sticker) },
		"AutoSellsByAnInvoicesCode":            func(t *testing.T, d *demo) { autoSells(t, d, invoiceQR) },
		"AutoSellsOnAPage":                     func(t *testing.T, d *demo) { autoSells(t, d, web) },
		"AWayThatThereIsNotIsRefused":          noSuchWay,
		"AnInterruptInMidSaleLeavesNothing":    interrupted,
		"ASecondInterruptWaitsForNothing":      hurried,
		"AKilledDemoLeavesNoProcess":           killed,
		"AChildThatDiesIsShownWithItsLog":      childDies,
		"ACustomerBuysByKeys":                  byKeys,
		"TheTerminalIsGivenBackWhenAChildDies": terminalGivenBack,
		"ASmallTerminalIsRefused":              tooSmall,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDemo(t, bin)
			t.Cleanup(func() { d.signal("", syscall.SIGKILL) }) // what a failed test leaves
			test(t, d)
		})
	}
}

// demo is one run of bin/demo, in a folder of its own.
type demo struct {
	t        *testing.T
	bin, tmp string
	cmd      *exec.Cmd
	done     chan struct{} // closed when it has ended

	mu   sync.Mutex
	said bytes.Buffer // on both its outputs
}

// newDemo copies the programs by hard links, so that each run's processes can be told from another's.
func newDemo(t *testing.T, from string) *demo {
	d := &demo{t: t, bin: t.TempDir(), tmp: t.TempDir(), done: make(chan struct{})}
	for _, name := range []string{"demo", "kioskd", "glasesim"} {
		if err := os.Link(filepath.Join(from, name), filepath.Join(d.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *demo) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.Write(b)
}

func (d *demo) output() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.String()
}

// last is the end of what it said: a terminal is told much.
func (d *demo) last() string {
	out := d.output()
	return out[max(0, len(out)-3000):]
}

// start starts it; tty is its terminal, nil for none.
func (d *demo) start(tty *os.File, args ...string) {
	d.t.Helper()
	d.cmd = exec.CommandContext(d.t.Context(), filepath.Join(d.bin, "demo"), args...)
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.tmp, "NO_COLOR=1")
	if tty == nil {
		d.cmd.Stdout, d.cmd.Stderr = d, d
	} else {
		d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = tty, tty, tty
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // its exit status is looked at
		close(d.done)
	}()
}

// until waits for a fact.
func (d *demo) until(what string, is func() bool) {
	d.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("waited %v in vain for %s; it said\n%s", patience, what, d.last())
		}
	}
}

func (d *demo) says(text string) {
	d.t.Helper()
	d.until("it to say "+text, func() bool { return strings.Contains(d.output(), text) })
}

// ends waits for its end and checks its exit status.
func (d *demo) ends(status int) {
	d.t.Helper()
	d.until("its end", func() bool {
		select {
		case <-d.done:
			return true
		default:
			return false
		}
	})
	if got := d.cmd.ProcessState.ExitCode(); got != status {
		d.t.Errorf("exit status %d, want %d; it said\n%s", got, status, d.last())
	}
}

// processes are those whose program lies in this demo's folder.
func (d *demo) processes() (all []string) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil || len(links) == 0 {
		d.t.Fatal("the machine's processes cannot be seen:", err)
	}
	for _, link := range links {
		// others end meanwhile, or are not ours to see
		if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, d.bin) {
			all = append(all, link+" "+exe)
		}
	}
	return all
}

// leavesNothing checks that no process and no file is left.
func (d *demo) leavesNothing() {
	d.t.Helper()
	if all := d.processes(); len(all) > 0 {
		d.t.Errorf("left running: %q", all)
	}
	files, err := os.ReadDir(d.tmp)
	if err != nil || len(files) > 0 {
		d.t.Errorf("left in the temporary folder: %v %v", files, err)
	}
}

func autoAccounts(t *testing.T, d *demo) {
	began := time.Now()
	d.start(nil, "--auto")
	d.says("Sale 1")
	if n := len(d.processes()); n != 4 { // demo, glasesim, the board, the kiosk
		t.Errorf("%d processes while it sells, want the demo, kioskd and glasesim: %q", n, d.processes())
	}
	d.ends(0)
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("it took %v", took)
	}
	d.leavesNothing()
	for _, want := range []string{
		"the sale is charged: 15.00 SEK charged", "the sale is released: 0.00 SEK charged",
		"the sale is cancelled: 0.00 SEK charged",
		"A2 22.50 not_delivered", "3 of 3 settled", "Every öre is accounted for.",
		"Glase has 15.00 SEK paid, and nothing is left reserved.",
	} {
		if !strings.Contains(d.output(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(d.output())
	}
}

// autoSells: a product is chosen first, and what does not come out is paid back.
func autoSells(t *testing.T, d *demo, flow string) {
	d.start(nil, "--auto", "--flow="+flow)
	d.ends(0)
	d.leavesNothing()
	for _, want := range []string{
		"the sale is charged: 15.00 SEK charged", "the sale is refunded: 22.50 SEK charged",
		"the sale is cancelled: 0.00 SEK charged", "3 of 3 settled", "Every öre is accounted for.",
		"Glase has 15.00 SEK paid, and nothing is left reserved.",
	} {
		if !strings.Contains(d.output(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(d.output())
	}
}

func noSuchWay(t *testing.T, d *demo) {
	d.start(nil, "--auto", "--flow=cash")
	d.ends(1)
	d.leavesNothing()
	if !strings.Contains(d.output(), "reservation, sticker, invoice or web") {
		t.Errorf("it says %s", d.output())
	}
}

func interrupted(t *testing.T, d *demo) {
	d.start(nil, "--auto")
	d.says("reserved / choosing")
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	d.ends(1)
	d.leavesNothing()
	for _, want := range []string{"Glase has", "nothing is left reserved.", "demo: interrupted"} {
		if !strings.Contains(d.output(), want) {
			t.Errorf("it does not say %q, but\n%s", want, d.output())
		}
	}
}

func hurried(t *testing.T, d *demo) {
	d.start(nil, "--auto")
	d.says("reserved / choosing")
	d.signal("glasesim", syscall.SIGSTOP) // the kiosk cannot settle its sale
	for _, then := range []string{"The kiosk settles its sale", "kioskd is killed."} {
		if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		d.says(then)
	}
	d.ends(1)
	d.leavesNothing()
}

func killed(t *testing.T, d *demo) {
	d.start(nil, "--auto")
	d.says("reserved / choosing")
	if n := len(d.processes()); n != 4 { // demo, glasesim, the board, the kiosk
		t.Errorf("%d processes before: %q", n, d.processes())
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d.until("its processes to end", func() bool { return len(d.processes()) == 0 })
}

func childDies(t *testing.T, d *demo) {
	d.fakeKioskd("echo 'the disk is full of snakes' >&2; exit 7")
	d.start(nil)
	d.ends(1)
	d.leavesNothing()
	if out := d.output(); !strings.Contains(out, "kioskd ended by itself (exit status 7)") ||
		!strings.Contains(out, "full of snakes") {
		t.Errorf("it says\n%s", out)
	}
}

func (d *demo) fakeKioskd(script string) {
	d.t.Helper()
	path := filepath.Join(d.bin, "kioskd")
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755)); err != nil {
		d.t.Fatal(err)
	}
}

// signal sends a signal to this demo's processes of a name, "" for all of them.
func (d *demo) signal(name string, sig syscall.Signal) {
	d.t.Helper()
	for _, p := range d.processes() {
		link, exe, _ := strings.Cut(p, " ")
		if name != "" && filepath.Base(exe) != name {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil {
			err = syscall.Kill(pid, sig)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			d.t.Fatal(err)
		}
	}
}
