package glase

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/money"
)

const (
	terminalSecret = "s3cret<&>terminal"
	resellerSecret = "s3cret-reseller"
	newSecret      = "s3cret-new"
)

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// transport answers requests from a function, and keeps the bodies that it was sent.
type transport struct {
	answer func(n int, r *http.Request) (*http.Response, error) // n counts from 1

	mu     sync.Mutex
	bodies []string
	header http.Header
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	t.mu.Lock()
	t.bodies = append(t.bodies, string(b))
	t.header = r.Header
	n := len(t.bodies)
	t.mu.Unlock()
	return t.answer(n, r)
}

func reply(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body))}, nil
}

// envelopeOf is an answer as Glase would send it, with the given inside of <return>.
func envelopeOf(op, inside string) string {
	return `<soap:Envelope xmlns:soap="` + soapSpace + `"><soap:Body><ns2:` + op + `Response xmlns:ns2="` + glaseSpace +
		`"><return>` +
		inside + `</return></ns2:` + op + `Response></soap:Body></soap:Envelope>`
}

func result(op string, code int) string {
	return envelopeOf(op, fmt.Sprintf("<resultCode>%d</resultCode><resultDescription>D</resultDescription>", code))
}

// success is an answer with every fact that any operation needs.
func success(op string) string {
	return envelopeOf(op,
		`<ersReference>E1</ersReference><resultCode>0</resultCode><invoiceQRCode>HTTP://SEQR.SE/R1</invoiceQRCode>`+
			`<invoiceReference>1</invoiceReference><status>ISSUED</status><version>1</version><terminalId>T</terminalId>`+
			`<transactionPeriodId>P</transactionPeriodId><report><contentString>x</contentString></report>`)
}

func config(rt http.RoundTripper) Config {
	var n atomic.Int64
	return Config{
		Endpoint:   "http://glase.example/soap/merchant/cashregister-2",
		TerminalID: "87e791f9e24148a6892c52aa85bb0331", Password: terminalSecret,
		Reseller:     &Reseller{ID: "shop", UserID: "9900", Password: resellerSecret},
		ClientID:     "Bar & Söner AB",
		NewReference: func() string { return fmt.Sprintf("kioskd-1.0-%d", n.Add(1)) },
		Transport:    rt,
	}
}

func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// simpleInvoice is what a kiosk sends most: a reservation with one row.
func simpleInvoice() Invoice {
	return Invoice{PaymentMode: ReservationPreliminary, Title: "Bar", ClientInvoiceID: "sale-17", Total: sek(20000),
		Rows: []InvoiceRow{{Quantity: 1, Total: sek(20000)}}, CommitReservationTimeout: 10 * time.Minute}
}

// fullInvoice has every field set.
func fullInvoice() Invoice {
	rate := 12
	return Invoice{
		PaymentMode: ReservationPreliminary, AcknowledgmentMode: OptionalAcknowledgment,
		IssueDate: time.Date(2017, 3, 15, 8, 22, 30, 5, time.FixedZone("", 3600)), Title: `Körsbär <"&'> ]]>`,
		ClientInvoiceID: "sale-17",
		Rows: []InvoiceRow{
			{Description: "Coke", Discount: sek(100), EAN: "7310", Quantity: 2, SKU: "16", TaxRate: &rate,
				Total: sek(3900), Unit: "st", UnitPrice: sek(2000)},
			{Description: "Voucher", Quantity: 1, Total: sek(-900)},
		},
		Total: sek(3000), CashierID: "Bob", Footer: "Thanks\r\nand bye", BackURL: "https://kiosk.example/back?a=1&b=2",
		NotificationURL: "https://kiosk.example/notify/x", CommitReservationTimeout: 10 * time.Minute,
		Tokens: []CustomerToken{{Description: "Card", ID: "T-1", Status: TokenUsed, Value: "50"},
			{Status: TokenInvalid}},
	}
}

// call is one operation with plausible input; key tells refundPayment's two ways apart.
type testCall struct {
	key, op string
	do      func(context.Context, *Client) error
}

func calls() []testCall {
	return []testCall{
		{"sendInvoice", "sendInvoice", func(ctx context.Context, c *Client) error {
			_,
				err := c.SendInvoice(ctx, fullInvoice())
			return err
		}},
		{"updateInvoice", "updateInvoice", func(ctx context.Context,
			c *Client) error {
			return c.UpdateInvoice(ctx, "123", fullInvoice())
		}},
		{"getPaymentStatus", "getPaymentStatus",
			func(ctx context.Context, c *Client) error { _, err := c.GetPaymentStatus(ctx, "123", 0); return err }},
		{"commitReservation", "commitReservation",
			func(ctx context.Context, c *Client) error { return c.CommitReservation(ctx, "123", sek(1550)) }},
		{"cancelInvoice", "cancelInvoice", func(ctx context.Context,
			c *Client) error {
			return c.CancelInvoice(ctx, "123")
		}},
		{"refundPayment", "refundPayment", func(ctx context.Context, c *Client) error {
			_, err := c.RefundPayment(ctx, "E1", Invoice{Title: "Refund", Total: sek(500)}, false)
			return err
		}},
		{"refundPayment full", "refundPayment", func(ctx context.Context, c *Client) error {
			_, err := c.RefundPayment(ctx, "E1", Invoice{Title: "Refund", Total: sek(500)}, true)
			return err
		}},
		{"submitPaymentReceipt", "submitPaymentReceipt", func(ctx context.Context, c *Client) error {
			_, err := c.SubmitPaymentReceipt(ctx, "E1",
				ReceiptDocument{MimeType: "text/html", Data: []byte("<p>15.00</p>"), Type: "receipt"})
			return err
		}},
		{"registerTerminal", "registerTerminal", func(ctx context.Context, c *Client) error {
			_, err := c.RegisterTerminal(ctx, TerminalRegistration{ExternalID: "Shop 1/POS 2", Password: newSecret,
				Name: "My Shop's Name"})
			return err
		}},
		{"unregisterTerminal", "unregisterTerminal",
			func(ctx context.Context, c *Client) error { return c.UnregisterTerminal(ctx) }},
		{"assignSeqrId", "assignSeqrId", func(ctx context.Context,
			c *Client) error {
			return c.AssignSeqrID(ctx, "ABC123")
		}},
		{"markTransactionPeriod", "markTransactionPeriod", func(ctx context.Context, c *Client) error {
			_, err := c.MarkTransactionPeriod(ctx, Parameter{ParameterTerminalID, "T"})
			return err
		}},
		{"executeReport", "executeReport", func(ctx context.Context, c *Client) error {
			_, err := c.ExecuteReport(ctx, ReportRequest{ReportTerminal, "en",
				[]Parameter{{ParameterPeriodID, "P"}, {ParameterTerminalID, "T"}}})
			return err
		}},
	}
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// always answers every request the same.
func always(status int, body string) *transport {
	return &transport{answer: func(int, *http.Request) (*http.Response, error) { return reply(status, body) }}
}
