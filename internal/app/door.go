package app

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/cert"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/ups"
)

// pinHurry is what the time for the PIN is shortened to by unpaid sales in a row: enough for who has the phone in the
// hand, since the scan has just made this invoice.
const pinHurry = 20 * time.Second

// refusedEvery passes between two lines about callers that [ups] allow keeps out: somebody else decides how many
// there are.
const refusedEvery = time.Minute

// door is what is known of who calls the customers' side.
type door struct {
	log  zerolog.Logger
	wall func() time.Time

	mu      sync.Mutex
	refused uint64     // connections that [ups] allow kept out
	untold  uint64     // of them, since the last line
	last    netip.Addr // of the newest
	at      time.Time  // when it came
	said    time.Time
}

// callers is who may connect, for the customers' side.
func (d *door) callers(u config.UPS) ups.Callers {
	return ups.Callers{Allow: u.Allow, OneProxy: u.BehindProxy, Refused: d.keptOut}
}

// keptOut counts a caller, and says so once a minute.
func (d *door) keptOut(caller netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.wall()
	d.refused, d.untold, d.last, d.at = d.refused+1, d.untold+1, caller, now
	if since := now.Sub(d.said); 0 <= since && since < refusedEvery {
		return
	}
	d.log.Warn().Stringer("address", caller).Uint64("connections", d.untold).
		Msg("[ups] allow keeps out who calls from there")
	d.said, d.untold = now, 0
}

// count is how many connections [ups] allow has kept out since the start.
func (d *door) count() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused
}

// part is the customers' side as a technician sees it: who came, who was kept out, and whether sales are left unpaid.
// scanned is when a customer came last.
func (d *door) part(u config.UPS, s fsm.State, scanned time.Time) debug.Part {
	p := debug.Part{Name: "UPS", OK: true, What: "no customer has scanned since the start", Since: scanned}
	if !scanned.IsZero() {
		p.What = "a customer scanned"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused > 0 {
		p.What += fmt.Sprintf("; [ups] allow kept out %d connections, the last from %s", d.refused, d.last)
		if scanned.IsZero() { // it may be Glase itself
			p.OK, p.Since = false, d.at
			p.Do = "is that Glase, or your proxy? then its address belongs into [ups] allow: docs/security.md"
		}
	}
	if s.Hurried() {
		p.OK = false
		p.What = fmt.Sprintf("%d sales or more in a row were not paid: until one is, a customer has %v for the PIN",
			s.Unpaid, s.PinTime())
		p.Do = "somebody may be calling createPurchase without buying: docs/security.md"
		if len(u.Allow) == 0 && u.ClientCA == "" && !u.BehindProxy {
			p.Do = "somebody may be calling createPurchase without buying: say in [ups] allow who may; docs/security.md"
		}
	}
	return p
}

// certificates are what the ports serve, by the config's key; they are read anew when their files change.
type certificates map[string]*cert.Server

const (
	upsCert   = "ups.tls_cert"
	debugCert = "debug.tls_cert"
)

// openCertificates reads those that the config names.
func openCertificates(cfg config.Config, wall func() time.Time, log zerolog.Logger) (certificates, error) {
	all := certificates{}
	for key, files := range certificateFiles(cfg) {
		s, err := cert.New(key, files, wall, log)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if err := cert.Exposed(files.Key); err != nil {
			log.Warn().Err(err).Str("key", key).Msg("others on this machine can take the key: kioskd check refuses this")
		}
		all[key] = s
	}
	return all, nil
}

func certificateFiles(cfg config.Config) map[string]cert.Files {
	all := map[string]cert.Files{}
	if u := cfg.UPS; u.TLSCert != "" {
		all[upsCert] = cert.Files{Cert: u.TLSCert, Key: u.TLSKey, ClientCA: u.ClientCA}
	}
	if d := cfg.Debug; d.TLSCert != "" {
		all[debugCert] = cert.Files{Cert: d.TLSCert, Key: d.TLSKey}
	}
	return all
}

// Reload reads again what may be replaced while the kiosk runs: the certificates. What cannot be used leaves the old
// ones served; the error says why. No sale notices.
func (a *App) Reload() error {
	var errs []error
	for key, s := range a.certs {
		if err := s.Reload(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

// parts says whether each certificate that is served is the one in its files, and for how long it is good.
func (c certificates) parts(now time.Time) (all []debug.Part) {
	for _, key := range []string{upsCert, debugCert} {
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
			p.What = fmt.Sprintf("%s: the one in the files cannot be used (%v); the old one is served, until %s", key, problem, until)
		case now.After(leaf.NotAfter):
			p.OK, p.What, p.Do = false, fmt.Sprintf("%s: ended %s", key, until), "renew it; it is read again by itself"
		}
		all = append(all, p)
	}
	return all
}
