package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kioskd/internal/debug/api"
	"kioskd/internal/doctor"
)

// TestATechnicianTestsTheMachineFromAShell: vend, relay, stock and sensors, each with a mistake, and all of it on
// record.
func TestATechnicianTestsTheMachineFromAShell(t *testing.T) {
	r := newRig(t)
	run := func(exit int, want string, args ...string) string {
		t.Helper()
		out, e, got := kioskd(t, append(args, "--config", r.config)...)
		if got != exit || !strings.Contains(out+e, want) {
			t.Errorf("kioskd %s: exit %d, want %d with %q:\n%s%s", strings.Join(args, " "), got, exit, want, out, e)
		}
		return out
	}
	for _, command := range [][]string{{"vend", "A1"}, {"relay", "A1", "--for", "1s"}, {"stock"},
		{"sensors", "--once"}} {
		run(1, "is it running", command...)
	}
	r.world()
	run(0, "A1: delivered; one less in stock, nobody is charged.", "vend", "A1", "--by", "anna")
	var v api.Service
	if out := run(0, "", "vend", "A1", "--by", "anna", "--json"); json.Unmarshal([]byte(out), &v) != nil ||
		v.Outcome != "delivered" || v.By != "anna" {
		t.Errorf("%+v", v)
	}
	run(1, "no such slot", "vend", "Z9")
	run(1, "who does it", "vend", "A1", "--by", " ")
	r.post(r.debug+"/sim/fault", `{"slot": "A2", "fault": "jam"}`)
	run(1, "A2: not delivered (jam). The slot is closed", "vend", "A2")
	run(0, "closed: jam", "stock", "A2")

	run(0, "A1: the relay was on for 300ms.", "relay", "A1", "--for", "300ms")
	run(0, "B1: the relay was on for 2.5s, the longest that its max_on allows.", "relay", "B1", "--for", "1m")
	run(1, "--for 500ms", "relay", "A1")
	run(1, "no such slot", "relay", "Z9", "--for", "1s")

	run(0, "A1: 15 left, was", "stock", "A1", "=15", "--by", "anna")
	run(0, "A1: 14 left, was 15.", "stock", "A1", "-1")
	run(0, `{"slot":"A1","was":14,"left":19}`, "stock", "--json", "A1", "+5")
	run(1, "0 to 10000", "stock", "A1", "-20")
	run(1, "is no count", "stock", "A1", "5")
	run(1, "no such slot", "stock", "Z9", "+1")
	run(1, "no such slot", "stock", "Z9")
	run(1, "at most 2", "stock", "A1", "+1", "+1")
	run(1, "unknown flag", "stock", "--left", "1")
	var stock []api.Stock
	if out := run(0, "", "stock", "--json"); json.Unmarshal([]byte(out), &stock) != nil || len(stock) != 4 ||
		stock[0].Left != 19 || stock[1].Why != "jam" {
		t.Errorf("%+v", stock)
	}

	run(0, "GPIO17     A1 relay         low    off", "sensors", "--once")
	var pins []api.Pin
	if out := run(0, "", "sensors", "--once", "--json"); strings.Count(out, "\n") != 1 ||
		json.Unmarshal([]byte(out), &pins) != nil || len(pins) < 9 {
		t.Errorf("%q", out)
	}

	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	for _, command := range [][]string{{"vend", "A1"}, {"relay", "A1", "--for", "1s"}, {"stock", "A1", "+1"}} {
		run(1, "a sale is on", command...)
	}
	if r.relayOn() {
		t.Error("a relay is on during a sale that nobody chose anything in")
	}
	r.press("cancel", func() bool { return r.lastSale()["state"] == "released" })
	run(0, "every state came out the same", "replay", r.dir+"/journal.db")
	log, err := os.ReadFile(r.dir + "/kioskd.log")
	if err != nil || !strings.Contains(string(log), `"act":"stock","slot":"A1","by":"anna"`) {
		t.Errorf("%v, or the log does not say who counted:\n%s", err, log)
	}
}

// TestSensorsFollowTheMachine: a line of JSON whenever something moved, and a table that is drawn over on a terminal.
func TestSensorsFollowTheMachine(t *testing.T) {
	r := newRig(t)
	r.world()
	follower := exec.Command(filepath.Join(programs, "kioskd"), "sensors", "--json", "--config", r.config)
	out, err := follower.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	defer follower.Process.Kill()
	shown := onTerminal(t, []string{"NO_COLOR="}, "sensors", "--config", r.config)
	lines := bufio.NewScanner(out)
	door := func() (means string) {
		var pins []api.Pin
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &pins) != nil {
			t.Fatalf("%q", lines.Text())
		}
		for _, p := range pins {
			if p.Role == "door" {
				return p.Means
			}
		}
		return ""
	}
	if means := door(); means != "closed" {
		t.Fatalf("the door is %q", means)
	}
	r.until("the table is there", func() bool { return strings.Contains(shown.said(), "closed") })
	r.post(r.debug+"/sim/press", `{"slot": "door"}`)
	if means := door(); means != "open" {
		t.Errorf("the door is %q", means)
	}
	r.until("the table shows it", func() bool { return strings.Contains(shown.said(), "open") })
	if err := follower.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := follower.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if _, err := shown.keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if text, err := shown.end(); err != nil || strings.Count(text, "\x1b[H") < 2 || strings.Contains(text, "\x1b[2J") {
		t.Errorf("Ctrl-C: %v, %q", err, text)
	}
}

func TestATableThatIsTallerThanItsTerminalIsCut(t *testing.T) {
	var pins []api.Pin
	for n := range 40 {
		pins = append(pins, api.Pin{Name: fmt.Sprintf("GPIO%d", n), Role: "x"})
	}
	for rows, want := range map[int]int{24: 24, 10: 10, 100: 43, 0: 43} {
		var b strings.Builder
		if err := redraw(&b, pins, rows); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "\n") + 1; got > want {
			t.Errorf("%d lines in %d rows", got, rows)
		}
	}
}

// TestTheDoctorSaysWhatToMend: a good machine that rests, one that sells, and one with troubles.
func TestTheDoctorSaysWhatToMend(t *testing.T) {
	r := newRig(t)
	examined := func(args ...string) (found map[string]doctor.Finding, ok bool, exit int) {
		t.Helper()
		out, e, exit := kioskd(t, append([]string{"doctor", "--json", "--config", r.config}, args...)...)
		var v struct {
			OK       bool
			Findings []doctor.Finding
		}
		if err := json.Unmarshal([]byte(out), &v); err != nil || (exit == 0) != v.OK {
			t.Fatalf("exit %d, %v: %q %q", exit, err, out, e)
		}
		found = map[string]doctor.Finding{}
		for _, f := range v.Findings {
			if found[f.Area].State != doctor.Fail {
				found[f.Area] = f
			}
		}
		return found, v.OK, exit
	}
	before, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if found, ok, _ := examined(); ok || found["glase"].State != doctor.Fail || found["kioskd"].State != doctor.Warn ||
		found["config"].State != doctor.OK {
		t.Errorf("nothing runs: %+v", found)
	}
	if after, err := os.ReadDir(r.dir); err != nil || len(after) != len(before) {
		t.Errorf("the doctor left %v", after)
	}
	r.world()
	found, ok, _ := examined()
	if !ok {
		t.Errorf("a good machine: %+v", found)
	}
	for area, want := range map[string]string{"kioskd": "runs: ready", "glase": "knows this terminal",
		"ups": "is a kiosk's", "journal": "was written", "disk": "MB free", "config": "4 slots"} {
		if f := found[area]; f.State != doctor.OK || !strings.Contains(f.Says, want) {
			t.Errorf("%s: %+v", area, f)
		}
	}
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	if found, ok, _ := examined(); !ok || !strings.Contains(found["glase"].Says, "somebody is being served") {
		t.Errorf("during a sale: %+v", found["glase"])
	}
	r.press("cancel", func() bool { return r.lastSale()["state"] == "released" })

	root := t.TempDir()
	for name, text := range map[string]string{
		"boot/firmware/config.txt":                                   "dtoverlay=w1-gpio,gpiopin=27\n",
		"sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs": "Y\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(r.dir+"/glase.password", []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, _, exit := examined("--root", root)
	for area, want := range map[string]string{"overlays": "GPIO27 is slot A1.vend.drop",
		"outputs": "persist_gpio_outputs", "glase": "20 AUTHENTICATION_FAILED"} {
		if f := found[area]; f.State != doctor.Fail || !strings.Contains(f.Says, want) || exit != 1 {
			t.Errorf("%s: %+v, exit %d", area, f, exit)
		}
	}
	out, _, exit := kioskd(t, "doctor", "--config", r.config, "--root", root)
	if exit != 1 || !strings.Contains(out, "fail  overlays      GPIO27") ||
		!strings.Contains(out, "→ take that line out") || strings.Contains(out, "wrong") ||
		strings.Contains(out, "\x1b") {
		t.Errorf("exit %d:\n%s", exit, out)
	}
	if out, _, exit := kioskd(t, "doctor", "--config", r.dir+"/none.toml"); exit != 1 ||
		!strings.Contains(out, "check --example") {
		t.Errorf("without a config: exit %d:\n%s", exit, out)
	}
}
