package lockboard

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/serialport"
	"kioskd/hw/vend/vendtest"
	"kioskd/internal/reason"
)

const (
	number = 11
	maxOn  = 10 * time.Second
)

// machine is one locker behind a lock board, and the line to it.
type machine struct {
	t     *testing.T
	board *vendtest.LockBoard
	bus   *Bus
	lock  *Lock

	mu       sync.Mutex
	plug     bool
	states   []error
	open     bool
	unlocked int
	customer func() // comes when the door is free; nil: nobody does
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, plug: true}
	m.customer = func() { m.hand(time.Second, 4*time.Second) }
	m.board = vendtest.NewLockBoard(map[int]vendtest.Locker{number: {Unlock: func() {
		m.mu.Lock()
		m.unlocked++
		customer := m.customer
		m.mu.Unlock()
		if customer != nil {
			customer()
		}
	}, Open: func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.open
	}}})
	m.board.Address = 3
	m.bus = &Bus{Speaks: CU16{3, 1, 4}, Open: m.connect, State: func(err error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.states = append(m.states, err)
	}}
	m.lock = &Lock{Bus: m.bus, Number: number, MaxOn: maxOn}
	return m
}

// hand opens the door after a while, and closes it after another.
func (m *machine) hand(opens, closes time.Duration) {
	time.AfterFunc(opens, func() { m.door(true) })
	time.AfterFunc(closes, func() { m.door(false) })
}

func (m *machine) door(open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = open
}

func (m *machine) comes(customer func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.customer = customer
}

func (m *machine) connect() (io.ReadWriteCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.plug {
		return nil, errors.New("not plugged in")
	}
	near, far := net.Pipe()
	m.board.Plug(far)
	return near, nil
}

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

// inMachine runs a test on virtual time, with the board there.
func inMachine(t *testing.T, change func(m *machine), test func(t *testing.T, m *machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		if change != nil {
			change(m)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		all.Go(func() { m.bus.Run(ctx) })
		time.Sleep(time.Second)
		test(t, m)
		m.board.Unplug()
	})
}

// sees checks a result, how often the door was freed for it, and that it came within the lock's own terms.
func (m *machine) sees(outcome vend.Outcome, why reason.Why, unlocked int) {
	m.t.Helper()
	began := time.Now()
	r := m.lock.Vend(m.t.Context())
	took := time.Since(began)
	if r.Outcome != outcome || r.Why != why {
		m.t.Errorf("the vend ended %q %q (%v), want %q %q", r.Outcome, r.Why, r.Err, outcome, why)
	}
	if longest := m.lock.Terms().Longest; took > longest {
		m.t.Errorf("the vend took %v, and at most %v was said", took, longest)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unlocked != unlocked {
		m.t.Errorf("the door was freed %d times, want %d", m.unlocked, unlocked)
	}
}

func TestADoorThatWasOpenedIsDelivered(t *testing.T) {
	for name, change := range map[string]func(m *machine){
		"as usual":        nil,
		"the other bit":   func(m *machine) { m.board.OpenBit, m.bus.Speaks = 0, CU16{3, 0, 4} },
		"two bytes":       func(m *machine) { m.board.Bytes, m.bus.Speaks = 2, CU16{3, 1, 2} },
		"another address": func(m *machine) { m.board.Address, m.bus.Speaks = 15, CU16{15, 1, 4} },
		"at the last": func(m *machine) {
			m.customer = func() { m.hand(maxOn-time.Millisecond, maxOn+time.Second) }
		},
		"for a short while": func(m *machine) { m.customer = func() { m.hand(time.Second, 1500*time.Millisecond) } },
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, change, func(t *testing.T, m *machine) {
				for n := 1; n <= 3; n++ {
					m.sees(vend.Delivered, "", n)
				}
			})
		})
	}
}

func TestADoorThatNobodyOpensIsNotDelivered(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.comes(nil)
		began := time.Now()
		m.sees(vend.NotDelivered, vend.WhyNotOpened, 1)
		if took := time.Since(began); took < maxOn {
			t.Errorf("the customer had %v, want %v", took, maxOn)
		}
	})
}

func TestADoorThatIsLeftOpenIsDeliveredWithAWarning(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.comes(func() { m.hand(time.Second, time.Hour) })
		m.sees(vend.Delivered, vend.WhyLeftOpen, 1)
	})
}

func TestADoorThatStandsOpenIsNotUnlocked(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.door(true)
		m.sees(vend.NotDelivered, vend.WhyStandsOpen, 0)
		if n := m.board.Unlocks(); n != 0 {
			t.Errorf("%d unlocks arrived", n)
		}
	})
}

func TestABoardThatCannotBeAskedUnlocksNothing(t *testing.T) {
	for name, trouble := range map[string]func(m *machine){
		"no cable": func(m *machine) { m.pull(time.Hour) },
		"silence":  func(m *machine) { m.board.Mute(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, nil, func(t *testing.T, m *machine) {
				trouble(m)
				m.sees(vend.NotDelivered, vend.WhyNoBoard, 0)
			})
		})
	}
}

func TestAnotherBoardOnTheLineIsNotOurs(t *testing.T) {
	inMachine(t, func(m *machine) { m.board.Address = 4 }, func(t *testing.T, m *machine) {
		m.sees(vend.NotDelivered, vend.WhyNoBoard, 0)
	})
}

func TestADoorThatCannotBeWatchedAfterTheUnlockIsUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(m *machine)
		outcome vend.Outcome
		why     reason.Why
	}{
		"the board falls silent": {func(m *machine) { m.board.Mute(time.Hour) }, vend.Unknown, vend.WhyNoBoard},
		"the cable is pulled":    {func(m *machine) { m.pull(time.Hour) }, vend.Unknown, vend.WhyNoBoard},
		"nobody sees it for 3 s": {func(m *machine) { m.board.Mute(3 * time.Second) }, vend.Unknown,
			vend.WhyNoBoard},
		"nobody sees it for a moment": {func(m *machine) { m.board.Mute(700 * time.Millisecond) }, vend.NotDelivered,
			vend.WhyNotOpened},
	} {
		t.Run(name, func(t *testing.T) {
			inMachine(t, nil, func(t *testing.T, m *machine) {
				m.comes(func() { time.AfterFunc(2*time.Second, func() { c.trouble(m) }) })
				m.sees(c.outcome, c.why, 1)
			})
		})
	}
	inMachine(t, nil, func(t *testing.T, m *machine) { // it is open when it can be seen again
		m.comes(func() {
			time.AfterFunc(time.Second, func() { m.board.Mute(3 * time.Second) })
			m.hand(2*time.Second, 8*time.Second)
		})
		m.sees(vend.Delivered, "", 1)
	})
}

func TestABadLineCostsNoUnlockTwice(t *testing.T) {
	for _, trouble := range vendtest.Troubles() {
		for frames := 1; frames <= 2; frames++ {
			for after := range 20 {
				inMachine(t, nil, func(t *testing.T, m *machine) {
					time.AfterFunc(time.Duration(after)*77*time.Millisecond,
						func() { m.board.Trouble(trouble, frames) })
					r := m.lock.Vend(t.Context())
					m.mu.Lock()
					defer m.mu.Unlock()
					if r.Outcome == vend.Unknown || (r.Outcome == vend.Delivered) != (m.unlocked == 1) ||
						m.unlocked > 1 {
						t.Errorf("%d × %s after %d: the vend ended %+v, and the door was freed %d times", frames,
							trouble, after, r, m.unlocked)
					}
				})
			}
		}
	}
}

func TestAStopBeforeTheUnlockMovesNothingAndAfterItAHandStillCounts(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r := m.lock.Vend(ctx); r.Outcome != vend.NotDelivered || r.Why != vend.WhyStopped || m.board.Unlocks() != 0 {
			t.Errorf("the vend ended %+v after %d unlocks", r, m.board.Unlocks())
		}
	})
	for opens, want := range map[time.Duration]vend.Outcome{time.Second: vend.Delivered, time.Hour: vend.NotDelivered} {
		inMachine(t, nil, func(t *testing.T, m *machine) {
			ctx, cancel := context.WithCancel(t.Context())
			m.comes(func() {
				cancel()
				m.hand(opens, time.Hour+time.Second)
			})
			began := time.Now()
			if r := m.lock.Vend(ctx); r.Outcome != want {
				t.Errorf("opened after %v the vend ended %+v", opens, r)
			}
			if took := time.Since(began); took > handMax+time.Second {
				t.Errorf("the stop took %v", took)
			}
		})
	}
}

func TestTheStateOfTheLineIsToldWhenItChanges(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.board.Mute(time.Minute)
		time.Sleep(2 * time.Minute)
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.states) != 3 || m.states[0] != nil || !errors.Is(m.states[1], errNoAnswer) || m.states[2] != nil {
			t.Errorf("told %v, want there, silent, there", m.states)
		}
	})
}

func TestALockThatCannotBeTrustedIsRefused(t *testing.T) {
	open := func() (io.ReadWriteCloser, error) { return nil, io.EOF }
	bus := &Bus{Open: open, Speaks: CU16{0, 0, 4}}
	for name, l := range map[string]*Lock{
		"no line":      {Number: 1, MaxOn: maxOn},
		"no device":    {Bus: &Bus{Speaks: CU16{0, 0, 4}}, Number: 1, MaxOn: maxOn},
		"bad address":  {Bus: &Bus{Open: open, Speaks: CU16{16, 0, 4}}, Number: 1, MaxOn: maxOn},
		"bad bit":      {Bus: &Bus{Open: open, Speaks: CU16{0, 2, 4}}, Number: 1, MaxOn: maxOn},
		"bad status":   {Bus: &Bus{Open: open, Speaks: CU16{}}, Number: 1, MaxOn: maxOn},
		"no kind":      {Bus: &Bus{Open: open}, Number: 1, MaxOn: maxOn},
		"lock 0":       {Bus: bus, MaxOn: maxOn},
		"lock 17":      {Bus: bus, Number: 17, MaxOn: maxOn},
		"no time":      {Bus: bus, Number: 1},
		"much time":    {Bus: bus, Number: 1, MaxOn: vend.OnMax + 1},
		"close before": {Bus: bus, Number: 1, MaxOn: maxOn, Close: -1},
		"close late":   {Bus: bus, Number: 1, MaxOn: maxOn, Close: vend.CloseMax + 1},
	} {
		if r := l.Vend(t.Context()); r.Outcome != vend.NotDelivered || r.Why != vend.WhySetup || r.Err == nil {
			t.Errorf("%s: the vend ended %+v, want %q and a reason", name, r, vend.WhySetup)
		}
	}
}

func TestCommandsAreTheProtocols(t *testing.T) {
	for want, got := range map[string][]byte{
		"\x02\x00\x30\x03\x35": command(0, 0, askStatus),
		"\x02\x00\x31\x03\x36": command(0, 0, unlock),
		"\x02\x0F\x31\x03\x45": command(0, 15, unlock),
		"\x02\x1A\x31\x03\x50": command(1, 10, unlock),
	} {
		if string(got) != want {
			t.Errorf("%x, want %x", got, want)
		}
	}
}

func TestADamagedStatusIsNone(t *testing.T) {
	const answer = "\x02\x30\x35\x00\x04\x00\x00\x03\x6E"
	d := decoder{address: 3, size: 4}
	if got := d.feed([]byte(answer)); len(got) != 1 || got[0] != 0x0400 {
		t.Fatalf("the whole one is read as %x", got)
	}
	for bit := range 8 * len(answer) {
		b := []byte(answer)
		b[bit/8] ^= 1 << (bit % 8)
		d := decoder{address: 3, size: 4}
		if got := d.feed(b); len(got) != 0 {
			t.Errorf("%x is read as %x", b, got)
		}
	}
}

func TestTheVendLastsUntilTheDoorIsClosed(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.sees(vend.Delivered, "", 1)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.open {
			t.Error("the door stands open")
		}
	})
}

// TestOverAPortOfTheKernels opens a door through a real serial port.
func TestOverAPortOfTheKernels(t *testing.T) {
	m := newMachine(t)
	m.comes(func() { m.hand(10*time.Millisecond, 300*time.Millisecond) })
	p, err := vendtest.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	m.board.Plug(p)
	defer m.board.Unplug()
	there := make(chan error, 16)
	m.bus.State = func(err error) { there <- err }
	m.bus.Open = func() (io.ReadWriteCloser, error) { return serialport.Open(p.Name, 19200) }
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { m.bus.Run(ctx) })
	if err := <-there; err != nil {
		t.Fatal(err)
	}
	m.sees(vend.Delivered, "", 1)
	m.board.Unplug()
	if err := <-there; !errors.Is(err, serialport.ErrUnplugged) {
		t.Errorf("the line's state is %v, want that it is unplugged", err)
	}
}

// FuzzStatuses: whatever arrives, in whatever pieces, is read alike, costs a bounded memory, and only what a board says
// is a status.
func FuzzStatuses(f *testing.F) {
	f.Add([]byte("\x02\x30\x35\x00\x04\x00\x00\x03\x6E"), uint8(1), true)
	f.Add([]byte("\x02\x30\x35\x00\x02\x30\x35\x00\x04\x00\x00\x03\x6E"), uint8(4), true)
	f.Add([]byte("\x02\x30\x35\x00\x04\x03\x6E"), uint8(0), false)
	f.Fuzz(func(t *testing.T, b []byte, step uint8, four bool) {
		size := 2
		if four {
			size = 4
		}
		whole, pieces := decoder{address: 3, size: size}, decoder{address: 3, size: size}
		want := whole.feed(b)
		var got []uint16
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+int(step))
			got = append(got, pieces.feed(rest[:n])...)
			rest = rest[n:]
		}
		if len(got) != len(want) || string(pieces.buf) != string(whole.buf) {
			t.Fatalf("%x in pieces of %d is %v and %x, at once %v and %x", b, 1+int(step), got, pieces.buf, want,
				whole.buf)
		}
		for n := range got {
			if got[n] != want[n] {
				t.Fatalf("%x in pieces is %v, at once %v", b, got, want)
			}
		}
		if len(whole.buf) >= frameMax {
			t.Errorf("%d bytes are kept", len(whole.buf))
		}
		if len(want)*(3+size+2) > len(b) {
			t.Errorf("%d statuses in %d bytes", len(want), len(b))
		}
	})
}
