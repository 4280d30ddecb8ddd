package glasetest_test

import (
	"encoding/base64"
	"encoding/xml"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"kioskd/glase/glasetest"
)

func documented(t testing.TB, op string, replace ...string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/documented/" + op + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replace...).Replace(string(raw))
}

// TestRequestsAsTheDocumentationWritesThemAreAccepted goes through all twelve, their children in the documentation's
// order and what it leaves out left out.
func TestRequestsAsTheDocumentationWritesThemAreAccepted(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		play := func(op string, replace ...string) reply {
			t.Helper()
			r, err := s.post(documented(t, op, replace...))
			if err != nil || r.code != 0 {
				t.Fatalf("%s: %v, HTTP %d: %s", op, err, r.status, r.body)
			}
			s.valid(op, r.body)
			return r
		}
		play("registerTerminal")
		play("assignSeqrId")
		ref := play("sendInvoice").text("invoiceReference")
		play("getPaymentStatus", "REFERENCE", ref)
		s.pin(ref)
		ers := play("getPaymentStatus", "REFERENCE", ref).text("ersReference")
		play("submitPaymentReceipt", "ERSREF", ers)
		play("refundPayment", "ERSREF", ers)
		ref = play("sendInvoice").text("invoiceReference")
		play("updateInvoice", "REFERENCE", ref)
		play("cancelInvoice", "REFERENCE", ref)
		ref = s.send(preliminary, "x", "50.00", "")
		s.pin(ref)
		play("commitReservation", "REFERENCE", ref)
		period := play("markTransactionPeriod").text("transactionPeriodId")
		time.Sleep(3 * time.Second)
		play("executeReport", "PERIOD", period)
		play("unregisterTerminal")
		if got := s.Calls("sendInvoice"); got != 3 {
			t.Errorf("%d calls of sendInvoice were counted", got)
		}
	})
}

func TestStrictRefusesWhatTheSchemaRefuses(t *testing.T) {
	strict := newStranger(t, glasetest.Config{Strict: true})
	lenient := newStranger(t, glasetest.Config{})
	status := "<invoiceReference>1</invoiceReference><invoiceVersion>0</invoiceVersion>"
	good := invoiceOf(debit, "a", "15.00", "")
	for _, k := range []struct {
		op, inner, why string
		refused        bool
	}{
		{"sendInvoice", good, "good", false},
		{"sendInvoice", good + "<tokens><status>0</status></tokens><tokens><status>1</status></tokens>", "many tokens",
			false},
		{"sendInvoice", invoiceOf(preliminary, "b", "15.00", tenMinutes), "the additions of 2.6.0", false},
		{"getPaymentStatus", status, "good", false},
		{"getPaymentStatus", "<invoiceReference>1</invoiceReference>", "lacks invoiceVersion", true},
		{"getPaymentStatus", "<invoiceVersion>0</invoiceVersion><invoiceReference>1</invoiceReference>",
			"another order", true},
		{"getPaymentStatus", status + "<extra/>", "an unknown element", true},
		{"getPaymentStatus", strings.Replace(status, ">0<", ">zero<", 1), "a version that is no number", true},
		{"getPaymentStatus", strings.Replace(status, ">0<", "> 0 <", 1), "white space around a number", false},
		{"getPaymentStatus", "some text" + status, "text between the elements", true},
		{"getPaymentStatus", strings.Replace(status, "<invoiceReference>", `<invoiceReference kind="x">`, 1),
			"an attribute", true},
		{"getPaymentStatus", status + "<invoiceVersion>0</invoiceVersion>", "an element twice", true},
		{"sendInvoice", strings.Replace(good, debit, "BARTER", 1), "an unknown paymentMode", true},
		{"sendInvoice", strings.ReplaceAll(good, "15.00", "1e1"), "an amount that is no decimal", true},
		{"sendInvoice", strings.Replace(good, "<itemQuantity>1</itemQuantity>", "", 1),
			"no itemQuantity, which the schema allows", false},
	} {
		r, err := strict.try(k.op, asTerminal, k.inner)
		if err != nil || (r.status == 500 && strings.Contains(r.body, "faultstring")) != k.refused {
			t.Errorf("strict, %s: %v, HTTP %d, refused should be %v: %s", k.why, err, r.status, k.refused, r.body)
		}
		if r, err = lenient.try(k.op, asTerminal, k.inner); err != nil || r.status != 200 {
			t.Errorf("lenient, %s: %v, HTTP %d: %s", k.why, err, r.status, r.body)
		}
	}
}

func TestWhatIsNoMessageIsAFault(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	for why, envelope := range map[string]string{
		"nothing": "",
		"cut off": wrap("cancelInvoice", asTerminal)[:200],
		"JSON":    `{"a": 1}`,
		"SOAP 1.2": strings.Replace(wrap("cancelInvoice", asTerminal),
			"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope", 1),
		"another namespace": strings.Replace(wrap("cancelInvoice", asTerminal), "seamless.com", "seamless.org",
			1),
		"an unknown operation": wrap("makeMoney", asTerminal),
		"two operations": strings.Replace(wrap("cancelInvoice", asTerminal), "<x:cancel", "<a/><x:cancel",
			1),
		"a DTD": `<!DOCTYPE a [<!ENTITY b "c">]>` +
			strings.TrimPrefix(wrap("cancelInvoice", asTerminal), `<?xml version="1.0" encoding="utf-8"?>`),
		"too deep": wrap("cancelInvoice", asTerminal+strings.Repeat("<a>", 40)+
			strings.Repeat("</a>", 40)),
		"more elements than allowed": wrap("cancelInvoice", asTerminal+strings.Repeat("<a/>", 20_001)),
		"no body":                    `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>`,
		"a second root":              wrap("cancelInvoice", asTerminal) + "<a/>",
	} {
		r, err := s.post(envelope)
		if err != nil || r.status != 500 || !strings.Contains(r.body, "<faultcode>soap:Client</faultcode>") {
			t.Errorf("%s: %v, HTTP %d: %s", why, err, r.status, r.body)
		}
	}
	if r, _ := s.post(wrap("cancelInvoice", asTerminal+"<a>"+strings.Repeat("x", 1<<20)+
		"</a>")); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge request: HTTP %d", r.status)
	}
}

func TestChildrenInANamespaceAreNotSeen(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	qualified := strings.Replace(wrap("cancelInvoice", asTerminal), `<x:cancelInvoice xmlns:x=`,
		`<cancelInvoice xmlns=`, 1)
	r, err := s.post(strings.Replace(qualified, "</x:", "</", 1))
	if err != nil || r.code != 29 {
		t.Errorf("%v, %d: %s", err, r.code, r.body)
	}
}

func TestTheInterfaceIsServedWithItsAddress(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	server := httptest.NewServer(s.Glase)
	defer server.Close()
	for _, query := range []string{"?wsdl", "?WSDL"} {
		resp, err := http.Get(server.URL + "/soap/merchant/cashregister-2" + query)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(body), `<soap:address location="`+server.URL+`/soap/merchant/cashregister-2"`) ||
			!strings.Contains(string(body), "commitReservationTimeout") || xml.Unmarshal(body, new(struct{})) != nil {
			t.Errorf("%s: HTTP %d, %d bytes", query, resp.StatusCode, len(body))
		}
	}
	resp, err := http.Get(server.URL + "/soap/merchant/cashregister-2")
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	resp, err = http.Post(server.URL+"/soap/merchant/cashregister-2", "application/soap+xml",
		strings.NewReader(wrap("cancelInvoice", asTerminal)))
	if err != nil || resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
}

func TestAnUnregisteredTerminalLeavesNothingBehind(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		ctx := s.register()
		s.must("assignSeqrId", ctx, "<seqrId>ABC123</seqrId>")
		ref := s.must("sendInvoice", ctx, invoiceOf(preliminary, "a", "50.00", tenMinutes)).text("invoiceReference")
		s.pin(ref)
		s.must("unregisterTerminal", ctx, "")
		s.status(ref, glasetest.Canceled)
		s.balanced(ref, "0.00", "0.00")
		s.must("assignSeqrId", asTerminal, "<seqrId>ABC123</seqrId>")
	})
}

func TestReportsListWhatWasSold(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		_, ers := s.paid("a", "93.31")
		s.refund(ers, "3.31")
		ctx := s.register()
		id := strings.Split(strings.Split(ctx, "<id>")[1], "<")[0]
		ref := s.must("sendInvoice", ctx, strings.Replace(invoiceOf(debit, "a", "30.00", ""), "</totalAmount>",
			"</totalAmount><cashierId>Bob</cashierId>", 1)).text("invoiceReference")
		s.pin(ref)
		s.must("getPaymentStatus", ctx, "<invoiceReference>"+ref+
			"</invoiceReference><invoiceVersion>0</invoiceVersion>")

		shop := s.must("markTransactionPeriod", asReseller, "").text("transactionPeriodId")
		term := s.must("markTransactionPeriod", asReseller,
			"<parameters><parameter><entry><key>TERMINALID</key><value>"+id+
				"</value></entry></parameter></parameters>").text("transactionPeriodId")
		other := s.must("markTransactionPeriod", asReseller,
			"<parameters><parameter><entry><key>TERMINALID</key><value>"+glasetest.TestTerminal+
				"</value></entry></parameter></parameters>").text("transactionPeriodId")
		if r := s.call("executeReport", asReseller, reportOf("Reconciliation/Shop.xml", shop, "")); r.code != 2 {
			t.Errorf("ready at once: %d", r.code)
		}
		time.Sleep(3 * time.Second)
		for _, k := range []struct{ id, period, terminal, title, want string }{
			{"Shop.xml", shop, "", "",
				"<SalesAmount>93.31000</SalesAmount>|<SalesAmount>-3.31000</SalesAmount>|<SalesAmount>30.00000</SalesAmount>|<CashierId>NULL</CashierId>|<CashierId>Bob</CashierId>|<TransactionDetails>|<ResellerId>public_test_shop</ResellerId>"},
			{"STD_RECON_003.xml", shop, "", "STD_RECON_003_" + shop + ".xml", "<ErsReference>" + ers +
				"</ErsReference>"},
			{"STD_RECON_006.xml", term, id, "STD_RECON_006_" + term + ".xml",
				"<SalesCount>1</SalesCount>|<SalesTotal>30.00000</SalesTotal>|<CashierTransactionSummary>"},
			{"STD_RECON_006.xml", other, glasetest.TestTerminal, "STD_RECON_006_" + other + ".xml",
				"<SalesCount>1</SalesCount>|<SalesTotal>90.00000</SalesTotal>"},
			{"STD_RECON_007.xml", term, id, "STD_RECON_007_" + term + ".xml",
				"<SalesAmount>30.00000</SalesAmount>|<TerminalId>" + id + "</TerminalId>"},
		} {
			r := s.must("executeReport", asReseller, reportOf("Reconciliation/"+k.id, k.period, k.terminal))
			text := html.UnescapeString(r.text("contentString"))
			if content, err := base64.StdEncoding.DecodeString(r.text("content")); err != nil ||
				string(content) != text {
				t.Errorf("%s: content is not the base64 of contentString: %v", k.id, err)
			}
			for _, want := range strings.Split(k.want, "|") {
				if !strings.Contains(text, want) || r.text("title") != k.title {
					t.Errorf("%s, titled %q, lacks %s: %s", k.id, r.text("title"), want, text)
				}
			}
		}
		for _, bad := range []string{reportOf("Reconciliation/Nothing.xml", shop, ""),
			reportOf("Reconciliation/Shop.xml", "1", ""),
			reportOf("Reconciliation/STD_RECON_006.xml", shop, ""),
			reportOf("Reconciliation/STD_RECON_007.xml", shop, "nobody")} {
			if r := s.call("executeReport", asReseller, bad); r.code != 10 {
				t.Errorf("%s: %d", bad, r.code)
			}
		}
	})
}

// TestATerminalsReportOfTheShopsPeriodIsNeverReady: it was marked without the terminal.
func TestATerminalsReportOfTheShopsPeriodIsNeverReady(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.paid("a", "15.00")
		shop := s.must("markTransactionPeriod", asReseller, "").text("transactionPeriodId")
		for _, wait := range []time.Duration{time.Second, time.Minute, 24 * time.Hour} {
			time.Sleep(wait)
			for _, id := range []string{"STD_RECON_006.xml", "STD_RECON_007.xml"} {
				r := s.call("executeReport", asReseller, reportOf("Reconciliation/"+id, shop, glasetest.TestTerminal))
				if r.code != 2 {
					t.Errorf("%s answers %d after %v", id, r.code, wait)
				}
			}
		}
	})
}

func TestTheSamePeriodIsNotReportedTwice(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		s.paid("a", "15.00")
		s.must("markTransactionPeriod", asReseller, "")
		second := s.must("markTransactionPeriod", asReseller, "").text("transactionPeriodId")
		time.Sleep(3 * time.Second)
		if r := s.must("executeReport", asReseller,
			reportOf("Reconciliation/Shop.xml", second, "")); strings.Contains(r.body, "15.00000") {
			t.Errorf("%s", r.body)
		}
	})
}

func FuzzSOAP(f *testing.F) {
	for _, op := range twelve {
		f.Add(documented(f, op), false)
		f.Add(documented(f, op), true)
	}
	f.Add(wrap("sendInvoice", asTerminal+invoiceOf(preliminary, "a", "15.00", tenMinutes)), true)
	f.Fuzz(func(t *testing.T, envelope string, strict bool) {
		s := newStranger(t, glasetest.Config{Strict: strict})
		r, err := s.post(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal([]byte(r.body), new(struct{})); err != nil {
			t.Errorf("HTTP %d, an answer that is no XML: %v: %q", r.status, err, r.body)
		}
		if len(s.Ledger()) != 0 {
			t.Error("a request alone moved money")
		}
	})
}
