// Package collect is the collector: it takes the journals' entries from the broker, has them written to the operator's
// database, and only then tells each kiosk what is there. The broker is transport: what it loses, or gives twice, or in
// another order, is found by the numbers and the hashes.
//
// Several collectors may run, also on several machines: one of them is given the entries at a time, the next takes over
// within seconds, and all answer what kiosks ask. That two write at once does no harm: the database's locks decide.
package collect

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

// Config is what a collector needs. The zero Log says nothing.
type Config struct {
	Store    *store.Store
	NATS     *nats.Conn
	Name     string // of this process, unlike any other's that ever was
	Replicas int    // of the stream: 1, or 3 in a cluster
	Metrics  *metrics.Set
	Log      zerolog.Logger
}

// Collector is one of them.
type Collector struct {
	Config
	figures
	troubles
}

// New makes a collector; Run has it work.
func New(c Config) *Collector {
	return &Collector{Config: c, figures: newFigures(c.Metrics)}
}

// queue is the group in which collectors share what kiosks ask and tell.
const queue = "kioskhub"

// Run collects until ctx ends. What stands against that is logged, and tried again: only ctx ends it.
func (c *Collector) Run(ctx context.Context) error {
	asks := make(chan *nats.Msg, asksMax)
	tells := make(chan *nats.Msg, asksMax)
	for subject, to := range map[string]chan *nats.Msg{protocol.Ask("*"): asks, protocol.Status("*"): tells} {
		sub, err := c.NATS.ChanQueueSubscribe(subject, queue, to)
		if err != nil {
			return err
		}
		defer sub.Unsubscribe()
	}
	js, err := jetstream.New(c.NATS)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for range askWorkers {
		all.Go(func() { c.answer(ctx, asks) })
	}
	all.Go(func() { c.listen(ctx, tells) })
	all.Go(func() { c.pulse(ctx) })
	all.Go(func() { c.collect(ctx, js) })
	all.Wait()
	return nil
}

// retry waits before the same is tried again: longer with each time, up to retryMost.
func retry(ctx context.Context, times int) {
	wait(ctx, min(retryMost, retryFirst<<min(times, 10)))
}

const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 3 * time.Second
)

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// say publishes what is held of a kiosk's journal. Nobody need hear it: a kiosk that waits for it asks.
func (c *Collector) say(kiosk string, held protocol.Held) {
	text, err := json.Marshal(held)
	if err == nil {
		err = c.NATS.Publish(protocol.Have(kiosk), text)
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		c.Log.Debug().Err(err).Str("kiosk", kiosk).Msg("what is held could not be said: the kiosk will ask")
	}
}

// troubles are what stands against collecting, each logged when it begins, when it becomes another, and when it ends.
type troubles struct {
	mu  sync.Mutex
	now map[string]string
}

func (c *Collector) trouble(what string, err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	c.mu.Lock()
	was := c.now[what]
	if c.now == nil {
		c.now = map[string]string{}
	}
	c.now[what] = why
	c.mu.Unlock()
	switch {
	case why == was:
	case why == "":
		c.Log.Info().Str("what", what).Msg("it works again")
	default:
		c.Log.Error().Str("what", what).Err(err).Msg("it does not work, and is tried again")
	}
}

// What may be in trouble.
const (
	theDatabase = "database"
	theStream   = "stream"
)

// Troubles are what stands against collecting now, by what it is about: for health checks. None: all is well.
func (c *Collector) Troubles() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]string{}
	for what, why := range c.now {
		if why != "" {
			all[what] = why
		}
	}
	return all
}
