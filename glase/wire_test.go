package glase

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// statusBytesMax is what the leanest toolkit spends on a status request, HTTP header included.
const statusBytesMax = 820

// served is a Client of its own transport against a real server.
func served(t testing.TB, h http.Handler) (*Client, *httptest.Server) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	cfg := config(nil)
	cfg.Endpoint = s.URL + "/soap/merchant/cashregister-2"
	return newClient(t, cfg), s
}

func TestAStatusRequestIsSmallOnTheWire(t *testing.T) {
	here, there := net.Pipe()
	size := make(chan int, 1)
	go func() {
		defer there.Close()
		var sent bytes.Buffer
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(there, &sent)))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		size <- sent.Len()
		body := success("getPaymentStatus")
		fmt.Fprintf(there, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}()
	cfg := config(Transport(func(context.Context, string, string) (net.Conn, error) { return here, nil }))
	cfg.Endpoint = "http://extdev.seqr.com/soap/merchant/cashregister-2"
	cfg.NewReference = func() string { return "kioskd-1.0.0-0123456789abcdef012" }
	cfg.Password = "N2YFUhKaB1ZSuVF"
	if _, err := newClient(t, cfg).GetPaymentStatus(t.Context(), "20170315072260070", 17); err != nil {
		t.Fatal(err)
	}
	n := <-size
	t.Logf("%d bytes", n)
	if n > statusBytesMax {
		t.Errorf("%d bytes, more than %d", n, statusBytesMax)
	}
}

func TestOneConnectionServesManyCalls(t *testing.T) {
	var conns, n atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch n.Add(1) % 3 {
		case 0:
			w.WriteHeader(500)
			io.WriteString(w, faultBody)
		case 1:
			io.WriteString(w, result("getPaymentStatus", 54))
		default:
			io.WriteString(w, success("getPaymentStatus"))
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	cfg := config(nil)
	cfg.Endpoint = s.URL
	c := newClient(t, cfg)
	for range 9 {
		_, _ = c.GetPaymentStatus(t.Context(), "1", 0)
	}
	if n.Load() != 9 || conns.Load() != 1 {
		t.Errorf("%d calls over %d connections", n.Load(), conns.Load())
	}
}

func TestManyGoroutinesMayShareAClient(t *testing.T) {
	c, _ := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, rest, _ := strings.Cut(string(b), "<invoiceReference>")
		reference, _, _ := strings.Cut(rest, "<")
		io.WriteString(w, envelopeOf("getPaymentStatus", "<resultCode>0</resultCode><status>"+reference+
			"</status><version>1</version>"))
	}))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprint("R", i)
			if s, err := c.GetPaymentStatus(t.Context(), want, 0); err != nil || string(s.Status) != want {
				t.Errorf("%s: %+v, %v", want, s, err)
			}
		})
	}
	wg.Wait()
}

func TestARequestThatNeverLeftIsToldFromOneThatMayHave(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	lost := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer lost.Close()
	for endpoint, want := range map[string]string{
		closed.URL: "notsent",
		strings.Replace(plain.URL, "http", "https", 1): "notsent", // no TLS there
		lost.URL: "unknown",
	} {
		for _, call := range calls() {
			// the others would repeat it for seconds
			if call.op != "getPaymentStatus" && call.op != "registerTerminal" {
				continue
			}
			cfg := config(nil)
			cfg.Endpoint = endpoint
			if err := call.do(t.Context(), newClient(t, cfg)); kindOf(err) != want {
				t.Errorf("%s: %s: %v, want %s", endpoint, call.op, err, want)
			}
		}
	}
}

func TestAConnectionThatNeverOpensIsNotUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(Transport(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done() // a network that swallows every packet
			return nil, ctx.Err()
		}))
		c := newClient(t, cfg)
		start := time.Now()
		if err := c.CommitReservation(t.Context(), "1", sek(5)); kindOf(err) != "notsent" ||
			time.Since(start) > settleBudget {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAServerThatHangsAfterItsHeaderIsCutOff(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "400")
		io.WriteString(w, "<s:Envelope")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer s.Close()
	defer close(release)
	cfg := config(nil)
	cfg.Endpoint, cfg.Timeout = s.URL, 50*time.Millisecond
	c := newClient(t, cfg)
	if _, err := c.GetPaymentStatus(t.Context(), "1", 0); kindOf(err) != "unknown" ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := c.CommitReservation(t.Context(), "1", sek(5)); kindOf(err) != "unknown" {
		t.Error(err)
	}
}

func TestAnEndlessAnswerIsLeftUnread(t *testing.T) {
	var wrote atomic.Int64
	c, s := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for {
			n, err := w.Write(chunk)
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	_, err := c.GetPaymentStatus(t.Context(), "1", 0)
	if kindOf(err) != "unknown" || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
	s.Close() // waits for the handler
	if n := wrote.Load(); n > 32*responseMax {
		t.Errorf("the server could write %d bytes", n)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { followed.Store(true) }))
	defer elsewhere.Close()
	c, _ := served(t, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	if _, err := c.GetPaymentStatus(t.Context(), "1", 0); kindOf(err) != "unknown" || followed.Load() {
		t.Errorf("%v, followed %v", err, followed.Load())
	}
}
