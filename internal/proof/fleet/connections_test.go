package fleet

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	kiosk "kioskd/internal/fleet"
	"kioskd/internal/fleet/grants"
	"kioskd/internal/proof/broker"
)

var connectionsFlag = flag.Int("connections", 200, "kiosks that are connected at the same time")

const (
	backWithin   = 60 * time.Second
	spareFiles   = 1000
	firstConnect = 10 * time.Minute // for all of them, on a machine that does something else too
)

// TestAllKiosksAreBackAMinuteAfterEveryBrokerWasRestarted makes many connections as kiosks do, and kills every broker.
func TestAllKiosksAreBackAMinuteAfterEveryBrokerWasRestarted(t *testing.T) {
	n := *connectionsFlag
	if err := moreFiles(uint64(n + spareFiles)); err != nil {
		t.Skipf("no more than the system's limit of open files: %v", err)
	}
	brokers := broker.Cluster(t, 3)
	t.Logf("handshakes a second, TLS and a key of its own each, both ends on this machine: %.0f",
		handshakes(t, brokers, n))
	before := memory(t, brokers)
	ownBefore := ownMemory(t)
	c := &crowd{t: t, size: n}
	c.connect(brokers)
	c.await(firstConnect)
	after := memory(t, brokers)
	t.Logf("KiB a connection: %.1f at the brokers, %.1f here", float64(after-before)/float64(n)/1024,
		float64(ownMemory(t)-ownBefore)/float64(n)/1024)

	brokers.Kill()
	if err := Until(t.Context(), backWithin, nil, func() bool { return c.up.Load() == 0 }); err != nil {
		t.Fatalf("%d kiosks do not know that every broker is dead", c.up.Load())
	}
	began := time.Now()
	c.restarted(began) // before it: the first are back before the last broker listens
	if err := brokers.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.await(backWithin)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.back)
	t.Logf("all back after %v, half of them after %v: %.2f of the minute that they may take",
		took.Round(time.Millisecond), c.back[len(c.back)/2].Round(time.Millisecond),
		took.Seconds()/backWithin.Seconds())
}

// crowd is many kiosks as far as the brokers see them: the kiosk's own code keeps each connection, and nothing is said
// over it.
type crowd struct {
	t    *testing.T
	size int
	up   atomic.Int64

	mu    sync.Mutex
	since time.Time
	back  []time.Duration // after a restart, of each
}

// await waits until all are connected.
func (c *crowd) await(within time.Duration) {
	c.t.Helper()
	if err := Until(c.t.Context(), within, nil, func() bool { return c.up.Load() == int64(c.size) }); err != nil {
		c.t.Fatalf("after %v %d of %d kiosks are not connected", within, int64(c.size)-c.up.Load(), c.size)
	}
}

func (c *crowd) restarted(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.back = at, nil
}

// connect connects all of them, until the test ends.
func (c *crowd) connect(f *broker.Fleet) {
	c.t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var work sync.WaitGroup
	c.t.Cleanup(func() {
		end()
		work.Wait()
	})
	dir := c.t.TempDir()
	for n := range c.size {
		id := fmt.Sprintf("K%05d", n)
		credentials, err := f.Trust.Credentials(grants.Kiosk, id)
		if err != nil {
			c.t.Fatal(err)
		}
		file := filepath.Join(dir, id)
		if err := os.WriteFile(file, credentials, 0o600); err != nil {
			c.t.Fatal(err)
		}
		line := kiosk.NewLine(kiosk.Config{Kiosk: id, Servers: urls(f), Credentials: file, CA: f.CA, Size: c.size,
			Services: []kiosk.Service{c.serve}, Wall: time.Now, Jitter: jitter, Log: zerolog.Nop()})
		work.Go(func() { line.Run(ctx) })
	}
}

// serve counts a kiosk while it is connected.
func (c *crowd) serve(ctx context.Context, _ *nats.Conn) error {
	c.mu.Lock()
	c.back = append(c.back, time.Since(c.since))
	c.mu.Unlock()
	c.up.Add(1)
	defer c.up.Add(-1)
	<-ctx.Done()
	return nil
}

func urls(f *broker.Fleet) (all []string) {
	for _, s := range f.Servers {
		all = append(all, "tls://"+s.Address)
	}
	return all
}

// jitter is a random part of a time.
func jitter(most time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(most) + 1)) }

// dialers connect at the same time while handshakes are counted, and each of them so often at most.
const (
	dialers    = 16
	dialedMost = 200
)

// handshakes measures how many connections a second are made and ended, by as many dialers as there may be kiosks.
func handshakes(t *testing.T, f *broker.Fleet, kiosks int) float64 {
	t.Helper()
	each := min(dialedMost, max(1, kiosks/dialers))
	var work sync.WaitGroup
	failed := make(chan error, dialers)
	began := time.Now()
	for d := range dialers {
		work.Go(func() {
			for n := range each {
				nc, err := f.Connect(grants.Kiosk, fmt.Sprintf("H%d%d", d, n), nats.Timeout(time.Minute))
				if err != nil {
					failed <- err
					return
				}
				nc.Close()
			}
		})
	}
	work.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	return float64(dialers*each) / took.Seconds()
}

// moreFiles lets this process, and those that it starts, have so many files open.
func moreFiles(n uint64) error {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur >= n {
		return err
	}
	r.Cur, r.Max = max(r.Cur, n), max(r.Max, n)
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &r)
}

// memory is what the brokers have in memory, in bytes.
func memory(t *testing.T, f *broker.Fleet) (all int64) {
	t.Helper()
	for _, s := range f.Servers {
		all += resident(t, strconv.Itoa(s.PID()))
	}
	return all
}

func ownMemory(t *testing.T) int64 { return resident(t, "self") }

// resident is a process's memory, in bytes.
func resident(t *testing.T, pid string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("process %s has no memory", pid)
	return 0
}
