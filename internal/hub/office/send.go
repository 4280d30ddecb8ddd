package office

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
)

const (
	life       = 10 * time.Second // of each sending of a command
	answerIn   = 4 * time.Second  // for each sending; a kiosk that has not answered by then is asked again
	sendings   = 3
	cardsLast  = 10 * time.Minute // a person's certificate, made anew for each command
	answerMost = 4 << 10          // bytes
)

// Office gives the commands of a fleet's people to its machines.
type Office struct {
	Store     *store.Store
	NATS      *nats.Conn
	Authority protocol.Signer // of the desk; every kiosk knows its public half
	Name      string          // letters and digits; another for each Office, since its clock begins anew with it
	Now       func() time.Time

	began time.Time
}

// Serve says what the clock says by which the commands' ages are judged, until ctx ends.
func (o *Office) Serve(ctx context.Context) error {
	if o.began.IsZero() {
		o.began = time.Now()
	}
	sub, err := o.NATS.Subscribe(protocol.Clock(o.Name), func(m *nats.Msg) {
		// an inbox and nothing else: a hub may publish more than who asks
		if strings.HasPrefix(m.Reply, protocol.Inbox("")) && !strings.ContainsAny(m.Reply, "*> ") {
			_ = m.Respond([]byte(strconv.FormatInt(int64(time.Since(o.began)), 10))) // who gets none asks again
		}
	})
	if err != nil {
		return err
	}
	if err := o.NATS.FlushTimeout(answerIn); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() })
	return nil
}

// ErrSilent: the machine has not answered. It may have done what it was told: the same command can be sent again.
var ErrSilent = errors.New("the machine does not answer: it is not connected, or has done it and its answer is lost")

// NewID makes the id of a command that is still to be given.
func NewID() string { return "C" + rand.Text() }

// Send writes a person's command down, signs it, and sends it until the machine says what became of it. What c lacks,
// an id among it, is filled in; with an id it is the repeat of an earlier one. secret opens the person's key.
func (o *Office) Send(ctx context.Context, p people.Person, secret []byte, c protocol.Command) (protocol.Outcome,
	error) {
	if c.ID == "" {
		c.ID = NewID()
	} else if err := o.same(ctx, c); err != nil {
		return protocol.Outcome{ID: c.ID}, err
	}
	return o.Give(ctx, p, secret, c)
}

// Give is Send for a command whose id was made with NewID when somebody was asked for it: the first time it is that
// command, and after that its repeat.
func (o *Office) Give(ctx context.Context, p people.Person, secret []byte, c protocol.Command) (protocol.Outcome,
	error) {
	out := protocol.Outcome{ID: c.ID}
	now := o.Now()
	key, err := personKey(ctx, o.Store, p.Name, p.Role.String(), secret, now)
	if err != nil {
		return out, err
	}
	public, err := key.PublicKey()
	if err != nil {
		return out, err
	}
	who := protocol.Person{Name: p.Name, Role: p.Role.String(), Key: public, Expires: now.Add(cardsLast)}
	if !who.May(c) {
		return out, fmt.Errorf("%w: %s is %s", protocol.ErrRole, p.Name, p.Role)
	}
	card, cardSignature, err := protocol.Certify(who, o.Authority)
	if err != nil {
		return out, err
	}
	first := true // nothing was sent with this id before
	for n := range sendings {
		asked := protocol.Asked{Gateway: o.Name, At: time.Since(o.began), Life: life}
		c.Asked, c.At = asked.String(), o.Now().UTC()
		signed, err := protocol.Sign(c, card, cardSignature, key)
		if err != nil {
			return out, err
		}
		if n == 0 {
			if first, err = o.write(ctx, c, p.Name, signed); err != nil {
				return out, err
			}
		}
		got, err := o.ask(ctx, c, asked, signed)
		if err == nil && got.Final(first && n == 0) {
			return got, o.Store.EndOrder(ctx, got, o.Now())
		}
		if ctx.Err() != nil {
			break // it has been sent
		}
		if errors.Is(err, nats.ErrNoResponders) && n == 0 {
			break // it is not connected, and has got nothing
		}
	}
	return out, ErrSilent
}

// write writes a command down, or finds that it is one that was.
func (o *Office) write(ctx context.Context, c protocol.Command, by string, signed []byte) (added bool, err error) {
	added, err = o.Store.AddOrder(ctx, c, by, signed, c.At.Add(life))
	if err != nil || added {
		return added, err
	}
	return false, o.same(ctx, c)
}

// repeatable is how long after a command its repeat is sent: a machine remembers the last ones, and would take one that
// it has forgotten for another act.
const repeatable = 24 * time.Hour

// ErrNoRepeat: what was to be a repeat is none.
var ErrNoRepeat = errors.New("there is no such command to be repeated: look at the machine's last commands")

// same finds whether a repeat is the command that was written down with its id.
func (o *Office) same(ctx context.Context, c protocol.Command) error {
	was, err := o.Store.Order(ctx, c.Kiosk, c.ID)
	if errors.Is(err, store.ErrNoOrder) {
		return fmt.Errorf("%s: %w", c.ID, ErrNoRepeat)
	}
	if err != nil {
		return err
	}
	if was.Word != c.Word || was.Sale != c.Sale || was.Decision != c.Decision || was.ByHand != c.ByHand ||
		was.Amount != c.Amount {
		return fmt.Errorf("%s was another command (%s %s %s%s): %w", c.ID, was.Word, was.Sale, was.Decision, was.Amount,
			ErrNoRepeat)
	}
	if o.Now().Sub(was.Made) > repeatable {
		return fmt.Errorf("%s is more than a day old: see what became of it, and give a new one: %w", c.ID, ErrNoRepeat)
	}
	return nil
}

func (o *Office) ask(ctx context.Context, c protocol.Command, asked protocol.Asked,
	signed []byte) (out protocol.Outcome,
	err error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	m := nats.NewMsg(protocol.Request(c.Kiosk, protocol.Do))
	m.Data = signed
	asked.Write(m.Header)
	got, err := o.NATS.RequestMsgWithContext(ctx, m)
	if err != nil {
		return out, err
	}
	if len(got.Data) > answerMost {
		return out, errors.New("office: a machine answers too much")
	}
	if err := json.Unmarshal(got.Data, &out); err != nil {
		return out, fmt.Errorf("office: a machine's answer: %w", err)
	}
	if out.ID != c.ID {
		out.ID = c.ID // a command that could not be read has no id there
	}
	return out, nil
}
