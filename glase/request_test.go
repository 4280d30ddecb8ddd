package glase

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"kioskd/internal/money"
)

// soapAction is how the header is spelled on the wire.
const soapAction = "SOAPAction"

// element is one line of Glase's schema: a name, how often, and what is inside.
type element struct {
	name     string
	min, max int
	text     *regexp.Regexp // for a value
	kids     []element      // for a sequence
}

var (
	anyText  = regexp.MustCompile(`(?s)^.+$`)
	decimal  = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	integer  = regexp.MustCompile(`^-?\d+$`)
	dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)
	base64s  = regexp.MustCompile(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`)
	code3    = regexp.MustCompile(`^[A-Z]{3}$`)
)

func must(name string, text *regexp.Regexp) element { return element{name, 1, 1, text, nil} }
func may(name string, text *regexp.Regexp) element  { return element{name, 0, 1, text, nil} }
func mustAmount(name string) element {
	return element{name, 1, 1, nil, []element{must("currency", code3), must("value", decimal)}}
}
func mayAmount(name string) element { e := mustAmount(name); e.min = 0; return e }

// schema is the interface of release 2.6.0, in its order, with what this client must always send marked as required.
func schema(op string) []element {
	context := element{"context", 1, 1, nil, []element{
		must("channel", regexp.MustCompile(`^WS$`)), may("clientComment", anyText), may("clientId", anyText),
		must("clientReference", regexp.MustCompile(`^.{1,32}$`)),
		must("clientRequestTimeout", regexp.MustCompile(`^0$`)),
		{"initiatorPrincipalId", 1, 1, nil, []element{must("id", anyText),
			must("type", regexp.MustCompile(`^(TERMINALID|RESELLERUSER)$`)), may("userId", anyText)}},
		must("password", anyText)}}
	row := element{"invoiceRow", 1, 1000, nil, []element{
		may("itemDescription", anyText), mayAmount("itemDiscount"), may("itemEAN", anyText),
		must("itemQuantity", decimal), may("itemSKU", anyText),
		may("itemTaxRate", decimal), mustAmount("itemTotalAmount"), may("itemUnit", anyText),
		mayAmount("itemUnitPrice")}}
	invoice := element{"invoice", 1, 1, nil, []element{
		may("paymentMode", regexp.MustCompile(
			`^(IMMEDIATE_DEBIT|RESERVATION_DESIRED|RESERVATION_REQUIRED|RESERVATION_REQUIRED_PRELIMINARY_AMOUNT)$`)),
		may("acknowledgmentMode", regexp.MustCompile(
			`^(NO_ACKNOWLEDGMENT|OPTIONAL_ACKNOWLEDGMENT|REQUIRE_ACKNOWLEDGMENT)$`)),
		may("issueDate", dateTime), may("title", anyText), may("clientInvoiceId", anyText),
		{"invoiceRows", 0, 1, nil, []element{row}}, mustAmount("totalAmount"), may("cashierId", anyText),
		may("footer", anyText),
		may("backURL", anyText), may("notificationUrl", regexp.MustCompile(`^https?://`)),
		may("commitReservationTimeout", integer)}}
	tokens := element{"tokens", 0, 1000, nil,
		[]element{may("description", anyText), may("id", anyText), must("status", integer), may("value", anyText)}}
	parameters := element{"parameters", 0, 1, nil, []element{{"parameter", 0, 1, nil, []element{
		{"entry", 0, 1000, nil, []element{must("key", anyText), must("value", anyText)}}}}}}
	reference, ers := must("invoiceReference", anyText), must("ersReference", anyText)
	return append([]element{context}, map[string][]element{
		"sendInvoice": {invoice, tokens}, "updateInvoice": {reference, invoice, tokens},
		"getPaymentStatus": {reference, must("invoiceVersion", integer)}, "cancelInvoice": {reference},
		"commitReservation": {mustAmount("amount"), reference}, "refundPayment": {ers, invoice},
		"submitPaymentReceipt": {ers, {"receiptDocument", 1, 1, nil,
			[]element{must("mimeType", anyText), must("receiptData", base64s), may("receiptType", anyText)}}},
		"registerTerminal": {must("externalTerminalId", anyText), must("password", anyText),
			must("name", anyText)},
		"unregisterTerminal":    {},
		"assignSeqrId":          {must("seqrId", anyText)},
		"markTransactionPeriod": {parameters},
		"executeReport":         {must("reportId", anyText), may("language", anyText), parameters},
	}[op]...)
}

// tree is what encoding/xml makes of an element.
type tree struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []tree     `xml:",any"`
}

func (n tree) find(path ...string) string {
	for _, name := range path {
		found := false
		for _, k := range n.Kids {
			if !found && k.XMLName.Local == name {
				n, found = k, true
			}
		}
		if !found {
			return ""
		}
	}
	return n.Text
}

// operationOf unwraps an envelope down to its operation.
func operationOf(b string) (tree, error) {
	var n tree
	if err := xml.Unmarshal([]byte(b), &n); err != nil {
		return n, err
	}
	if n.XMLName != (xml.Name{Space: soapSpace, Local: "Envelope"}) || len(n.Kids) != 1 ||
		n.Kids[0].XMLName != (xml.Name{Space: soapSpace, Local: "Body"}) ||
		len(n.Kids[0].Kids) != 1 {
		return n, errors.New("not an envelope with a body of one element")
	}
	return n.Kids[0].Kids[0], nil
}

// conform holds an element's children against a sequence of the schema.
func conform(n tree, want []element) error {
	kids := n.Kids
	for _, w := range want {
		count := 0
		for ; len(kids) > 0 && kids[0].XMLName.Local == w.name; kids = kids[1:] {
			count++
			k := kids[0]
			switch {
			case k.XMLName.Space != "":
				return fmt.Errorf("%s is in a namespace", w.name)
			case len(k.Attrs) > 0:
				return fmt.Errorf("%s has attributes", w.name)
			case w.text == nil && k.Text != "":
				return fmt.Errorf("%s holds text", w.name)
			case w.text != nil && (len(k.Kids) > 0 || !w.text.MatchString(k.Text)):
				return fmt.Errorf("%s is %q", w.name, k.Text)
			}
			if err := conform(k, w.kids); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
		if count < w.min || count > w.max {
			return fmt.Errorf("%s is there %d times", w.name, count)
		}
	}
	if len(kids) > 0 {
		return fmt.Errorf("%s is unknown or out of order", kids[0].XMLName.Local)
	}
	return nil
}

func TestEveryRequestFollowsTheInterface(t *testing.T) {
	seen := map[string]bool{}
	for _, call := range calls() {
		rt := always(200, success(call.op))
		if err := call.do(t.Context(), newClient(t, config(rt))); err != nil {
			t.Errorf("%s: %v", call.key, err)
			continue
		}
		n, err := operationOf(rt.bodies[0])
		if err != nil {
			t.Errorf("%s: %v in %s", call.key, err, rt.bodies[0])
			continue
		}
		if n.XMLName != (xml.Name{Space: glaseSpace, Local: call.op}) {
			t.Errorf("%s: sent as %v", call.key, n.XMLName)
		}
		if err := conform(n, schema(call.op)); err != nil {
			t.Errorf("%s: %v in %s", call.key, err, rt.bodies[0])
		}
		kind, password := "TERMINALID", terminalSecret
		if call.op == "registerTerminal" || call.op == "markTransactionPeriod" || call.op == "executeReport" {
			kind, password = "RESELLERUSER", resellerSecret
		}
		if n.find("context", "initiatorPrincipalId", "type") != kind || n.find("context", "password") != password {
			t.Errorf("%s: signed by another principal than %s", call.key, kind)
		}
		if rt.header.Get("Content-Type") != "text/xml; charset=utf-8" ||
			fmt.Sprint(map[string][]string(rt.header)[soapAction]) != `[""]` {
			t.Errorf("%s: header %v", call.key, rt.header)
		}
		if bytes.Contains([]byte(rt.bodies[0]), []byte("> <")) || bytes.ContainsRune([]byte(rt.bodies[0]), '\n') &&
			call.op != "sendInvoice" && call.op != "updateInvoice" {
			t.Errorf("%s: needless white space", call.key)
		}
		seen[call.op] = true
	}
	if len(seen) != 12 {
		t.Errorf("%d operations were seen, want 12", len(seen))
	}
}

func TestTheCheckerItselfSeesWrongOrder(t *testing.T) {
	rt := always(200, success("commitReservation"))
	if err := newClient(t, config(rt)).CommitReservation(t.Context(), "R", sek(5)); err != nil {
		t.Fatal(err)
	}
	amount := regexp.MustCompile(`<amount>.*</amount>`).FindString(rt.bodies[0])
	swapped := strings.Replace(strings.Replace(rt.bodies[0], amount, "", 1), "</invoiceReference>",
		"</invoiceReference>"+amount, 1)
	n, err := operationOf(swapped)
	if err != nil {
		t.Fatal(err)
	}
	if conform(n, schema("commitReservation")) == nil {
		t.Error("an amount after the invoiceReference passed")
	}
}

func TestAnInvoiceArrivesAsItWasMeant(t *testing.T) {
	rt := always(200, success("sendInvoice"))
	if _, err := newClient(t, config(rt)).SendInvoice(t.Context(), fullInvoice()); err != nil {
		t.Fatal(err)
	}
	n, err := operationOf(rt.bodies[0])
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"context/clientId": "Bar & Söner AB", "context/clientReference": "kioskd-1.0-1",
		"invoice/title": `Körsbär <"&'> ]]>`, "invoice/footer": "Thanks\r\nand bye",
		"invoice/issueDate": "2017-03-15T07:22:30Z", "invoice/totalAmount/value": "30.00",
		"invoice/totalAmount/currency":                         "SEK",
		"invoice/invoiceRows/invoiceRow/itemTotalAmount/value": "39.00",
		"invoice/invoiceRows/invoiceRow/itemTaxRate":           "12",
		"invoice/commitReservationTimeout":                     "600",
		"invoice/backURL":                                      "https://kiosk.example/back?a=1&b=2",
		"tokens/status":                                        "1",
	} {
		if got := n.find(strings.Split(path, "/")...); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestTheAppIsNeverLeftWaitingForAnAmount(t *testing.T) {
	rt := always(200, success("sendInvoice"))
	if _, err := newClient(t, config(rt)).SendInvoice(t.Context(), simpleInvoice()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rt.bodies[0], "<acknowledgmentMode>NO_ACKNOWLEDGMENT<") {
		t.Errorf("no acknowledgmentMode in %s", rt.bodies[0])
	}
}

func TestEachCallHasAReferenceOfItsOwn(t *testing.T) {
	rt := always(200, success("getPaymentStatus"))
	c := newClient(t, config(rt))
	for range 2 {
		if _, err := c.GetPaymentStatus(t.Context(), "1", 0); err != nil {
			t.Fatal(err)
		}
	}
	if rt.bodies[0] == rt.bodies[1] {
		t.Error("two calls carried the same clientReference")
	}
}

func TestWhatGlaseWouldMisreadIsNeverSent(t *testing.T) {
	bad := map[string]func(*Invoice){
		"invoiceRows":   func(v *Invoice) { v.Rows[0].Total = sek(19999) },
		"invoiceRows ":  func(v *Invoice) { v.Rows = nil },
		"invoiceRows  ": func(v *Invoice) { v.Rows = make([]InvoiceRow, rowsMax+1) },
		"totalAmount":   func(v *Invoice) { v.Total = sek(0) },
		"totalAmount ":  func(v *Invoice) { v.Total.Currency = "" },
		"totalAmount  ": func(v *Invoice) {
			v.Total.Currency, v.Rows[0].Total.Currency = "KRO",
				"KRO"
		},
		"totalAmount   ":                  func(v *Invoice) { v.Total.Minor, v.Rows[0].Total.Minor = 1<<62, 1<<62 },
		"invoiceRow 1: itemTotalAmount":   func(v *Invoice) { v.Rows[0].Total.Currency = "EUR" },
		"invoiceRow 1: itemTotalAmount ":  func(v *Invoice) { v.Rows[0].Total = money.Amount{} },
		"invoiceRow 1: itemTotalAmount  ": func(v *Invoice) { v.Rows[0].Total.Minor = -1 << 63 },
		"invoiceRow 1: itemQuantity":      func(v *Invoice) { v.Rows[0].Quantity = 0 },
		"invoiceRow 1: itemDescription":   func(v *Invoice) { v.Rows[0].Description = strings.Repeat("å", textMax+1) },
		"invoiceRow 1: itemUnitPrice": func(v *Invoice) {
			v.Rows[0].UnitPrice = money.Amount{Minor: 1, Currency: "NOK"}
		},
		"invoiceRow 1: itemTaxRate": func(v *Invoice) { v.Rows[0].TaxRate = new(int); *v.Rows[0].TaxRate = 101 },
		"title":                     func(v *Invoice) { v.Title = "a\x00b" },
		"title ":                    func(v *Invoice) { v.Title = "" },
		"title  ":                   func(v *Invoice) { v.Title = "\xff" },
		"title   ":                  func(v *Invoice) { v.Title = "\ufffe" },
		"footer":                    func(v *Invoice) { v.Footer = "\x1b[1m" },
		"clientInvoiceId":           func(v *Invoice) { v.ClientInvoiceID = "" },
		"paymentMode":               func(v *Invoice) { v.PaymentMode = "CASH" },
		"paymentMode ":              func(v *Invoice) { v.PaymentMode = "" },
		"acknowledgmentMode":        func(v *Invoice) { v.AcknowledgmentMode = "YES" },
		"notificationUrl":           func(v *Invoice) { v.NotificationURL = "ftp://x" },
		"commitReservationTimeout":  func(v *Invoice) { v.CommitReservationTimeout = 0 },
		"commitReservationTimeout ": func(v *Invoice) { v.CommitReservationTimeout = 1500 * time.Millisecond },
		"issueDate": func(v *Invoice) {
			v.IssueDate = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		},
		"tokens": func(v *Invoice) { v.Tokens = make([]CustomerToken, tokenMax+1) },
	}
	rt := always(200, success("sendInvoice"))
	c := newClient(t, config(rt))
	for field, spoil := range bad {
		v := simpleInvoice()
		spoil(&v)
		_, err := c.SendInvoice(t.Context(), v)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), ": "+strings.TrimSpace(field)+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	for what, err := range map[string]error{
		"amount":           c.CommitReservation(t.Context(), "R", sek(0)),
		"amount ":          c.CommitReservation(t.Context(), "R", money.Amount{Minor: 5}),
		"invoiceReference": c.CancelInvoice(t.Context(), ""),
		"seqrId":           c.AssignSeqrID(t.Context(), strings.Repeat("A", idMax+1)),
		"invoiceVersion":   second(c.GetPaymentStatus(t.Context(), "R", -1)),
		"receiptData": second(c.SubmitPaymentReceipt(t.Context(), "E",
			ReceiptDocument{MimeType: "text/html", Data: make([]byte, receiptMax+1)})),
		"parameters": second(c.MarkTransactionPeriod(t.Context(), make([]Parameter, parametersMax+1)...)),
	} {
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), ": "+strings.TrimSpace(what)+": ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(rt.bodies) != 0 {
		t.Errorf("%d requests were sent", len(rt.bodies))
	}
}

func second[T any](_ T, err error) error { return err }

func TestARefundNeedsNoRowsButTheyMustAddUp(t *testing.T) {
	rt := always(200, success("refundPayment"))
	c := newClient(t, config(rt))
	if _, err := c.RefundPayment(t.Context(), "E", Invoice{Total: sek(500)}, false); err != nil {
		t.Error(err)
	}
	if _, err := c.RefundPayment(t.Context(), "E",
		Invoice{Total: sek(500), Rows: []InvoiceRow{{Quantity: 1, Total: sek(400)}}}, false); !errors.Is(err,
		ErrInvalid) {
		t.Error(err)
	}
}

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	for what, spoil := range map[string]func(*Config){
		"no URL":             func(c *Config) { c.Endpoint = "://" + terminalSecret },
		"other scheme":       func(c *Config) { c.Endpoint = "ftp://glase.example" },
		"user information":   func(c *Config) { c.Endpoint = "http://u:" + terminalSecret + "@glase.example" },
		"no reference":       func(c *Config) { c.NewReference = nil },
		"nobody":             func(c *Config) { c.TerminalID, c.Reseller = "", nil },
		"negative timeout":   func(c *Config) { c.Timeout = -1 },
		"hour-long timeout":  func(c *Config) { c.Timeout = time.Hour },
		"long client id":     func(c *Config) { c.ClientID = strings.Repeat("x", clientMax+1) },
		"long comment":       func(c *Config) { c.Comment = strings.Repeat("x", clientMax+1) },
		"odd password":       func(c *Config) { c.Password = terminalSecret + "\x00" },
		"no password":        func(c *Config) { c.Password = "" },
		"reseller's user id": func(c *Config) { c.Reseller = &Reseller{ID: "x", UserID: "\x01", Password: "y"} },
	} {
		cfg := config(http.DefaultTransport)
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", what)
		} else if strings.Contains(err.Error(), terminalSecret) {
			t.Errorf("%s: the error tells the password: %v", what, err)
		}
	}
}

func TestAReferenceOutsideItsLimitIsNeverSent(t *testing.T) {
	for _, reference := range []string{"", strings.Repeat("r", referenceMax+1)} {
		rt := always(200, success("cancelInvoice"))
		cfg := config(rt)
		cfg.NewReference = func() string { return reference }
		if err := newClient(t, cfg).CancelInvoice(t.Context(), "1"); !errors.Is(err, ErrInvalid) || len(rt.bodies) > 0 {
			t.Errorf("%q: %v, %d sent", reference, err, len(rt.bodies))
		}
	}
}

func TestEachPrincipalIsNeededOnlyForItsOwnOperations(t *testing.T) {
	for _, call := range calls() {
		reseller := call.op == "registerTerminal" || call.op == "markTransactionPeriod" || call.op == "executeReport"
		rt := always(200, success(call.op))
		cfg := config(rt)
		cfg.Reseller = nil
		if err := call.do(t.Context(), newClient(t, cfg)); errors.Is(err, ErrInvalid) != reseller ||
			len(rt.bodies) == 1 == reseller {
			t.Errorf("%s without a reseller: %v, %d sent", call.key, err, len(rt.bodies))
		}
		rt = always(200, success(call.op))
		cfg = config(rt)
		cfg.TerminalID, cfg.Password = "", ""
		if err := call.do(t.Context(), newClient(t, cfg)); errors.Is(err, ErrInvalid) == reseller ||
			len(rt.bodies) == 1 != reseller {
			t.Errorf("%s without a terminal: %v, %d sent", call.key, err, len(rt.bodies))
		}
	}
}
