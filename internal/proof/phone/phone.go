// Package phone is a customer's phone, and a look into Glase's books, at a glasesim that runs in a process of its own.
// The tests of whole processes use it: it knows nothing but what glasesim tells everybody.
package phone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// Shop is the code on the machine of glasesim's public test shop, whose terminal's token is 123456.
	Shop = "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456"

	pin       = "1234"           // any is right
	within    = 15 * time.Second // one answer; glasesim itself waits for the kiosk's
	answerMax = 64 << 20         // bytes: the books of many thousand sales
)

// Phone is at a glasesim's address, like "http://127.0.0.1:8080".
type Phone string

// Movement is a movement of money in Glase's books.
type Movement struct {
	Invoice string `json:"invoiceReference"`
	Kind    string `json:"kind"`   // "reserve", "release", "charge", "refund" or "reversal"
	Amount  string `json:"amount"` // decimal
}

// Scan scans a code, for at most the amount, and gives the invoice's reference. It fails while the machine takes no
// customer.
func (p Phone) Scan(ctx context.Context, code, amount string) (invoice string, err error) {
	var answer struct {
		InvoiceReference string `json:"invoiceReference"`
		ErrorCode        any    `json:"errorCode"`
	}
	err = p.ask(ctx, "/phone/scan", map[string]string{"qr": code, "amount": amount}, &answer)
	if err == nil && answer.InvoiceReference == "" {
		err = fmt.Errorf("phone: the machine refuses with %v", answer.ErrorCode)
	}
	return answer.InvoiceReference, err
}

// Confirm enters the PIN.
func (p Phone) Confirm(ctx context.Context, invoice string) error {
	return p.ask(ctx, "/phone/confirm", map[string]string{"invoiceReference": invoice, "pin": pin}, nil)
}

// Cancel wants nothing after all.
func (p Phone) Cancel(ctx context.Context, invoice string) error {
	return p.ask(ctx, "/phone/cancel", map[string]string{"invoiceReference": invoice}, nil)
}

// Ledger is every movement since glasesim's start, oldest first. That it answers says that glasesim is there.
func (p Phone) Ledger(ctx context.Context) (all []Movement, err error) {
	return all, p.ask(ctx, "/ledger", nil, &all)
}

// ask is GET, or POST with a body. What a phone is refused stands in the answer.
func (p Phone) ask(ctx context.Context, path string, body map[string]string, into any) error {
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
		method = http.MethodPost
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, string(p)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerMax+1))
	switch {
	case err != nil:
		return err
	case len(answer) > answerMax:
		return errors.New("phone: glasesim answers without end")
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("phone: %s answers %.80q: %w", path, answer, err)
	}
	return nil
}
