package fleet

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

const (
	// calm is how long one telling is the last, whatever changes: a sale has a dozen steps.
	calm = 2 * time.Second
	// helloEvery bounds how often a machine says again that it is the one that came later.
	helloEvery = 5 * time.Second
)

// TellerConfig is what a teller tells of, and how.
type TellerConfig struct {
	Kiosk    string // its id
	Version  string
	Run      string // names this process: see protocol.Condition
	Currency string
	Follow   func(context.Context) <-chan kiosk.Update
	Capacity map[string]int // what each slot is filled up to
	Doubts   func(context.Context) (int, error)
	Delivery func(context.Context) Delivery
	Books    func() *protocol.ConditionBooks    // the last period's; nil: it has none
	Troubles func() []protocol.ConditionTrouble // of the computer; nil: it does not look
	Want     func() protocol.WantState          // nil: the machine's prices are nobody's but the file's
	Wall     func() time.Time
	Synced   func() bool
	// Jitter gives a random part of a time.
	Jitter func(time.Duration) time.Duration
	Log    zerolog.Logger
}

// Teller tells the fleet how the machine is.
type Teller struct {
	TellerConfig
	began time.Time

	mu      sync.Mutex
	state   fsm.State
	since   map[reason.Why]time.Time // by the process's own clock
	changed chan struct{}
}

// NewTeller makes a teller: Watch sees, Serve tells.
func NewTeller(c TellerConfig) *Teller {
	return &Teller{TellerConfig: c, began: time.Now(), since: map[reason.Why]time.Time{},
		changed: make(chan struct{}, 1)}
}

// Watch follows the machine until ctx ends, also while nobody can be told.
func (t *Teller) Watch(ctx context.Context) {
	updates := t.Follow(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case u := <-updates:
			t.see(u.State)
		}
	}
}

func (t *Teller) see(s fsm.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = s
	since := make(map[reason.Why]time.Time, len(s.Faults))
	for _, f := range s.Faults {
		was, stands := t.since[f.Name]
		if !stands {
			was = time.Now()
		}
		since[f.Name] = was
	}
	t.since = since
	t.Changed()
}

// Changed says that something has changed that no step of the machine tells. It returns at once.
func (t *Teller) Changed() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// now is the machine's condition.
func (t *Teller) now(ctx context.Context) protocol.Condition {
	d := t.Delivery(ctx)
	doubts, err := t.Doubts(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	s, wall := t.state, t.Wall().UTC()
	// when it was, by the clock as it is now
	ago := func(at time.Time) time.Time { return wall.Add(-time.Since(at)).Round(time.Second) }
	c := protocol.Condition{
		Version: t.Version, Run: t.Run, At: wall.Round(time.Second), Synced: t.Synced(), Started: ago(t.began),
		Phase: string(s.Stage.Phase()), Step: string(s.Stage), Reason: string(s.Reason),
		Faults: []protocol.ConditionFault{}, Last: d.Last, Held: d.Held, Currency: t.Currency,
	}
	if s.Stage == "" { // it has not made its first step
		c.Step, c.Reason = string(fsm.OutOfService), string(reason.Starting)
	}
	if err == nil {
		c.Doubts = &doubts
	}
	if t.Books != nil {
		c.Books = t.Books()
	}
	if t.Troubles != nil {
		c.Troubles = t.Troubles()
	}
	if t.Want != nil {
		want := t.Want()
		c.Want = &want
	}
	for _, f := range s.Faults {
		c.Faults = append(c.Faults, protocol.ConditionFault{Name: string(f.Name), Hard: f.Hard, Slots: f.Slots,
			Note: f.Note, Since: ago(t.since[f.Name])})
	}
	closed := s.ClosedSlots()
	for _, o := range s.Offers() {
		c.Slots = append(c.Slots, protocol.ConditionSlot{Slot: o.ID, Name: o.Name, Price: o.Price.Decimal(),
			Left: o.Left, Capacity: t.Capacity[o.ID], State: o.State, Why: string(closed[o.ID])})
	}
	return c
}

// news is what of a condition is told at once: all but what time alone changes, and how far the entries have come.
func news(c protocol.Condition) protocol.Condition {
	c.At, c.Started, c.Last, c.Held, c.Hello, c.Synced = time.Time{}, time.Time{}, 0, 0, false, false
	c.Troubles = slices.Clone(c.Troubles)
	for n := range c.Troubles {
		c.Troubles[n].Note = "" // how many megabytes are free changes all the time
	}
	c.Faults = slices.Clone(c.Faults)
	for n := range c.Faults {
		c.Faults[n].Since = time.Time{}
	}
	return c
}

// telling is a teller's work over one connection.
type telling struct {
	*Teller
	nc      *nats.Conn
	told    protocol.Condition // the last one, with its slots
	toldAt  time.Time
	helloAt time.Time
	beatAt  time.Time // when it is told next if nothing changes
}

// Serve tells over one connection until ctx ends: first hello, then each change, and now and then that nothing has
// changed. It ends with an error when another machine says hello with this id: that one has connected later.
func (t *Teller) Serve(ctx context.Context, nc *nats.Conn) error {
	heard := make(chan *nats.Msg, 8)
	sub, err := nc.ChanSubscribe(protocol.Status(t.Kiosk), heard)
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	r := &telling{Teller: t, nc: nc}
	r.tell(ctx, true)
	next := time.NewTimer(time.Until(r.beatAt))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.changed:
			next.Reset(max(0, calm-time.Since(r.toldAt)))
			continue
		case m := <-heard:
			if r.twin(ctx, m) {
				return errTwin
			}
			continue
		case <-next.C:
			r.tell(ctx, false)
		}
		next.Reset(time.Until(r.beatAt))
	}
}

// tell tells the condition if there is news in it, or it is time. A failure is the connection's, which then ends.
func (r *telling) tell(ctx context.Context, hello bool) {
	c := r.now(ctx)
	if !hello && time.Now().Before(r.beatAt) && reflect.DeepEqual(news(c), news(r.told)) {
		return
	}
	told := c
	if c.Hello = hello; hello {
		r.helloAt = time.Now()
	} else {
		if reflect.DeepEqual(c.Slots, r.told.Slots) {
			c.Slots = nil
		}
		if reflect.DeepEqual(c.Books, r.told.Books) {
			c.Books = nil
		}
	}
	text, err := json.Marshal(c)
	if err != nil || len(text) > protocol.ConditionMax {
		r.Log.Error().Err(err).Int("bytes", len(text)).Msg("the machine's condition cannot be told")
		r.beatAt = time.Now().Add(protocol.ConditionEvery)
		return
	}
	r.toldAt = time.Now()
	r.beatAt = r.toldAt.Add(protocol.ConditionEvery*4/5 + r.Jitter(protocol.ConditionEvery/5))
	if r.nc.Publish(protocol.Status(r.Kiosk), text) == nil {
		r.told = told
	}
}

// twin hears what is told with this machine's id, and reports whether it is another machine's hello: the newer
// connection wins. One that was here before is told hello again, so that it goes.
func (r *telling) twin(ctx context.Context, m *nats.Msg) bool {
	c, err := protocol.ReadCondition(m.Data)
	if err != nil || c.Run == r.Run {
		return false
	}
	if c.Hello {
		r.Log.Error().Str("run", c.Run).Msg(
			"another machine has connected with this machine's id: this one leaves the fleet for some minutes")
		r.beatAt = time.Time{} // what it says now tells the other one that it was here
		r.tell(ctx, false)
		return true
	}
	r.Log.Error().Str("run", c.Run).Msg("another machine was connected with this machine's id, and shall go")
	if time.Since(r.helloAt) >= helloEvery {
		r.tell(ctx, true)
	}
	return false
}
