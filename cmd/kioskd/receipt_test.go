package main

import (
	"os"
	"strings"
	"testing"

	"kioskd/hw/printer/printertest"
	"kioskd/hw/vend/vendtest"
)

// TestAReceiptIsShownAndPrintedByCommand, as text, as a page, and on a printer behind a port of the kernel's; and it is
// said why there is none.
func TestAReceiptIsShownAndPrintedByCommand(t *testing.T) {
	pty, err := vendtest.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	printer, served := printertest.New(32), make(chan error, 1)
	go func() { served <- printer.Serve(pty) }()
	r := newRig(t)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "\n[printer]\n", "\n[printer]\ndevice = \""+pty.Name+"\"\nbaud = 9600\n", 1)
	if err := os.WriteFile(r.config, []byte(with), 0o644); err != nil {
		t.Fatal(err)
	}
	r.world()
	receipt := func(args ...string) (string, string, int) {
		return kioskd(t, append([]string{"receipt", "--config", r.config}, args...)...)
	}
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	sale := r.lastSale()["id"].(string)
	if out, e, exit := receipt(sale); exit != 1 || !strings.Contains(e, "has not ended yet") {
		t.Errorf("an open sale: exit %d, %s%s", exit, out, e)
	}
	r.press("A1", func() bool { return r.step() == "choosing" && len(r.lastSale()["items"].([]any)) == 1 })
	r.press("cancel", func() bool { return r.step() == "ready" && r.lastSale()["state"] == "charged" })
	ers := r.lastSale()["ers_reference"].(string)
	has := func(what, text string) {
		for _, want := range []string{"Still water 50 cl", "VAT 12%", "Glase payment", ers, sale} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", what, want, text)
			}
		}
	}
	out, e, exit := receipt(sale)
	if has("text", out); exit != 0 {
		t.Errorf("exit %d, %s", exit, e)
	}
	page := r.dir + "/receipt.html"
	if out, e, exit := receipt(sale, "--html", page); exit != 0 {
		t.Errorf("a page: exit %d, %s%s", exit, out, e)
	}
	html, err := os.ReadFile(page)
	if has("page", string(html)); err != nil || !strings.HasPrefix(string(html), "<!DOCTYPE html>") {
		t.Errorf("%v: %s", err, html)
	}
	if out, e, exit := receipt(sale, "--html", page); exit != 1 {
		t.Errorf("over another file: exit %d, %s%s", exit, out, e)
	}
	r.until("the receipt is printed", func() bool { return len(printer.Pieces()) == 1 })
	if out, e, exit := receipt(sale, "--print"); exit != 0 || !strings.Contains(out, "printed") {
		t.Errorf("a copy: exit %d, %s%s", exit, out, e)
	}
	for n, piece := range printer.Pieces() {
		has("paper", strings.Join(piece, "\n"))
		if is := strings.Contains(strings.Join(piece, "\n"), "Copy"); is != (n > 0) {
			t.Errorf("piece %d: %q", n, piece)
		}
	}
	if refused := printer.Refused(); len(refused) > 0 {
		t.Errorf("refused: %q", refused)
	}
	printer.Paper(0)
	if out, e, exit := receipt(sale, "--print"); exit != 1 || !strings.Contains(e, "put in a new roll") {
		t.Errorf("without paper: exit %d, %s%s", exit, out, e)
	}
	if out, _, _ := kioskd(t, "status", "--config", r.config); !strings.Contains(out, "receipt printer") ||
		!strings.Contains(out, "put in a new roll") {
		t.Errorf("the status says\n%s", out)
	}
	if out, e, exit := receipt("7GQ2K4MX"); exit != 1 || !strings.Contains(e, "no sale with this id is known") {
		t.Errorf("no such sale: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := receipt(sale, "--print", "--html", page); exit == 0 {
		t.Errorf("both: exit %d, %s%s", exit, out, e)
	}
	if err := pty.Close(); err != nil {
		t.Error(err)
	}
	<-served
}
