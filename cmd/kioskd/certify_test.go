package main

import (
	"os"
	"strings"
	"testing"
)

// certifying is a Glase that is as particular as the service and its certification, and a config with a reseller.
func certifying(t *testing.T) *rig {
	r := newRig(t)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.ReplaceAll(string(text), "#reseller", "reseller")
	if err := os.WriteFile(r.config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.dir+"/reseller.password", []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.begin("glasesim", "--listen", strings.TrimPrefix(r.glase, "http://"), "--strict", "--certify",
		"--ups", "123456=http://127.0.0.1:"+r.upsPort+"/seqr/createPurchase")
	r.until("Glase is there", func() bool { return r.get(r.glase+"/faults") != nil })
	return r
}

// runScript certifies, with a phone that pays by itself.
func (r *rig) runScript(script, record string, more ...string) (stdout, stderr string, exit int) {
	return kioskd(r.t, append([]string{"certify", "--config", r.config, "--against",
		r.glase + "/soap/merchant/cashregister-2", "--phone", r.glase, "--sticker", "ABC123", "--record", record,
		script}, more...)...)
}

// TestTheScriptsOfCertificationPass with the programs alone, one after the other, as a merchant would run them. The
// unpaid invoice stands for a second instead of 30: how long is the flag's matter, and internal/certify's test has all
// of it.
func TestTheScriptsOfCertificationPass(t *testing.T) {
	r := certifying(t)
	for script, want := range map[string]string{"pos": "9 of 9", "web": "6 of 6", "ups": "6 of 6"} {
		record := r.dir + "/" + script + ".md"
		out, e, exit := r.runScript(script, record, "--patience", "1s")
		if exit != 0 || e != "" || !strings.Contains(out, "\n"+want+"\n") || !strings.Contains(out, record) {
			t.Errorf("%s: exit %d\n%s%s", script, exit, out, e)
		}
		text, err := os.ReadFile(record)
		if err != nil || !strings.Contains(string(text), want+"\n") ||
			!strings.Contains(string(text), "<g:sendInvoice ") {
			t.Errorf("the record of %s: %v\n%s", script, err, text)
		}
		for _, secret := range []string{"12345678", ">1234<", "46700000001"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("the record of %s has %q", script, secret)
			}
		}
	}
	if _, e, exit := r.runScript("web", r.dir+"/web.md"); exit != 1 || !strings.Contains(e, "is there already") {
		t.Errorf("the record of before: exit %d, %s", exit, e)
	}
}

// TestACertificationThatFailsSaysWhereAndWhatToDo: in each script, with something else that is broken.
func TestACertificationThatFailsSaysWhereAndWhatToDo(t *testing.T) {
	r := certifying(t)
	for _, c := range []struct{ script, rule, says string }{
		{"pos", `{"operation": "assignSeqrId", "fault": "result_code", "code": 53, "count": 1}`, "step 2 of 9 failed"},
		{"web", `{"operation": "submitPaymentReceipt", "fault": "result_code", "code": 23, "count": 1}`,
			"step 3 of 6 failed"},
		{"ups", `{"operation": "commitReservation", "fault": "result_code", "code": 96, "count": 1}`,
			"step 6 of 6 failed"},
	} {
		r.post(r.glase+"/faults", `{"rules": [`+c.rule+`]}`)
		record := r.dir + "/failed-" + c.script + ".md"
		out, e, exit := r.runScript(c.script, record, "--patience", "1s")
		if exit != 1 || !strings.Contains(e, c.says) || !strings.Contains(e, "run it again from step 1") ||
			!strings.Contains(e, record) || !strings.Contains(out, "FAILED") || strings.Contains(out, "\n6 of 6\n") {
			t.Errorf("%s: exit %d\n%s%s", c.script, exit, out, e)
		}
		if text, err := os.ReadFile(record); err != nil || !strings.Contains(string(text), "**Failed:**") {
			t.Errorf("the record of %s: %v\n%s", c.script, err, text)
		}
	}
}

// TestACertificationThatCannotBeginLeavesNoRecord.
func TestACertificationThatCannotBeginLeavesNoRecord(t *testing.T) {
	r := newRig(t)
	record := r.dir + "/none.md"
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"certify", "--record", record, "pos"}, "against"},
		{[]string{"certify", "--record", record, "--against", r.glase + "/soap", "all"}, "pos, web or ups"},
		{[]string{"certify", "--record", record, "--against", r.glase, "pos"}, "the whole address"},
		{[]string{"certify", "--record", record, "--against", "http://extdev.seqr.com/soap", "pos"}, "https://"},
		{[]string{"certify", "--record", record, "--against", r.glase + "/soap", "--wait", "1h", "pos"}, "--wait"},
		{[]string{"certify", "--record", record, "--against", r.glase + "/soap", "pos"}, "--sticker"},
		{[]string{"certify", "--record", record, "--against", r.glase + "/soap", "web"}, "reseller_id"},
	} {
		out, e, exit := kioskd(t, append(c.args, "--config", r.config)...)
		if exit != 1 || !strings.Contains(e, c.says) {
			t.Errorf("%v: exit %d, %s%s", c.args, exit, out, e)
		}
		if _, err := os.Stat(record); err == nil {
			t.Fatalf("%v leaves a record", c.args)
		}
	}
}

// TestCtrlCEndsACertificationCleanly while it waits for somebody with a phone.
func TestCtrlCEndsACertificationCleanly(t *testing.T) {
	r := certifying(t)
	term := onTerminal(t, []string{"NO_COLOR="}, "certify", "--config", r.config, "--against",
		r.glase+"/soap/merchant/cashregister-2", "--record", r.dir+"/ended.md", "web")
	r.until("it waits for the phone", func() bool { return strings.Contains(term.said(), "NOW: scan the code") })
	if _, err := term.keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	said, err := term.end()
	if err == nil || !strings.Contains(said, "▀") || !strings.Contains(said, "ended from outside") ||
		!strings.Contains(said, "is cancelled") {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestAnotherKioskdIsNotDisturbed: each invoice of a certification would cancel one of its customers'.
func TestAnotherKioskdIsNotDisturbed(t *testing.T) {
	r := newRig(t)
	r.world()
	if out, e, exit := r.runScript("ups", r.dir+"/ups.md"); exit != 1 || !strings.Contains(e, "stop kioskd first") {
		t.Errorf("exit %d: %s%s", exit, out, e)
	}
}

// TestAPortThatIsTakenIsSaid: Glase's calls would go to whoever has it.
func TestAPortThatIsTakenIsSaid(t *testing.T) {
	r := certifying(t)
	r.begin("glasesim", "--listen", "127.0.0.1:"+r.upsPort)
	r.until("the port is taken", func() bool { return r.get("http://127.0.0.1:"+r.upsPort+"/faults") != nil })
	if out, e, exit := r.runScript("ups", r.dir+"/ups.md"); exit != 1 || !strings.Contains(e, "is in use already") {
		t.Errorf("exit %d: %s%s", exit, out, e)
	}
}
