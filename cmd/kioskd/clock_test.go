package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"kioskd/internal/debug/api"
	"kioskd/internal/doctor"
)

// later is a Glase whose certificate begins in 30 days: to this machine it is the same as a clock that is 30 days
// behind. The machine knows who signed it.
func later(t *testing.T) (url string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(30 * 24 * time.Hour)
	c := x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: begin,
		NotAfter: begin.Add(24 * time.Hour),
		IsCA:     true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	known := t.TempDir() + "/ca.crt"
	if err := os.WriteFile(known, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", known)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// TestAClockThatIsBehindIsNamedWhereTheNetworkWasBlamed: by the doctor and by kioskd status.
func TestAClockThatIsBehindIsNamedWhereTheNetworkWasBlamed(t *testing.T) {
	r := newRig(t)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	inProcess := strings.NewReplacer(r.glase, later(t), "\ndevice = ", "\n#device = ").Replace(string(text))
	if err := os.WriteFile(r.config, []byte(inProcess), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _, _ := kioskd(t, "doctor", "--json", "--config", r.config)
	var looked struct{ Findings []doctor.Finding }
	if err := json.Unmarshal([]byte(out), &looked); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	seen := false
	for _, f := range looked.Findings {
		if f.Area == "glase" {
			seen = f.State == doctor.Fail && strings.Contains(f.Says, "clock is behind") &&
				strings.Contains(f.Remedy, "timedatectl")
		}
	}
	if !seen {
		t.Errorf("the doctor says\n%s", out)
	}
	r.start()
	if a := r.post("http://127.0.0.1:"+r.upsPort+"/seqr/createPurchase",
		`{"token": "123456", "msisdn": "46700000001", "amount": "50.00", "currency": "SEK"}`); a["errorCode"] == nil {
		t.Errorf("a purchase that reaches no Glase is answered %v", a)
	}
	out, _, _ = kioskd(t, "status", "--json", "--config", r.config)
	var s struct{ Health []api.Part }
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	parts := map[string]api.Part{}
	for _, p := range s.Health {
		parts[p.Name] = p
	}
	if p := parts["Glase"]; p.OK || !strings.Contains(p.What, "clock is behind") ||
		!strings.Contains(p.Do, "timedatectl") {
		t.Errorf("Glase: %+v", p)
	}
	if p := parts["Clock"]; p.OK || !strings.Contains(p.What, "keeps Glase away") ||
		!strings.Contains(p.Do, "timedatectl") {
		t.Errorf("Clock: %+v", p)
	}
}
