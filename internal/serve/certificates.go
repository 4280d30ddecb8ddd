package serve

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/cert"
	"kioskd/internal/config"
	"kioskd/internal/debug"
)

// Certificates are what the ports serve, by the config's key; they are read anew when their files change.
type Certificates map[string]*cert.Server

// The config's keys of certificates.
const (
	UPSCert   = "ups.tls_cert"
	DebugCert = "debug.tls_cert"
)

// OpenCertificates reads those that the config names.
func OpenCertificates(cfg config.Config, wall func() time.Time, log zerolog.Logger) (Certificates, error) {
	all := Certificates{}
	for key, files := range CertificateFiles(cfg) {
		s, err := cert.New(key, files, wall, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if err := cert.Exposed(files.Key); err != nil {
			log.Warn().Err(err).Str("key", key).
				Msg("others on this machine can take the key: kioskd check refuses this")
		}
		all[key] = s
	}
	return all, nil
}

// CertificateFiles are the certificates that the config names, by its key.
func CertificateFiles(cfg config.Config) map[string]cert.Files {
	all := map[string]cert.Files{}
	if u := cfg.UPS; u.TLSCert != "" {
		all[UPSCert] = cert.Files{Cert: u.TLSCert, Key: u.TLSKey, ClientCA: u.ClientCA}
	}
	if d := cfg.Debug; d.TLSCert != "" {
		all[DebugCert] = cert.Files{Cert: d.TLSCert, Key: d.TLSKey}
	}
	return all
}

// Reload reads them all again. What cannot be used leaves the old ones served; the error says why.
func (c Certificates) Reload() error {
	var errs []error
	for key, s := range c {
		if err := s.Reload(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

// DebugHosts are the names that the technicians' port may be called by: the configured one, and those of the
// certificate that it starts with.
func (c Certificates) DebugHosts(d config.Debug) (names []string) {
	if host, _, err := net.SplitHostPort(d.Listen); err == nil && host != "" {
		names = append(names, host)
	}
	served := c[DebugCert]
	if served == nil {
		return names
	}
	leaf, _ := served.State() // what is wrong with a newer one changes no name
	return append(names, leaf.DNSNames...)
}

// Parts says whether each certificate that is served is the one in its files, and for how long it is good.
func (c Certificates) Parts(now time.Time) (all []debug.Part) {
	for _, key := range []string{UPSCert, DebugCert} {
		s := c[key]
		if s == nil {
			continue
		}
		leaf, problem := s.State()
		until := leaf.NotAfter.UTC().Format(time.DateOnly)
		p := debug.Part{Name: "Certificate", OK: true}
		p.What = fmt.Sprintf("%s: good until %s, serial %s", key, until, leaf.SerialNumber)
		switch {
		case problem != nil:
			p.OK, p.Do = false, "put the certificate and its key there whole; it is read again by itself"
			p.What = fmt.Sprintf("%s: the one in the files cannot be used (%v); the old one is served, until %s", key,
				problem, until)
		case now.After(leaf.NotAfter):
			p.OK, p.What, p.Do = false, fmt.Sprintf("%s: ended %s", key, until), "renew it; it is read again by itself"
		}
		all = append(all, p)
	}
	return all
}
