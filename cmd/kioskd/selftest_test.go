package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
)

// TestASelfTestAndAnUpgradeOfTheSystemWaitForACustomer: what a technician and the system's units ask of a machine that
// does not run, is idle, serves somebody, and is held.
func TestASelfTestAndAnUpgradeOfTheSystemWaitForACustomer(t *testing.T) {
	r := newRig(t)
	idle := func(args ...string) (string, int) {
		_, e, exit := kioskd(t, append([]string{"idle", "--config", r.config}, args...)...)
		return e, exit
	}
	if _, _, exit := kioskd(t, "idle", "--config", r.dir+"/none.toml"); exit != 0 {
		t.Error("a machine without a config is somebody's")
	}
	if e, exit := idle(); exit != 0 {
		t.Errorf("no daemon runs, and it is not idle: %s", e)
	}
	_, e, exit := kioskd(t, "selftest", "--config", r.config)
	if exit != 1 || !strings.Contains(e, "no kioskd answers") {
		t.Errorf("a self-test of none: exit %d, %s", exit, e)
	}
	r.world()
	if e, exit := idle(); exit != 0 {
		t.Errorf("nobody is served: %s", e)
	}
	if out, _, exit := kioskd(t, "selftest", "--config", r.config, "--last"); exit != 1 ||
		!strings.Contains(out, "no self-test yet") {
		t.Errorf("before the first: exit %d, %s", exit, out)
	}
	var out string
	out, e, _ = kioskd(t, "selftest", "--config", r.config, "--json")
	var s api.SelfTest
	if err := json.Unmarshal([]byte(out), &s); err != nil || s.At.IsZero() || len(s.Checks) < 6 {
		t.Fatalf("%v: %s%s", err, out, e)
	}
	for _, c := range s.Checks { // this machine's own card and heat are as they are
		if strings.Contains("sensors, relays, display, journal, journal's pages", c.Name) && !c.OK {
			t.Errorf("%+v", c)
		}
	}
	out, _, _ = kioskd(t, "selftest", "--config", r.config, "--last")
	if !strings.Contains(out, "relays' lines are off") {
		t.Errorf("afterwards it tells\n%s", out)
	}
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	if e, exit := idle(); exit != 1 || !strings.Contains(e, "served") {
		t.Errorf("with a customer: exit %d, %s", exit, e)
	}
	if e, exit := idle("--within", "1s", "--hold", "1m"); exit != 1 || !strings.Contains(e, "served") {
		t.Errorf("with a customer, and patience: exit %d, %s", exit, e)
	}
	if _, e, exit := kioskd(t, "selftest", "--config", r.config); exit != 1 || !strings.Contains(e, "being served") {
		t.Errorf("a self-test with a customer: exit %d, %s", exit, e)
	}
	r.press("cancel", func() bool { return r.step() == "ready" })
	if e, exit := idle("--within", "1m", "--hold", "1m"); exit != 0 || r.step() != "out_of_service" {
		t.Errorf("held: exit %d, %s, and it stands: %s", exit, e, r.step())
	}
	board, err := simboard.Dial(r.dir + "/board")
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	if seen, err := board.Snapshot(); err != nil || seen.Slots[0].Pulses != 0 {
		t.Errorf("nothing was sold, and the board shows %+v, %v", seen, err)
	}
	if s.At.After(time.Now()) {
		t.Errorf("the test was at %v", s.At)
	}
}
