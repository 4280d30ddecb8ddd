package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestAStickerIsDrawnForWhatHangsOnTheMachine, and replaces no file.
func TestAStickerIsDrawnForWhatHangsOnTheMachine(t *testing.T) {
	r := newRig(t)
	pdf, svg := r.dir+"/sticker.pdf", r.dir+"/sticker.svg"
	_, e, exit := kioskd(t, "sticker", "--pdf", pdf, "--svg", svg, "--config", r.config)
	if exit != 0 || !strings.Contains(e, "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456") {
		t.Fatalf("exit %d: %s", exit, e)
	}
	page, err := os.ReadFile(pdf)
	if err != nil || !bytes.HasPrefix(page, []byte("%PDF-1.4\n")) || !bytes.Contains(page, []byte("(123456) Tj")) {
		t.Errorf("%v, %.40q", err, page)
	}
	if _, e, exit := kioskd(t, "sticker", "--pdf", pdf, "--config", r.config); exit == 0 ||
		!strings.Contains(e, "is there already") {
		t.Errorf("a second time: exit %d, %s", exit, e)
	}
	if out, _, exit := kioskd(t, "sticker", "--png", "-", "--config", r.config); exit != 0 ||
		!strings.HasPrefix(out, "\x89PNG") {
		t.Errorf("to standard output: exit %d, %.20q", exit, out)
	}
	if _, e, exit := kioskd(t, "sticker", "--config", r.config); exit == 0 || !strings.Contains(e, "pdf") {
		t.Errorf("no kind: exit %d, %s", exit, e)
	}

	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(text), `flow = "reservation"`, `flow = "invoice"`, 1)
	for flow, want := range map[string]string{
		own: "nothing hangs on the machine",
		strings.Replace(own, `#seqr_id = "ABC123"`, `seqr_id = "ABC123"`, 1): "",
	} {
		if err := os.WriteFile(r.config, []byte(flow), 0o600); err != nil {
			t.Fatal(err)
		}
		out, e, exit := kioskd(t, "sticker", "--svg", "-", "--config", r.config)
		if (exit != 0) != (want != "") || !strings.Contains(e, want) || want == "" &&
			!strings.Contains(out, ">ABC123</text>") {
			t.Errorf("%q: exit %d, %s", want, exit, e)
		}
	}
}
