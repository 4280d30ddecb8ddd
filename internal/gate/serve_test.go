package gate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/grants"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/fleet/relay"
	"kioskd/internal/proof/await"
	"kioskd/internal/proof/broker"
)

// certify writes a certificate that is its own authority, and gives it for a client.
func certify(t *testing.T, serial int64, cert, key string) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "gate"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// browser is a client that shows a certificate, or none, and says nothing of the server's.
func browser(t *testing.T, shows *tls.Certificate, http2 bool) *http.Client {
	config := &tls.Config{InsecureSkipVerify: true}
	if shows != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shows, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestPagesAreForEverybodyAndPurchasesForWhomTheConfigNames.
func TestPagesAreForEverybodyAndPurchasesForWhomTheConfigNames(t *testing.T) {
	s := broker.Plain(t)
	localKiosk(t, s.Address, handler(till{func(string) {}}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page")
	}))
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	certify(t, 1, file("c"), file("k"))
	glase := certify(t, 7, file("ca"), file("ca.key"))
	here, elsewhere := netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("203.0.113.0/24")
	for name, c := range map[string]struct {
		allow   []netip.Prefix
		ca      string
		with    int // the status of a purchase with the certificate
		without int
	}{
		"nothing":                 {nil, "", 200, 200},
		"an address":              {[]netip.Prefix{elsewhere, here}, "", 200, 200},
		"another address":         {[]netip.Prefix{elsewhere}, "", 403, 403},
		"a certificate":           {nil, file("ca"), 200, 403},
		"both":                    {[]netip.Prefix{here}, file("ca"), 200, 403},
		"another, and the second": {[]netip.Prefix{elsewhere}, file("ca"), 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			f := startGate(t, s.Address, func(g *Config) {
				g.TLSCert, g.TLSKey, g.Allow, g.ClientCA = file("c"), file("k"), c.allow, c.ca
			})
			for _, http2 := range []bool{false, true} {
				with, without := browser(t, &glase, http2), browser(t, nil, http2)
				await.Until(t, "a connection", func() bool {
					r, _ := try(without, "GET", f.url+"/healthz", "")
					return r.status == 200
				})
				for client, want := range map[*http.Client]int{with: c.with, without: c.without} {
					for _, path := range []string{"/createPurchase", "/k/K1/createPurchase", "/k/K1/notify/known"} {
						r, err := try(client, "POST", f.url+path, wish("K1", "1"))
						if err != nil || r.status != want {
							t.Errorf("%s, certificate %v: %v %v, want %d", path, client == with, r, err, want)
						}
					}
					if r, err := try(client, "GET", f.url+"/k/K1/s/", ""); err != nil || r.body != "page" {
						t.Errorf("a page: %v %v", r, err)
					}
				}
			}
		})
	}
}

// TestARenewedCertificateIsServed, with HTTP/2 as before.
func TestARenewedCertificateIsServed(t *testing.T) {
	s := broker.Plain(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	certify(t, 1, cert, key)
	f := startGate(t, s.Address, func(g *Config) { g.TLSCert, g.TLSKey = cert, key })
	for serial := range int64(2) {
		resp, err := browser(t, nil, true).Get(f.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.TLS.PeerCertificates[0].SerialNumber.Int64(); got != serial+1 || resp.ProtoMajor != 2 {
			t.Errorf("served %d by %s, want %d", got, resp.Proto, serial+1)
		}
		certify(t, serial+2, cert, key)
		f.hang <- syscall.SIGHUP
		f.hang <- syscall.SIGHUP // it is taken when the first is done
	}
}

// TestWhatIsUnderWayAtTheEndIsAnswered: /healthz says that the gateway ends while it still serves.
func TestWhatIsUnderWayAtTheEndIsAnswered(t *testing.T) {
	s := broker.Plain(t)
	asked, answer := make(chan bool, 1), make(chan bool)
	localKiosk(t, s.Address, handler(till{func(payer string) {
		if payer == "slow" {
			asked <- true
			<-answer
		}
	}}, nil))
	f := startGate(t, s.Address, func(c *Config) { c.Drain, c.AnswerWithin = time.Second, 9*time.Second })
	f.sells("1")
	got := make(chan reply, 1)
	go func() { got <- f.buy("slow") }()
	<-asked
	f.stop()
	await.Until(t, "healthz says so", func() bool {
		r := f.do("GET", "/healthz", "")
		return r.status == 503 && strings.Contains(r.body, "draining")
	})
	if r := f.buy("2"); r.body != `{"invoiceReferenceId":"ref2"}` {
		t.Errorf("who still comes gets %v", r)
	}
	await.Until(t, "it listens no more", func() bool {
		_, err := try(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "GET", f.url+"/healthz", "")
		return err != nil
	})
	close(answer)
	if r := <-got; r.body != `{"invoiceReferenceId":"refslow"}` {
		t.Errorf("the one under way gets %v", r)
	}
}

// TestNobodyIsToldThatNothingCameOfAPurchaseWhileItMay: the server by which a gateway has asked dies, and the kiosk has
// what was asked.
func TestNobodyIsToldThatNothingCameOfAPurchaseWhileItMay(t *testing.T) {
	const life = 2 * time.Second
	s := broker.Plain(t)
	f := startGate(t, s.Address, func(c *Config) { c.AnswerWithin = life })
	nc, err := nats.Connect("nats://" + s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	has := make(chan bool, 1)
	if _, err := nc.Subscribe(protocol.Request("K1", protocol.Purchase), func(*nats.Msg) { has <- true }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "a connection", func() bool { return f.gate.line.now.Load() != nil })
	began, got := time.Now(), make(chan reply, 1)
	go func() { got <- f.buy("1") }()
	<-has
	if err := s.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if took := time.Since(began); !r.unavailable() || took < life {
		t.Errorf("%v after %v: the kiosk may serve it until %v", r, took, life)
	}
}

// TestAServerThatSaysThatItWillEndCostsNobodyAnything: with credentials and TLS, as a fleet has them.
func TestAServerThatSaysThatItWillEndCostsNobodyAnything(t *testing.T) {
	fleet := broker.Cluster(t, 3)
	creds := filepath.Join(t.TempDir(), "gate.creds")
	b, err := fleet.Trust.Credentials(grants.Gateway, "gate-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(creds, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f := startGate(t, "", func(c *Config) {
		c.Servers, c.Credentials, c.CA = strings.Split(fleet.URLs(), ","), creds, fleet.CA
	})
	await.Until(t, "a connection", func() bool { return f.gate.line.now.Load() != nil })
	first := f.gate.line.now.Load().nc.ConnectedAddr()
	server := slices.IndexFunc(fleet.Servers, func(s *broker.Server) bool { return s.Address == first })
	other := fleet.Servers[(server+1)%3]
	kiosk, err := func() (*nats.Conn, error) {
		own, err := fleet.Trust.Credentials(grants.Kiosk, "K1")
		if err != nil {
			return nil, err
		}
		return nats.Connect("tls://"+other.Address, append(fleet.Options("K1", own), nats.DontRandomize(),
			nats.IgnoreDiscoveredServers())...)
	}()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kiosk.Close)
	r, err := relay.New(relay.Config{Kiosk: "K1", Prefix: "/seqr", Now: boottime,
		Handler: handler(till{func(string) {}}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, ":\n\n")
				if http.NewResponseController(w).Flush() != nil {
					return
				}
				select {
				case <-time.After(20 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		})})
	if err != nil {
		t.Fatal(err)
	}
	go r.Serve(t.Context(), kiosk)
	f.sells("1")
	resp, err := http.Get(f.url + "/k/K1/s/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var bad, asked atomic.Int64
	stop, over := make(chan bool), make(chan bool)
	go func() {
		defer close(over)
		for {
			select {
			case <-stop:
				return
			default:
			}
			asked.Add(1)
			if r := f.buy("2"); r.body != `{"invoiceReferenceId":"ref2"}` && !strings.Contains(r.body, "IN_USE") {
				bad.Add(1)
				t.Errorf("a purchase: %v", r)
			}
		}
	}()
	if err := fleet.Servers[server].Signal(syscall.SIGUSR2); err != nil { // what "nats-server --signal ldm" sends
		t.Fatal(err)
	}
	await.Until(t, "another server", func() bool {
		k := f.gate.line.now.Load()
		return k != nil && k.nc.ConnectedAddr() != first
	})
	before := asked.Load()
	await.Until(t, "some more are asked", func() bool { return asked.Load() > before+20 })
	close(stop)
	<-over
	for range 20 { // the stream goes on where it was begun
		if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
			t.Fatal("the stream:", err)
		}
	}
	if bad.Load() > 0 {
		t.Errorf("%d of %d purchases were not answered", bad.Load(), asked.Load())
	}
}

// TestTheNumbersAreServedApart, and name nobody.
func TestTheNumbersAreServedApart(t *testing.T) {
	s := broker.Plain(t)
	f := startGate(t, s.Address, nil)
	await.Until(t, "a connection", func() bool { return f.do("GET", "/healthz", "").status == 200 })
	f.buy("+46700000001")
	if r := f.do("GET", "/metrics", ""); r.status != 404 {
		t.Errorf("in front: %v", r)
	}
	w := &recorder{header: http.Header{}}
	f.gate.numbers.ServeHTTP(w, &http.Request{Method: "GET", URL: mustURL("/metrics")})
	for _, want := range []string{`kioskgate_requests_total{kind="purchase",outcome="absent"} 1`,
		"kioskgate_nats_connected 1", "kioskgate_request_seconds_count"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("no %s in %s", want, w.String())
		}
	}
	if strings.Contains(w.String(), "K1") || strings.Contains(w.String(), "4670") {
		t.Error("it names somebody")
	}
}

// TestConnectionsOfOneAddressAreBounded, but for those that the config names.
func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	s := broker.Plain(t)
	for _, named := range []bool{false, true} {
		f := startGate(t, s.Address, func(c *Config) {
			if named {
				c.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
		})
		var all []net.Conn
		for range perCallerMax {
			c, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			all = append(all, c)
		}
		await.Until(t, "all are counted", func() bool { return f.gate.numbers.conns.Load() == perCallerMax })
		_, err := try(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "GET", f.url+"/healthz", "")
		if (err == nil) != named {
			t.Errorf("one more of an address that is named %v: %v", named, err)
		}
		for _, c := range all {
			c.Close()
		}
		await.Until(t, "all are gone", func() bool { return f.gate.numbers.conns.Load() == 0 })
	}
}
