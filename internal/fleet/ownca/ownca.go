// Package ownca is a certificate authority for a small fleet: it makes certificates for the servers of one operator, in
// files, and nothing renews or revokes them but to make them again.
package ownca

import (
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
	"net"
	"time"
)

// Pair is a certificate and its key, as PEM. The key is secret.
type Pair struct{ Cert, Key []byte }

// slack is how far a machine's clock may be behind.
const slack = 24 * time.Hour

// life is how long a server's certificate is good, and rootLife the authority's.
const (
	life     = 5 * 365 * 24 * time.Hour
	rootLife = 20 * 365 * 24 * time.Hour
)

// Make makes an authority.
func Make(name string, now time.Time) (Pair, error) {
	serial, err := serial()
	if err != nil {
		return Pair{}, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-slack),
		NotAfter: now.Add(rootLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	return sign(c, c, key, key)
}

// Server makes a certificate for a server with these names or addresses; the first is how it is called. A peer's is
// also good to call other servers with.
func (p Pair) Server(names []string, peer bool, now time.Time) (Pair, error) {
	if len(names) == 0 {
		return Pair{}, errors.New("ownca: a certificate needs a name")
	}
	root, signer, err := p.open()
	if err != nil {
		return Pair{}, err
	}
	serial, err := serial()
	if err != nil {
		return Pair{}, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, NotBefore: now.Add(-slack),
		NotAfter: now.Add(life), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if peer {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if c.NotAfter.After(root.NotAfter) {
		c.NotAfter = root.NotAfter
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	return sign(c, root, key, signer)
}

// Good finds whether a server's certificate is this authority's, for these names, and good for another month.
func (p Pair) Good(server Pair, names []string, now time.Time) bool {
	const month = 30 * 24 * time.Hour
	block, _ := pem.Decode(server.Cert)
	if block == nil {
		return false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	if _, err := tls.X509KeyPair(server.Cert, server.Key); err != nil {
		return false
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.Cert)
	for _, name := range names {
		_, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now.Add(month)})
		if err != nil {
			return false
		}
	}
	return true
}

// open reads the authority's own pair.
func (p Pair) open() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	cert, _ := pem.Decode(p.Cert)
	secret, _ := pem.Decode(p.Key)
	if cert == nil || secret == nil {
		return nil, nil, errors.New("ownca: the authority's files are no PEM")
	}
	root, err := x509.ParseCertificate(cert.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("ownca: the authority's certificate: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("ownca: the authority's key: %w", err)
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok || !signer.PublicKey.Equal(root.PublicKey) || !root.IsCA {
		return nil, nil, errors.New("ownca: this key and this certificate are not those of one authority")
	}
	return root, signer, nil
}

func serial() (*big.Int, error) {
	const bits = 127
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), bits))
}

func sign(c, by *x509.Certificate, key, signer *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, signer)
	if err != nil {
		return Pair{}, fmt.Errorf("ownca: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("ownca: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}, nil
}
