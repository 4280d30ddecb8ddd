package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kioskd/internal/money"
)

// stepWithin bounds each wait for the machine: several times what the slowest of them, a jam, takes.
const stepWithin = 20 * time.Second

// stepsMax is how many steps of the machine may wait to be told: those of a whole sale.
const stepsMax = 256

// player is the customer of --auto, who tells what happens.
type player struct {
	*world
	out   io.Writer
	began time.Time
	steps chan status // of the machine, to be told
	last  status      // told last
	page  *browser    // the customer's, with flow web
}

func (p *player) say(who, format string, args ...any) {
	p.tell()
	p.line(who, fmt.Sprintf(format, args...))
}

func (p *player) line(who, what string) {
	fmt.Fprintf(p.out, "%6.1f s  %-8s  %s\n", time.Since(p.began).Seconds(), who, what)
}

// tell tells where the machine has been meanwhile.
func (p *player) tell() {
	for {
		select {
		case s := <-p.steps:
			if s.Sale = ""; s != p.last {
				p.last = s
				p.line("machine", s.String())
			}
		default:
			return
		}
	}
}

// until waits as the world does. The steps are told from the stream of events; what is waited for is asked.
func (p *player) until(ctx context.Context, what string, is func(status) (bool, error)) error {
	var failed error
	err := p.world.until(ctx, stepWithin, what, func() bool {
		p.tell()
		s, err := p.status(ctx)
		if err != nil {
			return false // a kiosk that does not answer is given the time that the wait has
		}
		ok, err := is(s)
		failed = err
		return ok || err != nil
	})
	p.tell()
	if failed != nil {
		return failed
	}
	return err
}

// step waits until the machine is in a step.
func (p *player) step(ctx context.Context, step string) error {
	return p.until(ctx, "the step "+step, func(s status) (bool, error) { return s.Step == step, nil })
}

// newest waits until something is true of the newest sale, of which there must be n by then.
func (p *player) newest(ctx context.Context, n int, what string, is func(sale, status) bool) (s sale, err error) {
	err = p.until(ctx, what, func(now status) (bool, error) {
		all, err := p.sales(ctx)
		if err != nil || len(all) < n {
			return false, err
		}
		s = all[n-1]
		return is(s, now), nil
	})
	return s, err
}

// scans is the customer scanning the QR.
func (p *player) scans(ctx context.Context) (ref string, err error) {
	if err := p.step(ctx, "ready"); err != nil {
		return "", err
	}
	p.say("customer", "scans the QR code, to spend at most %s %s", amount, currency)
	i, err := p.scan(ctx)
	if err = taken("the scan", i, err); err != nil {
		return "", err
	}
	return i.Reference, p.step(ctx, "awaiting")
}

// reserves is the customer scanning and confirming, up to the choice of a product.
func (p *player) reserves(ctx context.Context) error {
	ref, err := p.scans(ctx)
	if err != nil {
		return err
	}
	p.say("customer", "confirms with the PIN")
	i, err := p.confirm(ctx, ref)
	if err = taken("the PIN", i, err); err != nil {
		return err
	}
	return p.step(ctx, "choosing")
}

// taken is the error of something done on the phone, if it was not taken.
func taken(what string, i invoice, err error) error {
	if err == nil && i.ErrorCode != "" {
		err = errors.New(i.ErrorCode + " " + i.Message)
	}
	if err != nil {
		return fmt.Errorf("%s on the phone: %w", what, err)
	}
	return nil
}

// presses is the customer's finger.
func (p *player) presses(ctx context.Context, button, what string) error {
	p.say("customer", "%s", what)
	_, err := p.press(ctx, button)
	return err
}

// ended waits for a sale's end and checks how it ended.
func (p *player) ended(ctx context.Context, n int, state, charged string) error {
	s, err := p.newest(ctx, n, "the sale's end",
		func(s sale, now status) bool { return !s.Ended.IsZero() && now.Step == "ready" })
	if err != nil {
		return err
	}
	p.say("kiosk", "the sale is %s: %s %s charged", s.State, s.Charged, s.Currency)
	if s.State != state || s.Charged != charged {
		return fmt.Errorf("sale %d ended %s with %s charged, not %s with %s", n, s.State, s.Charged, state, charged)
	}
	return nil
}

// chooses is the customer choosing a product before paying for it, up to the question on the phone.
func (p *player) chooses(ctx context.Context, slot, what string) (ref string, err error) {
	if err := p.step(ctx, "ready"); err != nil {
		return "", err
	}
	if p.setup.Flow == web {
		if p.page, err = p.opens(ctx); err != nil {
			return "", err
		}
		p.say("customer", "chooses %s, %s, on the page", slot, what)
		err = p.page.order(ctx, slot)
	} else {
		err = p.presses(ctx, slot, "presses "+slot+", "+what)
	}
	if err != nil {
		return "", err
	}
	if err := p.step(ctx, "awaiting"); err != nil {
		return "", err
	}
	err = p.until(ctx, "something to scan", func(status) (bool, error) {
		if p.page != nil {
			v, err := p.page.state(ctx)
			return v.Step == "pay", err
		}
		code, err := p.qr(ctx)
		return code != "", err
	})
	if err != nil {
		return "", err
	}
	p.say("customer", "scans the %s", map[string]string{sticker: "sticker", invoiceQR: "code on the display",
		web: "code on the page"}[p.setup.Flow])
	i, err := p.scan(ctx)
	return i.Reference, taken("the scan", i, err)
}

// opens is the customer's browser at the machine's page.
func (p *player) opens(ctx context.Context) (*browser, error) {
	code := ""
	err := p.until(ctx, "the page's code on the screen", func(status) (_ bool, err error) {
		code, err = p.qr(ctx)
		return strings.HasPrefix(code, p.ups), err
	})
	if err != nil {
		return nil, err
	}
	p.say("customer", "scans the machine's code with the camera, which opens its page")
	return openPage(ctx, code)
}

// buys is the customer's way to a product, up to the motor.
func (p *player) buys(ctx context.Context, slot, what string) error {
	if p.setup.Flow == reservation {
		if err := p.reserves(ctx); err != nil {
			return err
		}
		return p.presses(ctx, slot, "presses "+slot+", "+what)
	}
	ref, err := p.chooses(ctx, slot, what)
	if err != nil {
		return err
	}
	p.say("customer", "confirms with the PIN")
	i, err := p.confirm(ctx, ref)
	return taken("the PIN", i, err)
}

// delivered: everything goes well.
func (p *player) delivered(ctx context.Context) error {
	if err := p.buys(ctx, "A1", "still water for 15.00"); err != nil {
		return err
	}
	if _, err := p.newest(ctx, 1, "the product", func(s sale, _ status) bool {
		return len(s.Items) == 1 && s.Items[0].Outcome == "delivered"
	}); err != nil {
		return err
	}
	p.say("customer", "takes the product and walks away")
	return p.ended(ctx, 1, "charged", "15.00")
}

// jams: the motor turns and nothing falls.
func (p *player) jams(ctx context.Context) error {
	if err := p.fault(ctx, "A2", "jam"); err != nil {
		return err
	}
	if err := p.buys(ctx, "A2", "which will jam"); err != nil {
		return err
	}
	s, err := p.newest(ctx, 2, "the jam", func(s sale, now status) bool {
		return len(s.Items) == 1 && s.Items[0].Outcome == "not_delivered" &&
			(p.setup.Flow != reservation || now.Step == "choosing")
	})
	if err != nil {
		return err
	}
	p.say("kiosk", "A2: %s; the slot is closed", s.Items[0].Outcome)
	if p.setup.Flow != reservation {
		return p.ended(ctx, 2, "refunded", "22.50")
	}
	if err := p.presses(ctx, "cancel", "wants nothing else and presses cancel"); err != nil {
		return err
	}
	return p.ended(ctx, 2, "released", "0.00")
}

// cancelled: the customer thinks better of it.
func (p *player) cancelled(ctx context.Context) error {
	scans := p.scans
	if p.setup.Flow != reservation {
		scans = func(ctx context.Context) (string, error) { return p.chooses(ctx, "A3", "a bun for 25.00") }
	}
	ref, err := scans(ctx)
	if err != nil {
		return err
	}
	p.say("customer", "cancels on the phone")
	i, err := p.cancel(ctx, ref)
	if err = taken("cancelling", i, err); err != nil {
		return err
	}
	return p.ended(ctx, 3, "cancelled", "0.00")
}

// auto performs three sales, shows the books, and is an error unless they add up.
func auto(ctx context.Context, w *world, out io.Writer) error {
	p := &player{world: w, out: out, began: time.Now(), steps: make(chan status, stepsMax)}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_ = w.follow(ctx, func(s status) { // it ends with the demo; what it would tell is asked for as well
			select {
			case p.steps <- s:
			default:
			}
		})
	}()
	p.say("demo", "Glase and the phone are at %s/, the kiosk's state at %s/api/status", w.glase, w.debug)
	for i, sale := range []struct {
		what string
		play func(context.Context) error
	}{
		{"the product comes out", p.delivered}, {"the product jams", p.jams},
		{"the customer cancels on the phone", p.cancelled},
	} {
		fmt.Fprintf(out, "\nSale %d: %s\n", i+1, sale.what)
		if err := sale.play(ctx); err != nil {
			return fmt.Errorf("sale %d: %w", i+1, err)
		}
	}
	b := books{phone: map[string]string{}, charged: money.Amount{Minor: 1500, Currency: currency}}
	var err error
	if b.sales, err = w.sales(ctx); err != nil {
		return err
	}
	for _, s := range b.sales {
		i, err := w.invoice(ctx, s.Invoice)
		if err != nil {
			return err
		}
		b.phone[s.Invoice] = i.Status
	}
	if b.ledger, err = w.ledger(ctx); err != nil {
		return err
	}
	if b.board, err = w.board(ctx); err != nil {
		return err
	}
	sums, problems := b.audit()
	b.print(out, sums)
	if len(problems) > 0 {
		fmt.Fprintln(out, "\nIt does not add up:")
		for _, line := range problems {
			fmt.Fprintln(out, "  "+line)
		}
		return fmt.Errorf("%d differences", len(problems))
	}
	fmt.Fprintln(out, "\nThe kiosk closes its books with Glase (kioskd report):")
	said, err := w.command(ctx, "report", "--all")
	if err != nil {
		return err
	}
	fmt.Fprint(out, "  "+strings.ReplaceAll(strings.TrimSpace(said), "\n", "\n  "))
	fmt.Fprintln(out, "\n\nEvery öre is accounted for.")
	return nil
}
