package glase

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	pauseMin = 250 * time.Millisecond // before the second attempt; doubles from there
	pauseMax = 2 * time.Second
	// notReadyPause is how long the documentation asks to wait for a report.
	notReadyPause = 3 * time.Second
	// attemptMin is the least time that makes another attempt worth while. One that is cut short can turn a certain
	// "not done" into an unknown outcome.
	attemptMin = time.Second
)

// exchange is one call under way: retryablehttp carries its attempts, and asks it after each what to do next.
type exchange struct {
	client  *Client
	op      *operation
	read    func(*answer) // takes the facts of a success
	secrets []string      // this request's own, besides the client's

	carrier retryablehttp.Client
	sender  http.Client
	trace   httptrace.ClientTrace

	connected atomic.Bool // the attempt under way has, or had, a connection
	reused    atomic.Bool // and it was not the first on it
	attempt   int         // attempts that have ended
	unknown   error       // why the first one with an unknown outcome was
	err       error       // the last one's outcome
}

// call sends a finished envelope until the operation's rules, its budget or the context say enough. Secrets are those
// of this request alone.
func (c *Client) call(ctx context.Context, op *operation, e *envelope, read func(*answer), secrets ...string) error {
	body, err := e.finish()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return &NotSentError{op.name, err}
	}
	x := &exchange{client: c, op: op, read: read, secrets: secrets}
	budget := op.budget
	x.sender = http.Client{Transport: c.transport, Timeout: op.timeout(c.cfg.Timeout), CheckRedirect: stay}
	if op.attempts == 1 { // one deadline does for both
		budget, x.sender.Timeout = x.sender.Timeout, 0
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	x.trace.GotConn = x.gotConn
	req, err := c.post(httptrace.WithClientTrace(ctx, &x.trace), body)
	if err != nil {
		return &NotSentError{op.name, err}
	}
	req.Close = !op.kept || !c.trust.kept()
	x.carrier.HTTPClient = &x.sender
	x.carrier.RetryMax = op.attempts - 1
	x.carrier.CheckRetry = x.check
	x.carrier.Backoff = x.pause
	x.carrier.PrepareRetry = x.prepare
	// Each attempt's outcome was taken down by check, and its body read and closed; what Do gives back says nothing
	// more.
	_, _ = x.carrier.Do(req)
	return x.outcome(ctx)
}

// post makes the request, whose body every attempt repeats.
func (c *Client) post(ctx context.Context, body []byte) (*retryablehttp.Request, error) {
	plain := &http.Request{Method: http.MethodPost, URL: c.endpoint, Host: c.endpoint.Host, Header: c.header.Clone()}
	req := &retryablehttp.Request{Request: plain.WithContext(ctx)}
	return req, req.SetBody(body)
}

// stay keeps a redirect's answer: following one would carry the password elsewhere.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (x *exchange) gotConn(i httptrace.GotConnInfo) {
	x.connected.Store(true)
	x.reused.Store(i.Reused)
}

// prepare is retryablehttp's PrepareRetry: another attempt never goes where one before it may have been lost.
func (x *exchange) prepare(req *http.Request) error {
	req.Close = true
	return nil
}

// check is retryablehttp's CheckRetry: it takes down an attempt's outcome and decides about the next.
func (x *exchange) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	x.attempt++
	x.err = x.judge(resp, err)
	x.connected.Store(false)
	again := false
	switch e := x.err.(type) {
	case nil:
		return false, nil
	case *NotSentError:
		again = true
	case *UnknownError:
		again = x.op.repeat
		if x.unknown == nil {
			x.unknown = e.Err
		}
	case *ResultError:
		e.AfterUnknown = x.unknown != nil
		again = e.Code == CodeSystemBusy || e.Code == CodeReportNotReady && x.op.notReady
	}
	if x.client.cfg.Log != nil {
		x.client.cfg.Log(x.op.name, x.attempt, x.err)
	}
	if !again {
		return false, nil
	}
	deadline, _ := ctx.Deadline() // call set one; a context that is over ends the pause at once
	return time.Until(deadline) >= x.pause(0, 0, x.attempt-1, nil)+attemptMin, nil
}

// pause is retryablehttp's Backoff. A server's Retry-After is not asked: it could hold up a customer for hours.
func (x *exchange) pause(_, _ time.Duration, n int, _ *http.Response) time.Duration {
	if e, ok := x.err.(*ResultError); ok && e.Code == CodeReportNotReady {
		return notReadyPause
	}
	return min(pauseMin<<min(n, 10), pauseMax)
}

// outcome is the whole call's: an attempt with an unknown outcome is not undone by a later one that was not sent or
// found the system busy.
func (x *exchange) outcome(ctx context.Context) error {
	if x.attempt == 0 {
		return &NotSentError{x.op.name, context.Cause(ctx)}
	}
	if x.unknown == nil {
		return x.err
	}
	switch e := x.err.(type) {
	case *NotSentError:
		return x.unknownf("%w; the last of %d attempts was not sent", x.unknown, x.attempt)
	case *ResultError:
		if e.Code == CodeSystemBusy {
			return x.unknownf("%w; the last of %d attempts: %s", x.unknown, x.attempt, CodeName(e.Code))
		}
	}
	return x.err
}

func (x *exchange) unknownf(format string, args ...any) error {
	return &UnknownError{x.op.name, fmt.Errorf(format, args...)}
}

// judge says what one attempt came to: nil, a *NotSentError, an *UnknownError or a *ResultError.
func (x *exchange) judge(resp *http.Response, err error) error {
	if err != nil {
		if x.notSent(err) {
			return &NotSentError{x.op.name, err}
		}
		x.client.trust.broken(x.reused.Load())
		return &UnknownError{x.op.name, err}
	}
	body, err := readAll(resp, x.op.bodyMax)
	if err != nil {
		x.client.trust.broken(x.reused.Load())
		return x.unknownf("HTTP %d: %w", resp.StatusCode, err)
	}
	x.client.trust.answered()
	a, err := x.open(resp, body)
	var fault *faultError
	if errors.As(err, &fault) {
		return x.unknownf("HTTP %d: SOAP fault: %s", resp.StatusCode, x.presentable(fault.code+": "+fault.text))
	}
	if resp.StatusCode != http.StatusOK {
		return x.unknownf("HTTP %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	if err != nil {
		return x.astray(err)
	}
	switch code := a.number("resultCode"); {
	case a.err != nil:
		return x.astray(a.err)
	case code == CodeSuccess:
		a.afterUnknown = x.unknown != nil
		if x.read(a); a.err != nil {
			return x.astray(a.err)
		}
		return nil
	case code == CodeSystemError || code == CodeServiceUnavailable:
		return x.unknownf("%d %s: %s", code, CodeName(code), x.presentable(a.text("resultDescription")))
	default:
		return &ResultError{Op: x.op.name, Code: code, Description: x.presentable(a.text("resultDescription"))}
	}
}

// open finds the facts of an answer, and says what it is when it has none.
func (x *exchange) open(resp *http.Response, body []byte) (*answer, error) {
	body, err := decoded(resp.Header, body, x.op.bodyMax, x.presentable)
	if err != nil {
		return nil, err
	}
	a, err := open(x.op.name, body)
	if fault := (*faultError)(nil); err != nil && !errors.As(err, &fault) {
		err = errors.New(x.presentable(err.Error()))
		if what := misread(resp.Header, body, x.presentable); what != "" {
			err = fmt.Errorf("%s (%w)", what, err)
		}
	}
	return a, err
}

// astray is the outcome of an answer that is not one to this request. It may be the one to the request before, and then
// every answer on this connection is: the next request gets another.
func (x *exchange) astray(err error) error {
	x.client.Close() // lets go of idle connections, no more
	return &UnknownError{x.op.name, err}
}

func (x *exchange) presentable(s string) string {
	return presentable(s, slices.Concat(x.secrets, x.client.secrets))
}

// notSent reports whether an attempt certainly ended before there was a connection to send it on.
func (x *exchange) notSent(err error) bool {
	if x.connected.Load() {
		return false
	}
	if x.client.traced {
		return true
	}
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}
