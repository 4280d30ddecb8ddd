package world

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
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
	"kioskd/internal/drivers"
	"kioskd/internal/identity"
	"kioskd/internal/money"
	"kioskd/internal/simulated"
	"kioskd/ups"
)

// One Glase, three kiosks, and a front that now and then hands out an answer that was meant for somebody else.

var astrayFlag = flag.Uint64("astray", astrayUsual, "play this many worlds of three kiosks whose answers go astray")

const (
	astrayUsual   = 40
	astrayKiosks  = 3
	astrayVisits  = 8
	astrayApart   = 3 * time.Second
	astrayNeedful = 3 // answers that went astray in each of the usual worlds, on average
)

// arcade is such a world.
type arcade struct {
	t      *testing.T
	seed   uint64
	glase  *glasetest.Glase
	places []*place
	diary  diary
	random *noise

	mu         sync.Mutex
	violations []string
	astray     int
	last       time.Time // when an answer last went astray
}

// place is a kiosk and what stands around it.
type place struct {
	arcade   *arcade
	name     string
	cfg      config.Config
	terminal string
	board    *simboard.Board
	store    *store
	screen   screen
	app      *app.App
	stop     context.CancelFunc
	ended    chan error
}

func (a *arcade) violated(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	a.diary.note("VIOLATION %s", what)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.violations = append(a.violations, what)
}

// TestNobodyPaysForAnothersProduct holds that a front which mixes up its answers costs nobody money: no customer pays
// what another one gets, no product comes out that is not covered at Glase, and no kiosk touches another's invoice.
func TestNobodyPaysForAnothersProduct(t *testing.T) {
	dir := t.TempDir()
	outcomes, astray := map[string]int{}, 0
	for seed := *fromFlag; seed < *fromFlag+*astrayFlag; seed++ {
		a := playArcade(t, dir, seed)
		astray += a.astray
		for _, p := range a.places {
			for _, s := range p.store.sales() {
				outcomes[s.State]++
			}
		}
		if len(a.violations) > 0 {
			t.Errorf("seed=%d: %s\n%s", seed, strings.Join(a.violations, "\n"), a.diary.text())
			return
		}
	}
	t.Logf("%v, %d answers went astray", outcomes, astray)
	if *astrayFlag == astrayUsual && (astray < astrayUsual*astrayNeedful ||
		outcomes["charged"] < astrayUsual*astrayKiosks || outcomes["in_doubt"] > outcomes["charged"]/4) {
		t.Errorf("the worlds show too little, or too much is left to people")
	}
}

// playArcade lets one such world happen.
func playArcade(t *testing.T, dir string, seed uint64) (a *arcade) {
	synctest.Test(t, func(t *testing.T) {
		a = newArcade(t, dir, seed)
		a.happen()
	})
	return a
}

func newArcade(t *testing.T, dir string, seed uint64) *arcade {
	a := &arcade{t: t, seed: seed, random: newNoise(seed)}
	a.diary.begin = time.Now()
	a.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(a), Seed: seed, Log: func(line string) {
		if strings.Contains(line, "is answered with the answer to") {
			a.mu.Lock()
			a.astray, a.last = a.astray+1, time.Now()
			a.mu.Unlock()
		}
		a.diary.note("Glase: %s", line)
	}})
	flows := []string{"reservation", "sticker", "invoice"}
	r := rand.New(rand.NewPCG(seed, 3))
	for n := range astrayKiosks {
		a.places = append(a.places, a.open(dir, n, flows[r.IntN(len(flows))]))
	}
	return a
}

// client is somebody at Glase with a terminal of his own, or none.
func (a *arcade) client(terminal, password string) *glase.Client {
	c, err := glase.New(glase.Config{Endpoint: "http://127.0.0.1:1/soap/merchant/cashregister-2", TerminalID: terminal,
		Password: password, ClientID: "arcade",
		Reseller: &glase.Reseller{ID: glasetest.TestReseller, UserID: glasetest.TestResellerUser,
			Password: glasetest.TestResellerPassword},
		NewReference: func() string { return "arcade" }, Transport: a.glase.Transport()})
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// open registers a terminal, sticks its QR to a machine, and starts the machine's kiosk.
func (a *arcade) open(dir string, n int, flow string) *place {
	p := &place{arcade: a, name: fmt.Sprintf("kiosk %d", n+1), ended: make(chan error, 1)}
	home := filepath.Join(dir, fmt.Sprint(n))
	const password = "87654321"
	terminal, err := a.client("nobody", password).
		RegisterTerminal(context.Background(),
			glase.TerminalRegistration{ExternalID: p.name, Password: password, Name: p.name})
	if err != nil {
		a.t.Fatal(err)
	}
	p.terminal = terminal
	if err := a.client(terminal, password).AssignSeqrID(context.Background(), p.sticker()); err != nil {
		a.t.Fatal(err)
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		a.t.Fatal(err)
	}
	for name, content := range map[string]string{"password": password + "\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := identity.Save(filepath.Join(home, "identity.json"), identity.New("")); err != nil {
		a.t.Fatal(err)
	}
	text := strings.NewReplacer("FLOW", flow, "LIFE", "10m", "PIN", "60s", "STICKER", p.sticker(), "STOCK", "200",
		`"Simulated machine"`, `"`+p.name+`"`,
		`"123456"`, `"`+p.token()+`"`, "public_test_shop_terminal", terminal, "127.0.0.1/seqr", "127.0.0.1/seqr/"+
			p.token()).Replace(machine)
	if p.cfg, err = config.Parse("arcade.toml",
		[]byte(strings.Replace(text, `path_prefix = "/seqr"`, `path_prefix = "/seqr/`+p.token()+`"`, 1)), home,
		drivers.All()); err != nil {
		a.t.Fatal(err)
	}
	if p.board, err = simboard.New(simulated.Wiring(p.cfg), physics); err != nil {
		a.t.Fatal(err)
	}
	p.store = &store{noted: func(e fsm.Event, s fsm.State) {
		a.diary.note("%s: %s → %s %s", p.name, fsm.Name(e), s.Stage, s.Sale.Note)
	}, refused: func(string) {}}
	a.glase.Connect(p.token(), "http://kiosk.test/seqr/"+p.token()+"/createPurchase")
	p.start()
	return p
}

func (p *place) sticker() string { return "STICK" + p.name[len(p.name)-1:] }
func (p *place) token() string   { return "99990" + p.name[len(p.name)-1:] }

// start runs the place's kiosk.
func (p *place) start() {
	began := p.arcade.diary.begin.Add(-time.Hour)
	g := newGate()
	a, err := app.New(context.Background(), simulated.Config(p.cfg), app.Parts{
		Version: "arcade", Random: p.arcade.random, Screen: &p.screen, Pins: arcadeBoard{p.board, p},
		Transport: arcadeLine{p},
		Clock: app.Clock{Boot: "boot", Wall: time.Now, Synced: func() bool { return false },
			Now: func() fsm.Instant { return fsm.Instant(time.Since(began)) }},
		OpenJournal: func(context.Context) (app.Store, error) {
			return p.store.open(g)
		},
	})
	if err != nil {
		p.arcade.t.Fatal(err)
	}
	p.app = a
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	go func() { p.ended <- a.Run(ctx) }()
}

// ServeHTTP carries Glase's calls to the kiosk whose token is in the path.
func (a *arcade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, p := range a.places {
		if strings.HasPrefix(r.URL.Path, "/seqr/"+p.token()+"/") && p.app != nil {
			p.app.UPS.ServeHTTP(w, r)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// arcadeLine is a kiosk's way to Glase: whatever it does to an invoice or a payment must be its own terminal's.
type arcadeLine struct{ place *place }

var named = regexp.MustCompile(`<(invoiceReference|ersReference)>([^<]*)<`)

// RoundTrip implements http.RoundTripper.
func (l arcadeLine) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := *r
	again.Body = io.NopCloser(bytes.NewReader(body))
	op := operation(body)
	if m := named.FindSubmatch(body); m != nil && op != "getPaymentStatus" {
		if of := l.place.arcade.terminalOf(string(m[2])); of != l.place.terminal {
			l.place.arcade.violated("%s: %s about %s, which is of terminal %q", l.place.name, op, m[2], of)
		}
	}
	select { // a way takes its time, so that calls of three kiosks mix
	case <-time.After(wayMin + time.Duration(len(body)%37)*time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return l.place.arcade.glase.Transport().RoundTrip(&again)
}

// terminalOf is whose an invoice or a payment is.
func (a *arcade) terminalOf(reference string) string {
	if i, err := a.glase.Invoice(reference); err == nil {
		return i.Terminal
	}
	for _, m := range a.glase.Ledger() {
		if m.ErsReference == reference {
			return m.Terminal
		}
	}
	return ""
}

// arcadeBoard tells the referee of each motor that starts.
type arcadeBoard struct {
	*simboard.Board
	place *place
}

// Pin implements gpio.Source of hw/gpio.
func (b arcadeBoard) Pin(name string) (gpio.PinIO, error) {
	pin, err := b.Board.Pin(name)
	return arcadePin{pin, b.place}, err
}

type arcadePin struct {
	gpio.PinIO
	place *place
}

func (p arcadePin) Out(l gpio.Level) error {
	before := p.place.pulses()
	err := p.PinIO.Out(l)
	if p.place.pulses() > before {
		p.place.moves()
	}
	return err
}

func (p *place) pulses() (n int) {
	snap, _ := p.board.Snapshot()
	for _, s := range snap.Slots {
		n += s.Pulses
	}
	return n
}

// moves: a motor starts only for a sale of this kiosk whose invoice is its own, and covered.
func (p *place) moves() {
	sale, any := p.store.last()
	if !any || sale.State != string(fsm.Open) {
		p.arcade.violated("%s: a motor starts without a sale", p.name)
		return
	}
	if of := p.arcade.terminalOf(sale.InvoiceReference); of != p.terminal {
		p.arcade.violated("%s: a motor starts for invoice %s of terminal %q", p.name, sale.InvoiceReference, of)
	}
	held, paid := p.arcade.glase.Balance(sale.InvoiceReference)
	if held.Minor+paid.Minor < sum(sale, fsm.Delivered, fsm.Pending) {
		p.arcade.violated("%s: a motor starts with %d covered: %s", p.name, held.Minor+paid.Minor, brief(sale))
	}
}

// happen is the world's story.
func (a *arcade) happen() {
	synctest.Wait()
	ctx, calm := context.WithCancel(context.Background())
	var front, people sync.WaitGroup
	front.Go(func() { a.mixUp(ctx) })
	for n, p := range a.places {
		people.Go(func() {
			r := rand.New(rand.NewPCG(a.seed, uint64(100+n)))
			for range astrayVisits {
				time.Sleep(seconds(r, 20))
				p.visit(r)
			}
		})
	}
	people.Wait()
	calm()
	front.Wait()
	if err := a.glase.SetFaults(glasetest.Faults{}); err != nil {
		a.t.Fatal(err)
	}
	time.Sleep(2 * settleIn)
	for _, p := range a.places {
		p.judge()
		p.stop()
		if err := <-p.ended; err != nil {
			a.violated("%s: %v", p.name, err)
		}
		if err := p.app.Close(); err != nil {
			a.violated("%s: %v", p.name, err)
		}
	}
	a.final()
	a.glase.Close()
}

// mixUp has the front hand out one wrong answer at a time, each a few seconds after the last. Of two in a row that say
// the same and name nothing, such as RESERVED, no kiosk can know that both were another's: docs/money.md says so.
func (a *arcade) mixUp(ctx context.Context) {
	r := rand.New(rand.NewPCG(a.seed, 4))
	for {
		rule := glasetest.Fault{Operation: operations[r.IntN(len(operations)-1)],
			Fault: []string{"other_answer", "other_answer", "previous_answer"}[r.IntN(3)], Count: 1}
		if r.IntN(2) == 0 {
			rule.Operation = []string{"getPaymentStatus", "sendInvoice"}[r.IntN(2)]
		}
		if err := a.glase.SetFaults(glasetest.Faults{Rules: []glasetest.Fault{rule}}); err != nil {
			a.t.Error(err)
			return
		}
		a.diary.note("the front will mix up: %s %s", rule.Operation, rule.Fault)
		next := time.Now().Add(astrayApart + seconds(r, 12))
		for first := true; first || time.Now().Before(next); first = false {
			select {
			case <-time.After(time.Until(next)):
			case <-ctx.Done():
				return
			}
			a.mu.Lock()
			next = maxTime(next, a.last.Add(astrayApart))
			a.mu.Unlock()
		}
	}
}

func (p *place) press(button string) {
	p.arcade.diary.note("%s: somebody presses %s", p.name, button)
	if err := p.board.Press(button); err != nil {
		p.arcade.diary.note("%s: the button says: %v", p.name, err)
	}
}

func (p *place) shows() (qr string) {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	return p.screen.last.QR
}

// visit is a customer, who pays what the machine in front of her asks for.
func (p *place) visit(r *rand.Rand) {
	flow, scan := fsm.Flow(p.cfg.Payment.Flow),
		glasetest.Scan{QR: ups.StaticQR("public_test_shop", p.token()),
			Amount: money.Amount{Minor: 9000, Currency: "SEK"}}
	if flow != fsm.Reservation {
		p.press(slots[r.IntN(len(slots))])
		time.Sleep(2 * time.Second)
		if scan.QR = p.shows(); flow == fsm.Sticker {
			scan.QR = "HTTP://SEQR.SE/Q" + p.sticker()
		}
	}
	if scan.QR == "" {
		return
	}
	i, err := p.arcade.glase.Scan(context.Background(), scan)
	if err != nil {
		p.arcade.diary.note("%s: scans: %v", p.name, err)
		return
	}
	if i.Terminal != p.terminal {
		p.arcade.violated("%s: a customer is asked to pay invoice %s of terminal %q", p.name, i.Reference, i.Terminal)
	}
	time.Sleep(seconds(r, 8))
	if r.IntN(10) == 0 {
		p.press("cancel")
	}
	if r.IntN(10) > 0 {
		_, err := p.arcade.glase.Confirm(i.Reference, "1234")
		p.arcade.diary.note("%s: gives the PIN for %s: %v", p.name, i.Reference, err)
	}
	for range r.IntN(4) {
		time.Sleep(seconds(r, 10))
		if flow == fsm.Reservation {
			p.press(slots[r.IntN(len(slots))])
		}
	}
	if r.IntN(2) == 0 {
		p.press("cancel")
	}
	time.Sleep(seconds(r, 60))
}

// judge holds the place's books against Glase's. What stands in doubt is a person's, but nothing of it is held.
func (p *place) judge() {
	for _, s := range p.store.sales() {
		held, paid := p.arcade.glase.Balance(s.InvoiceReference)
		owed := sum(s, fsm.Delivered)
		switch state := fsm.SaleState(s.State); {
		case state == fsm.Open || held.Minor != 0:
			p.arcade.violated("%s: left hanging with %d held: %s", p.name, held.Minor, brief(s))
		case state == fsm.InDoubt:
			if s.Note == "" {
				p.arcade.violated("%s: in doubt without a note: %s", p.name, brief(s))
			}
		case paid.Minor != owed:
			p.arcade.violated("%s: %d was paid for products worth %d: %s", p.name, paid.Minor, owed, brief(s))
		}
	}
}

// final: what no sale knows, nobody has paid.
func (a *arcade) final() {
	known := map[string]bool{}
	for _, p := range a.places {
		for _, s := range p.store.sales() {
			known[s.InvoiceReference] = true
		}
	}
	for ref := range invoices(a.glase.Ledger()) {
		if held, paid := a.glase.Balance(ref); !known[ref] && held.Minor+paid.Minor != 0 {
			a.violated("%d was paid for invoice %s, which no sale knows", held.Minor+paid.Minor, ref)
		}
	}
}
