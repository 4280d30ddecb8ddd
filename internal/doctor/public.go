package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"kioskd/internal/plainfile"
)

const (
	publicWithin = 5 * time.Second     // for each of: the name, the answer
	expiresSoon  = 21 * 24 * time.Hour // a certificate that is renewed by itself is so 30 days before its end
)

// Net is how the network is asked.
type Net struct {
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	Do     func(*http.Request) (*http.Response, error) // follows no redirect

	Guarded bool // not everybody may call the customers' side, so that this machine may be kept out of it
}

// TheNet is the real network. No proxy is asked: Glase comes from outside.
func TheNet() Net {
	client := http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true, TLSHandshakeTimeout: publicWithin},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return Net{
		Lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		Do: client.Do,
	}
}

// Public finds an address of the customers' side ([ups] public_url) that Glase cannot use: a name that nobody knows, a
// private address, a certificate that is over or of another name, another program's answer. running: a kioskd should
// answer there now. The question is a GET, which a kioskd refuses (405) and starts nothing.
func Public(ctx context.Context, n Net, public string, running bool, now time.Time) []Finding {
	const area = "ups"
	u, err := url.Parse(public)
	if err != nil || u.Hostname() == "" {
		return []Finding{Failed(area, "[ups] public_url is no URL", "kioskd check says what it must be")}
	}
	ctx, cancel := context.WithTimeout(ctx, publicWithin)
	defer cancel()
	addrs, err := n.Lookup(ctx, u.Hostname())
	if err != nil || len(addrs) == 0 {
		return []Finding{Failed(area, fmt.Sprintf("nobody knows the name %s: Glase cannot find this machine",
			u.Hostname()), "look at [ups] public_url, at the DNS record, and at this machine's own network")}
	}
	addr := addrs[0].Unmap()
	found := []Finding{Ok(area, fmt.Sprintf("%s is %s", u.Hostname(), addr))}
	if addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		found[0] = Warned(area, fmt.Sprintf("%s is %s, which nobody outside this network can reach", u.Hostname(),
			addr), "unless your Glase is on this network: set [ups] public_url to an address of the internet")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, public+"/createPurchase", nil)
	if err != nil {
		return append(found, Failed(area, "[ups] public_url is no URL", "kioskd check says what it must be"))
	}
	res, err := n.Do(r)
	if err != nil {
		return append(found, unanswered(public, err, running, n.Guarded))
	}
	res.Body.Close()
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		found = append(found, expiry("certificates", public, res.TLS.PeerCertificates[0], now))
	}
	switch {
	case res.StatusCode == http.StatusMethodNotAllowed:
		return append(found, Ok(area, public+"/createPurchase is a kiosk's"))
	case !running:
		return append(found, Ok(area, fmt.Sprintf("%s answers %s; no kioskd is running behind it", public, res.Status)))
	}
	return append(found, Failed(area, fmt.Sprintf("%s/createPurchase answers %s, which no kioskd does", public,
		res.Status),
		"look at the proxy's rule for this path, and at [ups] listen and path_prefix"))
}

// unanswered judges a public address that gives no answer to this machine itself.
func unanswered(public string, err error, running, guarded bool) Finding {
	const area = "ups"
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return Failed("certificates", fmt.Sprintf("the certificate at %s is of another name", public),
			"get one for the name in [ups] public_url")
	case errors.As(err, &authority):
		return Failed("certificates", fmt.Sprintf(
			"the certificate at %s is signed by nobody whom this machine knows, and Glase hardly more", public),
			"get one of a public authority, with its chain")
	case errors.As(err, &invalid):
		return Failed("certificates", fmt.Sprintf("the certificate at %s is not good: %v", public, invalid),
			"renew it; look at the clock too")
	case !running:
		return Ok(area, public+" does not answer; no kioskd is running behind it")
	case guarded:
		return Ok(area, public+
			" does not answer this machine, which [ups] allow or client_ca may keep out: only Glase can tell")
	}
	return Warned(area, fmt.Sprintf("%s does not answer this machine: %v", public, bare(err)),
		"try it from a phone on mobile data: many routers do not lead a machine to its own public address; else look "+
			"at the port forwarding and at the proxy")
}

// Certificates finds certificates of the config that are over, or soon are, or are of another name than the one they
// are used by.
func Certificates(pairs []Pair, now time.Time) []Finding {
	const area = "certificates"
	var found []Finding
	for _, p := range pairs {
		pair, err := plainfile.KeyPair(p.Cert, p.Private)
		if err != nil {
			found = append(found, Failed(area, fmt.Sprintf("%s: the certificate cannot be used: %v", p.Key, err),
				"put the certificate and its key where [ups] and [debug] name them, readable by kioskd's user"))
			continue
		}
		f := expiry(area, p.Key+" ("+p.Cert+")", pair.Leaf, now)
		if f.State == OK && p.Host != "" && pair.Leaf.VerifyHostname(p.Host) != nil {
			f = Warned(area, fmt.Sprintf("%s (%s) is not for the name %s, but for %s", p.Key, p.Cert, p.Host,
				strings.Join(pair.Leaf.DNSNames, ", ")),
				"get one for the name in public_url, unless a proxy in front has its own")
		}
		found = append(found, f)
	}
	return found
}

// Pair is a certificate and its private key, by their files.
type Pair struct {
	Key           string // the config's: "ups.tls_cert"
	Cert, Private string
	Host          string // the name that others use; "": any
	Listen        string // where it is served; "": nowhere
}

func expiry(area, what string, c *x509.Certificate, now time.Time) Finding {
	const renew = "renew it: kioskd serves the new one by itself"
	left := c.NotAfter.Sub(now)
	until := c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.Before(c.NotBefore):
		return Failed(area, fmt.Sprintf("%s: the certificate begins %s", what, c.NotBefore.UTC().Format(time.DateOnly)),
			"look at the clock; else get another certificate")
	case left <= 0:
		return Failed(area, fmt.Sprintf("%s: the certificate ended %s", what, until), renew)
	case left < expiresSoon:
		return Warned(area, fmt.Sprintf("%s: the certificate ends %s, in %d days", what, until, int(left.Hours()/24)),
			renew)
	}
	return Ok(area, fmt.Sprintf("%s: the certificate is good until %s", what, until))
}
