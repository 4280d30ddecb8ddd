package kernel

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio"
	"kioskd/hw/gpio/hostpin"
)

// host is a kiosk's pins: the chip to look on, what is wired unusually, and what is used.
type host struct {
	Chip    string
	Wires   []hostpin.Wire
	Outputs []gpio.Output
	Inputs  []string
}

func (h host) open() (*gpio.Pins, error) {
	board, err := hostpin.Open(h.Chip, h.Wires)
	if err != nil {
		return nil, err
	}
	return gpio.Open(board, h.Outputs, h.Inputs...)
}

func open(t *testing.T, h host) *gpio.Pins {
	t.Helper()
	p, err := h.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // a chip that is gone makes it fail
	return p
}

func input(t *testing.T, p *gpio.Pins, name string, edge periph.Edge) periph.PinIn {
	t.Helper()
	in, err := p.Input(name)
	if err == nil {
		err = in.In(periph.PullUp, edge)
	}
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// levels are the changes' levels.
func levels(all []change) (l []int) {
	for _, c := range all {
		l = append(l, c.level)
	}
	return l
}

// TestARelayNeverTwitchesAtTheStart: the first level that the kernel puts on the wire is the one that means off, for
// either kind of relay board, and nothing is put there between.
func TestARelayNeverTwitchesAtTheStart(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	low := true
	c.pull(22, 1)
	c.watch()
	p := open(t, host{Outputs: []gpio.Output{{Pin: "GPIO17", MaxOn: time.Second}, {Pin: "P1_15", MaxOn: time.Second}},
		Wires: []hostpin.Wire{{Pin: "GPIO22", ActiveLow: &low}}})
	if a, b := levels(c.changes(17)), levels(c.changes(22)); !slices.Equal(a, []int{0}) || !slices.Equal(b, []int{1}) {
		t.Errorf("at the start the kernel put %v on an active-high relay's wire and %v on an active-low one's, want "+
			"0 and 1", a, b)
	}
	for name, want := range map[string][]int{"GPIO17": {0, 1, 0}, "P1_15": {1, 0, 1}} {
		out, err := p.Output(name)
		if err == nil {
			err = errors.Join(out.Out(periph.High), out.Out(periph.Low))
		}
		if err != nil {
			t.Fatal(err)
		}
		line := map[string]int{"GPIO17": 17, "P1_15": 22}[name]
		if got := levels(c.changes(line)); !slices.Equal(got, want) {
			t.Errorf("%s: the wire had %v, want %v", name, got, want)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	// A second start, as after a crash: the relay is off and is only told so again.
	open(t, host{Outputs: []gpio.Output{{Pin: "GPIO22", MaxOn: time.Second}},
		Wires: []hostpin.Wire{{Pin: "GPIO22", ActiveLow: &low}}})
	if got := levels(c.changes(22)); slices.Contains(got[3:], 0) {
		t.Errorf("the second start put %v on the wire", got[3:])
	}
}

// TestTheLimitHoldsOnTheWire: the on-time of an output that nobody switches off, as the kernel saw it.
func TestTheLimitHoldsOnTheWire(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	c.watch()
	// on an emulated processor; a Raspberry Pi needs a few ms
	const limit, late = 300 * time.Millisecond, 100 * time.Millisecond
	out, err := open(t, host{Outputs: []gpio.Output{{Pin: "GPIO17", MaxOn: limit}}}).Output("GPIO17")
	if err == nil {
		err = out.Out(periph.High)
	}
	if err != nil {
		t.Fatal(err)
	}
	for len(c.changes(17)) < 3 {
		time.Sleep(time.Millisecond) // the trace cannot be waited for
	}
	all := c.changes(17)
	on := all[2].at - all[1].at
	t.Logf("a limit of %s was %s on the wire", limit, on)
	// The limit's timer starts before the line goes High: it may be on for a little less, as long as the write takes.
	if !slices.Equal(levels(all), []int{0, 1, 0}) || on < limit-late || on > limit+late {
		t.Errorf("the wire had %v", all)
	}
}

// TestEdgesThatNobodyReadsAreKept: the kernel keeps 16 of a line unless it is asked for more.
func TestEdgesThatNobodyReadsAreKept(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	in := input(t, open(t, host{Inputs: []string{"GPIO27"}}), "GPIO27", periph.BothEdges)
	c.watch()
	const pulses = 60
	for p := range pulses {
		c.pull(27, 0)
		c.seen(27, 2*p+1)
		c.pull(27, 1)
		c.seen(27, 2*p+2)
	}
	n := 0
	for in.WaitForEdge(0) {
		n++
	}
	if n != 2*pulses || in.Read() != periph.High {
		t.Errorf("of %d edges %d were there", 2*pulses, n)
	}
}

// TestAPulseIsAnEdgeHoweverShort: it is over long before anybody can look at the level.
func TestAPulseIsAnEdgeHoweverShort(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	in := input(t, open(t, host{Inputs: []string{"GPIO27"}}), "GPIO27", periph.FallingEdge)
	began := mono(t)
	c.pull(27, 0)
	c.pull(27, 1)
	t.Logf("a pulse of at most %s", mono(t)-began)
	if !in.WaitForEdge(time.Minute) || in.WaitForEdge(0) {
		t.Error("one pulse is not one edge")
	}
}

// TestDebounceLeavesOneEdgeOfABouncingContact: of a debounced line the kernel reports what stood.
func TestDebounceLeavesOneEdgeOfABouncingContact(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	p := open(t, host{Inputs: []string{"GPIO27"},
		Wires: []hostpin.Wire{{Pin: "P1_13", Debounce: 50 * time.Millisecond}}})
	in := input(t, p, "GPIO27", periph.BothEdges)
	for range 20 {
		c.pull(27, 0)
		c.pull(27, 1)
	}
	c.pull(27, 0)
	if !in.WaitForEdge(time.Minute) || in.Read() != periph.Low {
		t.Fatal("a contact that stands is not seen")
	}
	for range 20 {
		c.pull(27, 1)
		c.pull(27, 0)
	}
	c.pull(27, 1)
	if !in.WaitForEdge(time.Minute) || in.Read() != periph.High || in.WaitForEdge(0) {
		t.Error("a contact that bounced is not one edge")
	}
}

// TestAContactToPowerReadsAsAnyOther: an input that is active high is inverted by the kernel, edges included.
func TestAContactToPowerReadsAsAnyOther(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	no := false
	in := input(t, open(t, host{Inputs: []string{"GPIO5"}, Wires: []hostpin.Wire{{Pin: "GPIO5", ActiveLow: &no}}}),
		"GPIO5", periph.FallingEdge)
	if in.Read() != periph.High || c.level(5) != 0 {
		t.Errorf("an open contact reads %s with %d on the wire, want High with 0", in.Read(), c.level(5))
	}
	c.pull(5, 1)
	if !in.WaitForEdge(time.Minute) || in.Read() != periph.Low {
		t.Errorf("a contact that is made reads %s", in.Read())
	}
}

// TestWhatCannotBeHadNamesThePinAndTheRemedy: busy, missing, twice, not allowed.
func TestWhatCannotBeHadNamesThePinAndTheRemedy(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	out := func(names ...string) (all []gpio.Output) {
		for _, n := range names {
			all = append(all, gpio.Output{Pin: n, MaxOn: time.Second})
		}
		return all
	}
	c.watch()
	open(t, host{Outputs: out("GPIO17")})
	for name, try := range map[string]struct {
		config host
		want   []string
	}{
		"busy output": {host{Outputs: out("P1_11", "GPIO22")},
			[]string{"P1_11", "line 17 of " + c.name, `in use by "kioskd"`, "systemctl stop kioskd", "another pin"}},
		"busy input": {host{Inputs: []string{"GPIO17"}}, []string{"GPIO17", "line 17 of " + c.name, "in use by"}},
		"missing": {host{Inputs: []string{"MOTOR"}},
			[]string{"MOTOR", "gpioinfo", c.name, "pinctrl-bcm2835", "28 lines"}},
		"twice": {host{Outputs: out("GPIO2", "SDA1")},
			[]string{"GPIO2", "SDA1", "line 2 of " + c.name, "pin of its own"}},
		"no chip": {host{Chip: "gpiochip9", Inputs: []string{"GPIO5"}},
			[]string{"gpiochip9", c.name, "leave it out"}},
	} {
		p, err := try.config.open()
		if err == nil {
			_ = p.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		t.Logf("%s: %v", name, err)
		for _, want := range try.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not say %q: %v", name, want, err)
			}
		}
	}
	if got := levels(c.changes(22)); !slices.Equal(got, []int{0}) {
		t.Errorf("beside an output that is busy another was given %v: it must be off all the same", got)
	}
}

// TestALostChipEndsEveryWait: on this kernel nobody is told when a chip goes away; a wait finds out by itself.
func TestALostChipEndsEveryWait(t *testing.T) {
	c := newChip(t, "pinctrl-bcm2835", header()...)
	p := open(t, host{Outputs: []gpio.Output{{Pin: "GPIO17", MaxOn: 30 * time.Second}},
		Inputs: []string{"GPIO27", "GPIO5"}})
	in, relay := input(t, p, "GPIO27", periph.FallingEdge),
		func() periph.PinOut { o, _ := p.Output("GPIO17"); return o }()
	if err := relay.Out(periph.High); err != nil {
		t.Fatal(err)
	}
	watched := make(chan error, 1)
	door, err := p.Input("GPIO5")
	if err != nil {
		t.Fatal(err)
	}
	go func() { watched <- gpio.Watch(t.Context(), door, 20*time.Millisecond, func(periph.Level) {}) }()
	waited := make(chan bool, 1)
	go func() { waited <- in.WaitForEdge(-1) }()
	time.Sleep(300 * time.Millisecond) // nobody can see that they wait by now; before it they find out even more easily
	c.vanish()
	began := time.Now()
	if <-waited {
		t.Error("a chip that is gone has an edge")
	}
	t.Logf("a wait ended %s after the chip", time.Since(began))
	if err := <-watched; err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("a watch of a door on it ended with %v", err)
	}
	for what, err := range map[string]error{"In": in.In(periph.PullUp, periph.FallingEdge),
		"Out": relay.Out(periph.Low)} {
		if err == nil || !strings.Contains(err.Error(), "is gone: check the chip's connection") {
			t.Errorf("%s answers %v", what, err)
		}
	}
	if _, err := (host{Inputs: []string{"GPIO5"}}).open(); err == nil {
		t.Error("a start without the chip is no error")
	}
	before, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // what this is about: a watcher that spins would use all of it
	after, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if used := cpuTicks(t, after) - cpuTicks(t, before); used > 50 { // hundredths of a second
		t.Errorf("in 2 s of doing nothing the program used %d hundredths of a second", used)
	}
}
