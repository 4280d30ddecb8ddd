// Package client asks a running kioskd at its technicians' port, over the machine's own socket or over HTTP with the
// technicians' token. Errors are sentences for the technician: kioskd's own when it refuses, and what to look at when
// it does not answer.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kioskd/internal/debug/api"
)

const (
	// Within is how long one question may take, from the dialling to the answer's last byte. Follow alone has no end
	// of its own.
	Within = 10 * time.Second

	// SalesMax is the most sales that kioskd tells at once.
	SalesMax = 500

	answerMax = 32 << 20 // bytes: SalesMax sales are some 200 KiB, and the verdicts of a busy year 20 MiB
)

// Client asks one kioskd. Several goroutines may use it at the same time.
type Client struct {
	where string // as a technician would name it
	base  string // of each address
	token string
	ask   http.Client
}

// Socket is a client of the kioskd that listens on a unix socket. It connects when it is asked something.
func Socket(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return open(path, "http://localhost", "", &http.Transport{DialContext: dial})
}

// At is a client of the kioskd at an address like "https://10.0.0.7:8081", with the technicians' token, or "" where
// none is needed. A certificate must be signed by one of the roots; nil: by one of the system's.
func At(address, token string, roots *x509.CertPool) *Client {
	address = strings.TrimSuffix(address, "/")
	return open(address, address, token, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
}

func open(where, base, token string, way *http.Transport) *Client {
	return &Client{where, base, token, http.Client{
		Transport: way,
		// kioskd sends nobody elsewhere, and the token is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Status is how the machine stands.
func (c *Client) Status(ctx context.Context) (s api.Status, err error) {
	return s, c.get(ctx, "/api/status", &s)
}

// Hold lets no new sale begin for some seconds, and says whether the machine stands still.
func (c *Client) Hold(ctx context.Context, seconds int) (still bool, err error) {
	var held api.Held
	return held.Still, c.post(ctx, "/api/hold", api.Hold{Seconds: seconds}, &held)
}

// Page asks for a code that opens the technician's page on a phone; here: in a browser on the machine itself.
func (c *Client) Page(ctx context.Context, here bool) (told api.Page, err error) {
	return told, c.post(ctx, "/api/page", api.Asked{Here: here}, &told)
}

// Ready is nil once the daemon has begun to work on its journal.
func (c *Client) Ready(ctx context.Context) error {
	var s struct {
		Status string `json:"status"`
	}
	return c.get(ctx, "/healthz", &s)
}

// Sales are the newest sales, newest first: limit is from 1 to SalesMax.
func (c *Client) Sales(ctx context.Context, limit int) (all []api.Sale, err error) {
	return all, c.get(ctx, "/api/sales?limit="+strconv.Itoa(limit), &all)
}

// SalesBefore are the newest of the sales that began before the one of that seq.
func (c *Client) SalesBefore(ctx context.Context, seq int64, limit int) (all []api.Sale, err error) {
	return all, c.get(ctx, fmt.Sprintf("/api/sales?limit=%d&before=%d", limit, seq), &all)
}

// InDoubt are those of them that wait for a person.
func (c *Client) InDoubt(ctx context.Context, limit int) (all []api.Sale, err error) {
	return all, c.get(ctx, "/api/sales?state=in_doubt&limit="+strconv.Itoa(limit), &all)
}

// Story is what happened in a sale, oldest first.
func (c *Client) Story(ctx context.Context, sale string) (all []api.Line, err error) {
	return all, c.get(ctx, "/api/sales/"+url.PathEscape(sale)+"/story", &all)
}

// Health is what the machine depends on.
func (c *Client) Health(ctx context.Context) (all []api.Part, err error) {
	return all, c.get(ctx, "/api/health", &all)
}

// Pins are the machine's pins, as they are now.
func (c *Client) Pins(ctx context.Context) (all []api.Pin, err error) {
	return all, c.get(ctx, "/api/pins", &all)
}

// Stock is what is left in each slot.
func (c *Client) Stock(ctx context.Context) (all []api.Stock, err error) {
	return all, c.get(ctx, "/api/stock", &all)
}

// Service is how the technician's act stands that is on, or the last one.
func (c *Client) Service(ctx context.Context) (s api.Service, err error) {
	return s, c.get(ctx, "/api/service", &s)
}

// Vend begins to make one product come out, as a test. After an error it may have begun all the same.
func (c *Client) Vend(ctx context.Context, slot, by string) (b api.Begun, err error) {
	return b, c.post(ctx, "/api/vend", api.Act{Slot: slot, By: by}, &b)
}

// Relay begins to have a slot's relay on: in whole milliseconds, at least one. After an error it may have begun all
// the same.
func (c *Client) Relay(ctx context.Context, slot string, on time.Duration, by string) (b api.Begun, err error) {
	return b, c.post(ctx, "/api/relay", api.Act{Slot: slot, By: by, OnMS: on.Milliseconds()}, &b)
}

// Count records how many products are in a slot: either Left or Add says so.
func (c *Client) Count(ctx context.Context, count api.Act) (n api.Counted, err error) {
	return n, c.post(ctx, "/api/stock", count, &n)
}

// Resolve records a person's verdict on a sale in doubt. When it returns the settling has begun.
func (c *Client) Resolve(ctx context.Context, sale string, v api.Verdict) error {
	return c.post(ctx, "/api/sales/"+url.PathEscape(sale)+"/resolve", v, new(any))
}

// Refund begins to give back a part of a sale that was charged, or all that is left.
func (c *Client) Refund(ctx context.Context, sale string, r api.Refund) error {
	return c.post(ctx, "/api/sales/"+url.PathEscape(sale)+"/refund", r, new(any))
}

// Report is how the books of a period stand: the closing that is on, or the last one, with every sale's verdict.
func (c *Client) Report(ctx context.Context) (r api.Report, err error) {
	return r, c.get(ctx, "/api/report?all=1", &r)
}

// CloseBooks begins to close a period at Glase.
func (c *Client) CloseBooks(ctx context.Context, closing api.Closing) error {
	return c.post(ctx, "/api/report", closing, new(any))
}

// Receipt is what a sale's customer is told in writing: lines of text, or a page.
func (c *Client) Receipt(ctx context.Context, sale string, page bool) (string, error) {
	as := "text"
	if page {
		as = "html"
	}
	text, err := c.answer(ctx, http.MethodGet, "/api/sales/"+url.PathEscape(sale)+"/receipt?as="+as, nil)
	return string(text), err
}

// Print prints a copy of it on the machine's receipt printer.
func (c *Client) Print(ctx context.Context, sale string) error {
	return c.post(ctx, "/api/sales/"+url.PathEscape(sale)+"/print", struct{}{}, new(any))
}

// Accept records a person's word that a journal which lost entries may go on.
func (c *Client) Accept(ctx context.Context, a api.Acceptance) error {
	return c.post(ctx, "/api/journal/accept", a, new(any))
}

// Back puts a machine that the desk took out of service back into it.
func (c *Client) Back(ctx context.Context, a api.Acceptance) error {
	return c.post(ctx, "/api/back", a, new(any))
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.exchange(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.exchange(ctx, http.MethodPost, path, text, into)
}

// exchange makes a request, and reads its answer into one of these.
func (c *Client) exchange(ctx context.Context, method, path string, body []byte, into any) error {
	text, err := c.answer(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s answers what is not understood: is it kioskd, and of this version? %w", c.where, err)
	}
	return nil
}

// answer makes a request, and gives what comes back.
func (c *Client) answer(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ours := fmt.Errorf("no answer from %s within %v: systemctl status kioskd says whether it still runs",
		c.where, Within)
	ctx, cancel := context.WithTimeoutCause(ctx, Within, ours)
	defer cancel()
	res, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax+1))
	switch {
	case err != nil:
		return nil, c.explain(ctx, err)
	case len(text) > answerMax:
		return nil, fmt.Errorf("%s answers more than %d bytes: is it kioskd?", c.where, answerMax)
	}
	return text, nil
}

// send gives an answer of which the body is still to be read, and no refusal.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.ask.Do(r)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	var why api.Refusal
	if json.NewDecoder(io.LimitReader(res.Body, answerMax)).Decode(&why) == nil && why.Error != "" {
		return nil, errors.New(why.Error)
	}
	return nil, fmt.Errorf("kioskd answers %s", res.Status)
}

// explain says what a missing daemon may mean.
func (c *Client) explain(ctx context.Context, err error) error {
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no kioskd answers at %s: is it running with this config? (systemctl status kioskd)", c.where)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may only be asked by kioskd's user and group: try sudo", c.where)
	case errors.As(err, &untrusted):
		return fmt.Errorf("%s shows a certificate that is not trusted here: compare it with [debug] tls_cert: %w",
			c.where, err)
	}
	if late := context.Cause(ctx); errors.Is(ctx.Err(), context.DeadlineExceeded) && late != context.DeadlineExceeded {
		return late // our own time, not the caller's
	}
	return err
}
