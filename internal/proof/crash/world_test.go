package crash

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kioskd/glase"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/proof/child"
	"kioskd/internal/proof/phone"
	"kioskd/internal/proof/port"
)

const (
	sticker  = "ABC123"
	patience = 2 * time.Minute // for a fact that must come: longer than any pause of the kiosk's own
)

// errDead ends a customer's visit: the kiosk is not there any more.
var errDead = errors.New("the kiosk was killed")

// world is a Glase, a board and a kiosk, each a process.
type world struct {
	t               *testing.T
	name, flow, dir string
	config          string
	proxy           string // its address
	glase           phone.Phone
	debug           *client.Client
	board           *simboard.Client
	kills           int
	kiosk           *child.Child // nil before the first start

	mu    sync.Mutex
	calls int // to Glase since the trap was set
	trap  func(call int, after bool)
}

func newWorld(t *testing.T, programs, flow string) *world {
	w := &world{t: t, name: flow, flow: flow, dir: t.TempDir()}
	glaseAt, debugAt, upsAt := port.Free(), port.Free(), port.Free()
	w.glase, w.debug = phone.Phone("http://"+glaseAt), client.At("http://"+debugAt, "", nil)
	w.proxy = w.startProxy()
	example, err := exec.Command(filepath.Join(programs, "kioskd"), "check", "--example").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"http://127.0.0.1:8080", w.proxy, "127.0.0.1:8082", upsAt, "127.0.0.1:8081", debugAt,
		"/var/lib/kioskd", w.dir, "/run/kioskd", w.dir, `driver = "terminal"`, `driver = "none"`,
		`driver = "sim"`, `driver = "sim"`+"\ndevice = \""+w.dir+"/board\"",
		`flow = "reservation"`, `flow = "`+flow+`"`, `#seqr_id = "ABC123"`, `seqr_id = "`+sticker+`"`,
		`pin_timeout = "60s"`, `pin_timeout = "10s"`, `choose_timeout = "60s"`, `choose_timeout = "5s"`,
	).Replace(string(example))
	text = regexp.MustCompile(`(?m)^stock = \d+`).ReplaceAllString(text, "stock = 999") // nobody refills it
	w.config = filepath.Join(w.dir, "kioskd.toml")
	for file, body := range map[string]string{"kioskd.toml": text, "glase.password": "12345678"} {
		if err := os.WriteFile(filepath.Join(w.dir, file), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.begin(programs, "glasesim", "--listen", glaseAt, "--ups", "123456=http://"+upsAt+"/seqr/createPurchase")
	w.begin(programs, "kioskd", "sim-board", "--config", w.config)
	w.until("the board is there", func() bool { w.board, err = simboard.Dial(w.dir + "/board"); return err == nil })
	t.Cleanup(func() { w.board.Close() })
	w.until("Glase is there", func() bool { _, err := w.glase.Ledger(t.Context()); return err == nil })
	w.assign()
	t.Cleanup(func() {
		if w.kiosk != nil {
			w.kiosk.Kill()
		}
		if t.Failed() {
			w.tell()
		}
	})
	return w
}

// tell is what a failed world has to say.
func (w *world) tell() {
	log, _ := os.ReadFile(filepath.Join(w.dir, "kioskd.log"))
	lines := strings.Split(string(log), "\n")
	w.t.Logf("the kiosk's last lines:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
}

// begin starts a program that ends with the test.
func (w *world) begin(programs, name string, args ...string) *child.Child {
	c := exec.Command(filepath.Join(programs, name), args...)
	log, err := os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	started, err := child.Start(c, syscall.SIGKILL)
	if err != nil {
		w.t.Fatal(err)
	}
	if args[0] != "run" {
		w.t.Cleanup(started.Kill)
	}
	return started
}

// assign sticks the QR on the machine.
func (w *world) assign() {
	c, err := glase.New(glase.Config{
		Endpoint: string(w.glase) + "/soap/merchant/cashregister-2", TerminalID: "public_test_shop_terminal",
		Password: "12345678", ClientID: "setup",
		NewReference: func() string { return "kioskd-setup" }, Timeout: 3 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	if err := c.AssignSeqrID(w.t.Context(), sticker); err != nil {
		w.t.Fatal(err)
	}
}

// startProxy stands between the kiosk and Glase, where a call can be seen before it is carried out and after it.
func (w *world) startProxy() string {
	target, err := url.Parse(string(w.glase))
	if err != nil {
		w.t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.calls++
		call, trap := w.calls, w.trap
		w.mu.Unlock()
		if trap != nil {
			trap(call, false)
		}
		kept := httptest.NewRecorder() // the answer, until it is decided whether anybody gets it
		forward.ServeHTTP(kept, r.WithContext(context.WithoutCancel(r.Context())))
		if trap != nil {
			trap(call, true)
		}
		for k, v := range kept.Header() {
			rw.Header()[k] = v
		}
		rw.WriteHeader(kept.Code)
		_, _ = rw.Write(kept.Body.Bytes()) // a killed kiosk does not read it
	}))
	s.Config.ErrorLog = nil
	w.t.Cleanup(s.Close)
	return s.URL
}

// start runs the kiosk as systemd would.
func (w *world) start(programs string) {
	w.kiosk = w.begin(programs, "kioskd", "run", "--config", w.config)
}

// off is what the unit's ExecStopPost does.
func (w *world) off(programs string) {
	if out, err := exec.Command(filepath.Join(programs, "kioskd"), "outputs-off", "--config", w.config).
		CombinedOutput(); err != nil {
		w.t.Fatalf("outputs-off: %v\n%s", err, out)
	}
}

// wait waits for a fact, or for the kiosk's death.
func (w *world) wait(ok func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-w.kiosk.Ended():
			return errDead
		case <-time.After(5 * time.Millisecond): // between two questions over HTTP
		}
		if ok() {
			return nil
		}
	}
	return errors.New("what must come does not come")
}

// until waits for a fact that must come.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	var dead <-chan struct{}
	if w.kiosk != nil {
		dead = w.kiosk.Ended()
	}
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-dead:
			w.t.Fatalf("%s: the kiosk ended by itself before %s", w.name, what)
		default:
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: never: %s", w.name, what)
		}
	}
}

func (w *world) step() string {
	s, _ := w.debug.Status(w.t.Context()) // no answer is no step
	return s.Step
}

func (w *world) sales() []api.Sale {
	all, _ := w.debug.Sales(w.t.Context(), client.SalesMax) // no answer is no sale
	return all
}
