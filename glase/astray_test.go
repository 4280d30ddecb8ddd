package glase

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
)

// steering is what a terminal would obey: it clears the screen, in both spellings, and writes from right to left.
const steering = "a\tb\nc\u009b2J\u0085\u202egnirts \u2066x"

func TestAReferenceLongerThanARequestCarriesIsRefusedWhenItArrives(t *testing.T) {
	long := strings.Repeat("9", 4000)
	status := func(more string) string {
		return envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><status>PAID</status><version>2</version>"+
			more)
	}
	sent := func(ref, qr string) string {
		return envelopeOf("sendInvoice", "<resultCode>0</resultCode><invoiceReference>"+ref+
			"</invoiceReference><invoiceQRCode>"+qr+"</invoiceQRCode>")
	}
	ask := func(t *testing.T, c *Client) error { _, err := c.GetPaymentStatus(t.Context(), "1", 0); return err }
	send := func(t *testing.T, c *Client) error { _, err := c.SendInvoice(t.Context(), simpleInvoice()); return err }
	refund := func(t *testing.T, c *Client) error {
		_, err := c.RefundPayment(t.Context(), "E", Invoice{Total: sek(1)}, false)
		return err
	}
	for what, c := range map[string]struct {
		do   func(*testing.T, *Client) error
		body string
	}{
		"a reference":              {send, sent(long, "")},
		"a reference of 65":        {send, sent(long[:65], "")},
		"a reference with a break": {send, sent("123\n456", "")},
		"a reference with a C1":    {send, sent("123\u009b2J", "")},
		"a reference with a space": {send, sent("123 456", "")},
		"a QR":                     {send, sent("1", long)},
		"a payment's reference":    {ask, status("<ersReference>" + long + "</ersReference>")},
		"a status": {ask, envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><status>"+long+
			"</status><version>2</version>")},
		"a status with a break": {ask, envelopeOf("getPaymentStatus",
			"<resultCode>0</resultCode><status>PA\nID</status><version>2</version>")},
		"a receipt's reference": {ask, status("<receipt><invoiceReference>" + long +
			"</invoiceReference></receipt>")},
		"a receipt's invoice": {ask, status("<receipt><invoice><clientInvoiceId>" + long +
			"</clientInvoiceId></invoice></receipt>")},
		"a refund's reference": {refund,
			envelopeOf("refundPayment", "<resultCode>0</resultCode><ersReference>"+long+"</ersReference>")},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := c.do(t, newClient(t, config(always(200, c.body))))
			var unknown *UnknownError
			var odd *FieldError
			if !errors.As(err, &unknown) || !errors.As(err, &odd) || len(err.Error()) > 200 {
				t.Errorf("%s: %.300v", what, err)
			}
		})
	}
	if err := send(t, newClient(t, config(always(200, sent(long[:64], "HTTP://SEQR.SE/R1"))))); err != nil {
		t.Errorf("a reference of 64 characters: %v", err)
	}
}

func TestNothingOfGlasesTextSteersATerminal(t *testing.T) {
	for what, answer := range map[string]*transport{
		"a refusal": always(200, envelopeOf("getPaymentStatus", "<resultCode>12</resultCode><resultDescription>"+
			steering+"</resultDescription>")),
		"90": always(200, envelopeOf("getPaymentStatus", "<resultCode>90</resultCode><resultDescription>"+
			steering+"</resultDescription>")),
		"a fault": always(500, `<s:Envelope xmlns:s="`+soapSpace+`"><s:Body><s:Fault><faultcode>`+steering+
			`</faultcode><faultstring>`+
			steering+`</faultstring></s:Fault></s:Body></s:Envelope>`),
		"a library's quotation": {answer: func(int, *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("malformed header line: \x1b[2J%s", strings.Repeat(steering, 1000))
		}},
	} {
		var told []string
		cfg := config(answer)
		cfg.Log = func(_ string, _ int, err error) { told = append(told, err.Error()) }
		_, err := newClient(t, cfg).GetPaymentStatus(t.Context(), "1", 0)
		for _, s := range append(told, err.Error()) {
			if len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %.200q", what, s)
			}
		}
	}
	body := envelopeOf("getPaymentStatus",
		"<resultCode>0</resultCode><status>PAID</status><version>2</version><receipt><receiverName>"+steering+
			"</receiverName><invoice><title>"+strings.Repeat(steering, 99)+"</title></invoice></receipt>")
	s, err := newClient(t, config(always(200, body))).GetPaymentStatus(t.Context(), "1", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{s.Receipt.ReceiverName, s.Receipt.Invoice.Title} {
		if len([]rune(text)) > textMax+1 || text == "" ||
			strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%.200q", text)
		}
	}
}

// idle counts how often a client lets go of its connections.
type idle struct {
	*transport
	closed int
}

func (i *idle) CloseIdleConnections() { i.closed++ }

func TestAConnectionWhoseAnswersAreNotOursIsNotUsedAgain(t *testing.T) {
	for what, c := range map[string]struct {
		body string
		want int
	}{
		"the answer to another operation": {success("cancelInvoice"), 1},
		"a fact that cannot be meant": {
			envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><version>1</version>"), 1},
		"no XML":        {"<html>", 1},
		"a good answer": {success("getPaymentStatus"), 0},
		"a refusal":     {result("getPaymentStatus", 12), 0},
	} {
		rt := &idle{transport: always(200, c.body)}
		_, err := newClient(t, config(rt)).GetPaymentStatus(t.Context(), "1", 0)
		if rt.closed != c.want {
			t.Errorf("%s: idle connections closed %d times, want %d; %v", what, rt.closed, c.want, err)
		}
	}
}

func TestTheAnswerToAnotherOperationIsNeverASuccess(t *testing.T) {
	names := map[string]bool{}
	for _, call := range calls() {
		names[call.op] = true
	}
	for _, call := range calls() {
		for other := range names {
			if other == call.op {
				continue
			}
			var err error
			synctest.Test(t, func(t *testing.T) {
				err = call.do(t.Context(), newClient(t, config(always(200, success(other)))))
			})
			var unknown *UnknownError
			if !errors.As(err, &unknown) {
				t.Errorf("%s answered with %s: %v", call.key, other, err)
			}
		}
	}
}
