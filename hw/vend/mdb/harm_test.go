package mdb_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/internal/money"
)

// These stories are what a customer, an operator or a technician would suffer from a small mistake in this package.
// Their times are written out: a test that takes them from the code believes whatever the code says.

// TestARequestThatTheMachineTookBackIsNotApprovedWhenOnlyThatIsHeard: "cancelled" arrives and the status after it
// does not. An approval would meet whatever the customer has chosen since.
func TestARequestThatTheMachineTookBackIsNotApprovedWhenOnlyThatIsHeard(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		s.machine.Spoil("", "", mdbtest.Lose, mdbtest.Lose) // its version, that it cancels, and what follows
		s.wait(5 * time.Second)
		if s.count("< c,ERR,VEND 1") != 1 || s.count("< c,STATUS,IDLE (lose)") != 1 {
			t.Fatalf("the story is another:\n%s", s.transcript())
		}
		got := s.bridge.Product(water).Vend(context.Background())
		if got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped || s.count("> C,VEND") != 0 {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
	})
}

// TestAnApprovalDoesNotMeetAnotherRequest: the machine took the first one back, which nobody heard, and asks for
// another product while the kiosk still thinks about the first. It would be sold for the first one's price.
func TestAnApprovalDoesNotMeetAnotherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.machine.Multi = true
		s.run()
		defer s.end()
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		s.machine.Spoil("", mdbtest.Lose, mdbtest.Lose) // its version, that it cancels, and that its session goes on
		s.wait(5 * time.Second)
		s.press(cake)
		got := s.bridge.Product(water).Vend(context.Background())
		if got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped || s.count("> C,VEND") != 0 {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
	})
}

// TestACustomerWhoThinksIsLeftAlone: half a minute before the machine with the credit on its display. Nothing but the
// question for the version is written, since any command about the session may end it.
func TestACustomerWhoThinksIsLeftAlone(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		commands := s.count("> C,")
		s.wait(30 * time.Second)
		if n := s.count("> C,") - commands; n != 0 || s.count("> V") < 5 {
			t.Errorf("%d commands were written:\n%s", n, s.transcript())
		}
	})
}

// TestACoffeeThatTakesAMinuteIsWaitedFor where the operator says nothing, and no longer than he says where he does:
// the customer stands there, and a reservation runs.
func TestACoffeeThatTakesAMinuteIsWaitedFor(t *testing.T) {
	for longest, want := range map[time.Duration]struct {
		outcome vend.Outcome
		took    time.Duration
	}{
		0:                {vend.Delivered, 55 * time.Second},
		20 * time.Second: {vend.Unknown, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t)
			s.bridge.Longest = longest
			brew := func() bool { time.Sleep(55 * time.Second); return true }
			s.machine.Products[33] = mdbtest.Product{Price: "15.00", Deliver: brew}
			s.run()
			defer s.end()
			s.bridge.Sell(sek(5000))
			s.wait(time.Second)
			began := time.Now()
			got := s.vend(33)
			if took := time.Since(began).Round(time.Second); got.Outcome != want.outcome || took != want.took {
				t.Errorf("longest %v: %+v after %v, want %s after %v", longest, got, took, want.outcome, want.took)
			}
		})
	}
}

// TestABridgeThatCannotSellIsRefused before a customer stands before it, with what to write.
func TestABridgeThatCannotSellIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *mdb.Bridge)
		want   string // "": it is accepted
	}{
		"as it is":       {func(*mdb.Bridge) {}, ""},
		"no line":        {func(b *mdb.Bridge) { b.Open = nil }, "part of the bridge is missing"},
		"nobody asked":   {func(b *mdb.Bridge) { b.Requested = nil }, "part of the bridge is missing"},
		"nobody told":    {func(b *mdb.Bridge) { b.State = nil }, "part of the bridge is missing"},
		"no log":         {func(b *mdb.Bridge) { b.Log = nil }, "part of the bridge is missing"},
		"no currency":    {func(b *mdb.Bridge) { b.Currency = "" }, "ISO 4217"},
		"another denial": {func(b *mdb.Bridge) { b.Deny = "no" }, `write "stop" or "-1"`},
		"denies by -1":   {func(b *mdb.Bridge) { b.Deny = "-1" }, ""},
		"the default":    {func(b *mdb.Bridge) { b.Longest = 0 }, ""},
		"before it":      {func(b *mdb.Bridge) { b.Longest = -1 }, "at most 3m0s"},
		"the longest":    {func(b *mdb.Bridge) { b.Longest = 3 * time.Minute }, ""},
		"too long":       {func(b *mdb.Bridge) { b.Longest = 3*time.Minute + 1 }, "at most 3m0s"},
	} {
		b := &mdb.Bridge{
			Open: func() (io.ReadWriteCloser, error) { return nil, io.EOF }, Currency: "SEK", Longest: 20 * time.Second,
			Requested: func(mdb.Request) {}, State: func(error) {}, Log: func(string) {},
		}
		c.change(b)
		for _, err := range []error{b.Check(), b.Product(water).Check()} {
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
}

// TestAMachineThatCountsFromNoughtSellsItsFirstProduct, and its last.
func TestAMachineThatCountsFromNoughtSellsItsFirstProduct(t *testing.T) {
	inBubble(t, func(s *stand) {
		for n, sells := range map[int]bool{-1: false, 0: true, 65535: true, 65536: false} {
			if err := s.bridge.Product(n).Check(); (err == nil) != sells {
				t.Errorf("product %d: %v", n, err)
			}
		}
		s.machine.Products[0] = mdbtest.Product{Price: "15.00", Deliver: func() bool { return true }}
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		if got := s.vend(0); got.Outcome != vend.Delivered {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
	})
}

// TestASessionThatTheLineSwallowedIsAskedForAgainAfterTwoSeconds, whatever the bridge says meanwhile: the customer
// stands before a machine that takes no choice.
func TestASessionThatTheLineSwallowedIsAskedForAgainAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		say := script(t, s)
		s.run()
		say("c,STATUS,ENABLED")
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		say("v,4.0.2.0,0123456789abcdef")
		s.wait(1500 * time.Millisecond)
		if n := s.count("> C,START,50.00"); n != 2 {
			t.Errorf("asked for %d times\n%s", n, s.transcript())
		}
		s.stop()
	})
}

// TestATechnicianIsToldOfEachRequestThatCannotBeReadAndOfNothingElse: it counts what the decimal places cost the
// operator.
func TestATechnicianIsToldOfEachRequestThatCannotBeReadAndOfNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		var misread []string
		s.bridge.Misread = func(why string) { misread = append(misread, why) } // read after a Wait
		s.run()
		defer s.end()
		s.machine.Products[33] = mdbtest.Product{Price: "1500"}
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		for range 2 {
			s.press(33)
			s.wait(5 * time.Second)
		}
		if len(misread) != 2 || !strings.Contains(strings.Join(misread, "\n"), "0 decimal places") {
			t.Errorf("told %q\n%s", misread, s.transcript())
		}
	})
}

// TestNobodyIsLeftWithACreditThatNobodyStandsFor: the kiosk ends while a customer chooses, or waits for an answer. A
// machine without a session is told nothing.
func TestNobodyIsLeftWithACreditThatNobodyStandsFor(t *testing.T) {
	for name, c := range map[string]struct {
		credit money.Amount
		press  bool
		stops  int
	}{
		"no session": {money.Amount{}, false, 0},
		"choosing":   {sek(5000), false, 1},
		"waiting":    {sek(5000), true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *stand) {
				s.bridge.Sell(c.credit)
				s.wait(time.Second)
				if c.press {
					s.press(water)
				}
				s.stop()
				s.wait(time.Second)
				if n := s.count("> C,STOP"); n != c.stops || s.machine.Status() != mdb.Enabled {
					t.Errorf("%d ended, want %d, and the machine is %s\n%s", n, c.stops, s.machine.Status(),
						s.transcript())
				}
			})
		})
	}
}

// TestAStartThatGoesWellFrightensNoTechnician: the machine sets the bridge up for some seconds; only then is
// something wrong. What stays as it is is not told again.
func TestAStartThatGoesWellFrightensNoTechnician(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.wait(time.Minute)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.states) != 2 || !strings.Contains(s.states[0].Error(), "not been heard yet") || s.states[1] != nil {
			t.Errorf("told %v, want not heard yet, and there", s.states)
		}
	})
}

// TestAChoiceAfterADenialThatCameToNothingIsOffered: the machine gave the first request up, and the line swallowed
// that. What the customer then chooses is a request of its own, and no echo of the one that was denied.
func TestAChoiceAfterADenialThatCameToNothingIsOffered(t *testing.T) {
	for _, deny := range []string{mdb.DenyStop, mdb.DenyMinus} {
		t.Run(deny, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.bridge.Deny, s.machine.Multi = deny, true
				s.run()
				defer s.end()
				s.bridge.Sell(sek(5000))
				s.wait(time.Second)
				s.press(cake)
				r := s.request()
				// its version, that it cancels, and that its session goes on
				s.machine.Spoil("", mdbtest.Lose, mdbtest.Lose)
				s.wait(5 * time.Second)
				s.bridge.Decline(r.ID)
				s.wait(6 * time.Second)
				s.press(water)
				if r := s.request(); r.Product != water {
					t.Errorf("asked for %+v\n%s", r, s.transcript())
				}
			})
		})
	}
}

// script is a machine of which only the words are known: each line that is said arrives, and what is written to it
// is noted as what the stand's machine hears is.
func script(t *testing.T, s *stand) (say func(line string)) {
	near, far := net.Pipe()
	s.bridge.Open = func() (io.ReadWriteCloser, error) { return near, nil }
	go func() {
		for lines := bufio.NewScanner(far); lines.Scan(); {
			s.machine.Log("> " + lines.Text())
		}
	}()
	t.Cleanup(func() { _ = far.Close() })
	return func(line string) {
		if _, err := io.WriteString(far, line+"\n"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	}
}

// TestAnEndThatMeansNothingDoesNotHoldTheCustomer until the longest delivery is over: a few seconds decide that it
// is unknown.
func TestAnEndThatMeansNothingDoesNotHoldTheCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		say := script(t, s)
		s.run()
		say("c,STATUS,ENABLED")
		s.bridge.Sell(sek(5000))
		synctest.Wait()
		say("c,STATUS,IDLE,50.00")
		say("c,STATUS,VEND,15.00,10")
		s.request()
		began := time.Now()
		time.AfterFunc(time.Second, func() { say("c,ERR,VEND 2") })
		got := s.bridge.Product(water).Vend(context.Background())
		if took := time.Since(began); got.Outcome != vend.Unknown || got.Why != vend.WhyNoAnswer ||
			took > 5*time.Second {
			t.Errorf("%+v after %v", got, took)
		}
		s.stop()
	})
}

// TestTheSameRequestHeardTwiceIsStillSold: an echo just before the approval is no other request.
func TestTheSameRequestHeardTwiceIsStillSold(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.machine.Spoil(mdbtest.Double)
		if got := s.vend(water); got.Outcome != vend.Delivered || s.out(water) != 1 {
			t.Errorf("%+v, %d came out\n%s", got, s.out(water), s.transcript())
		}
	})
}

// TestTheRequestOfACustomerWhoLeavesIsDeniedAtOnce: nobody has declined it yet, and nobody pays it any more.
func TestTheRequestOfACustomerWhoLeavesIsDeniedAtOnce(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		s.bridge.Sell(money.Amount{})
		s.wait(time.Second)
		if s.machine.Status() != mdb.Enabled { // it would have given up itself, but later
			t.Errorf("the machine is %s\n%s", s.machine.Status(), s.transcript())
		}
		got := s.bridge.Product(water).Vend(context.Background())
		if got.Outcome != vend.NotDelivered || s.count("> C,VEND") != 0 {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
	})
}

// TestWhatIsHeardFirstIsTheApprovalsEnd: nobody was there to approve what came after it, so that a failure behind a
// success takes no money from the operator, nor a success behind a failure any from the customer.
func TestWhatIsHeardFirstIsTheApprovalsEnd(t *testing.T) {
	for first, want := range map[string]vend.Outcome{
		"c,VEND,SUCCESS\nc,ERR,VEND 3\n": vend.Delivered,
		"c,ERR,VEND 3\nc,VEND,SUCCESS\n": vend.NotDelivered,
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go func() { _, _ = io.WriteString(far, first) }()
			b := &mdb.Bridge{Open: func() (io.ReadWriteCloser, error) { return near, nil }, Currency: "SEK"}
			if got, known := b.Recall(t.Context(), mdb.RecallMax); !known || got.Outcome != want {
				t.Errorf("%q is recalled as %+v, %v", first, got, known)
			}
		})
	}
}

// shouting is a line that takes nothing, and never stops saying something.
type shouting struct{ stuck }

func (s *shouting) Read(b []byte) (int, error) {
	select {
	case <-s.ended:
		return 0, io.EOF
	case <-time.After(time.Millisecond):
		return copy(b, "zzzz"), nil
	}
}

// TestALineThatShoutsAndTakesNothingIsGivenUp: what waits to be read must not hold up the bridge until somebody
// pulls the plug.
func TestALineThatShoutsAndTakesNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		opens := 0
		s.bridge.Open = func() (io.ReadWriteCloser, error) {
			if opens++; opens == 1 {
				return &shouting{stuck{deaf{ended: make(chan struct{})}}}, nil
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

// TestASuccessThatComesALittleLateCounts: the machine says first that it is back in its session. Unknown, the item
// would be charged just the same, but its slot closed.
func TestASuccessThatComesALittleLateCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		say := script(t, s)
		s.run()
		say("c,STATUS,ENABLED")
		s.bridge.Sell(sek(5000))
		synctest.Wait()
		say("c,STATUS,IDLE,50.00")
		say("c,STATUS,VEND,15.00,10")
		s.request()
		time.AfterFunc(time.Second, func() { say("c,STATUS,IDLE") })
		time.AfterFunc(3500*time.Millisecond, func() { say("c,VEND,SUCCESS") })
		if got := s.bridge.Product(water).Vend(context.Background()); got.Outcome != vend.Delivered {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
		s.stop()
	})
}

// TestAMachineThatTakesLongToSetTheBridgeUpIsLeftAlone: who joins the bus anew every few seconds is never set up,
// and the machine sells nothing.
func TestAMachineThatTakesLongToSetTheBridgeUpIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		say := script(t, s)
		s.run()
		say("c,1")
		s.wait(5 * time.Second)
		say("v,4.0.2.0,0123456789abcdef")
		s.wait(2 * time.Second)
		say("c,STATUS,ENABLED")
		if n := s.count("> C,0"); n != 1 || s.state() != nil {
			t.Errorf("the bus was joined %d times, and %v\n%s", n, s.state(), s.transcript())
		}
		s.stop()
	})
}

// TestAnApprovalDoesNotOutlastTheProgramsEnd: nobody listens any more, and whoever ends the program does not wait
// for a minute.
func TestAnApprovalDoesNotOutlastTheProgramsEnd(t *testing.T) {
	inBubble(t, func(s *stand) {
		brew := func() bool { time.Sleep(time.Minute); return true }
		s.machine.Products[33] = mdbtest.Product{Price: "15.00", Deliver: brew}
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(33)
		s.request()
		began := time.Now()
		time.AfterFunc(time.Second, s.stop)
		got := s.bridge.Product(33).Vend(context.Background())
		if took := time.Since(began); got.Outcome != vend.Unknown || got.Why != vend.WhyUnplugged ||
			took > 12*time.Second {
			t.Errorf("%+v after %v\n%s", got, took, s.transcript())
		}
	})
}

// TestARequestOfBeforeThePlugWasPulledIsNotApproved, neither while the line is away, which would write it first of
// all when it is back, nor then: the machine may have begun anew meanwhile.
func TestARequestOfBeforeThePlugWasPulledIsNotApproved(t *testing.T) {
	for _, later := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond} {
		inBubble(t, func(s *stand) {
			s.bridge.Sell(sek(5000))
			s.wait(time.Second)
			s.press(water)
			s.request()
			s.machine.Unplug()
			s.machine.Plug()
			s.wait(later)
			got := s.bridge.Product(water).Vend(context.Background())
			if got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped || s.count("> C,VEND") != 0 {
				t.Errorf("%v later: %+v\n%s", later, got, s.transcript())
			}
		})
	}
}
