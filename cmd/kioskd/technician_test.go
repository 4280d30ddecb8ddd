package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// world starts a Glase, a board and a kiosk.
func (r *rig) world() {
	r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"), "--ups", "123456=http://127.0.0.1:"+
		r.upsPort+"/seqr/createPurchase")
	r.begin("kioskd", "sim-board", "--config", r.config)
	r.until("the board is there", func() bool { _, err := os.Stat(r.dir + "/board"); return err == nil })
	r.until("Glase is there", func() bool { return r.get(r.glase+"/faults") != nil })
	r.start()
}

// doubt buys a product for which Glase refuses to change the invoice, and gives the sale's id.
func (r *rig) doubt() string {
	r.post(r.glase+"/faults", `{"rules": [{"operation": "updateInvoice", "fault": "result_code", "code": 11}]}`)
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	r.press("A1", func() bool { return r.step() == "choosing" && len(r.lastSale()["items"].([]any)) == 1 })
	r.press("cancel", func() bool { return r.lastSale()["state"] == "in_doubt" })
	r.post(r.glase+"/faults", `{"rules": []}`)
	r.post(r.debug+"/sim/press", `{"slot": "door"}`) // the machine waits for a technician
	r.until("the door is open", func() bool { return r.step() == "maintenance" })
	r.post(r.debug+"/sim/press", `{"slot": "door"}`)
	r.until("it sells again", func() bool { return r.step() == "ready" })
	return r.lastSale()["id"].(string)
}

// scan is the customer's phone: the code and the PIN.
func (r *rig) scan() {
	invoice := r.post(r.glase+"/phone/scan",
		`{"qr": "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456", "amount": "50.00"}`)
	r.post(r.glase+"/phone/confirm", fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`,
		invoice["invoiceReference"]))
}

// press presses a button until something comes of it: a busy computer may see no finger that is as quick as this one.
func (r *rig) press(button string, ok func() bool) {
	var pressed time.Time
	r.until("what "+button+" is for", func() bool {
		if ok() {
			return true
		}
		if r.step() == "choosing" && time.Since(pressed) > 2*time.Second {
			r.post(r.debug+"/sim/press", fmt.Sprintf(`{"slot": %q}`, button))
			pressed = time.Now()
		}
		return false
	})
}

func (r *rig) metric(line string) bool {
	resp, err := http.Get(r.debug + "/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.Contains(string(b), "\n"+line+"\n")
}

func TestAPersonSettlesWhatStandsInDoubt(t *testing.T) {
	r := newRig(t)
	if _, e, exit := kioskd(t, "status", "--config", r.config); exit != 1 || !strings.Contains(e, "is it running") {
		t.Errorf("no daemon: exit %d, %q", exit, e)
	}
	r.world()
	if out, e, exit := kioskd(t, "status", "--config", r.config); exit != 0 ||
		!strings.HasPrefix(out, "[idle] → reserved → dispensing → commit: ready\n") ||
		!strings.Contains(out, "\nGlase       well  not called since the start\n") || strings.Contains(out, "\x1b") {
		t.Errorf("status: exit %d, %q %q", exit, out, e)
	}
	first := r.doubt()
	if out, _, exit := kioskd(t, "status", "--config", r.config); exit != 0 ||
		!strings.Contains(out, "Sale "+first+" stands in doubt") ||
		!strings.Contains(out, "updateInvoice refused with code 11") ||
		!strings.Contains(out, "kioskd resolve "+first) || !strings.Contains(out, "A1 for 15.00: delivered") {
		t.Errorf("status: exit %d\n%s", exit, out)
	}
	out, _, _ := kioskd(t, "status", "--json", "--config", r.config)
	var s standing
	if err := json.Unmarshal([]byte(out), &s); err != nil || s.Step != "ready" || len(s.InDoubt) != 1 ||
		s.InDoubt[0].ID != first {
		t.Errorf("status --json: %v %q", err, out)
	}
	if out, _, _ := kioskd(t, "sales", "--in-doubt", "--config", r.config); !strings.Contains(out, first) {
		t.Errorf("sales --in-doubt:\n%s", out)
	}
	if !r.metric("kioskd_sales_in_doubt 1") {
		t.Error("the metric does not count the doubt")
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{first, "charge"}, "--reason"},
		{[]string{first, "forget", "--reason", "x"}, "charge, release or refund"},
		{[]string{"0000", "charge", "--reason", "x"}, "stands in doubt"},
		{[]string{"../../healthz", "charge", "--reason", "x"}, "stands in doubt"},
		{[]string{first, "charge", "--reason", "x\ny"}, "on one line"},
		{[]string{first, "charge", "--reason", "x", "--by", " "}, "who decides"},
	} {
		if out, e, exit := kioskd(t, append([]string{"resolve", "--config", r.config}, c.args...)...); exit != 1 ||
			!strings.Contains(e, c.want) {
			t.Errorf("%v: exit %d, %q %q", c.args, exit, out, e)
		}
	}

	out, e, exit := kioskd(t, "resolve", first, "charge", "--reason", "Glase had a bad day", "--by", "anna", "--config",
		r.config)
	if exit != 0 || !strings.Contains(out, "Sale "+first+" is charged: charge, decided by anna: Glase had a bad day") ||
		!strings.Contains(e, " …") {
		t.Errorf("charge: exit %d, %q %q", exit, out, e)
	}
	second := r.doubt()
	third := r.doubt() // the second one is not the last sale any more
	out, e, exit = kioskd(t, "resolve", second, "release", "--reason", "a present", "--json", "--config", r.config)
	if exit != 0 || !strings.Contains(out, `"state":"released"`) {
		t.Errorf("release: exit %d, %q %q", exit, out, e)
	}
	out, e, exit = kioskd(t, "resolve", third, "charge", "--by-hand", "--reason", "paid in cash", "--config", r.config)
	if exit != 0 || !strings.Contains(out, "charge, settled by hand by ") {
		t.Errorf("by hand: exit %d, %q %q", exit, out, e)
	}
	if !r.metric("kioskd_sales_in_doubt 0") {
		t.Error("the metric still counts doubts")
	}
	if _, e, exit := kioskd(t, "resolve", first, "refund", "--reason", "again", "--config", r.config); exit != 1 ||
		!strings.Contains(e, "stands in doubt") {
		t.Errorf("a settled sale: exit %d, %q", exit, e)
	}
	resp, err := http.Get(r.glase + "/ledger")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ledger, err := io.ReadAll(resp.Body)
	if n := strings.Count(string(ledger), `"15.00"`); n != 1 || err != nil {
		t.Errorf("15.00 moved %d times, and was charged once:\n%s", n, ledger)
	}
	out, _, exit = kioskd(t, "sales", "--config", r.config)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if exit != 0 || len(lines) != 4 || !strings.Contains(lines[1], third) || !strings.Contains(lines[3], first) ||
		!strings.Contains(lines[3], "charged") {
		t.Errorf("sales: exit %d\n%s", exit, out)
	}
	if out, _, _ := kioskd(t, "replay", r.dir+"/journal.db"); !strings.Contains(out, "every state came out the same") {
		t.Errorf("replay: %s", out)
	}
}
