package glasetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/money"
)

// sendInvoice makes an invoice, or finds the one that this terminal sent before with the same clientInvoiceId, unless
// the choice client_invoice_id says otherwise. On a cash register a new one cancels the terminal's previous one.
func (g *Glase) sendInvoice(c caller, n *node, ans *answer) *refusal {
	d, bad := readInvoice(n.child("invoice"))
	if i := c.term.byClientID[d.clientID]; d.clientID != "" && i != nil &&
		g.faults.Choices.ClientInvoiceID != "new_invoice" {
		ans.Reference, ans.QRCode = i.ref, qrOf(i)
		return nil
	}
	switch {
	case bad != nil:
		return bad
	case !d.hasRows:
		return refuse(InvalidInvoiceData, "no rows")
	case d.total.Minor <= 0:
		return refuse(RejectedAmount, "the total must be above zero")
	case d.mode == modePreliminary && d.timeout == 0:
		return refuse(InvalidInvoiceData, "a preliminary amount needs commitReservationTimeout")
	case badNotification(d.notify):
		return refuse(InvalidNotificationURL, "notificationUrl does not start with http")
	case len(g.invoices) >= invoicesMax:
		return refuse(SystemBusy, "too many invoices")
	}
	if d.mode == "" {
		d.mode = modeDebit
	}
	i := &invoice{details: d, ref: g.newReference(), version: 1, status: Issued, term: c.term, sent: g.now()}
	if i.reservation() {
		if d.timeout == 0 {
			d.timeout = reservationLife
		}
		i.expires = i.sent.Add(d.timeout)
	}
	if g.cashRegister(c.term) {
		g.destroy(c.term.current, "the terminal sent another invoice")
	}
	c.term.current = i
	g.invoices[i.ref] = i
	if d.clientID != "" {
		c.term.byClientID[d.clientID] = i
	}
	g.track(i)
	ans.Reference, ans.QRCode = i.ref, qrOf(i)
	return nil
}

func badNotification(url string) bool {
	return url != "" && !strings.HasPrefix(strings.ToLower(url), "http")
}

func qrOf(i *invoice) string { return "HTTP://SEQR.SE/R" + i.ref }

// newReference is digits that grow with time, never twice the same.
func (g *Glase) newReference() string {
	g.lastReference = max(g.lastReference+1, g.now().UnixMilli())
	return strconv.FormatInt(g.lastReference, 10)
}

// newErs is a date and a counter, as in the documentation's samples.
func (g *Glase) newErs() string {
	g.lastErs++
	return fmt.Sprintf("%s01%06d", strings.Replace(g.now().UTC().Format("20060102150405.000"), ".", "", 1), g.lastErs)
}

// own finds a reference among the caller's invoices; another terminal's is as unknown as none.
func (g *Glase) own(c caller, n *node) (*invoice, *refusal) {
	i := g.invoices[n.value("invoiceReference")]
	if i == nil || i.term != c.term {
		return nil, refuse(InvalidReference, "this terminal has no such invoice")
	}
	return i, nil
}

// getPaymentStatus asks for an invoice, which is an act: it acknowledges the payment.
func (g *Glase) getPaymentStatus(c caller, n *node, ans *answer) *refusal {
	i, bad := g.own(c, n)
	if bad != nil {
		return bad
	}
	seen, err := strconv.Atoi(n.value("invoiceVersion"))
	if latest := err == nil && seen == i.version; !i.asked.IsZero() &&
		(latest || g.faults.Choices.AcknowledgedBy == "asked") {
		i.asked = time.Time{}
		g.track(i)
	}
	version := i.version
	ans.Status, ans.Version = i.status, &version
	if i.status == Canceled && g.faults.Choices.CanceledSpelling != "" {
		ans.Status = Status(g.faults.Choices.CanceledSpelling)
	}
	if i.status == Paid {
		ans.Ers, ans.Receipt = i.ers, receiptOf(i)
	}
	return nil
}

// ended says which code an operation on an invoice that is over gets.
func ended(i *invoice) *refusal {
	switch {
	case i.reversed:
		return refuse(PaymentAlreadyCanceled, "the payment was reversed")
	case i.status == Canceled:
		return refuse(InvoiceAlreadyCanceled, "the invoice is cancelled")
	case i.status == Failed:
		return refuse(RejectedBusinessLogic, "the payment failed")
	}
	return nil
}

// updateInvoice sets rows, total and whatever else is given; what is reserved bounds the total.
func (g *Glase) updateInvoice(c caller, n *node, _ *answer) *refusal {
	i, bad := g.own(c, n)
	if bad != nil {
		return bad
	}
	if bad := ended(i); bad != nil {
		return bad
	}
	d, bad := readInvoice(n.child("invoice"))
	switch {
	case i.status == Paid:
		return refuse(RejectedBusinessLogic, "the invoice is paid")
	case i.inProgress:
		return refuse(PaymentInProgress, "the customer is paying right now")
	case bad != nil:
		return bad
	case d.total.Currency != i.total.Currency:
		return refuse(InvalidInvoiceData, "an invoice keeps its currency")
	case d.total.Minor <= 0 || i.status == Reserved && i.reserved.Less(d.total):
		return refuse(RejectedAmount, "the total must be above zero and within what is reserved")
	case badNotification(d.notify):
		return refuse(InvalidNotificationURL, "notificationUrl does not start with http")
	}
	i.rows, i.total = d.rows, d.total
	for to, given := range map[*string]string{&i.title: d.title, &i.ack: d.ack, &i.issued: d.issued,
		&i.cashier: d.cashier, &i.footer: d.footer,
		&i.back: d.back, &i.notify: d.notify} {
		if given != "" {
			*to = given
		}
	}
	if i.status == Pending && !i.waitsForAmount() {
		i.status = Issued
	}
	g.become(i, i.status)
	return nil
}

// cancelInvoice ends an unpaid invoice. What it does to a reservation is one of the choices.
func (g *Glase) cancelInvoice(c caller, n *node, _ *answer) *refusal {
	i, bad := g.own(c, n)
	if bad != nil {
		return bad
	}
	if bad := ended(i); bad != nil {
		return bad
	}
	switch {
	case i.status == Paid:
		return refuse(CannotCancelPaid, "the invoice is paid")
	case i.inProgress:
		return refuse(CannotCancelInProgress, "the customer is paying right now")
	case i.status == Reserved && g.faults.Choices.CancelReserved == "refuse_48":
		return refuse(PaymentInProgress, "the choice cancel_reserved")
	case i.status == Reserved && g.faults.Choices.CancelReserved == "refuse_51":
		return refuse(CannotCancelInProgress, "the choice cancel_reserved")
	case i.status == Reserved && g.faults.Choices.CancelReserved == "ignore":
		return nil
	}
	g.destroy(i, "the merchant cancelled")
	return nil
}

// commitReservation charges the amount, or the invoice's present total, and releases the rest of what is reserved.
func (g *Glase) commitReservation(c caller, n *node, _ *answer) *refusal {
	i, bad := g.own(c, n)
	if bad != nil {
		return bad
	}
	if i.status != Reserved {
		return refuse(InvoiceNotReserved, "the invoice is "+string(i.status))
	}
	amount := i.total
	if given := n.child("amount"); given != nil {
		if amount, bad = readAmount(given, "amount"); bad != nil {
			return bad
		}
		if amount.Currency != i.total.Currency {
			return refuse(InvalidInvoiceData, "an invoice keeps its currency")
		}
	}
	if amount.Minor <= 0 || i.reserved.Less(amount) {
		return refuse(RejectedAmount, "the amount must be above zero and within what is reserved")
	}
	if g.faults.Choices.Commits == "reserved" {
		amount = i.reserved
	}
	g.pay(i, amount, "the merchant committed the reservation")
	g.move(g.now(), i, Release, "", i.reserved.Sub(amount), "the rest of the reservation")
	i.total, i.asked = amount, time.Time{}
	if g.faults.Choices.UnaskedCommit == "reverse" {
		i.asked = i.paidAt.Add(askWithin)
	}
	g.become(i, Paid)
	if g.faults.Choices.Notify == "paid_only" {
		g.notify(i)
	}
	return nil
}

// pay charges the customer; the caller changes the state.
func (g *Glase) pay(i *invoice, amount money.Amount, why string) {
	i.ers, i.paidAt, i.charged, i.refunded = g.newErs(), g.now(), amount, money.Amount{Currency: amount.Currency}
	g.payments[i.ers] = i
	g.move(i.paidAt, i, Charge, i.ers, amount, why)
}

// refundPayment pays back a part or all. It is not idempotent: the same call twice refunds twice, up to the original
// sum.
func (g *Glase) refundPayment(c caller, n *node, ans *answer) *refusal {
	i := g.payments[n.value("ersReference")]
	if i == nil || i.term != c.term {
		return refuse(InvalidErsReference, "this terminal has no such payment")
	}
	d, bad := readInvoice(n.child("invoice"))
	switch {
	case bad != nil:
		return bad
	case g.faults.Choices.Refunds == "refuse_97":
		return refuse(RefundNotAllowed, "the choice refunds")
	case g.faults.Choices.Refunds == "refuse_99":
		return refuse(AccountRefusesRefunds, "the choice refunds")
	case i.reversed:
		return refuse(PaymentAlreadyCanceled, "the payment was reversed")
	case d.total.Currency != i.charged.Currency:
		return refuse(InvalidInvoiceData, "a refund is in the payment's currency")
	case d.total.Minor <= 0:
		return refuse(RejectedAmount, "the amount must be above zero")
	case i.charged.Sub(i.refunded).Less(d.total):
		return refuse(RefundAboveOriginal, "more than what is left of the payment")
	}
	ans.Ers = g.newErs()
	i.refunded = i.refunded.Add(d.total)
	i.version++
	g.move(g.now(), i, Refund, ans.Ers, d.total, "the merchant refunded")
	return nil
}

// submitPaymentReceipt keeps the merchant's own receipt beside the payment. It moves no money.
func (g *Glase) submitPaymentReceipt(c caller, n *node, ans *answer) *refusal {
	i := g.payments[n.value("ersReference")]
	if i == nil || i.term != c.term {
		return refuse(InvalidErsReference, "this terminal has no such payment")
	}
	doc := n.child("receiptDocument")
	if doc.value("receiptData") == "" {
		return refuse(RejectedBusinessLogic, "no receiptDocument")
	}
	if len(i.receipts) < receiptsMax {
		i.receipts = append(i.receipts, Receipt{doc.value("mimeType"), doc.value("receiptType"),
			doc.value("receiptData")})
	}
	ans.Ers = g.newErs()
	return nil
}
