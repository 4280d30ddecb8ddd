package lockplate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/serialport"
	"kioskd/hw/vend/slottest"
	"kioskd/hw/vend/vendtest"
	"kioskd/internal/reason"
)

const number = 20 // of the one lock that is there

// board is the machine at the other end: a plate with one locker, and the customer before it. It shares no code with
// the driver.
type board struct {
	vendtest.Cable

	mu      sync.Mutex
	address byte
	says    [2]byte       // of a door that is closed, and of one that is open
	deaf    time.Duration // it hears nothing for so long after an unlock, and then tells of the lock
	until   time.Time
	echo    bool // its adapter gives back what is written
	unlocks int
	others  int // unlocks of other locks, of all of them for one
	open    bool
	opened  int
	opens   time.Duration // from the unlock to the customer's hand; 0: nobody comes
	closes  time.Duration // from then on
	unheard bool
}

func newBoard() *board {
	b := &board{address: 7, says: [2]byte{0x00, 0x11}, deaf: 990 * time.Millisecond, opens: 1500 * time.Millisecond,
		closes: 3 * time.Second}
	b.Hear = b.listen
	return b
}

func (b *board) listen(line io.Reader) {
	var cmd []byte
	for one := make([]byte, 1); ; {
		if _, err := io.ReadFull(line, one); err != nil {
			return
		}
		if cmd = append(cmd, one[0]); cmd[0] != 0x80 && cmd[0] != 0x8A {
			cmd = nil
		}
		if len(cmd) == 5 {
			if cmd[0]^cmd[1]^cmd[2]^cmd[3] == cmd[4] && !b.Meets(vendtest.Deaf) {
				b.take(cmd)
			}
			cmd = nil
		}
	}
}

func (b *board) take(cmd []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.echo {
		b.Say(append([]byte(nil), cmd...))
	}
	if b.unheard || time.Now().Before(b.until) || cmd[1] != b.address {
		return
	}
	switch {
	case cmd[0] == 0x8A && cmd[3] == 0x11 && cmd[2] == number:
		b.unlocks++
		b.until = time.Now().Add(b.deaf)
		if b.opens > 0 {
			time.AfterFunc(b.opens, func() { b.door(true) })
			time.AfterFunc(b.opens+b.closes, func() { b.door(false) })
		}
		time.AfterFunc(b.deaf, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.tell(0x8A, number)
		})
	case cmd[0] == 0x8A:
		b.others++
	case cmd[0] == 0x80 && cmd[3] == 0x33:
		b.tell(0x80, cmd[2])
	}
}

// tell is called with the board locked.
func (b *board) tell(head, lock byte) {
	word := b.says[0]
	if b.open && lock == number {
		word = b.says[1]
	}
	b.Say([]byte{head, b.address, lock, word, head ^ b.address ^ lock ^ word})
}

func (b *board) door(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open = open; open {
		b.opened++
	}
}

func (b *board) counts() (unlocks, opened int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unlocks, b.opened
}

func (b *board) connect() (io.ReadWriteCloser, error) {
	near, far := net.Pipe()
	b.Plug(far)
	return near, nil
}

// run opens the lock as the kiosk does, and lets its line live until end.
func run(t *testing.T, b *board, s Settings) (slot vend.Slot, end func()) {
	t.Helper()
	s.Address = 7
	bus := s.Open(b.connect, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { bus.Run(ctx) })
	time.Sleep(time.Second)
	return slottest.Open(t, Config{Lock: number, Close: 30 * time.Second}, slottest.Place(), nil, bus), func() {
		cancel()
		b.Unplug()
		all.Wait()
	}
}

func TestALockIsASlot(t *testing.T) {
	slottest.Conform(t, func(t *testing.T) *slottest.Stand {
		b := newBoard()
		slot, end := run(t, b, Default())
		return &slottest.Stand{
			Slot:  slot,
			Fail:  func() { b.opens = 0 },
			Slow:  func() { b.opens, b.closes = 9800*time.Millisecond, time.Hour },
			Moves: func() int { n, _ := b.counts(); return n },
			Out:   func() int { _, n := b.counts(); return n },
			End:   end,
		}
	})
}

// play runs a story with a board on virtual time, and looks that no other lock was freed.
func play(t *testing.T, s Settings, change func(b *board), story func(t *testing.T, b *board, slot vend.Slot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBoard()
		if change != nil {
			change(b)
		}
		slot, end := run(t, b, s)
		story(t, b, slot)
		end()
		if b.others > 0 {
			t.Errorf("%d other locks were freed", b.others)
		}
	})
}

// TestABoardsOwnWordsDecide: what a board says of an open door is for the config to say, and how long it says nothing
// after an unlock.
func TestABoardsOwnWordsDecide(t *testing.T) {
	other := Default()
	other.OpenWord, other.Deaf = "00", 0
	for name, c := range map[string]struct {
		settings Settings
		change   func(b *board)
		outcome  vend.Outcome
		why      reason.Why
	}{
		"as agreed": {Default(), nil, vend.Delivered, ""},
		"the other way": {other, func(b *board) { b.says, b.deaf = [2]byte{0x11, 0x00}, 0 }, vend.Delivered,
			""},
		"not what is said": {Default(), func(b *board) { b.says = [2]byte{0x11, 0x00} }, vend.NotDelivered,
			vend.WhyStandsOpen},
		"answers at once":       {Default(), func(b *board) { b.deaf = 0 }, vend.Delivered, ""},
		"another address":       {Default(), func(b *board) { b.address = 8 }, vend.NotDelivered, vend.WhyNoBoard},
		"says nothing":          {Default(), func(b *board) { b.unheard = true }, vend.NotDelivered, vend.WhyNoBoard},
		"falls silent for good": {Default(), func(b *board) { b.deaf = time.Hour }, vend.Unknown, vend.WhyNoBoard},
	} {
		play(t, c.settings, c.change, func(t *testing.T, b *board, slot vend.Slot) {
			r := slot.Vend(t.Context())
			unlocks, _ := b.counts()
			if r.Outcome != c.outcome || r.Why != c.why || unlocks > 1 ||
				(unlocks == 0) != (c.why == vend.WhyStandsOpen || r.Outcome == vend.NotDelivered) {
				t.Errorf("%s: it ended %q, %q (%v) after %d unlocks", name, r.Outcome, r.Why, r.Err, unlocks)
			}
		})
	}
}

// TestAnEchoOpensNoDoor: the command that frees a lock is, byte by byte, what the board says of one that is open.
func TestAnEchoOpensNoDoor(t *testing.T) {
	for _, word := range []string{"11", "00"} {
		s := Default()
		s.OpenWord = word
		play(t, s, func(b *board) {
			b.echo, b.opens = true, 0
			if word == "00" {
				b.says = [2]byte{0x11, 0x00}
			}
		}, func(t *testing.T, b *board, slot vend.Slot) {
			if r := slot.Vend(t.Context()); r.Outcome != vend.NotDelivered || r.Why != vend.WhyNotOpened {
				t.Errorf("open word %s: a door that nobody opened ended %q, %q", word, r.Outcome, r.Why)
			}
		})
	}
}

// TestABadLineCostsNoUnlockTwice: every trouble, with each of the first frames of a vend.
func TestABadLineCostsNoUnlockTwice(t *testing.T) {
	for _, trouble := range vendtest.Troubles() {
		for frames := 1; frames <= 2; frames++ {
			for after := range 20 {
				play(t, Default(), nil, func(t *testing.T, b *board, slot vend.Slot) {
					time.AfterFunc(time.Duration(after)*77*time.Millisecond, func() { b.Trouble(trouble, frames) })
					r := slot.Vend(t.Context())
					time.Sleep(time.Minute)
					unlocks, opened := b.counts()
					if r.Outcome == vend.Unknown || (r.Outcome == vend.Delivered) != (opened == 1) || unlocks > 1 {
						t.Errorf("%d × %s after %d: %q, %q, with %d unlocks and a door opened %d times", frames,
							trouble, after, r.Outcome, r.Why, unlocks, opened)
					}
				})
			}
		}
	}
}

// TestFramesAreTheAgreements, as it writes them.
func TestFramesAreTheAgreements(t *testing.T) {
	for want, got := range map[string][]byte{
		"8a02011198": Plate{Address: 2}.Unlock(1),
		"8a01181182": Plate{Address: 1}.Unlock(24),
		"80010133b3": Plate{Address: 1}.Ask(1),
	} {
		if fmt.Sprintf("%x", got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
}

func TestADamagedStatusIsNone(t *testing.T) {
	answer := []byte{0x80, 0x07, 0x14, 0x11, 0x82}
	p := Plate{Address: 7, Open: one}
	if got := p.Decoder()(answer); len(got) != 1 || got[0] != (lockboard.Status{Lock: number, Open: 1}) {
		t.Fatalf("the whole one is read as %+v", got)
	}
	for bit := range 8 * len(answer) {
		b := append([]byte(nil), answer...)
		b[bit/8] ^= 1 << (bit % 8)
		if got := p.Decoder()(b); len(got) != 0 {
			t.Errorf("%x is read as %+v", b, got)
		}
	}
}

// TestOnlyAnAnswerToAQuestionIsAStatus: not the command to unlock, which looks like it, nor a question, nor another
// board's answer.
func TestOnlyAnAnswerToAQuestionIsAStatus(t *testing.T) {
	p := Plate{Address: 7, Open: one}
	for what, b := range map[string][]byte{
		"an unlock":              p.Unlock(number),
		"its answer":             {0x8A, 0x07, 0x14, 0x00, 0x99},
		"a question":             p.Ask(number),
		"another board's answer": {0x80, 0x08, 0x14, 0x11, 0x8D},
		"lock 0":                 {0x80, 0x07, 0x00, 0x11, 0x96},
		"lock 33":                {0x80, 0x07, 0x21, 0x11, 0xB7},
		"another word":           {0x80, 0x07, 0x14, 0x22, 0xB1},
	} {
		if xor(b) != 0 {
			t.Fatalf("%s: %x is damaged", what, b)
		}
		if got := p.Decoder()(b); len(got) != 0 {
			t.Errorf("%s is read as %+v", what, got)
		}
	}
}

// TestABoardThatCannotBeSpokenToIsRefused names what is wrong.
func TestABoardThatCannotBeSpokenToIsRefused(t *testing.T) {
	for _, p := range []Plate{{Address: 0, Open: one}, {Address: 32, Open: one}, {Address: 1, Open: 0x33},
		{Address: 1, Silent: -1}, {Address: 1, Silent: DeafMax + 1}} {
		if p.Check() == nil {
			t.Errorf("%+v is taken", p)
		}
	}
	bus := Default().Open(newBoard().connect, nil)
	for _, n := range []int{0, 33} { // 0 is all of them
		slot, err := Config{Lock: n}.Open(slottest.Place(), vend.Machine{Board: bus})
		if err != nil {
			t.Fatal(err)
		}
		if slot.Check() == nil {
			t.Errorf("lock %d is taken", n)
		}
	}
}

// TestOverAPortOfTheKernels opens a door through a real serial port.
func TestOverAPortOfTheKernels(t *testing.T) {
	b := newBoard()
	b.deaf, b.opens, b.closes = 0, 50*time.Millisecond, 300*time.Millisecond
	p, err := vendtest.OpenPty()
	if err != nil {
		t.Fatal(err)
	}
	b.Plug(p)
	defer b.Unplug()
	there := make(chan error, 16)
	s := Default()
	s.Address, s.Deaf = 7, 0
	bus := s.Open(func() (io.ReadWriteCloser, error) { return serialport.Open(p.Name, s.Baud) },
		func(err error) { there <- err })
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { bus.Run(ctx) })
	if err := <-there; err != nil {
		t.Fatal(err)
	}
	if r := slottest.Open(t, Config{Lock: number}, slottest.Place(), nil, bus).
		Vend(t.Context()); r.Outcome != vend.Delivered {
		t.Errorf("it ended %+v", r)
	}
	b.Unplug()
	if err := <-there; !errors.Is(err, serialport.ErrUnplugged) {
		t.Errorf("the line's state is %v, want that it is unplugged", err)
	}
}

// FuzzStatuses: whatever arrives, in whatever pieces, is read alike, costs a bounded memory, and only what our board
// says of a lock is a status.
func FuzzStatuses(f *testing.F) {
	f.Add([]byte{0x80, 0x07, 0x14, 0x11, 0x82}, uint8(1))
	f.Add([]byte{0x80, 0x80, 0x07, 0x14, 0x00, 0x93, 0x8A, 0x07, 0x14, 0x11, 0x88}, uint8(3))
	f.Add([]byte{0x80, 0x07, 0x14, 0x33, 0xA0, 0x80, 0x07}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		p := Plate{Address: 7, Open: one}
		whole, pieces := decoder{plate: p}, decoder{plate: p}
		want := whole.feed(b)
		var got []lockboard.Status
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+int(step))
			got = append(got, pieces.feed(rest[:n])...)
			rest = rest[n:]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || string(pieces.buf) != string(whole.buf) {
			t.Fatalf("%x in pieces of %d is %v, at once %v", b, 1+int(step), got, want)
		}
		if len(whole.buf) >= frameBytes || len(want)*frameBytes > len(b) {
			t.Errorf("%d bytes are kept, %d statuses are in %d bytes", len(whole.buf), len(want), len(b))
		}
		for _, s := range want {
			if s.Lock < 1 || s.Lock > LocksMax || s.Open > 1 {
				t.Errorf("%+v is a status", s)
			}
		}
	})
}
