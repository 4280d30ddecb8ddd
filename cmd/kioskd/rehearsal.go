package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"kioskd/glase/glasetest"
	"kioskd/hw/display"
	"kioskd/internal/app"
	"kioskd/internal/config"
	"kioskd/internal/debug/api"
	"kioskd/internal/debug/client"
	"kioskd/internal/money"
	"kioskd/internal/setup"
	"kioskd/ups"
)

// rehearsal is the whole machine of a config at work, with its own pins, boards and display, and apart from that
// nothing of its own: Glase is a simulated one in this process, the journal a file that is thrown away.
type rehearsal struct {
	cfg    config.Config
	glase  *glasetest.Glase
	app    *app.App
	client *client.Client
}

// The rehearsal's waits. No step of a sale takes longer: its own limits are below.
const (
	readyWithin = 15 * time.Second
	saleWithin  = 3 * time.Minute
	lookEvery   = 50 * time.Millisecond
)

// rehearse starts the machine. Another kioskd must not run it.
//
// guard stands somebody behind the outputs, who makes them inactive if this process dies.
func rehearse(ctx context.Context, real config.Config, guard func() (release func() error, err error),
	screen app.Driver) (_ *setup.Rehearsal, err error) {
	if err := idle(real); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kioskd-setup-")
	if err != nil {
		return nil, err
	}
	ends := []func() error{func() error { return os.RemoveAll(dir) }}
	end := func() (err error) {
		for _, e := range slices.Backward(ends) {
			err = errors.Join(err, e())
		}
		ends = nil
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	r := &rehearsal{cfg: apart(real, dir)}
	if err := os.WriteFile(r.cfg.Glase.PasswordFile, []byte(glasetest.TestTerminalPassword), 0o600); err != nil {
		return nil, err
	}
	var door passage
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.cfg.Glase.Endpoint = fmt.Sprintf("http://%s/soap/merchant/cashregister-2", l.Addr())
	r.glase = glasetest.New(glasetest.Config{Transport: glasetest.InProcess(&door)})
	r.glase.Connect(r.cfg.Machine.Token, r.cfg.UPS.PublicURL+"/createPurchase")
	service := &http.Server{ReadHeaderTimeout: readyWithin}
	go func() { _ = r.glase.Serve(service, l) }() // until it is closed
	ends = append(ends, func() error { r.glase.Close(); return service.Close() })
	cfg, pins, _, err := simulate(r.cfg)
	if err != nil {
		return nil, err
	}
	release, err := guard()
	if err != nil {
		return nil, err
	}
	ends = append(ends, release) // after the outputs, which are made inactive by what is appended behind this
	clock, err := app.KernelClock()
	if err != nil {
		return nil, err
	}
	if r.app, err = app.New(ctx, cfg, app.Parts{Pins: pins, Version: version, Log: zerolog.Nop(), Clock: clock,
		Random: rand.Reader, Screen: screen}); err != nil {
		return nil, err
	}
	door.to = r.app.UPS
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.app.Serve(running) }()
	ends = append(ends, r.app.Close, func() error { stop(); return <-ended })
	r.client = client.Socket(r.cfg.Debug.Socket)
	if err := r.until(ctx, readyWithin, func(api.Status) bool { return true }); err != nil {
		return nil, err
	}
	return &setup.Rehearsal{Pins: r.pins, Vend: r.vend, Sale: r.sale, Close: end}, nil
}

// idle says whether no kioskd runs this machine. Where none ever did nothing is asked, which would leave a file of
// root's in the way of the first one.
func idle(cfg config.Config) error {
	if _, err := os.Stat(cfg.Journal.Path + ".lock"); err != nil {
		return nil
	}
	if err := app.Free(cfg); err != nil {
		return fmt.Errorf("stop kioskd first (sudo systemctl stop kioskd): %w", err)
	}
	return nil
}

// passage hands Glase's calls to the kiosk.
type passage struct{ to http.Handler }

func (p *passage) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.to.ServeHTTP(w, r) }

// apart is a config with its hardware, and with nothing else that is the machine's own.
func apart(c config.Config, dir string) config.Config {
	c.Glase.TerminalID, c.Glase.PasswordFile = glasetest.TestTerminal, filepath.Join(dir, "password")
	c.Glase.ResellerID, c.Glase.ResellerPasswordFile, c.Glase.MerchantID = "", "", glasetest.TestReseller
	if c.Glase.ClientID == "" {
		c.Glase.ClientID = "kioskd setup"
	}
	c.Machine.Token = "rehearsal"
	c.UPS = config.UPS{Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1/rehearsal", PathPrefix: "/rehearsal"}
	c.Debug = config.Debug{Listen: "127.0.0.1:0", Socket: filepath.Join(dir, "debug.sock")}
	c.Journal.Path = filepath.Join(dir, "journal.db")
	c.Shop, c.Fleet, c.Printer.Device, c.Temperature.Sensor = config.Shop{}, config.Fleet{}, "", ""
	if c.Payment.Flow != config.Reservation { // a code for each sale, as a sticker would need to be tied to a terminal
		c.Payment.Flow = config.Invoice
	}
	c.Slots = slices.Clone(c.Slots)
	for n := range c.Slots {
		s := &c.Slots[n]
		s.Perishable, s.Stock = false, max(s.Stock, 1)
		if c.Payment.ReserveMax.Currency != s.Price.Currency || c.Payment.ReserveMax.Less(s.Price) {
			c.Payment.ReserveMax = s.Price
		}
	}
	return c
}

// until waits for the machine to be somewhere.
func (r *rehearsal) until(ctx context.Context, within time.Duration, there func(api.Status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last api.Status
	for {
		s, err := r.client.Status(ctx)
		if err == nil && there(s) {
			return nil
		}
		if err == nil {
			last = s
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			where := strings.TrimSpace(strings.ReplaceAll(last.Step+" "+last.Reason, "_", " "))
			return fmt.Errorf("the machine does not get there: %s; docs/technician.md says what each word means", where)
		}
	}
}

func (r *rehearsal) pins(ctx context.Context) (all []setup.Pin, err error) {
	pins, err := r.client.Pins(ctx)
	for _, p := range pins {
		all = append(all, setup.Pin{Name: p.Name, Role: p.Role, Level: p.Level, Means: p.Means, Changed: p.Changed})
	}
	return all, err
}

// vend is the technicians' test vend, as kioskd vend begins it.
func (r *rehearsal) vend(ctx context.Context, slot string) (string, bool, error) {
	begun, err := r.client.Vend(ctx, slot, "setup")
	if err != nil {
		return "", false, err
	}
	v, err := served(ctx, r.client, begun.Act)
	if err != nil {
		return "", false, err
	}
	says := strings.ReplaceAll(v.Outcome, "_", " ")
	if v.Why != "" {
		says += " (" + strings.ReplaceAll(v.Why, "_", " ") + ")"
	}
	return says, v.Outcome == "delivered" && v.Why == "", nil
}

// sale sells one product.
func (r *rehearsal) sale(ctx context.Context, slot string, tell func(string)) error {
	n := slices.IndexFunc(r.cfg.Slots, func(s config.Slot) bool { return s.ID == slot })
	if n < 0 {
		return fmt.Errorf("there is no slot %.20q", slot)
	}
	if r.cfg.Slots[n].AtMachine {
		return errors.New("its product is chosen at the machine itself: try it with a sale")
	}
	ctx, cancel := context.WithTimeout(ctx, saleWithin)
	defer cancel()
	if err := r.until(ctx, readyWithin, func(s api.Status) bool { return s.Step == "ready" }); err != nil {
		return err
	}
	if err := r.pay(ctx, slot, r.cfg.Slots[n].Price, tell); err != nil {
		return err
	}
	if err := r.until(ctx, saleWithin, func(s api.Status) bool {
		if s.Step == "choosing" || s.Step == "asking" { // nothing came out: that is all
			r.app.Kiosk.Cancel()
		}
		return s.Sale == "" && s.Step != "invoicing" && s.Step != "awaiting"
	}); err != nil {
		return err
	}
	sales, err := r.client.Sales(ctx, 1)
	if err != nil || len(sales) == 0 {
		return errors.Join(errors.New("no sale is on record"), err)
	}
	return ended(sales[0], tell)
}

// ended says how the sale ended. Anything but a charge for what came out is an error.
func ended(s api.Sale, tell func(string)) error {
	for _, i := range s.Items {
		tell(fmt.Sprintf("%s: %s", i.Slot, strings.ReplaceAll(i.Outcome, "_", " ")))
	}
	tell(fmt.Sprintf("the sale is %s: charged %s %s, refunded %s (to nobody: no money moved)",
		strings.ReplaceAll(s.State, "_", " "), s.Charged, s.Currency, s.Refunded))
	if s.State != "charged" || len(s.Items) != 1 || s.Items[0].Outcome != "delivered" {
		return errors.New("the product did not come out as it should: try the slot alone")
	}
	return nil
}

// pay has the simulated phone pay, and the slot chosen.
func (r *rehearsal) pay(ctx context.Context, slot string, price money.Amount, tell func(string)) error {
	reference := ""
	if r.cfg.Payment.Flow == config.Reservation {
		i, err := r.glase.Scan(ctx,
			glasetest.Scan{QR: ups.StaticQR(r.cfg.Glase.MerchantID, r.cfg.Machine.Token), Amount: price})
		if err != nil {
			return err
		}
		reference = i.Reference
		tell("the phone scanned the machine's code")
	} else {
		if !r.app.Kiosk.Choose(slot) {
			return errors.New("the machine is too busy to choose")
		}
		if err := r.until(ctx, readyWithin, func(s api.Status) bool { return s.Step == "awaiting" }); err != nil {
			return err
		}
		reference = r.app.Kiosk.State().Sale.Reference
		tell(slot + " is chosen, and its code is shown")
	}
	if _, err := r.glase.Confirm(reference, "1234"); err != nil {
		return err
	}
	tell("the PIN is given")
	if r.cfg.Payment.Flow != config.Reservation {
		return nil
	}
	if err := r.until(ctx, readyWithin, func(s api.Status) bool { return s.Step == "choosing" }); err != nil {
		return err
	}
	if !r.app.Kiosk.Choose(slot) {
		return errors.New("the machine is too busy to choose")
	}
	tell(slot + " is chosen")
	return r.until(ctx, readyWithin, func(api.Status) bool { return len(r.app.Kiosk.State().Sale.Items) > 0 })
}

// picture shows what customers see on an idle machine, marked as a test.
func picture(c config.Config, hold <-chan struct{}) error {
	d, err := openDisplay(c)
	if d == nil {
		return err
	}
	s := display.Screen{Kind: display.Idle, Language: c.Machine.Language, Machine: c.Machine.Name, Test: true,
		QR: ups.StaticQR(c.Glase.MerchantID, c.Machine.Token)}
	for _, slot := range c.Slots {
		s.Prices = append(s.Prices, display.Price{Slot: slot.ID, Name: slot.Name, Amount: slot.Price})
	}
	if err := d.Show(s); err != nil {
		return errors.Join(err, d.Close())
	}
	<-hold
	return d.Close()
}
