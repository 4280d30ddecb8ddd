package glasetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"kioskd/internal/money"
)

const (
	// upsPatience is how long UPS waits for a kiosk's createPurchase.
	upsPatience = 10 * time.Second
	// notifyPatience is how long a notification waits for its 200.
	notifyPatience = 10 * time.Second
	// outgoingMax bounds the notifications under way; one above it is lost, as notifications may be.
	outgoingMax = 1000
	// replyMax bounds what is read of a kiosk's answer.
	replyMax = 64 << 10
)

// notify sends the hint that an invoice has changed: an empty POST. The caller holds the lock; the sending is apart.
func (g *Glase) notify(i *invoice) {
	if i.notify == "" {
		return
	}
	_, wrong := g.draw(opNotification)
	times, delay := 1, time.Duration(0)
	if wrong != nil {
		switch wrong.Fault {
		case "missing":
			return
		case "doubled":
			times = 2
		case "late":
			delay = time.Duration(wrong.Delay)
		}
	}
	to := i.notify
	for range times {
		if g.closed || g.outgoing >= outgoingMax {
			return
		}
		g.outgoing++
		g.work.Go(func() {
			g.wait(delay)
			err := g.postNotification(to)
			defer g.enter()()
			g.outgoing--
			if err != nil {
				g.logf("notification: %v", err)
			}
		})
	}
}

func (g *Glase) postNotification(to string) error {
	ctx, cancel := context.WithTimeout(g.ctx, notifyPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, http.NoBody)
	if err != nil {
		return errors.New("the notificationUrl cannot be called")
	}
	resp, err := g.out.Do(req)
	if err != nil {
		return errors.New("the kiosk cannot be reached")
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, replyMax))
	_ = resp.Body.Close()
	return nil
}

// scanMachine plays the unattended payments service: it asks the kiosk for an invoice and shows it to the phone.
func (g *Glase) scanMachine(ctx context.Context, s Scan, q url.Values) (Invoice, error) {
	if s.Amount == (money.Amount{}) {
		s.Amount, _ = money.Parse(DefaultAmount, DefaultCurrency)
	}
	leave := g.enter()
	to := g.ups[q.Get("t")]
	var wrong *Fault
	if to != "" && q.Get("w") != "" {
		_, wrong = g.draw(opCreatePurchase)
	}
	leave()
	if to == "" || q.Get("w") == "" {
		return Invoice{}, &PhoneError{Code: UnknownQR, Message: "no machine of that token is known here"}
	}
	body, err := json.Marshal(struct {
		Token    string          `json:"token"`
		Amount   json.RawMessage `json:"amount"` // 20.00, not 20
		Currency string          `json:"currency"`
		MSISDN   string          `json:"msisdn"`
	}{q.Get("t"), json.RawMessage(s.Amount.Decimal()), s.Amount.Currency, s.MSISDN})
	if err != nil {
		return Invoice{}, &PhoneError{Code: SystemFailure, Message: "the request cannot be written"}
	}
	times := 1
	if wrong != nil {
		switch wrong.Fault {
		case "missing":
			return Invoice{}, &PhoneError{Code: SystemFailure, Message: "createPurchase was lost on the way"}
		case "doubled":
			times = 2
		case "late":
			if !g.wait(time.Duration(wrong.Delay)) {
				return Invoice{}, closed()
			}
		}
	}
	var ref string
	var bad *PhoneError
	for range times {
		ref, bad = g.createPurchase(ctx, to, body)
	}
	if bad != nil {
		return Invoice{}, bad
	}
	defer g.enter()()
	i := g.invoices[ref]
	if i == nil {
		return Invoice{}, &PhoneError{Code: SystemFailure,
			Message: "the kiosk answered with an invoice that Glase does not have"}
	}
	return g.seen(i, s), nil
}

func (g *Glase) createPurchase(ctx context.Context, to string, body []byte) (string, *PhoneError) {
	ctx, cancel := context.WithTimeout(ctx, upsPatience)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	failed := func(why string) (string, *PhoneError) { return "", &PhoneError{Code: SystemFailure, Message: why} }
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return failed("the kiosk's address cannot be called")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	resp, err := g.out.Do(req)
	if err != nil {
		return failed("the kiosk did not answer createPurchase")
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, replyMax))
	var said struct {
		Reference string `json:"invoiceReferenceId"`
		ErrorCode string `json:"errorCode"`
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return failed("the kiosk answered createPurchase with " + resp.Status)
	case err != nil || json.Unmarshal(raw, &said) != nil:
		return failed("the kiosk's answer to createPurchase is no JSON")
	case said.ErrorCode != "":
		return "", &PhoneError{Code: said.ErrorCode}
	case said.Reference == "":
		return failed("the kiosk's answer to createPurchase has neither invoiceReferenceId nor errorCode")
	}
	return said.Reference, nil
}
