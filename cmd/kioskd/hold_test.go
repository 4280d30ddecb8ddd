package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestARestartWaitsForTheCustomer holds a kiosk in the middle of a sale, as before a restart.
func TestARestartWaitsForTheCustomer(t *testing.T) {
	r := newRig(t)
	if _, e, exit := kioskd(t, "ready", "--within", "1s", "--config", r.config); exit != 1 ||
		!strings.Contains(e, "not ready: not within 1s") || !strings.Contains(e, "is it running") {
		t.Errorf("no daemon: exit %d, %q", exit, e)
	}
	if _, e, exit := kioskd(t, "hold", "--config", r.config); exit != 1 || !strings.Contains(e, "is it running") {
		t.Errorf("no daemon to hold: exit %d, %q", exit, e)
	}
	r.world()
	if out, e, exit := kioskd(t, "ready", "--within", "1m", "--config", r.config); exit != 0 ||
		out != "kioskd is ready.\n" {
		t.Errorf("a kiosk that sells: exit %d, %q %q", exit, out, e)
	}
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	if _, e, exit := kioskd(t, "hold", "--within", "1s", "--config", r.config); exit != 1 ||
		!strings.Contains(e, "the machine is not held, and sells on within 5 s: not within 1s") {
		t.Errorf("a customer is there for longer: exit %d, %q", exit, e)
	}

	c := exec.Command(filepath.Join(programs, "kioskd"), "hold", "--config", r.config)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	r.until("it is held", func() bool { return r.metric(`kioskd_faults{name="held"} 1`) })
	r.press("A1", func() bool { return r.step() == "choosing" && len(r.lastSale()["items"].([]any)) == 1 })
	r.press("cancel", func() bool { return r.lastSale()["state"] == "charged" })
	if err := c.Wait(); err != nil {
		t.Errorf("hold, when the sale has ended: %v", err)
	}
	if r.step() != "out_of_service" || r.lastSale()["charged"] != "15.00" {
		t.Errorf("%s, after %v", r.step(), r.lastSale())
	}
	if out, e, exit := kioskd(t, "hold", "--for", "0s", "--config", r.config); exit != 0 ||
		!strings.Contains(out, "not held") {
		t.Errorf("letting it go: exit %d, %q %q", exit, out, e)
	}
	r.until("it sells again", func() bool { return r.step() == "ready" })
	if _, e, exit := kioskd(t, "hold", "--for", "1h", "--config", r.config); exit != 1 || !strings.Contains(e, "5m0s") {
		t.Errorf("for too long: exit %d, %q", exit, e)
	}
}

// TestWhoGivesUpWaitingHoldsNothing: Ctrl-C while a customer is there.
func TestWhoGivesUpWaitingHoldsNothing(t *testing.T) {
	r := newRig(t)
	r.world()
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	c := exec.Command(filepath.Join(programs, "kioskd"), "hold", "--config", r.config)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	r.until("it is held", func() bool { return r.metric(`kioskd_faults{name="held"} 1`) })
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the exit status is looked at below
	if c.ProcessState.ExitCode() != 1 {
		t.Errorf("exit %d", c.ProcessState.ExitCode())
	}
	r.until("it is not held", func() bool { return !r.metric(`kioskd_faults{name="held"} 1`) })
	r.press("cancel", func() bool { return r.step() == "ready" })
}

// TestAVersionIsTriedOnACopyOfTheJournal: before it takes over, and without touching the journal.
func TestAVersionIsTriedOnACopyOfTheJournal(t *testing.T) {
	r := newRig(t)
	r.world()
	good, bad := filepath.Join(t.TempDir(), "good.db"), filepath.Join(t.TempDir(), "bad.db")
	if out, e, exit := kioskd(t, "export", good, "--config", r.config); exit != 0 {
		t.Fatalf("export: %q %q", out, e)
	}
	if err := os.WriteFile(bad, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{good: "", bad: "bad.db", bad + ".none": "bad.db.none"} {
		_, e, exit := kioskd(t, "check", "--journal-copy", file, "--config", r.config)
		if (exit == 0) != (want == "") || !strings.Contains(e, want) {
			t.Errorf("%s: exit %d, %q", file, exit, e)
		}
	}
	if _, err := os.Stat(bad + ".none"); err == nil {
		t.Error("a journal that was not there was made")
	}
}
