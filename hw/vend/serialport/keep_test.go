package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// story is what happens in a Keep, with the time since its begin.
type story struct {
	begin time.Time
	lines []string
}

func (s *story) note(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf("%v ", time.Since(s.begin))+fmt.Sprintf(format, args...))
}

func (s *story) state(err error) { s.note("state: %v", err) }

func (s *story) expect(t *testing.T, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(s.lines, want) {
		t.Errorf("what happened:\n%q\nwant:\n%q", s.lines, want)
	}
}

func TestAPortThatIsNotThereIsLookedForEverMoreSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s := &story{begin: time.Now()}
		Keep(ctx, func() (io.ReadWriteCloser, error) { s.note("open"); return nil, errors.New("gone") }, nil, s.state)
		s.expect(t, "0s open", "0s state: gone", "200ms open", "600ms open", "1.4s open", "3s open", "6.2s open",
			"11.2s open", "16.2s open")
	})
}

func TestALostLineIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		s := &story{begin: time.Now()}
		long := 5*time.Second + 1
		Keep(ctx, func() (io.ReadWriteCloser, error) {
			near, far := net.Pipe()
			time.AfterFunc(long, func() { _ = far.Close() })
			return near, nil
		}, func(_ context.Context, line io.ReadWriteCloser) error {
			s.note("session")
			_, err := line.Read(make([]byte, 1))
			long = time.Second
			return err
		}, s.state)
		s.expect(t, "0s state: <nil>", "0s session", "5.000000001s state: EOF",
			"5.200000001s state: <nil>", "5.200000001s session", "6.200000001s state: EOF",
			"6.600000001s state: <nil>", "6.600000001s session", "7.600000001s state: EOF",
			"8.400000001s state: <nil>", "8.400000001s session", "9.400000001s state: EOF",
			"11.000000001s state: <nil>", "11.000000001s session")
	})
}

func TestTheEndOfTheContextEndsASessionThatReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		near, far := net.Pipe()
		s := &story{begin: time.Now()}
		Keep(ctx, func() (io.ReadWriteCloser, error) { return near, nil },
			func(_ context.Context, line io.ReadWriteCloser) error {
				_, err := line.Read(make([]byte, 1))
				return err
			}, s.state)
		s.expect(t, "0s state: <nil>")
		if _, err := far.Write([]byte{1}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the line is still open: %v", err)
		}
	})
}

func TestASessionThatEndsByItselfIsAFailureToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		s := &story{begin: time.Now()}
		Keep(ctx, func() (io.ReadWriteCloser, error) { near, _ := net.Pipe(); return near, nil },
			func(context.Context, io.ReadWriteCloser) error { return nil }, s.state)
		s.expect(t, "0s state: <nil>", "0s state: "+errEnded.Error(), "200ms state: <nil>", "200ms state: "+
			errEnded.Error())
	})
}
