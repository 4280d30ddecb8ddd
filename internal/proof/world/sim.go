package world

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/config"
)

// Options change a world. The zero Options is the usual one.
type Options struct {
	Flow    string   // "reservation", "sticker", "invoice" or "web"; "": the seed decides between the first three
	Board   bool     // a serial motor board has the spirals; false: the seed decides
	Without []string // happenings that are left out; what follows from them goes with them
	Only    []string // all happenings but these are left out; nil: none is
	Locks   bool     // lockers are behind a serial lock board; false: the seed decides
	Parts   string   // "spirals" or "other"; "": the seed decides
	Bus     bool     // with reservations: a machine on an MDB bus chooses and delivers; false: the seed decides
	Ground  *Ground  // what the world stands on; nil makes one
	Tests   bool     // technicians test the machine, often
	// the kiosk speaks with another payment service than Glase, which is where the money lies all the same
	Second  bool
	Sockets bool // Glase is on connections, behind fronts that let them die; false: the seed decides

	// NewInvoices: Glase makes a new invoice of each sendInvoice; false: the seed decides.
	NewInvoices bool

	// What follows makes the kiosk's own parts wrong, to prove that the referee notices.
	Transport func(http.RoundTripper) http.RoundTripper // around the way to Glase
	Pin       func(name string, p gpio.PinIO) gpio.PinIO
	Line      func(io.ReadWriteCloser) io.ReadWriteCloser // around the way to a machine on a bus
	// records that the journal loses at a kill, and nobody notices
	Forget int
	// up to so many are lost at each kill, and the witness says so
	LoseLog   int
	NoRestart bool // nobody starts the kiosk again
}

// Result is what happened in a world.
type Result struct {
	Flow       string
	Sales      int
	Outcomes   map[string]int // sales by their state
	Faults     map[string]int // troubles by kind
	Doubts     map[string]int // sales in doubt by their note
	Verdicts   int            // sales in doubt that a person decided
	Refunds    map[string]int // requests to give something back, by what came of them
	Kills      int            // SIGKILLs and power cuts
	Losses     int            // those that the newest records did not survive
	Happenings []string       // what took place of all that may be left out, by name
	Violations []string
	Kinds      []string // of the violations: what they say without the particulars
	Diary      string   // what happened, a line each, with the time since the world's begin
}

const (
	stockFirst  = 200              // products in each slot: more than a world's customers buy
	settleIn    = 30 * time.Minute // once the troubles are over: longer than any reservation and its grace
	lapse       = 11 * time.Minute // what nobody settles any more has ended at Glase by then
	visitsUsual = 3
	visitsMax   = 12 // one world in eight is a long one
	killsMax    = 12
	sticker     = "ABC123"
	outputsOff  = 300 * time.Millisecond
	longestDark = 15 * time.Minute
)

// physics has no time that is a fraction of another: a turn never ends at the very moment at which a motor's time is
// up. Nor does a home switch close at the moment of a look at it, which a spiral keeps its angle for.
var (
	physics      = simboard.Physics{Turn: 613 * time.Millisecond, Fall: 83 * time.Millisecond}
	otherPhysics = simboard.Physics{Turn: 613137 * time.Microsecond, Fall: 83071 * time.Microsecond,
		Home: 60313 * time.Microsecond,
		Open: 907011 * time.Microsecond, Taken: 2503017 * time.Microsecond}
)

var (
	slots  = []string{"A1", "A2"}
	prices = map[string]string{"A1": "15.00", "A2": "22.50"}
)

// world is everything.
type world struct {
	o         Options
	seed      uint64
	cfg       config.Config
	glase     *glasetest.Glase
	board     *simboard.Board
	locks     *lockBoard      // nil: no serial board has the lockers
	motors    *motorBoard     // nil: relays of the kiosk's own have the spirals
	machine   *vendingMachine // nil: the kiosk drives the motors itself
	sockets   *sockets        // nil: Glase is in process, where no connection dies
	store     *store
	books     books
	net       network
	diary     diary
	referee   *referee
	harm      harm
	random    *noise
	begin     time.Time
	wall      atomic.Int64 // how wrong the wall clock is, in nanoseconds
	people    sync.WaitGroup
	switching sync.Mutex    // held while a relay is
	foreign   *glase.Client // a second machine with our terminal

	mu       sync.Mutex
	took     map[string]bool // happenings
	restless bool            // lives get fuses
	over     time.Time       // when all troubles ended; zero: not yet
	life     *life           // nil while no kiosk runs
	chapter  string          // the visit that is on
	starts   int             // of the kiosk in it
	way      *rand.Rand      // how long calls take in it
	kills    int
	losses   int // kills that lost records
	bootN    int
	boot     time.Time       // when the machine was switched on
	hints    []string        // paths of notifications so far
	blind    map[string]bool // slots whose sensor may have missed a product
	lavish   map[string]bool // slots that may have given more than one product for one motor start
	stuck    map[string]bool // slots whose sensor may have stuck
	stuckAt  map[string][]time.Time

	glaseMu    sync.Mutex // held while Glase's faults are changed; guards what follows
	armed      []func()   // end the spans of what Glase does wrong now
	refundsEnd func()     // ends the span in which it takes no refunds; nil: it does
}

// Play lets one world happen, from the beginning to the end, and reports it. It runs in a bubble of virtual time; t is
// only for what must not happen in any world, such as a goroutine that never ends.
func Play(t *testing.T, seed uint64, o Options) (res Result) {
	t.Helper()
	if o.Ground == nil {
		o.Ground = NewGround(t, t.TempDir())
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, o)
		w.happen()
		res = w.result()
	})
	return res
}

func newWorld(t *testing.T, seed uint64, o Options) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	flow := []string{"reservation", "reservation", "sticker", "invoice"}[r.IntN(4)]
	if o.Flow == "" {
		o.Flow = flow
	}
	w := &world{o: o, seed: seed, random: newNoise(seed), begin: time.Now(), restless: r.IntN(2) == 0,
		took: map[string]bool{}}
	kind, like := o.Flow, physics
	if _, short := w.maybe(25, "short reservations"); short && o.Flow == "reservation" {
		kind = "reservation, short"
	}
	atMachine := onABus(w, o)
	_, other := w.maybe(20, "other parts")
	other = other && o.Parts == "" && !o.Board && !o.Locks && !atMachine || o.Parts == "other"
	if other {
		kind, like = kind+otherParts, otherPhysics
	}
	w.cfg = o.Ground.machines[kind]
	if _, yes := w.maybe(20, "motor board"); yes && o.Parts == "" && !other && !atMachine && !o.Locks || o.Board {
		w.cfg = boarded(w.cfg)
	}
	plain := o.Parts == "" && !other && !atMachine && !behindABoard(w.cfg)
	if _, yes := w.maybe(10, "lock board"); yes && plain || o.Locks {
		w.cfg, like = lockered(w.cfg), otherPhysics
	}
	if atMachine {
		w.cfg = o.Ground.machines["reservation, mdb"]
	}
	w.diary.begin, w.boot = w.begin, w.begin.Add(-time.Hour)
	if _, wrong := w.maybe(25, "wall clock"); wrong {
		w.wall.Store(int64(time.Unix(0, 0).Sub(w.begin))) // no network has told the time yet
	}
	w.blind, w.lavish, w.stuck, w.stuckAt, w.harm.count = map[string]bool{}, map[string]bool{}, map[string]bool{},
		map[string][]time.Time{}, map[string]int{}
	w.referee = newReferee(w)
	w.store = &store{noted: func(e fsm.Event, s fsm.State) {
		w.diary.note("journal: %s → %s %s", fsm.Name(e), s.Stage, s.Reason)
		w.referee.recorded()
		w.referee.moved(s)
	}, refused: func(event string) {
		w.diary.note("the disk refuses %s", event)
		w.harm.moment(diskRefuses)
	}}
	board, err := simboard.New(w.wiring(), like)
	if err != nil {
		t.Fatal(err)
	}
	w.board = board
	w.machine, w.motors, w.locks = newMachine(w), newMotorBoard(w), newLockBoard(w)
	w.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(doorway{w}), Seed: seed,
		Log: func(line string) {
			// at a kill it may come too late, or just not: no kiosk depends on it
			if !strings.HasPrefix(line, "notification") {
				w.diary.note("Glase: %s", line)
			}
		}})
	w.glase.Connect("123456", "http://kiosk.test/seqr/createPurchase")
	if _, yes := w.maybe(20, "sockets"); yes || o.Sockets {
		w.sockets = newSockets(w)
	}
	if w.foreign, err = w.otherMachine(); err != nil {
		t.Fatal(err)
	}
	if err := w.foreign.AssignSeqrID(context.Background(), sticker); err != nil { // sticks the QR on the machine
		t.Fatal(err)
	}
	return w
}

// otherMachine is another machine with our terminal.
func (w *world) otherMachine() (*glase.Client, error) {
	return glase.New(glase.Config{
		Endpoint: w.cfg.Glase.Endpoint, TerminalID: glasetest.TestTerminal, Password: glasetest.TestTerminalPassword,
		ClientID:     "foreign",
		NewReference: func() string { return "foreign" }, Timeout: w.cfg.Glase.Timeout, Transport: intruder{w},
	})
}

// happen is the world's story: visits with troubles, an end of all troubles, one honest sale, the last judgement.
func (w *world) happen() {
	ctx, end := context.WithCancel(context.Background())
	w.begins("begin")
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		w.keep(ctx)
	}()
	boards, unplug := context.WithCancel(context.Background()) // they outlive the kiosk
	moving := make(chan struct{})
	go func() {
		defer close(moving)
		w.motors.run(boards)
		<-boards.Done()
		w.locks.end()
	}()
	synctest.Wait()
	r := rand.New(rand.NewPCG(w.seed, 2))
	visits := 1 + r.IntN(visitsUsual)
	if r.IntN(8) == 0 {
		visits = visitsUsual + 1 + r.IntN(visitsMax-visitsUsual)
	}
	for n := range visits {
		if name := fmt.Sprintf("visit %d", n+1); w.happens(name) {
			w.begins(name)
			w.visit(name)
		}
	}
	w.begins("end")
	w.mu.Lock()
	w.restless = false
	if w.life != nil {
		w.life.gate.spare()
	}
	w.mu.Unlock()
	w.calm()
	w.settle()
	w.acceptLoss()
	w.service()
	w.honest()
	w.settle()
	time.Sleep(lapse)
	end()
	<-kept
	unplug()
	<-moving
	w.referee.final()
	w.referee.booked()
	w.foreign.Close()
	if w.sockets != nil {
		w.sockets.end()
	}
	w.glase.Close()
	if w.machine != nil {
		w.machine.Unplug()
	}
}

// begins is the begin of a chapter of the story.
func (w *world) begins(chapter string) {
	r := w.numbers(chapter + "/way")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.chapter, w.starts, w.way = chapter, 0, r
}

// settle waits until no sale is open.
func (w *world) settle() {
	for range int(settleIn / time.Second) {
		time.Sleep(time.Second)
		synctest.Wait()
		if sale, any := w.store.last(); w.running() != nil && (!any || sale.State != string(fsm.Open)) {
			break
		}
	}
	time.Sleep(2 * time.Minute) // the journal is tried again each minute, and what fell has fallen
}

// amounts are taken out of the notes, so that the same doubts are counted together.
var amounts = regexp.MustCompile(`\d+\.\d\d SEK`)

func (w *world) result() Result {
	res := Result{
		Flow: w.o.Flow, Outcomes: map[string]int{}, Doubts: map[string]int{}, Faults: w.harm.count, Kills: w.kills,
		Losses: w.losses, Refunds: w.referee.requests(),
		Happenings: w.happenings(), Violations: w.referee.violations, Kinds: w.referee.kinds,
	}
	for _, s := range w.store.sales() {
		res.Sales++
		res.Outcomes[s.State]++
		if s.State == string(fsm.InDoubt) {
			res.Doubts[amounts.ReplaceAllString(s.Note, "…")]++
		}
		if w.referee.reopened(s) {
			res.Verdicts++
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
