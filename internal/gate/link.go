package gate

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
)

const (
	dialWithin  = 5 * time.Second
	pingEvery   = 5 * time.Second // with two of them a server that is silent is left
	writeWithin = 2 * time.Second // for bytes to leave for a server; then it is left
	firstWait   = 50 * time.Millisecond
	mostWait    = 2 * time.Second // between two tries: gateways are few
	retireAfter = 40 * time.Second
	piecesMax   = 64 // of an answer that wait for a slow browser; then its stream ends, and it asks for another
)

// line keeps a connection to the fleet's servers: a new one whenever one is lost, and beside one whose server says that
// it will end.
type line struct {
	c     Config
	log   zerolog.Logger
	name  string // of this start of the gateway
	began time.Time
	now   atomic.Pointer[link] // nil: there is none
}

func newLine(c Config, log zerolog.Logger) *line {
	return &line{c: c, log: log, name: "G" + rand.Text(), began: time.Now()}
}

// clock is the gateway's own: the monotonic one, which nobody sets.
func (l *line) clock() time.Duration { return time.Since(l.began) }

// run keeps a connection until ctx ends.
func (l *line) run(ctx context.Context) {
	var retiring sync.WaitGroup
	defer retiring.Wait()
	wait, said := time.Duration(0), ""
	for {
		select {
		case <-time.After(wait/2 + mathrand.N(wait/2+1)):
		case <-ctx.Done():
			return
		}
		k, err := l.connect()
		if err != nil {
			if why := err.Error(); why != said {
				said = why
				l.log.Warn().Err(err).Msg("no connection to the fleet's servers: kiosks cannot be reached")
			}
			wait = min(max(firstWait, 2*wait), mostWait)
			continue
		}
		wait, said = firstWait, ""
		old := l.now.Swap(k)
		if k.nc.IsClosed() { // already: its end has found another in its place
			l.now.CompareAndSwap(k, nil)
		}
		if old != nil { // its server will end: what it was asked is still answered there
			retiring.Go(func() { old.retire(ctx) })
		}
		l.log.Info().Str("server", k.nc.ConnectedUrlRedacted()).Msg("connected to the fleet's servers")
		l.watch(ctx, k)
	}
}

// watch returns when another connection is wanted, or ctx has ended.
func (l *line) watch(ctx context.Context, k *link) {
	select {
	case <-k.lame:
		l.log.Info().Str("server", k.nc.ConnectedUrlRedacted()).Msg("the server will end: another is tried")
	case <-k.lost:
		l.log.Warn().Err(k.nc.LastError()).Msg("the connection to the fleet's servers broke")
	case <-ctx.Done():
		k.nc.Close()
	}
}

// link is one connection, and the answers that are waited for on it.
type link struct {
	nc    *nats.Conn
	inbox string        // what stands before an answer's own part: it ends with a point
	lame  chan struct{} // closed when its server says that it will end
	lost  chan struct{} // closed when the connection is

	mu      sync.Mutex
	waiting map[string]*answer
}

// answer is what is waited for.
type answer struct {
	token  string
	pieces chan *nats.Msg
	choked atomic.Bool // a piece had no room
}

// connect makes a connection that hears answers, and says what the gateway's clock says.
func (l *line) connect() (*link, error) {
	user, err := l.c.User()
	if err != nil {
		return nil, err
	}
	k := &link{lame: make(chan struct{}), lost: make(chan struct{}), waiting: map[string]*answer{}}
	k.inbox = protocol.Inbox(user) + "." + rand.Text() + "."
	var lame, lost sync.Once
	options := []nats.Option{
		nats.Name("kioskgate " + l.name), nats.NoReconnect(), nats.ReconnectBufSize(-1), nats.Timeout(dialWithin),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(writeWithin),
		nats.CustomInboxPrefix(protocol.Inbox(user)),
		nats.ClosedHandler(func(*nats.Conn) {
			lost.Do(func() { close(k.lost) })
			l.now.CompareAndSwap(k, nil)
		}),
		nats.LameDuckModeHandler(func(*nats.Conn) { lame.Do(func() { close(k.lame) }) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.log.Warn().Err(err).Msg("the fleet's server complains")
		}),
	}
	if l.c.Credentials != "" {
		options = append(options, nats.UserCredentials(l.c.Credentials))
	}
	if l.c.CA != "" {
		options = append(options, nats.RootCAs(l.c.CA))
	}
	if k.nc, err = nats.Connect(strings.Join(l.c.Servers, ","), options...); err != nil {
		return nil, err
	}
	_, err = k.nc.Subscribe(k.inbox+"*", k.hear)
	if err == nil {
		_, err = k.nc.Subscribe(protocol.Clock(l.name), func(m *nats.Msg) {
			// an inbox and nothing else: a gateway may publish more than who asks
			if strings.HasPrefix(m.Reply, protocol.Inbox("")) && !strings.ContainsAny(m.Reply, "*> ") {
				_ = m.Respond(strconv.AppendInt(nil, int64(l.clock()), 10)) // whoever asked asks again
			}
		})
	}
	if err == nil {
		err = k.nc.FlushTimeout(dialWithin) // the server has heard of both before anything is asked
	}
	if err != nil {
		k.nc.Close()
		return nil, err
	}
	return k, nil
}

// retire closes a connection when all that was asked on it must have been answered.
func (k *link) retire(ctx context.Context) {
	select {
	case <-time.After(retireAfter):
	case <-k.lost:
	case <-ctx.Done():
	}
	k.nc.Close()
}

// hear takes an answer to who waits for it. It never waits itself.
func (k *link) hear(m *nats.Msg) {
	k.mu.Lock()
	a := k.waiting[m.Subject[len(k.inbox):]]
	k.mu.Unlock()
	if a == nil {
		return // it has given up
	}
	select {
	case a.pieces <- m:
	default:
		a.choked.Store(true)
	}
}

// ask sends a request to a kiosk. The caller forgets the answer when it wants no more of it.
func (k *link) ask(subject string, request []byte, from netip.Addr, asked protocol.Asked, pieces int) (*answer, error) {
	// A kiosk is shown its own answer's inbox, and must not guess another's: it may not publish there, but others
	// answer wherever it asks them to.
	a := &answer{token: rand.Text(), pieces: make(chan *nats.Msg, pieces)}
	k.mu.Lock()
	k.waiting[a.token] = a
	k.mu.Unlock()
	m := &nats.Msg{Subject: subject, Reply: k.inbox + a.token, Data: request,
		Header: nats.Header{protocol.HeaderFrom: {from.String()}}}
	asked.Write(m.Header)
	if err := k.nc.PublishMsg(m); err != nil {
		k.forget(a)
		return nil, err
	}
	return a, nil
}

// forget ends the waiting for an answer.
func (k *link) forget(a *answer) {
	k.mu.Lock()
	delete(k.waiting, a.token)
	k.mu.Unlock()
}

// gone tells a kiosk that nobody waits for a page any more.
func (k *link) gone(subject string, a *answer) {
	_ = k.nc.PublishMsg(&nats.Msg{Subject: subject, // a kiosk that does not hear it ends by itself
		Header: nats.Header{protocol.HeaderGone: {k.inbox + a.token}}})
}

// noResponders is how a server says that nobody listens.
func noResponders(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }
