package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// park is a fleet that is told of a rollout as a hub would be.
type park struct {
	r        Rollout
	machines []Machine
	now      time.Time
	story    []string
}

func newPark(id int64, machines int, rings ...int) *park {
	p := &park{r: Rollout{ID: id, Version: "0.3.0", Rings: rings, Soak: 24 * time.Hour, State: Running}, now: noon}
	for n := range machines {
		p.machines = append(p.machines, Machine{Kiosk: fmt.Sprintf("K%d", n), Seen: noon})
	}
	p.look()
	return p
}

// pass lets time go by, in which each machine does what it does once it is wanted of it, and is heard.
func (p *park) pass(long time.Duration, does func(m *Machine)) {
	p.now = p.now.Add(long)
	for n := range p.machines {
		m := &p.machines[n]
		m.Seen = p.now
		if p.r.Wish(m.Try) != "" {
			does(m)
		}
	}
	p.look()
}

func (p *park) look() {
	var what string
	p.r, p.machines, what = Step(p.r, p.machines, p.now)
	if what != "" {
		p.story = append(p.story, what)
	}
}

func (p *park) take(t *testing.T, a Act) {
	t.Helper()
	var err error
	if p.r, err = p.r.Take(a, "anna"); err != nil {
		t.Fatal(err)
	}
}

func (p *park) asked() int { return Of(p.machines).Sum() }

// one is a machine with a fate, a copy.
func (p *park) one(f Fate) Machine {
	n := slices.IndexFunc(p.machines, func(m Machine) bool { return m.Try.Fate == f })
	return p.machines[n]
}

func nothing(*Machine) {}

func well(m *Machine) { m.Told = Told{State: toldDone, From: "0.2.0", To: "0.3.0"} }

func slow(m *Machine) { m.Told = Told{State: toldWaiting, From: "0.2.0", To: "0.3.0"} }

func fails(m *Machine) { m.Told = Told{State: toldBack, From: "0.2.0", To: "0.3.0", Why: "not_ready"} }

// all but one fare well with it.
func but(kiosk string, does func(*Machine)) func(*Machine) {
	return func(m *Machine) {
		if m.Kiosk == kiosk {
			does(m)
			return
		}
		well(m)
	}
}

func TestEachRingIsAskedWhenTheOneBeforeHasRunItForItsTime(t *testing.T) {
	for _, c := range []struct {
		machines     int
		rings, sizes []int
	}{{1000, []int{1, 10, 100}, []int{10, 100, 1000}}, {20, []int{1, 10, 100}, []int{1, 2, 20}},
		{3, []int{1, 10, 100}, []int{1, 2, 3}}, {1, []int{1, 10, 100}, []int{1, 1, 1}}, {7, []int{100}, []int{7}}} {
		p := newPark(1, c.machines, c.rings...)
		for n, size := range c.sizes {
			p.pass(48*time.Hour, slow) // however long it takes
			p.pass(time.Hour, well)
			p.pass(24*time.Hour-time.Second, well)
			if p.r.Ring != n || p.asked() != size || p.r.State != Running {
				t.Fatalf("%d machines: in ring %d it is in %d, with %d asked, want %d", c.machines, n, p.r.Ring, p.asked(),
					size)
			}
			p.pass(time.Second, well)
		}
		if p.r.State != Done || len(p.story) != len(c.rings) {
			t.Errorf("%d machines: at the end it is %s: %q", c.machines, p.r.State, p.story)
		}
	}
}

// TestAMachineIsInTheSameRingWhoeverAsks: two hubs ask, and the database gives machines in any order.
func TestAMachineIsInTheSameRingWhoeverAsks(t *testing.T) {
	in := func(id int64, turned bool) (kiosks []string) {
		p := newPark(id, 300, 5, 100)
		for n := range p.machines {
			p.machines[n].Try = Try{}
		}
		if turned {
			slices.Reverse(p.machines)
		}
		p.look()
		for _, m := range p.machines {
			if m.Try.Fate != None {
				kiosks = append(kiosks, m.Kiosk)
			}
		}
		slices.Sort(kiosks)
		return kiosks
	}
	first := in(7, false)
	if again := in(7, true); !slices.Equal(first, again) || len(first) != 15 {
		t.Errorf("%v and %v", first, again)
	}
	if slices.Equal(first, in(8, false)) {
		t.Error("the same machines are the first in each rollout")
	}
}

func TestItStopsByItselfWhenMoreThanTwoInAHundredAreNoGood(t *testing.T) {
	for name, spoil := range map[string]func(*park, *Machine){
		"went back": func(_ *park, m *Machine) { fails(m) },
		"refused": func(_ *park, m *Machine) {
			m.Told = Told{State: toldRefused, From: "0.2.0", To: "0.3.0", Why: "journal"}
		},
		"silent": func(p *park, m *Machine) { m.Seen = p.now.Add(-SilentAfter - time.Second) },
	} {
		for _, c := range []struct {
			machines, bad int
			stops         bool
		}{{100, 2, false}, {100, 3, true}, {1000, 20, false}, {1000, 21, true}, {49, 1, true}, {50, 1, false},
			{2, 1, true}} {
			p := newPark(1, c.machines, 100)
			p.pass(2*time.Hour, well)
			for n := range c.bad {
				spoil(p, &p.machines[n])
			}
			p.look()
			if stopped := p.r.State == Stopped; stopped != c.stops || stopped && !strings.Contains(p.r.Why, name) {
				t.Errorf("%s, %d of %d: it is %s %q", name, c.bad, c.machines, p.r.State, p.r.Why)
			}
		}
	}
}

func TestOnceItHasStoppedItIsWantedOfThoseAloneThatHaveBegun(t *testing.T) {
	p := newPark(1, 100, 10, 100)
	p.pass(time.Minute, nothing)
	var members []string
	for _, m := range p.machines {
		if m.Try.Fate == Asked {
			members = append(members, m.Kiosk)
		}
	}
	p.pass(time.Minute, func(m *Machine) {
		switch m.Kiosk {
		case members[0]:
			well(m)
		case members[1]:
			fails(m)
		}
	})
	p.pass(90*24*time.Hour, nothing)
	if p.r.State != Stopped || p.asked() != 10 {
		t.Fatalf("it is %s, %d were asked", p.r.State, p.asked())
	}
	for _, m := range p.machines {
		if wish := p.r.Wish(m.Try); (wish == "0.3.0") != (m.Kiosk == members[0]) {
			t.Errorf("of %s, which is %q, %q is wanted", m.Kiosk, m.Try.Fate, wish)
		}
	}
}

func TestAPersonLetsItGoOnWithoutThoseThatAreNoGood(t *testing.T) {
	p := newPark(1, 40, 10, 100)
	fare := but(p.one(Asked).Kiosk, fails)
	p.pass(time.Hour, fare)
	if p.r.State != Stopped {
		t.Fatalf("it is %s", p.r.State)
	}
	p.take(t, Resume)
	p.machines = Pass(p.machines)
	for range 4 {
		p.pass(24*time.Hour, fare)
	}
	if p.r.State != Done || Of(p.machines)[Good] != 39 {
		t.Errorf("it is %s: %s", p.r.State, Of(p.machines))
	}
}

func TestTurnedBackEachMachineIsToHaveWhatItHad(t *testing.T) {
	p := newPark(1, 10, 50, 100)
	old := p.one(Asked).Kiosk
	p.pass(time.Hour, but(old, func(m *Machine) { m.Told = Told{State: toldDone, From: "0.1.9", To: "0.3.0"} }))
	p.take(t, GoBack)
	back := map[string]string{}
	p.pass(time.Hour, func(m *Machine) {
		back[m.Kiosk] = p.r.Wish(m.Try)
		m.Told = Told{State: toldDone, From: "0.3.0", To: back[m.Kiosk]}
	})
	for kiosk, version := range back {
		if want := map[bool]string{true: "0.1.9", false: "0.2.0"}[kiosk == old]; version != want {
			t.Errorf("of %s %s is wanted, it had %s", kiosk, version, want)
		}
	}
	if c := Of(p.machines); len(back) != 5 || c[Returned] != 5 || c.Sum() != 5 {
		t.Errorf("%d were asked back: %s", len(back), c)
	}
}

// TestASilenceOfMostHoldsIt: a hub that was down has heard nobody, and the version need not be to blame.
func TestASilenceOfMostHoldsIt(t *testing.T) {
	p := newPark(1, 100, 10, 100)
	p.pass(time.Hour, well)
	p.now = p.now.Add(25 * time.Hour) // and nobody is heard
	p.look()
	if p.r.State != Running || p.asked() != 10 {
		t.Errorf("it is %s %q with %d asked", p.r.State, p.r.Why, p.asked())
	}
	p.pass(time.Minute, well)
	p.pass(24*time.Hour, well)
	if p.asked() != 100 {
		t.Errorf("once they are heard again: %s", Of(p.machines))
	}
}

func TestForAMachineThatIsNotThereAnotherIsAsked(t *testing.T) {
	p := newPark(1, 10, 10, 100)
	gone := p.one(Asked).Kiosk
	p.now = p.now.Add(2 * time.Hour)
	for n := range p.machines {
		if p.machines[n].Kiosk != gone {
			p.machines[n].Seen = p.now
		}
	}
	p.look()
	if c := Of(p.machines); c[Absent] != 1 || c[Asked] != 1 || p.r.State != Running {
		t.Fatalf("%s, it is %s", c, p.r.State)
	}
	for range 2 {
		p.now = p.now.Add(24 * time.Hour)
		for n := range p.machines {
			if m := &p.machines[n]; m.Kiosk != gone {
				m.Seen = p.now
				well(m)
			}
		}
		p.look()
	}
	if c := Of(p.machines); c[Absent] != 1 || c.Sum() != 10 || p.r.State != Running {
		t.Errorf("it waits for one that is not there: %s, it is %s", c, p.r.State)
	}
}

func TestAMachineThatCannotGetItIsSeenAndHoldsTheNextRing(t *testing.T) {
	p := newPark(1, 30, 10, 100)
	fare := but(p.one(Asked).Kiosk, func(m *Machine) {
		m.Told = Told{Fetch: fetchFailed, FetchTo: "0.3.0", FetchWhy: "no such version"}
	})
	p.pass(time.Hour, fare)
	p.pass(48*time.Hour, fare)
	if c := Of(p.machines); c[Unfetched] != 1 || c[Good] != 2 || c.Sum() != 3 || p.r.State != Running {
		t.Fatalf("it is %s: %s", p.r.State, c)
	}
	if why := p.one(Unfetched).Try.Why; why != "no such version" {
		t.Errorf("it says %q", why)
	}
	poor := p.one(Unfetched).Kiosk
	p.pass(time.Hour, nothing)
	for n := range p.machines {
		if p.machines[n].Kiosk == poor {
			p.machines[n].Seen = p.now.Add(-2 * SilentAfter)
		}
	}
	p.look()
	if p.r.State != Running {
		t.Errorf("the silence of one that has not got it is laid to it: %s", p.r.Why)
	}
}

func TestAnActThatDoesNotFitIsRefused(t *testing.T) {
	for state, may := range map[State][]Act{
		Running: {Stop, Resume, Abandon, GoBack}, Stopped: {Resume, Abandon, GoBack},
		Done: {GoBack}, Abandoned: {GoBack}, Back: nil} {
		for _, a := range []Act{Stop, Resume, Abandon, GoBack} {
			if _, err := (Rollout{State: state}).Take(a, "anna"); (err == nil) != slices.Contains(may, a) {
				t.Errorf("%s when it is %s: %v", a, state, err)
			}
		}
	}
}

func TestWhatIsNoRolloutIsRefused(t *testing.T) {
	for text, right := range map[string]bool{"1,10,100": true, "100": true, " 5, 100": true, "": false,
		"10": false, "10,10,100": false, "0,100": false, "50,101": false, "1,2,3,4,5,6,7,8,9,10,100": false,
		"1%,100": false} {
		if rings, err := ReadRings(text); (err == nil) != right {
			t.Errorf("%q: %v, %v", text, rings, err)
		}
	}
	for version, right := range map[string]bool{"0.3.0": true, "1:0.3.0~20270101.abc+b-1": true, "": false, "v1": false,
		"0.3 0":    false,
		"0;reboot": false, "0/1": false, strings.Repeat("1", 65): false} {
		if err := CheckVersion(version); (err == nil) != right {
			t.Errorf("%q: %v", version, err)
		}
	}
}

// TestAVersionThatFiveInAHundredCannotRunIsStopped plays it in many fleets of 100 machines.
func TestAVersionThatFiveInAHundredCannotRunIsStopped(t *testing.T) {
	early := 0
	for seed := range int64(60) {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		p := newPark(seed, 100, 1, 10, 100)
		broken := map[string]bool{}
		for _, n := range r.Perm(100)[:5] {
			broken[fmt.Sprintf("K%d", n)] = true
		}
		for n := 0; n < 2000 && p.r.State == Running; n++ {
			p.pass(10*time.Minute, func(m *Machine) {
				switch {
				case r.IntN(3) > 0: // somebody buys something
				case broken[m.Kiosk]:
					fails(m)
				default:
					well(m)
				}
			})
		}
		if p.r.State != Stopped {
			t.Errorf("seed %d: it is %s: %s", seed, p.r.State, Of(p.machines))
		}
		if p.asked() <= 10 {
			early++
		}
	}
	t.Logf("%d of 60 were stopped before the last ring", early)
	if early < 15 { // a ring of ten has one of the five in it four times in ten
		t.Errorf("only %d of 60 were stopped before the last ring", early)
	}
}

// FuzzRings: whatever is typed, rings that are taken grow to everybody.
func FuzzRings(f *testing.F) {
	f.Add("1,10,100")
	f.Fuzz(func(t *testing.T, text string) {
		rings, err := ReadRings(text)
		if err == nil && (!slices.IsSorted(rings) || rings[0] < 1 || rings[len(rings)-1] != 100) {
			t.Errorf("%q is taken as %v", text, rings)
		}
	})
}
