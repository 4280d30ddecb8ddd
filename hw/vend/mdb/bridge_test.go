package mdb_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/mdb/mdbtest"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

const (
	water = 10
	cake  = 22
)

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// stand is a machine, our end of its line, and what both did.
type stand struct {
	t       *testing.T
	machine *mdbtest.Machine
	bridge  *mdb.Bridge
	asked   chan mdb.Request
	stop    context.CancelFunc

	mu     sync.Mutex
	came   map[int]int // products that came out
	wrote  []string    // by both
	states []error
	logged []string
}

// newStand runs inside a bubble.
func newStand(t *testing.T) *stand {
	s := &stand{t: t, asked: make(chan mdb.Request, 8), came: map[int]int{}}
	deliver := func(n int) func() bool {
		return func() bool {
			time.Sleep(600 * time.Millisecond)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.came[n]++
			return true
		}
	}
	s.machine = &mdbtest.Machine{
		Products: map[int]mdbtest.Product{water: {Price: "15.00", Deliver: deliver(water)},
			cake: {Price: "22.50", Deliver: deliver(cake)}},
		Log: func(line string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.wrote = append(s.wrote, line)
		},
		Complain: func(what string) { t.Errorf("the machine complains: %s", what) },
	}
	s.bridge = &mdb.Bridge{
		Open: s.machine.Open, Currency: "SEK", Longest: 20 * time.Second,
		Requested: func(r mdb.Request) { s.asked <- r },
		State: func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.states = append(s.states, err)
		},
		Log: func(what string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.logged = append(s.logged, what)
		},
	}
	if err := s.bridge.Check(); err != nil {
		t.Fatal(err)
	}
	return s
}

// run lets the bridge speak until the test's end.
func (s *stand) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.bridge.Run(ctx)
	}()
	s.stop = func() {
		cancel()
		<-ended
	}
	s.wait(2 * time.Second)
}

// end ends everything, and waits for what the machine still does.
func (s *stand) end() {
	if s.stop != nil {
		s.stop()
	}
	s.machine.Unplug()
	s.wait(time.Minute)
}

func (s *stand) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stand) out(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came[n]
}

func (s *stand) state() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[len(s.states)-1]
}

// count is how many lines began so.
func (s *stand) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.wrote {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

func (s *stand) transcript() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.wrote, "\n")
}

// press is a customer at the machine.
func (s *stand) press(n int) {
	s.t.Helper()
	if !s.machine.Press(n) {
		s.t.Fatalf("the machine takes no choice: it is %s\n%s", s.machine.Status(), s.transcript())
	}
	s.wait(100 * time.Millisecond)
}

// request is the one that was made.
func (s *stand) request() mdb.Request {
	s.t.Helper()
	select {
	case r := <-s.asked:
		return r
	default:
		s.t.Fatalf("nothing was asked for:\n%s", s.transcript())
		return mdb.Request{}
	}
}

// vend buys product n with what may go wrong.
func (s *stand) vend(n int) vend.Result {
	s.t.Helper()
	s.press(n)
	if r := s.request(); r.Product != n {
		s.t.Fatalf("product %d was asked for", r.Product)
	}
	return s.bridge.Product(n).Vend(context.Background())
}

// inBubble runs a test on a stand that works.
func inBubble(t *testing.T, f func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run()
		defer s.end()
		f(s)
	})
}

func TestAMachineSellsWhatIsApproved(t *testing.T) {
	inBubble(t, func(s *stand) {
		if err := s.state(); err != nil {
			t.Fatalf("a machine that is enabled cannot sell: %v", err)
		}
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		r := s.request()
		if r.Product != water || r.Price != sek(1500) {
			t.Errorf("asked for %+v", r)
		}
		s.wait(2 * time.Second)
		if s.out(water) != 0 || s.count("> C,VEND") != 0 {
			t.Fatal("the machine delivered before it was approved")
		}
		if got := s.bridge.Product(water).Vend(context.Background()); got != (vend.Result{Outcome: vend.Delivered}) {
			t.Errorf("got %+v\n%s", got, s.transcript())
		}
		if s.out(water) != 1 {
			t.Errorf("%d came out", s.out(water))
		}
		s.bridge.Sell(sek(3500)) // what is left
		s.wait(time.Second)
		if got := s.vend(cake); got.Outcome != vend.Delivered {
			t.Errorf("the second product: %+v\n%s", got, s.transcript())
		}
		s.bridge.Sell(money.Amount{})
		s.wait(3 * time.Second)
		if s.machine.Press(water) {
			t.Errorf("the machine sells without a session\n%s", s.transcript())
		}
		if s.count("> C,START,50.00") != 1 || s.count("> C,START,35.00") != 1 {
			t.Errorf("the credits were not shown:\n%s", s.transcript())
		}
	})
}

// TestEverySilenceAfterAnApprovalHasItsMeaning is the table of the package's comment.
func TestEverySilenceAfterAnApprovalHasItsMeaning(t *testing.T) {
	for _, c := range []struct {
		name    string
		trouble mdbtest.Trouble
		noise   []mdbtest.Noise // of the lines after the request
		want    vend.Outcome
		why     reason.Why
		came    int
	}{
		{"nothing goes wrong", "", nil, vend.Delivered, "", 1},
		{"the machine cannot deliver", mdbtest.Fail, nil, vend.NotDelivered, vend.WhyMachineFailed, 0},
		{"the machine gives up first", mdbtest.CancelFirst, nil, vend.NotDelivered, vend.WhyStopped, 0},
		{"it gives up first, and only the bridge says so", mdbtest.CancelFirst,
			[]mdbtest.Noise{mdbtest.Lose, mdbtest.Lose}, vend.NotDelivered, vend.WhyRefused, 0},
		{"it gives up first, and nothing else is heard", mdbtest.CancelFirst,
			[]mdbtest.Noise{"", mdbtest.Lose, mdbtest.Lose, mdbtest.Lose}, vend.NotDelivered, vend.WhyStopped, 0},
		{"the approval is lost, and the machine gives up", mdbtest.Deaf, nil, vend.NotDelivered, vend.WhyStopped, 0},
		{"the approval is lost, and the machine says only that it is back", mdbtest.DeafSilent, nil, vend.Unknown,
			vend.WhyNoAnswer, 0},
		{"the machine resets before it delivers", mdbtest.ResetBefore, nil, vend.Unknown, vend.WhyReset, 0},
		{"the machine resets when it has delivered", mdbtest.ResetAfter, nil, vend.Unknown, vend.WhyReset, 1},
		{"the success comes late", mdbtest.Late, nil, vend.Delivered, "", 1},
		{"the success never comes", mdbtest.NoAnswer, nil, vend.Unknown, vend.WhyNoAnswer, 1},
		{"the success is lost", "", []mdbtest.Noise{mdbtest.Lose}, vend.Unknown, vend.WhyNoAnswer, 1},
		{"the success is garbled", "", []mdbtest.Noise{mdbtest.Garble}, vend.Unknown, vend.WhyNoAnswer, 1},
		{"the success is halved", "", []mdbtest.Noise{mdbtest.Halve}, vend.Unknown, vend.WhyNoAnswer, 1},
		{"the success is doubled", "", []mdbtest.Noise{mdbtest.Double}, vend.Delivered, "", 1},
		{"rubbish comes before the success", "", []mdbtest.Noise{mdbtest.Rubbish}, vend.Delivered, "", 1},
		{"all of the end is lost", "", []mdbtest.Noise{mdbtest.Lose, mdbtest.Lose, mdbtest.Lose, mdbtest.Lose,
			mdbtest.Lose, mdbtest.Lose, mdbtest.Lose}, vend.Unknown, vend.WhyNoAnswer, 1},
		{"the line is unplugged, and stays so", mdbtest.UnplugBefore, nil, vend.Unknown, vend.WhyUnplugged, 1},
		{"the line is unplugged for a while", mdbtest.UnplugForAWhile, nil, vend.Delivered, "", 1},
		{"the machine lies", mdbtest.Liar, nil, vend.Delivered, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(s *stand) {
				s.bridge.Sell(sek(5000))
				s.wait(time.Second)
				s.press(water)
				s.request()
				s.machine.Break(c.trouble)
				s.machine.Spoil(c.noise...)
				began := time.Now()
				got := s.bridge.Product(water).Vend(context.Background())
				if got.Outcome != c.want || got.Why != c.why {
					t.Errorf("%s %s (%v), want %s %s\n%s", got.Outcome, got.Why, got.Err, c.want, c.why, s.transcript())
				}
				if took := time.Since(began); took > s.bridge.Product(water).Terms().Longest {
					t.Errorf("it took %v", took)
				}
				s.wait(30 * time.Second)
				if s.out(water) != c.came {
					t.Errorf("%d came out, want %d", s.out(water), c.came)
				}
				if n := s.count("> C,VEND"); n != 1 {
					t.Errorf("%d approvals were written:\n%s", n, s.transcript())
				}
			})
		})
	}
}

// TestACancelThatMayBeASecondRequestsProvesNothing: the success was lost on the line, and the customer wants the same
// product once more. The machine's "cancelled" is the second request's, and the first product came out.
func TestACancelThatMayBeASecondRequestsProvesNothing(t *testing.T) {
	for _, noise := range [][]mdbtest.Noise{ // of the success, that the machine is idle again, and the second request
		{mdbtest.Lose, mdbtest.Lose, ""},
		{mdbtest.Halve, mdbtest.Halve, ""},
		{mdbtest.Halve, mdbtest.Garble, mdbtest.Lose},
	} {
		inBubble(t, func(s *stand) {
			s.bridge.Sell(sek(5000))
			s.wait(time.Second)
			s.press(water)
			s.request()
			s.machine.Spoil(noise...)
			go func() {
				for s.out(water) == 0 {
					s.wait(100 * time.Millisecond)
				}
				s.press(water)
			}()
			got := s.bridge.Product(water).Vend(context.Background())
			if got.Outcome != vend.Unknown || got.Why != vend.WhyNoAnswer || s.out(water) != 1 {
				t.Errorf("%q: %s %s, and %d came out\n%s", noise, got.Outcome, got.Why, s.out(water), s.transcript())
			}
		})
	}
}

func TestAnApprovalIsWrittenOnceAndForItsRequestOnly(t *testing.T) {
	inBubble(t, func(s *stand) {
		if got := s.bridge.Product(water).Vend(context.Background()); got.Outcome != vend.NotDelivered ||
			got.Why != vend.WhyStopped {
			t.Errorf("without a request: %+v", got)
		}
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		if got := s.bridge.Product(cake).Vend(context.Background()); got.Outcome != vend.NotDelivered ||
			got.Why != vend.WhyStopped {
			t.Errorf("another product than the one that is asked for: %+v", got)
		}
		results := make(chan vend.Result, 2)
		for range 2 {
			go func() { results <- s.bridge.Product(water).Vend(context.Background()) }()
		}
		a, b := <-results, <-results
		if (a.Outcome == vend.Delivered) == (b.Outcome == vend.Delivered) || s.out(water) != 1 ||
			s.count("> C,VEND") != 1 {
			t.Errorf("one request, two vends: %+v, %+v, %d came out\n%s", a, b, s.out(water), s.transcript())
		}
	})
}

func TestADeclinedRequestIsDeniedAndTheNextOneIsOffered(t *testing.T) {
	for _, deny := range []string{mdb.DenyStop, mdb.DenyMinus} {
		t.Run(deny, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.bridge.Deny = deny
				s.machine.Multi = deny == mdb.DenyMinus
				s.run()
				defer s.end()
				s.bridge.Sell(sek(2000))
				s.wait(time.Second)
				s.press(cake)
				s.bridge.Decline(s.request().ID)
				s.wait(time.Second)
				if got := s.bridge.Product(cake).Vend(context.Background()); got.Outcome != vend.NotDelivered {
					t.Errorf("a declined request was approved: %+v", got)
				}
				if s.count("> C,VEND,-1") != map[string]int{mdb.DenyMinus: 1}[deny] || s.count("< c,ERR") != 0 {
					t.Errorf("denied with %s:\n%s", deny, s.transcript())
				}
				if got := s.vend(water); got.Outcome != vend.Delivered || s.out(water) != 1 || s.out(cake) != 0 {
					t.Errorf("the next one: %+v\n%s", got, s.transcript())
				}
			})
		})
	}
}

func TestNobodyIsAskedForARequestThatNobodyPays(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.bridge.Sell(money.Amount{})
		if !s.machine.Press(water) { // just before the session ends
			t.Fatal("the session has ended already")
		}
		s.wait(5 * time.Second)
		if len(s.asked) != 0 || s.machine.Status() != mdb.Enabled {
			t.Errorf("%d requests, the machine is %s\n%s", len(s.asked), s.machine.Status(), s.transcript())
		}
	})
}

func TestARequestThatCannotBeReadIsDenied(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.machine.Products[33] = mdbtest.Product{Price: "1500"} // another scale than ours: 15 or 1500?
		s.press(33)
		s.wait(5 * time.Second)
		if len(s.asked) != 0 || s.count("> C,STOP") != 1 || s.machine.Status() != mdb.Idle {
			t.Errorf("%d requests, the machine is %s\n%s", len(s.asked), s.machine.Status(), s.transcript())
		}
	})
}

func TestARequestThatTheMachineTakesBackIsNotApproved(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		s.wait(8 * time.Second) // it gives up
		if got := s.bridge.Product(water).Vend(context.Background()); got.Outcome != vend.NotDelivered ||
			got.Why != vend.WhyStopped {
			t.Errorf("%+v", got)
		}
		if s.count("> C,VEND") != 0 {
			t.Errorf("approved:\n%s", s.transcript())
		}
	})
}

func TestAVendThatIsStoppedInTimeIsNotApproved(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if got := s.bridge.Product(water).Vend(ctx); got.Outcome != vend.NotDelivered || got.Why != vend.WhyStopped {
			t.Errorf("%+v", got)
		}
		s.wait(5 * time.Second)
		if s.count("> C,VEND") != 0 || s.machine.Status() == mdb.Vend {
			t.Errorf("approved, or left waiting:\n%s", s.transcript())
		}
	})
}

func TestAVendThatIsStoppedTooLateStillTellsWhatCameOut(t *testing.T) {
	inBubble(t, func(s *stand) {
		s.bridge.Sell(sek(5000))
		s.wait(time.Second)
		s.press(water)
		s.request()
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(200*time.Millisecond, cancel)
		if got := s.bridge.Product(water).Vend(ctx); got.Outcome != vend.Delivered {
			t.Errorf("%+v\n%s", got, s.transcript())
		}
	})
}
