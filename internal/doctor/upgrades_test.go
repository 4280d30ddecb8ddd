package doctor

import (
	"os"
	"testing"
	"time"
)

func TestASystemThatDoesNotUpgradeItselfIsFound(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	told(t, Upgrades(machine(t, nil), now, true)) // no Debian
	files := map[string]string{"usr/bin/apt-get": ""}
	told(t, Upgrades(machine(t, files), now, true), "warn: apt-get install unattended-upgrades")
	files["usr/bin/unattended-upgrade"] = ""
	told(t, Upgrades(machine(t, files), now, true), "ok: has not yet")
	files["var/lib/apt/periodic/upgrade-stamp"] = ""
	r := machine(t, files)
	stamp := r.path("/var/lib/apt/periodic/upgrade-stamp")
	for age, want := range map[time.Duration]string{24 * time.Hour: "ok: 2026-11-26",
		40 * 24 * time.Hour: "warn: 2026-10-18"} {
		if err := os.Chtimes(stamp, time.Time{}, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		told(t, Upgrades(r, now, true), want)
	}
	told(t, Upgrades(r, now, false), "ok: 2026-1") // by what clock?
}
