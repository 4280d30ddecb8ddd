package glasetest

import (
	"context"
	_ "embed" // the phone page and the interface description
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

//go:embed page.html
var page []byte

// Config is what a Glase is made of. The zero Config is a whole one.
type Config struct {
	// Transport carries Glase's own calls, createPurchase and the notifications; nil is a transport of its own.
	// InProcess makes one of a kiosk's handler.
	Transport http.RoundTripper
	// UPS says where createPurchase of each token goes: the full URL. Connect adds to it.
	UPS map[string]string
	// Strict refuses, with a SOAP Fault, every request that the 2.6.0 schema refuses. Otherwise children may come in
	// any order and be missing, which the documentation's own samples need.
	Strict bool
	// Certify refuses, with a SOAP Fault, what Glase's certification would send back and the service takes: a request
	// without clientReference, a row without itemQuantity, a receipt that is no HTML or XML.
	Certify bool
	// Seed is of every random number: terminal ids and the faults' probabilities.
	Seed uint64
	// Log gets one line for each call and each movement of money, without passwords and phone numbers; nil is silence.
	// It is called from many goroutines, after the fact.
	Log func(line string)
}

// Glase is the simulated service. Everything is safe for concurrent use. Its time is package time's, so that inside a
// testing/synctest bubble minutes pass at once.
type Glase struct {
	cfg  Config
	mux  *http.ServeMux
	out  *http.Client
	ctx  context.Context // ends the waits and the outgoing calls
	stop context.CancelFunc
	work sync.WaitGroup // requests and outgoing calls under way

	schema map[string]rule
	doers  map[string]doer

	mu            sync.Mutex // never held during I/O; guards all below
	closed        bool
	ups           map[string]string
	faults        Faults
	chance        *rand.Rand
	terminals     map[string]*terminal
	stickers      map[string]*terminal // seqrId → terminal
	invoices      map[string]*invoice
	live          map[string]*invoice // those that time can change
	payments      map[string]*invoice // by ersReference
	ledger        []Movement
	periods       map[string]*period
	marks         map[string]int // terminalId, or "" for the shop → end of its last period in the ledger
	calls         map[string]int
	given         []given
	lines         []string // of the log, to be handed out when the lock is let go
	outgoing      int
	lastReference int64
	lastErs       int
}

// New makes a Glase that knows the public test terminal and nothing else. Close it.
func New(cfg Config) *Glase {
	ctx, stop := context.WithCancel(context.Background())
	g := &Glase{
		cfg: cfg, ctx: ctx, stop: stop, schema: schema(),
		ups: map[string]string{}, terminals: map[string]*terminal{}, stickers: map[string]*terminal{},
		invoices: map[string]*invoice{},
		live:     map[string]*invoice{}, payments: map[string]*invoice{}, periods: map[string]*period{},
		marks: map[string]int{}, calls: map[string]int{},
	}
	transport := cfg.Transport
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute}
	}
	g.out = &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for token, url := range cfg.UPS {
		g.ups[token] = url
	}
	g.terminals[TestTerminal] = &terminal{id: TestTerminal, password: TestTerminalPassword, builtin: true,
		byClientID: map[string]*invoice{}}
	g.doers = g.operations()
	if err := g.SetFaults(Faults{}); err != nil {
		panic(err) // the zero Faults is good
	}

	g.mux = http.NewServeMux()
	for _, path := range []string{"/soap/merchant/cashregister-2", "/extclientproxy/service",
		"/extclientproxy/service/v2"} { // the older two are in the configs of clients in the field
		g.mux.HandleFunc(path, g.serveSOAP)
	}
	g.mux.HandleFunc("POST /phone/scan", g.serveScan)
	g.mux.HandleFunc("POST /phone/confirm", g.serveConfirm)
	g.mux.HandleFunc("POST /phone/cancel", g.serveCancel)
	g.mux.HandleFunc("GET /phone/invoices/{ref}", g.serveInvoice)
	g.mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, append([]Movement{}, g.Ledger()...))
	})
	g.mux.HandleFunc("GET /faults", g.serveFaults)
	g.mux.HandleFunc("POST /faults", g.serveFaults)
	g.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'")
		_, _ = w.Write(page)
	})
	return g
}

// ServeHTTP is the whole service: SOAP, the phone, the ledger and the faults. After Close it answers 503.
func (g *Glase) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.begin() {
		http.Error(w, "Glase is closed", http.StatusServiceUnavailable)
		return
	}
	defer g.work.Done()
	g.mux.ServeHTTP(w, r)
}

// begin counts a piece of work that Close waits for; false after Close.
func (g *Glase) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.work.Add(1)
	}
	return !g.closed
}

// Close ends the waits and the outgoing calls, and returns when nothing of Glase runs any more. What was true stays
// readable. It may be called more than once.
func (g *Glase) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.stop()
	g.work.Wait()
	g.out.CloseIdleConnections()
}

// Connect says where createPurchase of a token goes from now on: the full URL.
func (g *Glase) Connect(token, url string) {
	defer g.enter()()
	g.ups[token] = url
}

// Calls is how many well-formed calls of a SOAP operation came, the refused and the faulty ones included.
func (g *Glase) Calls(operation string) int {
	defer g.enter()()
	return g.calls[operation]
}

// Receipts is what submitPaymentReceipt brought for an invoice, oldest first.
func (g *Glase) Receipts(ref string) []Receipt {
	defer g.enter()()
	if i := g.invoices[ref]; i != nil {
		return slices.Clone(i.receipts)
	}
	return nil
}

// enter takes the lock and lets time catch up; what it returns lets the lock go.
func (g *Glase) enter() func() {
	g.mu.Lock()
	g.settle(g.now())
	return func() {
		lines := g.lines
		g.lines = nil
		g.mu.Unlock()
		for _, l := range lines {
			g.cfg.Log(l)
		}
	}
}

func (g *Glase) now() time.Time { return time.Now() }

// wait passes the time, whoever has hung up meanwhile: a server does not notice. Only Close cuts it short, and then it
// is false.
func (g *Glase) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.ctx.Done():
		return false
	}
}

// logf writes a line for the log. The caller holds the lock, and no line is handed out before it is let go.
func (g *Glase) logf(format string, args ...any) {
	if g.cfg.Log != nil {
		g.lines = append(g.lines, fmt.Sprintf(format, args...))
	}
}
