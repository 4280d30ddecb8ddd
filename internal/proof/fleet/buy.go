package fleet

import (
	"context"
	"fmt"
	"time"
)

const (
	mayReserve  = "50.00"          // what a customer lets the machine reserve
	buyWithin   = 90 * time.Second // for one product, whatever is killed meanwhile
	customerAct = 100 * time.Millisecond
)

// Buy is a customer who does not go before he has his product: he scans, gives his PIN, presses the button, and when
// the machine lets go of his money because it was just killed, he begins again. It gives the invoice that was paid.
func (p Phone) Buy(ctx context.Context, k *Kiosk, slot string) (invoice string, err error) {
	return p.Finish(ctx, k, slot, "")
}

// Finish is Buy from where the phone shows an invoice on; "": it shows none yet.
func (p Phone) Finish(ctx context.Context, k *Kiosk, slot, scanned string) (invoice string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, buyWithin,
		fmt.Errorf("nothing came out of %s within %v", k.ID, buyWithin))
	defer cancel()
	b := buying{Phone: p, kiosk: k, slot: slot, invoice: scanned, before: -1}
	for ctx.Err() == nil {
		if paid := b.act(ctx); paid {
			return b.invoice, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(customerAct):
		}
	}
	s, _ := k.Status(context.WithoutCancel(ctx))
	return "", fmt.Errorf("%w: invoice %q is %s, the machine is at %s (%s), and last: %v", context.Cause(ctx), b.invoice,
		b.status, s.Step, s.Reason, b.why)
}

// buying is what one customer knows.
type buying struct {
	Phone
	kiosk           *Kiosk
	slot            string
	invoice, status string
	before          int // what had come out when he pressed; -1: he has not pressed
	ended           bool
	why             error // what went wrong last
}

// act does what there is to do now, and says whether the product is paid for. What goes wrong is tried again: the
// machine or what is before it may just be dead.
func (b *buying) act(ctx context.Context) (paid bool) {
	if b.invoice == "" {
		return b.failed(b.scan(ctx))
	}
	i, err := b.Phone.Invoice(ctx, b.invoice)
	if err != nil {
		return b.failed(err)
	}
	b.status = i.Status
	switch i.Status {
	case "PAID":
		return true
	case "ISSUED":
		_, err := b.Confirm(ctx, b.invoice)
		return b.failed(err)
	case "CANCELED", "FAILED", "UNKNOWN":
		b.invoice = ""
		return false
	}
	return b.failed(b.choose(ctx))
}

func (b *buying) failed(err error) bool {
	if err != nil {
		b.why = err
	}
	return false
}

func (b *buying) scan(ctx context.Context) error {
	i, err := b.Scan(ctx, b.kiosk.ID, mayReserve)
	if err == nil && i.ErrorCode != "" {
		err = fmt.Errorf("the scan was answered %s", i.ErrorCode)
	}
	b.invoice, b.before, b.ended = i.Reference, -1, false
	return err
}

// choose presses the product's button once, and "that is all" once it is out.
func (b *buying) choose(ctx context.Context) error {
	s, err := b.kiosk.Status(ctx)
	if err != nil || s.Step != "choosing" || b.ended {
		return err
	}
	fell, err := b.kiosk.Dropped(ctx)
	switch {
	case err != nil:
		return err
	case b.before < 0:
		b.before = fell[b.slot]
		return b.kiosk.Press(ctx, b.slot)
	case fell[b.slot] > b.before:
		b.ended = true
		return b.kiosk.Press(ctx, "cancel")
	}
	return nil
}
