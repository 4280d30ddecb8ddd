package enrol

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// patience is how long a hub may take: slow lines take seconds for each step.
const patience = 60 * time.Second

// Hub is where a machine enrols.
type Hub struct {
	At    string         // https://host or https://host:port
	Roots *x509.CertPool // whom its certificate may be of; nil: the system's authorities
	Now   func() time.Time
}

// Ask sends a request, once, and gives a checked answer. Its errors are for the person who stands there. A repeat with
// the same code and key is answered as the first time, so a lost answer costs nothing.
func (h Hub) Ask(ctx context.Context, r Request) (Answer, error) {
	at, err := h.address()
	if err != nil {
		return Answer{}, err
	}
	if _, err := Plain(r.Code); err != nil {
		return Answer{}, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: h.Roots, Time: h.Now, MinVersion: tls.VersionTLS12},
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a code is shown to nobody but the hub that was named
	}}
	answer, err := client.Do(req)
	if err != nil {
		return Answer{}, h.unreached(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, answerMax+1))
	if err != nil {
		return Answer{}, fmt.Errorf("the hub's answer broke off: %w. Try again with the same code", err)
	}
	if answer.StatusCode != http.StatusOK {
		return Answer{}, refused(answer.StatusCode, b)
	}
	var a Answer
	if err := json.Unmarshal(b, &a); err != nil || len(b) > answerMax {
		return Answer{}, fmt.Errorf("what answers at %s is no kioskhub", h.At)
	}
	if err := a.check(r); err != nil {
		return Answer{}, fmt.Errorf("the hub's answer is not for this machine: %w. Nothing was changed here", err)
	}
	return a, nil
}

// address is where to post to.
func (h Hub) address() (string, error) {
	u, err := url.Parse(h.At)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("%q is no hub's address: write it like https://hub.example.com", h.At)
	}
	u.Path = Path
	return u.String(), nil
}

// unreached says why there is no answer, and what to do about it.
func (h Hub) unreached(err error) error {
	var invalid x509.CertificateInvalidError
	var stranger x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && h.Now().Before(invalid.Cert.NotBefore):
		return fmt.Errorf("this machine's clock says %s, which is before the hub's certificate was made: set the clock "+
			"(timedatectl), or wait until it was set by the network, and try again with the same code",
			h.Now().UTC().Format("2006-01-02 15:04"))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the hub's certificate ended on %s, and this machine's clock says %s: one of them is to be "+
			"renewed or set", invalid.Cert.NotAfter.UTC().Format("2006-01-02"), h.Now().UTC().Format("2006-01-02"))
	case errors.As(err, &stranger):
		return fmt.Errorf("the hub's certificate is of an authority that this machine does not know: bring the "+
			"operator's ca.crt here and name it with --ca (%w)", err)
	case errors.As(err, &name):
		return fmt.Errorf("the hub's certificate is for other names: write the address as the operator does (%w)", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s does not answer within %v: look at this machine's network, and try again with the same code",
			h.At, patience)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("what answers at %s does not speak HTTPS: is the port right?", h.At)
	}
	return fmt.Errorf("%s cannot be reached: %w. Look at the address and at this machine's network, and try again with "+
		"the same code", h.At, err)
}

// refused says why a hub refuses, and what to do about it.
func refused(status int, body []byte) error {
	var r Refusal
	if err := json.Unmarshal(body, &r); err != nil {
		r.Why = ""
	}
	say := map[string]string{
		Unknown: "the hub does not know this code: compare it with what kioskhub enroll printed; a newer code for the " +
			"same machine makes the older ones void",
		Used:    "this code was used already, by another machine or key: have the operator make a new one",
		Expired: "this code is too old: it is good for an hour. Have the operator make a new one",
		Other:   "this code is for another machine: compare [machine] token with the id that the code was made for",
		Taken:   "another machine is in the fleet with this machine's key, so this card is a copy",
		Revoked: "this machine's key was shut out by the operator: have the operator make a new code",
		Often:   "the hub has heard too many wrong codes from here: wait some minutes, and try again",
		Later:   "the hub cannot look the code up now: try again in a minute, with the same code",
		Bad:     "the hub does not understand this machine: are their versions years apart?",
	}[r.Why]
	if say == "" {
		return fmt.Errorf("what answers there is no kioskhub: it says %s", strings.TrimSpace(fmt.Sprint(status, " ",
			http.StatusText(status))))
	}
	if r.Why == Taken || r.Why == Revoked {
		return fmt.Errorf("%w: %s", errKey, say)
	}
	return errors.New(say)
}

// errKey says that another key would do.
var errKey = errors.New("not with this key")
