package glase

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswersAreReadWhateverTheirForm(t *testing.T) {
	rate := 12
	paid := PaymentStatus{
		Status: Paid, Version: 3, ErsReference: "2017031507230000000000001",
		Receipt: &Receipt{TerminalID: "87e791f9",
			PaymentDate:      time.Date(2017, 3, 15, 7, 22, 30, 0, time.FixedZone("", 3600)),
			InvoiceReference: "20170315072260070",
			PaymentReference: "P-9", ReceiverName: "Bar AB",
			Invoice: Invoice{Title: "Körsbär", ClientInvoiceID: "sale-17", Total: sek(3750),
				// the unit price is finer than öre
				Rows: []InvoiceRow{{Description: "Coke <Zero> & lime", Quantity: 3, TaxRate: &rate,
					Total: sek(3750)}}}},
		Tokens: []CustomerToken{{"Card & cup", "T-1", TokenUsed, "50"}, {"", "T-2", TokenBlocked, ""}},
	}
	ask := func(c *Client) (any, error) { return c.GetPaymentStatus(t.Context(), "1", 0) }
	send := func(c *Client) (any, error) { return c.SendInvoice(t.Context(), simpleInvoice()) }
	report := func(c *Client) (any, error) { return c.ExecuteReport(t.Context(), ReportRequest{ReportID: ReportShop}) }
	for file, want := range map[string]struct {
		do   func(*Client) (any, error)
		want any
	}{
		"status_paid.xml":   {ask, paid},
		"status_issued.xml": {ask, PaymentStatus{Status: Issued, Version: 1}},
		"sent.xml":          {send, SentInvoice{"1397222701693", "HTTP://SEQR.SE/R1397222701693", false}},
		"refunded.xml": {func(c *Client) (any, error) {
			return c.RefundPayment(t.Context(), "E", Invoice{Total: sek(1)}, false)
		}, "2012050100000000000000002"},
		"registered.xml": {func(c *Client) (any, error) {
			return c.RegisterTerminal(t.Context(), TerminalRegistration{"e", "p", "n"})
		}, "87e791f9e24148a6892c52aa85bb0331"},
		"period.xml": {func(c *Client) (any, error) { return c.MarkTransactionPeriod(t.Context()) },
			"2012053119463656301000002"},
		"report_both.xml": {report, Report{"Transfers today", "text/plain", []byte("115792")}},
		"report_plain.xml": {report, Report{"", "text/html",
			[]byte("<?xml version=\"1.0\"?>\n<TransactionDetails><Row><SalesAmount>100.00000</SalesAmount></Row></TransactionDetails>")}},
	} {
		for _, lead := range []string{"", string(byteOrder)} {
			got, err := want.do(newClient(t, config(always(200, lead+fixture(t, file)))))
			if s, ok := got.(PaymentStatus); ok && s.Receipt != nil &&
				s.Receipt.PaymentDate.Equal(paid.Receipt.PaymentDate) {
				s.Receipt.PaymentDate = paid.Receipt.PaymentDate // the same instant, but another *time.Location
			}
			if err != nil || !reflect.DeepEqual(got, want.want) {
				t.Errorf("%s: %+v, %v; want %+v", file, got, err, want.want)
			}
		}
	}
}

func TestBothSpellingsOfCanceledAreOneAndUnknownWordsAreKept(t *testing.T) {
	for word, want := range map[string]Status{"CANCELED": Canceled, "CANCELLED": Canceled, "ON_HOLD": "ON_HOLD",
		"PARTIALLY_PAID": PartiallyPaid, "RESERVED": Reserved} {
		body := envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><status>"+word+
			"</status><version>2</version>")
		s, err := newClient(t, config(always(200, body))).GetPaymentStatus(t.Context(), "1", 1)
		if err != nil || s.Status != want {
			t.Errorf("%s became %q, %v", word, s.Status, err)
		}
	}
}

func TestAnAnswerThatCannotBeMadeOutIsNeverASuccess(t *testing.T) {
	ok := "<resultCode>0</resultCode><status>PAID</status><version>2</version>"
	good := envelopeOf("getPaymentStatus", ok)
	receipt := func(s string) string {
		return envelopeOf("getPaymentStatus", ok+"<receipt><invoice>"+s+"</invoice></receipt>")
	}
	for what, body := range map[string]string{
		"nothing":             "",
		"white space":         " \n",
		"HTML":                "<!DOCTYPE html><html><body>Log in to the hotel's Wi-Fi</body></html>",
		"HTML without a type": "<html><body>resultCode 0</body></html>",
		"JSON":                `{"resultCode": 0}`,
		"no result code":      envelopeOf("getPaymentStatus", "<status>PAID</status><version>2</version>"),
		"empty result code": envelopeOf("getPaymentStatus",
			"<resultCode/><status>PAID</status><version>2</version>"),
		"garbled result code":       strings.Replace(good, ">0<", ">0x0<", 1),
		"fractional result code":    strings.Replace(good, ">0<", ">0.0<", 1),
		"huge result code":          strings.Replace(good, ">0<", ">4294967296<", 1),
		"result code with elements": strings.Replace(good, ">0<", "><b/>0<", 1),
		"two result codes":          strings.Replace(good, "<status>", "<resultCode>93</resultCode><status>", 1),
		"two statuses":              strings.Replace(good, "<status>", "<status>FAILED</status><status>", 1),
		"two versions":              strings.Replace(good, "<version>", "<version>9</version><version>", 1),
		"two returns": strings.Replace(good, "</return>",
			"</return><return><resultCode>0</resultCode></return>", 1),
		"two responses":       strings.Replace(good, "</soap:Body>", "<x/></soap:Body>", 1),
		"two bodies":          strings.Replace(good, "</soap:Body>", "</soap:Body><soap:Body/>", 1),
		"no status":           envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><version>2</version>"),
		"no version":          envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><status>PAID</status>"),
		"negative version":    strings.Replace(good, ">2<", ">-2<", 1),
		"another operation's": envelopeOf("cancelInvoice", ok),
		"another namespace":   strings.Replace(good, glaseSpace, "urn:other", 1),
		"not SOAP":            strings.Replace(good, soapSpace, "urn:other", 1),
		"undeclared prefix":   strings.Replace(good, "<status>", "<z:x/><status>", 1),
		"a document type":     "<!DOCTYPE Envelope>" + good,
		"code in another namespace": strings.NewReplacer("<resultCode>", `<z:resultCode xmlns:z="urn:z">`,
			"</resultCode>", "</z:resultCode>").Replace(good),
		"code a level too deep":   envelopeOf("getPaymentStatus", "<x>"+ok+"</x>"),
		"wrong nesting":           strings.Replace(good, "</status><version>", "<version></status>", 1),
		"another end tag":         strings.Replace(good, "</status>", "</statos>", 1),
		"wrong end tag":           strings.Replace(good, "</status>", "</statusx>", 1),
		"something after the end": good + "<x/>",
		"text after the end":      good + "x",
		"second document":         good + good,
		"entities of its own":     `<!DOCTYPE x [<!ENTITY a "0">]>` + strings.Replace(good, ">0<", ">&a;<", 1),
		"unknown entity":          strings.Replace(good, ">PAID<", ">&paid;<", 1),
		"reference to NUL":        strings.Replace(good, ">PAID<", ">PAID&#0;<", 1),
		"NUL":                     strings.Replace(good, ">PAID<", ">PAID\x00<", 1),
		"not UTF-8":               strings.Replace(good, ">PAID<", ">PAID\xe5<", 1),
		"another encoding":        `<?xml version="1.0" encoding='ISO-8859-1'?>` + good,
		"late declaration":        " <?xml version=\"1.0\"?>" + good,
		"too deep": strings.Replace(good, "<status>", strings.Repeat("<x>", depthMax)+
			strings.Repeat("</x>", depthMax)+"<status>", 1),
		"too many elements": strings.Replace(good, "<status>", strings.Repeat("<x/>", nodesMax)+"<status>", 1),
		"too many namespaces": strings.Replace(good, "<status>", "<x"+
			strings.Repeat(` xmlns:a="b"`, bindingsMax+1)+"/><status>", 1),
		"too long":                good + strings.Repeat(" ", responseMax),
		"amount without currency": receipt("<totalAmount><value>1</value></totalAmount>"),
		"amount with a comma":     receipt("<totalAmount><currency>SEK</currency><value>1,50</value></totalAmount>"),
		"amount finer than öre":   receipt("<totalAmount><currency>SEK</currency><value>1.005</value></totalAmount>"),
		"two different amounts": receipt(
			"<totalAmount><currency>SEK</currency><value>1</value></totalAmount><totalAmount><currency>SEK</currency><value>2</value></totalAmount>"),
		"amount with two values": receipt(
			"<totalAmount><currency>SEK</currency><value>1</value><value>2</value></totalAmount>"),
	} {
		rt := always(200, body)
		s, err := newClient(t, config(rt)).GetPaymentStatus(t.Context(), "1", 0)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !reflect.DeepEqual(s, PaymentStatus{}) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	if _, err := newClient(t, config(always(200, good))).GetPaymentStatus(t.Context(), "1", 0); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestATruncatedAnswerIsNeverASuccess(t *testing.T) {
	for _, file := range []string{"status_paid.xml", "status_issued.xml"} {
		whole := strings.TrimSpace(fixture(t, file))
		var body string
		c := newClient(t, config(&transport{
			answer: func(int, *http.Request) (*http.Response, error) { return reply(200, body) }}))
		for n := range len(whole) {
			body = whole[:n]
			if _, err := c.GetPaymentStatus(t.Context(), "1", 0); err == nil {
				t.Fatalf("%s: success after %d of %d bytes", file, n, len(whole))
			}
		}
	}
}

func TestASuccessWithoutItsFactIsUnknown(t *testing.T) {
	for _, call := range calls() {
		var err error
		synctest.Test(t, func(t *testing.T) {
			err = call.do(t.Context(), newClient(t, config(always(200, result(call.op, 0)))))
		})
		_, needs := map[string]bool{"sendInvoice": true, "getPaymentStatus": true, "registerTerminal": true,
			"markTransactionPeriod": true, "executeReport": true}[call.op]
		var unknown *UnknownError
		if errors.As(err, &unknown) != needs || err == nil == needs {
			t.Errorf("%s: %v", call.key, err)
		}
	}
}

func TestNoPasswordOrPhoneNumberReachesAnErrorOrTheLog(t *testing.T) {
	tell := "No " + terminalSecret + " or " + resellerSecret + " or " + newSecret + " for 46700000001, +46 70-000 00 01"
	var escaped envelope
	escaped.escape(tell)
	for _, call := range calls() {
		for what, answer := range map[string]*transport{
			"result": always(200, envelopeOf(call.op, "<resultCode>12</resultCode><resultDescription>"+
				string(escaped.b)+"</resultDescription>")),
			"90": always(200, envelopeOf(call.op, "<resultCode>90</resultCode><resultDescription>"+
				string(escaped.b)+"</resultDescription>")),
			"fault": always(500, `<s:Envelope xmlns:s="`+soapSpace+`"><s:Body><s:Fault><faultcode>`+string(escaped.b)+
				`</faultcode><faultstring>`+
				string(escaped.b)+`</faultstring></s:Fault></s:Body></s:Envelope>`),
			"echo": {answer: func(_ int, r *http.Request) (*http.Response, error) { return reply(502, tell) }},
		} {
			var told []string
			cfg := config(answer)
			cfg.Log = func(op string, attempt int, err error) { told = append(told, err.Error()) }
			var err error
			synctest.Test(t, func(t *testing.T) { err = call.do(t.Context(), newClient(t, cfg)) })
			if err == nil || len(told) == 0 {
				t.Errorf("%s: %s: %v, log %q", call.key, what, err, told)
				continue
			}
			told = append(told, err.Error())
			var refused *ResultError
			if errors.As(err, &refused) {
				told = append(told, refused.Description)
			}
			for _, s := range told {
				for _, secret := range []string{terminalSecret, resellerSecret, "46700000001", "00 01"} {
					if strings.Contains(s, secret) {
						t.Errorf("%s: %s: %q tells %q", call.key, what, s, secret)
					}
				}
				if call.op == "registerTerminal" && strings.Contains(s, newSecret) {
					t.Errorf("%s: %s: %q tells the new terminal's password", call.key, what, s)
				}
			}
		}
	}
}

func TestEveryDocumentedCodeHasItsName(t *testing.T) {
	for code, name := range map[int]string{0: "SUCCESS", 2: "REPORT_NOT_READY", 48: "PAYMENT_IN_PROGRESS",
		60: "AUTHORIZATION_EXPIRED", 63: "INVALID_AUTHORIZATION_REFERENCE", 93: "SYSTEM_BUSY",
		98: "SUM_OF_REFUNDS_CAN_NOT_BE_MORE_THAN_ORIGINAL_TRANSACTION", 77: "UNDOCUMENTED"} {
		if got := CodeName(code); got != name {
			t.Errorf("%d is %s, want %s", code, got, name)
		}
	}
	named := 0
	for code := range 200 {
		if CodeName(code) != "UNDOCUMENTED" {
			named++
		}
	}
	if named != 35 {
		t.Errorf("%d codes have names, want 35", named)
	}
}
