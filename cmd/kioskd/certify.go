package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kioskd/glase"
	"kioskd/internal/app"
	"kioskd/internal/certify"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

// certification is the flags of kioskd certify.
type certification struct {
	script                         certify.Script
	config, against, phone, record string
	sticker                        string
	patience, wait                 time.Duration
}

const (
	waitMax     = 10 * time.Minute // for a person, or with an invoice unpaid
	phoneWithin = 15 * time.Second // one answer of glasesim's phone, which waits for ours
)

func certifyCommand() *cobra.Command {
	var o certification
	c := &cobra.Command{
		Use:   "certify --against ENDPOINT pos|web|ups",
		Short: "Run what Glase wants to see before a merchant sells, and write it down",
		Long: `Run one of the scripts of Glase's certification against a test system, with this machine's config and the
daemon's own requests, and write every request and answer into a record that has no password and no phone number:

  pos   a cash register, 9 steps: makes a terminal of its own and gives it up; needs a sticker that is free
  web   a webshop, 6 steps, as the config's terminal
  ups   an unattended machine, 6 steps, as the config's terminal; Glase must reach [ups] public_url

Somebody with the Glase app for that test system scans and pays what is shown: real money if ENDPOINT is the real
Glase. kioskd must not run for web and ups. Ctrl-C ends it, and gives up what is open. docs/certification.md
shows a whole run. Exit status 0 means that all steps passed.`,
		Example: `  kioskd certify --against https://extdev.seqr.com/soap/merchant/cashregister-2 ups
  kioskd certify --against https://extdev.seqr.com/soap/merchant/cashregister-2 --sticker ABC123 pos
  kioskd certify --against http://127.0.0.1:9090/soap/merchant/cashregister-2 --phone http://127.0.0.1:9090 web`,
		Args: cobra.ExactArgs(1),
	}
	file := configFlag(c)
	f := c.Flags()
	f.StringVar(&o.against, "against", "", "the SOAP service's `ENDPOINT`, instead of [glase] endpoint")
	f.StringVar(&o.phone, "phone", "", "let the phone of the glasesim at `URL` scan and pay, instead of a person")
	f.StringVar(&o.record, "record", "", "write the record to this new `FILE`; else kioskd-certify-….md here")
	f.StringVar(&o.sticker, "sticker", "", "pos: a sticker's `SEQRID` that no terminal has; else [payment] seqr_id")
	f.DurationVar(&o.patience, "patience", 30*time.Second,
		"how long an invoice stands unpaid where the script wants it; Glase asks for 30s")
	f.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for the person with the phone")
	if err := c.MarkFlagRequired("against"); err != nil {
		panic(err) // it was made above
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		o.config = *file
		for _, s := range []certify.Script{certify.POS(), certify.Web(), certify.UPS()} {
			if s.Name == args[0] {
				o.script = s
			}
		}
		if o.script.Steps() == 0 {
			return fmt.Errorf("%q is no script: say pos, web or ups", args[0])
		}
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // the second signal is not caught any more
		return o.run(ctx, c)
	}
	return c
}

// check says what is wrong with the flags.
func (o certification) check() error {
	u, err := url.Parse(o.against)
	if err != nil || u.Host == "" || u.User != nil || u.Path == "" || u.Path == "/" {
		return errors.New("--against: write the whole address of the SOAP service, like " +
			"https://extdev.seqr.com/soap/merchant/cashregister-2")
	}
	host, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !host.IsLoopback()) {
		return errors.New("--against: passwords would travel unencrypted: begin it with https://")
	}
	if o.patience <= 0 || o.patience > waitMax || o.wait <= 0 || o.wait > waitMax {
		return fmt.Errorf("--patience and --wait are above 0 and at most %v", waitMax)
	}
	return nil
}

// run is the command.
func (o certification) run(ctx context.Context, c *cobra.Command) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	cfg, err := config.Load(o.config, drivers.All())
	if err != nil {
		return err
	}
	cfg.Glase.Endpoint = o.against
	plan, secrets, err := o.plan(cfg)
	if err != nil {
		return err
	}
	if o.script.Name == "pos" {
		folder, err := os.MkdirTemp("", "kioskd-certify-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		plan.Folder = folder
	}
	now := time.Now()
	if o.record == "" {
		o.record = fmt.Sprintf("kioskd-certify-%s-%s.md", o.script.Name, now.Format("2006-01-02-150405"))
	}
	file, err := os.OpenFile(o.record, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: take it away, or name another file", o.record)
	}
	if err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	plan.Record = certify.NewRecord(file, time.Now, secrets...)
	life, err := app.Terminal(cfg, version, plan.Record.Line(glase.Transport(nil)))
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(o.record))
	}
	plan.Client = life.Client
	plan.Out = c.OutOrStdout()
	plan.Person = certify.Screen{Out: plan.Out, Colour: bool(painting(plan.Out))}
	if o.phone != "" {
		plan.Person = certify.Phone{URL: o.phone, Client: &http.Client{Timeout: phoneWithin}}
	}
	o.title(plan, cfg, now)
	err = plan.Run(ctx, o.script)
	spoilt := errors.Join(plan.Record.Err(), file.Close())
	failed := (*certify.FailedError)(nil)
	if err != nil && !errors.As(err, &failed) { // nothing was asked of Glase
		return errors.Join(err, os.Remove(o.record))
	}
	if spoilt != nil {
		return errors.Join(err, fmt.Errorf("the record is not whole, and nobody can be shown it: %w", spoilt))
	}
	fmt.Fprintf(plan.Out, "\nThe record is in %s\n", o.record)
	if err != nil {
		return fmt.Errorf("%w\nMend that, and run it again from step 1: certification wants one whole run. What was said "+
			"is in %s", err, o.record)
	}
	return nil
}

// title begins the record.
func (o certification) title(plan certify.Plan, cfg config.Config, now time.Time) {
	plan.Record.Title("Certification: " + o.script.Name)
	plan.Record.Say("- kioskd %s\n- company: %s\n- machine: %s\n- against: %s\n- begun: %s\n- unpaid for: %v", version,
		cfg.Glase.ClientID, cfg.Machine.Name, o.against, now.Format(time.RFC3339), o.patience)
	plan.Record.Say("Every message is as it was sent, but for line breaks between its elements, and *** where a " +
		"password, a phone number or a phone's id stood.")
}

// plan is what the config says of the run, and what must not be in its record.
func (o certification) plan(cfg config.Config) (p certify.Plan, secrets []string, err error) {
	p = certify.Plan{
		Machine: cfg, Wait: o.wait, Patience: o.patience, Mint: rand.Text, Wall: time.Now,
		Listen: certify.Listen(cfg, time.Now), Password: app.TerminalPassword(), SeqrID: o.sticker,
	}
	if p.SeqrID == "" {
		p.SeqrID = cfg.Payment.SeqrID
	}
	secrets = []string{p.Password}
	if f := cfg.Glase.ResellerPasswordFile; f != "" {
		password, err := config.ReadSecret(f)
		if err != nil {
			return p, nil, err
		}
		secrets = append(secrets, password)
	}
	if o.script.Name == "pos" {
		return p, secrets, nil
	}
	if err := app.Free(cfg); err != nil {
		return p, nil, fmt.Errorf("stop kioskd first, whose invoices a second one would cancel: %w", err)
	}
	life, err := app.Terminal(cfg, version, nil)
	if err != nil {
		return p, nil, err
	}
	p.Terminal, err = life.Own()
	return p, append(secrets, p.Terminal.Password.Reveal()), err
}
