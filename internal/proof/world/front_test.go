package world

import (
	"strings"
	"testing"
)

// frontWorlds are those in which Glase is on connections that a front lets die, besides the usual ones.
const frontWorlds = 60

// TestNoFrontLosesMoney: what a front loses excuses no sale that is lost, in doubt or left hanging.
func TestNoFrontLosesMoney(t *testing.T) {
	ground := NewGround(t, t.TempDir())
	fronts := map[string]int{}
	for seed := *fromFlag; seed < *fromFlag+frontWorlds; seed++ {
		r := Play(t, seed, Options{Ground: ground, Sockets: true})
		for _, v := range r.Violations {
			t.Errorf("seed=%d: %s", seed, v)
		}
		for kind, n := range r.Faults {
			if strings.HasPrefix(kind, "front ") {
				fronts[kind] += n
			}
		}
	}
	if len(fronts) != 4 {
		t.Errorf("met %v: the worlds are too kind", fronts)
	}
}

// TestAFrontsWorldIsOne: the kiosk's own transport, and goroutines of net/http, make no world another.
func TestAFrontsWorldIsOne(t *testing.T) {
	for seed := *fromFlag; seed < *fromFlag+*twiceFlag; seed++ {
		o := Options{Sockets: true}
		first, second := moments(Play(t, seed, o)), moments(Play(t, seed, o))
		for n := range max(len(first), len(second)) {
			if n >= len(first) || n >= len(second) || first[n] != second[n] {
				t.Errorf("seed=%d differs:\n%s\n%s", seed, strings.Join(first[max(0, n-5):min(n+5, len(first))], "\n"),
					strings.Join(second[max(0, n-5):min(n+5, len(second))], "\n"))
				break
			}
		}
	}
}
