package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fleet/protocol"
)

// gateway is a clock that others ask for, over a line that takes its time.
type gateway struct {
	name      string
	began     time.Time
	out, back time.Duration
	asked     *atomic.Int64
	dead      bool
}

func (g gateway) clock() time.Duration { return time.Since(g.began) }

func (g gateway) ask(ctx context.Context, name string) (time.Duration, error) {
	g.asked.Add(1)
	if g.dead || name != g.name {
		return 0, errors.New("nobody is there")
	}
	if err := wait(ctx, g.out); err != nil {
		return 0, err
	}
	says := g.clock()
	return says, wait(ctx, g.back)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// local is a clock in a synctest bubble that began some time ago.
func local() func() time.Duration {
	began := time.Now().Add(-1000 * time.Hour)
	return func() time.Duration { return time.Since(began) }
}

// TestNothingOlderThanItsLifeIsServed: whatever the lines and the queues do, what is served was asked less than its
// life ago.
func TestNothingOlderThanItsLifeIsServed(t *testing.T) {
	served := 0
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			some := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
			c := newClocks(local())
			g := gateway{asked: new(atomic.Int64), name: "G1", began: time.Now().Add(-some(time.Hour))}
			for range 30 {
				life := time.Second + some(4*time.Second)
				asked, at := protocol.Asked{Gateway: "G1", At: g.clock(), Life: life}, time.Now()
				g.out, g.back = some(time.Second), some(time.Second)
				time.Sleep(some(2 * life)) // in a queue
				if c.learn(t.Context(), asked, g.ask) != nil {
					continue
				}
				time.Sleep(some(life)) // frozen, before the last look
				left := c.left(asked)
				if left <= 0 {
					continue
				}
				served++
				if age := time.Since(at); age+left > life {
					t.Fatalf("seed=%d: served at the age of %v with %v left of %v", seed, age, left, life)
				}
			}
			time.Sleep(askWithin) // the last question is over
		})
	}
	if served < 1000 {
		t.Errorf("only %d are served at all", served)
	}
}

// TestAQuickLineIsAskedSeldom: thousand requests in ten minutes, some questions.
func TestAQuickLineIsAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocks(local())
		g := gateway{asked: new(atomic.Int64), name: "G1", began: time.Now(), out: 20 * time.Millisecond}
		for range 1000 {
			asked := protocol.Asked{Gateway: "G1", At: g.clock(), Life: 3 * time.Second}
			if err := c.learn(t.Context(), asked, g.ask); err != nil || c.left(asked) < 2*time.Second {
				t.Fatal(err, c.left(asked))
			}
			time.Sleep(600 * time.Millisecond)
		}
		if n := g.asked.Load(); n < 2 || n > 12 {
			t.Errorf("the clock was asked %d times", n)
		}
	})
}

// TestAGatewayWhoseClockCannotBeHadIsNotServed, nor waited for longer than the request lives.
func TestAGatewayWhoseClockCannotBeHadIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocks(local())
		g := gateway{asked: new(atomic.Int64), name: "G1", began: time.Now(), dead: true}
		asked := protocol.Asked{Gateway: "G1", At: g.clock(), Life: 2 * time.Second}
		if err := c.learn(t.Context(), asked, g.ask); !errors.Is(err, errStale) || c.left(asked) > 0 {
			t.Error("a dead gateway:", err)
		}
		g.dead, g.out = false, time.Hour
		before := time.Now()
		if err := c.learn(t.Context(), asked, g.ask); !errors.Is(err, errStale) || time.Since(before) > asked.Life {
			t.Error("a silent one:", err, time.Since(before))
		}
		time.Sleep(askWithin)
		g.out = 0
		asked.At = g.clock()
		if err := c.learn(t.Context(), asked, g.ask); err != nil {
			t.Error("it never recovers:", err)
		}
		synctest.Wait()
	})
}

// TestAClockThatStoodStillIsForgotten: a gateway's machine that slept is served again after one question.
func TestAClockThatStoodStillIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := newClocks(local()), gateway{asked: new(atomic.Int64), name: "G1", began: time.Now()}
		request := func() error {
			asked := protocol.Asked{Gateway: "G1", At: g.clock(), Life: 3 * time.Second}
			defer synctest.Wait()
			return c.learn(t.Context(), asked, g.ask)
		}
		if err := request(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		g.began = g.began.Add(20 * time.Second) // it slept so long
		first, second := request(), request()
		if !errors.Is(first, errStale) || second != nil {
			t.Errorf("served %v, then %v", first, second)
		}
	})
}

// TestManyWaitForOneQuestion.
func TestManyWaitForOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g := newClocks(local()), gateway{asked: new(atomic.Int64), name: "G1", began: time.Now(), out: time.Second}
		asked := protocol.Asked{Gateway: "G1", At: g.clock(), Life: 3 * time.Second}
		failed := make(chan error, 100)
		for range cap(failed) {
			go func() { failed <- c.learn(t.Context(), asked, g.ask) }()
		}
		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
		if n := g.asked.Load(); n != 1 {
			t.Errorf("%d questions", n)
		}
	})
}

// TestGatewaysAreForgotten: each start of one has a new name.
func TestGatewaysAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClocks(local())
		for n := range 10 * gatewaysMax {
			g := gateway{asked: new(atomic.Int64), name: fmt.Sprint("G", n), began: time.Now()}
			if err := c.learn(t.Context(), protocol.Asked{Gateway: g.name, Life: time.Second}, g.ask); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if len(c.each) > gatewaysMax {
			t.Errorf("%d are remembered", len(c.each))
		}
	})
}

func FuzzAClock(f *testing.F) {
	for _, s := range []string{"", "0", "1234567890", "-1", "9223372036854775807", "9223372036854775808", "1e9", "٣"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := readClock(b); err == nil && d < 0 {
			t.Errorf("%q is %v", b, d)
		}
	})
}
