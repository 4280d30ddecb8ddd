package glase

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// counted numbers the connections that are opened, and remembers which of them each call came on.
type counted struct {
	mu    sync.Mutex
	conns map[string]int
	calls []int // the number of each call's connection, from 1
}

func (c *counted) handler(answer func(n int, w http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		c.mu.Lock()
		if c.conns == nil {
			c.conns = map[string]int{}
		}
		if c.conns[r.RemoteAddr] == 0 {
			c.conns[r.RemoteAddr] = len(c.conns) + 1
		}
		c.calls = append(c.calls, c.conns[r.RemoteAddr])
		n := len(c.calls)
		c.mu.Unlock()
		answer(n, w)
	})
}

// mayBeKept are the operations that move no money and make nothing: only they go on a connection that another call was
// on.
var mayBeKept = []string{"getPaymentStatus", "submitPaymentReceipt", "executeReport"}

func TestACallThatMovesMoneyHasAConnectionOfItsOwn(t *testing.T) {
	for _, call := range calls() {
		var c counted
		client, _ := served(t, c.handler(func(n int, w http.ResponseWriter) {
			if n == 2 {
				io.WriteString(w, success(call.op))
				return
			}
			io.WriteString(w, success("getPaymentStatus"))
		}))
		ask := func() {
			if _, err := client.GetPaymentStatus(t.Context(), "1", 0); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		if err := call.do(t.Context(), client); err != nil {
			t.Fatalf("%s: %v", call.key, err)
		}
		ask()
		want := []int{1, 2, 1} // and the questions stay on theirs
		if slices.Contains(mayBeKept, call.op) {
			want = []int{1, 1, 1}
		}
		if !slices.Equal(c.calls, want) {
			t.Errorf("%s: on the connections %v, want %v", call.key, c.calls, want)
		}
	}
}

func TestTheRepetitionOfALostCallHasAConnectionOfItsOwn(t *testing.T) {
	// The question on the kept connection is lost: the next ones do not use any twice for a while, and then they do
	// again.
	synctest.Test(t, func(t *testing.T) {
		network := glasetest.NewNetwork(time.Millisecond)
		var c counted
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: c.handler(func(n int, w http.ResponseWriter) {
			if n == 2 {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, success("getPaymentStatus"))
		})}
		var opened atomic.Int64
		cfg := config(Transport(func(ctx context.Context, n, addr string) (net.Conn, error) {
			opened.Add(1)
			return network.DialContext(ctx, n, addr)
		}))
		client := newClient(t, cfg)
		go server.Serve(network)
		defer server.Close()
		defer client.Close()
		conns := []int64{}
		ask := func() {
			_, _ = client.GetPaymentStatus(t.Context(), "1", 0)
			conns = append(conns, opened.Load())
			time.Sleep(time.Second)
		}
		for range 4 {
			ask()
		}
		if want := []int64{1, 1, 2, 3}; !slices.Equal(conns, want) {
			t.Errorf("opened %v, want %v", conns, want)
		}
		time.Sleep(distrustFor)
		conns = nil
		for range 3 {
			ask()
		}
		if want := []int64{4, 4, 4}; !slices.Equal(conns, want) {
			t.Errorf("opened %v a minute later, want %v", conns, want)
		}
	})
}

// TestALostCallIsRepeatedOnAnotherConnectionAtOnce: a front that resets what comes second on a connection costs each
// call one pause at most, whatever the rhythm.
func TestALostCallIsRepeatedOnAnotherConnectionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := glasetest.NewNetwork(time.Millisecond)
		g := glasetest.New(glasetest.Config{})
		defer g.Close()
		if err := g.SetFaults(glasetest.Faults{Front: glasetest.Front{Kind: glasetest.FrontResets}}); err != nil {
			t.Fatal(err)
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute}
		go g.Serve(server, network)
		defer server.Close()
		cfg := config(Transport(network.DialContext))
		cfg.TerminalID, cfg.Password = glasetest.TestTerminal, glasetest.TestTerminalPassword
		client := newClient(t, cfg)
		defer client.Close()
		sent, err := client.SendInvoice(t.Context(), simpleInvoice())
		if err != nil {
			t.Fatal(err)
		}
		lost := 0
		for range 60 {
			if _, err := client.GetPaymentStatus(t.Context(), sent.Reference, 0); err != nil {
				lost++
			}
			time.Sleep(time.Second)
		}
		if lost != 1 {
			t.Errorf("%d of 60 questions were lost", lost)
		}
		start := time.Now()
		if err := client.CancelInvoice(t.Context(), sent.Reference); err != nil ||
			time.Since(start) > 100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAConnectionThatWasSilentForLongIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := glasetest.NewNetwork(time.Millisecond)
		server := &http.Server{ReadHeaderTimeout: time.Minute,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, success("getPaymentStatus"))
			})}
		go server.Serve(network)
		defer server.Close()
		opened := 0
		client := newClient(t, config(Transport(func(ctx context.Context, n, addr string) (net.Conn, error) {
			opened++
			return network.DialContext(ctx, n, addr)
		})))
		defer client.Close()
		for _, silence := range []time.Duration{0, time.Second, 3 * time.Second, idleMax + time.Second} {
			time.Sleep(silence)
			if _, err := client.GetPaymentStatus(t.Context(), "1", 0); err != nil {
				t.Fatal(err)
			}
		}
		if opened != 2 {
			t.Errorf("%d connections, want one for the questions of a sale, and a new one after a silence", opened)
		}
	})
}

// TestAnotherConnectionIsCheap: it goes on with the TLS session of the one before, without certificates.
func TestAnotherConnectionIsCheap(t *testing.T) {
	var resumed []bool
	var mu sync.Mutex
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		resumed = append(resumed, r.TLS.DidResume)
		io.WriteString(w, success("commitReservation"))
	}))
	var bytes [2]atomic.Int64 // to and from the server, of the connection under way
	s.StartTLS()
	defer s.Close()
	transport := newConnections(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return metered{c, &bytes}, err
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for _, t := range []*http.Transport{transport.kept, transport.own} {
		t.TLSClientConfig.RootCAs = roots
	}
	cfg := config(transport)
	cfg.Endpoint = s.URL
	client := newClient(t, cfg)
	var spent []string
	for range 3 {
		if err := client.CommitReservation(t.Context(), "1", sek(5)); err != nil {
			t.Fatal(err)
		}
		spent = append(spent, fmt.Sprintf("%d out, %d in", bytes[0].Swap(0), bytes[1].Swap(0)))
	}
	t.Logf("bytes of a commit with its connection: %v", spent)
	if want := []bool{false, true, true}; !slices.Equal(resumed, want) {
		t.Errorf("resumed %v, want %v", resumed, want)
	}
}

// metered counts what goes through a connection.
type metered struct {
	net.Conn
	bytes *[2]atomic.Int64
}

func (m metered) Write(b []byte) (int, error) {
	n, err := m.Conn.Write(b)
	m.bytes[0].Add(int64(n))
	return n, err
}

func (m metered) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.bytes[1].Add(int64(n))
	return n, err
}

// TestASaleOverRealSocketsIsChargedBehindEachFront: nothing here waits, so each call comes while the connection of the
// answer before it is dying. A question may be lost, and its repetition never; the commit is not lost at all.
func TestASaleOverRealSocketsIsChargedBehindEachFront(t *testing.T) {
	for _, front := range []glasetest.Front{
		{}, {Kind: glasetest.FrontCloses}, {Kind: glasetest.FrontCloses,
			After: glasetest.Duration(20 * time.Millisecond)},
		{Kind: glasetest.FrontCloses, After: glasetest.Duration(500 * time.Millisecond)},
		{Kind: glasetest.FrontHalfCloses},
		{Kind: glasetest.FrontResets}, {Kind: glasetest.FrontForgets},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		g := glasetest.New(glasetest.Config{})
		server := &http.Server{ReadHeaderTimeout: time.Minute}
		ended := make(chan error, 1)
		go func() { ended <- g.Serve(server, l) }()
		if err := g.SetFaults(glasetest.Faults{Front: front}); err != nil {
			t.Fatal(err)
		}
		cfg := config(nil)
		cfg.Endpoint = "http://" + l.Addr().String() + "/soap/merchant/cashregister-2"
		cfg.TerminalID, cfg.Password = glasetest.TestTerminal, glasetest.TestTerminalPassword
		cfg.Timeout = time.Second // of the one question that a NAT swallows
		c := newClient(t, cfg)
		ask := func(reference string) (s PaymentStatus) {
			if s, err = c.GetPaymentStatus(t.Context(), reference, 0); err != nil {
				if s, err = c.GetPaymentStatus(t.Context(), reference, 0); err != nil {
					t.Errorf("%+v: a lost question was repeated, and: %v", front, err)
				}
			}
			return s
		}
		sent, err := c.SendInvoice(t.Context(), simpleInvoice())
		if err != nil {
			t.Fatalf("%+v: %v", front, err)
		}
		ask(sent.Reference)
		if _, err := g.Confirm(sent.Reference, "1234"); err != nil {
			t.Fatal(err)
		}
		ask(sent.Reference)
		final := simpleInvoice()
		final.Total, final.Rows = sek(1500), []InvoiceRow{{Description: "Coke", Quantity: 1, Total: sek(1500)}}
		if err := c.UpdateInvoice(t.Context(), sent.Reference, final); err != nil {
			t.Errorf("%+v: %v", front, err)
		}
		ask(sent.Reference)
		if err := c.CommitReservation(t.Context(), sent.Reference, sek(1500)); err != nil {
			t.Errorf("%+v: %v", front, err)
		}
		if s := ask(sent.Reference); s.Status != Paid {
			t.Errorf("%+v: %s", front, s.Status)
		}
		c.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		g.Close()
	}
}
