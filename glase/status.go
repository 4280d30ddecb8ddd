package glase

import (
	"strconv"
	"strings"
	"time"

	"kioskd/internal/money"
)

// Status is the state of an invoice. A word beyond the constants is kept as Glase wrote it.
type Status string

// The documented statuses. Canceled is what both of the documentation's spellings decode to.
const (
	Issued                   Status = "ISSUED"
	Paid                     Status = "PAID"
	PartiallyPaid            Status = "PARTIALLY_PAID"
	PendingIssuerAcknowledge Status = "PENDING_ISSUER_ACKNOWLEDGE"
	Canceled                 Status = "CANCELED"
	Failed                   Status = "FAILED"
	Reserved                 Status = "RESERVED"
)

// PaymentStatus is how an invoice stands.
type PaymentStatus struct {
	Status  Status // never empty
	Version int    // hand it to the next GetPaymentStatus
	// the payment's reference, once PAID; empty when Glase left it out, which the caller decides about
	ErsReference string
	Receipt      *Receipt
	Tokens       []CustomerToken
}

// Receipt is Glase's own receipt of a payment. Fields that Glase left out are zero.
type Receipt struct {
	TerminalID       string
	PaymentDate      time.Time // zero also when it cannot be made out
	ClientInvoiceID  string
	InvoiceReference string
	PaymentReference string
	PayerTerminalID  string // identifies the customer's phone: personal data, never to be logged
	ReceiverName     string
	Invoice          Invoice // its Total is what was paid; rows' amounts that cannot be made out are zero
}

func (a *answer) paymentStatus() PaymentStatus {
	s := PaymentStatus{
		Status:       Status(a.reference("status")),
		Version:      a.number("version"),
		ErsReference: a.token("ersReference", idMax),
	}
	if s.Status == "CANCELLED" {
		s.Status = Canceled
	}
	if s.Version < 0 {
		a.fail("version", "negative")
	}
	if r := a.child("receipt"); r.at != absent {
		s.Receipt = r.receipt()
		a.join(r)
	}
	tokens := a.child("customerTokens")
	tokens.each("token", func(t *answer) {
		s.Tokens = append(s.Tokens, CustomerToken{t.words("description", textMax), t.token("id", idMax),
			t.number("status"), t.words("value", textMax)})
	})
	a.join(tokens)
	return s
}

func (a *answer) receipt() *Receipt {
	r := &Receipt{
		TerminalID:       a.token("terminalId", idMax),
		PaymentDate:      a.date("paymentDate"),
		ClientInvoiceID:  a.token("clientInvoiceId", idMax),
		InvoiceReference: a.token("invoiceReference", idMax),
		PaymentReference: a.words("paymentReference", idMax),
		PayerTerminalID:  a.words("payerTerminalId", idMax),
		ReceiverName:     a.words("receiverName", textMax),
	}
	invoice := a.child("invoice")
	r.Invoice = invoice.invoice()
	a.join(invoice)
	return r
}

func (a *answer) invoice() Invoice {
	v := Invoice{
		PaymentMode:        PaymentMode(a.words("paymentMode", idMax)),
		AcknowledgmentMode: AcknowledgmentMode(a.words("acknowledgmentMode", idMax)),
		IssueDate:          a.date("issueDate"),
		Title:              a.words("title", textMax),
		ClientInvoiceID:    a.token("clientInvoiceId", idMax),
		Total:              a.amount("totalAmount"),
		CashierID:          a.words("cashierId", idMax),
		Footer:             a.words("footer", longMax),
		BackURL:            a.words("backURL", urlMax),
		NotificationURL:    a.words("notificationUrl", urlMax),
	}
	if s, err := strconv.ParseInt(a.text("commitReservationTimeout"), 10, 32); err == nil {
		v.CommitReservationTimeout = time.Duration(s) * time.Second
	}
	rows := a.child("invoiceRows")
	rows.each("invoiceRow", func(r *answer) { v.Rows = append(v.Rows, r.invoiceRow()) })
	a.join(rows)
	return v
}

// invoiceRow is lenient: it is for showing, the total is what counts.
func (a *answer) invoiceRow() InvoiceRow {
	lenient := func(name string) money.Amount {
		one := answer{nodes: a.nodes, at: a.at}
		v := one.amount(name)
		if one.err != nil {
			return money.Amount{}
		}
		return v
	}
	r := InvoiceRow{
		Description: a.words("itemDescription", textMax),
		EAN:         a.words("itemEAN", idMax),
		SKU:         a.words("itemSKU", idMax),
		Unit:        a.words("itemUnit", idMax),
		Discount:    lenient("itemDiscount"),
		Total:       lenient("itemTotalAmount"),
		UnitPrice:   lenient("itemUnitPrice"),
	}
	r.Quantity, _ = whole(a.text("itemQuantity"))
	if rate, ok := whole(a.text("itemTaxRate")); ok {
		r.TaxRate = &rate
	}
	return r
}

// whole reads a decimal without a fraction, as in "2" and "2.00".
func whole(s string) (int, bool) {
	s, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && strings.Trim(fraction, "0") == ""
}
