package glasetest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// fronted serves a Glase on a listener until the test ends, to a client with a transport of net/http's own.
func fronted(t *testing.T, l net.Listener, transport *http.Transport, secret *tls.Config) stranger {
	t.Helper()
	g := glasetest.New(glasetest.Config{})
	server := &http.Server{ReadHeaderTimeout: time.Minute, TLSConfig: secret}
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(server, l) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		g.Close()
	})
	if secret != nil {
		return stranger{t, g, &http.Client{Transport: toTLS{transport}, Timeout: 3 * time.Second}}
	}
	return stranger{t, g, &http.Client{Transport: transport, Timeout: 3 * time.Second}}
}

// toTLS sends to https what was meant for http.
type toTLS struct{ next http.RoundTripper }

func (t toTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "https"
	return t.next.RoundTrip(r)
}

// again cancels an invoice on whatever connection there is, and says whether it was one that had been used.
func (s stranger) again(ref string) (reused bool, err error) {
	s.Helper()
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(s.Context(), trace), "POST", soapURL,
		strings.NewReader(wrap("cancelInvoice", asTerminal+"<invoiceReference>"+ref+"</invoiceReference>")))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, err := s.http.Do(req)
	if err != nil {
		return reused, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return reused, errors.Join(err, resp.Body.Close())
}

const way = 10 * time.Millisecond // what a network in memory takes

// TestEachFrontLosesWhatComesAtTheWrongTime plays each front against net/http's transport, and looks what Glase made of
// the call.
func TestEachFrontLosesWhatComesAtTheWrongTime(t *testing.T) {
	closes, half, resets, forgets := glasetest.FrontCloses, glasetest.FrontHalfCloses, glasetest.FrontResets,
		glasetest.FrontForgets
	for _, k := range []struct {
		kind        string
		after, wait time.Duration // of the front, and of the next call since the answer
		reused      bool          // it goes on the old connection
		want        error         // nil: it is answered
		done        bool
	}{
		{"", 0, time.Second, true, nil, true},
		{closes, 100 * time.Millisecond, 0, true, syscall.ECONNRESET, false},
		{closes, 100 * time.Millisecond, 50 * time.Millisecond, true, syscall.ECONNRESET, false},
		// closed before it arrives
		{closes, 100 * time.Millisecond, 85 * time.Millisecond, true, syscall.ECONNRESET, false},
		{closes, 100 * time.Millisecond, 105 * time.Millisecond, false, nil, true},          // closed, and known
		{half, 100 * time.Millisecond, 50 * time.Millisecond, true, nil, true},              // in time
		{half, 100 * time.Millisecond, 95 * time.Millisecond, true, io.EOF, true},           // done, and no answer
		{half, 100 * time.Millisecond, 200 * time.Millisecond, false, nil, true},            //
		{resets, 100 * time.Millisecond, 50 * time.Millisecond, true, nil, true},            //
		{resets, 100 * time.Millisecond, 20 * time.Second, true, syscall.ECONNRESET, false}, //
		{forgets, 30 * time.Second, 29 * time.Second, true, nil, true},                      //
		{forgets, 30 * time.Second, 31 * time.Second, true, errTimeout, false},              // nobody says a word
	} {
		synctest.Test(t, func(t *testing.T) {
			network := glasetest.NewNetwork(way)
			s := fronted(t, network, &http.Transport{DialContext: network.DialContext}, nil)
			ref := s.send(debit, "a", "15.00", "")
			s.faulty(glasetest.Faults{Front: glasetest.Front{Kind: k.kind, After: glasetest.Duration(k.after)}})
			s.ask(ref, 0)
			time.Sleep(k.wait)
			reused, err := s.again(ref)
			if timeout, ok := err.(net.Error); k.want == errTimeout && ok && timeout.Timeout() {
				err = errTimeout
			}
			if !errors.Is(err, k.want) || k.want == nil && err != nil || reused != k.reused {
				t.Errorf("%s %v, asked after %v: %v, reused %v", k.kind, k.after, k.wait, err, reused)
			}
			time.Sleep(time.Second) // what was sent is there
			want := glasetest.Issued
			if k.done {
				want = glasetest.Canceled
			}
			s.status(ref, want)
			if k.want == nil {
				return
			}
			if reused, err := s.again(ref); reused || err != nil {
				t.Errorf("%s: repeated: %v, reused %v", k.kind, err, reused)
			}
		})
	}
}

var errTimeout = errors.New("timeout")

// TestFrontsWorkOverRealSocketsToo: no clock decides here; a front strikes at once, or long after the next call.
func TestFrontsWorkOverRealSocketsToo(t *testing.T) {
	secure := httptest.NewUnstartedServer(nil) // for its certificate
	secure.StartTLS()
	defer secure.Close()
	for _, secret := range []*tls.Config{nil, secure.TLS} {
		for kind, after := range map[string]string{glasetest.FrontCloses: "300ms", glasetest.FrontResets: "0s"} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
			}}
			if secret != nil {
				transport.DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).
						DialContext(ctx, network, l.Addr().String())
				}
			}
			s := fronted(t, l, transport, secret)
			if status, said := s.json("POST", "/faults", `{"front": {"kind": "`+kind+`", "after": "`+after+
				`"}}`); status != 200 {
				t.Fatal(said)
			}
			ref := s.send(debit, "a", "15.00", "")
			if reused, err := s.again(ref); !reused || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s, TLS %v: %v, reused %v", kind, secret != nil, err, reused)
			}
			s.status(ref, glasetest.Issued)
			if reused, err := s.again(ref); reused || err != nil {
				t.Errorf("%s, TLS %v: repeated: %v, reused %v", kind, secret != nil, err, reused)
			}
		}
	}
}

func TestAFrontLeavesThePhoneAndTheFaultsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := glasetest.NewNetwork(way)
		s := fronted(t, network, &http.Transport{DialContext: network.DialContext}, nil)
		s.faulty(glasetest.Faults{Front: glasetest.Front{Kind: glasetest.FrontResets}})
		for range 5 {
			if status, said := s.json("POST", "/phone/scan", `{"qr": "nonsense"}`); status == 0 {
				t.Error(said)
			}
		}
	})
}

func TestAFrontThatMakesNoSenseIsRefused(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	for _, bad := range []string{
		`{"front": {"kind": "slam"}}`, `{"front": {"kind": "close", "after": "-1ms"}}`,
		`{"front": {"kind": "close", "after": "1h"}}`,
		`{"front": {"after": "1s"}}`, `{"front": {"kind": "close", "after": 100}}`,
		`{"front": {"kind": "close", "after": "100"}}`,
		`{"front": {"kind": "close", "delay": "1s"}}`, `{"front": "close"}`, `{"front": {"kind": "CLOSE"}}`,
		`{"front": [{"kind": "close"}]}`,
	} {
		if status, said := s.json("POST", "/faults", bad); status != 400 || said["errorCode"] != "BAD_REQUEST" ||
			said["message"] == "" {
			t.Errorf("%s: HTTP %d %v", bad, status, said)
		}
	}
	if f := s.Faults(); f.Front != (glasetest.Front{}) {
		t.Errorf("%+v", f.Front)
	}
	status, said := s.json("POST", "/faults", `{"front": {"kind": "forget", "after": "30s"}}`)
	if front, ok := said["front"].(map[string]any); status != 200 || !ok || front["kind"] != "forget" ||
		front["after"] != "30s" {
		t.Errorf("HTTP %d %v", status, said)
	}
}
