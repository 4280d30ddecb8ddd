package ups

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"kioskd/internal/money"
)

const (
	token  = "29834231890234"
	msisdn = "483344323423"
	secret = "MFRGGZDFMZTWQ2LKNNWG23TP"
)

// machine stands in for the kiosk: one customer at a time, a cheapest product, a Glase that may not answer.
type machine struct {
	mu         sync.Mutex
	outOf      bool   // out of service
	noInvoices bool   // sendInvoice fails
	customer   string // of the sale in progress
	secrets    map[string]bool
	asked      []Purchase
	hints      int

	instead func(context.Context, Purchase) (string, ErrorCode) // replaces CreatePurchase's own answer
}

var cheapest = money.Amount{Minor: 1500, Currency: "EUR"}

func (m *machine) CreatePurchase(ctx context.Context, p Purchase) (string, ErrorCode) {
	m.mu.Lock()
	m.asked = append(m.asked, p)
	m.mu.Unlock()
	if m.instead != nil {
		return m.instead(ctx, p)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch code := m.refuses(p); {
	case code != "":
		return "", code
	case m.noInvoices:
		return "", InvoicingError
	}
	m.customer = p.Payer
	return "20170315072260070", ""
}

func (m *machine) Refusal(p Purchase) ErrorCode {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instead != nil {
		return "" // nothing shows at a look
	}
	return m.refuses(p)
}

func (m *machine) refuses(p Purchase) ErrorCode {
	switch {
	case m.outOf:
		return DeviceUnavailable
	case m.customer != "" && m.customer != p.Payer:
		return DeviceInUse
	case p.Amount.Less(cheapest):
		return InsufficientFunds
	}
	return ""
}

func (m *machine) Notify(secret string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hints++
	return m.secrets[secret]
}

func (m *machine) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.asked)
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHandler(t testing.TB, k Kiosk, log io.Writer) http.Handler {
	t.Helper()
	c := Config{Token: token, PathPrefix: "/seqr", Currency: "EUR"}
	if log != nil {
		c.Log = zerolog.New(log)
	}
	h, err := New(c, k)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// serve puts the handler behind a real socket with the package's own server.
func serve(t *testing.T, k Kiosk, log io.Writer) (url string) {
	t.Helper()
	return newServer(t, newHandler(t, k, log))
}

func newServer(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(h, Callers{})
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// client follows no redirect and keeps its connections, so that a busy test does not meet the server's bound on them.
var client = http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 100},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func send(t testing.TB, method, url, contentType, body string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return whole(t, resp)
}

func whole(t testing.TB, resp *http.Response) reply {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

func purchase(t testing.TB, url, body string) reply {
	t.Helper()
	return send(t, "POST", url+"/seqr/createPurchase", "application/json;charset=UTF-8", body)
}

func wish(amount, msisdn string) string {
	return fmt.Sprintf(`{"token": %q, "amount": %s, "currency": "EUR", "msisdn": %q}`, token, amount, msisdn)
}

// isCode reports whether the answer is exactly the JSON of one error code.
func (r reply) isCode(code ErrorCode) bool { return r.body == `{"errorCode":"`+string(code)+`"}` }

func (r reply) isReference() bool { return r.body == `{"invoiceReferenceId":"20170315072260070"}` }

// pipes is a listener without a network, for tests in virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func servePipes(t *testing.T, h http.Handler) *pipes { return servePipesTo(t, h, Callers{}) }

func servePipesTo(t *testing.T, h http.Handler, callers Callers) *pipes {
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	s := Server(h, callers)
	served := make(chan error, 1)
	go func() { served <- s.Serve(p) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(t *testing.T) net.Conn { return p.dialFrom(t, "192.0.2.1") }

// addressed is a pipe whose other end has an address.
type addressed struct {
	net.Conn
	from net.TCPAddr
}

func (a *addressed) RemoteAddr() net.Addr { return &a.from }

func (p *pipes) dialFrom(t *testing.T, address string) net.Conn {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	p.conns <- &addressed{there, net.TCPAddr{IP: net.ParseIP(address), Port: 40000}}
	return here
}

// post sends a createPurchase on a connection of its own; read takes the answer.
func (p *pipes) post(t *testing.T, body string) (c net.Conn) {
	c = p.dial(t)
	postOn(t, c, body)
	return c
}

func postOn(t *testing.T, c net.Conn, body string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "POST /seqr/createPurchase HTTP/1.1\r\nHost: kiosk\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, c net.Conn) reply {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return whole(t, resp)
}

// direct calls the handler with no server at all.
func direct(h http.Handler, body string) reply {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/seqr/createPurchase", strings.NewReader(body)))
	return reply{w.Code, w.Header(), w.Body.String()}
}

// isJSON reports whether the answer is one of the two that createPurchase has.
func (r reply) isJSON() bool {
	var a map[string]string
	if json.Unmarshal([]byte(r.body), &a) != nil || len(a) != 1 {
		return false
	}
	return a["invoiceReferenceId"] != "" || ErrorCode(a["errorCode"]).known()
}
