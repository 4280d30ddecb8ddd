package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// issued is a certificate and its key, as PEM.
type issued struct{ cert, key []byte }

// issue makes a certificate that is its own authority.
func issue(t *testing.T, serial int64) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "kiosk"},
		DNSNames: []string{"kiosk.test"},
		IsCA:     true, BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().
				Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}
}

// put replaces a file whole, as ACME clients do.
func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// rig is a Server with files and a clock of its own.
type rig struct {
	*Server
	files Files
	now   time.Time
	log   strings.Builder
}

func newRig(t *testing.T, first issued) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{files: Files{Cert: filepath.Join(dir, "c.pem"), Key: filepath.Join(dir, "k.pem")}, now: time.Now()}
	put(t, r.files.Cert, first.cert)
	put(t, r.files.Key, first.key)
	var err error
	r.Server, err = New("[ups] tls_cert", r.files, func() time.Time { return r.now }, zerolog.New(&r.log))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// serial is what a client is served: that of the certificate, or 0 when the handshake fails.
func (r *rig) serial(t *testing.T, client *tls.Config) int64 {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer there.Close()
		c := tls.Server(there, r.Config())
		if c.Handshake() == nil {
			_, _ = c.Write([]byte("x"))
		}
	})
	defer wg.Wait()
	defer here.Close()
	client = client.Clone()
	client.InsecureSkipVerify = true
	c := tls.Client(here, client)
	// the first byte shows that the server has taken the client's certificate too
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return 0
	}
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	r := newRig(t, issue(t, 1))
	if got := r.serial(t, &tls.Config{}); got != 1 {
		t.Fatalf("served %d", got)
	}
	second := issue(t, 2)
	put(t, r.files.Cert, second.cert)
	put(t, r.files.Key, second.key)
	if got := r.serial(t, &tls.Config{}); got != 1 {
		t.Errorf("the files were looked at again at once: served %d", got)
	}
	r.now = r.now.Add(lookEvery)
	if got := r.serial(t, &tls.Config{}); got != 2 {
		t.Errorf("%v after it was renewed, %d is served", lookEvery, got)
	}
	if leaf, err := r.State(); err != nil || leaf.SerialNumber.Int64() != 2 {
		t.Errorf("the state is %v, %v", leaf.SerialNumber, err)
	}
	third := issue(t, 3)
	put(t, r.files.Cert, third.cert)
	put(t, r.files.Key, third.key)
	if err := r.Reload(); err != nil || r.serial(t, &tls.Config{}) != 3 {
		t.Errorf("after a reload %d is served: %v", r.serial(t, &tls.Config{}), err)
	}
}

func TestABrokenRenewalLeavesTheOldCertificateServedAndSaysSo(t *testing.T) {
	second := issue(t, 2)
	for name, spoil := range map[string]func(*rig){
		"the key is still the old one": func(r *rig) { put(t, r.files.Cert, second.cert) },
		"half written":                 func(r *rig) { put(t, r.files.Cert, second.cert[:200]) },
		"empty":                        func(r *rig) { put(t, r.files.Key, nil) },
		"gone":                         func(r *rig) { os.Remove(r.files.Cert) },
		"a pipe": func(r *rig) {
			os.Remove(r.files.Key)
			if err := syscall.Mkfifo(r.files.Key, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"huge": func(r *rig) { put(t, r.files.Cert, make([]byte, fileMax+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, issue(t, 1))
			spoil(r)
			for range 5 {
				r.now = r.now.Add(lookEvery)
				if got := r.serial(t, &tls.Config{}); got != 1 {
					t.Fatalf("served %d", got)
				}
			}
			if err := r.Reload(); err == nil {
				t.Error("a reload says that all is well")
			}
			if leaf, err := r.State(); err == nil || leaf.SerialNumber.Int64() != 1 {
				t.Errorf("the state is %v, %v", leaf.SerialNumber, err)
			}
			if n := strings.Count(r.log.String(), "\n"); n != 1 ||
				!strings.Contains(r.log.String(), "the old one is served") {
				t.Errorf("it was said %d times: %s", n, r.log.String())
			}
			put(t, r.files.Cert, second.cert)
			put(t, r.files.Key, second.key)
			r.now = r.now.Add(lookEvery)
			if got := r.serial(t, &tls.Config{}); got != 2 {
				t.Errorf("once it was whole, %d is served", got)
			}
			if _, err := r.State(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNobodyWithoutTheAuthoritysCertificateGetsIn(t *testing.T) {
	r := newRig(t, issue(t, 1))
	glase, stranger := issue(t, 7), issue(t, 8)
	r.files.ClientCA = filepath.Join(filepath.Dir(r.files.Cert), "ca.pem")
	put(t, r.files.ClientCA, glase.cert)
	var err error
	if r.Server, err = New("", r.files, func() time.Time { return r.now }, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	with := func(i issued) *tls.Config {
		pair, err := tls.X509KeyPair(i.cert, i.key)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate,
			error) {
			return &pair, nil
		}}
	}
	if got := r.serial(t, &tls.Config{}); got != 0 {
		t.Error("who had no certificate got in")
	}
	if got := r.serial(t, with(stranger)); got != 0 {
		t.Error("a stranger's certificate got in")
	}
	if got := r.serial(t, with(glase)); got != 1 {
		t.Errorf("Glase was served %d", got)
	}
	put(t, r.files.ClientCA, []byte("not PEM"))
	if err := r.Reload(); err == nil || r.serial(t, with(glase)) != 1 {
		t.Errorf("an authority that cannot be read shut Glase out: %v", err)
	}
}

func TestAKeyThatOthersCanReadIsExposed(t *testing.T) {
	key := filepath.Join(t.TempDir(), "k.pem")
	put(t, key, nil)
	for mode, exposed := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o604: true,
		0o660: true, 0o602: true} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		if err := Exposed(key); (err != nil) != exposed {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

// TestForSomeLetsInWhoShowsNothing, and tells of who shows the authority's certificate; another's is refused all the
// same.
func TestForSomeLetsInWhoShowsNothing(t *testing.T) {
	r := newRig(t, issue(t, 1))
	glase, stranger := issue(t, 7), issue(t, 8)
	r.files.ClientCA, r.files.ForSome = filepath.Join(filepath.Dir(r.files.Cert), "ca.pem"), true
	put(t, r.files.ClientCA, glase.cert)
	var err error
	if r.Server, err = New("", r.files, func() time.Time { return r.now }, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[*issued]int64{nil: 1, &glase: 1, &stranger: 0} {
		c := &tls.Config{}
		if who != nil {
			pair, err := tls.X509KeyPair(who.cert, who.key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		if got := r.serial(t, c); got != want {
			t.Errorf("%v gets %d, want %d", who != nil, got, want)
		}
	}
}
