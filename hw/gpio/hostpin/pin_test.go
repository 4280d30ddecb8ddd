package hostpin

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev/uapi"
	"periph.io/x/conn/v3/gpio"
)

func pi() chip {
	return chip{path: "/dev/gpiochip0", name: "gpiochip0", label: "pinctrl-bcm2835", lines: make([]string, 54)}
}

func pinOf(t *testing.T, k kernel, name string, wires ...Wire) gpio.PinIO {
	t.Helper()
	b, err := open(k, "", wires)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return p
}

func armed(t *testing.T) (*bench, gpio.PinIO) {
	t.Helper()
	k := newBench(t, pi())
	p := pinOf(t, k, "GPIO27")
	if err := p.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	return k, p
}

// TestTheFirstLevelComesWithTheRequest: nothing is on the wire between.
func TestTheFirstLevelComesWithTheRequest(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		wire  []Wire
		first gpio.Level
		want  uapi.LineFlagV2
	}{
		"usual":      {nil, gpio.Low, uapi.LineFlagV2Output},
		"first High": {nil, gpio.High, uapi.LineFlagV2Output},
		"not low":    {[]Wire{{Pin: "GPIO17", ActiveLow: &no}}, gpio.Low, uapi.LineFlagV2Output},
		"active low": {[]Wire{{Pin: "P1_11", ActiveLow: &yes}}, gpio.Low,
			uapi.LineFlagV2Output | uapi.LineFlagV2ActiveLow},
		"open drain": {[]Wire{{Pin: "GPIO17", OpenDrain: true}}, gpio.Low,
			uapi.LineFlagV2Output | uapi.LineFlagV2OpenDrain},
		"pulled": {[]Wire{{Pin: "P1_11", Pull: "down"}}, gpio.Low,
			uapi.LineFlagV2Output | uapi.LineFlagV2BiasPullDown},
	} {
		k := newBench(t, pi())
		p := pinOf(t, k, "GPIO17", c.wire...)
		if err := p.Out(c.first); err != nil {
			t.Fatal(err)
		}
		l := k.line(17)
		if want := (setup{flags: c.want, high: bool(c.first)}); !slices.Equal(l.setups, []setup{want}) {
			t.Errorf("%s: requested with %+v, want %+v and no more", name, l.setups, want)
		}
		if err := p.Out(!c.first); err != nil || p.Read() == c.first ||
			!slices.Equal(l.levels, []bool{bool(c.first), !bool(c.first)}) {
			t.Errorf("%s: then it was driven %v, %v", name, l.levels, err)
		}
	}
}

func TestAnInputIsSetUpAsItIsWired(t *testing.T) {
	yes, no := true, false
	const in, falling = uapi.LineFlagV2Input, uapi.LineFlagV2EdgeFalling
	for name, c := range map[string]struct {
		wire Wire
		pull gpio.Pull
		want setup
	}{
		"usual":      {Wire{}, gpio.PullUp, setup{flags: in | falling | uapi.LineFlagV2BiasPullUp}},
		"active low": {Wire{ActiveLow: &yes}, gpio.PullUp, setup{flags: in | falling | uapi.LineFlagV2BiasPullUp}},
		"active high": {Wire{ActiveLow: &no}, gpio.PullUp,
			setup{flags: in | falling | uapi.LineFlagV2BiasPullDown | uapi.LineFlagV2ActiveLow}},
		"up anyway": {Wire{ActiveLow: &no, Pull: "up"}, gpio.PullUp,
			setup{flags: in | falling | uapi.LineFlagV2BiasPullUp | uapi.LineFlagV2ActiveLow}},
		"down":      {Wire{Pull: "down"}, gpio.PullUp, setup{flags: in | falling | uapi.LineFlagV2BiasPullDown}},
		"none":      {Wire{Pull: "none"}, gpio.PullUp, setup{flags: in | falling | uapi.LineFlagV2BiasDisabled}},
		"floats":    {Wire{}, gpio.Float, setup{flags: in | falling | uapi.LineFlagV2BiasDisabled}},
		"as it was": {Wire{}, gpio.PullNoChange, setup{flags: in | falling}},
		"debounced": {Wire{Debounce: time.Millisecond}, gpio.PullUp,
			setup{flags: in | uapi.LineFlagV2EdgeBoth | uapi.LineFlagV2BiasPullUp}},
		"down, upside": {Wire{ActiveLow: &no}, gpio.PullDown,
			setup{flags: in | falling | uapi.LineFlagV2BiasPullUp | uapi.LineFlagV2ActiveLow}},
	} {
		k := newBench(t, pi())
		c.wire.Pin = "GPIO27"
		p := pinOf(t, k, "P1_13", c.wire)
		for range 2 { // the second changes nothing
			if err := p.In(c.pull, gpio.FallingEdge); err != nil {
				t.Fatal(err)
			}
		}
		if got := k.line(27).setups; !slices.Equal(got, []setup{c.want}) {
			t.Errorf("%s: set up with %+v, want %+v", name, got, c.want)
		}
	}
}

func TestEveryEdgeThatNobodyReadIsThere(t *testing.T) {
	k, p := armed(t)
	k.line(27).move(100)
	for n := range 100 {
		if !p.WaitForEdge(time.Duration(n%3-1) * time.Hour) { // without end, queued only, an hour
			t.Fatalf("edge %d is lost", n)
		}
	}
	if p.WaitForEdge(0) {
		t.Error("there is an edge more")
	}
}

func TestArmingForgetsTheEdgesBefore(t *testing.T) {
	k, p := armed(t)
	k.line(27).move(100)
	if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	if p.WaitForEdge(0) {
		t.Error("an edge of before In is there")
	}
	if s := k.line(27).setups; len(s) != 2 || !s[1].flags.IsBothEdges() {
		t.Errorf("the line was set up with %+v", s)
	}
}

func TestAWaitEndsInItsTime(t *testing.T) {
	_, p := armed(t)
	for _, d := range []time.Duration{time.Nanosecond, 5 * time.Millisecond, probeEvery + time.Millisecond} {
		began := time.Now()
		if p.WaitForEdge(d) {
			t.Error("an edge that nobody made")
		}
		if took := time.Since(began); took < d {
			t.Errorf("a wait of %s took %s", d, took)
		}
	}
}

// TestAWaitEndsWithWhatEndsIt: whoever is in it comes back, and nobody can begin another that never ends.
func TestAWaitEndsWithWhatEndsIt(t *testing.T) {
	for name, end := range map[string]func(k *bench, p gpio.PinIO) error{
		"Halt": func(_ *bench, p gpio.PinIO) error { return p.Halt() },
		"In":   func(_ *bench, p gpio.PinIO) error { return p.In(gpio.PullUp, gpio.NoEdge) },
		"a lost line": func(k *bench, p gpio.PinIO) error {
			k.line(27).lose()
			return nil
		},
		"Close": func(_ *bench, p gpio.PinIO) error { return p.(*pin).close() },
	} {
		k, p := armed(t)
		k.line(27).move(1)
		waiting, ended := make(chan bool), make(chan bool)
		go func() {
			for p.WaitForEdge(-1) {
				close(waiting) // it took the one edge, and goes on to wait
			}
			close(ended)
		}()
		<-waiting
		if err := end(k, p); err != nil {
			t.Fatal(err)
		}
		<-ended
		if p.WaitForEdge(-1) {
			t.Errorf("%s: a wait after it answers an edge", name)
		}
	}
}

func TestALostLineIsAnErrorAndNeverSilence(t *testing.T) {
	k, p := armed(t)
	k.line(27).lose()
	if p.WaitForEdge(-1) {
		t.Error("a lost line has an edge")
	}
	for range 2 {
		if err := p.In(gpio.PullUp, gpio.FallingEdge); err == nil ||
			!strings.Contains(err.Error(), "line 27 of gpiochip0 is gone: check the chip's connection") {
			t.Errorf("In of a lost line answers %v", err)
		}
	}
	k = newBench(t, pi())
	out := pinOf(t, k, "GPIO17")
	if err := out.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	k.line(17).lose()
	for _, level := range []gpio.Level{gpio.High, gpio.Low} {
		if err := out.Out(level); err == nil || !strings.Contains(err.Error(), "is gone") {
			t.Errorf("Out(%s) of a lost line answers %v", level, err)
		}
	}
	if out.Read() != gpio.Low {
		t.Error("a lost line does not read as it did last")
	}
}

func TestALineIsAnInputOrAnOutputForGood(t *testing.T) {
	_, in := armed(t)
	if err := in.Out(gpio.Low); err == nil || !strings.Contains(err.Error(), "never driven") {
		t.Errorf("driving an input answers %v", err)
	}
	out := pinOf(t, newBench(t, pi()), "GPIO17")
	if err := out.Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	if err := out.In(gpio.PullUp, gpio.NoEdge); err == nil || !strings.Contains(err.Error(), "is an output") {
		t.Errorf("reading an output's edges answers %v", err)
	}
	if err := out.Halt(); err != nil || out.Read() != gpio.Low {
		t.Errorf("Halt left an output %s, %v", out.Read(), err)
	}
	debounced := pinOf(t, newBench(t, pi()), "GPIO17", Wire{Pin: "GPIO17", Debounce: time.Millisecond})
	if err := debounced.Out(gpio.Low); err == nil || !strings.Contains(err.Error(), "debounce away") {
		t.Errorf("an output with debounce answers %v", err)
	}
}

// TestAnEdgeCountsWhenItsLevelHasStood: with a debounce of 1 ms, in the kernel's times, whoever reads them when.
func TestAnEdgeCountsWhenItsLevelHasStood(t *testing.T) {
	const us = time.Microsecond
	type edge struct {
		at    time.Duration
		level gpio.Level
	}
	const low, high = gpio.Low, gpio.High
	for name, c := range map[string]struct {
		wanted gpio.Edge
		edges  []edge
		now    time.Duration
		want   int
	}{
		"a product of 5 ms":    {gpio.FallingEdge, []edge{{0, low}, {5000 * us, high}}, 5000 * us, 1},
		"one of just the time": {gpio.FallingEdge, []edge{{0, low}, {1000 * us, high}}, 1000 * us, 1},
		"a spike":              {gpio.FallingEdge, []edge{{0, low}, {999 * us, high}}, time.Hour, 0},
		"many spikes": {gpio.FallingEdge,
			[]edge{{0, low}, {900 * us, high}, {950 * us, low}, {1900 * us, high}}, time.Hour, 0},
		"spikes and a product": {gpio.FallingEdge,
			[]edge{{0, low}, {90 * us, high}, {100 * us, low}, {2000 * us, high}}, time.Hour, 1},
		"a level that stands":     {gpio.FallingEdge, []edge{{0, low}}, 1000 * us, 1},
		"a level that stands yet": {gpio.FallingEdge, []edge{{0, low}}, 999 * us, 0},
		"both ends":               {gpio.BothEdges, []edge{{0, low}, {5000 * us, high}}, time.Hour, 2},
		"the other end":           {gpio.RisingEdge, []edge{{0, low}, {5000 * us, high}}, time.Hour, 1},
		"a product that spikes": {gpio.BothEdges,
			[]edge{{0, low}, {2000 * us, high}, {2100 * us, low}, {9000 * us, high}}, time.Hour, 2},
		"an edge to where it is": {gpio.FallingEdge, []edge{{0, high}, {3000 * us, high}}, time.Hour, 0},
		"two products": {gpio.FallingEdge,
			[]edge{{0, low}, {5000 * us, high}, {9000 * us, low}, {14000 * us, high}}, time.Hour, 2},
		"two without an end between": {gpio.FallingEdge, []edge{{0, low}, {5000 * us, low}}, time.Hour, 1},
	} {
		k := newBench(t, pi())
		p := pinOf(t, k, "GPIO27", Wire{Pin: "GPIO27", Debounce: time.Millisecond})
		if err := p.In(gpio.PullUp, c.wanted); err != nil {
			t.Fatal(err)
		}
		l := k.line(27)
		for _, e := range c.edges {
			l.edge(bool(e.level), e.at)
		}
		l.it(c.now)
		got := 0
		for p.WaitForEdge(0) {
			got++
		}
		if got != c.want {
			t.Errorf("%s: %d edges, want %d", name, got, c.want)
		}
	}
}

// TestAWaitOutlastsTheDebounce: the level stands for its time while somebody waits.
func TestAWaitOutlastsTheDebounce(t *testing.T) {
	k := newBench(t, pi())
	p := pinOf(t, k, "GPIO27", Wire{Pin: "GPIO27", Debounce: DebounceMax})
	if err := p.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		t.Fatal(err)
	}
	l := k.line(27)
	l.edge(false, 0)
	if p.WaitForEdge(time.Millisecond) {
		t.Error("a level counts before its time")
	}
	l.it(DebounceMax - 1)
	ended := make(chan bool)
	go func() { ended <- p.WaitForEdge(-1) }()
	l.it(DebounceMax)
	if !<-ended {
		t.Error("a level that stands is no edge")
	}
}
