package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/app"
	"kioskd/internal/config"
)

// Options change a world. The zero Options is the usual one.
type Options struct {
	Flow string // "reservation", "sticker" or "invoice"; "": the seed decides

	// What follows makes the kiosk's own parts wrong, to prove that the referee notices.
	Transport func(http.RoundTripper) http.RoundTripper // around the way to Glase
	Pin       func(name string, p gpio.PinIO) gpio.PinIO
	Forget    int  // records that the journal loses at a kill
	NoRestart bool // nobody starts the kiosk again
}

// Result is what happened in a world.
type Result struct {
	Sales      int
	Outcomes   map[string]int // sales by their state
	Faults     map[string]int // troubles by kind
	Doubts     map[string]int // sales in doubt by their note
	Kills      int            // SIGKILLs and power cuts
	Violations []string
	Diary      string // what happened, a line each, with the time since the world's begin
}

const (
	stockFirst  = 50               // products in each slot: more than a world's customers buy
	settleIn    = 30 * time.Minute // once the troubles are over: longer than any reservation and its grace
	lapse       = 11 * time.Minute // what nobody settles any more has ended at Glase by then
	visitsMax   = 3
	killsMax    = 4
	sticker     = "ABC123"
	outputsOff  = 300 * time.Millisecond
	longestDark = 15 * time.Minute
)

// physics has no time that is a fraction of another: a turn never ends at the very moment at which a motor's time is up.
var physics = simboard.Physics{Turn: 613 * time.Millisecond, Fall: 83 * time.Millisecond}

var slots = []string{"A1", "A2"}

// world is everything.
type world struct {
	o        Options
	seed     uint64
	cfg      config.Config
	glase    *glasetest.Glase
	board    *simboard.Board
	store    *store
	net      network
	diary    diary
	referee  *referee
	harm     harm
	choices  glasetest.Choices
	random   *noise
	begin    time.Time
	wall     time.Duration // how wrong the wall clock is
	people   sync.WaitGroup
	restless bool // lives get fuses

	mu    sync.Mutex
	life  *life // nil while no kiosk runs
	kills int
	bootN int
	boot  time.Time // when the machine was switched on
}

// Play lets one world happen, from the beginning to the end, and reports it. It runs in a bubble of virtual time; t is only for
// what must not happen in any world, such as a goroutine that never ends.
func Play(t *testing.T, seed uint64, o Options) (res Result) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, seed, o)
		w.happen()
		res = w.result()
	})
	return res
}

func newWorld(t *testing.T, dir string, seed uint64, o Options) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	if o.Flow == "" {
		o.Flow = []string{"reservation", "reservation", "sticker", "invoice"}[r.IntN(4)]
	}
	w := &world{o: o, seed: seed, cfg: parse(t, dir, o.Flow), random: newNoise(seed), begin: time.Now(), restless: r.IntN(2) == 0}
	w.diary.begin, w.boot = w.begin, w.begin.Add(-time.Hour)
	if r.IntN(4) == 0 {
		w.wall = time.Unix(0, 0).Sub(w.begin) // no network has told the time yet
	}
	w.harm.blind, w.harm.stuck, w.harm.count = map[string]bool{}, map[string]bool{}, map[string]int{}
	w.referee = &referee{world: w, ended: map[string]bool{}}
	w.store = &store{noted: func(e fsm.Event, s fsm.State) {
		w.diary.note("journal: %s → %s %s", fsm.Name(e), s.Stage, s.Reason)
		w.referee.recorded()
	}}
	board, err := simboard.New(app.Wiring(w.cfg), physics)
	if err != nil {
		t.Fatal(err)
	}
	w.board = board
	w.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(doorway{w}), Seed: seed, Log: func(line string) {
		if !strings.HasPrefix(line, "notification") { // at a kill it may come too late, or just not: no kiosk depends on it
			w.diary.note("Glase: %s", line)
		}
	}})
	w.glase.Connect("123456", "http://kiosk.test/seqr/createPurchase")
	w.assign(t)
	return w
}

// assign sticks the QR on the machine.
func (w *world) assign(t *testing.T) {
	c, err := glase.New(glase.Config{
		Endpoint: w.cfg.Glase.Endpoint, TerminalID: glasetest.TestTerminal, Password: glasetest.TestTerminalPassword, ClientID: "setup",
		NewReference: func() string { return "kioskd-setup" }, Timeout: w.cfg.Glase.Timeout, Transport: w.glase.Transport(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.AssignSeqrID(context.Background(), sticker); err != nil {
		t.Fatal(err)
	}
}

// happen is the world's story: visits with troubles, an end of all troubles, one honest sale, the last judgement.
func (w *world) happen() {
	ctx, end := context.WithCancel(context.Background())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		w.keep(ctx)
	}()
	synctest.Wait()
	r := rand.New(rand.NewPCG(w.seed, 2))
	for n := range 1 + r.IntN(visitsMax) {
		w.visit(r, n)
	}
	w.mu.Lock()
	w.restless = false
	if w.life != nil {
		w.life.gate.spare()
	}
	w.mu.Unlock()
	w.calm()
	w.settle()
	w.service()
	w.honest()
	w.settle()
	time.Sleep(lapse)
	end()
	<-kept
	w.referee.final()
	w.glase.Close()
}

// settle waits until no sale is open.
func (w *world) settle() {
	for range int(settleIn / time.Second) {
		time.Sleep(time.Second)
		synctest.Wait()
		if sales := w.store.sales(); w.running() != nil && (len(sales) == 0 || sales[len(sales)-1].State != string(fsm.Open)) {
			break
		}
	}
	time.Sleep(2 * time.Minute) // the journal is tried again each minute, and what fell has fallen
}

func (w *world) result() Result {
	res := Result{Outcomes: map[string]int{}, Doubts: map[string]int{}, Faults: w.harm.count, Kills: w.kills, Violations: w.referee.violations}
	for _, s := range w.store.sales() {
		res.Sales++
		res.Outcomes[s.State]++
		if s.State == string(fsm.InDoubt) {
			res.Doubts[s.Note]++
		}
	}
	res.Diary = fmt.Sprintf("seed %d, %s\n%s", w.seed, w.o.Flow, w.diary.text())
	return res
}

func (w *world) snapshot(of func(simboard.SlotState) int) map[string]int {
	snap, _ := w.board.Snapshot() // a board in this process answers always
	n := map[string]int{}
	for _, s := range snap.Slots {
		n[s.Slot] = of(s)
	}
	return n
}

func (w *world) pulses() map[string]int {
	return w.snapshot(func(s simboard.SlotState) int { return s.Pulses })
}

func (w *world) dropped() map[string]int {
	return w.snapshot(func(s simboard.SlotState) int { return s.Dropped })
}

// diary is what happened, written by many.
type diary struct {
	begin time.Time
	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Duration
	text string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line{time.Since(d.begin), fmt.Sprintf(format, args...)})
}

func (d *diary) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, l := range d.lines {
		fmt.Fprintf(&b, "%14.6f %s\n", l.at.Seconds(), l.text)
	}
	return b.String()
}

// noise is the kiosk's source of random bytes.
type noise struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func newNoise(seed uint64) *noise {
	var key [32]byte
	copy(key[:], fmt.Sprintf("kioskd %d", seed))
	return &noise{src: rand.NewChaCha8(key)}
}

func (n *noise) Read(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.src.Read(b)
}

func parse(t *testing.T, dir, flow string) config.Config {
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(glasetest.TestTerminalPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("sim.toml", []byte(strings.NewReplacer("FLOW", flow, "STICKER", sticker, "STOCK", fmt.Sprint(stockFirst)).Replace(machine)), dir)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const machine = `
[machine]
name = "Simulated machine"
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
flow = "FLOW"
seqr_id = "STICKER"
reserve_max = "100.00"
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
stock = STOCK
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
stock = STOCK
button = "GPIO6"
max_on = "2s"
[slot.vend]
driver = "relay"
relay = "GPIO22"
drop = "GPIO23"
`
