package board

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
	"kioskd/hw/vend/vendtest"
	"kioskd/internal/reason"
)

const (
	motor = 0x010C // both bytes count
	maxOn = 2 * time.Second
)

// machine is a simulated machine behind a board, and the line to it.
type machine struct {
	t     *testing.T
	front *simboard.Board
	board *vendtest.MotorBoard
	line  *Line
	slot  *Slot

	mu     sync.Mutex
	plug   bool    // a cable is there to be opened
	tap    *tap    // is put on the next cable; nil: none
	states []error // what State was told
}

// newMachine has a spiral A1 behind motor number 268, and no cable.
func newMachine(t *testing.T, physics simboard.Physics) *machine {
	front, err := simboard.New(simboard.Wiring{Slots: []simboard.Slot{{ID: "A1", Relay: "RELAY", Drop: "DROP"}}},
		physics)
	if err != nil {
		t.Fatal(err)
	}
	pin := func(name string) gpio.PinIO {
		p, err := front.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m := &machine{t: t, front: front, plug: true}
	m.board = vendtest.NewMotorBoard(map[int]vendtest.Spiral{motor: {Motor: pin("RELAY"), Drop: pin("DROP")}}, maxOn)
	m.line = &Line{Resends: ResendsDefault, Open: m.open, State: func(err error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.states = append(m.states, err)
	}}
	m.slot = &Slot{Line: m.line, Motor: motor, MaxOn: maxOn}
	return m
}

func (m *machine) open() (io.ReadWriteCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.plug {
		return nil, errors.New("not plugged in")
	}
	near, far := net.Pipe()
	m.board.Plug(far)
	if m.tap != nil {
		m.tap.ReadWriteCloser = near
		return m.tap, nil
	}
	return near, nil
}

// pull pulls the cable for some time.
func (m *machine) pull(d time.Duration) {
	m.mu.Lock()
	m.plug = false
	m.mu.Unlock()
	m.board.Unplug()
	time.AfterFunc(d, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.plug = true
	})
}

// inMachine runs a test on virtual time, with the board polling and its first two seconds over.
func inMachine(t *testing.T, test func(t *testing.T, m *machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, simboard.Physics{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		all.Go(func() { m.board.Run(ctx) })
		all.Go(func() { m.line.Run(ctx) })
		time.Sleep(3 * time.Second)
		test(t, m)
	})
}

// sees checks a result, what the machine did for it, and that it came within the slot's own terms.
func (m *machine) sees(outcome vend.Outcome, why reason.Why, pulses, dropped int) {
	m.t.Helper()
	began := time.Now()
	r := m.slot.Vend(m.t.Context())
	took := time.Since(began)
	if r.Outcome != outcome || r.Why != why {
		m.t.Errorf("the vend ended %q %q (%v), want %q %q", r.Outcome, r.Why, r.Err, outcome, why)
	}
	if longest := m.slot.Terms().Longest; took > longest {
		m.t.Errorf("the vend took %v, and at most %v was said", took, longest)
	}
	time.Sleep(5 * time.Second) // whatever moves has come to rest
	snap, _ := m.front.Snapshot()
	if got, want := snap.Slots[0], (simboard.SlotState{Slot: "A1", Pulses: pulses, Dropped: dropped}); got != want {
		m.t.Errorf("the machine did %+v, want %+v", got, want)
	}
}

func (m *machine) breaks(fault string) {
	if err := m.front.Fault("A1", fault); err != nil {
		m.t.Fatal(err)
	}
}

func TestAProductThatTheBoardSawFallIsDelivered(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		for n := 1; n <= 300; n++ { // the packet number goes round
			m.sees(vend.Delivered, "", n, n)
		}
	})
}

func TestTheBoardsWordsMeanWhatTheySay(t *testing.T) {
	for name, c := range map[string]struct {
		word             int
		outcome          vend.Outcome
		why              reason.Why
		starts, products int
	}{
		"the motor does not stop": {vendtest.Unstopped, vend.Unknown, vend.WhyMotorFault, 1, 1},
		"there is no such motor":  {vendtest.NoMotor, vend.NotDelivered, vend.WhyNoMotor, 0, 0},
		"ended":                   {vendtest.Ended, vend.NotDelivered, vend.WhyEnded, 0, 0},
		"a word nobody knows":     {0x17, vend.Unknown, vend.WhyMotorFault, 1, 1},
		"zero":                    {0x00, vend.Unknown, vend.WhyMotorFault, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, func(t *testing.T, m *machine) {
				m.board.Say(c.word)
				m.sees(c.outcome, c.why, c.starts, c.products)
			})
		})
	}
}

func TestWhatTheSpiralDoesIsSaid(t *testing.T) {
	for fault, c := range map[string]struct {
		outcome          vend.Outcome
		why              reason.Why
		starts, products int
	}{
		simboard.FaultJam:         {vend.NotDelivered, vend.WhyJam, 1, 0},
		simboard.FaultLateDrop:    {vend.Delivered, "", 1, 1},
		simboard.FaultBounce:      {vend.Delivered, "", 1, 1},
		simboard.FaultStuckSensor: {vend.NotDelivered, vend.WhyRefused, 0, 0},
	} {
		t.Run(fault, func(t *testing.T) {
			inMachine(t, func(t *testing.T, m *machine) {
				m.breaks(fault)
				m.sees(c.outcome, c.why, c.starts, c.products)
			})
		})
	}
}

func TestAMotorThatTheBoardDoesNotKnowIsNotStarted(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.slot.Motor = 7
		m.sees(vend.NotDelivered, vend.WhyNoMotor, 0, 0)
	})
}

func TestABadLineCostsNoProductAndNoMoney(t *testing.T) {
	for _, trouble := range vendtest.Troubles() {
		for frames := 1; frames <= 4; frames++ {
			inMachine(t, func(t *testing.T, m *machine) {
				for after := range 14 { // at every moment of a vend, in steps of half a poll
					time.AfterFunc(time.Duration(after)*100*time.Millisecond+time.Millisecond,
						func() { m.board.Trouble(trouble, frames) })
					m.sees(vend.Delivered, "", after+1, after+1)
				}
			})
		}
	}
}

func TestAVendCommandIsRepeatedUnderItsNumberAndStartsOneMotor(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Terse = true
		m.board.LoseAcks(ResendsDefault)
		m.breaks(simboard.FaultLateDrop) // so that it takes long enough
		m.sees(vend.Delivered, "", 1, 1)
		if n := m.board.Commands(); n != 1+ResendsDefault {
			t.Errorf("the command arrived %d times, want %d", n, 1+ResendsDefault)
		}
	})
}

func TestAnUnacknowledgedCommandIsRepeatedSoOftenAndNoMore(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Terse = true
		m.board.LoseAcks(1000)
		m.breaks(simboard.FaultLateDrop)
		m.line.Resends = 2
		m.sees(vend.Delivered, "", 1, 1) // for the board says so
		if n := m.board.Commands(); n != 3 {
			t.Errorf("the command arrived %d times, want 3", n)
		}
	})
}

// sending says whether a vend command waits for its poll.
func (l *Line) sending() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.job != nil && l.job.frame.cmd == dispense
}

func TestWithoutResendsALostCommandIsUnknown(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.line.Resends = 0
		go func() {
			for !m.line.sending() {
				time.Sleep(997 * time.Microsecond)
			}
			m.board.Trouble(vendtest.Deaf, 1)
		}()
		time.Sleep(73 * time.Millisecond) // between two polls, or the command is on its way before the board is deaf
		m.sees(vend.Unknown, vend.WhyNoBoard, 0, 0)
	})
}

func TestABoardThatIsLostInMidTurnLeavesTheItemUnknownUnlessItRemembers(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(m *machine)
		outcome vend.Outcome
		why     reason.Why
		dropped int
	}{
		"the cable is pulled for long": {func(m *machine) { m.pull(time.Minute) }, vend.Unknown, vend.WhyNoBoard, 1},
		"the cable is touched":         {func(m *machine) { m.pull(300 * time.Millisecond) }, vend.Delivered, "", 1},
		"the board falls silent": {func(m *machine) { m.board.Mute(time.Minute) }, vend.Unknown, vend.WhyNoBoard,
			1},
		"the board speaks again": {func(m *machine) { m.board.Mute(3 * time.Second) }, vend.Delivered, "", 1},
		"the board begins anew":  {func(m *machine) { m.board.Reset() }, vend.Unknown, vend.WhyNoBoard, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, func(t *testing.T, m *machine) {
				go func() {
					for m.board.Commands() == 0 {
						time.Sleep(10 * time.Millisecond)
					}
					time.Sleep(300 * time.Millisecond)
					c.trouble(m)
				}()
				m.sees(c.outcome, c.why, 1, c.dropped)
				if n := m.board.Commands(); n != 1 {
					t.Errorf("the command arrived %d times", n)
				}
			})
		})
	}
}

func TestABoardThatBeganAnewIsNotSentTheSameCommandAgain(t *testing.T) {
	for name, forget := range map[string]func(m *machine){
		"after a pause": func(m *machine) { m.board.Reset() },
		"with a new cable": func(m *machine) {
			m.pull(time.Millisecond)
			m.board.Reset()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, func(t *testing.T, m *machine) {
				m.board.Terse = true
				m.board.LoseAcks(1)
				go func() {
					for m.board.Commands() == 0 {
						time.Sleep(time.Millisecond)
					}
					synctest.Wait() // the motor has just started
					forget(m)
				}()
				m.sees(vend.Unknown, vend.WhyNoBoard, 1, 0)
				if n := m.board.Commands(); n != 1 {
					t.Errorf("the command arrived %d times", n)
				}
			})
		})
	}
}

func TestAStatusCountsOnceAndForItsMotor(t *testing.T) {
	l := &Line{}
	vends := func() *job {
		j := l.begin(dispense, status, 12, 1, 0)
		j.sends = 1
		return j
	}
	told := func(j *job) bool {
		select {
		case <-j.done:
			return true
		default:
			return false
		}
	}
	success := frame{status, []byte{9, dispensed, 0, 12}}
	first := vends()
	if l.learn(success); !told(first) {
		t.Error("the success was not taken")
	}
	l.end(first)
	second := vends()
	if l.learn(success); told(second) {
		t.Error("the same success counts for the next vend")
	}
	if l.learn(frame{status, []byte{10, dispensed, 0, 13}}); told(second) {
		t.Error("another motor's success counts")
	}
	if l.learn(frame{status, []byte{11, dispensed, 0}}); told(second) {
		t.Error("a success of no motor counts")
	}
	if l.learn(frame{status, []byte{12, dispensed, 0, 12}}); !told(second) {
		t.Error("the second success was not taken")
	}
}

func TestABoardThatIsNotThereStartsNothing(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.pull(time.Hour)
		time.Sleep(time.Second)
		m.sees(vend.NotDelivered, vend.WhyNoBoard, 0, 0)
	})
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Mute(time.Hour)
		m.sees(vend.NotDelivered, vend.WhyNoBoard, 0, 0)
	})
	inMachine(t, func(t *testing.T, m *machine) { // it is asked, and goes away before it can be sent the command
		go func() {
			for !m.line.sending() {
				time.Sleep(time.Millisecond)
			}
			m.pull(time.Hour)
		}()
		m.sees(vend.NotDelivered, vend.WhyNoBoard, 0, 0)
	})
}

func TestAStopBeforeTheCommandMovesNothingAndAfterItWaitsForTheBoard(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r := m.slot.Vend(ctx); r.Outcome != vend.NotDelivered || r.Why != vend.WhyStopped {
			t.Errorf("the vend ended %+v", r)
		}
		time.Sleep(5 * time.Second)
		if n := m.board.Commands(); n != 0 {
			t.Errorf("%d commands arrived", n)
		}
	})
	inMachine(t, func(t *testing.T, m *machine) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for m.board.Commands() == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		if r := m.slot.Vend(ctx); r.Outcome != vend.Delivered {
			t.Errorf("the vend ended %+v, want what the board said", r)
		}
	})
}

func TestOneVendOfABoardIsOnAtATime(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		first := make(chan vend.Result, 1)
		go func() { first <- m.slot.Vend(t.Context()) }()
		time.Sleep(time.Millisecond)
		other := &Slot{Line: m.line, Motor: 7, MaxOn: maxOn}
		if r := other.Vend(t.Context()); r.Outcome != vend.NotDelivered || r.Why != vend.WhyBusy {
			t.Errorf("a second vend ended %+v", r)
		}
		if r := <-first; r.Outcome != vend.Delivered {
			t.Errorf("the first ended %+v", r)
		}
	})
}

func TestANewProgramGetsPastTheNumberThatTheBoardKnows(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.sees(vend.Delivered, "", 1, 1)
		m.line.mu.Lock()
		m.line.number = 1 // so that the first question has the number of the board's last command
		m.line.number--
		m.line.mu.Unlock()
		m.sees(vend.Delivered, "", 2, 2)
		m.line.mu.Lock()
		m.line.number = m.line.number - 1
		m.line.mu.Unlock()
		m.sees(vend.Delivered, "", 3, 3)
	})
}

func TestTheStateOfTheLineIsToldWhenItChanges(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Mute(time.Minute)
		time.Sleep(2 * time.Minute)
		m.mu.Lock()
		defer m.mu.Unlock()
		// The board's first word may come at the very moment at which a line is given up.
		if n := len(m.states); n != 3 && n != 5 || m.states[n-1] != nil {
			t.Fatalf("told %v, want there, silent, there", m.states)
		}
		for n, err := range m.states {
			if (err == nil) != (n%2 == 0) || err != nil && !errors.Is(err, errSilent) {
				t.Errorf("told %v, want there and silent by turns", m.states)
			}
		}
	})
}

func TestASlotThatCannotBeTrustedIsRefused(t *testing.T) {
	line := &Line{Open: func() (io.ReadWriteCloser, error) { return nil, io.EOF }}
	for name, s := range map[string]*Slot{
		"no line":        {Motor: 1, MaxOn: maxOn},
		"no device":      {Line: &Line{}, Motor: 1, MaxOn: maxOn},
		"many resends":   {Line: &Line{Open: line.Open, Resends: ResendsMax + 1}, MaxOn: maxOn},
		"few resends":    {Line: &Line{Open: line.Open, Resends: -1}, MaxOn: maxOn},
		"negative motor": {Line: line, Motor: -1, MaxOn: maxOn},
		"big motor":      {Line: line, Motor: MotorMax + 1, MaxOn: maxOn},
		"no maximum":     {Line: line, Motor: 1},
		"big maximum":    {Line: line, Motor: 1, MaxOn: vend.OnMax + 1},
	} {
		if r := s.Vend(t.Context()); r.Outcome != vend.NotDelivered || r.Why != vend.WhySetup || r.Err == nil {
			t.Errorf("%s: the vend ended %+v, want %q and a reason", name, r, vend.WhySetup)
		}
	}
}
