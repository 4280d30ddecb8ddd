package board

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/gpio/simboard"
	"kioskd/hw/vend"
)

// These stories are what a customer, an operator or a technician would suffer from a small mistake in this package.
// Their times are written out: a test that takes them from the code believes whatever the code says.

// tap is a line on which is counted what goes over it.
type tap struct {
	io.ReadWriteCloser

	mu      sync.Mutex
	in, out []byte
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in = append(t.in, b[:n]...)
	return n, err
}

func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.out = append(t.out, b...)
	t.mu.Unlock()
	return t.ReadWriteCloser.Write(b)
}

// frames counts the frames of a command so far: those that the board sent, and those that were sent to it.
func (t *tap) frames(cmd byte) (in, out int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := func(b []byte) (n int) {
		var d decoder
		for _, f := range d.feed(b, time.Now()) {
			if f.cmd == cmd {
				n++
			}
		}
		return n
	}
	return count(t.in), count(t.out)
}

// tapped has the machine's line opened anew, with a tap on it.
func (m *machine) tapped() *tap {
	m.mu.Lock()
	m.tap = &tap{}
	m.mu.Unlock()
	m.board.Unplug()
	time.Sleep(5 * time.Second)
	return m.tap
}

// TestACommandThatTheBoardHasIsNotSentAgain: a board with its own idea of numbers would push out a second product.
func TestACommandThatTheBoardHasIsNotSentAgain(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Terse = true
		m.breaks(simboard.FaultLateDrop) // so that it takes long enough
		m.sees(vend.Delivered, "", 1, 1)
		if n := m.board.Commands(); n != 1 {
			t.Errorf("the command arrived %d times", n)
		}
	})
}

// TestAnAcknowledgementOfNothingIsPassedOver: a board that stutters does not end the program.
func TestAnAcknowledgementOfNothingIsPassedOver(t *testing.T) {
	l := &Line{}
	if err := l.heard(io.Discard, frame{cmd: ack}); err != nil {
		t.Error(err)
	}
	if j := l.begin(dispense, status, 12, 1, 0); l.heard(io.Discard, frame{cmd: ack}) != nil || j.acked {
		t.Error("what was not sent is acknowledged, and would never be")
	}
}

// TestABoardThatIsSilentForSixSecondsIsStillBelieved: the product is in the customer's hand by then, and unknown
// would close the slot and send a technician.
func TestABoardThatIsSilentForSixSecondsIsStillBelieved(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		go func() {
			for m.board.Commands() == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			m.board.Mute(6 * time.Second)
		}()
		m.sees(vend.Delivered, "", 1, 1)
	})
}

// TestAWordAtTheLastMomentCounts: it comes when the vend has just been given up, and before that was noted.
func TestAWordAtTheLastMomentCounts(t *testing.T) {
	for range 50 { // whoever is woken first
		synctest.Test(t, func(t *testing.T) {
			l := &Line{}
			s := &Slot{Line: l, Motor: 12, MaxOn: maxOn}
			result := make(chan vend.Result, 1)
			go func() { result <- s.dispense(context.Background()) }()
			synctest.Wait()
			l.mu.Lock()
			j := l.job
			j.sends, j.whole = 1, true
			l.mu.Unlock()
			time.Sleep(sendMax + maxOn + tellMax - 1)
			l.mu.Lock()
			time.Sleep(time.Nanosecond) // so that who gives up waits for the lock
			j.done <- dispensed
			l.mu.Unlock()
			if r := <-result; r.Outcome != vend.Delivered {
				t.Errorf("the vend ended %+v", r)
			}
		})
	}
}

// TestTheBoardIsAnsweredEachTime: one whose polls nobody answers says that its master is gone, and what it has to
// tell it would tell again and again, each time in the place of a poll in which a customer could be served.
func TestTheBoardIsAnsweredEachTime(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		line := m.tapped()
		polls, _ := line.frames(poll)
		_, acks := line.frames(ack)
		if polls < 10 || polls != acks {
			t.Errorf("%d polls were answered %d times", polls, acks)
		}
		m.board.Terse = true
		m.sees(vend.Delivered, "", 1, 1)
		told, _ := line.frames(status)
		conditions, _ := line.frames(checked)
		if told != 1 || conditions != 1 {
			t.Errorf("one condition was told %d times, and one end %d times", conditions, told)
		}
	})
}

// TestWhatAnOperatorMayWriteIsTaken: the first motor counts from nought, and a bad cable may need twenty resends.
func TestWhatAnOperatorMayWriteIsTaken(t *testing.T) {
	open := func() (io.ReadWriteCloser, error) { return nil, io.EOF }
	for _, s := range []*Slot{
		{Line: &Line{Open: open}, Motor: 0, MaxOn: maxOn},
		{Line: &Line{Open: open}, Motor: 65535, MaxOn: maxOn},
		{Line: &Line{Open: open}, Motor: 1, MaxOn: vend.OnMax},
		{Line: &Line{Open: open, Resends: 20}, Motor: 1, MaxOn: maxOn},
	} {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	if err := (&Line{Open: open, Resends: 21}).Check(); err == nil {
		t.Error("a customer waits for more than twenty resends")
	}
}

// TestAPacketsNumberIsNeverNoughtNorTheLastOne: the protocol counts from 1 to 255, and a board takes the last number
// for the last command: no product would come.
func TestAPacketsNumberIsNeverNoughtNorTheLastOne(t *testing.T) {
	l := &Line{}
	last := byte(0)
	for range 600 {
		n := l.begin(dispense, status, 12, 1, 0).frame.data[0]
		if n == 0 || n == last {
			t.Fatalf("number %d follows %d", n, last)
		}
		last = n
	}
}

// TestNoiseThatLooksLikeHalfAHeadHidesNoFrame: an adapter's noise before a poll or a status must not swallow it.
func TestNoiseThatLooksLikeHalfAHeadHidesNoFrame(t *testing.T) {
	whole := string(frame{cmd: status, data: []byte{9, dispensed, 0, 12}}.bytes())
	for _, noise := range []string{"\x00\xFB", "\xFB", "\xFA", "\xFA\xFA", "\x00\xFB\x00\x00", "\xFB\xFB\x41\x00\x41"} {
		var d decoder
		if got := d.feed([]byte(noise+whole), time.Time{}); len(got) != 1 || got[0].cmd != status {
			t.Errorf("behind %x it is read as %v", noise, got)
		}
	}
}

// TestAnEarlierVendsLateWordIsNotTheNextCustomers: what a board still has to say when the line is opened is over
// within two seconds. A vend that began sooner could take it for its own, and charge for a product that never came.
func TestAnEarlierVendsLateWordIsNotTheNextCustomers(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Unplug()
		for m.line.hears() {
			time.Sleep(time.Millisecond)
		}
		for !m.line.hears() { // the new one
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		arrived := make(chan time.Duration, 1)
		go func() {
			for m.board.Commands() == 0 {
				time.Sleep(time.Millisecond)
			}
			arrived <- time.Since(began)
		}()
		m.sees(vend.Delivered, "", 1, 1)
		if after := <-arrived; after < 2*time.Second {
			t.Errorf("the command arrived %v after the board's first poll", after)
		}
	})
}

// hears says whether the board has polled on this line.
func (l *Line) hears() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.since.IsZero()
}

// TestABoardThatIsGoneIsSaidAtOnce: a customer does not wait for questions that nobody can hear.
func TestABoardThatIsGoneIsSaidAtOnce(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.pull(time.Hour)
		time.Sleep(time.Second)
		began := time.Now()
		r, took := m.slot.Vend(t.Context()), time.Since(began)
		if r.Outcome != vend.NotDelivered || r.Why != vend.WhyNoBoard || took > time.Second {
			t.Errorf("the vend ended %+v after %v", r, took)
		}
	})
}

// TestAWordAboutAVendThatNobodyMakesIsPassedOver: a board may say something at any time, and the program does not
// end.
func TestAWordAboutAVendThatNobodyMakesIsPassedOver(t *testing.T) {
	l := &Line{}
	l.learn(frame{status, []byte{9, dispensed, 0, 12}})
	l.learn(frame{status, []byte{9}})
}

// TestABoardThatSaysThatItDispensesIsNotSentTheCommandAgain, though its acknowledgement was lost.
func TestABoardThatSaysThatItDispensesIsNotSentTheCommandAgain(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.LoseAcks(1)
		m.breaks(simboard.FaultLateDrop) // so that it takes long enough
		m.sees(vend.Delivered, "", 1, 1)
		if n := m.board.Commands(); n != 1 {
			t.Errorf("the command arrived %d times", n)
		}
	})
}

// TestACommandIsRepeatedFiveTimesWhereTheOperatorSaysNothing: so says the protocol.
func TestACommandIsRepeatedFiveTimesWhereTheOperatorSaysNothing(t *testing.T) {
	inMachine(t, func(t *testing.T, m *machine) {
		m.board.Terse = true
		m.board.LoseAcks(1000)
		m.breaks(simboard.FaultLateDrop)
		m.sees(vend.Delivered, "", 1, 1)
		if n := m.board.Commands(); n != 6 {
			t.Errorf("the command arrived %d times, want once and five times more", n)
		}
	})
}

// TestTheCustomersMoneyIsHeldAsLongAsTheSlowestVend: two seconds of quiet, three questions, the sending, the motor,
// and the board's last word.
func TestTheCustomersMoneyIsHeldAsLongAsTheSlowestVend(t *testing.T) {
	for _, on := range []time.Duration{2 * time.Second, 10 * time.Second} {
		want := 15*time.Second + on
		if got := (&Slot{MaxOn: on}).Terms().Longest; got < want || got > want+time.Second {
			t.Errorf("with %v of the motor %v are said, want %v", on, got, want)
		}
	}
}

// TestAFrameThatComesInPiecesIsRead: a USB adapter gives what it has every 16 milliseconds.
func TestAFrameThatComesInPiecesIsRead(t *testing.T) {
	whole := frame{cmd: status, data: []byte{9, dispensed, 0, 12}}.bytes()
	at := time.Unix(0, 0)
	for cut := 1; cut < len(whole); cut++ {
		var d decoder
		d.feed(whole[:cut], at)
		if got := d.feed(whole[cut:], at.Add(50*time.Millisecond)); len(got) != 1 || got[0].cmd != status {
			t.Errorf("cut after %d bytes it is read as %v", cut, got)
		}
	}
}
