// Package glase speaks Glase's SOAP interface, release 2.6.0: twelve typed operations of a merchant's terminal.
//
// Every method makes one call, which may be several HTTP attempts: retries belong to the operation (see the table in
// operations.go) and carry the very same bytes, clientReference included. A method's error is exactly one of four
// kinds, and a caller that moves money must tell them apart:
//
//   - ErrInvalid: the request was refused here. Nothing was sent.
//   - *NotSentError: no attempt got as far as an open connection. Nothing was sent.
//   - *ResultError: Glase answered with a result code other than 0, which says that it was not done (but see
//     AfterUnknown).
//   - *UnknownError: Glase may or may not have done it. Ask with GetPaymentStatus; never assume.
//
// Only questions, receipts and reports use a connection twice: one that was kept may have died unnoticed, and a call on
// it is lost (see connections.go).
//
// No error and no log line carries a password, and long numbers in texts of the service, which may be phone numbers,
// are blotted out. A Client may be used by many goroutines at once.
package glase

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// attemptTimeout is how long one attempt may take when Config does not say. Glase's documentation wants a question
	// each second and reverses a payment that nobody asks for within 20 s, so a hanging attempt must end soon.
	attemptTimeout = 3 * time.Second
	// statusTimeoutMax is getPaymentStatus's ceiling, whatever Config says.
	statusTimeoutMax = 3 * time.Second
	// attemptTimeoutMax refuses a Timeout that is surely a slip of units.
	attemptTimeoutMax = time.Minute
)

// Reseller is the RESELLERUSER principal, which registers terminals and asks for reports.
type Reseller struct {
	ID       string
	UserID   string // "9900" in every documented example
	Password string
}

// Config says which Glase to speak to and as whom.
type Config struct {
	Endpoint string // the service's full URL, http or https, without user information

	// TerminalID and Password are the TERMINALID principal's. They may be empty while there is no terminal yet and
	// Reseller is given; the operations of a terminal are then ErrInvalid.
	TerminalID, Password string
	// Reseller signs RegisterTerminal, MarkTransactionPeriod and ExecuteReport. Without it those are ErrInvalid.
	Reseller *Reseller

	ClientID string // the company's name, as certification asks; at most 80 characters
	Comment  string // clientComment, optional; at most 80 characters

	// NewReference gives a fresh clientReference of 1 to 32 characters. It is called once for each call and must be
	// safe for concurrent use; the call's retries repeat what it gave.
	NewReference func() string

	// Timeout bounds one attempt, from connecting to the answer's last byte: 3 s when zero, at most a minute.
	// getPaymentStatus never takes longer than 3 s, and executeReport may always take 20 s.
	Timeout time.Duration

	// Transport carries the requests; nil for the Client's own, which the function Transport makes. A request with
	// Close set must get a connection that nobody used before: calls that move money, and the repetitions of lost ones,
	// depend on it. With any other transport than the Client's own a connection attempt that runs into the attempt's
	// timeout counts as unknown, since nobody can say what was sent.
	Transport http.RoundTripper

	// Log, when not nil, is told about each attempt that did not succeed; attempts count from 1. It must be safe for
	// concurrent use. It never sees a password.
	Log func(op string, attempt int, err error)
}

// Client calls Glase. Make it with New.
type Client struct {
	cfg       Config
	endpoint  *url.URL
	header    http.Header
	transport http.RoundTripper
	traced    bool // the transport is known to report when it has a connection
	trust     trust
	secrets   []string
}

// New checks the config and makes a Client. It sends nothing.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Endpoint)
	switch {
	case err != nil: // the error would quote the URL, and with it whatever secret was put there by mistake
		return nil, errors.New("glase: config: Endpoint: not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("glase: config: Endpoint: must be an http or https URL with a host")
	case u.User != nil:
		return nil, errors.New("glase: config: Endpoint: must not hold user information")
	case cfg.NewReference == nil:
		return nil, errors.New("glase: config: NewReference: missing")
	case cfg.TerminalID == "" && cfg.Reseller == nil:
		return nil, errors.New("glase: config: neither a TerminalID nor a Reseller")
	case cfg.Timeout < 0 || cfg.Timeout > attemptTimeoutMax:
		return nil, fmt.Errorf("glase: config: Timeout: must be between 0 and %v", attemptTimeoutMax)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = attemptTimeout
	}
	c := &Client{cfg: cfg, endpoint: u, transport: cfg.Transport, secrets: []string{cfg.Password}}
	c.header = http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "SOAPAction": {`""`}, "User-Agent": {"kioskd"},
		"Accept-Encoding": {"identity"}} // else any coding is welcome (RFC 9110, 12.5.3)
	if cfg.Reseller != nil {
		reseller := *cfg.Reseller // ours, so that a later change outside changes nothing here
		c.cfg.Reseller = &reseller
		c.secrets = append(c.secrets, reseller.Password)
	}
	if c.transport == nil {
		c.transport = newConnections(nil)
	}
	_, c.traced = c.transport.(*connections)

	// What no envelope could carry is refused now rather than with the first customer in front of the machine.
	terminal, reseller := envelope{op: "config"}, envelope{op: "config"}
	if cfg.TerminalID != "" {
		terminal.context(&c.cfg, false, "reference")
	}
	if cfg.Reseller != nil {
		reseller.context(&c.cfg, true, "reference")
	}
	if err := errors.Join(terminal.err, reseller.err); err != nil {
		return nil, err
	}
	return c, nil
}

// Close lets go of idle connections. Calls under way are not disturbed, and the Client stays usable.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
