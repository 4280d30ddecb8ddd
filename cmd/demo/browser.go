package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Of what the machine's own page and picture answer.
const (
	answerMax    = 1 << 20 // bytes
	answerWithin = 15 * time.Second
)

// browser is the customer's, on the machine's page: as much of one as a page needs that can do without scripts.
type browser struct {
	client http.Client
	origin string // of the page
	folder string // where it lies
}

// openPage opens the page that the machine's code leads to.
func openPage(ctx context.Context, link string) (*browser, error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{client: http.Client{Jar: jar, Timeout: answerWithin}, origin: u.Scheme + "://" + u.Host,
		folder: link[:strings.LastIndex(link, "/")+1]}
	_, err = b.ask(ctx, http.MethodGet, link, nil)
	return b, err
}

// ask gives what the page answers; anything but 200 is an error.
func (b *browser) ask(ctx context.Context, method, address string, form url.Values) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.origin)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the page: %s: %s", answer.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}

// order chooses a product on the page.
func (b *browser) order(ctx context.Context, slot string) error {
	_, err := b.ask(ctx, http.MethodPost, b.folder+"order", url.Values{"slot": {slot}})
	return err
}

// state is what the page shows.
func (b *browser) state(ctx context.Context) (v struct{ Step, Title, Link string }, err error) {
	body, err := b.ask(ctx, http.MethodGet, b.folder+"state", nil)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(body, &v)
}
