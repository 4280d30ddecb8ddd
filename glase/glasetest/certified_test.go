package glasetest_test

import (
	"strings"
	"testing"

	"kioskd/glase/glasetest"
)

// TestWhatCertificationSendsBackIsRefused: each request is right but for one thing, and without Certify it passes.
func TestWhatCertificationSendsBackIsRefused(t *testing.T) {
	strict := newStranger(t, glasetest.Config{Certify: true})
	lenient := newStranger(t, glasetest.Config{})
	const context = `<context><channel>WS</channel><clientId>Bar AB</clientId><clientReference>till-1.0-7` +
		`</clientReference><clientRequestTimeout>0</clientRequestTimeout><initiatorPrincipalId><id>` +
		glasetest.TestTerminal + `</id><type>TERMINALID</type></initiatorPrincipalId><password>` +
		glasetest.TestTerminalPassword + `</password></context>`
	const amount = `<currency>SEK</currency><value>15.00</value>`
	const invoice = `<invoice><acknowledgmentMode>NO_ACKNOWLEDGMENT</acknowledgmentMode><title>Bar</title>` +
		`<invoiceRows><invoiceRow><itemQuantity>1</itemQuantity><itemTotalAmount>` + amount +
		`</itemTotalAmount></invoiceRow></invoiceRows><totalAmount>` + amount + `</totalAmount></invoice>`
	const receipt = `<ersReference>1</ersReference><receiptDocument><mimeType>text/html</mimeType>` +
		`<receiptData>PHA+</receiptData></receiptDocument>`
	for _, c := range []struct{ op, whole, is, not, says string }{
		{"sendInvoice", context + invoice, "", "", ""},
		{"sendInvoice", context + invoice, "Bar AB", "", "clientId is missing"},
		{"sendInvoice", context + invoice, "till-1.0-7", "", "clientReference is missing"},
		{"sendInvoice", context + invoice, "till-1.0-7", "123456", "names no product"},
		{"sendInvoice", context + invoice, "till-1.0-7", strings.Repeat("t", 33), "longer than 32"},
		{"sendInvoice", context + invoice, "<clientRequestTimeout>0", "<clientRequestTimeout>3000", "is not 0"},
		{"sendInvoice", context + invoice, "<itemQuantity>1</itemQuantity>", "", "no itemQuantity"},
		{"sendInvoice", context + invoice, "<itemQuantity>1", "<itemQuantity>0", "no itemQuantity"},
		{"sendInvoice", context + invoice, "itemTotalAmount>", "itemUnitPrice>", "no itemTotalAmount"},
		{"sendInvoice", context + invoice, "invoiceRow>", "row>", "no invoiceRow"},
		{"sendInvoice", context + invoice, "NO_ACKNOWLEDGMENT", "", "acknowledgmentMode is missing"},
		{"updateInvoice", context + "<invoiceReference>1</invoiceReference>" + invoice, "", "", ""},
		{"updateInvoice", context + "<invoiceReference>1</invoiceReference>" + invoice, "<itemQuantity>1",
			"<itemQuantity>", "no itemQuantity"},
		{"getPaymentStatus", context + "<invoiceReference>1</invoiceReference><invoiceVersion>0</invoiceVersion>",
			"<invoiceVersion>0</invoiceVersion>", "", "invoiceVersion is missing"},
		{"cancelInvoice", context + "<invoiceReference>1</invoiceReference>", ">1<", "><",
			"invoiceReference is missing"},
		{"submitPaymentReceipt", context + receipt, "", "", ""},
		{"submitPaymentReceipt", context + receipt, "<ersReference>1", "<ersReference>", "ersReference is missing"},
		{"submitPaymentReceipt", context + receipt, "PHA+", "%%%", "is no base64"},
		{"submitPaymentReceipt", context + receipt, "PHA+", "VGFjaw==", "no HTML and no XML"},
		{"submitPaymentReceipt", context + receipt, "text/html", "text/plain", "neither HTML nor XML"},
		{"registerTerminal", context + "<externalTerminalId>7</externalTerminalId><password>p</password><name>n</name>",
			"<password>p</password>", "", "password is missing"},
		{"assignSeqrId", context, "", "", "seqrId is missing"},
		{"executeReport", context, "", "", "reportId is missing"},
		{"refundPayment", context + "<ersReference>1</ersReference>" + invoice, "totalAmount>", "total>",
			"value is missing"},
	} {
		body := c.whole
		if c.is != "" {
			if body = strings.ReplaceAll(c.whole, c.is, c.not); body == c.whole {
				t.Fatalf("%q is not in the %s", c.is, c.op)
			}
		}
		r, err := strict.post(wrap(c.op, body))
		if err != nil || (r.status == 500) != (c.says != "") || !strings.Contains(r.body, c.says) {
			t.Errorf("%s with %q for %q: %v, HTTP %d %s", c.op, c.not, c.is, err, r.status, r.body)
		}
		if r, err := lenient.post(wrap(c.op, body)); err != nil || r.status != 200 {
			t.Errorf("%s with %q for %q, without Certify: %v, HTTP %d %s", c.op, c.not, c.is, err, r.status, r.body)
		}
	}
}
