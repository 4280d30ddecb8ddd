package fleet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/chain"
	"kioskd/internal/fleet/protocol"
)

// delivery is an outbox's work over one connection.
type delivery struct {
	*Outbox
	nc    *nats.Conn
	inbox string // replies come to it with answerTo or ackTo behind it

	heard   bool      // a collector has answered over this connection
	sent    int64     // the last entry that went out, in this round
	sentAt  time.Time // when the last one did
	first   int64     // the oldest entry that the journal has
	window  int64     // how many may be on their way
	vain    int       // sendings in a row that came to nothing
	unheard int       // questions in a row that nobody answered
	askAt   time.Time // when the collectors are asked next
	refused bool      // the broker has just refused an entry: no more of them until the next question
}

const (
	answerTo = ".held"
	ackTo    = ".ack"
	// messagesMax is how many messages may wait: an answer of the broker to each entry on its way, and room.
	messagesMax = 4 * ahead
)

// Serve delivers over one connection until ctx ends or the connection does. One Serve at a time.
func (o *Outbox) Serve(ctx context.Context, nc *nats.Conn) error {
	d := &delivery{Outbox: o, nc: nc, inbox: nc.NewInbox(), window: ahead}
	messages := make(chan *nats.Msg, messagesMax)
	for _, subject := range []string{protocol.Have(o.Kiosk), d.inbox + ".*"} {
		sub, err := nc.ChanSubscribe(subject, messages)
		if err != nil {
			return err
		}
		defer sub.Unsubscribe()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	d.ask()
	for {
		if d.heard {
			d.send(ctx)
		}
		timer.Reset(time.Until(d.askAt))
		select {
		case <-ctx.Done():
			return nil
		case <-o.poked:
		case m := <-messages:
			d.hear(ctx, m)
		case <-timer.C:
			d.ask()
		}
		if nc.IsClosed() {
			return nats.ErrConnectionClosed
		}
	}
}

// ask asks the collectors what they hold.
func (d *delivery) ask() {
	d.refused = false
	d.unheard++
	wait := min(askSlow, askSoon<<min(d.unheard, 10))
	d.askAt = time.Now().Add(wait/2 + d.Jitter(wait/2))
	// a failure is the connection's, which then ends
	_ = d.nc.PublishRequest(protocol.Ask(d.Kiosk), d.inbox+answerTo, nil)
}

// idle puts the next question off: nothing is on its way.
func (d *delivery) idle() { d.askAt = time.Now().Add(askIdle*4/5 + d.Jitter(askIdle/5)) }

// send sends what may be sent now.
func (d *delivery) send(ctx context.Context) {
	d.mu.Lock()
	held, forked, round := d.held.Seq, d.forked, d.round
	d.mu.Unlock()
	for !forked && !d.refused && d.sent-held < d.window {
		copies, err := d.Journal.Copies(ctx, d.sent, int(d.window-(d.sent-held)))
		if err != nil && ctx.Err() == nil {
			d.troubled("the journal cannot be read: " + err.Error())
			d.refused = true // until the next question
		}
		if err != nil || len(copies) == 0 {
			return
		}
		if d.first == 0 || copies[0].Seq != d.sent+1 {
			d.first, _, err = d.Journal.Span(ctx)
			if err != nil {
				return
			}
		}
		for _, e := range copies {
			if err := d.publish(e, round); err != nil {
				d.troubled("entry " + strconv.FormatInt(e.Seq, 10) + " cannot be sent: " + err.Error())
				d.refused = true
				return
			}
			d.sent, d.sentAt = e.Seq, time.Now()
		}
		d.mu.Lock()
		d.last = max(d.last, d.sent)
		d.mu.Unlock()
		if soon := time.Now().Add(askSoon + d.Jitter(askSoon)); d.unheard == 0 && soon.Before(d.askAt) {
			d.askAt = soon
		}
	}
}

func (d *delivery) publish(e chain.Entry, round uint32) error {
	m := nats.NewMsg(protocol.Entry(d.Kiosk))
	m.Reply = d.inbox + ackTo
	m.Data = e.Text()
	m.Header[protocol.HeaderHash] = []string{hex.EncodeToString(e.Hash)}
	m.Header[protocol.HeaderFirst] = []string{strconv.FormatInt(d.first, 10)}
	m.Header[protocol.HeaderID] = []string{protocol.MessageID(d.Kiosk, e.Seq, round)}
	return d.nc.PublishMsg(m)
}

// hear takes what a collector or the broker says.
func (d *delivery) hear(ctx context.Context, m *nats.Msg) {
	if strings.HasSuffix(m.Subject, ackTo) {
		d.acknowledged(m)
		return
	}
	if len(m.Data) == 0 && m.Header.Get("Status") != "" {
		return // no collector is there; the timer asks again
	}
	h, err := protocol.ReadHeld(m.Data)
	if err != nil {
		d.Log.Warn().Err(err).Msg("fleet")
		return
	}
	before, mine, err := d.obey(ctx, h)
	if err != nil {
		d.Log.Error().Err(err).Msg("what the fleet holds cannot be compared with the journal")
		return
	}
	switch began := d.heard; {
	case !mine:
		d.heard = false // nothing is sent to another's
		d.unheard = max(d.unheard, 3)
		return
	case h.Seq < before:
		d.heard, d.window, d.vain = true, ahead, 0
		d.again(h.Seq)
	case !began: // the broker may have lost what the last connection sent
		d.heard, d.sent = true, h.Seq
	case h.Seq > before:
		d.window, d.vain = ahead, 0
		d.sent = max(d.sent, h.Seq)
	case d.sent > h.Seq && time.Since(d.sentAt) >= d.patience():
		// they are on their way no more: one is enough to find out whether any comes through
		if d.vain++; d.vain > 1 {
			d.window = 1
		}
		d.again(h.Seq)
	}
	d.unheard = 0
	if d.sent > h.Seq {
		wait := max(askSoon, d.patience())
		d.askAt = time.Now().Add(wait + d.Jitter(wait))
		return
	}
	d.troubled("")
	d.idle()
}

// patience is how long entries are given to arrive.
func (d *delivery) patience() time.Duration { return min(settleMost, settle<<min(d.vain, 10)) }

// again begins a new round: the stream would drop what it has had in the last one.
func (d *delivery) again(after int64) {
	d.mu.Lock()
	d.round++
	d.mu.Unlock()
	d.sent, d.refused = after, false
}

// acknowledged takes the broker's answer to an entry. That it has the entry means nothing: it is transport. That it has
// not slows the sending down.
func (d *delivery) acknowledged(m *nats.Msg) {
	var answer struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	switch {
	case m.Header.Get("Status") != "":
		d.troubled("no stream takes them: kioskhub makes it when it starts")
	case json.Unmarshal(m.Data, &answer) == nil && answer.Error != nil:
		d.troubled("the stream does not take them: " + answer.Error.Description)
	default:
		d.troubled("")
		return
	}
	d.refused = true
}
