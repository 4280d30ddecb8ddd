package certify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/identity"
	"kioskd/internal/money"
	"kioskd/internal/terminal"
)

// register makes a terminal of the machine's name.
func (r *run) register(ctx context.Context) error {
	name, external := r.Machine.Machine.Name, "certify-"+r.Mint()
	id, err := r.life.Register(ctx, terminal.Registration{ExternalID: external, Name: name, Password: r.Password})
	if lost := (*glase.UnknownError)(nil); errors.As(err, &lost) {
		return fmt.Errorf("%w. A terminal may have been made: look in Glase's merchant pages for %q, and have it "+
			"removed if it is there. Then begin again", lost, external)
	}
	if err != nil {
		return err
	}
	r.note("terminal %s, shown on the phone as %q", id, name)
	return r.sellAs(identity.Identity{TerminalID: id, Password: identity.NewSecret(r.Password)})
}

// assign ties the sticker to it.
func (r *run) assign(ctx context.Context) error {
	if err := r.life.Assign(ctx, r.SeqrID); err != nil {
		return err
	}
	r.note("the sticker %s leads to it", r.SeqrID)
	return nil
}

// send sends the invoice of which the next two steps go on.
func (r *run) send(ctx context.Context) (err error) {
	r.first, err = r.sendOne(ctx, money.Amount{})
	return err
}

// ask sees the invoice ISSUED and paid. Then it leaves a second one unpaid for as long as a customer may take, and asks
// again with the references that it has had all along: of the second, which still stands, and of the first, which is
// still paid.
func (r *run) ask(ctx context.Context) error {
	if err := r.is(ctx, r.first, fsm.StatusIssued); err != nil {
		return err
	}
	if err := r.paidByPerson(ctx, r.first); err != nil {
		return err
	}
	second, err := r.sendOne(ctx, money.Amount{})
	if err != nil {
		return err
	}
	r.print("    leave this one unpaid: scan nothing for %s …\n", seconds(r.Patience))
	if err := r.unpaid(ctx, second); err != nil {
		return err
	}
	r.note("unpaid for %s; asked again with the references from before:", seconds(r.Patience))
	if err := r.is(ctx, second, fsm.StatusIssued); err != nil {
		return err
	}
	if err := r.is(ctx, r.first, fsm.StatusPaid); err != nil {
		return err
	}
	return r.cancelled(ctx, second)
}

// unpaid asks each second, as the daemon does, for as long as Patience says.
func (r *run) unpaid(ctx context.Context, i *invoice) error {
	end := time.NewTimer(r.Patience)
	defer end.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		status, err := r.status(ctx, i)
		if err != nil {
			return err
		}
		if status != fsm.StatusIssued {
			return fmt.Errorf("invoice %s is %s: this one was to be left alone. Begin again", i.reference, status)
		}
		select {
		case <-tick.C:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// receipt hands in the first payment's.
func (r *run) receipt(ctx context.Context) error {
	_, err := r.call(ctx, fsm.Call{Operation: fsm.SubmitReceipt, ErsReference: r.first.ers, Total: r.first.total,
		Items: r.first.items})
	if err == nil {
		r.note("for ersReference %s", r.first.ers)
	}
	return err
}

// cancel sends an invoice, and takes it back.
func (r *run) cancel(ctx context.Context) error {
	i, err := r.sendOne(ctx, money.Amount{})
	if err != nil {
		return err
	}
	if err := r.is(ctx, i, fsm.StatusIssued); err != nil {
		return err
	}
	return r.cancelled(ctx, i)
}

// cancelled cancels an invoice, and sees that it is.
func (r *run) cancelled(ctx context.Context, i *invoice) error {
	if _, err := r.call(ctx, fsm.Call{Operation: fsm.CancelInvoice, Reference: i.reference}); err != nil {
		return err
	}
	if err := r.is(ctx, i, fsm.StatusCanceled); err != nil {
		return err
	}
	r.open = nil
	return nil
}

// refund sends an invoice, has it paid, and gives the payment back.
func (r *run) refund(ctx context.Context) error {
	i, err := r.sendOne(ctx, money.Amount{})
	if err != nil {
		return err
	}
	if err := r.is(ctx, i, fsm.StatusIssued); err != nil {
		return err
	}
	if err := r.paidByPerson(ctx, i); err != nil {
		return err
	}
	if err := r.refundWhole(ctx, i); err != nil {
		return err
	}
	r.note("%v given back", i.paid)
	return nil
}

// report closes the terminal's register.
func (r *run) report(ctx context.Context) error {
	reseller, err := r.Client(identity.Identity{})
	if err != nil {
		return err
	}
	defer reseller.Close()
	r.print("    the report takes some seconds …\n")
	report, err := terminal.CloseRegister(ctx, reseller, r.who.TerminalID)
	if err != nil {
		return err
	}
	r.note("report %s, %d bytes", report.Title, len(report.Content))
	return nil
}

// unregister gives the terminal up.
func (r *run) unregister(ctx context.Context) error {
	id, err := r.life.Unregister(ctx)
	if err != nil {
		return err
	}
	r.who = identity.Identity{}
	r.note("terminal %s is given up", id)
	return nil
}
