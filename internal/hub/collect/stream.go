package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/fleet/protocol"
)

// The stream's bounds. It holds what was not written yet, and never fills the broker's disk: what it lets go is sent
// again by the kiosks.
const (
	streamAge        = 7 * 24 * time.Hour
	streamBytes      = 1 << 30 // a server refuses the stream when it has not so much room
	streamPerKiosk   = 4096
	streamDuplicates = 2 * time.Minute
)

const (
	// consumer is the collectors' common place in the stream.
	consumer = "kioskhub"
	// ackWithin is when an entry is given out again that nobody said anything about.
	ackWithin = 30 * time.Second
	// group and takeOver: one collector at a time is given entries, so that those of a kiosk come to it in order. When
	// it asks for no more for so long, another one is.
	group    = "one"
	takeOver = 6 * time.Second
	// pendingMax bounds the entries that were given out and not answered.
	pendingMax = 8192
	// batchMax bounds what is worked on at once, and as many are kept ready.
	batchMax = 512
)

// ensure makes the stream and the consumer, if somebody deleted them, and gives the consumer.
func (c *Collector) ensure(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: protocol.Stream, Subjects: []string{protocol.Entries}, Storage: jetstream.FileStorage,
		Description: "journal entries on their way to the operator's database", Replicas: max(1, c.Replicas),
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardOld, MaxAge: streamAge,
		MaxBytes: streamBytes, MaxMsgsPerSubject: streamPerKiosk, Duplicates: streamDuplicates,
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", protocol.Stream, err)
	}
	return s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWithin, MaxAckPending: pendingMax,
		MaxDeliver: -1, PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{group},
		PinnedTTL: takeOver,
	})
}

// collect takes entries from the stream until ctx ends, whatever becomes of the stream and the database.
func (c *Collector) collect(ctx context.Context, js jetstream.JetStream) {
	for times := 0; ctx.Err() == nil; times++ {
		from, err := c.ensure(ctx, js)
		if err == nil {
			var some bool
			if some, err = c.follow(ctx, from); some {
				times = 0
			}
		}
		if ctx.Err() == nil {
			c.trouble(theStream, err)
			retry(ctx, times)
		}
	}
}

// follow works through what the consumer gives until it gives no more. some: it gave something.
func (c *Collector) follow(ctx context.Context, from jetstream.Consumer) (some bool, err error) {
	messages, err := from.Messages(jetstream.PullMaxMessages(batchMax), jetstream.PullExpiry(takeOver/2),
		jetstream.PullHeartbeat(takeOver/4), jetstream.WithMessagesErrOnMissingHeartbeat(true),
		jetstream.PullPriorityGroup(group))
	if err != nil {
		return false, err
	}
	c.trouble(theStream, nil)
	defer context.AfterFunc(ctx, messages.Drain)()
	ready := make(chan jetstream.Msg, batchMax)
	ended := make(chan error, 1)
	go func() {
		defer close(ready)
		for {
			m, err := messages.Next()
			if err != nil {
				messages.Stop()
				ended <- err
				return
			}
			ready <- m
		}
	}()
	for m := range ready {
		some = true
		batch := []jetstream.Msg{m}
		for more := true; more && len(batch) < batchMax; {
			select {
			case m, more = <-ready:
				if more {
					batch = append(batch, m)
				}
			default:
				more = false
			}
		}
		c.batch(ctx, batch)
	}
	if err = <-ended; errors.Is(err, jetstream.ErrMsgIteratorClosed) {
		err = nil
	}
	return some, err
}
