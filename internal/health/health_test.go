package health

import (
	"strings"
	"testing"
	"time"
)

// TestAClockThatWasNeverSetIsSaid: a Pi wakes up in 1970.
func TestAClockThatWasNeverSetIsSaid(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if p := clockPart(now, true, false); !p.OK || p.Do != "" {
		t.Errorf("a clock that is set: %+v", p)
	}
	if p := clockPart(now, false, false); p.OK || p.Do == "" {
		t.Errorf("a clock that nobody checked: %+v", p)
	}
	for _, synced := range []bool{false, true} {
		if p := clockPart(time.Unix(60, 0).UTC(), synced, false); p.OK || !strings.Contains(p.What, "1970") ||
			p.Do == "" {
			t.Errorf("in 1970, synced %v: %+v", synced, p)
		}
	}
}
