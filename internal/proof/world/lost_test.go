package world

import (
	"strings"
	"testing"
)

// TestALostLogMovesNothingUntilItIsAccepted plays worlds in which no kill leaves the newest records. What those said is
// not known any more, so the referee's other promises about these sales cannot be held; but from the next start on,
// until somebody has accepted it, no motor starts and nothing is asked of Glase, and after that the machine sells
// again.
func TestALostLogMovesNothingUntilItIsAccepted(t *testing.T) {
	ground, losses := NewGround(t, t.TempDir()), 0
	for seed := uint64(1); seed <= 80; seed++ {
		r := Play(t, seed, Options{Ground: ground, LoseLog: 30})
		losses += r.Losses
		for _, v := range r.Violations {
			if strings.HasPrefix(v, "with a lost log") || strings.HasPrefix(v, "after all troubles") ||
				strings.Contains(v, "does not start") {
				t.Errorf("seed=%d: %s\n%s", seed, v, r.Diary)
			}
		}
	}
	if losses < 40 {
		t.Errorf("only %d kills lost anything", losses)
	}
}
