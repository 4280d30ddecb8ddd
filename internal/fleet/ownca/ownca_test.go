package ownca

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
	"time"
)

func leaf(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	if _, err := tls.X509KeyPair(p.Cert, p.Key); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(p.Cert)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAServersCertificateIsGoodForItsNamesOnly(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	root, err := Make("a fleet", now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := root.Server([]string{"nats-1.example", "192.0.2.7", "2001:db8::7"}, false, now)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := root.Server([]string{"nats-1.example"}, true, now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root.Cert)
	for _, c := range []struct {
		name string
		at   time.Time
		good bool
	}{
		{"nats-1.example", now, true}, {"192.0.2.7", now, true}, {"2001:db8::7", now, true},
		{"nats-1.example", now.Add(-slack), true}, // a clock that is behind
		{"nats-2.example", now, false}, {"192.0.2.8", now, false}, {"", now, true},
		{"nats-1.example", now.Add(life + time.Hour), false}, {"nats-1.example", now.Add(-2 * slack), false},
	} {
		_, err := leaf(t, pair).Verify(x509.VerifyOptions{DNSName: c.name, Roots: roots, CurrentTime: c.at})
		if (err == nil) != c.good {
			t.Errorf("%q at %v: %v", c.name, c.at, err)
		}
	}
	for p, want := range map[*x509.Certificate]bool{leaf(t, pair): false, leaf(t, peer): true} {
		if got := slices.Contains(p.ExtKeyUsage, x509.ExtKeyUsageClientAuth); got != want {
			t.Errorf("%v is good to call others with: %v", p.DNSNames, got)
		}
	}
	for _, c := range []struct {
		names []string
		at    time.Time
		good  bool
	}{
		{[]string{"nats-1.example"}, now, true}, {[]string{"192.0.2.7", "2001:db8::7"}, now, true},
		{[]string{"nats-1.example", "nats-2.example"}, now, false},
		{[]string{"nats-1.example"}, now.Add(life - 24*time.Hour), false}, // it ends soon
	} {
		if root.Good(pair, c.names, c.at) != c.good {
			t.Errorf("%v at %v is good: %v", c.names, c.at, !c.good)
		}
	}
	if root.Good(Pair{pair.Cert, peer.Key}, []string{"nats-1.example"}, now) {
		t.Error("another certificate's key is taken")
	}
	if _, err := pair.Server([]string{"x"}, false, now); err == nil {
		t.Error("a server's certificate makes certificates")
	}
	other, err := Make("another fleet", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Pair{root.Cert, other.Key}).Server([]string{"x"}, false, now); err == nil {
		t.Error("the key of another authority is taken")
	}
	for _, bad := range []Pair{{}, {[]byte("x"), []byte("y")}, {root.Cert, root.Cert}} {
		if _, err := bad.Server([]string{"x"}, false, now); err == nil {
			t.Error("files that hold no authority are taken for one")
		}
	}
	if _, err := root.Server(nil, false, now); err == nil {
		t.Error("a certificate for nobody")
	}
}
