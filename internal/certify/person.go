package certify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"kioskd/hw/display"
	"kioskd/internal/money"
)

// Wish is what the person with the phone is asked for.
type Wish struct {
	QR     string
	Amount money.Amount  // what the phone will show; nothing where the phone itself offers an amount
	Within time.Duration // how long is waited for it
}

// Person is who scans and pays. Pay asks for it and does not wait; an error that comes says that it cannot be done.
type Person interface {
	Pay(ctx context.Context, w Wish) <-chan error
}

// Screen asks the person in front of a terminal.
type Screen struct {
	Out    io.Writer
	Colour bool
}

// Pay implements Person: it says what to do.
func (s Screen) Pay(_ context.Context, w Wish) <-chan error {
	said := make(chan error, 1)
	if err := s.say(w); err != nil {
		said <- err
	}
	return said
}

func (s Screen) say(w Wish) error {
	code, err := display.QRLines(w.QR, s.Colour)
	if err != nil {
		return err
	}
	what := "confirm with the PIN"
	if !w.Amount.IsZero() {
		what = fmt.Sprintf("confirm %v with the PIN", w.Amount)
	}
	_, err = fmt.Fprintf(s.Out, "\n%s\n    %s\n\n    NOW: scan the code with the phone and %s. Waiting %s …\n\n", code, w.QR,
		what, seconds(w.Within))
	return err
}

// seconds is a time as people read it.
func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// Phone is glasesim's: it scans and confirms by itself.
type Phone struct {
	URL    string // glasesim's address, like "http://127.0.0.1:9090"
	Client *http.Client
}

const (
	phonePIN  = "1234"   // any is right at glasesim
	answerMax = 64 << 10 // bytes of a phone's answer
)

// Pay implements Person.
func (p Phone) Pay(ctx context.Context, w Wish) <-chan error {
	done := make(chan error, 1) // room for an answer that nobody waits for any more
	go func() { done <- p.pay(ctx, w) }()
	return done
}

func (p Phone) pay(ctx context.Context, w Wish) error {
	scanned, err := p.ask(ctx, "/phone/scan", map[string]string{"qr": w.QR})
	if err != nil {
		return err
	}
	_, err = p.ask(ctx, "/phone/confirm", map[string]string{"invoiceReference": scanned, "pin": phonePIN})
	return err
}

// ask posts to the phone, and gives the invoice's reference.
func (p Phone) ask(ctx context.Context, path string, body map[string]string) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	url := strings.TrimSuffix(p.URL, "/") + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return "", fmt.Errorf("--phone: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.Client.Do(req)
	if err != nil {
		return "", fmt.Errorf("--phone: %w. It is the address of a glasesim", err)
	}
	defer res.Body.Close()
	var answer struct {
		InvoiceReference string `json:"invoiceReference"`
		ErrorCode        string `json:"errorCode"`
		Message          string `json:"message"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, answerMax)).Decode(&answer); err != nil {
		return "", fmt.Errorf("--phone: %s answers HTTP %d, and what is not understood: is it a glasesim? %w", url,
			res.StatusCode, err)
	}
	if answer.ErrorCode != "" || answer.InvoiceReference == "" {
		return "", fmt.Errorf("the phone at %s refuses: %s %s", url, answer.ErrorCode, answer.Message)
	}
	return answer.InvoiceReference, nil
}
