package mdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/internal/money"
)

func TestAMachineThatCannotSellSaysSoAfterSomeSeconds(t *testing.T) {
	for _, c := range []struct {
		name      string
		harm, end func(s *stand)
		want      string
	}{
		{"disabled", func(s *stand) { s.machine.Enable(false) }, func(s *stand) { s.machine.Enable(true) },
			"disabled its cashless device"},
		{"unplugged", func(s *stand) { s.machine.Unplug() }, func(s *stand) { s.machine.Plug() }, "unplugged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(s *stand) {
				c.harm(s)
				s.wait(5 * time.Second)
				if err := s.state(); err != nil {
					t.Errorf("a moment is too soon: %v", err)
				}
				s.wait(15 * time.Second)
				if err := s.state(); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("says %v", err)
				}
				c.end(s)
				s.wait(15 * time.Second)
				if err := s.state(); err != nil {
					t.Errorf("and does not come back: %v\n%s", err, s.transcript())
				}
			})
		})
	}
}

func TestABridgeThatLostItsPowerJoinsTheBusAgain(t *testing.T) {
	inBubble(t, func(s *stand) {
		for _, powerless := range []time.Duration{0, time.Hour} {
			s.wait(powerless)
			s.machine.PowerCycle()
			s.wait(20 * time.Second)
			if s.state() != nil || s.machine.Status() != mdb.Enabled {
				t.Errorf("%v, the machine is %q\n%s", s.state(), s.machine.Status(), s.transcript())
			}
		}
	})
}

func TestAnIdleLineIsAskedNowAndThenAndKept(t *testing.T) {
	inBubble(t, func(s *stand) {
		before := s.count("> ")
		s.wait(time.Hour)
		if n := s.count("> ") - before; n < 600 || n > 720 || s.count("> C,0") != 1 {
			t.Errorf("%d lines in an hour, and the bus was joined %d times", n, s.count("> C,0"))
		}
	})
}

// TestASilentLineIsOpenedAgain: an adapter can hang so that nothing ever comes, and no error.
func TestASilentLineIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		opens := 0
		s.bridge.Open = func() (io.ReadWriteCloser, error) {
			if opens++; opens == 1 {
				return &deaf{ended: make(chan struct{})}, nil
			}
			return s.machine.Open()
		}
		s.run()
		defer s.end()
		s.wait(30 * time.Second)
		if opens != 2 || s.state() != nil {
			t.Errorf("opened %d times, %v", opens, s.state())
		}
	})
}

// deaf is a line that takes everything and says nothing.
type deaf struct {
	once  sync.Once
	ended chan struct{}
}

func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) Close() error                { d.once.Do(func() { close(d.ended) }); return nil }
func (d *deaf) Read([]byte) (int, error) {
	<-d.ended
	return 0, io.EOF
}

// TestALineThatTakesNothingIsGivenUp: a write that never ends must not hold up the bridge.
func TestALineThatTakesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		opens := 0
		s.bridge.Open = func() (io.ReadWriteCloser, error) {
			if opens++; opens == 1 {
				return &stuck{deaf{ended: make(chan struct{})}}, nil
			}
			return s.machine.Open()
		}
		s.run()
		defer s.end()
		s.wait(10 * time.Second)
		if opens != 2 || s.state() != nil {
			t.Errorf("opened %d times, %v", opens, s.state())
		}
	})
}

type stuck struct{ deaf }

func (s *stuck) Write([]byte) (int, error) {
	<-s.ended
	return 0, errors.New("closed")
}

// TestNoNoiseMovesTheMachineTwice spoils lines at random places of many visits: whatever is lost, one approval is one
// request's, and what is said to be delivered came out.
func TestNoNoiseMovesTheMachineTwice(t *testing.T) {
	noises := []mdbtest.Noise{mdbtest.Lose, mdbtest.Garble, mdbtest.Halve, mdbtest.Double, mdbtest.Rubbish}
	outcomes := map[string]int{}
	for seed := range 200 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(s *stand) {
				s.bridge.Sell(sek(9000))
				s.wait(time.Second)
				n, spoil := uint64(seed)*0x9e3779b97f4a7c15, []mdbtest.Noise{}
				for range 16 {
					n ^= n << 13
					n ^= n >> 7
					n ^= n << 17
					if n%3 == 0 {
						spoil = append(spoil, noises[n/3%uint64(len(noises))])
					} else {
						spoil = append(spoil, "")
					}
				}
				s.machine.Spoil(spoil...)
				vends, reported := 0, 0
				for range 8 {
					s.machine.Press(water)
					s.wait(100 * time.Millisecond)
					select {
					case r := <-s.asked:
						if r.Product != water || r.Price != sek(1500) {
							t.Errorf("asked for %+v", r)
						}
						got := s.bridge.Product(water).Vend(context.Background())
						outcomes[string(got.Outcome)+" "+string(got.Why)]++
						vends++
						if got.Outcome == vend.Delivered {
							reported++
						}
					default:
					}
					s.wait(4 * time.Second)
				}
				s.machine.Spoil()
				if came, wrote := s.out(water), s.count("> C,VEND"); came > vends || wrote > vends || reported > came {
					t.Errorf("%d vends, %d approvals, %d came out, %d are said to have\n%s", vends, wrote, came,
						reported, s.transcript())
				}
				s.bridge.Sell(money.Amount{})
				s.wait(90 * time.Second)
				s.bridge.Sell(sek(1500)) // the next customer
				s.wait(time.Second)
				if got := s.vend(water); got.Outcome != vend.Delivered {
					t.Errorf("when all is well again: %+v\n%s", got, s.transcript())
				}
			})
		})
	}
	t.Log(outcomes)
}

// TestTheNextRunHearsWhatAnApprovalOfTheLastOneCameTo: a bridge that kept its power reports it to whoever listens.
func TestTheNextRunHearsWhatAnApprovalOfTheLastOneCameTo(t *testing.T) {
	for _, c := range []struct {
		trouble mdbtest.Trouble
		want    vend.Outcome
		known   bool
	}{
		{"", vend.Delivered, true},
		{mdbtest.Fail, vend.NotDelivered, true},
		{mdbtest.Deaf, "", false}, // it gives up, but which request?
		{mdbtest.DeafSilent, "", false},
		{mdbtest.ResetAfter, "", false},
		{mdbtest.NoAnswer, "", false},
	} {
		t.Run(string(c.trouble), func(t *testing.T) {
			inBubble(t, func(s *stand) {
				s.bridge.Sell(sek(5000))
				s.wait(time.Second)
				s.press(water)
				s.request()
				s.machine.Break(c.trouble)
				go s.bridge.Product(water).Vend(context.Background())
				s.wait(20 * time.Millisecond) // the approval is written
				s.stop()
				next := &mdb.Bridge{Open: s.machine.Open, Currency: "SEK"}
				wrote, began := s.count("> "), time.Now()
				got, known := next.Recall(context.Background(), mdb.RecallMax)
				if known != c.known || got.Outcome != c.want || time.Since(began) > mdb.RecallMax {
					t.Errorf("%+v, known %v after %v\n%s", got, known, time.Since(began), s.transcript())
				}
				if s.count("> ") != wrote {
					t.Errorf("it disturbed the delivery:\n%s", s.transcript())
				}
			})
		})
	}
}

// TestASessionWhoseBeginWasNotHeardIsEnded: the machine would go on showing the credit of a customer who has left.
func TestASessionWhoseBeginWasNotHeardIsEnded(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.machine.Spoil(mdbtest.Halve) // that the session has begun
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.bridge.Sell(money.Amount{})
		s.wait(10 * time.Second)
		if s.machine.Press(water) {
			t.Errorf("the session goes on without a customer who pays:\n%s", s.transcript())
		}
	})
}
