package world

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	wires "kioskd/hw/wire"
	"kioskd/internal/config"
	"kioskd/internal/hardware"
	"kioskd/internal/journal"
	"kioskd/internal/simulated"
)

// A world in which a vending machine on an MDB bus chooses and delivers: its motors are not the kiosk's, and go on when
// that dies.

const (
	// thriceLost: three lines in a row leave no trace. When they are a success, the end of its delivery and the next
	// request, the cancel of that request is all that is heard, as after an approval that was lost; no rule can tell
	// the two apart.
	thriceLost = "three lines lost"
	busTrouble = "mdb trouble" // something is wrong with the machine, its bridge or their line
	spiralOn   = 2 * time.Second
	spiralLate = 2 * time.Second // the machine waits so long for a product that hangs
)

// atMachine are the machine's numbers and prices, which are not all the config's.
var (
	numbersAt = map[string]int{"A1": 10, "A2": 22}
	pricesAt  = map[string]string{"A1": "16.00", "A2": "22.50"}
)

// vendingMachine is that machine.
type vendingMachine struct {
	*mdbtest.Machine
	world *world

	mu   sync.Mutex
	gate *gate           // of the run that speaks to it, or was the last to
	lied map[string]bool // it said that something came out which did not
	end  func()          // ends the time of its troubles; nil: there were none
}

// wiring is the simulated board of the world: the kiosk's, or the machine's own.
func (w *world) wiring() simboard.Wiring {
	wiring := simulated.Wiring(w.cfg)
	for n, s := range w.cfg.Slots {
		switch s.Vend.(type) {
		case mdb.Config:
			wiring.Slots[n].Relay, wiring.Slots[n].Drop = "MOTOR-"+s.ID, "DROP-"+s.ID
		case board.Config:
			wiring.Slots[n].Relay, wiring.Slots[n].Drop = spiralPins(s.ID)
		case lockboard.Config:
			wiring.Slots[n].Relay, wiring.Slots[n].Opened = lockPins(s.ID)
		}
	}
	return wiring
}

// newMachine is nil for a world whose kiosk drives the motors itself.
func newMachine(w *world) *vendingMachine {
	if !w.cfg.Slots[0].AtMachine {
		return nil
	}
	r := w.numbers("mdb machine")
	m := &vendingMachine{world: w, lied: map[string]bool{}}
	m.Machine = &mdbtest.Machine{
		Products: map[int]mdbtest.Product{}, Multi: r.IntN(2) == 0, End: []string{"\r\n", "\n", "\r"}[r.IntN(3)],
		Log:      func(line string) { w.diary.note("bus: %s", line) },
		Complain: func(what string) { w.referee.violated("the machine complains: %s", what) },
	}
	for slot, number := range numbersAt {
		m.Products[number] = mdbtest.Product{Price: pricesAt[slot],
			Deliver: mdbtest.Spiral(spiral{m, slot}, spiral{m, slot}, spiralOn, spiralLate)}
	}
	return m
}

var errSticks = errors.New("sim: the sensor sticks")

// spiral is one of its motors, and the sensor under it.
type spiral struct {
	machine *vendingMachine
	slot    string
}

func (s spiral) pin(name string) gpio.PinIO {
	p, err := s.machine.world.board.Pin(name + "-" + s.slot)
	if err != nil {
		panic(err) // the board was built with it
	}
	return p
}

// Set implements mdbtest.Out.
func (s spiral) Set(on bool) error {
	err := s.pin("MOTOR").Out(gpio.Level(on))
	if on {
		s.machine.mu.Lock()
		g := s.machine.gate
		s.machine.mu.Unlock()
		s.machine.world.referee.started(s.slot, g)
	}
	return err
}

// Arm implements mdbtest.In: with a sensor that sticks the machine would turn and turn.
func (s spiral) Arm() error {
	if err := s.pin("DROP").In(gpio.PullUp, gpio.FallingEdge); err != nil {
		return err
	}
	if s.pin("DROP").Read() == gpio.Low {
		return errSticks
	}
	return nil
}

// Wait implements mdbtest.In.
func (s spiral) Wait(most time.Duration) bool { return s.pin("DROP").WaitForEdge(most) }

// pressed is a key of the machine's front.
func (m *vendingMachine) pressed(slot string) {
	if !m.Press(numbersAt[slot]) {
		m.world.diary.note("the machine takes no choice: it is %q", m.Status())
	}
}

// serial is a run's way to the machine, or to the motor board.
func (w *world) serial(g *gate) hardware.Serial {
	if w.machine == nil {
		return func(device string, _ int) (io.ReadWriteCloser, error) {
			if device == "locks" {
				return w.locks.open(g)
			}
			return w.motors.open(g)
		}
	}
	return func(string, int) (io.ReadWriteCloser, error) {
		if !g.alive() {
			return nil, errDead
		}
		line, err := w.machine.Open()
		if err != nil {
			return nil, err
		}
		w.machine.mu.Lock()
		w.machine.gate = g
		w.machine.mu.Unlock()
		if w.o.Line != nil {
			line = w.o.Line(line)
		}
		return newCable(line, g), nil
	}
}

// cable is a serial line that a kill takes away.
type cable struct {
	io.ReadWriteCloser
	gate   *gate
	once   sync.Once
	closed chan struct{}
}

func newCable(line io.ReadWriteCloser, g *gate) *cable {
	c := &cable{ReadWriteCloser: line, gate: g, closed: make(chan struct{})}
	go func() {
		select {
		case <-g.killed:
		case <-c.closed:
		}
		_ = line.Close() // a pipe's always works
	}()
	return c
}

// Write is an act to die at. An approval is the moment at which a motor would start.
func (c *cable) Write(b []byte) (n int, err error) {
	if !c.gate.act("write", func() {
		n, err = c.ReadWriteCloser.Write(b)
		if len(b) > 7 && string(b[:7]) == "C,VEND," && b[7] != '-' {
			c.gate.turns()
		}
	}) {
		return 0, errDead
	}
	return n, err
}

func (c *cable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// troubleOnTheBus happens to the machine, the bridge and their line, for some time that the customers may well meet.
func (w *world) troubleOnTheBus(visit string) {
	if w.machine == nil {
		return
	}
	troubles := []mdbtest.Trouble{mdbtest.CancelFirst, mdbtest.Deaf, mdbtest.DeafSilent, mdbtest.ResetBefore,
		mdbtest.ResetAfter, mdbtest.Late,
		mdbtest.NoAnswer, mdbtest.Fail, mdbtest.Liar, mdbtest.UnplugBefore, mdbtest.UnplugForAWhile}
	if r, yes := w.maybe(40, visit+"/machine breaks"); yes {
		t := troubles[r.IntN(len(troubles))]
		w.onTheBus(seconds(r, 30), string(t), func() {
			if t == mdbtest.Liar {
				w.machine.mu.Lock()
				w.machine.lied["A1"], w.machine.lied["A2"] = true, true
				w.machine.mu.Unlock()
			}
			w.machine.Break(t)
		})
	}
	if r, yes := w.maybe(30, visit+"/line noise"); yes {
		noises := make([]mdbtest.Noise, 1+r.IntN(30))
		for n := range noises {
			noises[n] = []mdbtest.Noise{"", "", "", mdbtest.Lose, mdbtest.Garble, mdbtest.Halve, mdbtest.Double,
				mdbtest.Rubbish}[r.IntN(8)]
		}
		w.onTheBus(seconds(r, 40), "noise", func() {
			if strings.Contains(fmt.Sprint(noises), "lose lose lose") {
				w.harm.begin(thriceLost)
			}
			w.machine.Spoil(noises...)
		})
	}
	for _, c := range []struct {
		name      string
		chance    int
		harm, end func()
	}{
		{"line unplugged", 15, w.machine.Unplug, w.machine.Plug},
		{"machine disabled", 10, func() { w.machine.Enable(false) }, func() { w.machine.Enable(true) }},
		{"machine resets", 10, w.machine.Reset, func() {}},
		{"bridge without power", 10, w.machine.PowerCycle, func() {}},
	} {
		if r, yes := w.maybe(c.chance, visit+"/"+c.name); yes {
			long := seconds(r, 90)
			w.onTheBus(seconds(r, 40), c.name, func() {
				c.harm()
				time.Sleep(long)
				c.end()
			})
		}
	}
}

func (w *world) onTheBus(begin time.Duration, kind string, do func()) {
	w.harm.met("mdb " + kind)
	w.people.Go(func() {
		time.Sleep(begin)
		w.diary.note("bus trouble: %s", kind)
		w.machine.mu.Lock()
		if w.machine.end == nil {
			w.machine.end = w.harm.begin(busTrouble) // until all is calm: some troubles wait for a customer
		}
		w.machine.mu.Unlock()
		do()
	})
}

// calmBus is the end of the machine's troubles.
func (w *world) calmBus() {
	m := w.machine
	if m == nil {
		return
	}
	m.Break("")
	m.Spoil()
	m.Plug()
	m.Enable(true)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.end != nil {
		m.end()
		m.end = nil
	}
}

// priced is what a product costs: by the machine that asks for the money.
func (w *world) priced(slot string) string {
	if w.machine != nil {
		return pricesAt[slot]
	}
	return prices[slot]
}

// charges are the outcomes that a customer pays for: a relay's unknown product is not charged, a machine's that fell
// silent is.
func (w *world) charges() []fsm.ItemOutcome {
	if w.machine != nil {
		return []fsm.ItemOutcome{fsm.Delivered, fsm.Unknown}
	}
	return []fsm.ItemOutcome{fsm.Delivered}
}

// lied reports whether the machine may have said that something came out which did not.
func (w *world) lied(slot string) bool {
	if w.machine == nil {
		return false
	}
	w.machine.mu.Lock()
	defer w.machine.mu.Unlock()
	return w.machine.lied[slot]
}

// approvals: the machine was told to deliver at most once for each item that the journal knows.
func (f *referee) approvals(sales []journal.Sale) {
	if f.world.machine == nil {
		return
	}
	items := 0
	for _, s := range sales {
		items += len(s.Items)
	}
	if n, _ := f.world.machine.Counts(); n > items {
		f.violated("%d approvals for %d items", n, items)
	}
}

// relays are the kiosk's own slots.
func relays(cfg config.Config) []config.Slot {
	return slices.DeleteFunc(slices.Clone(cfg.Slots), func(s config.Slot) bool { return relayOf(s) == "" })
}

func relayOf(s config.Slot) string {
	return wires.Find(s.Wires(), s.ID, wires.Motor, wires.Bolt, wires.Latch).Pin
}

// onABus says whether a machine on a bus sells in this world: one in four of those with reservations has one.
func onABus(w *world, o Options) bool {
	_, yes := w.maybe(25, "mdb")
	return o.Flow == string(fsm.Reservation) && (yes && o.Parts == "" && !o.Board && !o.Locks || o.Bus)
}
