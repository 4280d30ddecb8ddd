package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/glase"
)

func TestWhatGlaseAnswersShowsTheCredentials(t *testing.T) {
	code := func(n int) error {
		return fmt.Errorf("asked: %w", &glase.ResultError{Op: "getPaymentStatus", Code: n})
	}
	lost := &url.Error{Op: "Post", URL: "http://glase.test/", Err: errors.New("connection refused")}
	for _, c := range []struct {
		answer error
		want   string
	}{
		{code(54), "ok: knows this terminal"}, {code(20), "fail: password_file"},
		{code(37), "fail: 37 INITIATOR_PRINCIPAL_NOT_FOUND"}, {code(29), "fail: "}, {code(21), "fail: "},
		{code(33), "fail: ask Glase about the terminal"}, {code(92), "fail: "}, {code(93), "warn: busy"},
		{code(10), "warn: ask Glase what this code means"},
		{&glase.NotSentError{Op: "x", Err: lost}, "fail: cannot be reached: connection refused"},
		{&glase.UnknownError{Op: "x", Err: lost}, "fail: gave no answer"},
		{fmt.Errorf("glase: x: %w", glase.ErrInvalid), "fail: look at [glase]"},
		{errors.New("no terminal id or password"), "fail: no terminal id"}, {nil, "warn: is this Glase?"},
	} {
		told(t, Glase("http://glase.test/", c.answer, time.Now(), true), c.want)
	}
}

// TestAClockThatKeepsGlaseAwayIsNamedAsTheCause, with its remedy, and the network is not.
func TestAClockThatKeepsGlaseAwayIsNamedAsTheCause(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	server := func(begin, end time.Duration) (problem func(name string) error) {
		p := Pair{Cert: filepath.Join(t.TempDir(), "crt"), Private: filepath.Join(t.TempDir(), "key")}
		certify(t, p, now.Add(begin), now.Add(end))
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Private)
		if err != nil {
			t.Fatal(err)
		}
		return func(name string) error {
			roots := x509.NewCertPool()
			roots.AddCert(pair.Leaf)
			_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, CurrentTime: now, Roots: roots})
			return &glase.NotSentError{Op: "getPaymentStatus",
				Err: &url.Error{Op: "Post", URL: "https://glase.test/",
					Err: &tls.CertificateVerificationError{Err: err}}}
		}
	}
	for _, c := range []struct {
		name       string
		begin, end time.Duration
		synced     bool
		want       string
		clock      bool
	}{
		{"behind", 30 * day, 60 * day, false,
			"fail: the machine's clock is behind: it stands at 2026-11-21 09:00 UTC, and Glase's certificate begins " +
				"2026-12-21 09:00 UTC", true},
		{"behind, the remedy", 30 * day, 60 * day, false, "fail: timedatectl", true},
		{"behind, and set by a wrong server", 30 * day, 60 * day, true, "fail: set by a time server", true},
		{"perhaps ahead", -60 * day, -day, false,
			"fail: ended 2026-11-20 09:00 UTC, and the machine's clock, which nobody checks, stands at 2026-11-21 " +
				"09:00 UTC", true},
		{"over", -60 * day, -day, true, "fail: ended 2026-11-20 09:00 UTC", false},
	} {
		err := server(c.begin, c.end)("kiosk.example.com")
		told(t, Glase("https://glase.test/", err, now, c.synced), c.want)
		if f := Glase("https://glase.test/", err, now, c.synced)[0]; strings.Contains(f.Remedy, "network: ip route") {
			t.Errorf("%s: the network is blamed: %+v", c.name, f)
		}
		if d, ok := Distrusted(err, now, c.synced); !ok || d.Clock != c.clock {
			t.Errorf("%s: %+v, %v", c.name, d, ok)
		}
	}
	told(t, Glase("https://glase.test/", server(-day, day)("other.example.com"), now, true), "fail: another name")
	stranger := &glase.NotSentError{Op: "x", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}
	told(t, Glase("https://glase.test/", stranger, now, true), "fail: ca-certificates")
	if d, ok := Distrusted(errors.New("connection refused"), now, false); ok {
		t.Errorf("an error that is no certificate's: %+v", d)
	}
}

// net is a network with one host on it.
func network(t *testing.T, addr string, h http.HandlerFunc) (Net, string) {
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return Net{Do: client.Do, Lookup: func(context.Context, string) ([]netip.Addr, error) {
		if addr == "" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr(addr)}, nil
	}}, s.URL
}

func TestAnAddressThatGlaseCannotUseIsFound(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	kiosk := func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/seqr/createPurchase") {
			t.Errorf("the doctor asks %s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	ask := func(addr string, h http.HandlerFunc, running bool) []Finding {
		n, u := network(t, addr, h)
		return Public(t.Context(), n, u+"/seqr", running, now)
	}
	told(t, ask("93.184.216.34", kiosk, true), "ok: 93.184.216.34", "ok: is good until", "ok: is a kiosk's")
	told(t, ask("192.168.1.9", kiosk, true), "warn: nobody outside", "ok: is good until", "ok: is a kiosk's")
	told(t, ask("", kiosk, true), "fail: nobody knows the name")
	other := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	told(t, ask("93.184.216.34", other, true), "ok: ", "ok: is good until", "fail: 502 Bad Gateway")
	told(t, ask("93.184.216.34", other, false), "ok: ", "ok: is good until", "ok: no kioskd is running")
	moved := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }
	told(t, ask("93.184.216.34", moved, true), "ok: ", "ok: ", "fail: 302 Found")

	n, u := network(t, "93.184.216.34", kiosk)
	told(t, Public(t.Context(), n, "not a url", true, now), "fail: no URL")
	stranger := n
	stranger.Do = http.DefaultClient.Do
	told(t, Public(t.Context(), stranger, u+"/seqr", true, now), "ok: ", "fail: signed by nobody")
	stranger.Do = func(*http.Request) (*http.Response, error) { return nil, x509.HostnameError{} }
	told(t, Public(t.Context(), stranger, u, true, now), "ok: ", "fail: another name")
	stranger.Do = func(*http.Request) (*http.Response, error) { return nil, errors.New("timeout") }
	told(t, Public(t.Context(), stranger, u, true, now), "ok: ", "warn: mobile data")
	told(t, Public(t.Context(), stranger, u, false, now), "ok: ", "ok: no kioskd is running")
}

func TestACertificateIsRenewedInTime(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	day := 24 * time.Hour
	for _, c := range []struct {
		name        string
		begin, last time.Duration
		host        string
		want        string
	}{
		{"good", -day, 60 * day, "kiosk.example.com", "ok: good until 2027-01-20"},
		{"soon", -day, 20*day + time.Hour, "kiosk.example.com", "warn: in 20 days"},
		{"over", -60 * day, -time.Hour, "kiosk.example.com", "fail: ended 2026-11-21"},
		{"later", day, 60 * day, "kiosk.example.com", "fail: look at the clock"},
		{"another", -day, 60 * day, "shop.example.com",
			"warn: not for the name shop.example.com, but for kiosk.example.com"},
		{"any", -day, 60 * day, "", "ok: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Pair{Key: "ups.tls_cert", Cert: filepath.Join(dir, c.name+".crt"),
				Private: filepath.Join(dir, c.name+".key"), Host: c.host}
			certify(t, p, now.Add(c.begin), now.Add(c.last))
			told(t, Certificates([]Pair{p}, now), c.want)
		})
	}
	told(t, Certificates([]Pair{{Key: "debug.tls_cert", Cert: filepath.Join(dir, "none"), Private: "none"}}, now),
		"fail: cannot be used")
	told(t, Certificates(nil, now))
}

// certify writes a certificate for kiosk.example.com, and its key.
func certify(t *testing.T, p Pair, begin, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kiosk"},
		DNSNames: []string{"kiosk.example.com"}, NotBefore: begin, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{p.Cert: {Type: "CERTIFICATE", Bytes: der},
		p.Private: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
