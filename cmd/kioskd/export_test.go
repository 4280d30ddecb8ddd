package main

import (
	"os"
	"strings"
	"testing"
)

// TestALostLogIsExportedSaidAndAccepted kills the built daemon in a sale, takes its log away, and does what
// docs/technician.md says.
func TestALostLogIsExportedSaidAndAccepted(t *testing.T) {
	r := newRig(t)
	r.world()
	path := r.dir + "/journal.db"
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })

	out, errs, exit := kioskd(t, "export", r.dir+"/whole.db", "--config", r.config)
	if exit != 0 || !strings.Contains(out, "their hash chain is whole") {
		t.Errorf("export: %d %q %q", exit, out, errs)
	}
	if out, _, exit := kioskd(t, "replay", r.dir+"/whole.db"); exit != 0 || strings.Contains(out, "may be missing") {
		t.Errorf("a whole copy: %d %q", exit, out)
	}
	if _, errs, exit := kioskd(t, "export", r.dir+"/whole.db", "--config", r.config); exit == 0 ||
		!strings.Contains(errs, "exists already") {
		t.Errorf("over a copy: %d %q", exit, errs)
	}
	alone, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(r.dir+"/alone.db", alone, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, _, _ := kioskd(t, "replay", r.dir+"/alone.db"); !strings.Contains(out,
		"the newest entries may be missing") {
		t.Errorf("a copy of the file alone: %q", out)
	}
	if _, errs, exit := kioskd(t, "accept", "--reason", "r", "--config", r.config); exit == 0 ||
		!strings.Contains(errs, "no records are known to be lost") {
		t.Errorf("nothing to accept: %d %q", exit, errs)
	}

	r.kiosk.Process.Kill()
	r.kiosk.Wait()
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	if out, _, exit := kioskd(t, "replay", path); exit == 0 || !strings.Contains(out, "entries are gone") {
		t.Errorf("in its place, beside its witness: %d %q", exit, out)
	}
	r.start()
	r.until("it says so", func() bool { return r.get(r.debug + "/api/status")["reason"] == "journal_lost" })
	if out, _, _ := kioskd(t, "status", "--config", r.config); !strings.Contains(out, "entries are gone") ||
		!strings.Contains(out, "kioskd accept --reason") {
		t.Errorf("status: %s", out)
	}
	if out, _, _ := kioskd(t, "doctor", "--config", r.config); !strings.Contains(out, "journal lost") ||
		!strings.Contains(out, "entries are gone") {
		t.Errorf("doctor: %s", out)
	}
	if _, errs, exit := kioskd(t, "accept", "--config", r.config); exit == 0 || !strings.Contains(errs, "--reason") {
		t.Errorf("without a reason: %d %q", exit, errs)
	}
	if out, errs, exit := kioskd(t, "accept", "--by", "anna", "--reason", "compared with Glase", "--config",
		r.config); exit != 0 || !strings.Contains(out, "ready") {
		t.Errorf("accept: %d %q %q", exit, out, errs)
	}
	if _, errs, exit := kioskd(t, "back", "--config", r.config); exit == 0 || !strings.Contains(errs, "--reason") {
		t.Errorf("back without a reason: %d %q", exit, errs)
	}
	if _, errs, exit := kioskd(t, "back", "--reason", "r", "--config", r.config); exit == 0 ||
		!strings.Contains(errs, "the desk has not taken this machine out of service") {
		t.Errorf("back of a machine that nobody took out: %d %q", exit, errs)
	}
	if out, _, exit := kioskd(t, "replay", path); exit == 0 || !strings.Contains(out, "earlier entries were gone") ||
		!strings.Contains(out, "came out the same") {
		t.Errorf("the fork: %d %q", exit, out)
	}
}
