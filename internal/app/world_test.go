package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/hardware"
	"kioskd/internal/host"
	"kioskd/internal/money"
	"kioskd/internal/sdnotify"
	"kioskd/internal/simulated"
	"kioskd/ups"
)

// world is a whole kiosk with everything around it, in virtual time: Glase, a simulated machine, a journal on the disk.
type world struct {
	t          *testing.T
	glase      *glasetest.Glase
	cfg        config.Config
	app        *App
	log        diary
	screen     filmed
	end        func()
	begin      time.Time
	servicedBy string
	sensors    fs.FS
	supervisor sdnotify.Supervisor
	serial     hardware.Serial
	host       *host.Watch        // nil: nobody looks at the computer
	network    *glasetest.Network // to Glase; nil: in process
	ahead      time.Duration      // what its wall clock is ahead by
	front      simulated.Machine  // of the run that is on
	ends       error              // what the run that is on shall end with
	real       bool               // in real time, with real sockets
	logged     io.Writer          // where the log goes besides; nil: nowhere
	unset      atomic.Bool        // nobody has set the wall clock
}

// diary is a log that many goroutines write to.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// filmed is a display that remembers what it showed.
type filmed struct {
	mu    sync.Mutex
	kinds []display.Kind
	last  display.Screen
	fail  error
}

func (f *filmed) Show(s display.Screen) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	if len(f.kinds) == 0 || f.kinds[len(f.kinds)-1] != s.Kind {
		f.kinds = append(f.kinds, s.Kind)
	}
	f.last = s
	return nil
}

func (f *filmed) Close() error { return nil }

// now is what stands on the display.
func (f *filmed) now() display.Screen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

func (f *filmed) shown(k display.Kind) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.kinds, k)
}

// play builds the world in a bubble of virtual time, starts the kiosk, and lets the story happen.
func play(t *testing.T, flow string, story func(w *world)) {
	t.Helper()
	playWith(t, flow, func(*config.Config) {}, story)
}

// playWith is play for a machine that is changed first.
func playWith(t *testing.T, flow string, change func(*config.Config), story func(w *world)) {
	t.Helper()
	playIn(t, flow, change, func(*world) {}, story)
}

// playIn is playWith in another world.
func playIn(t *testing.T, flow string, change func(*config.Config), other func(w *world), story func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, begin: time.Now().Add(-time.Hour), sensors: fstest.MapFS{}}
		w.cfg = testConfig(t, dir, flow)
		change(&w.cfg)
		other(w)
		var door kioskDoor
		w.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(&door)})
		defer w.glase.Close()
		w.glase.Connect("123456", "http://kiosk.test/seqr/createPurchase")
		if w.network != nil {
			defer w.served()()
		}
		w.start()
		door.app = w
		story(w)
		w.end()
		if log := w.log.String(); strings.Contains(log, "12345678") || strings.Contains(log, "46700000001") {
			t.Errorf("a password or a phone number is in the log:\n%s", log)
		}
		for _, file := range []string{"", "-wal"} {
			b, err := os.ReadFile(w.cfg.Journal.Path + file)
			if err == nil && (bytes.Contains(b, []byte("12345678")) || bytes.Contains(b, []byte("46700000001"))) {
				t.Errorf("a password or a phone number is in the journal%s", file)
			}
		}
	})
}

// kioskDoor hands Glase's calls to whichever kiosk runs now.
type kioskDoor struct{ app *world }

func (d *kioskDoor) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	d.app.app.UPS.ServeHTTP(rw, r)
}

func testConfig(t *testing.T, dir, flow string) config.Config {
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("12345678\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `
[machine]
name = "Test machine"
token = "123456"
currency = "SEK"
[glase]
endpoint = "http://127.0.0.1:1/soap/merchant/cashregister-2"
merchant_id = "public_test_shop"
terminal_id = "public_test_shop_terminal"
password_file = "password"
client_id = "Test AB"
[ups]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1/seqr"
path_prefix = "/seqr"
[payment]
flow = "` + flow + `"
seqr_id = "ABC123"
reserve_max = "200.00"
pin_timeout = "60s"
choose_timeout = "20s"
[journal]
path = "journal.db"
[debug]
listen = "127.0.0.1:1"
[gpio]
driver = "sim"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 5
button = "GPIO5"
max_on = "2s"
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
[[slot]]
id = "A2"
name = "Cake"
price = "22.50"
stock = 5
button = "GPIO6"
max_on = "2s"
[slot.vend]
driver = "relay"
relay = "GPIO22"
drop = "GPIO23"
`
	cfg, err := config.Parse("test.toml", []byte(text), dir, drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (w *world) logTo() io.Writer {
	if w.logged == nil {
		return &w.log
	}
	return w.logged
}

// start runs a kiosk on the world's journal.
func (w *world) start() {
	boot, transport := w.begin, glasetest.InProcess(w.glase)
	if w.network != nil {
		transport = glase.Transport(w.network.DialContext)
	}
	var err error
	if w.front, err = simulated.Open(w.cfg); err != nil {
		w.t.Fatal(err)
	}
	a, err := New(w.t.Context(), simulated.Config(w.cfg), Parts{
		Pins: w.front, Sim: simboard.Handler(w.front),
		Version: "test", Log: zerolog.New(w.logTo()), Random: rand.Reader, Transport: transport, Screen: &w.screen,
		ServicedBy: w.servicedBy, Sensors: w.sensors, Supervisor: w.supervisor, Serial: w.serial,
		Host: w.host,
		Clock: Clock{Boot: "boot", Wall: func() time.Time { return time.Now().Add(w.ahead) },
			Synced: func() bool { return !w.unset.Load() },
			Now:    func() fsm.Instant { return fsm.Instant(time.Since(boot)) }},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if !w.real {
		synctest.Wait()
	}
	w.end = func() {
		cancel()
		if err := <-ended; !errors.Is(err, w.ends) {
			w.t.Error(err)
		}
		if err := a.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// scan is the customer's phone at the machine's QR.
func (w *world) scan() string {
	i, err := w.glase.Scan(w.t.Context(),
		glasetest.Scan{QR: ups.StaticQR("public_test_shop", "123456"), Amount: sek(5000)})
	if err != nil {
		w.t.Fatalf("scan: %v\n%s", err, w.log.String())
	}
	return i.Reference
}

func (w *world) confirm(reference string) {
	if _, err := w.glase.Confirm(reference, "1234"); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
}

func (w *world) press(button string) {
	if err := w.front.Press(button); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Second)
}

func (w *world) fault(slot, fault string) {
	if err := w.front.Fault(slot, fault); err != nil {
		w.t.Fatal(err)
	}
}

// dropped is what came out, as the machine itself counts it.
func (w *world) dropped() map[string]int {
	s, err := w.front.Snapshot()
	if err != nil {
		w.t.Fatal(err)
	}
	n := map[string]int{}
	for _, slot := range s.Slots {
		n[slot.Slot] = slot.Dropped
		if slot.Relay {
			w.t.Errorf("the relay of %s is on", slot.Slot)
		}
	}
	return n
}

// recorded is the last state that is on the disk.
func (w *world) recorded() fsm.State {
	w.t.Helper()
	s, err := w.app.journal.Load(w.t.Context())
	if err != nil {
		w.t.Error(err)
	}
	return s
}

// settled waits until no sale is on, for at most an hour of virtual time.
func (w *world) settled() fsm.Sale {
	for range 3600 {
		if s := w.app.Kiosk.State(); !s.Busy() && s.Sale.ID != "" {
			return s.Sale
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("the sale is left hanging: %+v\n%s", w.app.Kiosk.State(), w.log.String())
	return fsm.Sale{}
}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// money holds what Glase has of the customer's money against what was expected.
func (w *world) money(reference string, paid int64) {
	w.t.Helper()
	held, got := w.glase.Balance(reference)
	if held.Minor != 0 || got.Minor != paid {
		w.t.Errorf("Glase holds %v and the customer has paid %v, want %v\n%s", held, got, sek(paid), w.log.String())
	}
}
