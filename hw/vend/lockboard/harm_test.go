package lockboard

import (
	"errors"
	"testing"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/vendtest"
)

// These stories are what a customer, an operator or a technician would suffer from a small mistake in this package.
// Their times are written out: a test that takes them from the code believes whatever the code says.

// TestACustomerWithFullHandsDoesNotCloseTheLocker: who needs most of half a minute to close the door has paid and
// taken; a warning would close the locker to the next customer, and send a technician for nothing.
func TestACustomerWithFullHandsDoesNotCloseTheLocker(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.comes(func() { m.hand(time.Second, 28*time.Second) })
		m.sees(vend.Delivered, "", 1)
	})
}

// TestADoorMayStandOpenForFiveMinutesWhereTheOperatorSaysSo: a locker for crates is emptied crate by crate.
func TestADoorMayStandOpenForFiveMinutesWhereTheOperatorSaysSo(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.lock.Close = 5 * time.Minute
		m.comes(func() { m.hand(time.Second, 290*time.Second) })
		m.sees(vend.Delivered, "", 1)
	})
}

// TestABoardThatIsGoneIsKnownBeforeAnybodyPays: until the kiosk knows it takes money for lockers that cannot be
// opened.
func TestABoardThatIsGoneIsKnownBeforeAnybodyPays(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.board.Mute(time.Hour)
		time.Sleep(6 * time.Second)
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.states) != 2 || !errors.Is(m.states[1], errNoAnswer) {
			t.Errorf("told %v, want there, silent", m.states)
		}
	})
}

// TestTwoLostAnswersDoNotTakeTheLockersOutOfService: a motor nearby that disturbs the line for a moment costs no
// sales.
func TestTwoLostAnswersDoNotTakeTheLockersOutOfService(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.board.Trouble(vendtest.Lost, 2)
		time.Sleep(time.Minute)
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.states) != 1 || m.states[0] != nil {
			t.Errorf("told %v, want only that it is there", m.states)
		}
	})
}

// TestACustomerBeforeASilentBoardIsToldWithinASecond: three questions, each with an answer's time and a pause, are
// enough.
func TestACustomerBeforeASilentBoardIsToldWithinASecond(t *testing.T) {
	inMachine(t, nil, func(t *testing.T, m *machine) {
		m.board.Mute(time.Hour)
		began := time.Now()
		m.sees(vend.NotDelivered, vend.WhyNoBoard, 0)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestNoiseKeepsNoMoreThanAnAnswerWithoutItsEnd: frameMax is the bound of what a line that shouts can make the kiosk
// keep, so it must be the size of the longest answer: no less, or it promises too much, and no more.
func TestNoiseKeepsNoMoreThanAnAnswerWithoutItsEnd(t *testing.T) {
	const answer = "\x02\x30\x35\x00\x04\x00\x00\x03\x6E"
	d := decoder{address: 3, size: 4}
	for range 1000 {
		d.feed([]byte(answer[:len(answer)-1]))
	}
	if got := len(d.buf); got != frameMax-1 {
		t.Errorf("%d bytes are kept, want %d: one less than frameMax", got, frameMax-1)
	}
}

// TestABoardThatTakesATenthOfASecondToAnswerIsOne: an old board behind a USB adapter is no board that is gone.
func TestABoardThatTakesATenthOfASecondToAnswerIsOne(t *testing.T) {
	inMachine(t, func(m *machine) {
		locker := m.board.Lockers[number]
		open := locker.Open
		locker.Open = func() bool {
			time.Sleep(100 * time.Millisecond)
			return open()
		}
		m.board.Lockers[number] = locker
	}, func(t *testing.T, m *machine) {
		m.sees(vend.Delivered, "", 1)
		m.board.Unplug()
		time.Sleep(time.Second) // an answer that is on its way comes to its end
	})
}

// TestTheFirstAndTheLastLockOfABoardAreSoldFrom: they are printed 1 and 16.
func TestTheFirstAndTheLastLockOfABoardAreSoldFrom(t *testing.T) {
	bus := newMachine(t).bus
	for _, n := range []int{1, 16} {
		if err := (&Lock{Bus: bus, Number: n, MaxOn: vend.OnMax}).Check(); err != nil {
			t.Error(err)
		}
	}
}
