package glase

import (
	"context"
	"errors"
	"math"
	"time"

	"kioskd/internal/money"
)

// operation is what the retries of one operation are allowed to do. A result code 93 (certainly not done) and a
// connection that could not be opened lead to another attempt wherever attempts and budget allow; an unknown outcome
// only where repeat says so.
type operation struct {
	name     string
	reseller bool          // the RESELLERUSER signs it
	repeat   bool          // an unknown outcome is repeated: doing it twice is the same as doing it once
	notReady bool          // a result code 2 is asked again
	kept     bool          // a kept connection will do: it moves no money, and losing it costs little
	attempts int           // the most attempts of one call
	budget   time.Duration // the most time of one call, pauses included; with one attempt its timeout is the budget
	least    time.Duration // the least timeout of an attempt, whatever Config says
	most     time.Duration // the most; 0 for Config's
	bodyMax  int64         // the most bytes of an answer's body
}

// timeout is the limit for one attempt, given Config's.
func (op *operation) timeout(configured time.Duration) time.Duration {
	if op.most > 0 {
		configured = min(configured, op.most)
	}
	return max(configured, op.least)
}

const (
	sendBudget = 8 * time.Second // a customer is standing there, and Glase waits for createPurchase's answer
	// update, commit, cancel, refund: then the caller asks for the status and decides anew
	settleBudget  = 10 * time.Second
	receiptBudget = 15 * time.Second // a receipt moves no money
	adminBudget   = 15 * time.Second // a technician is waiting
	reportBudget  = time.Minute      // a report is made within seconds of its period's end, but nobody promised it

	// reportTimeout is the least timeout of an attempt at a report, which is long to compute and to carry.
	reportTimeout = 20 * time.Second

	responseMax = 1 << 20 // an answer has some hundred bytes, with a receipt of rowsMax rows some hundred thousand
	reportMax   = 8 << 20 // a period's transactions, once in base64 and once in text
)

// The operations. Unregistering, assigning and marking a period twice is harmless; registering twice makes two
// terminals. A refund without a vow that it is the whole payment could be paid out twice.
var (
	opSend   = operation{name: "sendInvoice", repeat: true, attempts: 6, budget: sendBudget, bodyMax: responseMax}
	opStatus = operation{name: "getPaymentStatus", kept: true, attempts: 1, most: statusTimeoutMax,
		bodyMax: responseMax}
	opUpdate = operation{name: "updateInvoice", repeat: true, attempts: 8, budget: settleBudget,
		bodyMax: responseMax}
	opCommit = operation{name: "commitReservation", attempts: 8, budget: settleBudget, bodyMax: responseMax}
	opCancel = operation{name: "cancelInvoice", repeat: true, attempts: 8, budget: settleBudget,
		bodyMax: responseMax}
	opRefund     = operation{name: "refundPayment", attempts: 8, budget: settleBudget, bodyMax: responseMax}
	opRefundFull = operation{name: "refundPayment", repeat: true, attempts: 8, budget: settleBudget,
		bodyMax: responseMax}
	opReceipt = operation{name: "submitPaymentReceipt", repeat: true, kept: true, attempts: 4, budget: receiptBudget,
		bodyMax: responseMax}
	opRegister   = operation{name: "registerTerminal", reseller: true, attempts: 1, bodyMax: responseMax}
	opUnregister = operation{name: "unregisterTerminal", repeat: true, attempts: 5, budget: adminBudget,
		bodyMax: responseMax}
	opAssign = operation{name: "assignSeqrId", repeat: true, attempts: 5, budget: adminBudget, bodyMax: responseMax}
	opPeriod = operation{name: "markTransactionPeriod", reseller: true, repeat: true, attempts: 5,
		budget: adminBudget, bodyMax: responseMax}
	opReport = operation{name: "executeReport", reseller: true, repeat: true, notReady: true, kept: true,
		attempts: 20, budget: reportBudget, least: reportTimeout, bodyMax: reportMax}
)

// SentInvoice is what SendInvoice made.
type SentInvoice struct {
	Reference string // never empty
	QRCode    string // the invoice's own QR payload, "HTTP://SEQR.SE/R" and the reference; empty when Glase left it out

	// Repeated says that an earlier attempt of this call had an unknown outcome. Whether Glase knows a ClientInvoiceID
	// again is not documented: there may be another invoice, or one may come late, and on a cash register end this one.
	Repeated bool
}

// SendInvoice makes an invoice. On a terminal made by RegisterTerminal it cancels that terminal's previous invoice. An
// unknown outcome is repeated with the same ClientInvoiceID within 8 s and the context.
func (c *Client) SendInvoice(ctx context.Context, invoice Invoice) (SentInvoice, error) {
	e := c.request(&opSend)
	e.check(invoice.PaymentMode != "", "paymentMode", "missing")
	e.check(invoice.Title != "", "title", "missing")
	e.check(invoice.ClientInvoiceID != "", "clientInvoiceId", "missing")
	if invoice.AcknowledgmentMode == "" {
		invoice.AcknowledgmentMode = NoAcknowledgment
	}
	e.invoice(&invoice, false)
	e.tokens("tokens", invoice.Tokens)
	var sent SentInvoice
	err := c.call(ctx, &opSend, e, func(a *answer) {
		sent = SentInvoice{Reference: a.reference("invoiceReference"), QRCode: a.token("invoiceQRCode", textMax),
			Repeated: a.afterUnknown}
	})
	if err != nil {
		return SentInvoice{}, err
	}
	return sent, nil
}

// UpdateInvoice sets an invoice's rows, total and other attributes. An unknown outcome is repeated within 10 s; 48 is
// returned, and the caller waits and asks for the status.
func (c *Client) UpdateInvoice(ctx context.Context, reference string, invoice Invoice) error {
	e := c.request(&opUpdate)
	e.text("invoiceReference", reference, idMax)
	if invoice.AcknowledgmentMode == "" {
		invoice.AcknowledgmentMode = NoAcknowledgment
	}
	e.invoice(&invoice, false)
	e.tokens("tokens", invoice.Tokens)
	return c.call(ctx, &opUpdate, e, nothing)
}

// GetPaymentStatus asks how an invoice stands, in one attempt of at most 3 s: call it each second while waiting.
// Version is an acknowledgement: 0 on the first call, then always the latest PaymentStatus.Version. Asking is an act: a
// payment that is not asked for within 20 s is reversed.
func (c *Client) GetPaymentStatus(ctx context.Context, reference string, version int) (PaymentStatus, error) {
	e := c.request(&opStatus)
	e.text("invoiceReference", reference, idMax)
	e.check(version >= 0 && version <= math.MaxInt32, "invoiceVersion", "out of range")
	e.number("invoiceVersion", int64(version))
	var status PaymentStatus
	if err := c.call(ctx, &opStatus, e, func(a *answer) { status = a.paymentStatus() }); err != nil {
		return PaymentStatus{}, err
	}
	return status, nil
}

// CommitReservation charges the final amount of a reservation. An unknown outcome is never repeated: ask for the
// status, and only PAID with the amount in its receipt says that it happened.
func (c *Client) CommitReservation(ctx context.Context, reference string, amount money.Amount) error {
	e := c.request(&opCommit)
	e.check(amount.Minor > 0, "amount", "must be more than nothing")
	e.amount("amount", amount)
	e.text("invoiceReference", reference, idMax)
	return c.call(ctx, &opCommit, e, nothing)
}

// CancelInvoice cancels an unpaid invoice. An unknown outcome is repeated within 10 s, after which 95 and 55 (cancelled
// already) are to be taken for done. What it does to a reservation is not documented.
func (c *Client) CancelInvoice(ctx context.Context, reference string) error {
	e := c.request(&opCancel)
	e.text("invoiceReference", reference, idMax)
	return c.call(ctx, &opCancel, e, nothing)
}

// RefundPayment gives back the invoice's Total of the payment that ersReference names, and answers the refund's own
// reference. The invoice needs a Total, and a Title is good manners; its Rows may be missing.
//
// Full is the caller's vow that Total is the whole payment and that no other refund of it is known. Only then is an
// unknown outcome repeated, and does 98 (more than the payment) after one prove that the earlier attempt was done: the
// reference is then empty. Otherwise an unknown outcome is returned after the first. The reference is also empty when
// Glase left it out.
func (c *Client) RefundPayment(ctx context.Context, ersReference string, invoice Invoice, full bool) (string, error) {
	op := &opRefund
	if full {
		op = &opRefundFull
	}
	e := c.request(op)
	e.text("ersReference", ersReference, idMax)
	e.invoice(&invoice, true)
	var refund string
	err := c.call(ctx, op, e, func(a *answer) { refund = a.token("ersReference", idMax) })
	var refused *ResultError
	if full && errors.As(err, &refused) && refused.Code == CodeRefundsExceedPayment && refused.AfterUnknown {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return refund, nil
}

// ReceiptDocument is the receipt that the customer finds in the app.
type ReceiptDocument struct {
	MimeType string // "text/html" or an XML type; required
	Data     []byte // 1 byte to 64 KiB
	Type     string // receiptType; free text, at most 64 characters
}

// receiptMax bounds a receipt document; a printed receipt is a page.
const receiptMax = 64 << 10

// SubmitPaymentReceipt hands in the receipt of a payment and answers the reference that Glase gives, if any. It moves
// no money; an unknown outcome is repeated a few times.
func (c *Client) SubmitPaymentReceipt(ctx context.Context, ersReference string, doc ReceiptDocument) (string, error) {
	e := c.request(&opReceipt)
	e.text("ersReference", ersReference, idMax)
	e.open("receiptDocument")
	e.text("mimeType", doc.MimeType, idMax)
	e.check(len(doc.Data) > 0, "receiptData", "missing")
	e.check(len(doc.Data) <= receiptMax, "receiptData", "too long")
	if e.err == nil {
		e.base64("receiptData", doc.Data)
	}
	e.optional("receiptType", doc.Type, idMax)
	e.close("receiptDocument")
	var reference string
	if err := c.call(ctx, &opReceipt, e, func(a *answer) { reference = a.token("ersReference", idMax) }); err != nil {
		return "", err
	}
	return reference, nil
}

// TerminalRegistration is a new terminal.
type TerminalRegistration struct {
	ExternalID string // the merchant's own name of it; at most 64 characters
	Password   string // chosen here; the terminal's password from then on; at most 128 characters
	Name       string // shown on the customer's phone; at most 255 characters
}

// RegisterTerminal makes a terminal, as the Reseller, and answers its id. It is one attempt: repeated blindly it would
// leave terminals behind. After an UnknownError look in Glase's merchant pages whether a terminal of that ExternalID
// exists before trying again.
func (c *Client) RegisterTerminal(ctx context.Context, t TerminalRegistration) (string, error) {
	e := c.request(&opRegister)
	e.text("externalTerminalId", t.ExternalID, idMax)
	e.text("password", t.Password, secretMax)
	e.text("name", t.Name, textMax)
	var id string
	if err := c.call(ctx, &opRegister, e, func(a *answer) { id = a.reference("terminalId") }, t.Password); err != nil {
		return "", err
	}
	return id, nil
}

// UnregisterTerminal gives this terminal up. An unknown outcome is repeated; a refusal of the principal after one (20,
// 29 or 37 with AfterUnknown) most likely means that it is done.
func (c *Client) UnregisterTerminal(ctx context.Context) error {
	return c.call(ctx, &opUnregister, c.request(&opUnregister), nothing)
}

// AssignSeqrID ties a sticker's id, alphanumeric, to this terminal. A sticker belongs to one terminal only; 53 is
// final.
func (c *Client) AssignSeqrID(ctx context.Context, seqrID string) error {
	e := c.request(&opAssign)
	e.text("seqrId", seqrID, idMax)
	return c.call(ctx, &opAssign, e, nothing)
}

// Parameter is a key and a value for markTransactionPeriod or executeReport.
type Parameter struct{ Key, Value string }

// The documented parameter keys and reports.
const (
	ParameterTerminalID = "TERMINALID"          // narrows a period or a report to one terminal
	ParameterPeriodID   = "transactionPeriodId" // what MarkTransactionPeriod answered

	ReportShop            = "Reconciliation/Shop.xml"
	ReportShopDetails     = "Reconciliation/STD_RECON_003.xml"
	ReportTerminal        = "Reconciliation/STD_RECON_006.xml"
	ReportTerminalDetails = "Reconciliation/STD_RECON_007.xml"
)

// MarkTransactionPeriod ends a transaction period and begins the next, as the Reseller, and answers the ended one's id.
// Without parameters the period is the shop's; with ParameterTerminalID a terminal's. Wait about 3 s before asking for
// its report.
func (c *Client) MarkTransactionPeriod(ctx context.Context, parameters ...Parameter) (string, error) {
	e := c.request(&opPeriod)
	e.parameters(parameters)
	var id string
	if err := c.call(ctx, &opPeriod, e, func(a *answer) { id = a.reference("transactionPeriodId") }); err != nil {
		return "", err
	}
	return id, nil
}

// ReportRequest asks for a report.
type ReportRequest struct {
	ReportID   string // see the Report constants
	Language   string // optional, "en"
	Parameters []Parameter
}

// Report is a report's document.
type Report struct {
	Title    string
	MimeType string
	Content  []byte // the document itself, usually XML; never empty
}

// ExecuteReport fetches a report, as the Reseller. While Glase says that it is not ready (2) it asks again each 3 s, a
// minute long.
func (c *Client) ExecuteReport(ctx context.Context, r ReportRequest) (Report, error) {
	e := c.request(&opReport)
	e.text("reportId", r.ReportID, textMax)
	e.optional("language", r.Language, idMax)
	e.parameters(r.Parameters)
	var report Report
	if err := c.call(ctx, &opReport, e, func(a *answer) { report = a.report() }); err != nil {
		return Report{}, err
	}
	return report, nil
}

// parametersMax bounds a parameter list; the documented reports take two.
const parametersMax = 16

func (e *envelope) parameters(list []Parameter) {
	e.check(len(list) <= parametersMax, "parameters", "too many")
	if len(list) == 0 || e.err != nil {
		return
	}
	e.open("parameters")
	e.open("parameter")
	for _, p := range list {
		e.open("entry")
		e.text("key", p.Key, textMax)
		e.text("value", p.Value, textMax)
		e.close("entry")
	}
	e.close("parameter")
	e.close("parameters")
}

// nothing is for the operations whose result code says it all.
func nothing(*answer) {}
