package glasetest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"kioskd/glase/glasetest"
	"kioskd/internal/money"
)

const soapURL = "http://glase.test/soap/merchant/cashregister-2"

// stranger speaks to a Glase over HTTP alone, with requests written by hand.
type stranger struct {
	testing.TB
	*glasetest.Glase
	http *http.Client
}

func newStranger(t testing.TB, cfg glasetest.Config) stranger {
	t.Helper()
	g := glasetest.New(cfg)
	t.Cleanup(g.Close)
	return stranger{t, g, &http.Client{Transport: g.Transport()}}
}

// reply is one SOAP answer, picked apart without a decoder.
type reply struct {
	status int
	code   int
	body   string
}

var codeForm = regexp.MustCompile(`<resultCode>(-?\d+)</resultCode>`)

// text is the first element of that name.
func (r reply) text(name string) string {
	m := regexp.MustCompile(`<` + name + `>([^<]*)</` + name + `>`).FindStringSubmatch(r.body)
	if m == nil {
		return ""
	}
	return m[1]
}

// post sends a whole envelope. Every answer that is no Fault and no fault is held against the interface.
func (s stranger) post(envelope string) (reply, error) {
	s.Helper()
	resp, err := s.http.Post(soapURL, "text/xml; charset=utf-8", strings.NewReader(envelope))
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, code: -1, body: string(body)}
	if m := codeForm.FindStringSubmatch(r.body); m != nil {
		r.code, _ = strconv.Atoi(m[1])
		if resp.Header.Get("Content-Type") != "text/xml;charset=UTF-8" {
			s.Errorf("an answer of type %q", resp.Header.Get("Content-Type"))
		}
	}
	return r, nil
}

func wrap(op, inner string) string {
	return `<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x:` + op +
		` xmlns:x="http://external.interfaces.ers.seamless.com/">` + inner + `</x:` + op + `></e:Body></e:Envelope>`
}

func contextOf(kind, id, user, password string) string {
	if user != "" {
		user = "<userId>" + user + "</userId>"
	}
	return "<context><channel>WS</channel><clientId>Stranger</clientId><clientReference>1</clientReference><clientRequestTimeout>0</clientRequestTimeout>" +
		"<initiatorPrincipalId><id>" + id + "</id><type>" + kind + "</type>" + user +
		"</initiatorPrincipalId><password>" + password + "</password></context>"
}

var (
	asTerminal = contextOf("TERMINALID", glasetest.TestTerminal, "", glasetest.TestTerminalPassword)
	asReseller = contextOf("RESELLERUSER", glasetest.TestReseller, glasetest.TestResellerUser,
		glasetest.TestResellerPassword)
)

func (s stranger) try(op, context, inner string) (reply, error) {
	s.Helper()
	return s.post(wrap(op, context+inner))
}

func (s stranger) call(op, context, inner string) reply {
	s.Helper()
	r, err := s.try(op, context, inner)
	if err != nil {
		s.Fatalf("%s: %v", op, err)
	}
	if r.status != 200 || r.code < 0 {
		s.Fatalf("%s: HTTP %d: %s", op, r.status, r.body)
	}
	s.valid(op, r.body)
	return r
}

// must is a call that has to succeed.
func (s stranger) must(op, context, inner string) reply {
	s.Helper()
	r := s.call(op, context, inner)
	if r.code != 0 {
		s.Fatalf("%s: %d %s", op, r.code, r.text("resultDescription"))
	}
	return r
}

func amountOf(name, value string) string {
	return "<" + name + "><currency>SEK</currency><value>" + value + "</value></" + name + ">"
}

func rowOf(value string) string {
	return "<invoiceRow><itemDescription>Nuts</itemDescription><itemQuantity>1</itemQuantity>" +
		amountOf("itemTotalAmount", value) + "</invoiceRow>"
}

// invoiceOf is a plain invoice; extra stands at the end.
func invoiceOf(mode, clientID, total, extra string) string {
	return "<invoice><paymentMode>" + mode +
		"</paymentMode><acknowledgmentMode>NO_ACKNOWLEDGMENT</acknowledgmentMode><title>Snacks</title>" +
		"<clientInvoiceId>" + clientID + "</clientInvoiceId><invoiceRows>" + rowOf(total) + "</invoiceRows>" +
		amountOf("totalAmount", total) + extra + "</invoice>"
}

const (
	debit       = "IMMEDIATE_DEBIT"
	preliminary = "RESERVATION_REQUIRED_PRELIMINARY_AMOUNT"
	tenMinutes  = "<commitReservationTimeout>600</commitReservationTimeout>"
)

// send makes an invoice of the test terminal.
func (s stranger) send(mode, clientID, total, extra string) string {
	s.Helper()
	if mode == preliminary && !strings.Contains(extra, "commitReservationTimeout") {
		extra += tenMinutes
	}
	return s.must("sendInvoice", asTerminal, invoiceOf(mode, clientID, total, extra)).text("invoiceReference")
}

// ask is getPaymentStatus with a version.
func (s stranger) ask(ref string, version int) reply {
	s.Helper()
	return s.must("getPaymentStatus", asTerminal, "<invoiceReference>"+ref+"</invoiceReference><invoiceVersion>"+
		strconv.Itoa(version)+"</invoiceVersion>")
}

func (s stranger) on(op, ref, inner string) reply {
	s.Helper()
	return s.call(op, asTerminal, "<invoiceReference>"+ref+"</invoiceReference>"+inner)
}

func (s stranger) commit(ref, amount string) reply {
	s.Helper()
	return s.call("commitReservation", asTerminal, amountOf("amount", amount)+"<invoiceReference>"+ref+
		"</invoiceReference>")
}

func (s stranger) refund(ers, amount string) reply {
	s.Helper()
	return s.call("refundPayment", asTerminal, "<ersReference>"+ers+"</ersReference><invoice><title>Refund</title>"+
		amountOf("totalAmount", amount)+"</invoice>")
}

func (s stranger) pin(ref string) glasetest.Invoice {
	s.Helper()
	i, err := s.Confirm(ref, "1234")
	if err != nil {
		s.Fatal(err)
	}
	return i
}

// paid is an acknowledged payment and its ersReference.
func (s stranger) paid(clientID, total string) (ref, ers string) {
	s.Helper()
	ref = s.send(debit, clientID, total, "")
	s.pin(ref)
	ers = s.ask(ref, 0).text("ersReference")
	if ers == "" {
		s.Fatal("a payment without an ersReference")
	}
	return ref, ers
}

func (s stranger) register() (context string) {
	s.Helper()
	id := s.must("registerTerminal", asReseller,
		"<externalTerminalId>7</externalTerminalId><password>secret</password><name>Kiosk</name>").text("terminalId")
	return contextOf("TERMINALID", id, "", "secret")
}

func (s stranger) status(ref string, want glasetest.Status) {
	s.Helper()
	i, err := s.Invoice(ref)
	if err != nil || i.Status != want {
		s.Errorf("the invoice is %s (%v), want %s", i.Status, err, want)
	}
}

// balanced says what a customer's money must look like for an invoice.
func (s stranger) balanced(ref, held, paid string) {
	s.Helper()
	h, p := s.Balance(ref)
	if h.Decimal() != held || p.Decimal() != paid {
		s.Errorf("held %s, paid %s; want %s and %s", h.Decimal(), p.Decimal(), held, paid)
	}
}

func (s stranger) faulty(f glasetest.Faults) {
	s.Helper()
	if err := s.SetFaults(f); err != nil {
		s.Fatal(err)
	}
}

// json posts to the phone or the faults, or gets with a nil body.
func (s stranger) json(method, path string, body any) (int, map[string]any) {
	s.Helper()
	var in io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			s.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, "http://glase.test"+path, in)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		s.Fatalf("%s %s: HTTP %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, out
}

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
