package world

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// tampered is a way to Glase on which somebody changes things.
type tampered struct {
	next   http.RoundTripper
	change func(t tampered, r *http.Request, body string) (*http.Response, error)
}

func tamper(change func(t tampered, r *http.Request, body string) (*http.Response, error)) func(
	http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return tampered{next, change} }
}

func (t tampered) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return t.change(t, r, string(body))
}

// send sends the request with this body.
func (t tampered) send(r *http.Request, body string) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return t.next.RoundTrip(r)
}

// reword changes the answer.
func reword(resp *http.Response, err error, old, new string) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(old), []byte(new))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// succeed is what Glase would have said.
func succeed(r *http.Request, operation string) (*http.Response, error) {
	body := fmt.Sprintf(
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><ns2:%sResponse xmlns:ns2="http://external.interfaces.ers.seamless.com/">`+
			`<return><ersReference>1</ersReference><resultCode>0</resultCode><resultDescription>SUCCESS</resultDescription></return></ns2:%[1]sResponse></soap:Body></soap:Envelope>`, operation)
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: r}, nil
}

// amount is commitReservation's, without which Glase charges all that the invoice says.
var amount = regexp.MustCompile(`<amount>.*</amount>`)

// twice starts a motor twice for one vend.
type twice struct{ gpio.PinIO }

func (p twice) Out(l gpio.Level) error {
	if l == gpio.High {
		_ = p.PinIO.Out(gpio.High)
		_ = p.PinIO.Out(gpio.Low)
	}
	return p.PinIO.Out(l)
}

// welded is a relay that never goes off again.
type welded struct{ gpio.PinIO }

func (p welded) Out(l gpio.Level) error {
	if l == gpio.Low {
		return nil
	}
	return p.PinIO.Out(l)
}

func (p welded) Halt() error { return nil }

// dreaming is a sensor that sees a product once in each second in which it is asked.
type dreaming struct {
	gpio.PinIO
	last *time.Time
}

func (p dreaming) WaitForEdge(d time.Duration) bool {
	if d > 0 && time.Since(*p.last) > time.Second {
		*p.last = time.Now()
		return true
	}
	return p.PinIO.WaitForEdge(d)
}

// blind is a sensor that sees nothing.
type blind struct{ gpio.PinIO }

func (p blind) WaitForEdge(d time.Duration) bool {
	time.Sleep(d)
	return false
}

func onPins(change func(gpio.PinIO) gpio.PinIO, names ...string) func(string, gpio.PinIO) gpio.PinIO {
	return func(name string, p gpio.PinIO) gpio.PinIO {
		for _, n := range names {
			if n == name {
				return change(p)
			}
		}
		return p
	}
}

// tries is how many worlds a sabotage may take to be noticed: some need a kill at the right moment.
const tries = 300

func TestTheRefereeCatches(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string // in the violation
	}{
		{"a journal that forgets a motor's item", Options{Forget: 1}, "not on record any more"},
		{"a journal that forgets a sale's end", Options{Forget: 1}, "is open again"},
		{"nobody who starts the kiosk again", Options{NoRestart: true}, "left hanging"},
		{"refunds that are said to be made and are not",
			Options{Flow: "invoice", Transport: tamper(
				func(t tampered, r *http.Request, body string) (*http.Response, error) {
					if strings.Contains(body, "refundPayment>") {
						return succeed(r, "refundPayment")
					}
					return t.send(r, body)
				})}, "the customer has paid 1500, the journal says 0"},
		{"a reservation that is believed before the customer confirms",
			Options{Flow: "reservation", Transport: tamper(
				func(t tampered, r *http.Request, body string) (*http.Response, error) {
					resp, err := t.send(r, body)
					return reword(resp, err, "ISSUED", "RESERVED")
				})}, "starts with 0 covered"},
		{"a commit of all that is reserved, and no refund of the rest",
			Options{Flow: "reservation", Transport: tamper(
				func(t tampered, r *http.Request, body string) (*http.Response, error) {
					for _, operation := range []string{"updateInvoice", "refundPayment"} {
						if strings.Contains(body, operation+">") {
							return succeed(r, operation)
						}
					}
					return t.send(r, amount.ReplaceAllString(body, ""))
				})}, "is right"},
		{"a motor that is started twice", Options{
			Pin: onPins(func(p gpio.PinIO) gpio.PinIO { return twice{p} }, "GPIO17", "GPIO22")}, "twice for one item"},
		{"a relay that stays on", Options{Pin: onPins(func(p gpio.PinIO) gpio.PinIO { return welded{p} }, "GPIO17",
			"GPIO22")}, "is on"},
		{"a sensor that sees what is not there",
			Options{Pin: onPins(func(p gpio.PinIO) gpio.PinIO { return dreaming{p, new(time.Time)} }, "GPIO27",
				"GPIO23")}, "did not come out"},
		{"a sensor that sees nothing", Options{
			Pin: onPins(func(p gpio.PinIO) gpio.PinIO { return blind{p} }, "GPIO27", "GPIO23")},
			"past a sensor that works"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			for seed := uint64(1); seed <= tries; seed++ {
				for _, v := range Play(t, seed, c.o).Violations {
					if strings.Contains(v, c.want) {
						t.Logf("seed=%d: %s", seed, v)
						return
					}
					seen[v] = true
				}
			}
			t.Errorf("not noticed in %d worlds; they had %d other violations: %.1000v", tries, len(seen), seen)
		})
	}
}
