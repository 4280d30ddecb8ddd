package certify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/money"
	"kioskd/ups"
)

const (
	// pollEvery is how often Glase wants to be asked while somebody pays.
	pollEvery = time.Second
	// giveUpWithin bounds the cleaning up, which a person who pressed Ctrl-C waits for.
	giveUpWithin = 15 * time.Second
)

// invoice is one that was sent.
type invoice struct {
	id, secret string
	reference  string
	qr         string
	version    int
	ers        string // once it is paid
	paid       money.Amount
	total      money.Amount
	items      []fsm.Item
}

// product is what is sold: the cheapest of the machine's own.
func (r *run) product() fsm.Item {
	cheapest := r.Machine.Slots[0]
	for _, s := range r.Machine.Slots {
		if s.Price.Less(cheapest.Price) {
			cheapest = s
		}
	}
	i := fsm.Item{ID: "certify", Slot: cheapest.ID, Name: cheapest.Name, Price: cheapest.Price, EAN: cheapest.EAN,
		Outcome: fsm.Delivered} // so that the receipt is one of a sale that went well
	if cheapest.VAT != nil {
		i.VAT = *cheapest.VAT
	}
	return i
}

// flow is the way to sell that the script is about.
func (r *run) flow() fsm.Flow {
	switch r.script.Name {
	case "pos":
		return fsm.Sticker
	case "web":
		return fsm.Web
	}
	return fsm.Reservation
}

// call makes one call as the daemon does, and says what stands in the way.
func (r *run) call(ctx context.Context, c fsm.Call) (fsm.Answered, error) {
	c.Sale, c.Number = "certify", 1
	a := r.pay.Call(ctx, c)
	return a, trouble(a.Result)
}

// trouble is why a call brought nothing, and what to do about it.
func trouble(r fsm.Result) error {
	switch r.Kind {
	case fsm.Done:
		return nil
	case fsm.NotSent:
		return lostError{fmt.Errorf("%s. Glase cannot be reached: compare --against with your start-up kit, and look "+
			"at the network", r.Text)}
	case fsm.Refused:
		if r.Word == "" {
			return fmt.Errorf("%s. The config has something that Glase does not take", r.Text)
		}
		return fmt.Errorf("%s. Glase refuses: the record has its answer; begin again once the reason is mended", r.Text)
	case fsm.Misfit:
		return fmt.Errorf("the answer is about something else: %s. Show the record to Glase", r.Text)
	}
	return lostError{fmt.Errorf("%s. Nobody knows whether it was done: begin again, and show the record to Glase if "+
		"it comes again", r.Text)}
}

// lostError is about a call that brought no answer: a question may be asked again.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// sendOne sends an invoice of the product, or a reservation of the amount.
func (r *run) sendOne(ctx context.Context, amount money.Amount) (*invoice, error) {
	i := &invoice{id: r.Mint(), secret: r.Mint(), total: amount}
	c := fsm.Call{Operation: fsm.SendInvoice, ClientInvoiceID: i.id, Secret: i.secret, Flow: r.flow(), Total: i.total}
	if c.Flow == fsm.Reservation {
		c.ReservationTimeout = r.Machine.Glase.ReservationTimeout
		if r.desk != nil {
			r.desk.expect(i.secret)
		}
	} else {
		i.items = []fsm.Item{r.product()}
		i.total = i.items[0].Price
		c.Items, c.Total = i.items, i.total
	}
	a, err := r.call(ctx, c)
	if err != nil {
		return nil, err
	}
	i.reference, i.qr = a.Reference, a.QR
	r.open = i // a cash register has no other any more
	r.note("invoice %s of %v", i.reference, i.total)
	return i, nil
}

// status asks how an invoice stands, and with a payment's version once more: the version is the acknowledgement.
func (r *run) status(ctx context.Context, i *invoice) (fsm.PayStatus, error) {
	for {
		a, err := r.call(ctx, fsm.Call{Operation: fsm.AskStatus, ClientInvoiceID: i.id, Reference: i.reference,
			ErsReference: i.ers, Version: i.version})
		if err != nil {
			return "", err
		}
		known := a.Version == i.version
		i.version = a.Version
		if a.Status != fsm.StatusPaid && a.Status != fsm.StatusReserved {
			return a.Status, nil
		}
		if a.Status == fsm.StatusPaid {
			i.ers, i.paid = a.ErsReference, a.Amount
		}
		if known {
			return a.Status, nil
		}
	}
}

// is asks once, and wants that status.
func (r *run) is(ctx context.Context, i *invoice, want fsm.PayStatus) error {
	got, err := r.status(ctx, i)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("invoice %s is %s, and should be %s", i.reference, got, want)
	}
	r.note("invoice %s is %s", i.reference, want)
	return nil
}

// until asks each second, until the invoice has the status. What the phone could not do ends it; a question that was
// lost is asked again.
func (r *run) until(ctx context.Context, i *invoice, want fsm.PayStatus, phone <-chan error) error {
	end := time.NewTimer(r.Wait)
	defer end.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for last := error(nil); ; {
		got, err := r.status(ctx, i)
		switch {
		case err == nil && got == want:
			if want == fsm.StatusPaid && i.ers == "" {
				return fmt.Errorf("invoice %s is PAID and has no ersReference: show the record to Glase", i.reference)
			}
			r.note("invoice %s is %s", i.reference, want)
			return nil
		case err == nil && (got == fsm.StatusCanceled || got == fsm.StatusFailed):
			return fmt.Errorf("invoice %s is %s: it was refused on the phone, or the payment failed. Begin again",
				i.reference, got)
		case err != nil && !errors.As(err, new(lostError)):
			return err
		}
		last = err
		select {
		case <-tick.C:
		case err := <-phone:
			if err != nil {
				return err
			}
			phone = nil // it has done its part
		case <-end.C:
			if last != nil {
				return last
			}
			return fmt.Errorf("after %s invoice %s is still %s: was the code scanned, and the PIN given? Begin again, "+
				"with a longer --wait if it was too short", seconds(r.Wait), i.reference, got)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// paidByPerson has the person scan a code and confirm, and waits until it is PAID.
func (r *run) paidByPerson(ctx context.Context, i *invoice) error {
	qr := i.qr
	if r.script.Name == "pos" {
		qr = ups.StickerQR(r.SeqrID)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := r.until(ctx, i, fsm.StatusPaid, r.Person.Pay(ctx, Wish{qr, i.total, r.Wait})); err != nil {
		return err
	}
	if i.paid != i.total {
		return fmt.Errorf("invoice %s is PAID with %v in its receipt, and asked for %v: show the record to Glase",
			i.reference, i.paid, i.total)
	}
	r.open = nil
	r.note("ersReference %s", i.ers)
	return nil
}

// afterwards gives up what is open: an invoice is cancelled, or given back when it is paid; a terminal is given up.
// It is done although the run was ended from outside.
func (r *run) afterwards(ctx context.Context) error {
	registered := r.script.Name == "pos" && r.who.TerminalID != ""
	if r.open == nil && !registered {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), giveUpWithin)
	defer stop()
	r.Record.Heading("Afterwards")
	r.print("\nCleaning up …\n")
	var errs []error
	if r.open != nil {
		errs = append(errs, r.giveUp(ctx, r.open))
	}
	if registered {
		if _, err := r.life.Unregister(ctx); err != nil {
			errs = append(errs, fmt.Errorf("terminal %s is still one: %w. Have it removed in Glase's merchant pages",
				r.who.TerminalID, err))
		} else {
			r.note("terminal %s is given up", r.who.TerminalID)
		}
	}
	return errors.Join(errs...)
}

// giveUp cancels an invoice; one that is paid goes back.
func (r *run) giveUp(ctx context.Context, i *invoice) error {
	a := r.pay.Call(ctx, fsm.Call{Operation: fsm.CancelInvoice, Sale: "certify", Number: 1, Reference: i.reference})
	if a.Result.Kind == fsm.Done || a.Result.Means == fsm.AlreadyOver {
		r.note("invoice %s is cancelled", i.reference)
		return nil
	}
	status, err := r.status(ctx, i)
	switch {
	case err == nil && (status == fsm.StatusCanceled || status == fsm.StatusFailed):
		r.note("invoice %s is %s", i.reference, status)
		return nil
	case err == nil && status == fsm.StatusPaid && i.ers != "":
		if err = r.refundWhole(ctx, i); err == nil {
			r.note("invoice %s was paid, and is given back", i.reference)
			return nil
		}
	case err == nil:
		err = trouble(a.Result)
	}
	return fmt.Errorf("invoice %s is still open: %w. It ends by itself, or look in Glase's merchant pages", i.reference,
		err)
}

// refundWhole gives back all of a payment.
func (r *run) refundWhole(ctx context.Context, i *invoice) error {
	_, err := r.call(ctx, fsm.Call{Operation: fsm.RefundPayment, ClientInvoiceID: i.id + "R", ErsReference: i.ers,
		Total: i.paid, Full: true})
	return err
}

// wanted is the most that the machine reserves of an offer, or why it takes none.
func wanted(m config.Config, cheapest, offer money.Amount) (money.Amount, error) {
	most := m.Payment.ReserveMax
	switch {
	case offer.Currency != cheapest.Currency || offer.Less(cheapest):
		return money.Amount{}, fmt.Errorf("the phone offers %v, and the cheapest product costs %v: offer more", offer,
			cheapest)
	case !most.IsZero() && most.Less(offer):
		return most, nil
	}
	return offer, nil
}
