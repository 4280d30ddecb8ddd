// Package ask asks the programs of a proof or a demo what they tell in JSON.
package ask

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	answerMax    = 4 << 20          // bytes of an answer
	answerWithin = 15 * time.Second // a scan waits for the kiosk for up to 10 s
)

// Get asks for what is at a URL.
func Get(ctx context.Context, url string, into any) error {
	return call(ctx, http.MethodGet, url, nil, into)
}

// Post sends a body, and takes the answer.
func Post(ctx context.Context, url string, body any, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return call(ctx, http.MethodPost, url, b, into)
}

// call asks one of the programs something. Anything but 200 is an error; a phone that is refused says so in a 200.
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
