package world

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
		}{{noNetwork, 10, 30}, {badAnswer, 12, 14}, {noKiosk, 29, 40}, {badAnswer, 47, 48}, {diskFull, 60, 70},
			{refundsChoice, 80, 90}} {
			h.spans = append(h.spans, span{s.kind, at(s.from), at(s.until)})
		}
		h.spans = append(h.spans, span{kind: noKiosk, from: at(100)}) // still on
		for _, c := range []struct{ from, until, want, wantDisk int }{
			{0, 10, 10, 10}, {0, 120, 52, 30}, {10, 45, 5, 5}, {15, 25, 0, 0}, {44, 50, 3, 3}, {101, 200, 0, 0},
			{50, 95, 45, 25},
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

// TestAKioskThatHardlyAsksIsNotExcused: Glase takes back what nobody asks for, and only who asked as often as it takes,
// without an answer, could not help it.
func TestAKioskThatHardlyAsksIsNotExcused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Add(time.Hour)
		asked := func(second int, good bool) ask {
			at := now.Add(time.Duration(second) * time.Second)
			return ask{at, at.Add(2 * time.Second), good}
		}
		for _, c := range []struct {
			name string
			asks []ask
			gone bool
			want bool
		}{
			{"it never asked", nil, false, false},
			{"it asked seldom", []ask{asked(-15, false), asked(-5, false)}, false, false},
			{"it asked before there was anything to ask for",
				[]ask{asked(-40, false), asked(-30, false), asked(-25, false), asked(-5, false)}, false, false},
			{"it asked and asked", []ask{asked(-19, false), asked(-15, false), asked(-10, false), asked(-4, false)},
				false, true},
			{"it had its answers", []ask{asked(-19, true), asked(-15, false), asked(-10, true), asked(-4, false)},
				false, false},
			{"its second answer came too late", []ask{asked(-19, true), asked(-15, false), asked(-10, false),
				asked(-1, true)}, false, true},
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
