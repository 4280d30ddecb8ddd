package gate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/relay"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/child"
	"kioskd/ups"
)

// patience is for what happens in other goroutines and processes.
const patience = 30 * time.Second

// asProcess makes the test's own program be a kiosk.
const asProcess = "KIOSKGATE_TEST_KIOSK"

func TestMain(m *testing.M) {
	if at := os.Getenv(asProcess); at != "" {
		if err := beKiosk(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// till is a machine that takes everybody's order, and says whose.
type till struct{ say func(payer string) }

func (t till) CreatePurchase(_ context.Context, p ups.Purchase) (string, ups.ErrorCode) {
	t.say(p.Payer)
	return "ref" + p.Payer, ""
}
func (till) Refusal(ups.Purchase) ups.ErrorCode { return "" }
func (till) Notify(secret string) bool          { return secret == "known" }

// handler is a whole customers' side: purchases at a till, and a page of the test's.
func handler(t till, page http.HandlerFunc) http.Handler {
	h, err := ups.New(ups.Config{Token: "K1", PathPrefix: "/seqr", Currency: "SEK", Known: true}, t)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page != nil && strings.HasPrefix(r.URL.Path, "/seqr/s/") {
			page(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// boottime goes on while the process is frozen.
func boottime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// serveKiosk is a kiosk at the servers, until ctx ends.
func serveKiosk(ctx context.Context, at string, h http.Handler) error {
	nc, err := nats.Connect("nats://"+at, nats.CustomInboxPrefix(protocol.Inbox("K1")), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	defer nc.Close()
	r, err := relay.New(relay.Config{Kiosk: "K1", Prefix: "/seqr", Handler: h, Now: boottime})
	if err != nil {
		return err
	}
	return r.Serve(ctx, nc)
}

// beKiosk says on the standard output for whom it would have called Glase.
func beKiosk(at string) error {
	return serveKiosk(context.Background(), at, handler(till{func(payer string) { fmt.Println(payer) }}, nil))
}

// kioskProcess is a kiosk in a process of its own.
type kioskProcess struct {
	*child.Child

	mu   sync.Mutex
	sold []string
}

func startKiosk(t *testing.T, at string) *kioskProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), asProcess+"="+at), w, os.Stderr
	k := &kioskProcess{}
	k.Child, err = child.Start(c, syscall.SIGKILL)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Kill)
	go func() {
		defer out.Close()
		for in := bufio.NewScanner(out); in.Scan(); {
			k.mu.Lock()
			k.sold = append(k.sold, in.Text())
			k.mu.Unlock()
		}
	}()
	return k
}

// soldTo is for whom it called Glase.
func (k *kioskProcess) soldTo() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string{}, k.sold...)
}

// localKiosk is a kiosk in this process.
func localKiosk(t *testing.T, at string, h http.Handler) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- serveKiosk(ctx, at, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// front is a gateway that runs.
type front struct {
	t    *testing.T
	gate *Gate
	url  string
	stop context.CancelFunc
	over chan error
	hang chan os.Signal
}

// startGate runs a gateway with a config that is changed as the test wants it.
func startGate(t *testing.T, at string, change func(*Config)) *front {
	t.Helper()
	c := Config{Listen: "127.0.0.1:0", Servers: []string{"nats://" + at}, AnswerWithin: 2 * time.Second,
		Drain: time.Millisecond}
	if change != nil {
		change(&c)
	}
	f := &front{t: t, gate: New(c, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)),
		over: make(chan error, 1), hang: make(chan os.Signal)}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	listens := make(chan net.Addr, 1)
	go func() { f.over <- f.gate.Run(ctx, zerolog.Nop(), f.hang, func(a net.Addr) { listens <- a }) }()
	select {
	case a := <-listens:
		f.url = "http://" + a.String()
		if c.TLSCert != "" {
			f.url = "https://" + a.String()
		}
	case err := <-f.over:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-f.over; err != nil {
			t.Error(err)
		}
	})
	return f
}

// reply is what a caller gets.
type reply struct {
	status int
	header http.Header
	body   string
}

func (f *front) do(method, path, body string, headers ...string) reply {
	r, err := try(http.DefaultClient, method, f.url+path, body, headers...)
	if err != nil {
		f.t.Error(err)
	}
	return r
}

func try(c *http.Client, method, url, body string, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

// wish is a createPurchase.
func wish(token, payer string) string {
	return fmt.Sprintf(`{"token": %q, "amount": 20.00, "currency": "SEK", "msisdn": %q}`, token, payer)
}

func (f *front) buy(payer string) reply {
	return f.do("POST", "/createPurchase", wish("K1", payer), "Content-Type", protocol.JSON)
}

// sells waits until purchases reach the kiosk.
func (f *front) sells(payer string) {
	f.t.Helper()
	await.Until(f.t, "a purchase gets through", func() bool {
		return f.buy(payer).body == `{"invoiceReferenceId":"ref`+payer+`"}`
	})
}

func (r reply) unavailable() bool { return r.status == 200 && r.body == protocol.Unavailable }

// proxy stands between two, and can stall without closing anything.
type proxy struct {
	address string
	target  string
	mu      sync.Mutex
	stalled bool
	moved   *sync.Cond
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: l.Addr().String(), target: target}
	p.moved = sync.NewCond(&p.mu)
	t.Cleanup(func() { l.Close(); p.stall(false) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", p.target)
			if err != nil {
				c.Close()
				continue
			}
			go p.copy(c, d)
			go p.copy(d, c)
		}
	}()
	return p
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for b := make([]byte, 64<<10); ; {
		n, err := from.Read(b)
		p.mu.Lock()
		for p.stalled {
			p.moved.Wait()
		}
		p.mu.Unlock()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *proxy) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.moved.Broadcast()
}

// TestTheTestsOwnProxyStalls keeps the other tests honest.
func TestTheTestsOwnProxyStalls(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hi")
	}))
	defer srv.Close()
	p := startProxy(t, strings.TrimPrefix(srv.URL, "http://"))
	client := &http.Client{Timeout: 50 * time.Millisecond}
	p.stall(true)
	if r, err := try(client, "GET", "http://"+p.address, ""); err == nil {
		t.Error("stalled, and still", r)
	}
	p.stall(false)
	await.Until(t, "it goes on", func() bool {
		r, _ := try(client, "GET", "http://"+p.address, "")
		return r.body == "hi"
	})
}
