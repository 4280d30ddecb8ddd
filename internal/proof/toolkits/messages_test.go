package toolkits

// The messages, with their fields in the interface's order: npm's soap sends them as they come.

type principal struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	UserID string `json:"userId,omitempty"`
}

type identification struct {
	Channel   string    `json:"channel"`
	ClientID  string    `json:"clientId"`
	Reference string    `json:"clientReference"`
	Timeout   int       `json:"clientRequestTimeout"`
	Principal principal `json:"initiatorPrincipalId"`
	Password  string    `json:"password"`
}

func terminal(id, password string) identification {
	return identification{"ClientWS", "Test AB", "toolkit", 0, principal{id, "TERMINALID", ""}, password}
}

var (
	testTerminal = terminal("public_test_shop_terminal", "12345678")
	testReseller = identification{"ClientWS", "Test AB", "toolkit", 0,
		principal{"public_test_shop", "RESELLERUSER", "9900"}, "1234"}
)

type amount struct {
	Currency string `json:"currency"`
	Value    string `json:"value"`
}

func kronor(value string) amount { return amount{"SEK", value} }

type invoiceRow struct {
	Description string `json:"itemDescription"`
	Quantity    int    `json:"itemQuantity"`
	Total       amount `json:"itemTotalAmount"`
}

type invoiceRows struct {
	Row []invoiceRow `json:"invoiceRow"`
}

type invoice struct {
	PaymentMode     string      `json:"paymentMode,omitempty"`
	Acknowledgment  string      `json:"acknowledgmentMode"`
	IssueDate       string      `json:"issueDate"`
	Title           string      `json:"title"`
	ClientInvoiceID string      `json:"clientInvoiceId"`
	Rows            invoiceRows `json:"invoiceRows"`
	Total           amount      `json:"totalAmount"`
	CashierID       string      `json:"cashierId"`
	Timeout         int         `json:"commitReservationTimeout,omitempty"`
}

// bill is an invoice of some rows of one kronor amount each.
func bill(mode, id, total string, rows ...string) invoice {
	v := invoice{
		PaymentMode: mode, Acknowledgment: "NO_ACKNOWLEDGMENT", IssueDate: "2026-11-20T12:00:00Z", Title: "Kiosk & Åäö",
		ClientInvoiceID: id,
		Total:           kronor(total), CashierID: "kiosk",
	}
	for _, r := range rows {
		v.Rows.Row = append(v.Rows.Row, invoiceRow{"Räksmörgås <50 g>", 1, kronor(r)})
	}
	return v
}

type sendInvoice struct {
	Context identification `json:"context"`
	Invoice invoice        `json:"invoice"`
}

type ofInvoice struct {
	Context   identification `json:"context"`
	Reference string         `json:"invoiceReference"`
}

type updateInvoice struct {
	Context   identification `json:"context"`
	Reference string         `json:"invoiceReference"`
	Invoice   invoice        `json:"invoice"`
}

type getPaymentStatus struct {
	Context   identification `json:"context"`
	Reference string         `json:"invoiceReference"`
	Version   string         `json:"invoiceVersion"`
}

type commitReservation struct {
	Context   identification `json:"context"`
	Amount    amount         `json:"amount"`
	Reference string         `json:"invoiceReference"`
}

type refundPayment struct {
	Context identification `json:"context"`
	Ers     string         `json:"ersReference"`
	Invoice invoice        `json:"invoice"`
}

type receiptDocument struct {
	MimeType string `json:"mimeType"`
	Data     string `json:"receiptData"`
	Type     string `json:"receiptType"`
}

type submitPaymentReceipt struct {
	Context  identification  `json:"context"`
	Ers      string          `json:"ersReference"`
	Document receiptDocument `json:"receiptDocument"`
}

type registerTerminal struct {
	Context  identification `json:"context"`
	External string         `json:"externalTerminalId"`
	Password string         `json:"password"`
	Name     string         `json:"name"`
}

type assignSeqrID struct {
	Context identification `json:"context"`
	SeqrID  string         `json:"seqrId"`
}

type onlyContext struct {
	Context identification `json:"context"`
}

type entry struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type entries struct {
	Entry []entry `json:"entry"`
}

type parameters struct {
	Parameter entries `json:"parameter"`
}

type markTransactionPeriod struct {
	Context    identification `json:"context"`
	Parameters parameters     `json:"parameters"`
}

type executeReport struct {
	Context    identification `json:"context"`
	ReportID   string         `json:"reportId"`
	Language   string         `json:"language"`
	Parameters parameters     `json:"parameters"`
}
