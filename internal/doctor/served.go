package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"kioskd/internal/plainfile"
)

// Served looks at the certificate that each listener of a running kioskd really serves, and says what is different in
// the file: a new certificate there helps nobody while the old one is served.
func Served(ctx context.Context, pairs []Pair, now time.Time) (found []Finding) {
	const area = "certificates"
	for _, p := range pairs {
		if p.Listen == "" {
			continue
		}
		at := fmt.Sprintf("%s as it is served at %s", p.Key, p.Listen)
		served, err := servedAt(ctx, p.Listen)
		if err != nil {
			found = append(found, Warned(area, fmt.Sprintf("%s cannot be seen from here: %v", at, bare(err)),
				"kioskd status says it; [ups] allow may keep this machine out, which is no fault"))
			continue
		}
		pair, err := plainfile.KeyPair(p.Cert, p.Private)
		switch {
		case err == nil && pair.Leaf.Equal(served):
			found = append(found, Ok(area, at+" is the certificate of the file"))
			continue
		case err == nil:
			found = append(found, Failed(area, fmt.Sprintf("%s is another (%s) than the file's (%s)", at,
				inShort(served), inShort(pair.Leaf)),
				"sudo systemctl reload kioskd; then kioskd status says why the new one is not served"))
		default: // which Certificates says
			found = append(found, Warned(area, fmt.Sprintf("%s is not in the files any more (%s)", at, inShort(served)),
				"put the certificate and its key there whole: kioskd goes on with the old one, but could not start "+
					"again"))
		}
		if f := expiry(area, p.Listen, served, now); f.State != OK {
			found = append(found, f)
		}
	}
	return found
}

func inShort(c *x509.Certificate) string {
	return fmt.Sprintf("serial %s, until %s", c.SerialNumber, c.NotAfter.UTC().Format(time.DateOnly))
}

// servedAt gives the certificate that a listener of this machine shows, to whoever it is and whatever becomes of the
// connection then.
func servedAt(ctx context.Context, listen string) (leaf *x509.Certificate, err error) {
	ctx, cancel := context.WithTimeout(ctx, publicWithin)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // it is looked at, not believed
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf = s.PeerCertificates[0]
			return nil
		},
	}}
	c, err := d.DialContext(ctx, "tcp", reachable(listen))
	if err == nil {
		c.Close()
	}
	if leaf == nil && err == nil {
		err = errors.New("no certificate")
	}
	if leaf != nil {
		err = nil
	}
	return leaf, err
}

// reachable is where this machine finds a listener: one on every network is on loopback too.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() && ip.Is4() {
		host = "127.0.0.1"
	} else if err == nil && ip.IsUnspecified() {
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
