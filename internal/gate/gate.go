// Package gate is a fleet's front: HTTPS before it, NATS behind. What Glase and phones ask for goes to the kiosk that
// it is for, and the kiosk's answer comes back. A gateway holds no sale and no secret of Glase's, and any number of
// them stands side by side.
//
//	POST /createPurchase           the kiosk is the one whose token is in the body
//	     /k/<id>/createPurchase    the same for one kiosk
//	POST /k/<id>/notify/<secret>   Glase's hint that a sale has changed
//	     /k/<id>/s/...             the page on which customers choose and pay
//	GET  /healthz                  200 while kiosks can be reached
//
// When a kiosk does not answer, a purchase is told DEVICE_UNAVAILABLE, a page that it is to be tried again, and a
// notification is dropped with 200: the kiosk asks Glase by itself.
//
// Each request carries when it came by this gateway's monotonic clock, and how long it lives; a kiosk that finds it
// later asks what the clock says now, and leaves it. See the package relay.
package gate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/fleet/protocol"
	"kioskd/ups"
)

const (
	pageWithin  = 6 * time.Second  // for a page: a choice on it may take the kiosk five
	silentMax   = 15 * time.Second // between two pieces of a stream, which beats each ten
	streamMax   = 35 * time.Second // the kiosk ends it after 30
	sendMax     = 10 * time.Second // for one piece to get into the network
	bodyMax     = 6 << 10          // bytes of a body: the rest of a message is for its headers
	retryPages  = "3"              // seconds until a page may be asked for again
	retryLimits = "1"
)

// Gate is an http.Handler.
type Gate struct {
	c         Config
	line      *line
	addresses *limits[netip.Addr]
	buyers    *limits[string] // purchases and notifications, by kiosk
	pages     *limits[string] // the same of pages
	numbers   *numbers
	draining  atomic.Bool
	drained   chan struct{} // closed when streams end
}

// New makes a gateway; Run connects it, and listens.
func New(c Config, log zerolog.Logger) *Gate {
	g := &Gate{
		c: c, addresses: newLimits[netip.Addr](c.PerAddress), buyers: newLimits[string](c.PerKiosk),
		pages: newLimits[string](c.PerKiosk), drained: make(chan struct{}),
	}
	g.numbers = newNumbers(func() bool { return g.line.now.Load() != nil })
	g.line = newLine(c, log)
	return g
}

// outcome is what became of a request, for the metrics.
type outcome string

const (
	answered     outcome = "answered"
	absent       outcome = "absent"       // nobody listens for that kiosk
	late         outcome = "late"         // no answer in time
	disconnected outcome = "disconnected" // from the fleet's servers
	stale        outcome = "stale"        // the kiosk says that it came too late
	crowded      outcome = "busy"         // the kiosk says that it has enough to do
	left         outcome = "gone"         // the caller has gone
	limited      outcome = "limited"
	refused      outcome = "refused"   // the caller may not
	malformed    outcome = "malformed" // no request of ours
)

// ServeHTTP is what http.Handler says.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := g.line.clock()
	switch path := r.URL.Path; {
	case path == "/createPurchase":
		g.numbers.count(protocol.Purchase, g.addressed(w, r, at))
	case strings.HasPrefix(path, "/k/"):
		g.numbers.count(g.below(w, r, at))
	case path == "/healthz":
		g.health(w)
	default:
		http.Error(w, "nothing is here", http.StatusNotFound)
	}
}

// addressed passes on a createPurchase that names its kiosk in the body alone.
func (g *Gate) addressed(w http.ResponseWriter, r *http.Request, at time.Duration) outcome {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeCode(w, http.StatusMethodNotAllowed, ups.SystemError)
		return malformed
	}
	from, why := g.admit(w, r, protocol.Purchase)
	if why != "" {
		return why
	}
	body, err := readBody(w, r)
	if err != nil {
		return tooMuch(w, protocol.Purchase, err)
	}
	id, status := ups.TokenOf(r.Header.Get("Content-Type"), body)
	if status != http.StatusOK || protocol.CheckID(id) != nil {
		writeCode(w, status, ups.SystemError) // as the kiosk says it to what has no token of its
		return malformed
	}
	return g.pass(w, r, passing{id, protocol.Purchase, "/createPurchase", body, from, at})
}

// below passes on what is below a kiosk's own address.
func (g *Gate) below(w http.ResponseWriter, r *http.Request, at time.Duration) (kind string, what outcome) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/k/"), "/")
	uri, plain := strings.CutPrefix(r.URL.EscapedPath(), "/k/"+id+"/")
	kind = protocol.KindOf(r.Method, "/"+rest)
	if kind == "" || !plain || protocol.CheckID(id) != nil {
		http.Error(w, "nothing is here", http.StatusNotFound)
		return protocol.Page, malformed
	}
	from, why := g.admit(w, r, kind)
	if why != "" {
		return kind, why
	}
	body, err := readBody(w, r)
	if err != nil {
		return kind, tooMuch(w, kind, err)
	}
	if uri = "/" + uri; r.URL.RawQuery != "" {
		uri += "?" + r.URL.RawQuery
	}
	return kind, g.pass(w, r, passing{id, kind, uri, body, from, at})
}

// admit finds who calls, and whether he may; "": he may.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, kind string) (from netip.Addr, why outcome) {
	from = g.c.addressOf(r)
	known := g.c.known(r, from)
	if !g.c.may(kind, known) {
		w.Header().Set("Connection", "close")
		http.Error(w, "only those whom this gateway's config names may ask for this", http.StatusForbidden)
		return from, refused
	}
	if !known && !g.addresses.allow(nameOf(from)) { // those who are known call for everybody
		crowd(w, kind)
		return from, limited
	}
	return from, ""
}

// readBody reads what must fit into one message with the rest of the request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
}

// tooMuch answers a body that cannot be read.
func tooMuch(w http.ResponseWriter, kind string, err error) outcome {
	status := http.StatusBadRequest
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		status = http.StatusRequestEntityTooLarge
	}
	w.Header().Set("Connection", "close")
	if kind == protocol.Purchase {
		writeCode(w, status, ups.SystemError)
	} else {
		http.Error(w, http.StatusText(status), status)
	}
	return malformed
}

// passing is a request on its way to a kiosk.
type passing struct {
	kiosk, kind, uri string
	body             []byte
	from             netip.Addr
	at               time.Duration // when it came
}

// life is how long a kiosk may take; what comes later is of no use to anybody.
func (g *Gate) life(kind string) time.Duration {
	if kind == protocol.Page {
		return max(pageWithin, g.c.AnswerWithin)
	}
	return g.c.AnswerWithin
}

// pass asks the kiosk, and answers with what it says.
func (g *Gate) pass(w http.ResponseWriter, r *http.Request, p passing) outcome {
	limit, pieces := g.buyers, 1
	if p.kind == protocol.Page {
		limit, pieces = g.pages, piecesMax
	}
	if !limit.allow(p.kiosk) {
		crowd(w, p.kind)
		return limited
	}
	request := write(r, p)
	if len(request) > protocol.RequestMax {
		w.Header().Set("Connection", "close")
		if p.kind == protocol.Purchase {
			writeCode(w, http.StatusRequestEntityTooLarge, ups.SystemError)
		} else {
			http.Error(w, "the request is too large", http.StatusRequestHeaderFieldsTooLarge)
		}
		return malformed
	}
	k := g.line.now.Load()
	if k == nil {
		return g.nobody(w, p.kind, disconnected)
	}
	life := g.life(p.kind)
	subject := protocol.Request(p.kiosk, p.kind)
	a, err := k.ask(subject, request, p.from, protocol.Asked{Gateway: g.line.name, At: p.at, Life: life}, pieces)
	if err != nil {
		return g.nobody(w, p.kind, disconnected)
	}
	defer k.forget(a)
	timer := time.NewTimer(p.at + life - g.line.clock())
	defer timer.Stop()
	select {
	case m := <-a.pieces:
		g.numbers.took[p.kind].Update((g.line.clock() - p.at).Seconds())
		switch status := m.Header[protocol.HeaderStatus]; {
		case noResponders(m):
			return g.nobody(w, p.kind, absent)
		case len(status) > 0 && status[0] == protocol.Busy:
			crowd(w, p.kind)
			return crowded
		case len(status) > 0:
			return g.nobody(w, p.kind, stale)
		}
		return g.deliver(w, r, k, a, m, p)
	case <-timer.C:
		if p.kind == protocol.Page {
			k.gone(subject, a)
		}
		return g.nobody(w, p.kind, late)
	case <-k.lost:
		if p.kind == protocol.Purchase { // it may be on its way: nobody is told that nothing came of it while it may
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return left
			}
		}
		return g.nobody(w, p.kind, disconnected)
	case <-r.Context().Done():
		if p.kind == protocol.Page {
			k.gone(subject, a)
		}
		return left
	}
}

// hop are the headers that belong to a connection and not to what travels over it, and those of a proxy before us.
func hop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Content-Length", "Expect", "Forwarded", "Via", forwarded,
		"X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip":
		return true
	}
	return false
}

// write is the request as the kiosk reads it: HTTP/1.1. A page's has all that the browser says, and what Glase asks for
// the one header that counts: it travels over a mobile network.
func write(r *http.Request, p passing) []byte {
	var b bytes.Buffer
	b.Grow(512 + len(p.body))
	b.WriteString(r.Method)
	b.WriteByte(' ')
	b.WriteString(p.uri)
	b.WriteString(" HTTP/1.1\r\nHost: ")
	b.WriteString(r.Host)
	b.WriteString("\r\n")
	for name, values := range r.Header {
		if hop(name) || p.kind != protocol.Page && name != "Content-Type" {
			continue
		}
		for _, v := range values {
			b.WriteString(name)
			b.WriteString(": ")
			b.WriteString(v)
			b.WriteString("\r\n")
		}
	}
	if len(p.body) > 0 || r.Method == http.MethodPost {
		b.WriteString("Content-Length: ")
		b.WriteString(strconv.Itoa(len(p.body)))
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	b.Write(p.body)
	return b.Bytes()
}
