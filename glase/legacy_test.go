package glase_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/money"
)

// TestTheOlderEndpointsAnswerToo: clients in the field still have them in their configs.
func TestTheOlderEndpointsAnswerToo(t *testing.T) {
	g := glasetest.New(glasetest.Config{})
	defer g.Close()
	server := httptest.NewServer(g)
	defer server.Close()
	for _, path := range []string{"/soap/merchant/cashregister-2", "/extclientproxy/service",
		"/extclientproxy/service/v2"} {
		c, err := glase.New(glase.Config{Endpoint: server.URL + path, TerminalID: glasetest.TestTerminal,
			Password: glasetest.TestTerminalPassword, ClientID: "Test AB", NewReference: func() string { return "r" },
			Timeout: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		total := money.Amount{Minor: 1500, Currency: "SEK"}
		sent, err := c.SendInvoice(t.Context(), glase.Invoice{PaymentMode: glase.ImmediateDebit,
			AcknowledgmentMode: glase.NoAcknowledgment, IssueDate: time.Unix(1e9, 0), Title: "Test", Total: total,
			ClientInvoiceID: "i" + path[len(path)-2:],
			Rows:            []glase.InvoiceRow{{Description: "Water", Quantity: 1, Total: total}}})
		if err != nil || sent.Reference == "" {
			t.Errorf("%s: %+v, %v", path, sent, err)
		}
		c.Close()
		got, err := server.Client().Get(server.URL + path + "?wsdl")
		if err != nil || got.StatusCode != 200 {
			t.Errorf("%s?wsdl: %v, %v", path, got, err)
			continue
		}
		got.Body.Close()
	}
}
