package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certify writes a certificate and its key, for 127.0.0.1.
func (r *rig) certify(serial int64) {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		r.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"kiosk.crt": {Type: "CERTIFICATE", Bytes: der}, "kiosk.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(r.dir+"/"+name, pem.EncodeToMemory(block), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// served is the serial number of the certificate at a port.
func (r *rig) served(port string) int64 {
	c, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return 0
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// TestARenewedCertificateIsServedAndSIGHUPEndsNothing is the life of a certificate: served, renewed, half written,
// exposed.
func TestARenewedCertificateIsServedAndSIGHUPEndsNothing(t *testing.T) {
	r := newRig(t)
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	withTLS := strings.Replace(string(text), "\n[ups]\n",
		"\n[ups]\ntls_cert = \"kiosk.crt\"\ntls_key = \"kiosk.key\"\n", 1)
	withTLS = strings.Replace(withTLS, `"http://127.0.0.1:`+r.upsPort+`/seqr"`, `"https://127.0.0.1:`+r.upsPort+
		`/seqr"`, 1)
	if err := os.WriteFile(r.config, []byte(withTLS), 0o644); err != nil {
		t.Fatal(err)
	}
	r.certify(1)
	r.begin("kioskd", "sim-board", "--config", r.config)
	r.until("the board is there", func() bool { _, err := os.Stat(r.dir + "/board"); return err == nil })
	r.start()
	if got := r.served(r.upsPort); got != 1 {
		t.Fatalf("certificate %d is served", got)
	}
	r.certify(2)
	doctor := func(want string) {
		t.Helper()
		if out, e, _ := kioskd(t, "doctor", "--config", r.config); !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s%s", want, out, e)
		}
	}
	if err := r.kiosk.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.until("the new certificate is served", func() bool { return r.served(r.upsPort) == 2 })
	doctor("is the certificate of the file")

	if err := os.WriteFile(r.dir+"/kiosk.key", []byte("-----BEGIN PRI"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := r.kiosk.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	r.until("the log says it", func() bool {
		log, _ := os.ReadFile(r.dir + "/kioskd.log")
		return strings.Contains(string(log), "the old one is served")
	})
	if got := r.served(r.upsPort); got != 2 {
		t.Errorf("a half written key has certificate %d served", got)
	}
	if out, _, exit := kioskd(t, "status", "--config", r.config); exit != 0 ||
		!strings.Contains(out, "the old one is served") {
		t.Errorf("status: exit %d\n%s", exit, out)
	}
	doctor("is not in the files any more (serial 2")

	r.certify(3)
	if err := os.Chmod(r.dir+"/kiosk.key", 0o644); err != nil {
		t.Fatal(err)
	}
	out, e, exit := kioskd(t, "check", "--config", r.config)
	if exit != 1 || !strings.Contains(out+e, "ups.tls_key") || !strings.Contains(out+e, "chmod 640") {
		t.Errorf("check: exit %d\n%s%s", exit, out, e)
	}
	if err := r.kiosk.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.kiosk.Wait(); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
}
