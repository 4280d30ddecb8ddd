// Package glasepay pays with Glase: it turns the state machine's calls into Glase's operations, and what Glase answers
// into what that means for the sale.
//
// A second payment service is a package beside it, with the same one method, and no line of the state machine.
package glasepay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/money"
	"kioskd/internal/receipt"
	"kioskd/internal/words"
	"kioskd/ups"
)

// Service pays with Glase. It implements kiosk.Payments, and may be used by many goroutines.
type Service struct {
	Client    *glase.Client
	Terminal  string            // whose credentials the client has
	Books     Books             // nil: no journal could be opened, and nothing is sold
	Name      string            // the machine's, which customers read
	Language  string            // of what customers read; package words has it
	Timezone  *time.Location    // of a receipt's time
	PublicURL string            // where Glase finds this machine; "": it is told nothing
	Wall      func() time.Time  // the wall's clock
	Synced    func() bool       // whether a receipt may name Wall's time; nil: it may
	Heard     func(error) error // is told how each call ended, and gives it back
}

// Call implements kiosk.Payments.
func (p Service) Call(ctx context.Context, c fsm.Call) fsm.Answered {
	switch c.Operation {
	case fsm.SendInvoice:
		sent, err := p.Client.SendInvoice(ctx, p.invoice(c))
		_ = p.Heard(err)
		r := oneTime(err)
		if err == nil {
			if r = p.sentOurs(ctx, c.Sale, sent); r.Kind != fsm.Done {
				sent = glase.SentInvoice{} // it goes no further
			}
		}
		a := c.To(r)
		a.Reference, a.QR, a.Repeated = sent.Reference, sent.QRCode, sent.Repeated
		return a
	case fsm.AskStatus:
		s, err := p.Client.GetPaymentStatus(ctx, c.Reference, c.Version)
		_ = p.Heard(err)
		r := result(err)
		if err == nil {
			r = p.statusOurs(ctx, c, s)
		}
		return answered(c, s, r)
	case fsm.UpdateInvoice:
		basket := glase.Invoice{Title: p.Name, Rows: rows(c.Items), Total: c.Total}
		return c.To(result(p.Heard(p.Client.UpdateInvoice(ctx, c.Reference, basket))))
	case fsm.CommitReservation:
		return c.To(result(p.Heard(p.Client.CommitReservation(ctx, c.Reference, c.Total))))
	case fsm.CancelInvoice:
		return c.To(result(p.Heard(p.Client.CancelInvoice(ctx, c.Reference))))
	case fsm.RefundPayment:
		reference, err := p.Client.RefundPayment(ctx, c.ErsReference, glase.Invoice{
			Title: p.Name, ClientInvoiceID: c.ClientInvoiceID, Total: c.Total,
			Rows: []glase.InvoiceRow{row(p.words().Invoice.Refund, c.Total)},
		}, c.Full)
		_ = p.Heard(err)
		r := oneTime(err)
		if err == nil {
			r = p.refundOurs(ctx, c.Sale, reference)
		}
		return c.To(r)
	case fsm.SubmitReceipt:
		_, err := p.Client.SubmitPaymentReceipt(ctx, c.ErsReference, p.receipt(c))
		return c.To(result(p.Heard(err)))
	}
	panic(fmt.Sprintf("glasepay: %q is no operation of Glase's", c.Operation)) // the state machine has no other
}

// invoice is what the customer sees on the phone: the products, or the most that will be reserved.
func (p Service) invoice(c fsm.Call) glase.Invoice {
	in := glase.Invoice{
		PaymentMode: glase.ImmediateDebit, AcknowledgmentMode: glase.NoAcknowledgment, IssueDate: p.Wall(),
		Title:           p.Name,
		ClientInvoiceID: c.ClientInvoiceID, Rows: rows(c.Items), Total: c.Total,
	}
	if c.Flow == fsm.Reservation {
		in.PaymentMode, in.CommitReservationTimeout = glase.ReservationPreliminary, c.ReservationTimeout
		in.Rows = []glase.InvoiceRow{row(p.words().Invoice.Reserved, c.Total)}
	}
	if p.PublicURL != "" {
		in.NotificationURL = ups.NotificationURL(p.PublicURL, c.Secret)
		if c.Flow == fsm.Web {
			in.BackURL = ups.PageURL(p.PublicURL)
		}
	}
	return in
}

// row is a line that stands for no product.
func row(what string, total money.Amount) glase.InvoiceRow {
	return glase.InvoiceRow{Description: what, Quantity: 1, Total: total}
}

// words are the machine's language.
func (p Service) words() *words.Words { return words.In(p.Language) }

func rows(items []fsm.Item) []glase.InvoiceRow {
	var out []glase.InvoiceRow
	for _, i := range items {
		r := glase.InvoiceRow{Description: i.Name, EAN: i.EAN, SKU: i.Slot, Quantity: 1, Total: i.Price}
		if vat := i.VAT; vat != 0 {
			r.TaxRate = &vat
		}
		out = append(out, r)
	}
	return out
}

// answered is a getPaymentStatus in the state machine's words. The amount is the receipt's own: nothing is filled in.
// Of an answer about something else nothing is taken.
func answered(c fsm.Call, s glase.PaymentStatus, r fsm.Result) fsm.Answered {
	a := c.To(r)
	if r.Kind != fsm.Done {
		return a
	}
	a.Status, a.Version, a.ErsReference = fsm.PayStatus(s.Status), s.Version, s.ErsReference
	if s.Receipt != nil {
		a.Amount = s.Receipt.Invoice.Total
	}
	return a
}

// oneTime is result for an operation that must not be done twice: a refusal that came after an attempt without an
// answer only speaks of the last attempt, and the earlier one may have been carried out.
func oneTime(err error) fsm.Result {
	r := result(err)
	if refused := (*glase.ResultError)(nil); errors.As(err, &refused) && refused.AfterUnknown {
		r.Kind, r.Means, r.Word = fsm.ResultUnknown, "", ""
	}
	return r
}

// means is what a result code of Glase's means for the sale, whichever operation it answers. One that is not here is a
// refusal for good, or says nothing that the invoice's status does not say better.
func means(code int) fsm.Meaning {
	switch code {
	case glase.CodePaymentInProgress:
		return fsm.InProgress
	case glase.CodeCannotCancelPaidInvoice:
		return fsm.AlreadyPaid
	case glase.CodeInvalidInvoiceReference:
		return fsm.UnknownInvoice
	case glase.CodePaymentAlreadyCancelled, glase.CodeInvoiceAlreadyCanceled:
		return fsm.AlreadyOver
	case glase.CodeSystemBusy:
		return fsm.Busy
	case glase.CodeInvoiceStateNotReserved:
		return fsm.NotReserved
	case glase.CodeRefundsExceedPayment:
		return fsm.OverRefunded
	}
	return ""
}

// result says what is known about a call.
func result(err error) fsm.Result {
	var refused *glase.ResultError
	var notSent *glase.NotSentError
	var odd *glase.FieldError
	switch {
	case err == nil:
		return fsm.Result{Kind: fsm.Done}
	case errors.As(err, &odd):
		return misfit("%v", odd)
	case errors.As(err, &refused):
		return fsm.Result{Kind: fsm.Refused, Means: means(refused.Code), Word: fmt.Sprintf("code %d", refused.Code),
			Text: err.Error()}
	case errors.Is(err, glase.ErrInvalid):
		return fsm.Result{Kind: fsm.Refused, Text: err.Error()}
	case errors.As(err, &notSent):
		return fsm.Result{Kind: fsm.NotSent, Text: err.Error()}
	}
	return fsm.Result{Kind: fsm.ResultUnknown, Text: err.Error()}
}

// receipt is the document that the customer finds in the app: amount, reference, "Glase payment" and the time, as
// Glase's certification asks, what came out, and its VAT. A clock that nobody has set tells no time.
func (p Service) receipt(c fsm.Call) glase.ReceiptDocument {
	r := receipt.Receipt{Head: receipt.Head{Machine: p.Name, Language: p.Language, Timezone: p.Timezone},
		Sale: c.Sale, Rows: receipt.Rows(c.Items), Total: c.Total, ErsReference: c.ErsReference}
	if p.Synced == nil || p.Synced() {
		r.At = p.Wall()
	}
	return glase.ReceiptDocument{MimeType: "text/html", Data: []byte(r.HTML()), Type: "receipt"}
}
