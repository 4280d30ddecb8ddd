package upgrade

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	upgrades = flag.Int("upgrades", 200, "up and down again, so many times each")
	every    = flag.Int("every", 1, "kill, and cut the power, at each n-th step only")
)

// other is the version that is not this one.
func other(v string) string { return map[string]string{"1.0.0": "1.1.0", "1.1.0": "1.0.0"}[v] }

// changed waits until a version has proven itself.
func (w *world) changed(v string) {
	w.t.Helper()
	w.until(v+" has proven itself", func() bool {
		u := w.stands()
		if u.State == "back" || u.State == "refused" {
			w.t.Fatalf("a version that is good is sent back: %+v", u)
		}
		return u.State == "done" && u.To == v && w.runs() == v && w.answers() == v
	})
}

// TestNoUpgradeInterruptsASale sells without a pause while one version takes over from the other and back.
func TestNoUpgradeInterruptsASale(t *testing.T) {
	w := newWorld(t)
	w.honest()
	done := make(chan struct{})
	var sales, refused atomic.Int64
	go func() {
		defer close(done)
		for n, v := 0, "1.0.0"; n < 2**upgrades && !t.Failed(); n++ {
			v = other(v)
			time.Sleep(rand.N(4 * time.Second)) // any moment of a sale is what this is about
			if out, err := w.install(v).CombinedOutput(); err != nil {
				t.Errorf("dpkg -i %s: %v\n%s", v, err, out)
				return
			}
			end := time.Now().Add(patience)
			for u := w.stands(); u.State != "done" || u.To != v; u = w.stands() {
				if u.State == "back" || u.State == "refused" || time.Now().After(end) {
					t.Errorf("change %d, to %s: %+v", n, v, u)
					return
				}
				time.Sleep(between)
			}
			if w.answers() != v {
				t.Errorf("change %d: %q answers, not %s", n, w.answers(), v)
			}
			if n%20 == 19 {
				t.Logf("%d changes, %d sales, %d customers refused in between", n+1, sales.Load(), refused.Load())
			}
		}
	}()
	for {
		select {
		case <-done:
			w.honest()
			w.audit()
			t.Logf("%d sales, all whole", sales.Load())
			return
		default:
		}
		switch sale, err := w.buy(); {
		case errors.Is(err, errRefused):
			refused.Add(1)
			time.Sleep(between)
		case err != nil:
			t.Error(err)
		default:
			sales.Add(1)
			w.whole(sale)
		}
	}
}

// steps are those of one change of versions, from dpkg's first to the verdict.
func (w *world) steps(v string) []string {
	w.t.Helper()
	w.trap("")
	w.must(w.install(v))
	w.changed(v)
	text, err := os.ReadFile(filepath.Join(w.dir, "steps"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// whenever does to a change of versions what is said, before and after each of its steps, and holds that one version or
// the other runs then, sells, and that the new one takes over in the end.
func whenever(t *testing.T, does string, fails func(w *world, dpkg <-chan error)) {
	w := newWorld(t)
	w.honest()
	v := "1.1.0"
	steps := w.steps(v)
	t.Logf("%d steps:\n%s", len(steps), strings.Join(steps, "\n"))
	if len(steps) < 40 {
		t.Errorf("they were to be 40 or more")
	}
	tried := 0
	for n := 0; n < 2*len(steps); n += *every {
		at := fmt.Sprintf("%s %d", []string{"before", "after"}[n%2], n/2+1)
		v = other(v)
		w.trap(at)
		dpkg := make(chan error, 1)
		c := w.install(v)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { dpkg <- c.Wait() }()
		over := false
		w.until("the step "+at, func() bool {
			u := w.stands()
			over = u.State == "done" && u.To == v && w.runs() == v // it has fewer steps this time
			return over || w.trapped()
		})
		if !over {
			tried++
			fails(w, dpkg)
			w.trap("")
			w.until("a version answers", func() bool { return w.answers() != "" })
			w.honest()
			w.must(w.command("dpkg", "--configure", "-a"))
			if w.must(w.command("dpkg-query", "-W", "-f", "${Version}", "kioskd")) != v {
				w.must(w.install(v)) // it had not begun
			}
		}
		w.changed(v)
		w.honest()
		w.audit()
		if t.Failed() {
			t.Fatalf("%s at %s: %s", does, at, steps[min(n/2, len(steps)-1)])
		}
	}
	t.Logf("%s %d times", does, tried)
}

// TestAVersionRunsWheneverThePowerIsCut loses what is not synced, too.
func TestAVersionRunsWheneverThePowerIsCut(t *testing.T) {
	whenever(t, "the power was cut", func(w *world, dpkg <-chan error) {
		w.cut()
		<-dpkg
		w.again()
	})
}

// TestAVersionRunsWheneverItIsKilled kills dpkg, what it runs, and the unit.
func TestAVersionRunsWheneverItIsKilled(t *testing.T) {
	whenever(t, "it was killed", func(w *world, dpkg <-chan error) {
		_ = w.command("pkill", "-KILL", "-f", "dpkg|kioskd\\.p(re|ost)inst|info/kioskd|tmp.ci").Run() // there may be none any more
		_ = w.command("systemctl", "kill", "--signal=KILL", "kioskd-upgrade.service").Run()           // it may not run yet
		<-dpkg
	})
}

// TestWhatIsNoGoodGoesBack installs versions that crash, hang, take neither config nor journal, or are no program.
func TestWhatIsNoGoodGoesBack(t *testing.T) {
	w := newWorld(t)
	w.honest()
	for bad, want := range map[string]string{
		"crashes": "back exits", "hangs": "back not_ready", "unjournaled": "back not_ready", "config": "refused config",
		"journal": "refused journal", "rubbish": "refused config",
	} {
		began := time.Now()
		w.must(w.install(bad))
		w.until(bad+" is found out", func() bool {
			u := w.stands()
			if u.State == "done" && u.To == "2.0.0" {
				t.Fatalf("%s is taken for good", bad)
			}
			return u.To == "2.0.0" && (u.State == "back" || u.State == "refused") || u.From == "2.0.0"
		})
		w.until("the old version answers", func() bool { return w.answers() == "1.0.0" })
		t.Logf("%s: the old version answers after %v", bad, time.Since(began).Round(time.Second))
		if u := w.stands(); u.State+" "+u.Why != want {
			t.Errorf("%s: %+v, want %s", bad, u, want)
		}
		if s, err := w.status(); err != nil || s.Upgrade == nil || s.Upgrade.State+" "+s.Upgrade.Why != want {
			t.Errorf("%s: the status tells %+v, %v", bad, s.Upgrade, err)
		}
		w.honest()
		// a reboot does not try it again
		w.cut()
		w.again()
		w.until("the old version answers", func() bool { return w.answers() == "1.0.0" })
		w.honest()
		w.must(w.install("1.0.0"))
		w.changed("1.0.0")
	}
	w.audit()
}
