package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/ups"
)

// What follows is a payment service that is not Glase: tickets instead of invoices, other words for how they stand, and
// no update: the final amount goes with the taking. It keeps its money in Glase's books, so that the referee can read
// them. The kiosk knows nothing of it but desk, which stands beside the adapter for Glase in package app; the state
// machine knows neither.

// till is the service.
type till struct{ glase *glase.Client }

// trouble is the word that the service has for why it did not do something.
type trouble string

func (t trouble) Error() string { return string(t) }

// booked is a trouble with the number that the books have for it, by which the referee looks for its cause.
type booked struct {
	trouble
	code int
}

func (b booked) Error() string { return fmt.Sprintf("code %d, which is %q", b.code, string(b.trouble)) }

// Unwrap gives the trouble to errors.As.
func (b booked) Unwrap() error { return b.trouble }

const (
	silence   trouble = "silence"   // nobody knows whether it was done
	nobody    trouble = "nobody"    // it was not asked at all
	garbled   trouble = "garbled"   // it answered to something else
	later     trouble = "later"     // it cannot now
	moving    trouble = "moving"    // money of this ticket is on its way
	sold      trouble = "sold"      // the customer has paid it
	torn      trouble = "torn"      // the ticket is worth nothing any more
	empty     trouble = "empty"     // no money is held by it
	stranger  trouble = "stranger"  // no ticket of ours
	returned  trouble = "returned"  // the money went back before
	forbidden trouble = "forbidden" // never
)

// ticket is how one stands: "waiting", "held", "taken", "torn", "broken", or another word that nobody need know.
type ticket struct {
	stands string
	taken  money.Amount
	slip   string // names the payment
	mark   int    // grows with what becomes of it
}

// open asks a customer to pay a ticket of our own name; hold is for how long its money is held, 0: it is taken at once.
func (t till) open(ctx context.Context, name, notify string, most money.Amount, hold time.Duration) (number,
	link string, again bool, err error) {
	in := glase.Invoice{PaymentMode: glase.ImmediateDebit, AcknowledgmentMode: glase.NoAcknowledgment,
		IssueDate: time.Now(), Title: "ticket",
		ClientInvoiceID: name, NotificationURL: notify, Total: most, Rows: rowOf("ticket", most)}
	if hold > 0 {
		in.PaymentMode, in.CommitReservationTimeout = glase.ReservationPreliminary, hold
	}
	sent, err := t.glase.SendInvoice(ctx, in)
	return sent.Reference, sent.QRCode, sent.Repeated, onceWord(err)
}

// look tells how a ticket stands; seen is the newest mark of it that we were told.
func (t till) look(ctx context.Context, number string, seen int) (ticket, error) {
	words := map[glase.Status]string{glase.Issued: "waiting", glase.Reserved: "held", glase.Paid: "taken",
		glase.Canceled: "torn", glase.Failed: "broken"}
	s, err := t.glase.GetPaymentStatus(ctx, number, seen)
	if err != nil {
		return ticket{}, word(err)
	}
	k := ticket{stands: words[s.Status], slip: s.ErsReference, mark: s.Version}
	if r := s.Receipt; r != nil && r.InvoiceReference != "" && r.InvoiceReference != number {
		return ticket{}, garbled
	} else if r != nil {
		k.taken = r.Invoice.Total
	}
	return k, nil
}

// take takes so much of what is held, for these things.
func (t till) take(ctx context.Context, number string, amount money.Amount, what []fsm.Item) error {
	basket := glase.Invoice{Title: "ticket", Total: amount}
	for _, i := range what {
		basket.Rows = append(basket.Rows, rowOf(i.Name, i.Price)...)
	}
	if err := t.glase.UpdateInvoice(ctx, number, basket); err != nil {
		return word(err)
	}
	return word(t.glase.CommitReservation(ctx, number, amount))
}

// tear lets the customer's money go.
func (t till) tear(ctx context.Context, number string) error {
	return word(t.glase.CancelInvoice(ctx, number))
}

// giveBack gives a payment back, or a part of it.
func (t till) giveBack(ctx context.Context, slip, name string, amount money.Amount, all bool) error {
	_, err := t.glase.RefundPayment(ctx, slip,
		glase.Invoice{Title: "ticket", ClientInvoiceID: name, Total: amount, Rows: rowOf("back", amount)}, all)
	return onceWord(err)
}

func rowOf(what string, amount money.Amount) []glase.InvoiceRow {
	return []glase.InvoiceRow{{Description: what, Quantity: 1, Total: amount}}
}

// onceWord is word for what must not be done twice: a refusal after a silence speaks of the last attempt alone.
func onceWord(err error) error {
	if refused := (*glase.ResultError)(nil); errors.As(err, &refused) && refused.AfterUnknown {
		return silence
	}
	return word(err)
}

func word(err error) error {
	var refused *glase.ResultError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*glase.FieldError)):
		return garbled
	case errors.As(err, new(*glase.NotSentError)):
		return nobody
	case errors.Is(err, glase.ErrInvalid):
		return forbidden
	case !errors.As(err, &refused):
		return silence
	}
	words := map[int]trouble{48: moving, 50: sold, 54: stranger, 55: torn, 93: later, 95: torn, 96: empty, 98: returned}
	if w, known := words[refused.Code]; known {
		return booked{w, refused.Code}
	}
	return booked{forbidden, refused.Code}
}

// desk is the adapter: the state machine's operations in the service's words. It implements kiosk.Payments.
type desk struct {
	till  till
	books handle // tell what another sale has already: answers may go astray
	url   string // where the service may notify
}

// ours holds a ticket's number, or a slip, against the books.
func (d desk) ours(ctx context.Context, sale, number, slip string) error {
	if other, err := d.books.Known(ctx, sale, number, slip); err == nil && other != "" {
		return garbled
	}
	return nil
}

func (d desk) Call(ctx context.Context, c fsm.Call) fsm.Answered {
	switch c.Operation {
	case fsm.SendInvoice:
		hold := time.Duration(0)
		if c.Flow == fsm.Reservation {
			hold = c.ReservationTimeout
		}
		number, link, again, err := d.till.open(ctx, c.ClientInvoiceID, ups.NotificationURL(d.url, c.Secret), c.Total,
			hold)
		if err == nil {
			err = d.ours(ctx, c.Sale, number, "")
		}
		a := c.To(meant(err))
		if err == nil {
			a.Reference, a.QR, a.Repeated = number, link, again
		}
		return a
	case fsm.AskStatus:
		k, err := d.till.look(ctx, c.Reference, c.Version)
		if err == nil {
			err = d.ours(ctx, c.Sale, "", k.slip)
		}
		a := c.To(meant(err))
		a.Version = k.mark
		a.Status, a.Amount, a.ErsReference = map[string]fsm.PayStatus{"waiting": fsm.StatusIssued,
			"held": fsm.StatusReserved, "taken": fsm.StatusPaid,
			"torn": fsm.StatusCanceled, "broken": fsm.StatusFailed}[k.stands], k.taken, k.slip
		return a
	case fsm.CommitReservation:
		return c.To(meant(d.till.take(ctx, c.Reference, c.Total, c.Items)))
	case fsm.CancelInvoice:
		return c.To(meant(d.till.tear(ctx, c.Reference)))
	case fsm.RefundPayment:
		return c.To(meant(d.till.giveBack(ctx, c.ErsReference, c.ClientInvoiceID, c.Total, c.Full)))
	}
	return c.To(meant(nil)) // the amount goes with the taking, and receipts are the service's own
}

// meant is what the service's word means for the sale.
func meant(err error) fsm.Result {
	var t trouble
	if !errors.As(err, &t) {
		return fsm.Result{Kind: fsm.Done}
	}
	switch t {
	case silence:
		return fsm.Result{Kind: fsm.ResultUnknown, Text: err.Error()}
	case nobody:
		return fsm.Result{Kind: fsm.NotSent, Text: err.Error()}
	case garbled:
		return fsm.Result{Kind: fsm.Misfit, Text: err.Error()}
	}
	means := map[trouble]fsm.Meaning{later: fsm.Busy, moving: fsm.InProgress, sold: fsm.AlreadyPaid,
		torn: fsm.AlreadyOver, empty: fsm.NotReserved,
		stranger: fsm.UnknownInvoice, returned: fsm.OverRefunded}
	return fsm.Result{Kind: fsm.Refused, Means: means[t], Word: err.Error(), Text: err.Error()}
}

func newReference(random io.Reader) string {
	b := make([]byte, 8)
	if _, err := io.ReadFull(random, b); err != nil {
		panic(err) // noise has no end
	}
	return fmt.Sprintf("till-%x", b)
}

// second is the kiosk's way to the service.
func (w *world) second(way http.RoundTripper) (kiosk.Payments, error) {
	client, err := glase.New(glase.Config{
		Endpoint: w.cfg.Glase.Endpoint, TerminalID: glasetest.TestTerminal, Password: glasetest.TestTerminalPassword,
		ClientID:     "till",
		NewReference: func() string { return newReference(w.random) }, Timeout: w.cfg.Glase.Timeout, Transport: way,
	})
	if err != nil {
		return nil, err
	}
	return desk{till{client}, handle{store: w.store}, w.cfg.UPS.PublicURL}, nil
}
