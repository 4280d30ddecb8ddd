package glasetest

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/money"
)

// The words of Glase's schema.
const (
	modeDebit       = "IMMEDIATE_DEBIT"
	modeDesired     = "RESERVATION_DESIRED"
	modeRequired    = "RESERVATION_REQUIRED"
	modePreliminary = "RESERVATION_REQUIRED_PRELIMINARY_AMOUNT"

	ackNone     = "NO_ACKNOWLEDGMENT"
	ackOptional = "OPTIONAL_ACKNOWLEDGMENT"
	ackRequired = "REQUIRE_ACKNOWLEDGMENT"
)

// Status is the state of an invoice, in Glase's words.
type Status string

// The states that an invoice comes into here. PARTIALLY_PAID, the seventh of the schema, is for shared bills alone.
const (
	Issued Status = "ISSUED" // sent, waiting for the customer
	// seen by the customer, waiting for the shop (REQUIRE_ACKNOWLEDGMENT)
	Pending  Status = "PENDING_ISSUER_ACKNOWLEDGE"
	Reserved Status = "RESERVED" // the customer's money is held
	Paid     Status = "PAID"     // the customer's money has moved
	Canceled Status = "CANCELED" // ended without payment, or reversed
	Failed   Status = "FAILED"   // the customer confirmed, and the payment failed
)

const (
	// rowsMax keeps the sum of the rows within what money.Amount can hold.
	rowsMax = 1000
	// reservationLife is how long a reservation lives when commitReservationTimeout is left out, which the older
	// release allowed and says nothing about.
	reservationLife = 10 * time.Minute
	// reservationMax bounds commitReservationTimeout, so that it fits a duration.
	reservationMax = 90 * 24 * time.Hour
	// askWithin is how long a payment waits to be asked for before it is reversed.
	askWithin = 20 * time.Second
)

// row is one line of an invoice.
type row struct {
	description, ean, quantity, sku, taxRate, unit string
	total                                          money.Amount
	discount, unitPrice                            money.Amount // zero when not given
}

// details is what a merchant says about an invoice in sendInvoice, updateInvoice or refundPayment.
type details struct {
	mode, ack, issued, title, clientID string
	rows                               []row
	hasRows                            bool
	total                              money.Amount
	cashier, footer, back, notify      string
	timeout                            time.Duration // commitReservationTimeout, 0 when not given
}

// invoice is Glase's record of one. All of it is guarded by Glase.mu.
type invoice struct {
	details
	ref     string
	version int
	status  Status
	term    *terminal
	sent    time.Time
	payer   string // opaque, of the phone that scanned last

	inProgress bool // the customer's confirmation is on its way through the bank

	// expires is when a reservation that was asked for is gone, asked the moment by which a payment must be asked for.
	// Zero: never.
	expires, asked time.Time

	reserved, charged, refunded money.Amount
	ers                         string // of the payment, once PAID
	paidAt                      time.Time
	reversed                    bool // CANCELED after it was PAID
	receipts                    []Receipt
}

func (i *invoice) reservation() bool { return i.mode != modeDebit }

// open reports that the customer can still confirm.
func (i *invoice) open() bool { return i.status == Issued || i.status == Pending }

// waitsForAmount is what the app shows when acknowledgmentMode was left out, or while the shop has yet to acknowledge.
func (i *invoice) waitsForAmount() bool { return i.ack == "" || i.ack == ackRequired }

// due is the next moment at which time alone changes the invoice.
func (i *invoice) due() (time.Time, bool) {
	at := i.asked
	if (i.open() || i.status == Reserved) && !i.expires.IsZero() && (at.IsZero() || i.expires.Before(at)) {
		at = i.expires
	}
	return at, !at.IsZero()
}

// readInvoice takes the merchant's words in any order and refuses what Glase refuses: an unknown currency, amounts that
// are none, rows that do not add up. A missing row list is left to the caller.
func readInvoice(n *node) (details, *refusal) {
	d := details{mode: n.value("paymentMode"), ack: n.value("acknowledgmentMode"), issued: n.value("issueDate"),
		title:    n.value("title"),
		clientID: n.value("clientInvoiceId"), cashier: n.value("cashierId"), footer: n.value("footer"),
		back:   n.value("backURL"),
		notify: n.value("notificationUrl")}
	if n == nil {
		return d, refuse(InvalidInvoiceData, "no invoice")
	}
	if d.mode != "" && !oneOf(modeDebit, modeDesired, modeRequired, modePreliminary)(d.mode) {
		return d, refuse(InvalidInvoiceData, "unknown paymentMode")
	}
	if d.ack != "" && !oneOf(ackNone, ackOptional, ackRequired)(d.ack) {
		return d, refuse(InvalidInvoiceData, "unknown acknowledgmentMode")
	}
	if !isDateTime(d.issued) {
		d.issued = "" // it is only ever shown again
	}
	if t := n.value("commitReservationTimeout"); t != "" {
		seconds, err := strconv.ParseInt(t, 10, 64)
		if err != nil || seconds < 1 || seconds > int64(reservationMax/time.Second) {
			return d, refuse(InvalidInvoiceData, "commitReservationTimeout is out of range")
		}
		d.timeout = time.Duration(seconds) * time.Second
	}
	total, bad := readAmount(n.child("totalAmount"), "totalAmount")
	if bad != nil {
		return d, bad
	}
	d.total = total
	return d, d.readRows(n.child("invoiceRows"))
}

func (d *details) readRows(list *node) *refusal {
	if list == nil {
		return nil
	}
	d.hasRows = true
	sum := money.Amount{Currency: d.total.Currency}
	rows := list.children("invoiceRow")
	if len(rows) > rowsMax {
		return refuse(InvalidInvoiceData, "too many rows")
	}
	for _, n := range rows {
		r := row{description: n.value("itemDescription"), ean: n.value("itemEAN"), quantity: n.value("itemQuantity"),
			sku: n.value("itemSKU"), taxRate: n.value("itemTaxRate"), unit: n.value("itemUnit")}
		if q, ok := new(big.Rat).SetString(clip(r.quantity)); r.quantity != "" &&
			(!isDecimal(r.quantity) || !ok || q.Cmp(big.NewRat(1, 1)) < 0) {
			return refuse(InvalidInvoiceData, "itemQuantity must be at least 1")
		}
		if !isDecimal(r.taxRate) {
			r.taxRate = ""
		}
		var bad *refusal
		if r.total, bad = readAmount(n.child("itemTotalAmount"), "itemTotalAmount"); bad != nil {
			return bad
		}
		for name, to := range map[string]*money.Amount{"itemDiscount": &r.discount, "itemUnitPrice": &r.unitPrice} {
			if k := n.child(name); k != nil {
				if *to, bad = readAmount(k, name); bad != nil {
					return bad
				}
			}
		}
		if r.total.Currency != sum.Currency {
			return refuse(InvalidInvoiceData, "a row is in another currency than the total")
		}
		sum = sum.Add(r.total)
		d.rows = append(d.rows, r)
	}
	if sum != d.total {
		return refuse(InvalidInvoiceData, "the rows add up to "+sum.String()+", the total is "+d.total.String())
	}
	return nil
}

func readAmount(n *node, name string) (money.Amount, *refusal) {
	currency := n.value("currency")
	if !money.Known(currency) {
		return money.Amount{}, refuse(InvalidInvoiceData, name+" has no known currency")
	}
	a, err := money.ParseXML(n.value("value"), currency)
	if err != nil {
		return money.Amount{}, refuse(InvalidInvoiceData, name+" is not an amount")
	}
	return a, nil
}

// clip keeps what stands in a log, or goes into a number, short.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
