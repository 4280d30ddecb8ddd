package glase

import (
	"time"

	"kioskd/internal/money"
)

// PaymentMode says what the customer's confirmation does.
type PaymentMode string

// The payment modes. ReservationPreliminary is the one for a reservation whose final amount is not known yet; it needs
// a CommitReservationTimeout.
const (
	ImmediateDebit         PaymentMode = "IMMEDIATE_DEBIT"
	ReservationDesired     PaymentMode = "RESERVATION_DESIRED"
	ReservationRequired    PaymentMode = "RESERVATION_REQUIRED"
	ReservationPreliminary PaymentMode = "RESERVATION_REQUIRED_PRELIMINARY_AMOUNT"
)

// AcknowledgmentMode says whether the merchant must acknowledge a payment before it is taken; only loyalty schemes use
// it.
type AcknowledgmentMode string

// The acknowledgment modes.
const (
	NoAcknowledgment       AcknowledgmentMode = "NO_ACKNOWLEDGMENT"
	OptionalAcknowledgment AcknowledgmentMode = "OPTIONAL_ACKNOWLEDGMENT"
	RequireAcknowledgment  AcknowledgmentMode = "REQUIRE_ACKNOWLEDGMENT"
)

// Invoice is what the customer sees in the app and pays. Lengths are in characters. An empty field is left out.
type Invoice struct {
	PaymentMode PaymentMode // required by SendInvoice
	// AcknowledgmentMode is sent as NoAcknowledgment by SendInvoice and UpdateInvoice when empty: left out, the app
	// would stay at "waiting for amount".
	AcknowledgmentMode AcknowledgmentMode
	IssueDate          time.Time // to the second; whether the clock can be believed is the caller's matter
	Title              string    // at most 255; required by SendInvoice
	ClientInvoiceID    string    // at most 64; required by SendInvoice, whose retries Glase tells by it
	Rows               []InvoiceRow
	Total              money.Amount // more than nothing, and the sum of the rows
	CashierID          string       // at most 64
	Footer             string       // at most 1024
	BackURL            string       // where the app sends the customer back to; at most 2048
	NotificationURL    string       // http or https; at most 2048
	Tokens             []CustomerToken

	// CommitReservationTimeout is how long a reservation lives, counted from SendInvoice to be safe: whole seconds, at
	// most a week.
	CommitReservationTimeout time.Duration
}

// InvoiceRow is one article, discount or other line. Its amounts are of the invoice's currency.
type InvoiceRow struct {
	Description string // at most 255
	EAN         string // at most 64
	SKU         string // at most 64
	Unit        string // at most 64
	Quantity    int    // 1 to 1,000,000
	TaxRate     *int   // whole percent, 0 to 100
	Discount    money.Amount
	Total       money.Amount // required; negative to balance
	UnitPrice   money.Amount
}

// CustomerToken is a loyalty card or voucher. The zero Status is pending.
type CustomerToken struct {
	Description string
	ID          string
	Status      int // see the Token constants
	Value       string
}

// The statuses of a customer token.
const (
	TokenPending = 0
	TokenUsed    = 1
	TokenBlocked = 90
	TokenInvalid = 99
)

const (
	idMax    = 64        // references, identifiers, units; Glase's own terminal ids have 32 characters
	textMax  = 255       // a title or description; a phone shows a fraction of it
	longMax  = 1024      // a footer
	urlMax   = 2048      // a URL that servers and proxies are sure to carry
	rowsMax  = 200       // rows of an invoice; a kiosk has some dozens of slots
	tokenMax = 20        // customer tokens of an invoice
	countMax = 1_000_000 // pieces in one row
	// amountMax bounds an amount to 10,000 million kronor, so that no sum of rowsMax rows overflows.
	amountMax             = 1_000_000_000_000
	reservationTimeoutMax = 7 * 24 * time.Hour
)

// invoice appends an invoice in the interface's order. Its rows add up to its total; a refund may have no rows,
// as in the documentation's own example.
func (e *envelope) invoice(v *Invoice, mayHaveNoRows bool) {
	e.check(v.PaymentMode == "" || v.PaymentMode == ImmediateDebit || v.PaymentMode == ReservationDesired ||
		v.PaymentMode == ReservationRequired || v.PaymentMode == ReservationPreliminary, "paymentMode", "unknown")
	e.check(v.AcknowledgmentMode == "" || v.AcknowledgmentMode == NoAcknowledgment ||
		v.AcknowledgmentMode == OptionalAcknowledgment ||
		v.AcknowledgmentMode == RequireAcknowledgment, "acknowledgmentMode", "unknown")
	e.check(v.PaymentMode != ReservationPreliminary || v.CommitReservationTimeout > 0, "commitReservationTimeout",
		"missing")
	e.checkAmount("totalAmount", v.Total)
	e.check(v.Total.Minor > 0, "totalAmount", "must be more than nothing")

	e.open("invoice")
	e.optional("paymentMode", string(v.PaymentMode), idMax)
	e.optional("acknowledgmentMode", string(v.AcknowledgmentMode), idMax)
	if !v.IssueDate.IsZero() {
		date := v.IssueDate.UTC()
		e.check(date.Year() >= 1 && date.Year() <= 9999, "issueDate", "year out of range")
		e.raw("issueDate", date.Format("2006-01-02T15:04:05Z"))
	}
	e.optional("title", v.Title, textMax)
	e.optional("clientInvoiceId", v.ClientInvoiceID, idMax)
	if len(v.Rows) > 0 || !mayHaveNoRows {
		e.rows(v.Rows, v.Total)
	}
	e.amount("totalAmount", v.Total)
	e.optional("cashierId", v.CashierID, idMax)
	e.optional("footer", v.Footer, longMax)
	e.optional("backURL", v.BackURL, urlMax)
	e.check(v.NotificationURL == "" || isHTTP(v.NotificationURL), "notificationUrl",
		"must begin with http:// or https://")
	e.optional("notificationUrl", v.NotificationURL, urlMax)
	if t := v.CommitReservationTimeout; t != 0 { // last: the older interface file does not know it
		e.check(t >= time.Second && t <= reservationTimeoutMax && t%time.Second == 0, "commitReservationTimeout",
			"must be whole seconds, from a second to a week")
		e.number("commitReservationTimeout", int64(t/time.Second))
	}
	e.close("invoice")
}

// rows appends the rows, which must add up to the total.
func (e *envelope) rows(rows []InvoiceRow, total money.Amount) {
	e.check(len(rows) > 0, "invoiceRows", "missing")
	e.check(len(rows) <= rowsMax, "invoiceRows", "too many")
	if e.err != nil {
		return
	}
	var sum int64
	e.open("invoiceRows")
	for i := range rows {
		r := &rows[i]
		e.row = i + 1
		e.open("invoiceRow")
		e.optional("itemDescription", r.Description, textMax)
		e.price("itemDiscount", r.Discount, total.Currency)
		e.optional("itemEAN", r.EAN, idMax)
		e.check(r.Quantity >= 1 && r.Quantity <= countMax, "itemQuantity", "out of range")
		e.number("itemQuantity", int64(r.Quantity))
		e.optional("itemSKU", r.SKU, idMax)
		if r.TaxRate != nil {
			e.check(*r.TaxRate >= 0 && *r.TaxRate <= 100, "itemTaxRate", "out of range")
			e.number("itemTaxRate", int64(*r.TaxRate))
		}
		e.check(r.Total != (money.Amount{}), "itemTotalAmount", "missing")
		e.price("itemTotalAmount", r.Total, total.Currency)
		e.optional("itemUnit", r.Unit, idMax)
		e.price("itemUnitPrice", r.UnitPrice, total.Currency)
		e.close("invoiceRow")
		sum += r.Total.Minor
	}
	e.row = 0
	e.close("invoiceRows")
	e.check(sum == total.Minor, "invoiceRows", "do not add up to totalAmount")
}

// price appends an amount of the invoice's currency, or nothing for no amount.
func (e *envelope) price(tag string, a money.Amount, currency string) {
	if a == (money.Amount{}) {
		return
	}
	e.check(a.Currency == currency, tag, "not of totalAmount's currency")
	e.amount(tag, a)
}

// tokens appends the customer tokens, each under the given tag.
func (e *envelope) tokens(tag string, tokens []CustomerToken) {
	e.check(len(tokens) <= tokenMax, tag, "too many")
	if e.err != nil {
		return
	}
	for _, t := range tokens {
		e.open(tag)
		e.optional("description", t.Description, textMax)
		e.optional("id", t.ID, idMax)
		e.check(t.Status == int(int32(t.Status)), "status", "out of range")
		e.number("status", int64(t.Status))
		e.optional("value", t.Value, textMax)
		e.close(tag)
	}
}
