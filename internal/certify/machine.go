package certify

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/internal/config"
	"kioskd/internal/money"
	"kioskd/internal/serve"
	"kioskd/ups"
)

// desk is where Glase's calls arrive: one customer's purchase, and the notifications of its invoice.
type desk struct {
	asked    chan asked    // a purchase that step 1 waits for
	notified chan struct{} // a hint that came; doubled ones fall together

	mu        sync.Mutex
	secret    string // of the notification's path; "": there is no invoice yet
	reference string // what the customer was given; a repetition is given the same
}

// asked is a purchase, and where its answer goes.
type asked struct {
	amount money.Amount
	answer chan<- given
}

// given is what a purchase is answered.
type given struct {
	reference string
	code      ups.ErrorCode
}

// customers is the handler of the machine, as the daemon has it.
func (r *run) customers() (http.Handler, error) {
	r.desk = &desk{asked: make(chan asked), notified: make(chan struct{}, 1)}
	m := r.Machine
	h, err := ups.New(ups.Config{Token: m.Machine.Token, PathPrefix: m.UPS.PathPrefix, Currency: m.Machine.Currency},
		r.desk)
	if err != nil {
		return nil, err
	}
	return r.Record.Incoming(h), nil
}

// CreatePurchase implements ups.Kiosk.
func (d *desk) CreatePurchase(ctx context.Context, p ups.Purchase) (string, ups.ErrorCode) {
	d.mu.Lock()
	before := d.reference
	d.mu.Unlock()
	if before != "" {
		return before, ""
	}
	answer := make(chan given, 1) // room for an answer that comes too late
	select {
	case d.asked <- asked{p.Amount, answer}:
	case <-ctx.Done():
		return "", ups.DeviceInUse
	}
	select {
	case a := <-answer:
		return a.reference, a.code
	case <-ctx.Done():
		return "", ups.SystemError
	}
}

// Refusal implements ups.Kiosk: nothing is refused at a look.
func (d *desk) Refusal(ups.Purchase) ups.ErrorCode { return "" }

// Notify implements ups.Kiosk.
func (d *desk) Notify(secret string) bool {
	d.mu.Lock()
	known := d.secret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(d.secret)) == 1
	d.mu.Unlock()
	if known {
		select {
		case d.notified <- struct{}{}:
		default:
		}
	}
	return known
}

// expect lets the notification of an invoice in.
func (d *desk) expect(secret string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secret = secret
}

// sold is the invoice that the customer is given, however often they ask.
func (d *desk) sold(reference string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reference = reference
}

// Listen serves Glase's own calls to the machine, where and as the daemon does: with its certificate, and to whom its
// config lets in.
func Listen(m config.Config, wall func() time.Time) func(context.Context, http.Handler,
	func(context.Context) error) error {
	return func(ctx context.Context, customers http.Handler, work func(context.Context) error) error {
		c := serve.Config{UPS: m.UPS, Customers: customers} // without a log: the record has it
		c.Door = serve.NewDoor(c.Log, wall)
		var err error
		if c.Certificates, err = serve.OpenCertificates(config.Config{UPS: m.UPS}, wall, c.Log); err != nil {
			return err
		}
		return serve.Run(ctx, c, work)
	}
}

// purchase waits for Glase's call.
func (r *run) purchase(ctx context.Context) error {
	m := r.Machine
	phone := r.Person.Pay(ctx, Wish{QR: ups.StaticQR(m.Glase.MerchantID, m.Machine.Token), Within: r.Wait})
	end := time.NewTimer(r.Wait)
	defer end.Stop()
	for {
		select {
		case p := <-r.desk.asked:
			r.buyer, r.phone = &p, phone
			r.note("createPurchase, for at most %v", p.amount)
			return nil
		case err := <-phone:
			if err != nil {
				return err
			}
			phone = nil // it has done its part
		case <-end.C:
			return fmt.Errorf("after %s Glase has not called createPurchase: was the code scanned? Then Glase cannot "+
				"reach %s/createPurchase: look at the way there, and at [ups] allow (docs/certification.md)",
				seconds(r.Wait),
				m.UPS.PublicURL)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserve makes the reservation's invoice, and answers createPurchase with it.
func (r *run) reserve(ctx context.Context) error {
	answer := func(g given) { r.buyer.answer <- g; r.buyer = nil }
	total, err := wanted(r.Machine, r.product().Price, r.buyer.amount)
	if err != nil {
		answer(given{code: ups.InsufficientFunds})
		return err
	}
	if r.first, err = r.sendOne(ctx, total); err != nil {
		answer(given{code: ups.InvoicingError})
		return err
	}
	r.desk.sold(r.first.reference)
	answer(given{reference: r.first.reference})
	return nil
}

// notified waits for the hint that the customer has confirmed, and asks each second meanwhile: a notification may be
// missing, and what nobody asks for is reversed.
func (r *run) notified(ctx context.Context) error {
	end := time.NewTimer(r.Wait)
	defer end.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	status := fsm.PayStatus("")
	for {
		select {
		case <-r.desk.notified:
			r.note("Glase has called %s/notify/…", r.Machine.UPS.PublicURL)
			return nil
		case err := <-r.phone:
			if err != nil {
				return err
			}
			r.phone = nil // it has done its part
		case <-tick.C:
			got, err := r.status(ctx, r.first)
			if err == nil {
				status = got
			} else if !errors.As(err, new(lostError)) {
				return err
			}
			if status == fsm.StatusCanceled || status == fsm.StatusFailed {
				return fmt.Errorf("invoice %s is %s: it was refused on the phone. Begin again", r.first.reference,
					status)
			}
		case <-end.C:
			if status == fsm.StatusReserved {
				return fmt.Errorf("the customer has confirmed, and no notification came within %s: Glase must reach %s "+
					"(docs/certification.md). Begin again", seconds(r.Wait), r.Machine.UPS.PublicURL)
			}
			return fmt.Errorf("after %s invoice %s is not confirmed: give the PIN, or say a longer --wait. Begin again",
				seconds(r.Wait), r.first.reference)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserved sees the money reserved.
func (r *run) reserved(ctx context.Context) error {
	return r.until(ctx, r.first, fsm.StatusReserved, nil)
}

// update makes the invoice the basket: one product.
func (r *run) update(ctx context.Context) error {
	r.first.items = []fsm.Item{r.product()}
	r.first.total = r.first.items[0].Price
	_, err := r.call(ctx, fsm.Call{Operation: fsm.UpdateInvoice, Reference: r.first.reference, Total: r.first.total,
		Items: r.first.items})
	if err == nil {
		r.note("%s, %v", r.first.items[0].Name, r.first.total)
	}
	return err
}

// commit takes the basket's amount, and asks until Glase says that it has it.
func (r *run) commit(ctx context.Context) error {
	i := r.first
	if _, err := r.call(ctx, fsm.Call{Operation: fsm.CommitReservation, Reference: i.reference, Total: i.total,
		Items: i.items}); err != nil {
		return err
	}
	if err := r.until(ctx, i, fsm.StatusPaid, nil); err != nil {
		return err
	}
	r.open = nil
	if i.paid != i.total {
		return fmt.Errorf("invoice %s is PAID with %v in its receipt, and %v was committed: show the record to Glase",
			i.reference, i.paid, i.total)
	}
	r.note("charged %v, ersReference %s", i.paid, i.ers)
	return nil
}
