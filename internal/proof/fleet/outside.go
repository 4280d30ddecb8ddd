package fleet

import (
	"context"
	"net/url"

	"kioskd/internal/proof/ask"
)

// What glasesim and kioskd say on their ports, as far as a fleet's proof reads it.

const reseller = "public_test_shop" // the documentation's public test reseller

// Invoice is what the phone shows, or why it shows none.
type Invoice struct {
	Reference string `json:"invoiceReference"`
	Status    string `json:"status"`
	ErrorCode string `json:"errorCode"`
}

// Movement is a line of Glase's ledger.
type Movement struct {
	Terminal string `json:"terminalId"`
	Invoice  string `json:"invoiceReference"`
	Kind     string `json:"kind"` // reserve, release, charge, refund, reversal
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// Phone is a customer's phone, and Glase behind it.
type Phone struct {
	Glase string // the base URL of glasesim
}

// Scan is the phone before a machine: up to amount may be spent.
func (p Phone) Scan(ctx context.Context, kiosk, amount string) (i Invoice, err error) {
	err = ask.Post(ctx, p.Glase+"/phone/scan", map[string]string{
		"qr": codeOf(kiosk), "amount": amount, "currency": currency}, &i)
	return i, err
}

// codeOf is what a machine's QR code says.
func codeOf(kiosk string) string { return "HTTP://SEQR.SE/000/ups?w=" + reseller + "&t=" + kiosk }

// Confirm gives the PIN.
func (p Phone) Confirm(ctx context.Context, invoice string) (i Invoice, err error) {
	err = ask.Post(ctx, p.Glase+"/phone/confirm", map[string]string{"invoiceReference": invoice, "pin": "1234"}, &i)
	return i, err
}

// Invoice is what has become of one.
func (p Phone) Invoice(ctx context.Context, reference string) (i Invoice, err error) {
	err = ask.Get(ctx, p.Glase+"/phone/invoices/"+url.PathEscape(reference), &i)
	return i, err
}

// Ledger is every movement of money, oldest first.
func (p Phone) Ledger(ctx context.Context) (all []Movement, err error) {
	err = ask.Get(ctx, p.Glase+"/ledger", &all)
	return all, err
}
