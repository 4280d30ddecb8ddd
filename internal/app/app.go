// Package app builds a whole kiosk from a config and its parts.
//
// It is the only place where the rooms meet: the state machine's effects become SOAP calls, motor starts and pictures here, in
// adapters of a few lines. The daemon and the simulated world of the tests use it alike; they differ in the parts they hand in.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/hw/display"
	"kioskd/hw/gpio"
	"kioskd/hw/gpio/simboard"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/identity"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/planogram"
	"kioskd/ups"
)

const (
	keepFor        = 400 * 24 * time.Hour // records stay for a year and a month: some 300 MB for 100 sales a day
	pruneEvery     = 24 * time.Hour
	screenPatience = 2 * time.Second // for the last picture at the end
)

// Parts are what a kiosk is built from besides its config.
type Parts struct {
	Version   string
	Log       zerolog.Logger
	Clock     Clock
	Random    io.Reader         // for identifiers; crypto/rand.Reader but in a test
	Transport http.RoundTripper // to Glase; nil for the network
	Screen    Driver            // where the display's driver draws
	Physics   simboard.Physics  // how fast a simulated machine in this process moves
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

	cfg      config.Config
	log      zerolog.Logger
	pins     *gpio.Pins
	glase    *glase.Client
	journal  *journal.Journal // nil when it could not be opened
	screen   *screen
	screens  Driver
	contacts []contact
	faults   []fsm.Fault // found while building
	copied   bool        // the card was made on another machine
	synced   func() bool // whether the wall clock can be believed
}

// New builds a kiosk. Its first act is to make all outputs inactive, unless another kioskd runs this machine. A journal that cannot be used does not fail it: the machine
// then starts out of service and says why. One that another process owns does.
func New(ctx context.Context, cfg config.Config, p Parts) (_ *App, err error) {
	cfg = simulated(cfg)
	a := &App{cfg: cfg, log: p.Log, screens: p.Screen, synced: p.Clock.Synced}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if journal.InUse(cfg.Journal.Path) {
		return nil, fmt.Errorf("journal: %s: %w: is another kioskd running?", cfg.Journal.Path, journal.ErrLocked)
	}
	if a.pins, err = gpio.Open(pinConfig(cfg, p.Physics)); err != nil {
		return nil, err
	}
	slots, products, err := dispensers(cfg, a.pins, p.Log)
	if err != nil {
		return nil, err
	}
	gram, err := planogram.New(products)
	if err != nil {
		return nil, err
	}
	id, err := a.openIdentity()
	if err != nil {
		return nil, err
	}
	state, stock, records, err := a.openJournal(ctx, p.Version)
	if err != nil {
		return nil, err
	}
	ids := minter{p.Random}
	if a.glase, err = newClient(cfg, id, ids, p); err != nil {
		return nil, err
	}
	a.screen = newScreen(cfg, p.Screen, p.Clock.Now)
	a.Kiosk, err = kiosk.New(kiosk.Config{
		Rules: rules(cfg), Planogram: gram, State: state, Stock: stock,
		Journal: records, Payments: payments{a.glase, cfg, p.Clock.Wall}, Dispenser: slots, Screen: a.screen,
		NewSale: ids.sale, NewItem: ids.item, Now: p.Clock.Now, Boot: p.Clock.Boot, Wall: p.Clock.Wall, Log: p.Log,
	})
	if err != nil {
		return nil, err
	}
	if a.contacts, err = wire(cfg, a.pins, a.Kiosk); err != nil {
		return nil, err
	}
	return a, a.openPorts(id, p)
}

// openPorts makes the handlers of the customer's side and of the technicians'.
func (a *App) openPorts(id identity.Identity, p Parts) (err error) {
	if a.cfg.UPS.PublicURL != "" {
		a.UPS, err = ups.New(ups.Config{Token: a.cfg.Machine.Token, PathPrefix: a.cfg.UPS.PathPrefix, Currency: a.cfg.Machine.Currency, Log: p.Log}, door{a.Kiosk, id})
		if err != nil {
			return err
		}
	}
	token := ""
	if f := a.cfg.Debug.TokenFile; f != "" {
		if token, err = config.ReadSecret(f); err != nil {
			return err
		}
	}
	var sim http.Handler
	if front, ok := a.pins.Simulated(); ok {
		sim = simboard.Handler(front)
	}
	dc := debug.Config{Kiosk: a.Kiosk, Sales: sales{a.journal}, Sim: sim, Version: p.Version, Log: p.Log}
	if a.Local, err = debug.New(dc); err != nil {
		return err
	}
	dc.Token = token
	if dc.Hosts, err = debugHosts(a.cfg.Debug); err != nil {
		return err
	}
	a.Debug, err = debug.New(dc)
	return err
}

// debugHosts are the names that the technicians' port may be called by: the configured one, and the certificate's.
func debugHosts(d config.Debug) (names []string, err error) {
	if host, _, err := net.SplitHostPort(d.Listen); err == nil && host != "" {
		names = append(names, host)
	}
	if d.TLSCert == "" {
		return names, nil
	}
	pair, err := tls.LoadX509KeyPair(d.TLSCert, d.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("[debug]: the certificate cannot be used: %w", err)
	}
	return append(names, pair.Leaf.DNSNames...), nil
}

// openIdentity gives the credentials and the payers' key. A file that must not be used fails it. A folder that takes none does
// not: it takes no journal either, so the machine will be out of service and say so.
func (a *App) openIdentity() (identity.Identity, error) {
	path := filepath.Join(filepath.Dir(a.cfg.Journal.Path), "identity.json")
	serial := identity.MachineSerial(identity.SerialFile)
	id, err := identity.Ensure(path, serial)
	if errors.Is(err, identity.ErrExposed) || errors.Is(err, identity.ErrBad) {
		return id, err
	}
	if err != nil {
		a.log.Warn().Err(err).Msg("payers are recognised until the next start only")
		return identity.New(serial), nil
	}
	if id.Serial != "" && serial != "" && id.Serial != serial {
		a.log.Error().Str("identity", path).Msg("out of service: this card was made on another machine, and two machines must not share a terminal")
		a.copied = true
		a.faults = append(a.faults, fsm.Fault{Name: "cloned_card", Hard: true})
	}
	return id, nil
}

// openJournal gives what the journal remembers. One that cannot be used is replaced by one that refuses every record, so that
// the kiosk comes up out of service. So is that of a copied card: the sale in it is another machine's to settle.
func (a *App) openJournal(ctx context.Context, version string) (fsm.State, map[string]int, kiosk.Journal, error) {
	if a.copied {
		return fsm.State{}, nil, refusing{errors.New("the card was made on another machine")}, nil
	}
	state, stock, err := a.loadJournal(ctx, version)
	if errors.Is(err, journal.ErrLocked) || errors.Is(err, context.Canceled) {
		return fsm.State{}, nil, nil, err
	}
	if err != nil {
		a.log.Error().Err(err).Msg("out of service: the journal cannot be used")
		if a.journal != nil {
			err = errors.Join(err, a.journal.Close())
			a.journal = nil
		}
		return fsm.State{}, nil, refusing{err}, nil
	}
	return state, stock, records{a.journal}, nil
}

func (a *App) loadJournal(ctx context.Context, version string) (fsm.State, map[string]int, error) {
	var err error
	if a.journal, err = journal.Open(ctx, a.cfg.Journal.Path, journal.Options{Version: version}); err != nil {
		a.journal = nil
		return fsm.State{}, nil, err
	}
	first := map[string]int{}
	for _, s := range a.cfg.Slots {
		first[s.ID] = s.Stock
	}
	if err := a.journal.SeedStock(ctx, first); err != nil {
		return fsm.State{}, nil, err
	}
	stock, err := a.journal.Stock(ctx)
	if err != nil {
		return fsm.State{}, nil, err
	}
	state, err := a.journal.Load(ctx)
	return state, stock, err
}

// Run works until ctx ends and the sale that is on is settled as far as time allows.
func (a *App) Run(ctx context.Context) error {
	inputs, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.follow(inputs)
	}()
	screenEnded := make(chan struct{})
	go func() {
		defer close(screenEnded)
		a.screen.run(inputs, a.displayed)
	}()
	for _, f := range a.faults {
		go a.Kiosk.Raise(f) // taken once the loop runs
	}
	go a.prune(inputs)
	ctx, again := context.WithCancelCause(ctx)
	defer again(nil)
	go a.awaitJournal(ctx, again)
	err := a.Kiosk.Run(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errAgain) {
		err = errors.Join(err, cause)
	}
	stop()
	<-ended
	select {
	case <-screenEnded:
	case <-time.After(screenPatience): // a display that hangs does not keep the daemon from ending
		a.log.Error().Msg("the display hangs")
		a.screens = nil
	}
	return err
}

// errAgain ends a daemon that came up without its journal, once it could come up with it.
var errAgain = errors.New("the journal can be used now: start kioskd again, as systemd does")

// awaitJournal tries a journal that could not be opened once a minute.
func (a *App) awaitJournal(ctx context.Context, again context.CancelCauseFunc) {
	for a.journal == nil && !a.copied {
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return
		}
		if j, err := journal.Open(ctx, a.cfg.Journal.Path, journal.Options{}); err == nil {
			again(errors.Join(errAgain, j.Close()))
		}
	}
}

// prune lets go of what is older than keepFor, once a day and only when the kernel says that the clock is right: a wrong one must
// not make records old.
func (a *App) prune(ctx context.Context) {
	for {
		select {
		case <-time.After(pruneEvery):
		case <-ctx.Done():
			return
		}
		if a.journal == nil || !a.synced() {
			continue
		}
		n, err := a.journal.Prune(ctx, time.Now().Add(-keepFor))
		if err != nil {
			a.log.Error().Err(err).Msg("old records cannot be let go")
		} else if n > 0 {
			a.log.Info().Int("entries", n).Msg("old records were let go")
		}
	}
}

// displayed raises a fault while the display cannot show anything: a customer would have no QR to scan.
func (a *App) displayed(err error) {
	if err != nil {
		a.log.Error().Err(err).Msg("the display fails: no new sale is offered")
		a.Kiosk.Raise(fsm.Fault{Name: "display"})
		return
	}
	a.Kiosk.Clear("display")
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

// rules are the config's settings that decide.
func rules(cfg config.Config) fsm.Rules {
	return fsm.Rules{
		Flow: fsm.Flow(cfg.Payment.Flow), ReserveMax: cfg.Payment.ReserveMax, PinTimeout: cfg.Payment.PINTimeout,
		ChooseTimeout: cfg.Payment.ChooseTimeout, ReservationTimeout: cfg.Glase.ReservationTimeout,
	}
}

func newClient(cfg config.Config, id identity.Identity, ids minter, p Parts) (*glase.Client, error) {
	terminal, password := id.TerminalID, id.Password.Reveal()
	if cfg.Glase.TerminalID != "" {
		terminal = cfg.Glase.TerminalID
	}
	if f := cfg.Glase.PasswordFile; f != "" {
		var err error
		if password, err = config.ReadSecret(f); err != nil {
			return nil, err
		}
	}
	if terminal == "" || password == "" {
		return nil, fmt.Errorf("no terminal id or password: set [glase] terminal_id and password_file in the config")
	}
	return glase.New(glase.Config{
		Endpoint: cfg.Glase.Endpoint, TerminalID: terminal, Password: password, ClientID: cfg.Glase.ClientID,
		NewReference: ids.reference, Timeout: cfg.Glase.Timeout, Transport: p.Transport,
		Log: func(op string, attempt int, err error) {
			p.Log.Warn().Str("call", op).Int("attempt", attempt).Err(err).Msg("Glase")
		},
	})
}
