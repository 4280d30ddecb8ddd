package collect

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
)

// sent is an entry as it came, with the message that it came in.
type sent struct {
	store.Copy
	message jetstream.Msg
}

// workers is how many kiosks' entries are written at once: the database makes one sync of several commits.
const workers = 8

// batch has entries written, each kiosk's in a transaction of its own. It returns when each has been answered, or ctx
// has ended: what is unanswered then is given to another collector.
func (c *Collector) batch(ctx context.Context, messages []jetstream.Msg) {
	kiosks := map[string][]sent{}
	for _, m := range messages {
		kiosk := strings.TrimPrefix(m.Subject(), protocol.Entry(""))
		if ctx.Err() != nil {
			_ = m.Nak() // another one takes it at once
			continue
		}
		s, err := read(kiosk, m)
		if err != nil {
			c.rubbish(ctx, kiosk, m, err)
			continue
		}
		kiosks[kiosk] = append(kiosks[kiosk], s)
	}
	var all sync.WaitGroup
	room := make(chan struct{}, workers)
	for kiosk, some := range kiosks {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			slices.SortStableFunc(some, func(a, b sent) int { return int(min(1, max(-1, a.Seq-b.Seq))) })
			c.kiosk(ctx, kiosk, some)
		})
	}
	all.Wait()
}

// read finds whether a message is an entry: its text is, and has the hash that its kiosk says.
func read(kiosk string, m jetstream.Msg) (sent, error) {
	if err := protocol.CheckID(kiosk); err != nil {
		return sent{}, err
	}
	c, err := readCopy(m.Headers(), m.Data())
	return sent{c, m}, err
}

func readCopy(h nats.Header, text []byte) (store.Copy, error) {
	e, err := chain.Read(text)
	if err != nil {
		return store.Copy{}, err
	}
	if h.Get(protocol.HeaderHash) != hex.EncodeToString(e.Hash) {
		return store.Copy{}, fmt.Errorf("entry %d has not the hash that it is said to have", e.Seq)
	}
	first, err := strconv.ParseInt(h.Get(protocol.HeaderFirst), 10, 64)
	if err != nil || first < 1 || first > e.Seq {
		return store.Copy{}, fmt.Errorf("entry %d is said to be of a journal that begins at %q", e.Seq,
			h.Get(protocol.HeaderFirst))
	}
	return store.Copy{Entry: e, First: first}, store.CheckCopy(e)
}

// rubbish ends what can never be written, so that it stands in nobody's way.
func (c *Collector) rubbish(ctx context.Context, kiosk string, m jetstream.Msg, why error) {
	c.fate("rubbish", 1)
	c.Log.Error().Err(why).Str("subject", m.Subject()).Msg("what came is no entry")
	if protocol.CheckID(kiosk) == nil {
		if err := c.Store.Alarm(ctx, kiosk, store.Rubbish, why.Error(), time.Now()); err != nil {
			return // it comes again
		}
	}
	_ = m.TermWithReason("no entry")
}

// refusedMost is how often a kiosk's entries are tried again at once when a database that answers refuses them.
const refusedMost = 3

// kiosk has a kiosk's entries written, says what is held, and answers each: in this order.
func (c *Collector) kiosk(ctx context.Context, kiosk string, some []sent) {
	copies := make([]store.Copy, len(some))
	for n, s := range some {
		copies[n] = s.Copy
	}
	for times, refused := 0, 0; ; times++ {
		began := time.Now()
		held, fates, err := c.Store.Take(context.WithoutCancel(ctx), kiosk, copies, began)
		if err == nil {
			c.taken(time.Since(began))
			c.trouble(theDatabase, nil)
			c.told(kiosk, some, held, fates)
			return
		}
		if down := c.Store.Ping(ctx); down != nil {
			c.trouble(theDatabase, down)
		} else if refused++; refused >= refusedMost {
			c.refused(ctx, kiosk, some, err)
			return
		}
		if ctx.Err() != nil {
			for _, s := range some {
				_ = s.message.Nak()
			}
			return
		}
		for _, s := range some { // it is not forgotten: nobody else need take it
			_ = s.message.InProgress()
		}
		retry(ctx, times)
	}
}

// refused puts off the entries of one kiosk that a database refuses which answers otherwise: the others go on.
func (c *Collector) refused(ctx context.Context, kiosk string, some []sent, why error) {
	c.fate("put_off", len(some))
	c.Log.Error().Err(why).Str("kiosk", kiosk).Msg("the database refuses a kiosk's entries: they are tried again")
	if err := c.Store.Alarm(ctx, kiosk, store.Unwritten, why.Error(), time.Now()); err != nil {
		c.Log.Error().Err(err).Str("kiosk", kiosk).Msg("nor does it take an alarm")
	}
	for _, s := range some {
		_ = s.message.NakWithDelay(putOff)
	}
}

const (
	putOff = 5 * time.Second
	// gapTries is how often an entry is put off whose predecessor is missing: it may be in another collector's hands.
	// The delays double from gapFirst. Then the kiosk is told what is held, and sends again from there.
	gapTries = 4
	gapFirst = 50 * time.Millisecond
)

// told says what is held now, and answers the messages. What is committed is true whatever becomes of these words.
func (c *Collector) told(kiosk string, some []sent, held protocol.Held, fates []store.Fate) {
	again, waits := false, 0
	for n, s := range some {
		c.fate(string(fates[n]), 1)
		if fates[n] != store.Gap {
			again = true
			continue
		}
		if waits++; deliveries(s.message) >= gapTries {
			again = true
		}
	}
	if held.Fork {
		c.Log.Error().Str("kiosk", kiosk).Int64("seq", held.Seq).Msg("another journal with this id: nothing of it is " +
			"written until a person decides")
	}
	if again {
		c.say(kiosk, held)
	}
	for n, s := range some {
		if fates[n] == store.Written {
			c.delay(s.message)
		}
		var err error
		tries := deliveries(s.message)
		switch {
		case fates[n] != store.Gap:
			err = s.message.Ack()
		case tries >= gapTries:
			err = s.message.TermWithReason("an entry before it is missing")
		default:
			err = s.message.NakWithDelay(gapFirst << max(0, tries-1))
		}
		if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			c.Log.Debug().Err(err).Msg("an entry could not be answered: it comes again, and is known then")
		}
	}
	if waits > 0 {
		c.Log.Debug().Str("kiosk", kiosk).Int("entries", waits).Int64("held", held.Seq).Msg("an entry is missing")
	}
}

// deliveries is how often a message has been given out.
func deliveries(m jetstream.Msg) int {
	meta, err := m.Metadata()
	if err != nil {
		return 1
	}
	return int(min(meta.NumDelivered, 1000))
}
