package fleet

import (
	"context"
	"encoding/hex"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
)

// Journal is where the entries are: a *journal.Journal, or that of a simulated kiosk.
type Journal interface {
	// Copies gives the entries after an entry, oldest first, at most limit of them.
	Copies(ctx context.Context, after int64, limit int) ([]chain.Entry, error)
	// Span gives the numbers of the oldest entry that is still there and of the last one; 0, 0: there is none.
	Span(ctx context.Context) (first, last int64, err error)
}

const (
	// ahead is how many entries may be on their way: sent, and not known to be held.
	ahead = 64
	// askSoon is how long an entry may be on its way before the collectors are asked whether they hold it. Without an
	// answer they are asked again, up to each askSlow. askIdle is how often they are asked while all is held: a
	// database that went back to yesterday does not say so by itself.
	askSoon = 3 * time.Second
	askSlow = time.Minute
	askIdle = 5 * time.Minute
	// settle is how long entries are given to arrive before the word that they are not held counts. It doubles, up to
	// settleMost, with each sending that came to nothing.
	settle     = time.Second
	settleMost = 30 * time.Second
)

// OutboxConfig is what an outbox needs. Fork may be nil, and the zero Log says nothing.
type OutboxConfig struct {
	Kiosk   string // its id
	Journal Journal
	// Round names the first sending, anew with each start: see protocol.MessageID.
	Round uint32
	// Jitter gives a random part of a time.
	Jitter func(time.Duration) time.Duration
	// Fork is told when another journal with this id begins to be known, and when that ceases.
	Fork func(is bool)
	Log  zerolog.Logger
}

// Outbox brings a journal's entries to the operator's database. What is held there is known by the collectors' word
// alone: a broker that has taken an entry may lose it. The cursor is in memory, and may go back.
//
// Nobody who appends to the journal waits for it.
type Outbox struct {
	OutboxConfig
	poked chan struct{}

	mu      sync.Mutex
	held    protocol.Held
	known   bool   // held was heard since the start
	last    int64  // the journal's last entry, as far as it was looked at
	forked  bool   // there is another journal with this id
	behind  int64  // entries that are held and that this journal has not
	trouble string // what keeps entries from going out; "": nothing
	round   uint32
}

// NewOutbox makes an outbox; Serve works it over a connection.
func NewOutbox(c OutboxConfig) *Outbox {
	if c.Fork == nil {
		c.Fork = func(bool) {}
	}
	return &Outbox{OutboxConfig: c, poked: make(chan struct{}, 1), round: c.Round}
}

// Poke says that the journal has a new entry. It returns at once.
func (o *Outbox) Poke() {
	select {
	case o.poked <- struct{}{}:
	default: // it looks at all that is there
	}
}

// Held is the number of the last entry that the operator's database is known to hold, without a gap before it. 0: none,
// or not known yet.
func (o *Outbox) Held() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held.Seq
}

// Delivery is how far the entries have come.
type Delivery struct {
	Known   bool   // a collector has said since the start what is held
	Held    int64  // the last entry that is
	Last    int64  // the journal's
	Forked  bool   // another journal has this id
	Behind  int64  // then: so many entries are held that come after this journal's last
	Trouble string // what keeps entries from going out; "": nothing
}

// Delivery looks at the journal for it.
func (o *Outbox) Delivery(ctx context.Context) Delivery {
	_, last, err := o.Journal.Span(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.last = max(o.last, last)
	}
	return Delivery{Known: o.known, Held: o.held.Seq, Last: o.last, Forked: o.forked, Behind: o.behind,
		Trouble: o.trouble}
}

// Behind is how many entries the operator's database holds that come after this journal's last: it is an older copy, if
// it is this machine's at all.
func (o *Outbox) Behind() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.behind
}

func (o *Outbox) troubled(why string) {
	o.mu.Lock()
	was := o.trouble
	o.trouble = why
	o.mu.Unlock()
	if why != "" && why != was {
		o.Log.Warn().Str("why", why).Msg("the fleet does not take the journal's entries: they wait")
	}
}

// obey takes a collector's word, the only thing that moves the cursor. It gives what was held before; ok is false when
// the word is not about this journal.
func (o *Outbox) obey(ctx context.Context, h protocol.Held) (before int64, ok bool, err error) {
	mine := !h.Fork
	var last int64
	if mine {
		if mine, last, err = o.mine(ctx, h); err != nil {
			return 0, false, err
		}
	}
	o.mu.Lock()
	was, knew := o.forked, o.known
	o.forked, o.behind = !mine, 0
	if !mine && !h.Fork {
		o.behind = max(0, h.Seq-last)
	}
	before = o.held.Seq
	if mine {
		o.held, o.known = h, true
	}
	o.mu.Unlock()
	if was != !mine {
		if !mine {
			o.Log.Error().Int64("seq", h.Seq).Msg("the operator's database holds entries of another journal with " +
				"this id: this card is a copy, or another machine was given the same token")
		}
		o.Fork(!mine)
	}
	if mine && knew && h.Seq < before {
		o.Log.Warn().Int64("from", before).Int64("to", h.Seq).
			Msg("the operator's database holds less than it did: the entries are sent again")
	}
	return before, mine, nil
}

// mine finds whether what is held is of this journal, whose last entry it gives: its entry of that number has that
// hash. An entry that was let go cannot be compared.
func (o *Outbox) mine(ctx context.Context, h protocol.Held) (is bool, last int64, err error) {
	if h.Seq == 0 {
		return true, 0, nil
	}
	first, last, err := o.Journal.Span(ctx)
	if err != nil || h.Seq > last {
		return false, last, err
	}
	if h.Seq < first {
		return true, last, nil
	}
	copies, err := o.Journal.Copies(ctx, h.Seq-1, 1)
	if err != nil || len(copies) == 0 || copies[0].Seq != h.Seq {
		return err == nil, last, err // it was let go meanwhile
	}
	return hex.EncodeToString(copies[0].Hash) == h.Hash, last, nil
}
