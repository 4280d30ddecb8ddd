package ups

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// open reports whether the other side has kept a connection. It is for the end of a test: what the other side says is
// lost.
func open(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	timeout, ok := err.(net.Error)
	return err == nil || ok && timeout.Timeout()
}

// TestSilentConnectionsFromOneAddressShutNobodyOut: 4.3 new ones a second, each held for as long as it is let, and
// all at once.
func TestSilentConnectionsFromOneAddressShutNobodyOut(t *testing.T) {
	for name, callers := range map[string]Callers{"by address": {}, "behind a proxy": {OneProxy: true}} {
		synctest.Test(t, func(t *testing.T) {
			m := &machine{}
			p := servePipesTo(t, newHandler(t, m, nil), callers)
			for range connsMax {
				p.dialFrom(t, "198.51.100.7")
			}
			for customer := range 25 {
				for range 13 {
					p.dialFrom(t, "198.51.100.7")
					time.Sleep(time.Second / 4)
				}
				for _, from := range []string{"192.0.2.1", "198.51.100.7"} { // and who shares the address with them
					c := p.dialFrom(t, from)
					postOn(t, c, wish("20.00", msisdn))
					if r := read(t, c); !r.isReference() {
						t.Errorf("%s: customer %d was answered %d %s", name, customer, r.status, r.body)
					}
				}
			}
		})
	}
}

// TestAHandshakeThatIsNeverBegunHoldsNoPlace: eight addresses are silent before TLS, and take all the places there are.
func TestAHandshakeThatIsNeverBegunHoldsNoPlace(t *testing.T) {
	m := &machine{}
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(newHandler(t, m, nil), Callers{})
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	for from := range connsMax / perCallerMax {
		for range perCallerMax + 4 {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+from))}}
			c, err := d.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	}
	client := s.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	for range 25 {
		res, err := client.Post(s.URL+"/seqr/createPurchase", "application/json",
			strings.NewReader(wish("20.00", msisdn)))
		if err != nil {
			t.Fatalf("a customer found no place: %v", err)
		}
		if r := whole(t, res); !r.isReference() {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	}
}

// TestTheOldestThatWaitsGivesWayAndNobodyWhoIsServedDoes: half a header, half a body and the time between two
// requests are waiting.
func TestTheOldestThatWaitsGivesWayAndNobodyWhoIsServedDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		m := &machine{instead: func(context.Context, Purchase) (string,
			ErrorCode) {
			<-answer
			return "20170315072260070", ""
		}}
		p := servePipes(t, newHandler(t, m, nil))
		served := p.dial(t)
		postOn(t, served, wish("20.00", msisdn))
		silent := p.dial(t)
		header := p.dial(t)
		fmt.Fprint(header, "POST /seqr/createPurchase HTTP/1.1\r\nHo")
		body := p.dial(t)
		fmt.Fprint(body, "POST /seqr/createPurchase HTTP/1.1\r\nHost: kiosk\r\nContent-Length: 200\r\n\r\n{")
		between := p.dial(t)
		fmt.Fprint(between, "POST /seqr/notify/unknown HTTP/1.1\r\nHost: kiosk\r\nContent-Length: 0\r\n\r\n")
		if r := read(t, between); r.status != 404 {
			t.Fatalf("answered %d", r.status)
		}
		synctest.Wait() // that refusal closed its connection
		rest := make([]net.Conn, 0, perCallerMax)
		for range perCallerMax - 4 {
			rest = append(rest, p.dial(t))
		}
		other := p.dialFrom(t, "192.0.2.2")
		for n, gone := range []net.Conn{silent, header, body, rest[0]} {
			p.dial(t)
			synctest.Wait()
			if _, err := gone.Read(make([]byte, 1)); err == nil {
				t.Errorf("connection %d, which waited longest, did not give way", n)
			}
		}
		synctest.Wait()
		for n, kept := range append(rest[1:3:3], other) {
			if !open(kept) {
				t.Errorf("connection %d gave way although others waited longer, or had the address in common", n)
			}
		}
		close(answer)
		if r := read(t, served); !r.isReference() {
			t.Errorf("who was served was answered %d %s", r.status, r.body)
		}
	})
}

// TestConnectionsAreBoundedAndComeFreeAgain: when all that there are are served, a new one is let go at once.
func TestConnectionsAreBoundedAndComeFreeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		m := &machine{instead: func(context.Context, Purchase) (string,
			ErrorCode) {
			<-answer
			return "20170315072260070", ""
		}}
		p := servePipes(t, newHandler(t, m, nil))
		for range perCallerMax {
			p.post(t, wish("20.00", msisdn))
		}
		synctest.Wait()
		start := time.Now()
		if _, err := p.dial(t).Read(make([]byte, 1)); err == nil || time.Since(start) != 0 {
			t.Errorf("a connection beyond the bound was not closed at once: %v after %v", err, time.Since(start))
		}
		c := p.dialFrom(t, "192.0.2.2")
		postOn(t, c, "{")
		if r := read(t, c); r.status != 400 {
			t.Errorf("another address was answered %d %s", r.status, r.body)
		}
		close(answer)
		synctest.Wait()
		time.Sleep(writeWithin + idleWithin) // nobody reads the answers
		synctest.Wait()
		if r := read(t, p.post(t, wish("20.00", msisdn))); !r.isReference() {
			t.Errorf("after they were answered: %d %s", r.status, r.body)
		}
	})
}

// TestNeighboursInOneIPv6NetworkAreOneCaller: whoever has one address of a /64 has 2^64 of them.
func TestNeighboursInOneIPv6NetworkAreOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servePipes(t, newHandler(t, &machine{}, nil))
		other := p.dialFrom(t, "2001:db8:0:2::1")
		for n := range connsMax {
			p.dialFrom(t, fmt.Sprintf("2001:db8:0:1::%x", n+1))
		}
		synctest.Wait()
		if !open(other) {
			t.Error("one network took the place of another one's oldest connection")
		}
	})
}

// TestARefusalEndsItsConnectionAndAnAnswerDoesNot: the place is free for somebody else.
func TestARefusalEndsItsConnectionAndAnAnswerDoesNot(t *testing.T) {
	m := &machine{secrets: map[string]bool{secret: true}}
	h := newHandler(t, m, nil)
	closes := func(path, body string) bool {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
		return w.Header().Get("Connection") == "close"
	}
	const purchase = "/seqr/createPurchase"
	if closes(purchase, wish("20.00", msisdn)) || closes("/seqr/notify/"+secret, "") {
		t.Error("an answer ended its connection")
	}
	for _, c := range [][2]string{{purchase, wish("20.00", "4670")}, {purchase, wish("0.01", msisdn+"1")},
		{purchase, "{"}, {purchase, strings.Replace(wish("20.00", msisdn), token, "1", 1)},
		{"/seqr/notify/unknown", ""}, {"/", ""}} {
		if !closes(c[0], c[1]) {
			t.Errorf("a refusal left its connection open: %s %s", c[0], c[1])
		}
	}
}

// TestWithAllowNoneOfAThousandCustomersIsRefusedUnderAThousandForgedCallsASecond: customers come from Glase's
// address, forged calls from elsewhere, right token and all.
func TestWithAllowNoneOfAThousandCustomersIsRefusedUnderAThousandForgedCallsASecond(t *testing.T) {
	const customers, perSecond, forgedPerSecond = 1000, 20, 1000
	synctest.Test(t, func(t *testing.T) {
		var kept atomic.Int64
		m := &machine{}
		h, err := New(Config{Token: token, PathPrefix: "/seqr", Currency: "EUR", Known: true}, m)
		if err != nil {
			t.Fatal(err)
		}
		p := servePipesTo(t, h, Callers{
			Allow:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			Refused: func(netip.Addr) { kept.Add(1) },
		})
		forge := func(n int) {
			here, there := net.Pipe()
			defer here.Close()
			p.conns <- &addressed{there, net.TCPAddr{IP: net.IPv4(198, 51, byte(n>>8), byte(n)), Port: 4000}}
			if _, err := here.Write([]byte("POST")); err == nil {
				t.Error("a forged call was read")
			}
		}
		refused := 0
		for n := range customers {
			for f := range forgedPerSecond / perSecond {
				forge(n*perSecond + f)
			}
			c := p.dialFrom(t, []string{"192.0.2.44", "2001:db8::7"}[n%2])
			postOn(t, c, wish("20.00", fmt.Sprint(46700000000+n)))
			if r := read(t, c); !r.isReference() {
				refused++
			}
			c.Close()
			m.mu.Lock()
			m.customer = "" // served, gone
			m.mu.Unlock()
			time.Sleep(time.Second / perSecond)
		}
		if refused > 0 || kept.Load() != customers*forgedPerSecond/perSecond {
			t.Errorf("%d of %d customers were refused, and %d forged calls kept out", refused, customers, kept.Load())
		}
	})
}

// TestAForgedBurstOnARealSocketRefusesNoCustomer is the same on the kernel's sockets, in little.
func TestAForgedBurstOnARealSocketRefusesNoCustomer(t *testing.T) {
	var kept atomic.Int64
	m := &machine{}
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(newHandler(t, m, nil), Callers{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Refused: func(netip.Addr) { kept.Add(1) },
	})
	s.Start()
	defer s.Close()
	const forgers, each = 4, 250
	var wg sync.WaitGroup
	for range forgers {
		wg.Go(func() {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
			for n := range each {
				c, err := d.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				body := wish("20.00", fmt.Sprint(46700000000+n))
				fmt.Fprintf(c, "POST /seqr/createPurchase HTTP/1.1\r\nHost: k\r\nContent-Length: %d\r\n\r\n%s",
					len(body), body)
				if answer, _ := io.ReadAll(c); len(answer) > 0 {
					t.Errorf("a forged call was answered %s", answer)
				}
				c.Close()
			}
		})
	}
	for range 50 {
		if r := purchase(t, s.URL, wish("20.00", msisdn)); !r.isReference() {
			t.Errorf("the customer was answered %d %s", r.status, r.body)
		}
	}
	wg.Wait()
	if kept.Load() != forgers*each {
		t.Errorf("%d of %d forged calls were kept out", kept.Load(), forgers*each)
	}
}

// TestRefusalsDoNotUseUpTheNewcomersShare: too small amounts, two hundred a second, and then a customer.
func TestRefusalsDoNotUseUpTheNewcomersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		h := newHandler(t, m, nil)
		for second := range 20 {
			for n := range 200 {
				if r := direct(h, wish("0.01", fmt.Sprint(46700000000+n))); !r.isCode(InsufficientFunds) {
					t.Fatalf("too little was answered %s", r.body)
				}
			}
			if r := direct(h, wish("20.00", fmt.Sprint(46800000000+second))); !r.isReference() {
				t.Fatalf("in second %d a customer was answered %s", second, r.body)
			}
			m.mu.Lock()
			m.customer = "" // served, gone
			m.mu.Unlock()
			time.Sleep(4 * time.Second)
		}
		if m.calls() != 20 {
			t.Errorf("the kiosk was asked %d times: forged calls reached its loop", m.calls())
		}
	})
}
