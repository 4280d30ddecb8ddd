package simboard

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// served is a bench that is served on a unix socket until the test ends.
func served(t *testing.T, p Physics) (b bench, path string) {
	t.Helper()
	board, err := New(wiring(), p)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "board")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, board) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve ended with %v", err)
		}
	})
	return bench{board, t}, path
}

func dialled(t *testing.T, path string) *Client {
	t.Helper()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func far(t *testing.T, c *Client, name string) gpio.PinIO {
	t.Helper()
	p, err := c.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b bench) relay() bool {
	s, _ := b.Snapshot()
	return s.Slots[0].Relay
}

func TestAnOutputIsSetWhenOutReturns(t *testing.T) {
	b, path := served(t, Physics{})
	motor := far(t, dialled(t, path), "GPIO17")
	for n := range 100 {
		on := n%2 == 0
		if err := motor.Out(gpio.Level(on)); err != nil || b.relay() != on || motor.Read() != gpio.Level(on) {
			t.Fatalf("after Out (%v) the relay is on: %v, want %v", err, b.relay(), on)
		}
	}
}

func TestAPinOfAnotherProcessBehavesAsTheBoardsOwn(t *testing.T) {
	b, path := served(t, Physics{})
	c := dialled(t, path)
	door := far(t, c, "GPIO7")
	if door.Read() != gpio.Low || door.Name() != "GPIO7" || door.Number() != 7 {
		t.Errorf("the door's pin is %s number %d and reads %s", door.Name(), door.Number(), door.Read())
	}
	if door.WaitForEdge(-1) {
		t.Error("an edge without edge detection")
	}
	if err := door.In(gpio.PullUp, gpio.RisingEdge); err != nil {
		t.Fatal(err)
	}
	_ = b.Press("door")
	if !door.WaitForEdge(time.Minute) || door.Read() != gpio.High {
		t.Error("the door's opening was not seen")
	}
	_ = b.Press("door")
	_ = b.Press("door")
	if err := door.In(gpio.PullUp, gpio.RisingEdge); err != nil {
		t.Fatal(err)
	}
	if door.WaitForEdge(20 * time.Millisecond) {
		t.Error("an edge from before In")
	}
	released := make(chan bool)
	go func() { released <- door.WaitForEdge(-1) }()
	if err := door.Halt(); err != nil || <-released {
		t.Errorf("Halt: %v", err)
	}
	if err := door.Out(gpio.High); err == nil {
		t.Error("the door's switch was driven")
	}
	if _, err := c.Pin("GPIO99"); err == nil {
		t.Error("a pin that nothing is wired to was handed out")
	}
}

func TestTheFrontWorksFromAnotherProcessAndTakesNothingAway(t *testing.T) {
	b, path := served(t, Physics{})
	motor := far(t, dialled(t, path), "GPIO17")
	if err := motor.Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	onlooker := dialled(t, path)
	if err := errors.Join(onlooker.Press("A1"), onlooker.Press("door"), onlooker.Fault("A1", FaultJam)); err != nil {
		t.Fatal(err)
	}
	if s, err := onlooker.Snapshot(); err != nil || !s.Slots[0].Relay || s.Door != "open" {
		t.Errorf("the board is %+v, %v", s, err)
	}
	if err := onlooker.Press("A9"); !errors.Is(err, ErrNoSuchSlot) {
		t.Errorf("an unknown slot answered %v", err)
	}
	if err := onlooker.Fault("A1", "fire"); !errors.Is(err, ErrNoSuchFault) {
		t.Errorf("an unknown fault answered %v", err)
	}
	if err := motor.Out(gpio.Low); err != nil || b.relay() {
		t.Errorf("the owner of the pins can drive them no longer: %v", err)
	}
}

func TestALostProcessLeavesItsOutputsAsTheyWere(t *testing.T) {
	for _, release := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			board, err := New(wiring(), Physics{Release: release})
			if err != nil {
				t.Fatal(err)
			}
			b := bench{board, t}
			s := &server{board: board, sessions: map[*session]bool{}}
			near, end := net.Pipe()
			go s.talk(s.open(end))
			c, err := NewClient(near)
			if err != nil {
				t.Fatal(err)
			}
			if err := far(t, c, "GPIO17").Out(gpio.High); err != nil || !b.relay() {
				t.Fatalf("the relay is not on: %v", err)
			}
			_ = near.Close()
			synctest.Wait()
			if b.relay() == release {
				t.Errorf("with Release %v the relay of a lost process is on: %v", release, b.relay())
			}
			_ = c.Close()
		})
	}
}

func TestANewOwnerTakesTheBoardAtOnceAndForGood(t *testing.T) {
	b, path := served(t, Physics{})
	old, young := dialled(t, path), dialled(t, path)
	oldMotor, youngMotor := far(t, old, "GPIO17"), far(t, young, "GPIO17")
	oldDoor := far(t, old, "GPIO7")
	if err := errors.Join(oldMotor.Out(gpio.High), oldDoor.In(gpio.PullUp, gpio.BothEdges)); err != nil {
		t.Fatal(err)
	}
	released := make(chan bool)
	go func() { released <- oldDoor.WaitForEdge(-1) }()
	if youngMotor.Read() != gpio.High || !b.relay() {
		t.Error("taking the board over changed an output")
	}
	if <-released {
		t.Error("the take-over made an edge")
	}
	if err := youngMotor.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	if err := oldMotor.Out(gpio.High); err == nil || b.relay() {
		t.Errorf("the old owner still drives the board: %v", err)
	}
}

func TestARequestOfTheOldOwnerThatIsStillOnItsWayMovesNothing(t *testing.T) {
	b := newBench(t)
	s := &server{board: b.Board, sessions: map[*session]bool{}}
	sessions := [2]*session{}
	for n := range sessions {
		near, end := net.Pipe()
		defer func() { _ = near.Close() }()
		sessions[n] = s.open(end)
	}
	high := request{ID: 1, Op: opOut, Pin: "GPIO17", Level: gpio.High}
	low := request{ID: 1, Op: opOut, Pin: "GPIO17"}
	if m := s.answer(sessions[0], high); m.Error != "" || !b.relay() {
		t.Fatalf("the first owner cannot drive: %s", m.Error)
	}
	if m := s.answer(sessions[1], low); m.Error != "" || b.relay() {
		t.Fatalf("the second owner cannot drive: %s", m.Error)
	}
	if m := s.answer(sessions[0], high); m.Error != errTaken.Error() || b.relay() {
		t.Errorf("the first owner's late request answered %q and left the relay on: %v", m.Error, b.relay())
	}
	s.leave(sessions[1])
	if m := s.answer(sessions[0], high); m.Error != errTaken.Error() || b.relay() {
		t.Errorf("after the second owner left, the first one's late request answered %q", m.Error)
	}
}

func TestALostBoardIsAnErrorAndNeverAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, err := New(wiring(), Physics{})
		if err != nil {
			t.Fatal(err)
		}
		s := &server{board: board, sessions: map[*session]bool{}}
		near, end := net.Pipe()
		go s.talk(s.open(end))
		c, err := NewClient(near)
		if err != nil {
			t.Fatal(err)
		}
		motor, door, button := far(t, c, "GPIO17"), far(t, c, "GPIO7"), far(t, c, "GPIO5")
		if err := errors.Join(door.In(gpio.PullUp, gpio.BothEdges),
			button.In(gpio.PullUp, gpio.BothEdges)); err != nil {
			t.Fatal(err)
		}
		_ = board.Press("door")
		released := make(chan bool, 1)
		go func() { released <- button.WaitForEdge(-1) }()
		synctest.Wait()
		s.close()
		if <-released {
			t.Error("the loss made an edge")
		}
		if !door.WaitForEdge(-1) || door.WaitForEdge(-1) {
			t.Error("an edge from before the loss counts, and no other")
		}
		snapshot := func() error { _, err := c.Snapshot(); return err }
		for name, err := range map[string]error{
			"Out": motor.Out(gpio.High), "In": door.In(gpio.PullUp, gpio.BothEdges), "Halt": motor.Halt(),
			"Press": c.Press("A1"), "Fault": c.Fault("A1", FaultJam), "Snapshot": snapshot(),
		} {
			if err == nil || !strings.Contains(err.Error(), "lost") {
				t.Errorf("%s without a board answers %v", name, err)
			}
		}
		if button.WaitForEdge(-1) || door.WaitForEdge(-1) {
			t.Error("an edge without a board")
		}
		if door.Read() != gpio.High {
			t.Error("Read without a board does not answer what was read last")
		}
	})
}

func TestABoardThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, takes := range map[string]int{"not even reads": 0, "reads": lineMax} {
			near, end := net.Pipe()
			go func() {
				for buf := make([]byte, 1024); takes > 0; takes-- {
					if _, err := end.Read(buf); err != nil {
						return
					}
				}
			}()
			began := time.Now()
			if _, err := NewClient(near); err == nil || time.Since(began) > 2*patience {
				t.Errorf("a board that %s: %v after %s", name, err, time.Since(began))
			}
			_ = end.Close()
		}
	})
}

func TestWhatIsNotUnderstoodEndsTheConnection(t *testing.T) {
	b, path := served(t, Physics{})
	for name, line := range map[string]string{
		"no JSON":      "hello",
		"unknown op":   `{"id":1,"op":"explode"}`,
		"unknown part": `{"id":1,"op":"out","pin":"GPIO17","level":true,"really":true}`,
		"two values":   `{"id":1,"op":"pins"} {"id":2,"op":"pins"}`,
		"no id":        `{"op":"out","pin":"GPIO17","level":true}`,
		"too long":     strings.Repeat(" ", lineMax+1) + `{"id":1,"op":"out","pin":"GPIO17","level":true}`,
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(line + "\n")) // the other end may be gone before the line is
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(make([]byte, 100))
		if n != 0 || errors.Is(err, os.ErrDeadlineExceeded) || b.relay() {
			t.Errorf("%s: %d bytes of an answer, %v; the relay is on: %v", name, n, err, b.relay())
		}
		_ = conn.Close()
	}
}

func TestListenReplacesWhatAKilledBoardLeftAndNothingElse(t *testing.T) {
	_, path := served(t, Physics{})
	if _, err := Listen(path); err == nil {
		t.Error("a second board took the first one's socket")
	}
	stale := filepath.Join(t.TempDir(), "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	again, err := Listen(stale)
	if err != nil {
		t.Fatalf("a killed board's socket is in the way: %v", err)
	}
	if info, err := os.Stat(stale); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v, want it for its owner alone", info.Mode(), err)
	}
	_ = again.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil {
		t.Error("a file that is no socket was replaced")
	}
}
