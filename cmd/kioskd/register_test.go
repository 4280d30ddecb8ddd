package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAMachineIsRegisteredAndSellsByItsStickerAndIsGivenUp: with the programs alone, as a merchant's technician would.
func TestAMachineIsRegisteredAndSellsByItsStickerAndIsGivenUp(t *testing.T) {
	r := newRig(t)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer(
		`terminal_id = "public_test_shop_terminal"`, "", `password_file = "glase.password"`, "", "#reseller",
		"reseller",
		`flow = "reservation"`, `flow = "sticker"`, `#seqr_id = "ABC123"`, `seqr_id = "ABC123"`,
	).Replace(string(text))
	if err := os.WriteFile(r.config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.dir+"/reseller.password", []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"), "--strict")
	r.begin("kioskd", "sim-board", "--config", r.config)
	r.until("the board is there", func() bool { _, err := os.Stat(r.dir + "/board"); return err == nil })
	r.until("Glase is there", func() bool { return r.get(r.glase+"/faults") != nil })

	if _, e, exit := kioskd(t, "assign", "ABC123", "--config", r.config); exit == 0 ||
		!strings.Contains(e, "kioskd register") {
		t.Errorf("without a terminal: exit %d, %s", exit, e)
	}
	out, e, exit := kioskd(t, "register", "--json", "--config", r.config)
	var made map[string]string
	if err := json.Unmarshal([]byte(out), &made); err != nil || exit != 0 || made["terminal_id"] == "" {
		t.Fatalf("exit %d: %q, %s", exit, out, e)
	}
	if _, e, exit := kioskd(t, "register", "--config", r.config); exit == 0 ||
		!strings.Contains(e, made["terminal_id"]) ||
		!strings.Contains(e, "--again") {
		t.Errorf("a second time: exit %d, %s", exit, e)
	}
	scanner := exec.Command(filepath.Join(programs, "kioskd"), "assign", "-", "--config", r.config)
	scanner.Stdin = strings.NewReader("HTTP://SEQR.SE/QABC123\r\n")
	if said, err := scanner.CombinedOutput(); err != nil || !strings.Contains(string(said), "The sticker ABC123") {
		t.Errorf("scanned: %v, %s", err, said)
	}

	r.start()
	if _, e, exit := kioskd(t, "unregister", "--config", r.config); exit == 0 || !strings.Contains(e, "stop kioskd") {
		t.Errorf("while it sells: exit %d, %s", exit, e)
	}
	r.post(r.debug+"/sim/press", `{"slot": "A1"}`)
	r.until("there is an invoice", func() bool { return r.step() == "awaiting" })
	invoice := r.post(r.glase+"/phone/scan", `{"qr": "HTTP://SEQR.SE/QABC123"}`)
	r.post(r.glase+"/phone/confirm", `{"invoiceReference": "`+invoice["invoiceReference"].(string)+`", "pin": "1234"}`)
	r.until("it is sold", func() bool { return r.step() == "ready" && r.lastSale()["state"] == "charged" })
	r.kiosk.Process.Signal(os.Interrupt)
	if err := r.kiosk.Wait(); err != nil {
		t.Error(err)
	}

	if out, e, exit := kioskd(t, "unregister", "--config", r.config); exit != 0 ||
		!strings.Contains(out, made["terminal_id"]) {
		t.Errorf("given up: exit %d, %s, %s", exit, out, e)
	}
	kept, err := os.ReadFile(r.dir + "/identity.json")
	if err != nil || strings.Contains(string(kept), made["terminal_id"]) {
		t.Errorf("kept %s, %v", kept, err)
	}
}
