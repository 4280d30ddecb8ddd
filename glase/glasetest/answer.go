package glasetest

import (
	"encoding/xml"
	"strings"
	"time"

	"kioskd/internal/money"
)

// answer is the return element of any response, its children in the order of the schema: first what every response has,
// then the additions, of which one operation has some.
type answer struct {
	XMLName     xml.Name `xml:"return"`
	Ers         string   `xml:"ersReference,omitempty"`
	Code        Code     `xml:"resultCode"`
	Description string   `xml:"resultDescription"`

	QRCode     string      `xml:"invoiceQRCode,omitempty"`
	Reference  string      `xml:"invoiceReference,omitempty"`
	Status     Status      `xml:"status,omitempty"`
	Receipt    *xmlReceipt `xml:"receipt"`
	Version    *int        `xml:"version"` // required of getPaymentStatus, even when it is refused
	TerminalID string      `xml:"terminalId,omitempty"`
	PeriodID   string      `xml:"transactionPeriodId,omitempty"`
	Report     *xmlReport  `xml:"report"`
}

type xmlReceipt struct {
	TerminalID       string     `xml:"terminalId"`
	PaymentDate      string     `xml:"paymentDate"`
	ClientInvoiceID  string     `xml:"clientInvoiceId,omitempty"`
	InvoiceReference string     `xml:"invoiceReference"`
	PaymentReference string     `xml:"paymentReference"`
	PayerTerminalID  string     `xml:"payerTerminalId,omitempty"`
	ReceiverName     string     `xml:"receiverName"`
	Invoice          xmlInvoice `xml:"invoice"`
}

type xmlInvoice struct {
	Mode     string    `xml:"paymentMode"`
	Ack      string    `xml:"acknowledgmentMode,omitempty"`
	Issued   string    `xml:"issueDate,omitempty"`
	Title    string    `xml:"title,omitempty"`
	ClientID string    `xml:"clientInvoiceId,omitempty"`
	Rows     []xmlRow  `xml:"invoiceRows>invoiceRow"`
	Total    xmlAmount `xml:"totalAmount"`
	Cashier  string    `xml:"cashierId,omitempty"`
	Footer   string    `xml:"footer,omitempty"`
	Back     string    `xml:"backURL,omitempty"`
	Notify   string    `xml:"notificationUrl,omitempty"`
}

type xmlRow struct {
	Description string     `xml:"itemDescription,omitempty"`
	Discount    *xmlAmount `xml:"itemDiscount"`
	EAN         string     `xml:"itemEAN,omitempty"`
	Quantity    string     `xml:"itemQuantity,omitempty"`
	SKU         string     `xml:"itemSKU,omitempty"`
	TaxRate     string     `xml:"itemTaxRate,omitempty"`
	Total       xmlAmount  `xml:"itemTotalAmount"`
	Unit        string     `xml:"itemUnit,omitempty"`
	UnitPrice   *xmlAmount `xml:"itemUnitPrice"`
}

type xmlAmount struct {
	Currency string `xml:"currency"`
	Value    string `xml:"value"`
}

type xmlReport struct {
	Title    string `xml:"title"`
	MimeType string `xml:"mimeType"`
	Content  string `xml:"content"` // base64 of String
	String   string `xml:"contentString"`
}

func amountXML(a money.Amount) xmlAmount { return xmlAmount{a.Currency, a.Decimal()} }

func optionalXML(a money.Amount) *xmlAmount {
	if a == (money.Amount{}) {
		return nil
	}
	x := amountXML(a)
	return &x
}

// receiptOf is the proof of a payment. Its total is what was charged.
func receiptOf(i *invoice) *xmlReceipt {
	inv := xmlInvoice{Mode: i.mode, Ack: i.ack, Issued: i.issued, Title: i.title, ClientID: i.clientID,
		Total:   amountXML(i.charged),
		Cashier: i.cashier, Footer: i.footer, Back: i.back, Notify: i.notify}
	for _, r := range i.rows {
		inv.Rows = append(inv.Rows, xmlRow{r.description, optionalXML(r.discount), r.ean, r.quantity, r.sku, r.taxRate,
			amountXML(r.total),
			r.unit, optionalXML(r.unitPrice)})
	}
	return &xmlReceipt{TerminalID: i.term.id, PaymentDate: i.paidAt.Format(time.RFC3339), ClientInvoiceID: i.clientID,
		InvoiceReference: i.ref,
		PaymentReference: i.ers, PayerTerminalID: i.payer, ReceiverName: TestReseller, Invoice: inv}
}

// envelope wraps an answer. Only the operation element is in Glase's namespace.
func envelope(op string, ans answer) []byte {
	if op == "getPaymentStatus" && ans.Version == nil {
		ans.Version = new(int)
	}
	inner, err := xml.Marshal(ans)
	if err != nil {
		panic("glasetest: an answer that cannot be written: " + err.Error()) // the types above always can
	}
	return []byte(xml.Header + `<soap:Envelope xmlns:soap="` + soapNS + `"><soap:Body><ns2:` + op +
		`Response xmlns:ns2="` + glaseNS + `">` +
		string(inner) + `</ns2:` + op + `Response></soap:Body></soap:Envelope>`)
}

// faultEnvelope is a SOAP 1.1 Fault; who is "Client" or "Server".
func faultEnvelope(who, why string) []byte {
	var b strings.Builder
	b.WriteString(xml.Header + `<soap:Envelope xmlns:soap="` + soapNS + `"><soap:Body><soap:Fault><faultcode>soap:` +
		who + `</faultcode><faultstring>`)
	_ = xml.EscapeText(&b, []byte(why)) // a strings.Builder never fails
	b.WriteString(`</faultstring></soap:Fault></soap:Body></soap:Envelope>`)
	return []byte(b.String())
}
