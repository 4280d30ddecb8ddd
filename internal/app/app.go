// Package app builds a whole kiosk from a config and its parts.
//
// It is the only place where the rooms meet: the state machine's effects become SOAP calls and motor starts here, in
// adapters of a few lines. Whoever shows the machine follows it: its front, the technicians' ports, systemd. The daemon
// and the simulated world of the tests use it alike; they differ in the parts they hand in.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/hw/display"
	"kioskd/hw/gpio"
	"kioskd/hw/vend"
	"kioskd/hw/vend/serialport"
	"kioskd/internal/books"
	"kioskd/internal/cold"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/debug/api"
	"kioskd/internal/fleet/member"
	"kioskd/internal/fleet/orders"
	"kioskd/internal/fleet/want"
	"kioskd/internal/front"
	"kioskd/internal/glasepay"
	"kioskd/internal/hardware"
	"kioskd/internal/health"
	"kioskd/internal/hold"
	"kioskd/internal/identity"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/mdbseller"
	"kioskd/internal/mint"
	"kioskd/internal/printing"
	"kioskd/internal/reason"
	"kioskd/internal/sdnotify"
	"kioskd/internal/serve"
	"kioskd/internal/shop"
	"kioskd/internal/terminal"
	"kioskd/internal/verdicts"
	"kioskd/ups"
)

// The patience at the end: for buttons and switches, and for the last picture. It takes electronic paper some seconds,
// and so does the picture before it that may be under way.
const (
	endPatience    = 2 * time.Second
	screenPatience = 10 * time.Second
)

// Parts are what a kiosk is built from besides its config.
type Parts struct {
	Version   string
	Log       zerolog.Logger
	Clock     Clock
	Random    io.Reader         // for identifiers; crypto/rand.Reader but in a test
	Transport http.RoundTripper // to Glase; nil for the network
	Payments  kiosk.Payments    // another payment service than Glase; nil: Glase
	Screen    Driver            // where the display's driver draws
	Pins      gpio.Source       // where the pins are; nil: the lines of the kernel that the config names
	Sim       http.Handler      // what the debug port answers below /sim/; nil: nothing is there
	Sensors   fs.FS             // the kernel's 1-Wire sensors; nil for its own folder
	Serial    hardware.Serial   // opens serial lines; nil: serialport.Open
	// who has just looked at the machine: closed slots sell again, and the stock is what the config says; "": nobody
	ServicedBy string

	OpenJournal func(context.Context) (Store, error) // nil: the file that the config names

	Supervisor sdnotify.Supervisor // who started the daemon and watches over it
}

// Driver shows screens, as the drivers of package display do.
type Driver interface {
	Show(display.Screen) error
	Close() error
}

// App is a whole kiosk. Its handlers work while Run does.
type App struct {
	UPS   http.Handler // nil when the config has no [ups]
	Debug http.Handler // for the network
	Local http.Handler // the same for the socket, whose file mode says who may ask: no token is needed
	Kiosk *kiosk.Kiosk
	*verdicts.Sales

	cfg        config.Config
	log        zerolog.Logger
	pins       *gpio.Pins
	glase      *glase.Client
	journal    Store // nil when it could not be opened
	open       func(context.Context) (Store, error)
	front      *front.Front
	screen     screen
	screens    Driver
	contacts   []hardware.Contact
	boards     *hardware.Boards
	books      *books.Books
	desk       *printing.Desk    // nil when there is no receipt printer
	shop       *shop.Shop        // nil when no page sells
	seller     *mdbseller.Seller // nil when no machine on an MDB bus sells
	faults     []fsm.Fault       // found while building
	copied     bool              // the card was made on another machine
	lost       string            // what the journal has lost of its end
	clock      Clock
	serviced   string
	supervisor *sdnotify.Teller
	vitals     *health.Vitals
	cold       *cold.Guard // nil: no temperature is measured
	door       *serve.Door
	certs      serve.Certificates
	fleet      *member.Member // nil: the machine is alone
	wanted     *want.Desk     // what the desk wants sold; nil: the machine is alone
	shelf      []fsm.Slot     // as the config has it
	restart    orders.Restart
}

// New builds a kiosk. Its first act is to make all outputs inactive, unless another kioskd runs this machine: that
// fails it. A journal that cannot be used does not: the machine then starts out of service and says why.
func New(ctx context.Context, cfg config.Config, p Parts) (_ *App, err error) {
	a := &App{
		cfg: cfg, log: p.Log, screens: p.Screen, clock: p.Clock, serviced: p.ServicedBy,
		front: front.New(cfg, p.Clock.Now), vitals: health.New(cfg, p.Clock.Wall, p.Clock.Synced),
		door: serve.NewDoor(p.Log, p.Clock.Wall), supervisor: sdnotify.New(p.Supervisor, p.Log),
		restart: orders.NewRestart(),
	}
	a.screen = screen{p.Screen, a.displayed}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.open = p.OpenJournal; a.open == nil {
		if err := Free(cfg); err != nil {
			return nil, err
		}
		a.open = func(ctx context.Context) (Store, error) {
			return journal.Open(ctx, cfg.Journal.Path, journal.Options{Version: p.Version})
		}
	}
	if a.pins, err = hardware.OpenPins(cfg, p.Pins); err != nil {
		return nil, err
	}
	if p.Serial == nil {
		p.Serial = serialport.Open
	}
	ports := hardware.NewPorts(p.Serial)
	var atMachine vend.Runner // not an interface around nothing
	if a.seller = mdbseller.New(cfg, ports.Opener, p.Log, p.Clock.Wall); a.seller != nil {
		atMachine = a.seller.Bridge()
	}
	if a.desk, err = printing.New(cfg, ports.Opener, p.Log, p.Clock.Wall, p.Clock.Synced); err != nil {
		return nil, err
	}
	a.boards = hardware.NewBoards(cfg, ports, atMachine, p.Log, p.Clock.Wall)
	slots, shelf, err := hardware.NewSlots(cfg, a.pins, a.boards, p.Log)
	if err != nil {
		return nil, err
	}
	a.shelf = shelf
	id, err := a.openIdentity()
	if err != nil {
		return nil, err
	}
	state, records, err := a.openJournal(ctx)
	if err != nil {
		return nil, err
	}
	ids := mint.Mint{Random: p.Random}
	if a.glase, err = newClient(cfg, id, p); err != nil {
		return nil, err
	}
	terminalID, _, err := terminal.Credentials(cfg, id)
	if err != nil {
		return nil, err
	}
	a.books = a.openBooks(terminalID, p)
	service := p.Payments
	if service == nil {
		pay := glasepay.Service{
			Client: a.glase, Terminal: terminalID, Name: cfg.Machine.Name, Language: cfg.Machine.Language,
			Timezone: cfg.Machine.Timezone, PublicURL: cfg.UPS.PublicURL, Wall: p.Clock.Wall, Heard: a.vitals.Heard,
			Synced: p.Clock.Synced,
		}
		if a.journal != nil { // not an interface around nothing
			pay.Books = a.journal
		}
		service = pay
	}
	kc := kiosk.Config{
		Rules: rules(cfg), Shelf: shelf, First: firstStock(cfg), RefilledBy: a.serviced, State: state,
		Journal: records, Payments: service, Dispenser: slots, NewSale: ids.Sale, NewItem: ids.Item,
		Now: p.Clock.Now, Boot: p.Clock.Boot, Wall: p.Clock.Wall, Log: p.Log, Lost: a.lost,
		Alive: a.supervisor.Alive, AliveEvery: a.supervisor.AliveEvery(),
		Restart: a.restart.Order,
	}
	a.faults = append(a.faults, a.boards.Faults()...)
	if a.seller != nil {
		kc.InStep, kc.Evidence = a.seller.Follow, a.seller.Recall
		a.faults = append(a.faults, fsm.Fault{Name: mdbseller.Fault, Hard: true})
	}
	if a.Kiosk, err = kiosk.New(kc); err != nil {
		return nil, err
	}
	a.Sales = &verdicts.Sales{Kiosk: a.Kiosk}
	if a.journal != nil { // not an interface around nothing
		a.Record = a.journal
	}
	pad := a.front.Pad(a.Kiosk.Choose)
	if a.contacts, err = hardware.Contacts(cfg, a.pins, a.Kiosk, pad.Key); err != nil {
		return nil, err
	}
	a.contacts = append(a.contacts, a.temperature(p.Sensors)...)
	if err := a.openPorts(p); err != nil {
		return nil, err
	}
	a.fleet, err = a.join(p)
	return a, err
}

// Free says whether this machine is free for a kioskd: another one that runs it must not lose its outputs to a second
// start.
func Free(cfg config.Config) error {
	if journal.InUse(cfg.Journal.Path) {
		return fmt.Errorf("journal: %s: %w: is another kioskd running?", cfg.Journal.Path, journal.ErrLocked)
	}
	return nil
}

// openPorts makes the handlers of the customer's side and of the technicians'.
func (a *App) openPorts(p Parts) (err error) {
	if a.certs, err = serve.OpenCertificates(a.cfg, p.Clock.Wall, p.Log); err != nil {
		return err
	}
	if a.cfg.Shop.Enabled {
		a.shop, err = shop.New(shop.Config{Machine: a.cfg, Kiosk: a.Kiosk, Now: p.Clock.Now, Synced: p.Clock.Synced,
			Secret: mint.Mint{Random: p.Random}.Secret, Lead: a.front.LeadTo, Log: p.Log})
		if err != nil {
			return err
		}
	}
	if a.cfg.UPS.PublicURL != "" {
		u := a.cfg.UPS
		a.UPS, err = ups.New(ups.Config{Token: a.cfg.Machine.Token, PathPrefix: u.PathPrefix,
			Currency: a.cfg.Machine.Currency,
			Known:    a.cfg.KnowsCallers(), Log: p.Log},
			purchases{a.Kiosk, []byte(mint.Mint{Random: p.Random}.Text(payerKey)), a.vitals.Scanned})
		if err != nil {
			return err
		}
		a.UPS = withPage(a.shop, a.UPS)
	}
	token := ""
	if f := a.cfg.Debug.TokenFile; f != "" {
		if token, err = config.ReadSecret(f); err != nil {
			return err
		}
	}
	dc := debug.Config{
		Kiosk: a.Kiosk, Sales: sales{a.journal}, Parts: a.parts, Pins: a.levels, Words: a.words,
		Picture: a.front.Picture, Sim: p.Sim, Version: p.Version, Log: p.Log, Machine: a.cfg.Machine.Name,
		Temperature: a.celsius, Stock: a.stock, KeptOut: a.door.KeptOut,
		Places: debug.NewPlaces(), Books: a.books, Receipt: a.receipt,
		Fleet: func(ctx context.Context) *api.Fleet { return a.fleet.Fleet(ctx) },
	}
	local := dc
	local.Refund, local.Print, local.Close, local.Back = a.Refund, a.desk.Copier(), true, a.Kiosk.Back
	local.Hold = hold.New(a.Kiosk).Hold
	local.Resolve, local.Accept, local.Technician = a.Resolve, a.Kiosk.AcceptLoss, technician{a}
	if a.Local, err = debug.New(local); err != nil {
		return err
	}
	if dc.Token = token; token != "" { // nobody moves anything over the network without it
		dc.Technician, dc.Back = technician{a}, a.Kiosk.Back
	}
	dc.Followers, dc.Hosts = networkFollowers, a.certs.DebugHosts(a.cfg.Debug)
	a.Debug, err = debug.New(dc)
	return err
}

// networkFollowers are how many may follow the machine's events over the network port, which any user of this machine
// can reach. They are fewer than there are places: the socket, whose file mode says who may ask, always has some left.
const networkFollowers = 8

// Serve listens on the config's ports and runs the kiosk until ctx ends.
func (a *App) Serve(ctx context.Context) error {
	return serve.Run(ctx, serve.Config{
		UPS: a.cfg.UPS, Debug: a.cfg.Debug, Customers: a.UPS, Technicians: a.Debug, Local: a.Local,
		Certificates: a.certs, Door: a.door, Log: a.log,
	}, a.Run)
}

// Reload reads again what may be replaced while the kiosk runs: the certificates. What cannot be used leaves the old
// ones served; the error says why. No sale notices.
func (a *App) Reload() error { return a.certs.Reload() }

// Run works until ctx ends and the sale that is on is settled as far as time allows.
func (a *App) Run(ctx context.Context) error {
	for _, f := range a.faults {
		a.Kiosk.Raise(f) // before the loop runs, so that it hears of them first
	}
	inputs, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var wg sync.WaitGroup
		wg.Go(func() { a.boards.Run(inputs, a.Kiosk) })
		a.follow(inputs)
		wg.Wait()
	}()
	screens, screenEnded := a.front.Follow(context.WithoutCancel(ctx)), make(chan struct{})
	go func() {
		defer close(screenEnded)
		a.screen.run(screens) // until the front has no more
	}()
	go a.front.Run(inputs, a.Kiosk.Follow(inputs))
	if a.shop != nil {
		go a.shop.Run(inputs, a.Kiosk.Follow(inputs))
	}
	if a.desk != nil {
		go a.desk.Run(inputs, a.Kiosk.Follow(inputs))
	}
	if a.fleet != nil {
		go a.wanted.Run(inputs)
		go a.fleet.Run(inputs)
	}
	go a.prune(inputs)
	go a.books.Run(inputs)
	ctx, again := context.WithCancelCause(ctx)
	defer again(nil)
	go a.awaitJournal(ctx, again)
	go a.restart.Await(ctx, again)
	if a.serviced != "" {
		go a.Kiosk.Serviced(a.serviced)
	}
	a.supervisor.Follow(ctx, inputs, a.Kiosk.Follow)
	err := a.Kiosk.Run(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errAgain) || errors.Is(cause, orders.ErrRestart) {
		err = errors.Join(err, cause)
	}
	stop()
	slow := time.After(screenPatience) // what hangs does not keep the daemon from ending
	select {
	case <-ended:
	case <-time.After(endPatience):
		a.log.Error().Msg("a button, a switch or a serial line hangs: the daemon ends without it")
		return err
	}
	select {
	case <-screenEnded:
	case <-slow:
		a.log.Error().Msg("the display hangs: the daemon ends without it")
		a.screens = nil
	}
	return err
}

// follow watches all contacts, and the machine on the bus, until ctx ends. One that cannot be watched any more takes
// the machine out of service.
func (a *App) follow(ctx context.Context) {
	var wg sync.WaitGroup
	if a.seller != nil {
		wg.Go(func() { a.seller.Run(ctx, a.Kiosk) })
	}
	for _, c := range a.contacts {
		wg.Go(func() {
			if err := c.Follow(ctx); err != nil && ctx.Err() == nil {
				a.log.Error().Err(err).Str("contact", c.Name).Msg("cannot be watched")
				a.Kiosk.Raise(fsm.Fault{Name: reason.Hardware, Hard: true})
			}
		})
	}
	wg.Wait()
}

// displayed raises a fault while the display cannot show anything: a customer would have no QR to scan.
func (a *App) displayed(err error) {
	a.vitals.Shown(err)
	if err != nil {
		a.log.Error().Err(err).Msg("the display fails: no new sale is offered")
		a.Kiosk.Raise(fsm.Fault{Name: reason.Display})
		return
	}
	a.Kiosk.Clear(reason.Display)
}

// Close makes the outputs inactive and lets everything go. It may be called when New failed half way.
func (a *App) Close() error {
	var errs []error
	if a.pins != nil {
		errs = append(errs, a.pins.Close())
	}
	if a.glase != nil {
		a.glase.Close()
	}
	if a.journal != nil {
		errs = append(errs, a.journal.Close())
	}
	if a.screens != nil {
		errs = append(errs, a.screens.Close())
	}
	return errors.Join(errs...)
}

// pinHurry is what the time for the PIN is shortened to by unpaid sales in a row: enough for who has the phone in the
// hand, since the scan has just made this invoice.
const pinHurry = 20 * time.Second

// rules are the config's settings that decide.
func rules(cfg config.Config) fsm.Rules {
	return fsm.Rules{
		Flow: fsm.Flow(cfg.Payment.Flow), ReserveMax: cfg.Payment.ReserveMax, PinTimeout: cfg.Payment.PINTimeout,
		ChooseTimeout: cfg.Payment.ChooseTimeout, ReservationTimeout: cfg.Glase.ReservationTimeout,
		PinHurry: pinHurry, Page: cfg.Shop.Enabled && cfg.Payment.Flow != config.Web,
	}
}

// firstStock is what the config says is in the machine, for slots that the journal does not know.
func firstStock(cfg config.Config) map[string]int {
	first := map[string]int{}
	for _, s := range cfg.Slots {
		first[s.ID] = s.Stock
	}
	return first
}

func newClient(cfg config.Config, id identity.Identity, p Parts) (*glase.Client, error) {
	terminalID, password, err := terminal.Credentials(cfg, id)
	if err != nil {
		return nil, err
	}
	return glase.New(glase.Config{
		Endpoint: cfg.Glase.Endpoint, TerminalID: terminalID, Password: password, ClientID: cfg.Glase.ClientID,
		NewReference: glasepay.References(p.Version, p.Random), Timeout: cfg.Glase.Timeout, Transport: p.Transport,
		Log: func(op string, attempt int, err error) {
			p.Log.Warn().Str("call", op).Int("attempt", attempt).Err(err).Msg("Glase")
		},
	})
}
