package toolkits

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/glase"
	"kioskd/internal/money"
)

// answers are what the servers say to each operation, in the interface's order.
const answers = `{
	"sendInvoice": {"resultCode": 0, "resultDescription": "SUCCESS", "invoiceQRCode": "HTTP://SEQR.SE/R4711", "invoiceReference": "4711"},
	"updateInvoice": {"resultCode": 48, "resultDescription": "PAYMENT_IN_PROGRESS"},
	"getPaymentStatus": {"ersReference": "2026112001", "resultCode": 0, "resultDescription": "SUCCESS", "receipt": {"invoiceReference": "4711",
		"invoice": {"title": "Åäö", "totalAmount": {"currency": "SEK", "value": "37.50"}}}, "status": "PAID", "version": 3},
	"cancelInvoice": {"resultCode": 50, "resultDescription": "CANNOT_CANCEL_PAID_INVOICE"},
	"commitReservation": {"fault": "the service is having a bad day"},
	"refundPayment": {"ersReference": "2026112002", "resultCode": 0, "resultDescription": "SUCCESS"},
	"submitPaymentReceipt": {"ersReference": "2026112001", "resultCode": 0, "resultDescription": "SUCCESS"},
	"registerTerminal": {"resultCode": 0, "resultDescription": "SUCCESS", "terminalId": "till7"},
	"unregisterTerminal": {"resultCode": 0, "resultDescription": "SUCCESS"},
	"assignSeqrId": {"resultCode": 53, "resultDescription": "INVALID_SEQR_ID"},
	"markTransactionPeriod": {"resultCode": 0, "resultDescription": "SUCCESS", "transactionPeriodId": "77"},
	"executeReport": {"resultCode": 0, "resultDescription": "SUCCESS",
		"report": {"title": "R", "mimeType": "text/xml", "content": "PHI+w6U8L3I+", "contentString": "<r>å</r>"}}
}`

// said is one call of our client: what it must make of the answer, and what the server must have understood, as
// path=value.
var said = []struct {
	op    string
	call  func(ctx context.Context, c *glase.Client) (string, error)
	means string
	heard []string
}{
	{"sendInvoice", func(ctx context.Context, c *glase.Client) (string, error) {
		tax := 12
		sent, err := c.SendInvoice(ctx, glase.Invoice{
			PaymentMode: glase.ReservationPreliminary, IssueDate: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
			Title: "Kiosk & Åäö", ClientInvoiceID: "sale-1",
			Rows: []glase.InvoiceRow{
				{Description: "Räksmörgås <50 g>", EAN: "7310865000019", Quantity: 2, TaxRate: &tax, Total: sek(3000),
					UnitPrice: sek(1500)}, {Description: "]]>", Quantity: 1, Total: sek(750)},
			},
			Total: sek(3750), CashierID: "lobby", NotificationURL: "https://kiosk.example/notify?a=1&b=2",
			CommitReservationTimeout: 10 * time.Minute,
		})
		return sent.Reference + " " + sent.QRCode, err
	}, "4711 HTTP://SEQR.SE/R4711", []string{
		"context.clientRequestTimeout=0", "context.initiatorPrincipalId.type=TERMINALID",
		"context.initiatorPrincipalId.id=till", "context.password=s3<ret&",
		"invoice.paymentMode=RESERVATION_REQUIRED_PRELIMINARY_AMOUNT", "invoice.acknowledgmentMode=NO_ACKNOWLEDGMENT",
		"invoice.title=Kiosk & Åäö",
		"invoice.clientInvoiceId=sale-1", "invoice.invoiceRows.invoiceRow.0.itemDescription=Räksmörgås <50 g>",
		"invoice.invoiceRows.invoiceRow.0.itemQuantity=2",
		"invoice.invoiceRows.invoiceRow.0.itemTaxRate=12", "invoice.invoiceRows.invoiceRow.0.itemUnitPrice.value=15.00",
		"invoice.invoiceRows.invoiceRow.1.itemDescription=]]>", "invoice.totalAmount.currency=SEK",
		"invoice.totalAmount.value=37.50",
		"invoice.notificationUrl=https://kiosk.example/notify?a=1&b=2", "invoice.commitReservationTimeout=600",
	}},
	{"updateInvoice", func(ctx context.Context, c *glase.Client) (string, error) {
		return "", c.UpdateInvoice(ctx, "4711", glase.Invoice{
			PaymentMode: glase.ReservationPreliminary, Title: "K", ClientInvoiceID: "sale-1",
			Rows: []glase.InvoiceRow{{Description: "A", Quantity: 1, Total: sek(1500)}}, Total: sek(1500),
			CommitReservationTimeout: 10 * time.Minute,
		})
	}, "code 48", []string{"invoiceReference=4711", "invoice.invoiceRows.invoiceRow.itemTotalAmount.value=15.00"}},
	{"getPaymentStatus", func(ctx context.Context, c *glase.Client) (string, error) {
		st, err := c.GetPaymentStatus(ctx, "4711", 2)
		if err != nil {
			return "", err
		}
		return fmt.Sprintln(st.Status, st.Version, st.ErsReference, st.Receipt.Invoice.Total, st.Receipt.Invoice.Title),
			nil
	}, "PAID 3 2026112001 37.50 SEK Åäö", []string{"invoiceReference=4711", "invoiceVersion=2"}},
	{"cancelInvoice", func(ctx context.Context, c *glase.Client) (string, error) {
		return "",
			c.CancelInvoice(ctx, "4711")
	}, "code 50",
		[]string{"invoiceReference=4711"}},
	{"commitReservation", func(ctx context.Context, c *glase.Client) (string, error) {
		return "", c.CommitReservation(ctx, "4711", sek(3750))
	}, "unknown", []string{"amount.currency=SEK", "amount.value=37.50", "invoiceReference=4711"}},
	{"refundPayment", func(ctx context.Context, c *glase.Client) (string, error) {
		return c.RefundPayment(ctx, "2026112001",
			glase.Invoice{Title: "K", ClientInvoiceID: "back-1",
				Rows: []glase.InvoiceRow{{Description: "A", Quantity: 1, Total: sek(1500)}}, Total: sek(1500)}, false)
	}, "2026112002", []string{"ersReference=2026112001", "invoice.totalAmount.value=15.00"}},
	{"submitPaymentReceipt", func(ctx context.Context, c *glase.Client) (string, error) {
		return c.SubmitPaymentReceipt(ctx, "2026112001",
			glase.ReceiptDocument{MimeType: "text/html", Data: []byte("<p>Tack</p>"), Type: "receipt"})
	}, "2026112001", []string{"ersReference=2026112001", "receiptDocument.mimeType=text/html",
		"receiptDocument.receiptData=" + base64.StdEncoding.EncodeToString([]byte("<p>Tack</p>"))}},
	{"registerTerminal", func(ctx context.Context, c *glase.Client) (string, error) {
		return c.RegisterTerminal(ctx, glase.TerminalRegistration{ExternalID: "till 7", Password: "n0t",
			Name: "Kassa 7"})
	}, "till7", []string{"context.initiatorPrincipalId.type=RESELLERUSER", "context.initiatorPrincipalId.userId=9900",
		"externalTerminalId=till 7", "password=n0t", "name=Kassa 7"}},
	{"unregisterTerminal", func(ctx context.Context, c *glase.Client) (string, error) {
		return "",
			c.UnregisterTerminal(ctx)
	}, "",
		[]string{"context.initiatorPrincipalId.id=till"}},
	{"assignSeqrId", func(ctx context.Context, c *glase.Client) (string, error) {
		return "",
			c.AssignSeqrID(ctx, "ABC123")
	}, "code 53",
		[]string{"seqrId=ABC123"}},
	{"markTransactionPeriod", func(ctx context.Context, c *glase.Client) (string, error) {
		return c.MarkTransactionPeriod(ctx, glase.Parameter{Key: glase.ParameterTerminalID, Value: "till"})
	}, "77", []string{"parameters.parameter.entry.key=TERMINALID", "parameters.parameter.entry.value=till"}},
	{"executeReport", func(ctx context.Context, c *glase.Client) (string, error) {
		r, err := c.ExecuteReport(ctx, glase.ReportRequest{ReportID: glase.ReportTerminal, Language: "en",
			Parameters: []glase.Parameter{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}})
		return r.Title + " " + string(r.Content), err
	}, "R <r>å</r>", []string{"reportId=Reconciliation/STD_RECON_006.xml", "language=en",
		"parameters.parameter.entry.1.value=2"}},
}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

// TestOurClientIsUnderstoodByStockServers sends all twelve requests to each server.
func TestOurClientIsUnderstoodByStockServers(t *testing.T) {
	needToolkits(t)
	s := startSimulator(t)
	res, err := http.Get(s.wsdl())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	wsdl, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"npm", "php"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			heard := filepath.Join(dir, "heard")
			for file, body := range map[string][]byte{"wsdl": wsdl, "answers": []byte(answers), "heard": nil} {
				if err := os.WriteFile(filepath.Join(dir, file), body, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			address := free(t)
			_, port, _ := net.SplitHostPort(address)
			endpoint := "http://" + address + "/soap"
			if name == "npm" {
				program(t, nil, "node", "server.mjs", filepath.Join(dir, "wsdl"), filepath.Join(dir, "answers"), heard,
					port)
			} else {
				program(t, []string{"WSDL=" + filepath.Join(dir, "wsdl"), "ANSWERS=" + filepath.Join(dir, "answers"),
					"HEARD=" + heard}, "php", "-S", address, "server.php")
			}
			await(t, address)
			c, err := glase.New(glase.Config{
				Endpoint: endpoint, TerminalID: "till", Password: "s3<ret&", ClientID: "Test AB",
				NewReference: func() string { return "kioskd 1" },
				Reseller:     &glase.Reseller{ID: "shop", UserID: "9900", Password: "1234"}, Timeout: 20 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, call := range said {
				got, err := call.call(t.Context(), c)
				if what := meaning(got, err); what != call.means {
					t.Errorf("%s: the answer means %q, want %q: %v", call.op, what, call.means, err)
				}
				args := lastHeard(t, heard, call.op)
				for _, want := range call.heard {
					path, value, _ := strings.Cut(want, "=")
					if got := at(args, path); got != value {
						t.Errorf("%s: the server understood %s as %q, want %q", call.op, path, got, value)
					}
				}
			}
		})
	}
}

// meaning is what the client made of an answer, in a word.
func meaning(got string, err error) string {
	var refused *glase.ResultError
	var unknown *glase.UnknownError
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("code %d", refused.Code)
	case errors.As(err, &unknown):
		return "unknown"
	case err != nil:
		return "failed"
	}
	return strings.TrimSpace(got)
}

func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until the server is there.
func await(t *testing.T, address string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
	}
	t.Fatal("the server does not start")
}

// lastHeard is what the server understood of the last request.
func lastHeard(t *testing.T, file, op string) any {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	var last struct {
		Op   string
		Args any
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatalf("%s: %v: %s", op, err, lines[len(lines)-1])
	}
	if last.Op != op {
		t.Fatalf("the server last understood %q, and not %s", last.Op, op)
	}
	return last.Args
}

// at is a value by its path. A list of one may stand as its only element, and a decimal as a number.
func at(v any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if n := slices.Index([]string{"0", "1", "2"}, name); n >= 0 && n < len(x) {
				v = x[n]
			} else if len(x) == 1 {
				if m, ok := x[0].(map[string]any); ok {
					v = m[name]
				}
			} else {
				return ""
			}
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		if strings.HasSuffix(path, ".value") && !strings.HasPrefix(path, "parameters") {
			return fmt.Sprintf("%.2f", v)
		}
	}
	return fmt.Sprint(v)
}
