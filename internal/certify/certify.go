// Package certify runs the scripts that Glase wants to see before a merchant sells: at a cash register (POS), in a
// webshop (Web), and at an unattended machine (UPS). It asks with the daemon's own client and mapping, glase and
// glasepay, so that what is certified is what sells, and takes every request and every answer down in a Record.
//
// A script is a list of numbered steps. The first that fails ends it; then an invoice that is open is cancelled, or
// given back when it was paid meanwhile, and a terminal that was made is given up. The steps before it prove nothing
// then: certification wants to see one whole run.
package certify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"kioskd/glase"
	"kioskd/internal/config"
	"kioskd/internal/glasepay"
	"kioskd/internal/identity"
	"kioskd/internal/terminal"
)

// Plan is what is certified, where, and with whom.
type Plan struct {
	Machine config.Config // whose names, products and addresses are used

	// Client makes a client of Glase, over Record's Line: with an identity as that terminal, else as the reseller.
	Client   func(identity.Identity) (*glase.Client, error)
	Terminal identity.Identity // Web and UPS: who sells. POS makes its own
	Folder   string            // POS: an empty folder for the terminal that is made
	Password string            // POS: of that terminal
	SeqrID   string            // POS: of a sticker that no terminal has

	Person   Person
	Wait     time.Duration // how long the person has for each thing
	Patience time.Duration // how long an invoice stands unpaid, where the script wants it so; 30 s at Glase

	// Listen serves Glase's own calls while work works. UPS alone needs it.
	Listen func(ctx context.Context, customers http.Handler, work func(context.Context) error) error

	Mint   func() string // an identifier that nobody guesses, of 16 to 64 letters and digits
	Wall   func() time.Time
	Out    io.Writer // what is done now, for the person
	Record *Record
}

// Script is one of the scripts.
type Script struct {
	Name  string
	steps []step
}

// Steps is how many there are.
func (s Script) Steps() int { return len(s.steps) }

// step is one step: what certification asks for, and who does it.
type step struct {
	asks string
	do   func(*run, context.Context) error
}

// sale is what a cash register and a webshop both show.
func sale() []step {
	return []step{
		{"sendInvoice: rows with itemQuantity and itemTotalAmount", (*run).send},
		{"getPaymentStatus: ISSUED before the scan, then PAID; a second invoice unpaid, asked for again", (*run).ask},
		{"submitPaymentReceipt, once it is PAID", (*run).receipt},
		{"sendInvoice, getPaymentStatus, cancelInvoice", (*run).cancel},
		{"sendInvoice, getPaymentStatus, scan, getPaymentStatus, refundPayment", (*run).refund},
		{"markTransactionPeriod, then executeReport", (*run).report},
	}
}

// POS is the cash register's script, 9 steps.
func POS() Script {
	steps := append([]step{
		{"registerTerminal, as the RESELLERUSER, with a password of our own", (*run).register},
		{"assignSeqrId", (*run).assign},
	}, sale()...)
	return Script{"pos", append(steps, step{"unregisterTerminal", (*run).unregister})}
}

// Web is the webshop's script, 6 steps.
func Web() Script { return Script{"web", sale()} }

// UPS is the unattended machine's script, 6 steps.
func UPS() Script {
	return Script{"ups", []step{
		{"createPurchase: Glase calls us after the scan", (*run).purchase},
		{"sendInvoice: a reservation, with a notificationUrl", (*run).reserve},
		{"notification, after the PIN", (*run).notified},
		{"getPaymentStatus: RESERVED", (*run).reserved},
		{"updateInvoice: the rows and the total of what came out", (*run).update},
		{"commitReservation, and getPaymentStatus until it is PAID", (*run).commit},
	}}
}

// FailedError says which step of a script failed, and why. Its cause says what to do.
type FailedError struct {
	Step, Of int
	Asks     string // what certification asks for in it
	Err      error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("step %d of %d failed (%s): %v", e.Step, e.Of, e.Asks, e.Err)
}

func (e *FailedError) Unwrap() error { return e.Err }

// run is one script under way.
type run struct {
	Plan
	script Script
	life   terminal.Life
	client *glase.Client    // the terminal's
	pay    glasepay.Service // sells as the daemon does
	who    identity.Identity
	desk   *desk

	buyer *asked       // UPS: whom createPurchase is still to be answered
	phone <-chan error // UPS: what the person's phone could not do

	first *invoice // of the steps before cancelInvoice
	open  *invoice // what must be given up if nothing goes on; nil: nothing
}

// Run runs the script, and says how it goes. Its error is a *FailedError, or says what is missing for a start, when
// nothing was asked of Glase.
func (p Plan) Run(ctx context.Context, s Script) error {
	r := &run{Plan: p, script: s, who: p.Terminal}
	if err := r.ready(); err != nil {
		return err
	}
	defer func() {
		if r.client != nil {
			r.client.Close()
		}
	}()
	if s.Name == UPS().Name {
		customers, err := r.customers()
		if err != nil {
			return err
		}
		return p.Listen(ctx, customers, r.steps)
	}
	return r.steps(ctx)
}

// ready looks for what would be missing in the middle.
func (r *run) ready() error {
	m := r.Machine
	missing := func(what ...string) error {
		return fmt.Errorf("certify %s: the config lacks %s", r.script.Name, strings.Join(what, ", "))
	}
	switch r.script.Name {
	case "ups":
		if m.UPS.Listen == "" || m.UPS.PublicURL == "" || m.Machine.Token == "" || m.Glase.MerchantID == "" {
			return missing("one of [ups] listen and public_url, [machine] token, [glase] merchant_id: " +
				"Glase calls this machine there")
		}
	case "pos":
		if r.SeqrID == "" {
			return missing("[payment] seqr_id: name a sticker that no terminal has, with --sticker")
		}
		r.life = terminal.Life{Path: r.Folder + "/identity.json", Client: r.Client}
	}
	if len(m.Slots) == 0 {
		return missing("a product ([[slot]])")
	}
	if r.script.Name != "ups" { // the reports are the reseller's
		c, err := r.Client(identity.Identity{})
		if err != nil {
			return err
		}
		c.Close()
	}
	if r.script.Name == "pos" {
		return nil // its terminal is yet to be made
	}
	return r.sellAs(r.who)
}

// sellAs makes the client of a terminal, and the service that sells with it.
func (r *run) sellAs(who identity.Identity) error {
	c, err := r.Client(who)
	if err != nil {
		return err
	}
	m := r.Machine
	r.who, r.client = who, c
	r.pay = glasepay.Service{
		Client: c, Terminal: who.TerminalID, Name: m.Machine.Name, Language: m.Machine.Language,
		Timezone: m.Machine.Timezone, PublicURL: m.UPS.PublicURL, Wall: r.Wall,
		Heard: func(err error) error { return err },
	}
	return nil
}

// steps does them one after the other, and cleans up.
func (r *run) steps(ctx context.Context) (err error) {
	of := r.script.Steps()
	defer func() { err = errors.Join(err, r.afterwards(ctx)) }()
	for n, s := range r.script.steps {
		r.Record.Heading(fmt.Sprintf("%d of %d: %s", n+1, of, s.asks))
		r.print("\n%d of %d  %s\n", n+1, of, s.asks)
		err := s.do(r, ctx)
		if ctx.Err() != nil {
			err = errors.New("it was ended from outside")
		}
		if err != nil {
			r.Record.Say("**Failed:** %v", err)
			r.print("    FAILED  %v\n", err)
			return &FailedError{n + 1, of, s.asks, err}
		}
		r.Record.Say("**Passed.**")
		r.print("    passed\n")
	}
	r.Record.Heading("The verdict")
	r.Record.Say("%d of %d", of, of)
	r.print("\n%d of %d\n", of, of)
	return nil
}

// print writes for the person. What Glase said steers no terminal.
func (r *run) print(format string, args ...any) {
	text := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) && c != '\n' {
			return ' '
		}
		return c
	}, fmt.Sprintf(format, args...))
	_, _ = io.WriteString(r.Out, text) // whoever closed it does not want to know
}

// note says what came out, to the person and in the record.
func (r *run) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.Record.Say("%s", text)
	r.print("    %s\n", text)
}
