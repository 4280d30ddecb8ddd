package fleet

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// quick are the waits of a line in a test: a thousandth of the real ones.
func quick(d time.Duration) time.Duration { return jitter(d / 1000) }

// connected runs a line until the test ends.
func connected(t testing.TB, c Config) *Line {
	t.Helper()
	c.Kiosk, c.Wall = "A1", time.Now
	if c.Jitter == nil {
		c.Jitter = quick
	}
	l := NewLine(c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return l
}

func TestAConnectionIsMadeAgainForEver(t *testing.T) {
	s := broker.Plain(t)
	var on atomic.Int32 // services that work
	l := connected(t, Config{Servers: []string{"nats://" + s.Address}, Services: []Service{
		func(ctx context.Context, nc *nats.Conn) error {
			on.Add(1)
			defer on.Add(-1)
			<-ctx.Done()
			return nil
		}}})
	for range 4 {
		await.Until(t, "a connection", func() bool { return l.State().Connected && on.Load() == 1 })
		if !strings.Contains(l.State().Server, s.Address) {
			t.Errorf("%+v", l.State())
		}
		s.Kill()
		await.Until(t, "its end", func() bool { return !l.State().Connected && on.Load() == 0 && l.State().Why != "" })
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestALaterServerOfTheListIsFound: a WebSocket that is none beside it, too.
func TestALaterServerOfTheListIsFound(t *testing.T) {
	s := broker.Plain(t)
	l := connected(t, Config{Servers: []string{"nats://127.0.0.1:1", "nats://" + s.Address, "ws://127.0.0.1:1"}})
	await.Until(t, "a connection", func() bool { return l.State().Connected })
}

func TestWaitsGrowWithFailuresAndWithTheFleet(t *testing.T) {
	for _, c := range []struct {
		size, lost int
		want       time.Duration
	}{
		{0, 1, 4 * time.Second}, {0, 2, 8 * time.Second}, {0, 4, 32 * time.Second}, {0, 5, time.Minute},
		{0, 1000000, time.Minute}, {18_000, 9, time.Minute},
		{90_000, 30, 5 * time.Minute}, {90_000, 1, 4 * time.Second},
	} {
		l := NewLine(Config{Size: c.size, Wall: time.Now})
		if got := l.most(c.lost); got != c.want {
			t.Errorf("%d kiosks, %d failures: within %s, want %s", c.size, c.lost, got, c.want)
		}
	}
}
