package world

import (
	"strings"
	"testing"
)

// testedWorlds are played; in twenty of them a technician moved something some sixty times.
const testedWorlds = 60

// TestATechnicianWhoTestsTheMachineBreaksNoPromise: acts at any moment, between customers, kills, jams and full disks.
func TestATechnicianWhoTestsTheMachineBreaksNoPromise(t *testing.T) {
	ground := NewGround(t, t.TempDir())
	taken, busy, vends := 0, 0, 0
	for seed := range uint64(testedWorlds) {
		o := Options{Ground: ground, Tests: true}
		r := Play(t, seed, o)
		if len(r.Violations) > 0 {
			t.Errorf("seed=%d: %s\n%s", seed, strings.Join(r.Violations, "\n"), r.Diary)
			return
		}
		for line := range strings.Lines(r.Diary) {
			if !strings.Contains(line, "a technician asks for ") {
				continue
			}
			switch {
			case strings.HasSuffix(line, ": <nil>\n"):
				taken++
				if strings.Contains(line, "a vend of") {
					vends++
				}
			case strings.Contains(line, "a sale is on"):
				busy++
			}
		}
	}
	t.Logf("%d acts were taken, %d of them vends, and %d were refused during a sale", taken, vends, busy)
	if vends < testedWorlds || busy < testedWorlds {
		t.Error("the worlds are too kind: nobody tests, or nobody buys meanwhile")
	}
}
