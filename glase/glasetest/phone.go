package glasetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"kioskd/internal/money"
)

// What a scan takes when it is not told.
const (
	DefaultAmount   = "200.00"
	DefaultCurrency = "SEK"
	DefaultMSISDN   = "46700000001"
)

// The phone's own error codes; those of createPurchase come besides, as the kiosk answered them.
const (
	UnknownQR        = "UNKNOWN_QR"         // no QR of Glase's, or one that leads nowhere
	NoInvoice        = "NO_INVOICE"         // the sticker's terminal has nothing to pay now: try again
	UnknownInvoice   = "UNKNOWN_INVOICE"    // no invoice of that reference
	WrongPIN         = "WRONG_PIN"          // anything but four digits
	WaitingForAmount = "WAITING_FOR_AMOUNT" // acknowledgmentMode was left out, or the shop has yet to acknowledge
	NotOpen          = "NOT_OPEN"           // the invoice is over, or confirmed already; see its status
	PaymentFailed    = "PAYMENT_FAILED"     // the customer's bank refused; the invoice is FAILED
	SystemFailure    = "SYSTEM_ERROR"       // createPurchase brought no invoice: see the message
)

// PhoneError is why the phone could not go on. It is also what the phone's JSON answers carry.
type PhoneError struct {
	Code    string `json:"errorCode"`
	Message string `json:"message,omitempty"`
	Status  Status `json:"status,omitempty"` // of the invoice, where there is one
}

func (e *PhoneError) Error() string {
	return "glasetest: phone: " + e.Code + " " + e.Message
}

// Scan is a customer holding the phone before a QR. Everything but the QR may be left out.
type Scan struct {
	// HTTP://SEQR.SE/R<reference>, /Q<seqrId>, or /000/ups?w=<merchantId>&t=<token>; also with seqr:
	QR     string
	Amount money.Amount // the most that a machine may reserve; a machine's QR alone asks for it
	MSISDN string       // the phone's number
}

// Receipt is one receiptDocument. Data is base64, as it came.
type Receipt struct {
	MimeType string `json:"mimeType"`
	Type     string `json:"receiptType"`
	Data     string `json:"receiptData"`
}

// Invoice is what the phone shows of an invoice. Amounts that are not (yet) are the zero Amount.
type Invoice struct {
	Reference        string
	Status           Status
	Version          int
	Title            string
	Terminal         string
	PaymentMode      string
	Total            money.Amount
	Reserved         money.Amount // what the customer confirmed as a reservation
	Charged          money.Amount
	Refunded         money.Amount
	ErsReference     string
	SMS              string // what Glase wrote to the customer's phone about it; "": nothing
	Footer, BackURL  string
	WaitingForAmount bool
	Rows             []Row
	Receipts         int // how many submitPaymentReceipt brought
}

// Row is one line of an invoice.
type Row struct {
	Description string
	Quantity    string
	Total       money.Amount
}

// MarshalJSON writes the invoice as the phone's JSON has it: amounts as decimal strings, the currency beside them.
func (i Invoice) MarshalJSON() ([]byte, error) {
	type jsonRow struct {
		Description string `json:"description"`
		Quantity    string `json:"quantity,omitempty"`
		Total       string `json:"totalAmount"`
	}
	rows := []jsonRow{}
	for _, r := range i.Rows {
		rows = append(rows, jsonRow{r.Description, r.Quantity, r.Total.Decimal()})
	}
	optional := func(a money.Amount) string {
		if a.IsZero() {
			return ""
		}
		return a.Decimal()
	}
	return json.Marshal(struct {
		Reference string    `json:"invoiceReference"`
		Status    Status    `json:"status"`
		Version   int       `json:"version"`
		Title     string    `json:"title"`
		Terminal  string    `json:"terminalId"`
		Mode      string    `json:"paymentMode"`
		Total     string    `json:"totalAmount"`
		Currency  string    `json:"currency"`
		Rows      []jsonRow `json:"rows"`
		Reserved  string    `json:"reservedAmount,omitempty"`
		Charged   string    `json:"chargedAmount,omitempty"`
		Refunded  string    `json:"refundedAmount,omitempty"`
		Ers       string    `json:"ersReference,omitempty"`
		SMS       string    `json:"sms,omitempty"`
		Footer    string    `json:"footer,omitempty"`
		Back      string    `json:"backURL,omitempty"`
		Waiting   bool      `json:"waitingForAmount,omitempty"`
		Receipts  int       `json:"receipts,omitempty"`
	}{i.Reference, i.Status, i.Version, i.Title, i.Terminal, i.PaymentMode, i.Total.Decimal(), i.Total.Currency, rows,
		optional(i.Reserved),
		optional(i.Charged), optional(i.Refunded), i.ErsReference, i.SMS, i.Footer, i.BackURL, i.WaitingForAmount,
		i.Receipts})
}

// view is the invoice as others may see it. The caller holds the lock.
func (i *invoice) view() Invoice {
	v := Invoice{Reference: i.ref, Status: i.status, Version: i.version, Title: i.title, Terminal: i.term.id,
		PaymentMode: i.mode, Total: i.total,
		Reserved: i.reserved, Charged: i.charged, Refunded: i.refunded, ErsReference: i.ers, Footer: i.footer,
		BackURL:          i.back,
		WaitingForAmount: i.open() && i.waitsForAmount(), Receipts: len(i.receipts)}
	if i.reversed {
		back := i.charged
		if !i.refunded.IsZero() {
			back = back.Sub(i.refunded)
		}
		v.SMS = fmt.Sprintf("Your payment of %v to %s was reversed: you have your money back.", back, i.title)
	}
	for _, r := range i.rows {
		v.Rows = append(v.Rows, Row{r.description, r.quantity, r.total})
	}
	return v
}

// Invoice is what an invoice is now; the error is a *PhoneError with UnknownInvoice.
func (g *Glase) Invoice(ref string) (Invoice, error) {
	defer g.enter()()
	i := g.invoices[ref]
	if i == nil {
		return Invoice{}, &PhoneError{Code: UnknownInvoice}
	}
	return i.view(), nil
}

// Scan reads a QR and brings the invoice that it leads to: at once for an invoice's own QR and for a sticker, by way of
// the kiosk's createPurchase for a machine's. Errors are *PhoneError. ctx ends the wait for the kiosk.
func (g *Glase) Scan(ctx context.Context, s Scan) (Invoice, error) {
	if !g.begin() {
		return Invoice{}, closed()
	}
	defer g.work.Done()
	if s.MSISDN == "" {
		s.MSISDN = DefaultMSISDN
	}
	u, err := url.Parse(s.QR)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, "seqr.se") || u.Scheme != "http" && u.Scheme != "seqr" {
		return Invoice{}, &PhoneError{Code: UnknownQR}
	}
	if u.Path == "/000/ups" {
		return g.scanMachine(ctx, s, u.Query())
	}
	defer g.enter()()
	switch {
	case strings.HasPrefix(u.Path, "/R"):
		if i := g.invoices[u.Path[2:]]; i != nil {
			return g.seen(i, s), nil
		}
	case strings.HasPrefix(u.Path, "/Q"):
		if t := g.stickers[u.Path[2:]]; t != nil && (t.current == nil || !t.current.open()) {
			return Invoice{}, &PhoneError{Code: NoInvoice}
		} else if t != nil {
			return g.seen(t.current, s), nil
		}
	}
	return Invoice{}, &PhoneError{Code: UnknownQR}
}

// seen is the customer looking at an invoice, which one that requires an acknowledgement of the shop notices.
func (g *Glase) seen(i *invoice, s Scan) Invoice {
	if i.open() {
		i.payer = g.opaque("payer", s.MSISDN) // who looks at it later has not paid it
	}
	if i.status == Issued && i.ack == ackRequired {
		g.become(i, Pending)
	}
	return i.view()
}

// Confirm is the customer giving the PIN, any four digits: a reservation becomes RESERVED, anything else PAID, and the
// merchant is notified. Errors are *PhoneError.
func (g *Glase) Confirm(ref, pin string) (Invoice, error) {
	if !g.begin() {
		return Invoice{}, closed()
	}
	defer g.work.Done()
	i, slow, wrong, err := g.beginPayment(ref, pin)
	if err != nil {
		return Invoice{}, err
	}
	for _, f := range slow {
		if !g.wait(time.Duration(f.Delay)) {
			return Invoice{}, closed()
		}
	}
	defer g.enter()()
	i.inProgress = false
	if !i.open() {
		return Invoice{}, notOpen(i)
	}
	if wrong != nil {
		g.become(i, Failed)
		return Invoice{}, &PhoneError{Code: PaymentFailed, Status: i.status}
	}
	if i.reservation() {
		i.reserved = i.total
		if g.faults.Choices.UnaskedReserved == "release" {
			i.asked = g.now().Add(askWithin)
		}
		g.move(g.now(), i, Reserve, "", i.total, "the customer confirmed")
		g.become(i, Reserved)
	} else {
		g.pay(i, i.total, "the customer confirmed")
		i.asked = i.paidAt.Add(askWithin)
		g.become(i, Paid)
	}
	if i.status == Paid || g.faults.Choices.Notify == "all" {
		g.notify(i)
	}
	return i.view(), nil
}

// beginPayment checks what the phone checks, and marks the payment as in progress.
func (g *Glase) beginPayment(ref, pin string) (*invoice, []Fault, *Fault, error) {
	defer g.enter()()
	i := g.invoices[ref]
	switch {
	case i == nil:
		return nil, nil, nil, &PhoneError{Code: UnknownInvoice}
	case len(pin) != 4 || strings.Trim(pin, "0123456789") != "":
		return nil, nil, nil, &PhoneError{Code: WrongPIN, Message: "a PIN is four digits", Status: i.status}
	case !i.open() || i.inProgress:
		return nil, nil, nil, notOpen(i)
	case i.waitsForAmount():
		return nil, nil, nil, &PhoneError{Code: WaitingForAmount, Status: i.status}
	}
	i.inProgress = true
	slow, wrong := g.draw(opConfirm)
	return i, slow, wrong, nil
}

// CancelOnPhone is the customer saying no to an invoice that waits. For a reservation the merchant is notified. Errors
// are *PhoneError.
func (g *Glase) CancelOnPhone(ref string) (Invoice, error) {
	defer g.enter()()
	i := g.invoices[ref]
	if i == nil {
		return Invoice{}, &PhoneError{Code: UnknownInvoice}
	}
	if !i.open() || i.inProgress {
		return Invoice{}, notOpen(i)
	}
	g.become(i, Canceled)
	if i.reservation() && g.faults.Choices.Notify == "all" {
		g.notify(i)
	}
	return i.view(), nil
}

func closed() *PhoneError { return &PhoneError{Code: SystemFailure, Message: "Glase is closed"} }

func notOpen(i *invoice) *PhoneError {
	return &PhoneError{Code: NotOpen, Status: i.status, Message: "the invoice does not wait for the customer"}
}
