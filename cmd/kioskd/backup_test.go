package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"kioskd/internal/backup"
)

// TestADeadCardComesBackFromItsCopy copies the built daemon in the middle of a sale, has it end that sale, takes its
// card away, and makes the machine again: what came after the copy is gone, and the machine says so before it sells.
func TestADeadCardComesBackFromItsCopy(t *testing.T) {
	r := newRig(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	stick := t.TempDir()
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, exit := kioskd(t, "backup", "--quiet", "--config", r.config); exit != 0 ||
		!strings.Contains(out, "nothing is copied") {
		t.Errorf("without [backup]: %d %q", exit, out)
	}
	if _, errs, exit := kioskd(t, "backup", "--config", r.config); exit == 0 || !strings.Contains(errs, "--to") {
		t.Errorf("a person who asked for one is told: %d %q", exit, errs)
	}
	text = []byte(strings.Replace(string(text), "\n[backup]", "\n[backup]\nfolder = \""+stick+"\"\nrecipients = [\""+
		key.Recipient().String()+"\"]", 1))
	if err := os.WriteFile(r.config, text, 0o640); err != nil {
		t.Fatal(err)
	}
	r.world()
	if out, _, _ := kioskd(t, "status", "--config", r.config); !strings.Contains(out, "no copy of this machine") {
		t.Errorf("status before the first: %s", out)
	}
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	out, errs, exit := kioskd(t, "backup", "--json", "--config", r.config)
	var made backup.Made
	if exit != 0 || json.Unmarshal([]byte(out), &made) != nil || !made.Secrets || errs != "" {
		t.Fatalf("backup: %d %q %q", exit, out, errs)
	}
	if out, _, _ := kioskd(t, "status", "--config", r.config); !strings.Contains(out, "the last copy holds") {
		t.Errorf("status after it: %s", out)
	}
	state, err := backup.ReadState(filepath.Join(r.dir, "backup.json"))
	if err != nil || !r.metric(fmt.Sprintf("kioskd_last_backup_timestamp_seconds %d", state.Made.Unix())) {
		t.Errorf("the metrics do not tell it: %+v, %v", state, err)
	}
	r.press("A1", func() bool { return r.step() == "choosing" && len(r.lastSale()["items"].([]any)) == 1 })
	r.press("cancel", func() bool { return r.lastSale()["state"] == "charged" })

	if _, errs, exit := kioskd(t, "restore", made.File, "--config", r.config); exit == 0 ||
		!strings.Contains(errs, "--key") {
		t.Errorf("without the key: %d %q", exit, errs)
	}
	keyFile := filepath.Join(stick, "key.txt")
	if err := os.WriteFile(keyFile, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, exit := kioskd(t, "restore", made.File, "--key", keyFile, "--config", r.config); exit == 0 ||
		!strings.Contains(errs, "stop it first") {
		t.Errorf("over a running machine: %d %q", exit, errs)
	}
	r.kiosk.Process.Kill()
	r.kiosk.Wait()
	for _, pattern := range []string{"journal.db*", "identity.json", "kioskd.toml", "glase.password", "backup.json"} {
		files, _ := filepath.Glob(filepath.Join(r.dir, pattern))
		if len(files) == 0 {
			t.Errorf("there is no %s", pattern)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, errs, exit = kioskd(t, "restore", made.File, "--key", keyFile, "--config", r.config)
	if exit != 0 || !strings.Contains(out, "This is Lobby (123456) again") {
		t.Fatalf("restore: %d %q %q", exit, out, errs)
	}
	r.start()
	r.until("it says so", func() bool { return r.get(r.debug + "/api/status")["reason"] == "journal_lost" })
	if out, _, _ := kioskd(t, "status", "--config", r.config); !strings.Contains(out, "this is a copy of") ||
		!strings.Contains(out, "kioskd accept --reason") {
		t.Errorf("status: %s", out)
	}
	if sale := r.lastSale(); sale["state"] != "in_doubt" {
		t.Errorf("the sale that was on, whose end is lost, is guessed: %v", sale)
	}
	if out, errs, exit := kioskd(t, "accept", "--by", "anna", "--reason", "compared with Glase", "--config",
		r.config); exit != 0 || !strings.Contains(out, "ready") {
		t.Errorf("accept: %d %q %q", exit, out, errs)
	}
}
