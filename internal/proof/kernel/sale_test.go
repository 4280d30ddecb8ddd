package kernel

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// late is how much later than it should a motor may stop here, and a millisecond on a Raspberry Pi: two emulated
// processors share what a test machine has left.
const late = 150 * time.Millisecond

// pulse is the last time that a motor was on: its start, and its length.
func (w *world) pulse(s slot) (began, length time.Duration) {
	w.t.Helper()
	all := w.changes(s.relay)
	for n := len(all) - 1; n > 0; n-- {
		if all[n].level != s.on && all[n-1].level == s.on {
			return all[n-1].at, all[n].at - all[n-1].at
		}
	}
	w.t.Fatalf("no pulse in %v", all)
	return 0, 0
}

// TestSalesOnTheKernelsLines: a customer's fingers, motors and falling products are wires; the money is what came out.
func TestSalesOnTheKernelsLines(t *testing.T) {
	w := newWorld(t)
	w.watch()
	w.start()

	w.reserve()
	seen := w.choose(a1, 1, w.falls(a1, 300*time.Millisecond, 5*time.Millisecond, 1))
	began, on := w.pulse(a1)
	t.Logf("A1: a drop of %s, %s after the motor's start; the motor was on for %s, %s longer than to the drop",
		seen.pulse, seen.dropped-began, on, began+on-seen.dropped)
	if stop := began + on - seen.dropped; stop < 0 || stop > late {
		t.Errorf("the motor stopped %s after the product fell, want at most %s", stop, late)
	}
	w.cancels()
	if s := w.ends(1); outcomes(s) != "A1 delivered" || s.State != "charged" || s.Charged != "15.00" {
		t.Errorf("one product in 5 ms: %+v", s)
	}

	// Six pulses of 5 ms are one product that tumbles; then another slot, in the same sale, which ends when the
	// customer can afford nothing more.
	w.reserve()
	seen = w.choose(a1, 1, w.falls(a1, 200*time.Millisecond, 5*time.Millisecond, 6))
	w.choose(a2, 2, w.falls(a2, 100*time.Millisecond, 5*time.Millisecond, 1))
	_, on = w.pulse(a2)
	t.Logf("A1: a product that tumbles, its first pulse %s; A2: the motor was on for %s", seen.pulse, on)
	if s := w.ends(2); outcomes(s) != "A1 delivered, A2 delivered" || s.State != "charged" || s.Charged != "37.50" {
		t.Errorf("a product that tumbles and another: %+v", s)
	}

	// Nothing falls: the motor runs for its time, and nothing is charged.
	w.reserve()
	w.choose(a2, 1, func() turn { return turn{} })
	_, on = w.pulse(a2)
	t.Logf("A2: a jam with a maximum on-time of 1s; the motor was on for %s", on)
	if on < time.Second-late || on > time.Second+late {
		t.Errorf("a motor with a maximum on-time of 1s was on for %s, want that within %s", on, late)
	}
	w.cancels()
	if s := w.ends(3); outcomes(s) != "A2 not_delivered" || s.State != "released" || s.Charged != "0.00" {
		t.Errorf("a jam: %+v", s)
	}

	if got, want := fmt.Sprint(w.money()["charge"]), "[15.00 37.50]"; got != want {
		t.Errorf("Glase charged %s, want %s", got, want)
	}
	for _, s := range []slot{a1, a2} { // "off" may be said again and again; "on" is said once a turn
		off := 1 - s.on
		if got, want := slices.Compact(levels(w.changes(s.relay))),
			[]int{off, s.on, off, s.on, off}; !slices.Equal(got, want) {
			t.Errorf("line %d was driven %v, want %v", s.relay, w.changes(s.relay), want)
		}
	}
}

// TestAChipThatDisappearsMidSaleCostsNobodyMoney: nobody knows what came out, so nothing is charged, and nothing more
// is sold.
func TestAChipThatDisappearsMidSaleCostsNobodyMoney(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.reserve()
	w.choose(a1, 1, func() turn { time.Sleep(200 * time.Millisecond); w.vanish(); return turn{} })
	s := w.ends(1)
	if outcomes(s) != "A1 unknown" || s.State != "released" || s.Charged != "0.00" {
		t.Errorf("the sale is %+v", s)
	}
	w.until("the machine is out of service", func() bool { return w.step() == "out_of_service" })
	m := w.money()
	if len(m["charge"]) != 0 || len(m["reserve"]) != 1 || fmt.Sprint(m["reserve"]) != fmt.Sprint(m["release"]) {
		t.Errorf("Glase's ledger: %v", m)
	}
	w.must(w.kiosk.Process.Signal(syscall.SIGTERM))
	<-w.dead // a kiosk without its chip ends all the same
}

// TestAMotorOfAKilledKioskGoesOff: and while a kiosk runs, nobody else moves its lines.
func TestAMotorOfAKilledKioskGoesOff(t *testing.T) {
	w := newWorld(t)
	w.watch()
	w.start()
	w.reserve()
	if out, err := w.off(0); err == nil || !strings.Contains(out, "P1_11") ||
		!strings.Contains(out, `in use by "kioskd"`) {
		t.Errorf("beside a running kiosk: %v, %s", err, out)
	}
	w.press(a2.button, "the motor turns", "choosing", func() bool { return w.level(a2.relay) == a2.on })
	w.kill()
	if out, err := w.off(0); err != nil {
		t.Errorf("after a kill: %v, %s", err, out)
	}
	for name, s := range map[string]slot{"A1": a1, "A2": a2} {
		if all := w.changes(s.relay); w.level(s.relay) == s.on || len(all) == 0 || all[len(all)-1].level == s.on {
			t.Errorf("%s: the wire is at %d after %v", name, w.level(s.relay), all)
		}
	}
	if err := syscall.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.must(syscall.Chmod(w.dir+"/kioskd.toml", 0o644))
	w.must(syscall.Chmod(w.dir+"/..", 0o755))
	out, err := w.off(65534)
	t.Logf("as nobody: %s", out)
	if err == nil || !strings.Contains(out, "/dev/"+w.name+" may not be opened: add kioskd's user to the group gpio") {
		t.Errorf("as a user who may not: %v, %s", err, out)
	}
}
