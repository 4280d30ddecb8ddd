package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// What glasesim and kioskd say on their ports, as far as a fleet's proof reads it.

const (
	reseller     = "public_test_shop" // the documentation's public test reseller
	answerMax    = 4 << 20            // bytes of an answer
	answerWithin = 15 * time.Second   // a scan waits for the kiosk for up to 10 s
)

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
	err = post(ctx, p.Glase+"/phone/scan", map[string]string{
		"qr": codeOf(kiosk), "amount": amount, "currency": currency}, &i)
	return i, err
}

// codeOf is what a machine's QR code says.
func codeOf(kiosk string) string { return "HTTP://SEQR.SE/000/ups?w=" + reseller + "&t=" + kiosk }

// Confirm gives the PIN.
func (p Phone) Confirm(ctx context.Context, invoice string) (i Invoice, err error) {
	err = post(ctx, p.Glase+"/phone/confirm", map[string]string{"invoiceReference": invoice, "pin": "1234"}, &i)
	return i, err
}

// Invoice is what has become of one.
func (p Phone) Invoice(ctx context.Context, reference string) (i Invoice, err error) {
	err = get(ctx, p.Glase+"/phone/invoices/"+url.PathEscape(reference), &i)
	return i, err
}

// Ledger is every movement of money, oldest first.
func (p Phone) Ledger(ctx context.Context) (all []Movement, err error) {
	err = get(ctx, p.Glase+"/ledger", &all)
	return all, err
}

func get(ctx context.Context, url string, into any) error {
	return call(ctx, http.MethodGet, url, nil, into)
}

func post(ctx context.Context, url string, body map[string]string, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return call(ctx, http.MethodPost, url, b, into)
}

// call asks one of the programs something. Anything but 200 is an error.
func call(ctx context.Context, method, url string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, answerMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, url, err)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, bytes.TrimSpace(b))
	case len(b) > answerMax:
		return fmt.Errorf("%s %s: the answer has more than %d bytes", method, url, answerMax)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}
