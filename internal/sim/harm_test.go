package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPeaceIsTheLongestTimeWithoutTrouble: what a referee excuses by trouble ends with it.
func TestPeaceIsTheLongestTimeWithoutTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h harm
		at := func(seconds int) time.Time { return time.Now().Add(time.Duration(seconds) * time.Second) }
		for _, s := range []struct {
			kind        string
			from, until int
		}{{noNetwork, 10, 30}, {badAnswer, 12, 14}, {noKiosk, 29, 40}, {badAnswer, 47, 48}, {diskFull, 60, 70}, {refundsChoice, 80, 90}} {
			h.spans = append(h.spans, span{s.kind, at(s.from), at(s.until)})
		}
		h.spans = append(h.spans, span{kind: noKiosk, from: at(100)}) // still on
		for _, c := range []struct{ from, until, want, wantDisk int }{
			{0, 10, 10, 10}, {0, 120, 52, 30}, {10, 45, 5, 5}, {15, 25, 0, 0}, {44, 50, 3, 3}, {101, 200, 0, 0}, {50, 95, 45, 25},
		} {
			if got := h.peace(at(c.from), at(c.until)); got != time.Duration(c.want)*time.Second {
				t.Errorf("%d to %d: %v of peace, want %d s", c.from, c.until, got, c.want)
			}
			if got := h.peace(at(c.from), at(c.until), diskFull); got != time.Duration(c.wantDisk)*time.Second {
				t.Errorf("%d to %d, the disk too: %v of peace, want %d s", c.from, c.until, got, c.wantDisk)
			}
		}
	})
}

// TestAKioskThatHardlyAsksIsNotExcused: Glase takes back what nobody asks for, and only who asked as often as it takes, without an
// answer, could not help it.
func TestAKioskThatHardlyAsksIsNotExcused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Add(time.Hour)
		for _, c := range []struct {
			name string
			asks []ask
			gone bool
			want bool
		}{
			{"it never asked", nil, false, false},
			{"it asked seldom", []ask{{now.Add(-15 * time.Second), false}, {now.Add(-5 * time.Second), false}}, false, false},
			{"it asked before there was anything to ask for", []ask{{now.Add(-40 * time.Second), false}, {now.Add(-30 * time.Second), false}, {now.Add(-25 * time.Second), false}, {now.Add(-5 * time.Second), false}}, false, false},
			{"it asked and asked", []ask{{now.Add(-19 * time.Second), false}, {now.Add(-15 * time.Second), false}, {now.Add(-10 * time.Second), false}, {now.Add(-4 * time.Second), false}}, false, true},
			{"it had its answers", []ask{{now.Add(-19 * time.Second), true}, {now.Add(-15 * time.Second), false}, {now.Add(-10 * time.Second), true}, {now.Add(-4 * time.Second), false}}, false, false},
			{"it was not there", nil, true, true},
		} {
			h := harm{asks: c.asks}
			if c.gone {
				h.spans = []span{{noKiosk, now.Add(-time.Minute), now.Add(-10 * time.Second)}}
			}
			if got := h.unasked(now); got != c.want {
				t.Errorf("%s: excused: %v", c.name, got)
			}
		}
	})
}
