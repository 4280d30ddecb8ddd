package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
)

const (
	askWithin   = 3 * time.Second  // for a gateway to say what its clock says
	goodFor     = 10 * time.Minute // so long that is believed
	renewAfter  = time.Minute      // it is asked for anew by then, while nobody waits for it
	againAfter  = 5 * time.Second  // what seems too old makes the clock be asked again, at most so often
	gatewaysMax = 64               // that are remembered: each start of one makes a new name
	// two clocks run apart by less than this part of the time since they were compared: Linux lets NTP turn each of
	// them by a 2,000th
	driftParts = 1000
)

// errStale is for what certainly, or possibly, has outlived its life.
var errStale = errors.New("relay: older than its life, or nobody can say")

// clocks knows what the gateways' clocks say, by the local one.
//
// A gateway that is asked at the local time asked, says g, and is heard at heard, said so between the two. So its clock
// is at most at g + (now - asked), and at least at g + (now - heard). A request is served when it is young even by the
// first: one that waited in a queue or in a cut connection cannot look younger than it is, and a slow line can only
// make it look older.
type clocks struct {
	now func() time.Duration

	mu   sync.Mutex
	each map[string]*clock // by gateway
}

// clock is what is known of one gateway's.
type clock struct {
	known       bool
	most, least time.Duration // what is added to the local time to have what its clock says at most, and at least
	at          time.Duration // when it was asked for the newest of these
	used        time.Duration
	asking      *question     // nil: nobody asks
	again       time.Duration // before this moment nobody asks again for what seems too old
}

// question is one that a gateway was asked.
type question struct {
	over chan struct{} // closed when the answer is there, or is not coming
	err  error         // why it is not; to be read after that
}

func newClocks(now func() time.Duration) *clocks {
	return &clocks{now: now, each: map[string]*clock{}}
}

// asker asks a gateway what its clock says.
type asker func(ctx context.Context, gateway string) (time.Duration, error)

// exchange asks over a connection.
func exchange(nc *nats.Conn) asker {
	return func(ctx context.Context, gateway string) (time.Duration, error) {
		m, err := nc.RequestWithContext(ctx, protocol.Clock(gateway), nil)
		if err != nil {
			return 0, err
		}
		return readClock(m.Data)
	}
}

// readClock reads a gateway's answer.
func readClock(data []byte) (time.Duration, error) {
	const digitsMax = 19
	if len(data) > digitsMax {
		return 0, errors.New("relay: a gateway's clock says too much")
	}
	ns, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil || ns < 0 {
		return 0, errors.New("relay: a gateway's clock says no number")
	}
	return time.Duration(ns), nil
}

// drift is what two clocks may have run apart since they were compared.
func drift(since time.Duration) time.Duration { return since / driftParts }

// left is what certainly remains of a request's life now; nothing of one whose gateway's clock is not known.
func (c *clocks) left(a protocol.Asked) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.each[a.Gateway]
	if k == nil || !k.known {
		return 0
	}
	now := c.now()
	if now-k.at > goodFor {
		return 0
	}
	return k.leftBy(now+k.most+drift(now-k.at), a)
}

// leftBy is what remains of a request's life when the gateway's clock says so.
func (k *clock) leftBy(gateway time.Duration, a protocol.Asked) time.Duration {
	return min(a.Life-(gateway-a.At), a.Life) // one from the future was not asked yet when the clock was read: rounding
}

// learn makes sure that enough is known of a request's gateway to say how old it is, by asking if need be, for no
// longer than the request lives. The error says why nobody can know, or that it is too old.
func (c *clocks) learn(ctx context.Context, a protocol.Asked, ask asker) error {
	q, err := c.look(ctx, a, ask)
	if q == nil || err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, min(a.Life, askWithin))
	defer cancel()
	for ; q != nil && err == nil; q, err = c.look(ctx, a, ask) {
		select {
		case <-q.over:
			if q.err != nil {
				return q.err
			}
		case <-ctx.Done():
			return fmt.Errorf("%w: its gateway's clock did not answer in time", errStale)
		}
	}
	return err
}

// look finds whether a request can be judged. A question's answer is worth another look; nil: it can be served, or err
// says why not.
func (c *clocks) look(ctx context.Context, a protocol.Asked, ask asker) (*question, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	k := c.of(a.Gateway, now)
	k.used = now
	since := now - k.at
	good := k.known && since <= goodFor
	young := good && k.leftBy(now+k.most+drift(since), a) > 0
	tooOld := good && k.leftBy(now+k.least-drift(since), a) <= 0 // whatever another answer would be
	if k.asking == nil && (!good || young && since > renewAfter || !young && now >= k.again) {
		k.again = now + againAfter
		k.asking = &question{over: make(chan struct{})}
		go c.ask(context.WithoutCancel(ctx), a.Gateway, k, ask) // one question serves all who wait
	}
	switch {
	case young:
		return nil, nil
	case tooOld || k.asking == nil:
		return nil, errStale
	}
	return k.asking, nil
}

// of is what is known of a gateway, in the place of the one that was not used for longest when there are too many. It
// is called with c locked.
func (c *clocks) of(gateway string, now time.Duration) *clock {
	if k := c.each[gateway]; k != nil {
		return k
	}
	if len(c.each) >= gatewaysMax {
		oldest := ""
		for name, k := range c.each {
			if k.asking == nil && (oldest == "" || k.used < c.each[oldest].used) {
				oldest = name
			}
		}
		delete(c.each, oldest)
	}
	k := &clock{used: now}
	c.each[gateway] = k
	return k
}

// ask asks a gateway once, and keeps what is learnt.
func (c *clocks) ask(ctx context.Context, gateway string, k *clock, ask asker) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	asked := c.now()
	says, err := ask(ctx, gateway)
	heard := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func(q *question) { close(q.over) }(k.asking)
	if err != nil {
		k.asking.err = fmt.Errorf("%w: its gateway's clock: %w", errStale, err)
		k.asking = nil
		return
	}
	k.asking = nil
	most, least := says-asked, says-heard
	// An older answer may have come quicker, and so say more, unless its clock has stood still or gone on meanwhile.
	if since := asked - k.at; k.known && since <= goodFor {
		older, olderLeast := k.most+drift(since), k.least-drift(since)
		if olderLeast <= most && older >= least {
			most, least = min(most, older), max(least, olderLeast)
		}
	}
	k.known, k.most, k.least, k.at = true, most, least, asked
}
