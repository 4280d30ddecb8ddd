package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/proof/port"
)

// programs are built once, and used as an operator would.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "kioskd-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		programs = dir
		build := exec.Command("go", "build", "-o", dir, "kioskd/cmd/kioskd", "kioskd/cmd/glasesim")
		if out, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		return m.Run()
	}())
}

// kioskd runs a command to its end.
func kioskd(t *testing.T, args ...string) (stdout, stderr string, exit int) {
	c := exec.Command(filepath.Join(programs, "kioskd"), args...)
	var o, e bytes.Buffer
	c.Stdout, c.Stderr = &o, &e
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), c.ProcessState.ExitCode()
}

func TestHelpTeaches(t *testing.T) {
	out, _, exit := kioskd(t, "--help")
	for _, want := range []string{"check --example > kioskd.toml", "outputs-off", "replay", "run "} {
		if !strings.Contains(out, want) || exit != 0 {
			t.Errorf("exit %d, no %q in:\n%s", exit, want, out)
		}
	}
	if _, e, exit := kioskd(t, "sell"); exit == 0 || !strings.Contains(e, "sell") {
		t.Errorf("an unknown command: exit %d, %q", exit, e)
	}
}

func TestVersionIsForPeopleAndForPrograms(t *testing.T) {
	out, _, exit := kioskd(t, "version")
	if exit != 0 || !strings.HasPrefix(out, "kioskd ") {
		t.Errorf("exit %d: %q", exit, out)
	}
	out, _, _ = kioskd(t, "version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(out), &v); err != nil || v["version"] == "" || v["platform"] == "" {
		t.Errorf("%q: %v", out, err)
	}
}

// rig is a Glase and a config for a kiosk with a board in a process of its own.
type rig struct {
	t            *testing.T
	dir, config  string
	glase, debug string
	kiosk        *exec.Cmd
	upsPort      string
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), glase: "http://" + port.Free(), debug: "http://" + port.Free()}
	_, r.upsPort, _ = net.SplitHostPort(port.Free())
	example, _, _ := kioskd(t, "check", "--example")
	text := strings.NewReplacer(
		"http://127.0.0.1:8080", r.glase, "127.0.0.1:8082", "127.0.0.1:"+r.upsPort, "127.0.0.1:8081",
		strings.TrimPrefix(r.debug, "http://"),
		"/var/lib/kioskd", r.dir, "/run/kioskd", r.dir, `driver = "terminal"`, `driver = "none"`,
		`driver = "sim"`, `driver = "sim"`+"\ndevice = \""+r.dir+"/board\"",
	).Replace(example)
	r.config = r.dir + "/kioskd.toml"
	if err := os.WriteFile(r.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.dir+"/glase.password", []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// begin starts a program that ends with the test at the latest.
func (r *rig) begin(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(programs, name), args...)
	log, err := os.OpenFile(r.dir+"/"+name+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	return c
}

func (r *rig) start() {
	r.kiosk = r.begin("kioskd", "run", "--config", r.config)
	r.until("the kiosk is healthy", func() bool { return r.get(r.debug + "/healthz")["status"] == "ok" })
}

// until asks again and again; the kiosk's end ends it, or the test's own deadline.
func (r *rig) until(what string, ok func() bool) {
	deadline, has := r.t.Deadline()
	for !ok() {
		if r.hasEnded() || has && time.Until(deadline) < 20*time.Second {
			log, _ := os.ReadFile(r.dir + "/kioskd.log")
			r.t.Fatalf("never: %s\n%s", what, log)
		}
		time.Sleep(5 * time.Millisecond) // between two questions over HTTP
	}
}

// hasEnded sees a kiosk that ended by itself, and leaves it for Wait.
func (r *rig) hasEnded() bool {
	if r.kiosk == nil || r.kiosk.ProcessState != nil {
		return false
	}
	var of unix.Siginfo
	err := unix.Waitid(unix.P_PID, r.kiosk.Process.Pid, &of, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && of.Signo != 0
}

func (r *rig) get(url string) map[string]any {
	var v map[string]any
	if resp, err := http.Get(url); err == nil {
		defer resp.Body.Close()
		_ = json.NewDecoder(resp.Body).Decode(&v) // an empty map says enough
	}
	return v
}

func (r *rig) post(url, body string) map[string]any {
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		r.t.Fatalf("%s answered %q", url, b)
	}
	return v
}

func (r *rig) step() any { return r.get(r.debug + "/api/status")["step"] }

func (r *rig) relayOn() bool {
	for _, s := range r.get(r.debug + "/sim/board")["slots"].([]any) {
		if s.(map[string]any)["relay"] == true {
			return true
		}
	}
	return false
}

func (r *rig) lastSale() map[string]any {
	resp, err := http.Get(r.debug + "/api/sales")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var sales []map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&sales); err != nil || len(sales) == 0 {
		r.t.Fatalf("%v, %v", sales, err)
	}
	return sales[0]
}

// TestAKilledKioskLosesNoMoneyAndItsRelayGoesOff kills the daemon while the motor turns; the board lives on in its own
// process.
func TestAKilledKioskLosesNoMoneyAndItsRelayGoesOff(t *testing.T) {
	r := newRig(t)
	r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"), "--ups", "123456=http://127.0.0.1:"+
		r.upsPort+"/seqr/createPurchase")
	r.begin("kioskd", "sim-board", "--config", r.config)
	r.until("the board is there", func() bool { _, err := os.Stat(r.dir + "/board"); return err == nil })
	r.until("Glase is there", func() bool { return r.get(r.glase+"/faults") != nil })
	r.start()
	invoice := r.post(r.glase+"/phone/scan",
		`{"qr": "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456", "amount": "50.00"}`)
	confirm := fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`, invoice["invoiceReference"])
	r.post(r.glase+"/phone/confirm", confirm)
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	r.post(r.debug+"/sim/fault", `{"slot": "A1", "fault": "jam"}`)
	r.press("A1", r.relayOn)

	if err := r.kiosk.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.kiosk.Wait()
	if out, e, exit := kioskd(t, "outputs-off", "--config", r.config); exit != 0 || !strings.Contains(out, "inactive") {
		t.Errorf("outputs-off: exit %d, %q %q", exit, out, e)
	}
	board, err := simboard.Dial(r.dir + "/board") // to look, not to drive
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	seen, err := board.Snapshot()
	if err != nil || seen.Slots[0].Relay || seen.Slots[0].Pulses != 1 {
		t.Errorf("after the kill and outputs-off the board shows %+v, %v", seen, err)
	}
	r.start()
	r.until("the sale is settled", func() bool { return r.step() == "ready" })
	if s := r.lastSale(); s["state"] != "released" || s["charged"] != "0.00" {
		t.Errorf("the sale: %v", s)
	}
	if i := r.get(fmt.Sprintf("%s/phone/invoices/%v", r.glase,
		invoice["invoiceReference"])); i["status"] != "CANCELED" {
		t.Errorf("the invoice: %v", i)
	}

	if _, e, exit := kioskd(t, "run", "--config", r.config); exit != 1 ||
		!strings.Contains(e, "in use by another process") {
		t.Errorf("a second kiosk on the same journal: exit %d, %q", exit, e)
	}
	if err := r.kiosk.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.kiosk.Wait(); err != nil {
		log, _ := os.ReadFile(r.dir + "/kioskd.log")
		t.Errorf("SIGTERM: %v\n%s", err, log)
	}
	if out, e, exit := kioskd(t, "replay", r.dir+"/journal.db"); exit != 0 ||
		!strings.Contains(out, "every state came out the same") {
		t.Errorf("replay: exit %d, %q %q", exit, out, e)
	}
	log, err := os.ReadFile(r.dir + "/kioskd.log")
	if err != nil || bytes.Contains(log, []byte("12345678")) || bytes.Contains(log, []byte("46700000001")) {
		t.Errorf("%v, or a secret in the log:\n%s", err, log)
	}
}

func TestCheckNamesEveryMistake(t *testing.T) {
	r := newRig(t)
	if out, e, exit := kioskd(t, "check", "--config", r.config); exit != 0 || !strings.Contains(out, "is right") {
		t.Fatalf("a good config: exit %d, %q %q", exit, out, e)
	}
	good, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	for old, bad := range map[string]string{
		"\nprice = \"15.00\"": "\nprice = \"1,50\"", "\ncurrency = \"SEK\"": "\ncurrency = \"KRONOR\"",
		"\nbutton = \"GPIO6\"": "\nbutton = \"GPIO17\"",
		"\nid = \"A2\"":        "\nid = \"A1\"", "\nname = \"Lobby\"": "\nname = \"Lobby\"\nnmae = 1",
	} {
		text := strings.Replace(string(good), old, bad, 1)
		if text == string(good) {
			t.Fatalf("the example has no %s", old)
		}
		if err := os.WriteFile(r.config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"check", "run", "outputs-off"} {
			if out, e, exit := kioskd(t, command, "--config", r.config); exit != 1 ||
				!strings.Contains(e, "kioskd.toml:") {
				t.Errorf("%s with %s: exit %d, %q %q", command, bad, exit, out, e)
			}
		}
		out, _, exit := kioskd(t, "check", "--json", "--config", r.config)
		var v struct {
			OK       bool
			Problems []struct{ File, Key, Message string }
		}
		if err := json.Unmarshal([]byte(out), &v); err != nil || v.OK || len(v.Problems) == 0 ||
			v.Problems[0].Message == "" || exit != 1 {
			t.Errorf("--json with %s: exit %d, %q", bad, exit, out)
		}
	}
	inProcess := bytes.Replace(good, []byte("\ndevice = "), []byte("\n#device = "), 1)
	if err := os.WriteFile(r.config, inProcess, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.dir+"/glase.password", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check", "run"} {
		if _, e, exit := kioskd(t, command, "--config", r.config); exit != 1 || !strings.Contains(e, "chmod 600") {
			t.Errorf("%s with a password that all may read: exit %d, %q", command, exit, e)
		}
	}
	if _, e, exit := kioskd(t, "run", "--config", r.dir+"/none.toml"); exit != 1 ||
		!strings.Contains(e, "check --example") {
		t.Errorf("no config: exit %d, %q", exit, e)
	}
}

func TestReplaySaysWhatItCannotRead(t *testing.T) {
	letter := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(letter, []byte("Dear technician"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{letter, letter + "-that-is-not-there"} {
		if _, e, exit := kioskd(t, "replay", file); exit != 1 || !strings.Contains(e, file) {
			t.Errorf("replay %s: exit %d, %q", file, exit, e)
		}
	}
}
