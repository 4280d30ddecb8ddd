package doctor

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheCertificateThatIsServedIsLookedAtAndNotTheFilesAlone: it was renewed on the disk, and the old one is still
// served.
func TestTheCertificateThatIsServedIsLookedAtAndNotTheFilesAlone(t *testing.T) {
	now, dir := time.Now(), t.TempDir()
	p := Pair{Key: "ups.tls_cert", Cert: filepath.Join(dir, "c.pem"), Private: filepath.Join(dir, "k.pem")}
	certify(t, p, now.Add(-time.Hour), now.Add(5*24*time.Hour))
	old, err := tls.LoadX509KeyPair(p.Cert, p.Private)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Config{Certificates: []tls.Certificate{old}, ClientAuth: tls.RequireAnyClientCert}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // it fails: the doctor has no certificate
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p.Listen = ":" + port
	look := func() []Finding { return Served(t.Context(), []Pair{p, {Key: "debug.tls_cert"}}, now) }
	told(t, look(), "ok: is the certificate of the file") // when it ends is said of the file
	certify(t, p, now.Add(-time.Hour), now.Add(60*24*time.Hour))
	told(t, look(), "fail: is another (serial 1, until", "warn: the certificate ends")
	if err := os.WriteFile(p.Cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told(t, look(), "warn: not in the files any more", "warn: the certificate ends")
	l.Close()
	told(t, look(), "warn: cannot be seen from here")
}
